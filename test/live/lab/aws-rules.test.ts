import * as iam from '@aws-sdk/client-iam';
import * as rds from '@aws-sdk/client-rds';
import { expect, test } from 'vitest';
import { clientConfig } from '../../lab/aws/moto.ts';
import { withMoto } from '../../lab/aws/suite.ts';
import { CONNECT, createPolicy, createRole, document, INSTANCE, policyExists, TRUST, useAccount } from './account.ts';

// What AWS documents and moto lacks, added by us in moto_fixes.py: no evidence by a third party.
withMoto('our corrections of the AWS emulator', (moto) => {
  const { proxied, iamOf, rdsOf } = useAccount(moto);
  const refused = async (call: Promise<unknown>): Promise<unknown[]> => {
    const error = await call.then(
      () => ({ name: 'nothing' }) as Partial<iam.IAMServiceException>,
      (thrown) => thrown as iam.IAMServiceException,
    );
    return [error.name, error.$metadata?.httpStatusCode];
  };
  const CONFLICT = ['EntityAlreadyExistsException', 409];
  const LIMIT = ['LimitExceededException', 409];
  const DELETE = ['DeleteConflictException', 409];

  test('names are unique whatever their case and path', async () => {
    const proxy = await proxied();
    const client = iamOf(proxy);
    await createPolicy(client, 'connect');
    await createRole(client, 'app');
    await client.send(new iam.CreateUserCommand({ UserName: 'ann' }));
    await client.send(new iam.CreateGroupCommand({ GroupName: 'team' }));
    const policy = new iam.CreatePolicyCommand({ PolicyName: 'Connect', Path: '/other/', PolicyDocument: CONNECT });
    expect(await refused(client.send(policy))).toEqual(CONFLICT);
    expect(await refused(createRole(client, 'App'))).toEqual(CONFLICT);
    expect(await refused(client.send(new iam.CreateUserCommand({ UserName: 'Ann' })))).toEqual(CONFLICT);
    expect(await refused(client.send(new iam.CreateGroupCommand({ GroupName: 'Team' })))).toEqual(CONFLICT);
    expect(proxy.violations()).toEqual([]);
  });

  test('a policy holds 6,144 characters, not counting white space', async () => {
    const proxy = await proxied();
    const client = iamOf(proxy);
    const fits = document(`arn:aws:rds-db:*:*:dbuser:*/${'x'.repeat(6144 - document('arn:aws:rds-db:*:*:dbuser:*/').length)}`);
    const arn = await createPolicy(client, 'full', JSON.stringify(JSON.parse(fits), null, 2));
    expect(await refused(createPolicy(client, 'over', fits.replace('/x', '/xx')))).toEqual(LIMIT);
    const version = new iam.CreatePolicyVersionCommand({ PolicyArn: arn, PolicyDocument: fits.replace('/x', '/xx') });
    expect(await refused(client.send(version))).toEqual(LIMIT);
    expect(proxy.violations()).toEqual([]);
  });

  test('a policy has 5 versions, and goes only when it has one and nobody holds it', async () => {
    const proxy = await proxied();
    const client = iamOf(proxy);
    const PolicyArn = await createPolicy(client, 'connect');
    await createRole(client, 'app');
    await client.send(new iam.AttachRolePolicyCommand({ RoleName: 'app', PolicyArn }));
    expect(await refused(client.send(new iam.DeletePolicyCommand({ PolicyArn })))).toEqual(DELETE);
    expect(await refused(client.send(new iam.DeleteRoleCommand({ RoleName: 'app' })))).toEqual(DELETE);
    await client.send(new iam.DetachRolePolicyCommand({ RoleName: 'app', PolicyArn }));
    const version = { PolicyArn, PolicyDocument: CONNECT, SetAsDefault: true };
    for (let number = 2; number <= 5; number++) await client.send(new iam.CreatePolicyVersionCommand(version));
    expect(await refused(client.send(new iam.CreatePolicyVersionCommand(version)))).toEqual(LIMIT);
    expect(await refused(client.send(new iam.DeletePolicyCommand({ PolicyArn })))).toEqual(DELETE);
    for (const VersionId of ['v1', 'v2', 'v3', 'v4']) await client.send(new iam.DeletePolicyVersionCommand({ PolicyArn, VersionId }));
    await client.send(new iam.DeletePolicyCommand({ PolicyArn }));
    expect(await policyExists(client, 'connect')).toBe(false);
    expect(proxy.violations()).toEqual([]);
  });

  test('a role, a user, a group holds 10 policies; attaching twice changes nothing', async () => {
    const proxy = await proxied();
    const client = iamOf(proxy);
    await createRole(client, 'app');
    await client.send(new iam.CreateUserCommand({ UserName: 'app' }));
    await client.send(new iam.CreateGroupCommand({ GroupName: 'app' }));
    const arns: string[] = [];
    for (let number = 1; number <= 11; number++) arns.push(await createPolicy(client, `p${number}`));
    const attach = [
      (PolicyArn: string) => client.send(new iam.AttachRolePolicyCommand({ RoleName: 'app', PolicyArn })),
      (PolicyArn: string) => client.send(new iam.AttachUserPolicyCommand({ UserName: 'app', PolicyArn })),
      (PolicyArn: string) => client.send(new iam.AttachGroupPolicyCommand({ GroupName: 'app', PolicyArn })),
    ];
    for (const to of attach) {
      for (const arn of arns.slice(0, 10)) await to(arn);
      await to(arns[0] ?? '');
      expect(await refused(to(arns[10] ?? ''))).toEqual(LIMIT);
    }
    const { Policies = [] } = await client.send(new iam.GetAccountAuthorizationDetailsCommand({ Filter: ['LocalManagedPolicy'] }));
    const counts = Policies.map(({ PolicyName, AttachmentCount }) => [PolicyName, AttachmentCount] as const);
    expect(Object.fromEntries(counts)).toMatchObject({ p1: 3, p10: 3, p11: 0 });
    expect(await refused(client.send(new iam.DeleteGroupCommand({ GroupName: 'app' })))).toEqual(DELETE);
    expect(proxy.violations()).toEqual([]);
  });

  test('users and roles have boundaries, and the whole account shows them', async () => {
    const proxy = await proxied();
    const client = iamOf(proxy);
    const PermissionsBoundary = await createPolicy(client, 'fence');
    await client.send(new iam.CreateUserCommand({ UserName: 'made', PermissionsBoundary }));
    await client.send(new iam.CreateUserCommand({ UserName: 'put' }));
    await client.send(new iam.PutUserPermissionsBoundaryCommand({ UserName: 'put', PermissionsBoundary }));
    await client.send(new iam.CreateUserCommand({ UserName: 'none', PermissionsBoundary }));
    await client.send(new iam.DeleteUserPermissionsBoundaryCommand({ UserName: 'none' }));
    await client.send(new iam.CreateRoleCommand({ RoleName: 'role', AssumeRolePolicyDocument: TRUST, PermissionsBoundary }));
    const { UserDetailList: users = [], RoleDetailList: roles = [] } = await client.send(new iam.GetAccountAuthorizationDetailsCommand({}));
    const fences = [...users, ...roles].map((holder) => holder.PermissionsBoundary?.PermissionsBoundaryArn);
    expect(fences).toEqual([PermissionsBoundary, PermissionsBoundary, undefined, PermissionsBoundary]);
    const { User } = await client.send(new iam.GetUserCommand({ UserName: 'made' }));
    expect(User?.PermissionsBoundary?.PermissionsBoundaryArn).toBe(PermissionsBoundary);
    expect(proxy.violations()).toEqual([]);
  });

  test('policy documents come URL-encoded', async () => {
    const client = iamOf(await proxied());
    const PolicyArn = await createPolicy(client, 'connect');
    const { PolicyVersion } = await client.send(new iam.GetPolicyVersionCommand({ PolicyArn, VersionId: 'v1' }));
    const { Policies } = await client.send(new iam.GetAccountAuthorizationDetailsCommand({}));
    for (const text of [PolicyVersion?.Document, Policies?.[0]?.PolicyVersionList?.[0]?.Document]) {
      expect(text).toMatch(/^%7B/);
      expect(decodeURIComponent(text ?? '')).toBe(CONNECT);
    }
  });

  test('each instance has a resource id of its own', async () => {
    const client = rdsOf(await proxied());
    const ids: unknown[] = [];
    for (const DBInstanceIdentifier of ['one', 'two']) {
      const create = new rds.CreateDBInstanceCommand({ ...INSTANCE, DBInstanceIdentifier });
      ids.push((await client.send(create)).DBInstance?.DbiResourceId);
    }
    expect(ids).toEqual([expect.stringMatching(/^db-[A-Z0-9]{26}$/), expect.stringMatching(/^db-[A-Z0-9]{26}$/)]);
    expect(ids[0]).not.toBe(ids[1]);
  });

  test.each(['aurora-postgresql', 'postgres'])('IAM authentication of a cluster (%s) is set, pending, and unset', async (Engine) => {
    const proxy = await proxied();
    const client = rdsOf(proxy);
    const DBClusterIdentifier = 'orders';
    const size =
      Engine === 'postgres' ? { DBClusterInstanceClass: 'db.m6gd.large', AllocatedStorage: 100, StorageType: 'io1', Iops: 1000 } : {};
    const master = { MasterUsername: 'master', MasterUserPassword: 'not-a-password' };
    const create = { DBClusterIdentifier, Engine, ...size, ...master, EnableIAMDatabaseAuthentication: true };
    await client.send(new rds.CreateDBClusterCommand(create));
    const flags = async () => {
      const { DBClusters: [cluster] = [] } = await client.send(new rds.DescribeDBClustersCommand({ DBClusterIdentifier }));
      return [cluster?.IAMDatabaseAuthenticationEnabled, cluster?.PendingModifiedValues?.IAMDatabaseAuthenticationEnabled];
    };
    const modify = (EnableIAMDatabaseAuthentication: boolean, ApplyImmediately: boolean) =>
      client.send(new rds.ModifyDBClusterCommand({ DBClusterIdentifier, EnableIAMDatabaseAuthentication, ApplyImmediately }));
    expect(await flags()).toEqual([true, undefined]);
    await modify(false, false);
    expect(await flags()).toEqual([true, false]);
    await modify(false, true);
    expect(await flags()).toEqual([false, undefined]);
    await modify(true, true);
    expect(await flags()).toEqual([true, undefined]);
    expect(proxy.violations()).toEqual([]);
  });

  test('logs of a cluster are exported, and no more', async () => {
    const proxy = await proxied();
    const client = rdsOf(proxy);
    expect(await exportsOf(client, { EnableLogTypes: ['postgresql', 'iam-db-auth-error'] })).toEqual(['iam-db-auth-error', 'postgresql']);
    expect(await exportsOf(client, { DisableLogTypes: ['postgresql'] }, false)).toEqual(['iam-db-auth-error']);
    expect(proxy.violations()).toEqual([]);
  });

  test('IAM authentication of an instance is set, pending, and unset', async () => {
    const proxy = await proxied();
    const client = rdsOf(proxy);
    const DBInstanceIdentifier = 'orders';
    await client.send(new rds.CreateDBInstanceCommand({ ...INSTANCE, DBInstanceIdentifier }));
    const flags = async () => {
      const { DBInstances: [instance] = [] } = await client.send(new rds.DescribeDBInstancesCommand({ DBInstanceIdentifier }));
      return [instance?.IAMDatabaseAuthenticationEnabled, instance?.PendingModifiedValues?.IAMDatabaseAuthenticationEnabled];
    };
    const modify = (EnableIAMDatabaseAuthentication: boolean, ApplyImmediately: boolean) =>
      client.send(new rds.ModifyDBInstanceCommand({ DBInstanceIdentifier, EnableIAMDatabaseAuthentication, ApplyImmediately }));
    expect(await flags()).toEqual([false, undefined]);
    await modify(true, false);
    expect(await flags()).toEqual([false, true]);
    await modify(true, true);
    expect(await flags()).toEqual([true, undefined]);
    await modify(false, true);
    expect(await flags()).toEqual([false, undefined]);
    const nobody = rdsOf(proxy).send(new rds.ModifyDBClusterCommand({ DBClusterIdentifier: 'nobody' }));
    expect(await refused(nobody)).toEqual(['DBClusterNotFoundFault', 404]);
    expect(proxy.violations()).toEqual([]);
  });
});

