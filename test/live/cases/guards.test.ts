import { beforeAll, expect, test } from 'vitest';
import { eachMajor } from '../../lab/majors.ts';
import { applyOn, changesOf, codesOf, planOn, sqlOf } from '../scenario.ts';
import { asMaster, loginOf, roleExists, settle } from './settle.ts';

eachMajor((server, major) => {
  const target = { target: 'databases: [app]' };
  beforeAll(async () => {
    process.env.GUARD = 'guard-password';
    await asMaster(server(), ['postgres', 'CREATE DATABASE app'], ['app', 'CREATE TABLE t (id int)']);
  });

  test("Rolecall's own login cannot be declared, removed or disabled", async () => {
    const s = server();
    for (const body of [
      'users:\n  master: { auth: password }',
      'removed:\n  master: { drop: true }',
      'groups:\n  master: {}',
      'users:\n  master: { auth: password, enabled: false }',
    ]) {
      const plan = await planOn(s, body, target);
      expect(codesOf(plan.findings)).toContain('guard/self-attribute-change');
      expect((await applyOn(s, body, target)).exitCode).toBe(3);
    }
    expect(await loginOf(s, s.master.user, s.master.password)).toBe('in');
  });

  test('a superuser and a second master are out of reach too', async () => {
    const s = server();
    await s.query(
      s.superuser,
      'postgres',
      `CREATE ROLE boss SUPERUSER LOGIN; CREATE ROLE master2 LOGIN CREATEROLE; GRANT rds_superuser TO master2`,
    );
    for (const name of ['boss', 'master2']) {
      expect(codesOf((await planOn(s, `users:\n  ${name}: { auth: password }`, target)).findings)).toContain('guard/self-attribute-change');
      const removal = await planOn(s, `removed:\n  ${name}: { drop: true }`, target);
      expect(removal.steps).toEqual([]);
    }
  });

  test('protected roles are never altered, be it by what a group is exact about', async () => {
    const s = server();
    const own = { ...target, stack: 'test/protected' };
    await settle(s, 'groups:\n  rescue: {}\nexisting: []', own);
    await asMaster(s, ['postgres', `CREATE ROLE break_glass LOGIN; GRANT rescue TO break_glass`]);
    const body = 'groups:\n  rescue: {}\nguard: { protected: [break_glass] }';
    const plan = await planOn(s, body, own);
    expect(changesOf(plan)).toEqual([]);
    expect(await s.query(s.superuser, 'postgres', `SELECT pg_has_role('break_glass', 'rescue', 'MEMBER') AS held`)).toEqual([
      { held: true },
    ]);
  });

  test('a protected role that carries our mark is not disabled by absence', async () => {
    const s = server();
    const own = { ...target, stack: 'test/protected-absent' };
    await settle(s, 'groups:\n  rest: {}\nusers:\n  glass: { auth: password, password: "${env:GUARD}" }', own);
    const body = 'groups:\n  rest: {}\nguard: { protected: [glass] }';
    await settle(s, body, own);
    expect(await loginOf(s, 'glass', 'guard-password')).toBe('in');
  });

  test('max_removals counts roles that lose anything, each once', async () => {
    const s = server();
    const own = { ...target, stack: 'test/max' };
    await settle(
      s,
      'groups:\n  g: { grants: [{ privileges: [select, insert], tables: public.t }], createdb: true }\n  h: { grants: [{ privileges: [select], tables: public.t }] }\nusers:\n  u: { auth: none, groups: [g, h] }',
      own,
    );
    const less = (limit: number) => `groups:\n  g: {}\n  h: {}\nusers:\n  u: { auth: none }\nguard: { max_removals: ${limit} }`;
    const plan = await planOn(s, less(2), own);
    expect(plan.findings).toMatchObject([
      { code: 'guard/max-removals', severity: 'error', message: '3 roles would lose access, at most 2 may in one run: g, h, u' },
    ]);
    expect((await applyOn(s, less(2), own)).exitCode).toBe(3);
    // the flag is stricter than the manifest
    expect(codesOf((await planOn(s, less(5), { ...own, maxRemovals: 1 })).findings)).toEqual(['guard/max-removals']);
    await settle(s, less(3), own);
  });

  test('gaining is not losing: max_removals 0 lets everything in', async () => {
    const own = { ...target, stack: 'test/zero' };
    await settle(
      server(),
      'groups:\n  zero: { grants: [{ privileges: [select], tables: public.t }] }\nusers:\n  nil: { auth: none, groups: [zero] }\nguard: { max_removals: 0 }',
      own,
    );
  });

  test('rules are policy: an error refuses, a warning tells, off is silent', async () => {
    const s = server();
    const body = (severity: string) =>
      `users:\n  direct: { auth: none, grants: [{ privileges: [select], tables: public.t }] }\nguard: { rules: { no-direct-user-grants: ${severity} } }`;
    expect((await planOn(s, body('error'), target)).findings).toMatchObject([{ code: 'rule/no-direct-user-grants', severity: 'error' }]);
    expect((await applyOn(s, body('error'), target)).exitCode).toBe(3);
    expect((await planOn(s, body('warning'), target)).findings).toMatchObject([
      { code: 'rule/no-direct-user-grants', severity: 'warning' },
    ]);
    expect((await planOn(s, body('"off"'), target)).findings).toEqual([]);
    expect(await roleExists(s, 'direct')).toBe(false);
  });

  test('attributes that only a superuser gives are reported and left', async () => {
    const s = server();
    await asMaster(s, ['postgres', 'CREATE ROLE special LOGIN']);
    await s.query(s.superuser, 'postgres', 'ALTER ROLE special BYPASSRLS REPLICATION');
    const plan = await settle(s, 'users:\n  special: { auth: password }', { ...target, stack: 'test/special' });
    expect(codesOf(plan.findings)).toEqual(['role/bypassrls', 'role/replication']);
    expect(sqlOf(plan).join()).not.toMatch(/REPLICATION|BYPASSRLS|SUPERUSER/);
  });

  test.runIf(major >= 16)(
    'an attribute that the login does not have itself is refused by the server without anything being changed',
    async () => {
      const s = server();
      await s.query(s.superuser, 'postgres', 'ALTER ROLE master NOCREATEDB');
      try {
        const applied = await applyOn(s, 'groups:\n  before: {}\nusers:\n  dbmaker: { auth: none, createdb: true }', {
          ...target,
          stack: 'test/createdb',
        });
        expect(applied).toMatchObject({ exitCode: 1, result: { status: 'failed', applied: 0 } });
        expect(await roleExists(s, 'before')).toBe(false);
      } finally {
        await s.query(s.superuser, 'postgres', 'ALTER ROLE master CREATEDB');
      }
    },
  );

  test("a grant on what the provider's roles own or hold is none of the plan's business", async () => {
    const s = server();
    await s.query(
      s.superuser,
      'app',
      'CREATE TABLE audit (id int); GRANT SELECT ON audit TO rds_superuser, pg_monitor; GRANT pg_monitor TO rds_superuser',
    );
    expect((await planOn(s, 'groups:\n  neighbour: {}', { ...target, stack: 'test/provider' })).changes.map(({ key }) => key)).toEqual([
      'neighbour',
    ]);
  });
});
