import fs from 'node:fs';
import net from 'node:net';
import {
  AttachRolePolicyCommand,
  AttachUserPolicyCommand,
  CreateAccessKeyCommand,
  CreatePolicyCommand,
  CreateRoleCommand,
  CreateUserCommand,
  DeleteAccessKeyCommand,
  DeleteRolePolicyCommand,
  DetachUserPolicyCommand,
  IAMClient,
  PutRolePermissionsBoundaryCommand,
  PutRolePolicyCommand,
  PutUserPolicyCommand,
  UpdateAccessKeyCommand,
} from '@aws-sdk/client-iam';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { Signer } from '@aws-sdk/rds-signer';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clientConfig } from '../../lab/aws/moto.ts';
import { withMoto } from '../../lab/aws/suite.ts';
import { isInstalled } from '../../lab/binaries.ts';
import { type RdsLike, startRdsLike } from '../../lab/iam/rds-like.ts';
import { WANTED } from '../../lab/majors.ts';

type Credentials = { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string };

const PAM = 'PAM authentication failed for user "app"';

/** What the client sees of an attempt: '' when it got in, else `code message`. */
const attempt = async (config: pg.ClientConfig, sql = 'SELECT 1'): Promise<string> => {
  const client = new pg.Client(config);
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query(sql);
    await client.end();
    return '';
  } catch (error) {
    const { code, message } = error as Error & { readonly code?: string };
    return `${code} ${message}`;
  }
};

const document = (resource: string | readonly string[], effect = 'Allow'): string =>
  JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: effect, Action: 'rds-db:connect', Resource: resource }] });

const TRUST = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { AWS: '*' }, Action: 'sts:AssumeRole' }],
});

/** What libpq's PQcancel sends. */
const cancel = async ({ via }: RdsLike, pid: number, key: number): Promise<void> => {
  const packet = Buffer.alloc(16);
  [16, 80_877_102, pid, key].forEach((value, at) => {
    packet.writeInt32BE(value, at * 4);
  });
  const socket = net.connect(via.port, via.host, () => socket.end(packet));
  await new Promise((resolve) => socket.on('close', resolve));
};

