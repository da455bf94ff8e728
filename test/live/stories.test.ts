import { spawnSync } from 'node:child_process';
import { CloudWatchClient, DescribeAlarmsCommand } from '@aws-sdk/client-cloudwatch';
import { CloudWatchLogsClient, DescribeMetricFiltersCommand } from '@aws-sdk/client-cloudwatch-logs';
import { GetAccountAuthorizationDetailsCommand, IAMClient } from '@aws-sdk/client-iam';
import { ModifyDBClusterCommand, RDSClient } from '@aws-sdk/client-rds';
import { ListSubscriptionsCommand, ListTopicsCommand, SNSClient } from '@aws-sdk/client-sns';
import { AwsQueryProtocol } from '@aws-sdk/core/protocols';
import type { Connection } from 'mysql2/promise';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DeniedReport } from '../../src/model/denied.ts';
import type { Proofs } from '../../src/model/proof.ts';
import { ACCOUNT, clientConfig, type Moto } from '../lab/aws/moto.ts';
import { withMoto } from '../lab/aws/suite.ts';
import { canMakePlugin } from '../lab/iam/plugin.ts';
import { newestOfEach } from '../lab/mysql/versions.ts';
import { type AwsWorld, startAwsWorld } from './aws-world.ts';
import { expectNoSecrets } from './canaries.ts';
import { exportLines } from './log-groups.ts';
import { type IamWorld, startIamWorld } from './mysql/iam-world.ts';

/* What somebody did with five shell scripts, or with a console and a notebook: from nothing to nothing. */

/** What the server would log, for this reason and no other. */
const NOT_ALLOWED = /is not authorized to perform rds-db:connect on .*: no policy allows it$/;

/** Whoever is in the account may assume it. */
const TRUST = `{ policy: { Version: "2012-10-17", Statement: [{ Effect: Allow, Principal: { AWS: "arn:aws:iam::${ACCOUNT}:root" }, Action: "sts:AssumeRole" }] } }`;

/** Everything that a stack may leave in an account, by name. */
const leftIn = async (moto: Moto): Promise<unknown> => {
  const config = clientConfig(moto);
  const [iam, sns, logs, watch] = [
    new IAMClient(config),
    new SNSClient(config),
    new CloudWatchLogsClient(config),
    new CloudWatchClient({ ...config, protocol: AwsQueryProtocol }),
  ];
  const { RoleDetailList, UserDetailList, Policies } = await iam.send(
    new GetAccountAuthorizationDetailsCommand({ Filter: ['Role', 'User', 'LocalManagedPolicy'] }),
  );
  const left = {
    roles: RoleDetailList?.map(({ RoleName, AttachedManagedPolicies, RolePolicyList }) => [
      RoleName,
      AttachedManagedPolicies,
      RolePolicyList,
    ]),
    users: UserDetailList?.map(({ UserName, AttachedManagedPolicies }) => [UserName, AttachedManagedPolicies]),
    policies: Policies?.map(({ PolicyName }) => PolicyName),
    topics: (await sns.send(new ListTopicsCommand())).Topics,
    subscriptions: (await sns.send(new ListSubscriptionsCommand())).Subscriptions,
    filters: (await logs.send(new DescribeMetricFiltersCommand())).metricFilters,
    alarms: (await watch.send(new DescribeAlarmsCommand())).MetricAlarms,
  };
  for (const client of [iam, sns, logs, watch]) client.destroy();
  return left;
};

