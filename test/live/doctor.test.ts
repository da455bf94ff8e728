import fs from 'node:fs';
import { PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { ModifyDBClusterCommand, RDSClient } from '@aws-sdk/client-rds';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Checkup } from '../../src/model/checkup.ts';
import { awsEnvironment, clientConfig } from '../lab/aws/moto.ts';
import { withMoto } from '../lab/aws/suite.ts';
import { type AwsWorld, startAwsWorld } from './aws-world.ts';

const SECRETS = /X-Amz-Signature=|X-Amz-Security-Token=|canary/;

withMoto('doctor', (moto) => {
  let world: AwsWorld;
  let rds: RDSClient;
  const BODY = `iam: { account: "123456789012" }
users:
  orders_api: { auth: iam, principals: [role/orders-api-task], read: [app.s] }
  jane: { auth: password, password: "\${env:JANE}", read: [app.s] }
`;
  beforeAll(async () => {
    world = await startAwsWorld(moto());
    rds = new RDSClient({ ...clientConfig(moto()), region: world.rds.region });
    for (const role of ['orders-api-task', 'reports', 'restored']) await world.makeRole(role);
    const { server } = world.rds;
    await server.query(server.master, 'postgres', 'CREATE DATABASE app');
    await server.query(server.master, 'app', 'CREATE SCHEMA s; REVOKE CONNECT ON DATABASE app FROM PUBLIC');
    const { code, stdout, stderr } = await world.run('apply', '-m', world.manifest(BODY), '--auto-approve');
    expect({ code, out: code === 0 ? '' : stdout + stderr }).toEqual({ code: 0, out: '' });
    // As after a restore: the id is another server's.
    const Resource = world.rds.arn('orders_api').replace(world.rds.resource, 'cluster-GONE');
    const Statement = [{ Effect: 'Allow', Action: 'rds-db:connect', Resource }];
    const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement });
    await world.iam.send(new PutRolePolicyCommand({ RoleName: 'restored', PolicyName: 'old', PolicyDocument }));
  });
  afterAll(async () => {
    rds?.destroy();
    await world?.close();
  });

  const doctor = async (args: readonly string[], manifest = world.manifest(BODY)) => {
    const { code, stdout, stderr } = await world.run('doctor', ...args, '-m', manifest, '--json');
    expect(stdout + stderr).not.toMatch(SECRETS);
    expect({ stderr, json: stdout.startsWith('{') }).toEqual({ stderr: '', json: true });
    const found = JSON.parse(stdout) as Checkup;
    return {
      code,
      found,
      last: found.checks.at(-1),
      failed: found.checks.filter(({ status }) => status !== 'passed').map(({ check }) => check),
    };
  };
  const TASK = ['orders_api@orders', '--as', 'role/orders-api-task'];

  test('passes where all is well, but for a log that is not exported', async () => {
    const { code, found, failed } = await doctor([]);
    expect({ code, failed, formatVersion: found.formatVersion }).toEqual({ code: 1, failed: ['log-export'], formatVersion: '1.0' });
    expect(found.checks.find(({ check }) => check === 'iam-authentication')).toMatchObject({ message: 'on, for orders-prod-1' });
    expect(found.checks.find(({ check }) => check === 'policies')?.message).toBe('1 exact, 1 unknown-resource');
    const one = await doctor(['--check', 'tls', '--check', 'resource-id', '--check', 'rds-iam']);
    expect({ code: one.code, checks: one.found.checks.map(({ check, status }) => [check, status]) }).toEqual({
      code: 0,
      checks: [
        ['tls', 'passed'],
        ['resource-id', 'passed'],
        ['rds-iam', 'passed'],
      ],
    });
  });

  test('lets the role in as the user, by each check in its order', async () => {
    const { code, found } = await doctor(TASK);
    expect({ code, cause: found.cause, statuses: new Set(found.checks.map(({ status }) => status)) }).toEqual({
      code: 0,
      cause: null,
      statuses: new Set(['passed']),
    });
    expect(found.checks.slice(-3).map(({ check, message }) => [check, message])).toEqual([
      ['user-policy', expect.stringContaining('role/orders-api-task: allowed')],
      ['token', expect.stringContaining('for orders_api at ')],
      ['user-in', 'logged in to "app"'],
    ]);
  });

  test('a user with a password is logged in with it', async () => {
    const { code, last } = await doctor(['jane@orders']);
    expect({ code, last }).toMatchObject({ code: 0, last: { check: 'user-in', status: 'passed' } });
  });

  const sql = async (text: string): Promise<void> => void (await world.rds.server.query(world.rds.server.superuser, 'postgres', text));

  test.each<[string, string, string, string, RegExp]>([
    ['NOLOGIN', 'ALTER ROLE orders_api NOLOGIN', 'ALTER ROLE orders_api LOGIN', 'user-login', /NOLOGIN/],
    [
      'no rds_iam',
      'REVOKE rds_iam FROM orders_api GRANTED BY master',
      'GRANT rds_iam TO orders_api GRANTED BY master',
      'user-method',
      /not under rds_iam/,
    ],
    [
      'no CONNECT',
      'REVOKE CONNECT ON DATABASE app FROM orders_api',
      'GRANT CONNECT ON DATABASE app TO orders_api',
      'user-connect',
      /may not connect/,
    ],
    [
      'no connection left',
      'ALTER ROLE orders_api CONNECTION LIMIT 0',
      'ALTER ROLE orders_api CONNECTION LIMIT -1',
      'user-connections',
      /all 0 of its/,
    ],
  ])('finds the one cause: %s', async (_name, spoil, mend, cause, says) => {
    await sql(spoil);
    const { code, found, last } = await doctor(TASK);
    await sql(mend);
    expect({ code, cause: found.cause, last }).toEqual({
      code: 1,
      cause,
      last: expect.objectContaining({ check: cause, message: expect.stringMatching(says), hint: expect.anything() }),
    });
  });

  test('finds the one cause: a lock', async () => {
    await world.run('lock', 'orders_api', '-m', world.manifest(BODY), '--auto-approve');
    const { found, last } = await doctor(TASK);
    expect([found.cause, last]).toEqual(['user-login', expect.objectContaining({ hint: 'rolecall unlock takes the lock off' })]);
    await world.run('unlock', 'orders_api', '-m', world.manifest(BODY));
    await world.run('apply', '-m', world.manifest(BODY), '--auto-approve');
  });

  test.each<[string, readonly string[], string, RegExp]>([
    ['no policy', ['orders_api@orders', '--as', 'role/reports'], 'user-policy', /^no policy allows role\/reports/],
    [
      'the id of another server',
      ['orders_api@orders', '--as', 'role/restored'],
      'user-policy',
      /^role\/restored may log in on .*cluster-GONE/,
    ],
    ['another case', ['Orders_Api@orders'], 'user', /there is "orders_api"$/],
  ])('finds the one cause: %s', async (_name, args, cause, says) => {
    const { code, found, last } = await doctor(args);
    expect({ code, cause: found.cause, message: last?.message }).toEqual({ code: 1, cause, message: expect.stringMatching(says) });
  });

  test('finds the one cause: IAM authentication that is off', async () => {
    const cluster = { DBClusterIdentifier: world.rds.identifier, ApplyImmediately: true };
    await rds.send(new ModifyDBClusterCommand({ ...cluster, EnableIAMDatabaseAuthentication: false }));
    const { found, last } = await doctor(TASK);
    // A login of Rolecall's own by IAM is told of by the same name, although nothing else of the target can be looked at then.
    const own = rewritten(world.manifest(BODY), (text) => text.replace(/login: .*/, 'login: { user: rolecall, auth: iam }'));
    const lost = await doctor([], own);
    await rds.send(new ModifyDBClusterCommand({ ...cluster, EnableIAMDatabaseAuthentication: true }));
    expect([found.cause, last?.message]).toEqual(['iam-authentication', 'it is off']);
    expect([lost.code, lost.found.checks.map(({ check, status }) => [check, status])]).toEqual([1, [['iam-authentication', 'failed']]]);
  });

  test('finds the one cause: nothing listens, a certificate of nobody known', async () => {
    const manifest = (from: string, to: string): string => {
      const file = world.manifest(BODY);
      return rewritten(file, (text) => text.replace(from, to));
    };
    const deaf = await doctor(TASK, manifest(`port: ${world.rds.via.port}`, 'port: 1'));
    expect([deaf.found.cause, deaf.last?.message]).toEqual([
      'reachable',
      expect.stringMatching(/^nothing listens at .* via 127\.0\.0\.1:1$/),
    ]);
    const stranger = await doctor(TASK, manifest(`ca: ${world.rds.caFile}`, 'ca: rds'));
    expect([stranger.found.cause, stranger.last?.message]).toEqual(['tls', expect.stringMatching(/^the certificate is not trusted \(/)]);
  });

  test('what AWS does not tell is unread, and never passed', async () => {
    world.refuse('GetRole');
    const { code, found } = await doctor(['orders_api@orders', '--as', 'role/orders-api-task']);
    world.refuse(null);
    expect({ code, cause: found.cause, unread: found.checks.filter(({ status }) => status === 'unread') }).toEqual({
      code: 3,
      cause: null,
      unread: [expect.objectContaining({ check: 'user-policy', message: expect.stringContaining('iam:GetRole') })],
    });
    world.refuse('DescribeDBClusters');
    const lost = await doctor([]);
    world.refuse(null);
    expect({ code: lost.code, checks: lost.found.checks }).toEqual({
      code: 3,
      checks: [
        expect.objectContaining({
          target: 'orders',
          check: 'found',
          status: 'unread',
          hint: expect.stringContaining('rds:DescribeDBClusters'),
        }),
      ],
    });
  });

  test('needs neither manifest nor AWS for a server that psql would go to', async () => {
    const { server } = world.rds;
    const env = { PGHOST: '127.0.0.1', PGPORT: String(server.port), PGUSER: 'master', PGPASSWORD: server.master.password };
    const { code, stdout } = await world.command.run(['doctor'], env);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringMatching(
        /reachable.*\n.*login +master, PostgreSQL 17.*\n.*writer.*\n.*connections +\d+ of \d+ are open\n.*administration/,
      ),
    });
    const wrong = await world.command.run(['doctor', '--json'], { ...env, PGPASSWORD: 'canary' });
    expect(wrong.code).toBe(1);
    expect(wrong.stdout + wrong.stderr).not.toMatch(SECRETS);
    const checks = (JSON.parse(wrong.stdout) as Checkup).checks.map(({ check, status }) => `${check} ${status}`);
    expect(checks).toEqual([
      'reachable passed',
      'login failed',
      'writer unread',
      'connections unread',
      'administration unread',
      'denied-logged unread',
    ]);
    const aws = { ...awsEnvironment(world.aws), PGPASSWORD: server.master.password };
    const args = ['--rds', `cluster/${world.rds.identifier}`, '--region', world.rds.region, '--via', `127.0.0.1:${world.rds.via.port}`];
    const named = await world.command.run(
      ['doctor', ...args, '--ca', world.rds.caFile, '--user', 'master', '--check', 'login', '--check', 'running'],
      aws,
    );
    expect({ code: named.code, stderr: named.stderr }).toEqual({ code: 0, stderr: '' });
  });

  test("Rolecall's own login is one that can be asked about, and what it needs in AWS is printed", async () => {
    const { code, last } = await doctor(['master@orders']);
    expect({ code, last }).toMatchObject({ code: 0, last: { check: 'user-in', status: 'passed' } });
    const needs = await world.run('doctor', '--iam-requirements', 'plan', '-m', world.manifest(BODY));
    expect({ code: needs.code, actions: needs.stdout.includes('iam:GetAccountAuthorizationDetails') }).toEqual({ code: 0, actions: true });
  });

  test('what was read is judged again from a file, without server and AWS, and holds no secret', async () => {
    const file = `${world.command.home}/evidence.json`;
    const live = await doctor([...TASK, '--save', file]);
    expect(fs.readFileSync(file, 'utf8')).not.toMatch(SECRETS);
    const offline = await world.command.run(['doctor', '--from', file, '--json']);
    expect({ code: offline.code, stderr: offline.stderr, found: JSON.parse(offline.stdout) }).toEqual({
      code: 0,
      stderr: '',
      found: live.found,
    });
    const other = await world.command.run(['doctor', '--from', rewritten(file, () => '{"formatVersion":"1.0"}')]);
    expect([other.code, other.stderr]).toEqual([1, expect.stringContaining('is no evidence of this version')]);
  });

  test('lists its checks, explains what was pasted, and knows no others', async () => {
    const listed = await world.command.run(['doctor', '--list']);
    expect(listed.stdout).toMatch(/^reachable +something listens at the endpoint\n/);
    const file = rewritten(world.manifest(''), () => 'FATAL:  PAM authentication failed for user "app"\n');
    const { code, stdout } = await world.command.run(['doctor', '--explain', file]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^line 1: pam: the server wanted a token of 'app'/) });
    const unknown = await world.run('doctor', '--check', 'clok', '-m', world.manifest(BODY));
    expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining("did you mean 'clock'?")]);
    const whose = await world.run('doctor', '--check', 'user-password', '-m', world.manifest(BODY));
    expect([whose.code, whose.stderr]).toEqual([1, expect.stringContaining('name whose login it is about')]);
  });
});

/** The file with another text. */
const rewritten = (file: string, change: (text: string) => string): string => {
  fs.writeFileSync(file, change(fs.readFileSync(file, 'utf8')));
  return file;
};
