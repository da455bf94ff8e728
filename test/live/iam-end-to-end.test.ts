import { afterAll, beforeAll, expect, test } from 'vitest';
import { withMoto } from '../lab/aws/suite.ts';
import { type AwsWorld, startAwsWorld } from './aws-world.ts';

/** What the server would log, for this reason and no other. */
const NOT_ALLOWED = /is not authorized to perform rds-db:connect on .*: no policy allows it$/;

withMoto('a user, its grants and its policy', (moto) => {
  let world: AwsWorld;
  beforeAll(async () => {
    world = await startAwsWorld(moto());
    await world.makeRole('orders-api-task');
    await world.makeRole('reports');
    const { server } = world.rds;
    await server.query(server.master, 'postgres', 'CREATE DATABASE app');
    await server.query(server.master, 'app', 'CREATE SCHEMA s; CREATE TABLE s.orders (id int); INSERT INTO s.orders VALUES (1)');
  });
  afterAll(() => world?.close());

  const IAM = 'iam: { account: "123456789012" }\n';
  const ORDERS = `${IAM}users:
  orders_api:
    auth: iam
    principals: [role/orders-api-task]
    read: [app.s]
`;

  const expectApplied = async (body: string): Promise<string> => {
    const file = world.manifest(body);
    const { code, stdout, stderr } = await world.run('apply', '-m', file, '--auto-approve');
    expect({ code, stderr: code === 0 ? '' : `${stdout}\n${stderr}` }).toEqual({ code: 0, stderr: '' });
    world.aws.forget();
    const again = await world.run('apply', '-m', file, '--auto-approve');
    expect({ code: again.code, writes: world.writes(), violations: world.aws.violations() }).toEqual({
      code: 0,
      writes: [],
      violations: [],
    });
    return stdout;
  };

  test('denied without the policy and for that reason, allowed once it is applied, denied when it is detached, and mended', async () => {
    await world.rds.server.query(world.rds.server.master, 'postgres', 'CREATE ROLE orders_api LOGIN; GRANT rds_iam TO orders_api');
    expect(await world.login('role/orders-api-task', 'orders_api')).toMatch(NOT_ALLOWED);
    const stdout = await expectApplied(ORDERS);
    expect(stdout).toContain('role/orders-api-task');
    expect(await world.login('role/orders-api-task', 'orders_api')).toBe('in');
    expect(await world.login('role/reports', 'orders_api')).toMatch(NOT_ALLOWED);

    const [policy] = await world.attached('orders-api-task');
    await world.detach('orders-api-task', policy!);
    expect(await world.login('role/orders-api-task', 'orders_api')).toMatch(NOT_ALLOWED);
    const drift = await world.start('drift', '-m', world.manifest(ORDERS)).ended;
    expect({ code: drift.code, stdout: drift.stdout }).toEqual({ code: 2, stdout: expect.stringContaining('role/orders-api-task') });
    await expectApplied(ORDERS);
    expect(await world.login('role/orders-api-task', 'orders_api')).toBe('in');
  });

  test('a password user comes to IAM when its policy is open, and goes back in place', async () => {
    const { server } = world.rds;
    const password = `${ORDERS}  jane: { auth: password, password: "\${env:JANE}" }\n`;
    await expectApplied(password);
    await server.query({ user: 'jane', password: 'jane-password' }, 'postgres', 'SELECT 1');
    expect(await world.login('role/reports', 'jane')).toMatch(/password/);

    const iam = `${ORDERS}  jane: { auth: iam, principals: [role/reports] }\n`;
    const file = world.manifest(iam);
    const plan = JSON.parse((await world.start('plan', '-m', file, '--json').ended).stdout);
    const flips = plan.targets[0].transactions.filter(({ stage }: { stage?: number }) => stage === 3);
    expect(flips).toMatchObject([{ stage: 3, awaits: ['iam'] }]);
    await expectApplied(iam);
    expect(await world.login('role/reports', 'jane')).toBe('in');

    await expectApplied(password.replace('${env:JANE}" }', '${env:JANE}", password_version: 2 }'));
    await server.query({ user: 'jane', password: 'jane-password' }, 'postgres', 'SELECT 1');
    expect(await world.attached('reports')).toEqual([]);
  });

  test('a policy that cannot be opened leaves a login as it was, and the rest is done', async () => {
    const { server } = world.rds;
    await expectApplied(`${ORDERS}  jane: { auth: password, password: "\${env:JANE}", password_version: 3 }\n`);
    const file = world.manifest(`${ORDERS}  jane: { auth: iam, principals: [role/nobody-made-it] }\n  kim: { auth: none }\n`);
    const { code, stdout } = await world.start('apply', '-m', file, '--auto-approve').ended;
    expect({ code, named: stdout.includes('role/nobody-made-it') }).toEqual({ code: 3, named: true });
    await server.query({ user: 'jane', password: 'jane-password' }, 'postgres', 'SELECT 1');

    const body = `${ORDERS}  jane: { auth: iam, principals: [role/reports] }\n  kim: { auth: none }\n`;
    world.refuse('AttachRolePolicy');
    const refused = await world.start('apply', '-m', world.manifest(body), '--auto-approve').ended;
    world.refuse(null);
    expect({ code: refused.code, out: refused.stdout + refused.stderr }).toEqual({
      code: 5,
      out: expect.stringContaining('iam:AttachRolePolicy'),
    });
    expect(refused.stdout).toContain("some of it waits for 'iam'");
    await server.query({ user: 'jane', password: 'jane-password' }, 'postgres', 'SELECT 1');
    expect(await server.query(server.superuser, 'postgres', "SELECT rolname FROM pg_roles WHERE rolname = 'kim'")).toHaveLength(1);
    await expectApplied(body);
    expect(await world.login('role/reports', 'jane')).toBe('in');
  });

  test('where others change IAM, a user may be made before its policy, and no login changes before it', async () => {
    const others = ORDERS.replace('iam: { ', 'iam: { mode: verify, ');
    await expectApplied(`${ORDERS}  jane: { auth: password, password: "\${env:JANE}", password_version: 4 }\n`);
    const made = await world.start(
      'apply',
      '-m',
      world.manifest(
        `${others}  max: { auth: iam, principals: [role/reports] }\n  jane: { auth: password, password: "\${env:JANE}", password_version: 4 }\n`,
      ),
      '--auto-approve',
    ).ended;
    expect({ code: made.code, out: made.stdout }).toEqual({
      code: 0,
      out: expect.stringMatching(/warning iam\/not-allowed: 'role\/reports'/),
    });
    const file = world.manifest(`${others}  jane: { auth: iam, principals: [role/reports] }\n`);
    const plan = await world.start('plan', '-m', file).ended;
    expect({ code: plan.code, out: plan.stdout }).toEqual({
      code: 3,
      out: expect.stringMatching(/error iam\/not-allowed: 'role\/reports'/),
    });
    await expectApplied(ORDERS);
  });

  test('who leaves is closed on the server before the policy goes', async () => {
    await expectApplied(`${ORDERS}  lee: { auth: iam, principals: [role/reports] }\n`);
    expect(await world.login('role/reports', 'lee')).toBe('in');
    const stdout = await expectApplied(ORDERS);
    expect(stdout).toMatch(/ends no session that is open/);
    expect(await world.login('role/reports', 'lee')).not.toBe('in');
    expect(await world.attached('reports')).toEqual([]);
  });

  test('an expiry by itself closes both planes, and leaves to a full apply whatever else differs', async () => {
    const lee = (reports: string, until: string): string =>
      `${ORDERS}  lee: { auth: iam, principals: [role/reports], until: ${until} }\n  kim: { auth: iam, principals: [${reports}] }\n`;
    await expectApplied(lee('role/reports', '2099-01-01'));
    expect(await world.login('role/reports', 'lee')).toBe('in');
    // kim's policy line shall go as well, and orders_api shall lose what it reads: nobody reviewed that.
    const changed = world.manifest(lee('role/orders-api-task', '2020-01-01').replace('    read: [app.s]\n', ''));
    const { code, stdout, stderr } = await world.start('apply', '-m', changed, '--auto-approve', '--only', 'expired').ended;
    expect({ code, stderr: code === 0 ? '' : stdout + stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/policy +role\/reports[\s\S]*\(its until has passed\)/);
    const rights = await world.rds.server.query(
      world.rds.server.superuser,
      'app',
      "SELECT rolname, rolcanlogin, has_table_privilege(rolname, 's.orders', 'select') AS reads FROM pg_roles WHERE rolname IN ('lee', 'orders_api') ORDER BY 1",
    );
    expect(rights).toEqual([
      { rolname: 'lee', rolcanlogin: false, reads: false },
      { rolname: 'orders_api', rolcanlogin: true, reads: true },
    ]);
    expect(await world.login('role/reports', 'lee')).toMatch(NOT_ALLOWED);
    expect(await world.login('role/reports', 'kim')).toBe('in');
    const again = await world.start('apply', '-m', changed, '--auto-approve', '--only', 'expired').ended;
    expect({ code: again.code, stdout: again.stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/0 to add|No changes|nothing/i) });
    await expectApplied(lee('role/orders-api-task', '2020-01-01'));
    expect(await world.login('role/reports', 'kim')).toMatch(NOT_ALLOWED);
  });

  test('who is forgotten comes in as before, until nothing speaks of it any more', async () => {
    await expectApplied(`${ORDERS}  mo: { auth: iam, principals: [role/reports] }\n`);
    expect(await expectApplied(`${ORDERS}removed: { mo: { forget: true } }\n`)).not.toMatch(/policy +role\/reports/);
    expect(await world.login('role/reports', 'mo')).toBe('in');
    const plan = await world.start('plan', '-m', world.manifest(`${ORDERS}removed: { mo: { forget: true } }\n`)).ended;
    expect((plan.stdout + plan.stderr).replace(/\s+/g, ' ')).toMatch(
      /note iam\/forgotten: 'mo' on target .* still let in as it: role\/reports/,
    );
    await expectApplied(ORDERS);
    expect(await world.login('role/reports', 'mo')).toMatch(NOT_ALLOWED);
    await world.rds.server.query(world.rds.server.master, 'postgres', 'DROP ROLE mo');
  });

  test('destroy leaves nothing, in neither plane', async () => {
    await expectApplied(ORDERS);
    const { code, stdout, stderr } = await world.start('destroy', '-m', world.manifest(ORDERS), '--auto-approve').ended;
    expect({ code, out: code === 0 ? '' : stdout + stderr }).toEqual({ code: 0, out: '' });
    expect([await world.policies(), await world.attached('orders-api-task')]).toEqual([[], []]);
    const rows = await world.rds.server.query(
      world.rds.server.superuser,
      'postgres',
      "SELECT rolname FROM pg_roles WHERE rolname ~ '^(orders_api|jane|lee|kim)$'",
    );
    expect(rows).toEqual([]);
  });
});
