import { DeleteRoleCommand, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withMoto } from '../../lab/aws/suite.ts';
import { type AwsWorld, startAwsWorld } from '../aws-world.ts';

withMoto('an account and a server that are pulled apart', (moto) => {
  let world: AwsWorld;
  beforeAll(async () => {
    world = await startAwsWorld(moto());
    for (const role of ['reports', 'batch']) await world.makeRole(role);
    await world.rds.server.query(world.rds.server.master, 'postgres', 'CREATE DATABASE app');
  });
  afterAll(() => world?.close());

  const IAM = 'iam: { account: "123456789012" }\n';
  const jane = (body: string, iam = IAM) => world.manifest(`${iam}users:\n  jane: { ${body} }\n`);
  const PASSWORD = 'auth: password, password: "${env:JANE}"';
  const apply = async (file: string, ...rest: readonly string[]) => {
    const { code, stdout, stderr } = await world.run('apply', '-m', file, '--auto-approve', ...rest);
    return { code, said: stdout + stderr };
  };
  const byPassword = async () =>
    await world.rds.server.query({ user: 'jane', password: 'jane-password' }, 'postgres', 'SELECT 1 AS one').catch(String);

  test('no login changes to IAM in a run without the account, whoever planned it with the account', async () => {
    expect((await apply(jane(PASSWORD))).code).toBe(0);
    const file = jane('auth: iam, principals: [role/reports]');
    const refused = { code: 3, said: expect.stringMatching(/error guard\/flip-without-policy: .*'jane'/) };
    expect(await apply(file, '--target', 'orders')).toEqual(refused);
    const saved = `${file}.json`;
    expect((await world.run('plan', '-m', file, '--out', saved)).code).toBe(0);
    expect((await apply(file, '--target', 'orders', saved)).code).not.toBe(0);
    expect(await byPassword()).toEqual([{ one: 1 }]);

    expect((await apply(file, '--target', 'iam')).code).toBe(0);
    expect((await apply(file, '--target', 'orders')).code).toBe(3);
    expect((await apply(file, '--target', 'orders', '--target', 'iam')).code).toBe(0);
    expect(await world.login('role/reports', 'jane')).toBe('in');
    expect((await apply(file, '--target', 'orders')).code).toBe(0);
  });

  test('what is blocked on a server that has nothing else to do keeps no policy from opening or closing', async () => {
    const { server } = world.rds;
    await server.query(server.superuser, 'app', 'CREATE ROLE other; CREATE TABLE secret (id int); ALTER TABLE secret OWNER TO other');
    await server.query(server.superuser, 'app', 'SET ROLE other; GRANT SELECT ON secret TO jane');
    const moved = await apply(jane('auth: iam, principals: [role/batch]'));
    expect(moved).toEqual({ code: 5, said: expect.stringMatching(/left over: .*secret/) });
    expect(await world.login('role/batch', 'jane')).toBe('in');
    expect(await world.login('role/reports', 'jane')).not.toBe('in');
    await server.query(server.superuser, 'app', 'DROP TABLE secret; DROP ROLE other');
  });

  test('a role that was made anew under its name is not the one that was reviewed', async () => {
    await world.makeRole('anew');
    const file = jane('auth: iam, principals: [role/batch, role/anew]');
    expect((await world.run('plan', '-m', file, '--out', `${file}.json`)).code).toBe(0);
    await world.iam.send(new DeleteRoleCommand({ RoleName: 'anew' }));
    await world.makeRole('anew');
    expect(await apply(file, `${file}.json`)).toEqual({
      code: 4,
      said: expect.stringMatching(/apply\/plan-stale: .*'role\/anew' was dropped and made again/s),
    });
    expect(await world.attached('anew')).toEqual([]);
  });

  test('a policy that lost its holders and could not be deleted is no run in which nothing was changed', async () => {
    expect((await apply(jane('auth: iam, principals: [role/batch, role/reports]'))).code).toBe(0);
    const [arn] = await world.attached('batch');
    world.refuse('DeletePolicy');
    const moved = await apply(jane('auth: iam, principals: [role/reports]'), '--target', 'iam');
    world.refuse(null);
    expect([moved.code, await world.attached('batch'), arn]).toEqual([5, [], expect.any(String)]);
    expect(moved.said).not.toMatch(/Nothing was changed/);
    world.refuse('DeletePolicy');
    const stuck = await apply(jane('auth: iam, principals: [role/reports]'), '--target', 'iam');
    world.refuse(null);
    expect(stuck).toEqual({ code: 1, said: expect.stringMatching(/Nothing was changed/) });
    expect((await apply(jane('auth: iam, principals: [role/reports]'))).code).toBe(0);
  });

  test('a policy that was opened for one and not closed for another is no run in which nothing was done', async () => {
    const both = (name: string) =>
      world.manifest(
        `${IAM}users:\n  ${name}: { auth: iam, principals: [role/batch] }\n  jane: { auth: iam, principals: [role/reports] }\n`,
      );
    expect((await apply(both('first'), '--target', 'iam')).code).toBe(0);
    world.strike((nth) => (nth === 1 ? 'access-denied' : undefined));
    const half = await apply(both('second'), '--target', 'iam');
    world.strike(null);
    expect(half).toEqual({ code: 5, said: expect.stringMatching(/iam +applied in part/) });
    expect((await apply(jane('auth: iam, principals: [role/reports]'))).code).toBe(0);
  });

  test('where nothing was done because a target had to be waited for, the exit code is that of its trouble', async () => {
    const nobody = jane('auth: password, password: "${env:NOT_SET}", password_version: 9');
    expect(await apply(nobody)).toEqual({
      code: 1,
      said: expect.stringMatching(/secret\/empty.*apply\/waits.*Nothing was changed/s),
    });
    expect(await world.login('role/reports', 'jane')).toBe('in');
  });

  test('an account that cannot be read is a finding, however much sooner that is known than what the servers hold', async () => {
    world.refuse('GetCallerIdentity');
    const file = jane('auth: iam, principals: [role/reports]');
    const { code, stdout, stderr } = await world.run('plan', '-m', file);
    const applied = await apply(file);
    world.refuse(null);
    const denied = /error aws\/access-denied: .*sts:GetCallerIdentity/s;
    expect({ code, stdout, stderr }).toEqual({
      code: 1,
      stdout: expect.stringMatching(denied),
      stderr: expect.not.stringContaining('.js:'),
    });
    expect(applied).toEqual({ code: 1, said: expect.stringMatching(denied) });
    expect(applied.said).not.toContain('.js:');
  });

  test('no login changes to IAM where a Deny keeps everybody out who may use it', async () => {
    expect((await apply(jane(`${PASSWORD}, password_version: 3`))).code).toBe(0);
    const deny = { Version: '2012-10-17', Statement: [{ Effect: 'Deny', Action: 'rds-db:*', Resource: '*' }] };
    await world.iam.send(new PutRolePolicyCommand({ RoleName: 'reports', PolicyName: 'no', PolicyDocument: JSON.stringify(deny) }));
    const file = jane('auth: iam, principals: [role/reports]');
    expect(await apply(file)).toEqual({ code: 3, said: expect.stringMatching(/error iam\/unreachable-user: /) });
    expect(await byPassword()).toEqual([{ one: 1 }]);
    expect((await apply(jane('auth: iam, principals: [role/reports, role/batch]'))).code).toBe(0);
    expect(await world.login('role/batch', 'jane')).toBe('in');
  });
});