// Where one of these fails, moto has learnt the rule, and its correction can go.
withMoto(
  'the AWS emulator as it comes',
  (moto) => {
    const LACKS: readonly [string, (client: iam.IAMClient) => Promise<unknown>, unknown][] = [
      ['names that differ in case alone', async (c) => [await policy(c, 'p'), await policy(c, 'P')].length, 2],
      ['6,144 characters', async (c) => (await policy(c, 'p', document(`arn:aws:rds-db:*:*:dbuser:*/${'x'.repeat(6200)}`))) !== '', true],
      ['10 attachments', async (c) => (await attached(c, 11)).length, 11],
      ['the count of attachments', async (c) => (await details(c, 'p')).Policies?.[0]?.AttachmentCount, 1],
      ['encoded documents', async (c) => (await details(c, 'p')).Policies?.[0]?.PolicyVersionList?.[0]?.Document, CONNECT],
      ['conflicts when a held policy is deleted', async (c) => await deletable(c), true],
      ['the status of a reached limit', async (c) => await sixVersions(c), 400],
    ];
    test.each(LACKS)('lacks %s', async (_, probe, found) => {
      await moto().reset();
      const client = new iam.IAMClient({ ...clientConfig(moto()), maxAttempts: 1 });
      expect(await probe(client)).toEqual(found);
      client.destroy();
    });

    const policy = async (client: iam.IAMClient, PolicyName: string, PolicyDocument = CONNECT): Promise<string> =>
      (await client.send(new iam.CreatePolicyCommand({ PolicyName, PolicyDocument }))).Policy?.Arn ?? '';
    const attached = async (client: iam.IAMClient, count: number) => {
      await client.send(new iam.CreateRoleCommand({ RoleName: 'r', AssumeRolePolicyDocument: TRUST }));
      for (let number = 0; number < count; number++) {
        await client.send(new iam.AttachRolePolicyCommand({ RoleName: 'r', PolicyArn: await policy(client, `p${number}`) }));
      }
      return (await client.send(new iam.ListAttachedRolePoliciesCommand({ RoleName: 'r' }))).AttachedPolicies ?? [];
    };
    const details = async (client: iam.IAMClient, name: string) => {
      await policy(client, name);
      return await client.send(new iam.GetAccountAuthorizationDetailsCommand({ Filter: ['LocalManagedPolicy'] }));
    };
    const deletable = async (client: iam.IAMClient) => {
      const [held] = await attached(client, 1);
      await client.send(new iam.DeletePolicyCommand({ PolicyArn: held?.PolicyArn }));
      return true;
    };
    const sixVersions = async (client: iam.IAMClient) => {
      const PolicyArn = await policy(client, 'p');
      const version = new iam.CreatePolicyVersionCommand({ PolicyArn, PolicyDocument: CONNECT });
      for (let number = 2; number <= 5; number++) await client.send(version);
      return await client.send(version).catch((error) => error.$metadata.httpStatusCode);
    };

    test('lacks the export of logs of a cluster that is there', async () => {
      const client = new rds.RDSClient({ ...clientConfig(moto()), maxAttempts: 1 });
      expect(await exportsOf(client, { EnableLogTypes: ['postgresql'] })).toEqual([]);
      client.destroy();
    });

    test('lacks resource ids of instances, and IAM authentication switched on and off as RDS does', async () => {
      const client = new rds.RDSClient({ ...clientConfig(moto()), maxAttempts: 1 });
      const create = async (DBInstanceIdentifier: string) => {
        const { DBInstance } = await client.send(new rds.CreateDBInstanceCommand({ ...INSTANCE, DBInstanceIdentifier }));
        return DBInstance?.DbiResourceId;
      };
      expect(await create('one')).toBe(await create('two'));
      const later = { DBInstanceIdentifier: 'one', EnableIAMDatabaseAuthentication: true, ApplyImmediately: false };
      const { DBInstance } = await client.send(new rds.ModifyDBInstanceCommand(later));
      expect(DBInstance?.IAMDatabaseAuthenticationEnabled).toBe(true);
      const master = { MasterUsername: 'master', MasterUserPassword: 'not-a-password' };
      const flags = { EnableIAMDatabaseAuthentication: true };
      await client.send(new rds.CreateDBClusterCommand({ DBClusterIdentifier: 'c', Engine: 'aurora-postgresql', ...master }));
      const { DBCluster } = await client.send(
        new rds.ModifyDBClusterCommand({ DBClusterIdentifier: 'c', ...flags, ApplyImmediately: true }),
      );
      expect(DBCluster?.IAMDatabaseAuthenticationEnabled).toBe(false);
      client.destroy();
    });
  },
  { unfixed: true },
);

/** What a cluster exports after the change; `fresh`: it is made first. */
async function exportsOf(client: rds.RDSClient, change: rds.CloudwatchLogsExportConfiguration, fresh = true): Promise<readonly string[]> {
  const name = { DBClusterIdentifier: 'exports' };
  const master = { MasterUsername: 'master', MasterUserPassword: 'not-a-password' };
  if (fresh) await client.send(new rds.CreateDBClusterCommand({ ...name, Engine: 'aurora-postgresql', ...master }));
  await client.send(new rds.ModifyDBClusterCommand({ ...name, CloudwatchLogsExportConfiguration: change }));
  const { DBClusters: [cluster] = [] } = await client.send(new rds.DescribeDBClustersCommand(name));
  return [...(cluster?.EnabledCloudwatchLogsExports ?? [])].sort();
}
