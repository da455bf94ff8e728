import http from 'node:http';
import type { AddressInfo } from 'node:net';
import * as iam from '@aws-sdk/client-iam';
import * as rds from '@aws-sdk/client-rds';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { describe, expect, onTestFinished, test } from 'vitest';
import { contract } from '../../lab/aws/contract.ts';
import { checkError } from '../../lab/aws/models.ts';
import { ACCOUNT, clientConfig, REGION } from '../../lab/aws/moto.ts';
import { startAwsProxy } from '../../lab/aws/proxy.ts';
import { withMoto } from '../../lab/aws/suite.ts';
import { CONNECT, createPolicy, createRole, policyExists, useAccount } from './account.ts';

withMoto('the AWS emulator', (moto) => {
  const { proxied, opened, iamOf, rdsOf } = useAccount(moto);

  describe('through the proxy', () => {
    test('a policy, a role and an attachment are made and listed, and every call keeps to the models of AWS', async () => {
      const proxy = await proxied();
      const client = iamOf(proxy);
      const watched = contract(client, 'iam');
      const arn = await createPolicy(client, 'connect');
      await createRole(client, 'app');
      await client.send(new iam.AttachRolePolicyCommand({ RoleName: 'app', PolicyArn: arn }));
      const listed = await client.send(new iam.ListAttachedRolePoliciesCommand({ RoleName: 'app' }));
      expect(listed.AttachedPolicies).toEqual([{ PolicyName: 'connect', PolicyArn: arn }]);
      const whole = await client.send(new iam.GetAccountAuthorizationDetailsCommand({}));
      expect(whole.RoleDetailList?.map(({ RoleName }) => RoleName)).toEqual(['app']);
      const identity = await opened(new STSClient(clientConfig(proxy))).send(new GetCallerIdentityCommand({}));
      expect(identity.Account).toBe(ACCOUNT);

      const operations = [
        'CreatePolicy',
        'CreateRole',
        'AttachRolePolicy',
        'ListAttachedRolePolicies',
        'GetAccountAuthorizationDetails',
        'GetCallerIdentity',
      ];
      expect(proxy.calls().map(({ operation }) => operation)).toEqual(operations);
      const input = { PolicyName: 'connect', PolicyDocument: CONNECT, Tags: [{ Key: 'by', Value: 'test' }] };
      expect(proxy.calls()[0]).toEqual({
        service: 'iam',
        region: REGION,
        accessKeyId: 'AKIAROLECALLLAB00001',
        operation: 'CreatePolicy',
        input,
        nth: 0,
      });
      expect(proxy.violations()).toEqual([]);
      expect(watched.violations()).toEqual([]);
    });

    test('a cluster and its instance are made and described, and every call keeps to the models of AWS', async () => {
      const proxy = await proxied();
      const client = rdsOf(proxy);
      const watched = contract(client, 'rds');
      const login = { Engine: 'aurora-postgresql', EngineVersion: '16.6', MasterUsername: 'master', MasterUserPassword: 'not-a-password' };
      await client.send(new rds.CreateDBClusterCommand({ DBClusterIdentifier: 'orders', ...login, EnableIAMDatabaseAuthentication: true }));
      const member = {
        DBInstanceIdentifier: 'orders-1',
        DBInstanceClass: 'db.r6g.large',
        Engine: 'aurora-postgresql',
        DBClusterIdentifier: 'orders',
      };
      await client.send(new rds.CreateDBInstanceCommand(member));
      const { DBClusters } = await client.send(new rds.DescribeDBClustersCommand({}));
      expect(DBClusters?.[0]).toMatchObject({ DBClusterIdentifier: 'orders', IAMDatabaseAuthenticationEnabled: true });
      await client.send(new rds.DescribeDBInstancesCommand({ Filters: [{ Name: 'db-cluster-id', Values: ['orders'] }] }));
      expect(proxy.calls().at(-1)?.input).toEqual({ Filters: [{ Name: 'db-cluster-id', Values: ['orders'] }] });
      expect(proxy.violations()).toEqual([]);
      expect(watched.violations()).toEqual([]);
    });
  });

  describe('a fault', () => {
    const REFUSED = [
      ['throttle', 'Throttling', 400],
      ['unavailable', 'ServiceUnavailable', 503],
      ['expired-token', 'ExpiredToken', 403],
      ['access-denied', 'AccessDenied', 403],
      ['concurrent-modification', 'ConcurrentModification', 409],
    ] as const;
    test.each(REFUSED)('%s is answered by the error %s, and nothing is done', async (fault, code, status) => {
      const proxy = await proxied(({ operation }) => (operation === 'CreatePolicy' ? fault : undefined));
      const error = await createPolicy(iamOf(proxy), 'connect').catch((thrown) => thrown);
      expect([error.Code ?? error.name, error.$metadata.httpStatusCode]).toEqual([code, status]);
      expect(await policyExists(iamOf(proxy), 'connect')).toBe(false);
      expect(proxy.calls().map(({ operation, fault: met }) => [operation, met])).toEqual([
        ['CreatePolicy', fault],
        ['ListPolicies', undefined],
      ]);
    });

    test('access denied says to whom, and for which action', async () => {
      const client = rdsOf(await proxied(() => 'access-denied'));
      const denied = client.send(new rds.DescribeDBClustersCommand({}));
      await expect(denied).rejects.toThrow(/^User: arn:aws:sts::123456789012:\S+ is not authorized to perform: rds:DescribeDBClusters /);
    });

    const BROKEN = [
      ['reset-before', false],
      ['reset-after', true],
      ['truncated', true],
    ] as const;
    test.each(BROKEN)('%s breaks the connection; was the work done: %s', async (fault, done) => {
      const proxy = await proxied(({ operation }) => (operation === 'CreatePolicy' ? fault : undefined));
      await expect(createPolicy(iamOf(proxy), 'connect')).rejects.toThrow();
      expect(await policyExists(iamOf(proxy), 'connect')).toBe(done);
    });

    test('a delay: the call arrives late', async () => {
      const proxy = await proxied(({ operation }) => (operation === 'CreatePolicy' ? { delayMs: 1000 } : undefined));
      const late = createPolicy(iamOf(proxy), 'connect');
      expect(await policyExists(iamOf(moto()), 'connect')).toBe(false);
      await late;
      expect(await policyExists(iamOf(moto()), 'connect')).toBe(true);
    });

    test('that happens once is survived by the retries of the SDK', async () => {
      const proxy = await proxied(({ nth }) => (nth === 0 ? 'throttle' : undefined));
      await createPolicy(iamOf(proxy, 3), 'connect');
      expect(proxy.calls().map(({ operation, nth }) => [operation, nth])).toEqual([
        ['CreatePolicy', 0],
        ['CreatePolicy', 1],
      ]);
    });
  });

  describe('pages', () => {
    const names = async (pages: AsyncIterable<object>, lists: readonly string[], name: string) => {
      const found: unknown[] = [];
      let count = 0;
      for await (const page of pages) {
        count++;
        for (const list of lists)
          for (const item of (page as Readonly<Record<string, Record<string, unknown>[] | undefined>>)[list] ?? []) found.push(item[name]);
      }
      return { found: found.sort(), count };
    };

    test('of the whole account: each holds so many of its users, groups, roles and policies together', async () => {
      const proxy = await proxied(undefined, { pageSize: 2 });
      const client = iamOf(proxy);
      const watched = contract(client, 'iam');
      for (const name of ['u1', 'u2', 'u3']) await client.send(new iam.CreateUserCommand({ UserName: name }));
      await client.send(new iam.CreateGroupCommand({ GroupName: 'g1' }));
      await createRole(client, 'r1');
      const arn = await createPolicy(client, 'p1');
      await client.send(new iam.AttachGroupPolicyCommand({ GroupName: 'g1', PolicyArn: arn }));
      const sizes: number[][] = [];
      const seen: unknown[] = [];
      for await (const page of iam.paginateGetAccountAuthorizationDetails({ client }, {})) {
        const { UserDetailList: users = [], GroupDetailList: groups = [], RoleDetailList: roles = [], Policies: policies = [] } = page;
        sizes.push([users.length, groups.length, roles.length, policies.length]);
        seen.push(...users.map(({ UserName }) => UserName), ...groups.map(({ GroupName }) => GroupName));
        seen.push(...roles.map(({ RoleName }) => RoleName), ...policies.map(({ PolicyName }) => PolicyName));
      }
      expect(sizes).toEqual([
        [2, 0, 0, 0],
        [1, 1, 0, 0],
        [0, 0, 1, 1],
      ]);
      expect(seen).toEqual(['u1', 'u2', 'u3', 'g1', 'r1', 'p1']);
      expect(proxy.violations()).toEqual([]);
      expect(watched.violations()).toEqual([]);
    });

    test('of lists, of RDS too, of a size that the client may make smaller, not larger', async () => {
      const proxy = await proxied(undefined, { pageSize: 2 });
      const client = iamOf(proxy);
      const all = ['n1', 'n2', 'n3', 'n4', 'n5'];
      for (const name of all) {
        await client.send(new iam.CreateUserCommand({ UserName: name }));
        await client.send(new iam.CreateGroupCommand({ GroupName: name }));
        await createRole(client, name);
      }
      expect(await names(iam.paginateListUsers({ client }, {}), ['Users'], 'UserName')).toEqual({ found: all, count: 3 });
      expect(await names(iam.paginateListGroups({ client }, { MaxItems: 1 }), ['Groups'], 'GroupName')).toEqual({ found: all, count: 5 });
      expect(await names(iam.paginateListRoles({ client }, { MaxItems: 100 }), ['Roles'], 'RoleName')).toEqual({ found: all, count: 3 });

      const servers = rdsOf(proxy);
      const master = { MasterUsername: 'master', MasterUserPassword: 'not-a-password' };
      for (const name of all) {
        const instance = { DBInstanceIdentifier: name, DBInstanceClass: 'db.t4g.micro', Engine: 'postgres', AllocatedStorage: 20 };
        await servers.send(new rds.CreateDBInstanceCommand({ ...instance, ...master }));
        await servers.send(new rds.CreateDBClusterCommand({ DBClusterIdentifier: name, Engine: 'aurora-postgresql', ...master }));
      }
      const instances = rds.paginateDescribeDBInstances({ client: servers }, {});
      expect(await names(instances, ['DBInstances'], 'DBInstanceIdentifier')).toEqual({ found: all, count: 3 });
      const clusters = rds.paginateDescribeDBClusters({ client: servers }, {});
      expect(await names(clusters, ['DBClusters'], 'DBClusterIdentifier')).toEqual({ found: all, count: 3 });
      expect(proxy.violations()).toEqual([]);
    });

    test("join the emulator's own pages first", async () => {
      const client = iamOf(await proxied(undefined, { pageSize: 100 }));
      const direct = iamOf(moto());
      for (let number = 0; number < 103; number++) await createPolicy(direct, `p${number}`);
      expect((await direct.send(new iam.ListPoliciesCommand({ Scope: 'Local' }))).Policies?.length).toBe(100);
      expect((await names(iam.paginateListPolicies({ client }, { Scope: 'Local' }), ['Policies'], 'PolicyName')).found.length).toBe(103);
    });
  });

  describe('the contract', () => {
    const WRONG = [
      [
        'a value of the wrong form',
        { PolicyName: 'two words', PolicyDocument: CONNECT },
        'CreatePolicy input.PolicyName: "two words" does not match [\\w+=,.@-]+',
      ],
      ['what is required and missing', { PolicyName: 'connect' }, "CreatePolicy input: required 'PolicyDocument' is missing"],
      [
        'what is too long',
        { PolicyName: 'x'.repeat(129), PolicyDocument: CONNECT },
        'CreatePolicy input.PolicyName: 129 characters, more than 128',
      ],
      [
        'too many items',
        { PolicyName: 'p', PolicyDocument: CONNECT, Tags: Array.from({ length: 51 }, (_, n) => ({ Key: `k${n}`, Value: '' })) },
        'CreatePolicy input.Tags: 51 items, more than 50',
      ],
    ] as const;
    test.each(WRONG)('finds %s in a request, at the client and at the proxy', async (_, input, violation) => {
      const proxy = await proxied();
      const client = iamOf(proxy);
      const watched = contract(client, 'iam');
      await client.send(new iam.CreatePolicyCommand(input as unknown as iam.CreatePolicyCommandInput)).catch(() => {});
      expect(watched.violations()).toContain(violation);
      expect(proxy.violations()).toContain(violation);
    });

    test('finds a parameter that no model knows', async () => {
      const client = iamOf(await proxied());
      const watched = contract(client, 'iam');
      await createPolicy(client, 'connect');
      const input = { Scope: 'Mine', Colour: 'red' } as unknown as iam.ListPoliciesCommandInput;
      await client.send(new iam.ListPoliciesCommand(input)).catch(() => {});
      expect(watched.violations()).toEqual([
        "ListPolicies input.Scope: 'Mine' is none of All, AWS, Local",
        "ListPolicies input: unknown 'Colour'",
      ]);
    });

    test('finds answers and errors that AWS would not give', async () => {
      const stranger = http.createServer((_, response) => {
        const path = '<Path>no-slash</Path>';
        response.end(
          `<GetGroupResponse><GetGroupResult><Group>${path}</Group><Users/><Colour>red</Colour></GetGroupResult></GetGroupResponse>`,
        );
      });
      const port = await new Promise<number>((resolve) =>
        stranger.listen(0, '127.0.0.1', () => resolve((stranger.address() as AddressInfo).port)),
      );
      onTestFinished(() => void stranger.close());
      const proxy = await startAwsProxy({ port });
      onTestFinished(proxy.close);
      await iamOf(proxy).send(new iam.GetGroupCommand({ GroupName: 'g' }));
      expect(proxy.violations()).toEqual([
        'GetGroup: unknown <Colour>',
        ...['GroupName', 'GroupId', 'Arn', 'CreateDate'].map((name) => `GetGroup output.Group: required '${name}' is missing`),
        expect.stringMatching(/^GetGroup output\.Group\.Path: "no-slash" does not match /),
      ]);
      expect(checkError('iam', 'GetGroup', 'LimitExceeded', 409)).toEqual(["GetGroup error: 'LimitExceeded', which it never answers"]);
      expect(checkError('iam', 'CreateGroup', 'LimitExceeded', 400)).toEqual([
        "CreateGroup error: 'LimitExceeded' with status 400, not 409",
      ]);
      expect(checkError('iam', 'CreateGroup', 'LimitExceeded', 409)).toEqual([]);
    });
  });

  test('judged by the policies of who calls, a user may do what they allow and nothing else', async () => {
    const direct = iamOf(moto());
    const may = JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: ['iam:ListUsers'], Resource: '*' }] });
    await direct.send(new iam.CreateUserCommand({ UserName: 'ann' }));
    await direct.send(new iam.PutUserPolicyCommand({ UserName: 'ann', PolicyName: 'list', PolicyDocument: may }));
    const { AccessKey } = await direct.send(new iam.CreateAccessKeyCommand({ UserName: 'ann' }));
    const credentials = { accessKeyId: AccessKey?.AccessKeyId ?? '', secretAccessKey: AccessKey?.SecretAccessKey ?? '' };
    for (const endpoint of [moto(), await proxied(), await proxied(undefined, { pageSize: 1 })]) {
      const client = opened(new iam.IAMClient({ ...clientConfig(endpoint), credentials, maxAttempts: 1 }));
      await moto().judge(true);
      await client.send(new iam.ListUsersCommand({}));
      await expect(client.send(new iam.ListRolesCommand({}))).rejects.toThrow(/ann is not authorized to perform: iam:ListRoles/);
      await moto().judge(false);
    }
  });
});