withMoto('a server that looks like RDS', (moto) => {
  for (const major of [13, 16, 18].filter((wanted) => WANTED.includes(wanted) && isInstalled(wanted))) {
    describe(`PostgreSQL ${major}`, () => {
      let db: RdsLike;
      let ann: Credentials;
      const iam = () => new IAMClient(clientConfig(moto()));
      const token = (credentials: Credentials, changes: object = {}): Promise<string> => {
        const { host: hostname, port } = db.endpoint;
        return new Signer({ hostname, port, region: db.region, username: 'app', credentials, ...changes }).getAuthToken();
      };
      const login = async (credentials: Credentials, changes: object = {}): Promise<string> =>
        await attempt(db.clientConfig('app', await token(credentials, changes)));
      const decision = () => db.front.log().at(-1);
      const newUser = async (name: string): Promise<Credentials> => {
        await iam().send(new CreateUserCommand({ UserName: name }));
        const { AccessKey } = await iam().send(new CreateAccessKeyCommand({ UserName: name }));
        return { accessKeyId: AccessKey?.AccessKeyId ?? '', secretAccessKey: AccessKey?.SecretAccessKey ?? '' };
      };
      const newPolicy = async (name: string, text: string): Promise<string> =>
        (await iam().send(new CreatePolicyCommand({ PolicyName: name, PolicyDocument: text }))).Policy?.Arn ?? '';
      const session = async (role: string, policy?: string): Promise<Credentials> => {
        const request = { RoleArn: `arn:aws:iam::${db.account}:role/team/${role}`, RoleSessionName: 'me' };
        const sts = new STSClient(clientConfig(moto()));
        const { Credentials: made } = await sts.send(new AssumeRoleCommand({ ...request, ...(policy ? { Policy: policy } : {}) }));
        const [accessKeyId = '', secretAccessKey = '', sessionToken = ''] = [made?.AccessKeyId, made?.SecretAccessKey, made?.SessionToken];
        return { accessKeyId, secretAccessKey, sessionToken };
      };

      // biome-ignore lint/correctness/noEmptyPattern: vitest wants the first argument's fixtures by pattern, and hands out the suite as the second
      beforeAll(async ({}, suite) => {
        await moto().reset();
        db = await startRdsLike({ major, moto: moto() });
        Object.assign(suite.meta, { postgres: db.server.version });
        await db.server.query(
          db.server.master,
          'postgres',
          `CREATE ROLE app LOGIN PASSWORD 'secret'; CREATE ROLE via_group LOGIN; CREATE ROLE clients;
           CREATE ROLE plain LOGIN PASSWORD 'secret'; CREATE ROLE closed NOLOGIN;`,
        );
        await db.server.query(db.server.master, 'postgres', 'GRANT rds_iam TO app, clients, closed; GRANT clients TO via_group');
        ann = await newUser('ann');
      });
      afterAll(async () => await db?.stop());

      test('a token opens nothing without a policy, and for that reason', async () => {
        expect(await login(ann)).toBe(`28000 ${PAM}`);
        expect(decision()).toEqual({
          user: 'app',
          database: 'postgres',
          tls: true,
          outcome: 'refused',
          reason: `arn:aws:iam::${db.account}:user/ann is not authorized to perform rds-db:connect on ${db.arn('app')}: no policy allows it`,
          principal: `arn:aws:iam::${db.account}:user/ann`,
        });
      });

      test('a policy opens from when it is attached until it is detached', async () => {
        const PolicyArn = await newPolicy('connect', document(db.arn('app')));
        expect(await login(ann)).toBe(`28000 ${PAM}`);
        await iam().send(new AttachUserPolicyCommand({ UserName: 'ann', PolicyArn }));
        expect(await login(ann)).toBe('');
        expect(decision()).toMatchObject({ outcome: 'token', principal: `arn:aws:iam::${db.account}:user/ann` });
        await iam().send(new DetachUserPolicyCommand({ UserName: 'ann', PolicyArn }));
        expect(await login(ann)).toBe(`28000 ${PAM}`);
      });

      describe('to somebody who may connect', () => {
        let bob: Credentials;
        beforeAll(async () => {
          bob = await newUser('bob');
          const everybody = ['app', 'via_group', 'closed'].map(db.arn);
          await iam().send(new PutUserPolicyCommand({ UserName: 'bob', PolicyName: 'connect', PolicyDocument: document(everybody) }));
        });

        test('the right token opens a session as that user', async () => {
          const client = new pg.Client(db.clientConfig('app', () => token(bob)));
          await client.connect();
          const { rows } = await client.query('SELECT session_user AS me, inet_client_addr() AS address');
          await client.end();
          expect(rows).toEqual([{ me: 'app', address: null }]);
        });

        test('a membership through a group counts, and its name is in the token', async () => {
          expect(await attempt(db.clientConfig('via_group', await token(bob, { username: 'via_group' })))).toBe('');
          expect(await attempt(db.clientConfig('via_group', await token(bob)))).toContain('PAM authentication failed');
          expect(decision()?.reason).toBe("the token is for the user 'app', not 'via_group'");
        });

        test.each([
          ['of another user', { username: 'via_group' }, /^the token is for the user 'via_group', not 'app'$/],
          ['of the address that is dialled', { hostname: '127.0.0.1' }, /^the token is for 127\.0\.0\.1:5432, not orders-prod\./],
          ['of another port', { port: 5433 }, /:5433, not .*:5432$/],
          ['of another region', { region: 'us-east-1' }, /^the token is for the region 'us-east-1', not 'eu-central-1'$/],
          [
            'signed by another secret',
            { credentials: { accessKeyId: 'see below', secretAccessKey: 'no' } },
            /^the signature does not match$/,
          ],
          ['of an unknown key', { credentials: { accessKeyId: 'AKIAX', secretAccessKey: 'no' } }, /^nobody has the access key AKIAX/],
        ])('a token %s is refused', async (_, changes, reason) => {
          const { credentials } = changes as { credentials?: Credentials };
          const own = credentials?.accessKeyId === 'see below' ? { credentials: { ...credentials, accessKeyId: bob.accessKeyId } } : {};
          expect(await login(bob, { ...changes, ...own })).toBe(`28000 ${PAM}`);
          expect(decision()?.reason).toMatch(reason);
        });

        test('a token that is too old is refused', async () => {
          const signer = (await token(bob)).replace(/X-Amz-Date=\d{8}T/, 'X-Amz-Date=20200101T').replace(/%2F\d{8}%2F/, '%2F20200101%2F');
          expect(await attempt(db.clientConfig('app', signer))).toBe(`28000 ${PAM}`);
          expect(decision()?.reason).toBe('the token has expired');
        });

        test('a password does not open what needs a token', async () => {
          expect(await attempt(db.clientConfig('app', 'secret'))).toBe(`28000 ${PAM}`);
          expect(decision()?.reason).toBe('this is no token');
        });

        test('a token opens nothing without TLS', async () => {
          const { ssl: _, ...plain } = db.clientConfig('app', await token(bob));
          const words = major < 14 ? 'SSL off' : 'no encryption';
          expect(await attempt(plain)).toBe(`28000 no pg_hba.conf entry for host "127.0.0.1", user "app", database "postgres", ${words}`);
        });

        test('a client that verifies takes no other authority and no other name', async () => {
          const right = db.clientConfig('app', await token(bob));
          expect(await attempt({ ...right, ssl: { servername: db.endpoint.host } })).toMatch(/UNABLE_TO_VERIFY|SELF_SIGNED/);
          expect(await attempt({ ...right, ssl: { ca: fs.readFileSync(db.caFile), servername: 'localhost' } })).toMatch(/ALTNAME_INVALID/);
        });

        test('the role still has to be allowed to log in', async () => {
          const refused = await attempt(db.clientConfig('closed', await token(bob, { username: 'closed' })));
          expect(refused).toBe('28000 role "closed" is not permitted to log in');
          expect(decision()?.outcome).toBe('token');
        });

        test('a key that was deactivated, then deleted, opens nothing', async () => {
          const key = { UserName: 'bob', AccessKeyId: bob.accessKeyId };
          await iam().send(new UpdateAccessKeyCommand({ ...key, Status: 'Inactive' }));
          expect(await login(bob)).toBe(`28000 ${PAM}`);
          expect(decision()?.reason).toContain('nobody has the access key');
          await iam().send(new UpdateAccessKeyCommand({ ...key, Status: 'Active' }));
          expect(await login(bob)).toBe('');
          await iam().send(new DeleteAccessKeyCommand(key));
          expect(await login(bob)).toBe(`28000 ${PAM}`);
        });

        test('a query can be cancelled', async () => {
          const client = new pg.Client(db.clientConfig('plain', 'secret'));
          await client.connect();
          const asleep = client.query('SELECT pg_sleep(60)').catch((error: Error) => error.message);
          const { processID, secretKey } = client as unknown as { readonly processID: number; readonly secretKey: number };
          const sleeping = `SELECT FROM pg_stat_activity WHERE pid = ${processID} AND wait_event = 'PgSleep'`;
          await expect.poll(() => db.server.query(db.server.superuser, 'postgres', sleeping), { timeout: 10_000 }).toHaveLength(1);
          await cancel(db, processID, secretKey);
          expect(await asleep).toBe('canceling statement due to user request');
          await client.end();
        });

        test.runIf(major >= 17)('TLS may begin at once', async () => {
          const config = { ...db.clientConfig('plain', 'secret'), sslnegotiation: 'direct' } as pg.ClientConfig;
          expect(await attempt(config)).toBe('');
        });
      });

      test('whoever is not in rds_iam has a password that the server checks', async () => {
        expect(await attempt(db.clientConfig('plain', 'secret'))).toBe('');
        expect(decision()).toMatchObject({ user: 'plain', outcome: 'password' });
        expect(await attempt(db.clientConfig('plain', 'no'))).toBe('28P01 password authentication failed for user "plain"');
        expect(await attempt(db.clientConfig('nobody', 'no'))).toBe('28P01 password authentication failed for user "nobody"');
        const { user, password } = db.server.master;
        expect(await attempt(db.clientConfig(user, password))).toBe('');
      });

      test('an explicit Deny wins, and the log names the policy', async () => {
        const eve = await newUser('eve');
        await iam().send(new PutUserPolicyCommand({ UserName: 'eve', PolicyName: 'allow', PolicyDocument: document('*') }));
        expect(await login(eve)).toBe('');
        const PolicyArn = await newPolicy('deny', document(db.arn('*'), 'Deny'));
        await iam().send(new AttachUserPolicyCommand({ UserName: 'eve', PolicyArn }));
        expect(await login(eve)).toBe(`28000 ${PAM}`);
        expect(decision()?.reason).toContain(`${PolicyArn} denies it`);
      });

      test('a session of a role has what its role, boundary and session policy all allow', async () => {
        const name = { RoleName: 'orders' };
        await iam().send(new CreateRoleCommand({ ...name, Path: '/team/', AssumeRolePolicyDocument: TRUST }));
        const mine = await session('orders');
        expect(await login(mine)).toBe(`28000 ${PAM}`);
        expect(decision()).toMatchObject({ principal: `arn:aws:sts::${db.account}:assumed-role/orders/me` });
        const PolicyArn = await newPolicy('orders', document(db.arn('app')));
        await iam().send(new AttachRolePolicyCommand({ ...name, PolicyArn }));
        expect(await login(mine)).toBe('');
        const { sessionToken: _, ...half } = mine;
        expect(await login(half)).toBe(`28000 ${PAM}`);
        expect(decision()?.reason).toContain('with this session token');

        expect(await login(await session('orders', document(db.arn('app'))))).toBe('');
        expect(await login(await session('orders', document(db.arn('other'))))).toBe(`28000 ${PAM}`);
        expect(decision()?.reason).toMatch(/: the session policy does not allow it$/);

        const boundary = await newPolicy('boundary', document(db.arn('other')));
        await iam().send(new PutRolePermissionsBoundaryCommand({ ...name, PermissionsBoundary: boundary }));
        expect(await login(mine)).toBe(`28000 ${PAM}`);
        expect(decision()?.reason).toMatch(/: the permissions boundary does not allow it$/);
      });

      test.each([
        ['the identifier in place of the resource id', () => db.arn('app').replace(db.resource, db.identifier)],
        ['another region', () => db.arn('app').replace(db.region, 'us-east-1')],
        ['another case', () => db.arn('App')],
        ['the service rds', () => db.arn('app').replace(':rds-db:', ':rds:')],
      ])('a policy on %s opens nothing', async (_, resource) => {
        await iam()
          .send(new CreateRoleCommand({ RoleName: 'typo', Path: '/team/', AssumeRolePolicyDocument: TRUST }))
          .catch(() => {});
        const policy = { RoleName: 'typo', PolicyName: 'connect' };
        await iam().send(new PutRolePolicyCommand({ ...policy, PolicyDocument: document(resource()) }));
        expect(await login(await session('typo'))).toBe(`28000 ${PAM}`);
        expect(decision()?.reason).toContain('no policy allows it');
        await iam().send(new DeleteRolePolicyCommand(policy));
      });

      test('nobody gets in by token where IAM authentication is off', async () => {
        const single = await startRdsLike({ major, moto: moto(), kind: 'instance', identifier: 'single', iamAuthentication: false });
        try {
          await single.server.query(single.server.master, 'postgres', 'CREATE ROLE app LOGIN; GRANT rds_iam TO app');
          const carl = await newUser('carl');
          await iam().send(new PutUserPolicyCommand({ UserName: 'carl', PolicyName: 'allow', PolicyDocument: document('*') }));
          const { host: hostname, port } = single.endpoint;
          expect(await attempt(single.clientConfig('app', await token(carl, { hostname, port })))).toBe(`28000 ${PAM}`);
          expect(single.front.log().map(({ reason }) => reason)).toEqual(['IAM authentication of single is off']);
          expect(single.resource).toMatch(/^db-/);
        } finally {
          await single.stop();
        }
      });

      test('no secret is in the log', async () => {
        const text = JSON.stringify(db.front.log());
        expect(text).not.toContain('X-Amz-Signature');
        expect(text).not.toContain(ann.secretAccessKey);
      });
    });
  }

  test.runIf(isInstalled(17))('an emulator that judges its callers is asked with credentials of its own making', async () => {
    await moto().reset();
    const iam = new IAMClient(clientConfig(moto()));
    const user = { UserName: 'rds' };
    await iam.send(new CreateUserCommand(user));
    const Statement = [{ Effect: 'Allow', Action: ['iam:*', 'rds:*', 'rds-db:connect'], Resource: '*' }];
    const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement });
    await iam.send(new PutUserPolicyCommand({ ...user, PolicyName: 'all', PolicyDocument }));
    const { AccessKey } = await iam.send(new CreateAccessKeyCommand(user));
    const credentials = { accessKeyId: AccessKey?.AccessKeyId ?? '', secretAccessKey: AccessKey?.SecretAccessKey ?? '' };
    const db = await startRdsLike({ moto: { url: moto().url, credentials } });
    try {
      await db.server.query(db.server.master, 'postgres', 'CREATE ROLE app LOGIN; GRANT rds_iam TO app');
      await moto().judge(true);
      await expect(iam.send(new CreateUserCommand({ UserName: 'no' }))).rejects.toThrow();
      const { host: hostname, port } = db.endpoint;
      const token = await new Signer({ hostname, port, region: db.region, username: 'app', credentials }).getAuthToken();
      expect(await attempt(db.clientConfig('app', token))).toBe('');
    } finally {
      await db.stop();
      await moto().judge(false);
    }
  });
});
