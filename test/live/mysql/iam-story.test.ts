import fs from 'node:fs';
import path from 'node:path';
import { CreateRoleCommand, DetachRolePolicyCommand, IAMClient, ListAttachedRolePoliciesCommand } from '@aws-sdk/client-iam';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { Signer } from '@aws-sdk/rds-signer';
import { type Connection, createConnection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ACCOUNT, awsEnvironment, clientConfig, REGION } from '../../lab/aws/moto.ts';
import { withMoto } from '../../lab/aws/suite.ts';
import { type MysqlLike, startMysqlLike } from '../../lab/iam/mysql-like.ts';
import { canMakePlugin } from '../../lab/iam/plugin.ts';
import { newestOfEach } from '../../lab/mysql/versions.ts';
import { type Command, makeCommand } from '../command.ts';

/** What the server would log, for this reason and no other. */
const NOT_ALLOWED = /is not authorized to perform rds-db:connect on .*: no policy allows it$/;

/** By our stand-in for the plugin that only RDS has; token and policies are checked as there. */
withMoto('a user of MySQL, its grants and its policy', (moto) => {
  let command: Command;
  beforeAll(async () => {
    command = await makeCommand();
  });
  afterAll(() => command?.remove());

  describe.skipIf(!canMakePlugin()).each(newestOfEach)('on %s', (version) => {
    const [task, reports] = [`task-${version}`, `reports-${version}`];
    let db: MysqlLike;
    const iam = () => new IAMClient(clientConfig(moto()));

    beforeAll(async () => {
      db = await startMysqlLike({ moto: moto(), version, identifier: `story-${version.replace('.', '-')}` });
      const trust = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: { AWS: '*' }, Action: 'sts:AssumeRole' }] };
      for (const name of [task, reports]) {
        await iam().send(new CreateRoleCommand({ RoleName: name, AssumeRolePolicyDocument: JSON.stringify(trust) }));
      }
      const { query, master } = db.server;
      await query(
        master,
        'CREATE DATABASE shop_eu',
        'CREATE TABLE shop_eu.orders (id int)',
        'CREATE DATABASE shopXeu',
        'CREATE TABLE shopXeu.other (id int)',
      );
    });
    afterAll(async () => await db?.stop());

    const manifest = (users: string): string => {
      const file = path.join(command.home, 'access.yaml');
      fs.writeFileSync(
        file,
        `version: 1
stack: test/story-${version}
iam: { account: "${ACCOUNT}" }
targets:
  billing:
    engine: ${db.server.flavour}
    rds: { ${db.kind}: ${db.identifier}, region: ${REGION}, via: { host: 127.0.0.1, port: ${db.via.port} }, ca: ${db.caFile} }
    login: { user: ${db.server.master.user}, password: "\${env:ROLECALL_MASTER}" }
users:
${users}`,
      );
      return file;
    };
    const run = async (...args: readonly string[]) =>
      await command.start(args, { ...awsEnvironment(moto()), ROLECALL_MASTER: db.server.master.password, JANE: 'jane-password' }).ended;
    const expectApplied = async (users: string): Promise<void> => {
      const file = manifest(users);
      const { code, stdout, stderr } = await run('apply', '-m', file, '--auto-approve');
      expect({ code, said: code === 0 ? '' : `${stdout}\n${stderr}` }).toEqual({ code: 0, said: '' });
    };
    /** A connection by a token that the role signed; who is refused throws. */
    const byToken = async (role: string, user: string): Promise<Connection> => {
      const { Credentials: keys } = await new STSClient(clientConfig(moto())).send(
        new AssumeRoleCommand({ RoleArn: `arn:aws:iam::${ACCOUNT}:role/${role}`, RoleSessionName: 'test' }),
      );
      const credentials = { accessKeyId: keys!.AccessKeyId!, secretAccessKey: keys!.SecretAccessKey!, sessionToken: keys!.SessionToken! };
      const { host, port } = db.endpoint;
      const token = await new Signer({ hostname: host, port, region: REGION, username: user, credentials }).getAuthToken();
      const ssl = { ca: fs.readFileSync(db.caFile) };
      return await createConnection({
        ...db.via,
        user,
        password: token,
        enableCleartextPlugin: true,
        ssl: { ...ssl, verifyIdentity: false },
      });
    };
    /** 'in', or why not. */
    const login = async (role: string, user: string): Promise<string> => {
      const before = db.log().length;
      try {
        (await byToken(role, user)).destroy();
        return 'in';
      } catch (error) {
        const verdict = db.log()[before];
        return verdict && !verdict.ok ? verdict.reason : String(error);
      }
    };
    const api = () => `  shop_api: { auth: iam, principals: [role/${task}], write: [shop_eu] }\n`;

    test('denied without the policy and for that reason, allowed once it is applied, denied when it is detached, and mended', async () => {
      const { query, master } = db.server;
      await query(master, "CREATE USER shop_api@'%' IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS' REQUIRE SSL");
      expect(await login(task, 'shop_api')).toMatch(NOT_ALLOWED);
      await expectApplied(api());
      expect([await login(task, 'shop_api'), await login(reports, 'shop_api')]).toEqual(['in', expect.stringMatching(NOT_ALLOWED)]);

      const attached = await iam().send(new ListAttachedRolePoliciesCommand({ RoleName: task }));
      await iam().send(new DetachRolePolicyCommand({ RoleName: task, PolicyArn: attached.AttachedPolicies![0]!.PolicyArn! }));
      expect(await login(task, 'shop_api')).toMatch(NOT_ALLOWED);
      expect(await run('drift', '-m', manifest(api()))).toMatchObject({ code: 2, stdout: expect.stringContaining(`role/${task}`) });
      await expectApplied(api());
      expect(await login(task, 'shop_api')).toBe('in');
      expect(await run('plan', '-m', manifest(api()), '--detailed-exitcode')).toMatchObject({ code: 0 });
    });

    test('who is in may do what is declared and nothing beside it', async () => {
      const connection = await byToken(task, 'shop_api');
      await connection.query('INSERT INTO shop_eu.orders VALUES (1)');
      for (const sql of ['DROP TABLE shop_eu.orders', 'SELECT * FROM shopXeu.other', 'SELECT * FROM mysql.db']) {
        await expect(connection.query(sql)).rejects.toMatchObject({ errno: 1142 });
      }
      connection.destroy();
    });

    test('a password user comes to IAM and keeps its grants', async () => {
      await expectApplied(`${api()}  jane: { auth: password, password: "\${env:JANE}", read: [shop_eu] }\n`);
      const [before] = await db.server.query({ user: 'jane', password: 'jane-password' }, 'SELECT COUNT(*) AS n FROM shop_eu.orders');
      expect(Number(before!.n)).toBe(1);
      await expectApplied(`${api()}  jane: { auth: iam, principals: [role/${reports}], read: [shop_eu] }\n`);
      expect([await login(reports, 'jane'), await login(task, 'jane')]).toEqual(['in', expect.stringMatching(NOT_ALLOWED)]);
      const connection = await byToken(reports, 'jane');
      await connection.query('SELECT * FROM shop_eu.orders');
      connection.destroy();
    });

    test('who is switched off is refused by the server and by the policy', async () => {
      await expectApplied(`${api()}  jane: { auth: iam, principals: [role/${reports}], read: [shop_eu], enabled: false }\n`);
      expect(await login(reports, 'jane')).not.toBe('in');
      expect((await iam().send(new ListAttachedRolePoliciesCommand({ RoleName: reports }))).AttachedPolicies).toEqual([]);
    });
  });
});