withMoto('the whole story', (moto) => {
  describe('of a role, a token and psql', () => {
    let world: AwsWorld;
    let before: { readonly account: unknown; readonly server: unknown };
    const everyone = async (): Promise<unknown> =>
      await world.rds.server.query(
        world.rds.server.superuser,
        'postgres',
        'SELECT rolname, rolcanlogin FROM pg_catalog.pg_roles ORDER BY 1',
      );
    const body = `iam:
  account: "${ACCOUNT}"
  roles: { orders-app: { trust: ${TRUST}, max_session: 2h } }
users:
  orders_app: { auth: iam, principals: [role/orders-app], write: [app.s] }
  report: { auth: password, password: "\${env:JANE}", read: [app.s] }
`;

    beforeAll(async () => {
      world = await startAwsWorld(moto());
      const { server } = world.rds;
      await server.query(server.master, 'postgres', 'CREATE DATABASE app');
      await server.query(server.master, 'app', 'CREATE SCHEMA s; CREATE TABLE s.orders (id int)');
      before = { account: await leftIn(moto()), server: await everyone() };
    });
    afterAll(() => world?.close());

    test('one apply makes role, trust, policy and user, and a second one nothing', async () => {
      const file = world.manifest(body);
      const { code, stdout, stderr } = await world.start('apply', '-m', file, '--auto-approve').ended;
      expect({ code, said: code === 0 ? '' : stdout + stderr }).toEqual({ code: 0, said: '' });
      world.aws.forget();
      expect(await world.start('apply', '-m', file, '--auto-approve').ended).toMatchObject({ code: 0 });
      expect({ writes: world.writes(), violations: world.aws.violations() }).toEqual({ writes: [], violations: [] });
    });

    test('the role is assumed, its token opens a login, and that one does what is declared', async () => {
      const { code, stdout } = await world.start('token', 'orders_app@orders', '-m', world.manifest(body), '--as', 'role/orders-app').ended;
      expect(code).toBe(0);
      const client = new pg.Client(world.rds.clientConfig('orders_app', stdout.trim(), 'app'));
      await client.connect();
      await client.query('INSERT INTO s.orders VALUES (1)');
      await expect(client.query('DROP TABLE s.orders')).rejects.toMatchObject({ code: '42501' });
      await client.end();
      expect(await world.login('role/orders-app', 'report')).not.toBe('in');
    });

    test.skipIf(spawnSync('psql', ['--version']).status !== 0)('psql opens with it, over verified TLS', async () => {
      const sql = 'SELECT current_user, count(*) FROM s.orders';
      const args = ['connect', 'orders_app@orders', '-m', world.manifest(body), '--as', 'role/orders-app', '--', '-XAtc', sql];
      expect(await world.start(...args).ended).toMatchObject({ code: 0, stdout: 'orders_app|1\n' });
    });

    test('destroy that AWS stops half-way is run again, and then nothing is left, and nothing to do', async () => {
      const file = world.manifest(body);
      const destroy = async () => await world.start('destroy', '-m', file, '--auto-approve').ended;
      world.strike((nth) => (nth === 1 ? 'access-denied' : undefined));
      const stopped = await destroy();
      world.strike(null);
      expect({ code: stopped.code, out: stopped.stdout + stopped.stderr }).toEqual({
        code: 5,
        out: expect.stringContaining('may not do iam:'),
      });
      const { code, stdout, stderr } = await destroy();
      expect({ code, said: code === 0 ? '' : stdout + stderr }).toEqual({ code: 0, said: '' });
      expect({ account: await leftIn(moto()), server: await everyone() }).toEqual(before);
      world.aws.forget();
      expect(await destroy()).toMatchObject({ code: 0 });
      expect(world.writes()).toEqual([]);
      expect(await world.login('role/reports', 'orders_app').catch(() => 'no role')).not.toBe('in');
    });

    test('no command shows a password, a key or a token but the one whose result it is', async () => {
      const { command, aws, manifest, rds } = world;
      await world.makeRole('canary');
      const roles = `iam: { account: "${ACCOUNT}" }\n`;
      await expectNoSecrets({
        command,
        aws,
        manifest: (body) => manifest(roles + body),
        target: 'orders',
        role: 'role/canary',
        master: rds.server.master.password,
        grants: 'read: [app.s]',
        can: 'select on s.orders',
        client: 'psql',
      });
    });
  });

  const version = newestOfEach.find((one) => one === '9.7' || one === '8.0');

  /** By our stand-in for the plugin that only RDS has, and for the log iam-db-auth-error that AWS writes; token and policies are checked as there. */
  describe.skipIf(version === undefined || !canMakePlugin())(`of the lab on Aurora MySQL (${version})`, () => {
    let world: IamWorld;
    let before: { readonly account: unknown; readonly server: unknown };
    const GROUP = '/aws/rds/cluster/lab/';
    const query = (...statements: readonly string[]) => world.db.server.query(world.db.server.superuser, ...statements);
    const everyone = async (): Promise<unknown> => ({
      accounts: await query('SELECT User, Host, plugin FROM mysql.user ORDER BY 1, 2'),
      schemas: await query('SELECT User, Host, Db FROM mysql.db ORDER BY 1, 2, 3'),
      tables: await query('SELECT User, Host, Db, Table_name FROM mysql.tables_priv ORDER BY 1, 2, 3, 4'),
      edges: await query('SELECT * FROM mysql.role_edges'),
    });
    const body = (principals: string, more = ''): string => `users:
  lab_user: { auth: iam, principals: [${principals}], grants: [{ privileges: [select, insert], schemas: shop }] }
${more}`;
    const ALARM =
      'alarms: { failed-logins: { targets: [billing], threshold: 1, period: 60s, notify: { topic: dba-alerts, email: [dba@example.com] } } }\n';
    const ROLE = 'role/lab-app';

    beforeAll(async () => {
      world = await startIamWorld(moto(), { version: version!, identifier: 'lab' });
      await world.makeRole('lab-app');
      await query('CREATE DATABASE shop', 'CREATE TABLE shop.orders (id int)', 'SET GLOBAL log_error_verbosity = 2');
      const rds = new RDSClient(clientConfig(moto()));
      await rds.send(
        new ModifyDBClusterCommand({
          DBClusterIdentifier: 'lab',
          CloudwatchLogsExportConfiguration: { EnableLogTypes: ['error', 'iam-db-auth-error'] },
          ApplyImmediately: true,
        }),
      );
      rds.destroy();
      for (const log of ['error', 'iam-db-auth-error']) await exportLines(moto(), GROUP + log, 'lab-1', []);
      before = { account: await leftIn(moto()), server: await everyone() };
    });
    afterAll(async () => await world?.close());

    const apply = async (text: string): Promise<void> => {
      const { code, stdout, stderr } = await world.start('apply', '-m', world.manifest(text), '--auto-approve').ended;
      expect({ code, said: code === 0 ? '' : stdout + stderr }).toEqual({ code: 0, said: '' });
    };
    const prove = async (text: string, line: string): Promise<readonly string[]> => {
      const { stdout, stderr } = await world.start('prove', '-m', world.manifest(`${text}expect: [{ ${line} }]\n`), '--json').ended;
      if (stdout === '') expect.fail(stderr);
      return (JSON.parse(stdout) as Proofs).proofs.map(({ what, status, cause }) => `${status} ${cause} ${what}`);
    };
    const AS = `as: ${ROLE}, user: lab_user, target: billing`;
    const insideOf = async (work: (connection: Connection) => Promise<void>): Promise<void> => {
      const connection = await world.connect(ROLE, 'lab_user');
      await work(connection);
      connection.destroy();
    };

    test('the user has its grants and requires TLS, and no policy lets it in: denied, and for that reason', async () => {
      await apply(body(''));
      const [row] = await query("SELECT plugin, authentication_string AS string, ssl_type FROM mysql.user WHERE User = 'lab_user'");
      expect(row).toEqual({ plugin: 'AWSAuthenticationPlugin', string: 'RDS', ssl_type: 'ANY' });
      expect(await world.login(ROLE, 'lab_user')).toMatch(NOT_ALLOWED);
      expect(await prove(body(''), `${AS}, login: denied`)).toEqual(['passed policy login']);
    });

    test('with its policy it is allowed: INSERT works, DROP is denied', async () => {
      await apply(body(ROLE));
      expect(await prove(body(ROLE), `${AS}, can: [insert on shop.orders], cannot: [own on shop.orders, delete on shop.orders]`)).toEqual([
        'passed null login',
        'passed null insert on shop.orders',
        'passed null own on shop.orders',
        'passed null delete on shop.orders',
      ]);
      await insideOf(async (connection) => {
        await connection.query('INSERT INTO shop.orders VALUES (1)');
        await expect(connection.query('DROP TABLE shop.orders')).rejects.toMatchObject({ errno: 1142 });
      });
    });

    test('an alarm on a log that holds no denied login is refused, with the parameter to set', async () => {
      const { code, stdout, stderr } = await world.start('plan', '-m', world.manifest(body(ROLE, ALARM))).ended;
      expect({ code, out: stdout + stderr }).toEqual({ code: 3, out: expect.stringMatching(/log_error_verbosity/) });
      await query('SET GLOBAL log_error_verbosity = 3');
    });

    test('with the parameter, filter, alarm, topic and subscription are made, and a second apply makes nothing', async () => {
      await apply(body(ROLE, ALARM));
      expect(await leftIn(moto())).toMatchObject({
        topics: [{ TopicArn: expect.stringMatching(/:dba-alerts$/) }],
        subscriptions: [{ Endpoint: 'dba@example.com', Protocol: 'email' }],
        filters: [{ logGroupName: `${GROUP}error`, filterPattern: expect.stringContaining('Access denied') }],
        alarms: [{ Threshold: 1, Period: 60, TreatMissingData: 'notBreaching', AlarmActions: [expect.stringMatching(/:dba-alerts$/)] }],
      });
      const plan = await world.start('plan', '-m', world.manifest(body(ROLE, ALARM)), '--detailed-exitcode').ended;
      expect({ code: plan.code, out: plan.stdout.replace(/\s+/g, ' ') }).toEqual({
        code: 0,
        out: expect.stringContaining("'dba@example.com' has not confirmed that it wants mail"),
      });
    });

    test('without the policy it is denied again, and the denied login is found in the logs', async () => {
      await apply(body('', ALARM));
      const from = world.db.server.log().length;
      expect(await world.login(ROLE, 'lab_user')).toMatch(NOT_ALLOWED);
      expect(await prove(body('', ALARM), `${AS}, login: denied`)).toEqual(['passed policy login']);
      const logged = () => world.db.server.log().slice(from).split('\n');
      // The server may write its line after it has answered.
      await expect
        .poll(() => logged().filter((line) => /Access denied for user 'lab_user'/.test(line)).length, { timeout: 20_000 })
        .toBeGreaterThan(1);
      const lines = logged();
      const principal = `arn:aws:sts::${ACCOUNT}:assumed-role/lab-app/test`;
      const stamp = new Date().toISOString().replace('.', ',').replace('Z', '');
      const written = `${stamp} [ERROR] Failed to authorize the connection request for user 'lab_user' because the IAM policy assumed by the caller '${principal}' is not authorized to perform \`rds-db:connect\` on the DB instance. (Status Code: 403, Error Code:NotAuthorized)`;
      await exportLines(moto(), `${GROUP}error`, 'lab-1', lines);
      await exportLines(moto(), `${GROUP}iam-db-auth-error`, 'lab-1', [written]);
      const { stdout } = await world.start('doctor', 'lab_user@billing', '--denied', '-m', world.manifest(body('', ALARM)), '--json').ended;
      const { denied } = (JSON.parse(stdout) as DeniedReport).targets[0]!;
      expect(denied.map(({ user, cause, principal: who }) => [user, cause, who])).toContainEqual(['lab_user', 'policy', principal]);
      expect(new Set(denied.flatMap(({ logs }) => logs))).toEqual(new Set(['iam-db-auth-error', 'error']));
    });

    test('destroyed, and once more where AWS stopped it, nothing of it is left: no account, policy, attachment, filter, alarm, subscription or topic', async () => {
      await apply(body(ROLE, ALARM));
      const destroy = async () => await world.start('destroy', '-m', world.manifest(body(ROLE, ALARM)), '--auto-approve').ended;
      world.onCall((operation) => (operation === 'DeleteTopic' ? 'access-denied' : undefined));
      const stopped = await destroy();
      world.onCall(null);
      expect({ code: stopped.code, out: stopped.stdout }).toEqual({ code: 5, out: expect.stringMatching(/sns:DeleteTopic/) });
      const { code, stdout, stderr } = await destroy();
      expect({ code, said: code === 0 ? '' : stdout + stderr }).toEqual({ code: 0, said: '' });
      expect({ account: await leftIn(moto()), server: await everyone() }).toEqual(before);
      expect(await destroy()).toMatchObject({ code: 0 });
    });

    test('no command shows a password, a key or a token but the one whose result it is', async () => {
      const { command, aws, manifest, db } = world;
      await expectNoSecrets({
        command,
        aws,
        manifest,
        target: 'billing',
        role: ROLE,
        master: db.server.master.password,
        grants: 'read: [shop]',
        can: 'select on shop.orders',
        client: 'mysql',
      });
    });
  });
});
