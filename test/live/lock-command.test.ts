import {
  AttachRolePolicyCommand,
  CreatePolicyCommand,
  GetPolicyCommand,
  GetPolicyVersionCommand,
  type IAMClient,
} from '@aws-sdk/client-iam';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { awsEnvironment } from '../lab/aws/moto.ts';
import { withMoto } from '../lab/aws/suite.ts';
import { type AwsWorld, startAwsWorld } from './aws-world.ts';

const CLOSED = /is not permitted to log in/;

withMoto('lock, in both planes', (moto) => {
  let world: AwsWorld;
  const IAM = 'iam: { account: "123456789012" }\n';
  const BODY = `${IAM}users:
  jane: { auth: iam, principals: [role/reports], read: [app.s] }
  orders_api: { auth: iam, principals: [role/orders-api-task, role/reports], read: [app.s] }
`;
  beforeAll(async () => {
    world = await startAwsWorld(moto());
    for (const role of ['orders-api-task', 'reports', 'others']) await world.makeRole(role);
    const { server } = world.rds;
    await server.query(server.master, 'postgres', 'CREATE DATABASE app');
    await server.query(server.master, 'app', 'CREATE SCHEMA s');
    const PolicyDocument = JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: 'rds-db:connect', Resource: [world.rds.arn('jane')] }],
    });
    const { Policy } = await world.iam.send(new CreatePolicyCommand({ PolicyName: 'by-hand', PolicyDocument }));
    await world.iam.send(new AttachRolePolicyCommand({ RoleName: 'others', PolicyArn: Policy!.Arn! }));
    const { code, stdout, stderr } = await world.run('apply', '-m', world.manifest(BODY), '--auto-approve');
    expect({ code, out: code === 0 ? '' : stdout + stderr }).toEqual({ code: 0, out: '' });
  });
  afterAll(() => world?.close());

  const direct = async (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    await world.command.run(args, { ...awsEnvironment(world.aws), ...env });
  const rds = () => [
    '--rds',
    'cluster/orders-prod',
    '--region',
    world.rds.region,
    '--via',
    `127.0.0.1:${world.rds.via.port}`,
    '--ca',
    world.rds.caFile,
    '--user',
    'master',
  ];
  const password = () => ({ PGPASSWORD: world.rds.server.master.password });

  test('closes the login, takes the lines out of our policies and leaves everything else in them', async () => {
    expect(await world.login('role/reports', 'jane')).toBe('in');
    const { code, stdout, stderr } = await world.run('lock', 'jane', '-m', world.manifest(BODY), '--auto-approve', '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const result = JSON.parse(stdout);
    expect(result).toMatchObject({
      formatVersion: '1.0',
      command: 'lock',
      user: 'jane',
      targets: [{ name: 'orders', status: 'done', login: { before: true, after: false } }],
      iam: {
        status: 'done',
        removed: [{ principal: 'role/reports', arn: world.rds.arn('jane') }],
        findings: [{ code: 'lock/foreign-policy', message: expect.stringContaining("'by-hand'") }],
      },
    });
    expect(await world.login('role/others', 'jane')).toMatch(CLOSED);
    expect(await world.login('role/reports', 'jane')).toMatch(/no policy allows it$/);
    expect(await world.login('role/reports', 'orders_api')).toBe('in');
    expect(await resourcesOf(world.iam, (await world.attached('reports'))[0]!)).toEqual([world.rds.arn('orders_api')]);
  });

  test('plans show it and want nothing; an apply gives neither login nor line back, be its plan from before the lock', async () => {
    const file = world.manifest(BODY);
    const plan = await world.run('plan', '-m', file);
    expect({ code: plan.code, out: plan.stdout }).toEqual({
      code: 0,
      out: expect.stringMatching(/note role\/locked: 'jane' is locked since/),
    });
    const drift = await world.run('drift', '-m', file);
    expect({ code: drift.code, out: drift.stdout }).toEqual({
      code: 0,
      out: expect.stringMatching(/note role\/locked: 'jane' is locked since/),
    });
    await world.run('unlock', 'jane', '-m', file);
    const saved = `${world.command.home}/before.json`;
    const more = world.manifest(`${BODY}  kim: { auth: iam, principals: [role/reports] }\n`);
    const opened = await world.run('plan', '-m', more, '--out', saved);
    expect(opened.stdout).toContain('jane');
    await world.run('lock', 'jane', '-m', file, '--auto-approve');
    const { code, stdout, stderr } = await world.run('apply', '-m', more, saved, '--auto-approve');
    expect({ code, out: code === 0 ? '' : stdout + stderr }).toEqual({ code: 0, out: '' });
    expect((await resourcesOf(world.iam, (await world.attached('reports'))[0]!)).sort()).toEqual(
      [world.rds.arn('kim'), world.rds.arn('orders_api')].sort(),
    );
    expect(await world.login('role/others', 'jane')).toMatch(CLOSED);
  });

  test('does not wait for a run that is going on, and names whom it ends where that is asked for', async () => {
    const { server } = world.rds;
    const held = await server.connect(server.master, 'postgres');
    held.on('error', () => {});
    const ended = new Promise<void>((resolve) => held.on('end', () => resolve()));
    await held.query('SELECT pg_catalog.pg_advisory_lock(8245928625453493356)');
    const file = world.manifest(BODY);
    const beside = await world.run('lock', 'jane', '-m', file, '--auto-approve');
    expect(beside).toMatchObject({ code: 0, stdout: expect.stringMatching(/a run is going on: .*'master'/) });
    await held.query('SELECT 1');
    const broken = await world.run('lock', 'jane', '-m', file, '--auto-approve', '--break-lock');
    expect(broken).toMatchObject({ code: 0, stderr: expect.stringMatching(/^orders: ending the run of .*'master' from 127\.0\.0\.1/) });
    await ended;
  });

  test('unlocked, the next apply opens the way in again, and then nothing is left to do', async () => {
    const file = world.manifest(BODY);
    const { code, stdout } = await world.run('unlock', 'jane', '-m', file);
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('come back with the next rolecall apply') });
    expect(await world.login('role/reports', 'jane')).toMatch(/no policy allows it$/);
    expect((await world.run('apply', '-m', file, '--auto-approve')).code).toBe(0);
    expect(await world.login('role/reports', 'jane')).toBe('in');
    expect((await world.run('drift', '-m', file)).code).toBe(0);
  });

  test('needs no manifest: the server by its name in RDS, or as psql takes it', async () => {
    const { code, stdout, stderr } = await direct(
      ['lock', 'orders_api', ...rds(), '--auto-approve', '--reason', 'stolen laptop'],
      password(),
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/orders-prod +login closed, no sessions, marked locked=\d{4}-\d\d-\d\d of stack test\/access/);
    expect(stdout).toMatch(/2 lines taken out of policies/);
    // The policy of the one principal held nothing else: it goes, as it would by a plan.
    expect(await world.attached('orders-api-task')).toEqual([]);
    expect((await direct(['unlock', 'orders_api', ...rds()], password())).code).toBe(0);

    const { server } = world.rds;
    const named = ['--host', '127.0.0.1', '--port', String(server.port), '--user', 'master'];
    const again = await direct(['lock', 'orders_api', ...named, '--auto-approve', '--json'], password());
    expect({ code: again.code, result: JSON.parse(again.stdout || '{}') }).toMatchObject({
      code: 0,
      result: { targets: [{ name: '127.0.0.1', status: 'done' }], iam: { status: 'skipped' } },
    });
    const env = { ...password(), PGHOST: '127.0.0.1', PGPORT: String(server.port), PGUSER: 'master' };
    expect(await direct(['unlock', 'orders_api'], env)).toMatchObject({ code: 0, stdout: expect.stringContaining('may log in again') });
    expect((await world.run('apply', '-m', world.manifest(BODY), '--auto-approve')).code).toBe(0);
  });

  test('what AWS refuses keeps nothing of the server, and the other way round', async () => {
    world.refuse('CreatePolicyVersion');
    const { code, stdout } = await world.run('lock', 'jane', '-m', world.manifest(BODY), '--auto-approve', '--json');
    world.refuse(null);
    expect({ code, result: JSON.parse(stdout) }).toMatchObject({
      code: 5,
      result: { targets: [{ status: 'done' }], iam: { status: 'failed', findings: [{ code: 'aws/access-denied' }, {}] } },
    });
    expect(await world.login('role/reports', 'jane')).toMatch(CLOSED);

    const wrong = await direct(['lock', 'jane', ...rds(), '--auto-approve', '--json'], { PGPASSWORD: 'wrong-canary-password' });
    expect({ code: wrong.code, result: JSON.parse(wrong.stdout) }).toMatchObject({
      code: 5,
      result: { targets: [{ status: 'failed', findings: [{ code: 'connect/password' }] }], iam: { status: 'done', removed: [{}] } },
    });
    expect(wrong.stdout + wrong.stderr).not.toContain('wrong-canary-password');
    await world.run('unlock', 'jane', '-m', world.manifest(BODY));
  });

  test.each<[string, () => void]>([
    ['where the whole account may not be read', () => world.refuse('GetAccountAuthorizationDetails')],
    ['where the answer to a write is lost', () => world.strike((nth) => (nth === 0 ? 'reset-after' : undefined))],
    ['where AWS is busy for a while', () => world.strike((nth) => (nth < 2 ? 'throttle' : undefined))],
  ])('takes the lines out %s', async (_name, trouble) => {
    const file = world.manifest(BODY);
    expect((await world.run('apply', '-m', file, '--auto-approve')).code).toBe(0);
    trouble();
    const { code, stdout } = await world.run('lock', 'jane', '-m', file, '--auto-approve', '--json');
    world.refuse(null);
    world.strike(null);
    expect({ code, result: JSON.parse(stdout) }).toMatchObject({
      code: 0,
      result: { iam: { status: 'done', removed: [{ principal: 'role/reports' }] } },
    });
    expect(await resourcesOf(world.iam, (await world.attached('reports'))[0]!)).toEqual([world.rds.arn('orders_api')]);
    await world.run('unlock', 'jane', '-m', file);
  });

  test.each([
    ['without somebody to ask', ['lock', 'jane'], 3, 'there is no terminal to confirm on'],
    ['with two names of the server', ['lock', 'jane', '--host', 'x', '--auto-approve'], 1, 'are both named'],
    ['for a target that is not there', ['lock', 'jane', '-t', 'x', '--auto-approve'], 1, "there is no target 'x'"],
  ])('does nothing %s', async (_name, args, code, said) => {
    world.aws.forget();
    const ended = await world.run(...args, '-m', world.manifest(BODY));
    expect({ code: ended.code, said: ended.stderr.includes(said), writes: world.writes() }).toEqual({ code, said: true, writes: [] });
  });

  test('does nothing where no server is named', async () => {
    const ended = await direct(['lock', 'jane', '--auto-approve']);
    expect({ code: ended.code, said: ended.stderr.includes('there is no manifest here, and no server is named') }).toEqual({
      code: 1,
      said: true,
    });
  });
});

const resourcesOf = async (iam: IAMClient, PolicyArn: string): Promise<string[]> => {
  const { Policy } = await iam.send(new GetPolicyCommand({ PolicyArn }));
  const { PolicyVersion } = await iam.send(new GetPolicyVersionCommand({ PolicyArn, VersionId: Policy!.DefaultVersionId! }));
  const { Statement } = JSON.parse(decodeURIComponent(PolicyVersion!.Document!)) as { Statement: { Resource: string[] }[] };
  return Statement.flatMap(({ Resource }) => Resource);
};
