import { beforeAll, expect, test } from 'vitest';
import { eachMajor } from '../../lab/majors.ts';
import type { Postgres } from '../../lab/postgres.ts';
import { applyOn, changesOf, codesOf, planOn, sqlOf } from '../scenario.ts';
import { asMaster, loginOf, roleExists, settle } from './settle.ts';

/** A group of the stack, so that its manifest declares somebody. */
const others = ({ stack }: { readonly stack: string }): string => `groups:\n  of_${stack.replaceAll(/\W/g, '_')}: {}\n`;
const attribute = async (server: Postgres, role: string, column: string): Promise<unknown> =>
  (await server.query(server.superuser, 'postgres', `SELECT ${column} AS value FROM pg_roles WHERE rolname = $1`, [role]))[0]?.value;

eachMajor((server, major) => {
  const target = { target: 'databases: [app]' };
  beforeAll(async () => {
    process.env.CLERK = 'clerk-password';
    await asMaster(server(), ['postgres', 'CREATE DATABASE app'], ['app', 'CREATE TABLE t (id int)']);
  });
  const CLERK =
    'users:\n  clerk: { auth: password, password: "${env:CLERK}", groups: [staff], grants: [{ privileges: [select], tables: public.t }] }\n';
  const STAFF = 'groups:\n  staff: {}\n';

  test('a user that left the manifest is disabled, its sessions end, its grants stay; a second run does nothing', async () => {
    const s = server();
    const own = { ...target, stack: 'test/absence' };
    await settle(s, STAFF + CLERK, own);
    const session = await s.connect({ user: 'clerk', password: 'clerk-password' }, 'app');
    const plan = await settle(s, STAFF, own);
    expect(plan.changes.map(({ cause }) => cause)).not.toContain('declared');
    // the group is exact: who is in it is declared nowhere any more
    expect(changesOf(plan)).toEqual(['~ role clerk', '- sessions clerk', '- membership clerk in staff by master']);
    await expect(session.query('SELECT 1')).rejects.toThrow();
    await session.end().catch(() => {});
    expect(await loginOf(s, 'clerk', 'clerk-password')).toBe('28000');
    expect(await s.query(s.superuser, 'app', `SELECT has_table_privilege('clerk', 't', 'SELECT') AS held`)).toEqual([{ held: true }]);
    await settle(s, STAFF + CLERK, own);
    expect(await loginOf(s, 'clerk', 'clerk-password')).toBe('in');
    await settle(s, `${STAFF}removed:\n  clerk: { drop: true }`, own);
  });

  test('sessions that an interrupted run left behind are found by the next one', async () => {
    const s = server();
    const own = { ...target, stack: 'test/left' };
    await settle(s, `${others(own)}users:\n  lingerer: { auth: password, password: "\${env:CLERK}" }`, own);
    const session = await s.connect({ user: 'lingerer', password: 'clerk-password' }, 'postgres');
    await asMaster(s, ['postgres', 'ALTER ROLE lingerer NOLOGIN']);
    const plan = await settle(s, others(own), own);
    expect(changesOf(plan)).toEqual(['- sessions lingerer']);
    await expect(session.query('SELECT 1')).rejects.toThrow();
    await session.end().catch(() => {});
    await settle(s, `${others(own)}removed:\n  lingerer: { drop: true }`, own);
  });

  test('a group that left the manifest loses the members that are ours, and is reported as an orphan', async () => {
    const s = server();
    const own = { ...target, stack: 'test/orphan' };
    await asMaster(s, ['postgres', 'CREATE ROLE outsider LOGIN']);
    await settle(s, 'groups:\n  club: {}\n  other: {}\nusers:\n  insider: { auth: none, groups: [club] }', own);
    await asMaster(s, ['postgres', 'GRANT club TO outsider']);
    const plan = await settle(s, 'groups:\n  other: {}\nusers:\n  insider: { auth: none }', own);
    expect(changesOf(plan)).toEqual(['- membership insider in club by master']);
    expect(plan.findings).toContainEqual(expect.objectContaining({ code: 'role/orphan', severity: 'warning' }));
    expect(await s.query(s.superuser, 'postgres', `SELECT pg_has_role('outsider', 'club', 'MEMBER') AS held`)).toEqual([{ held: true }]);
    expect(await roleExists(s, 'club')).toBe(true);
  });

  test('absence counts as a removal for max_removals', async () => {
    const s = server();
    const own = { ...target, stack: 'test/counted' };
    await settle(
      s,
      `${others(own)}users:\n  c1: { auth: none }\n  c2: { auth: password, password: "\${env:CLERK}" }\n  c3: { auth: password, password: "\${env:CLERK}" }`,
      own,
    );
    const body = `${others(own)}users:\n  c1: { auth: none }\nguard: { max_removals: 1 }`;
    const plan = await planOn(s, body, own);
    expect(codesOf(plan.findings)).toEqual(['guard/max-removals']);
    expect((await applyOn(s, body, own)).exitCode).toBe(3);
    expect(await loginOf(s, 'c2', 'clerk-password')).toBe('in');
    await settle(s, body.replace('1 }', '2 }'), own);
  });

  test('a manifest that declares nobody is refused while something carries its mark', async () => {
    const s = server();
    const own = { ...target, stack: 'test/empty' };
    await settle(s, 'users:\n  alone: { auth: password, password: "${env:CLERK}" }', own);
    const empty = 'removed:\n  nobody: { drop: true }';
    const plan = await planOn(s, empty, own);
    expect(codesOf(plan.findings)).toContain('guard/empty-manifest');
    expect((await applyOn(s, empty, own)).exitCode).toBe(3);
    expect(await loginOf(s, 'alone', 'clerk-password')).toBe('in');
    await settle(s, 'removed:\n  alone: { drop: true }', own);
  });

  test('enabled: false closes the login, ends sessions and keeps the rest', async () => {
    const s = server();
    const own = { ...target, stack: 'test/enabled' };
    const body = (rest: string) =>
      `users:\n  onoff: { auth: password, password: "\${env:CLERK}", grants: [{ privileges: [select], tables: public.t }]${rest} }`;
    await settle(s, body(''), own);
    const session = await s.connect({ user: 'onoff', password: 'clerk-password' }, 'app');
    const plan = await settle(s, body(', enabled: false'), own);
    expect(sqlOf(plan)).toEqual(['ALTER ROLE "onoff" WITH NOLOGIN', expect.stringContaining('pg_terminate_backend')]);
    await expect(session.query('SELECT 1')).rejects.toThrow();
    await session.end().catch(() => {});
    expect(await loginOf(s, 'onoff', 'clerk-password')).toBe('28000');
    expect(sqlOf(await settle(s, body(''), own))).toEqual(['ALTER ROLE "onoff" WITH LOGIN']);
    expect(await loginOf(s, 'onoff', 'clerk-password')).toBe('in');
  });

  test('a user that is created disabled cannot log in, and can when enabled later', async () => {
    const s = server();
    const own = { ...target, stack: 'test/born-disabled' };
    await settle(s, 'users:\n  later: { auth: password, password: "${env:CLERK}", enabled: false }', own);
    expect(await loginOf(s, 'later', 'clerk-password')).toBe('28000');
    await settle(s, 'users:\n  later: { auth: password, password: "${env:CLERK}" }', own);
    expect(await loginOf(s, 'later', 'clerk-password')).toBe('in');
  });

  test('a lock in the mark is kept by plans and shown, whatever the manifest says', async () => {
    const s = server();
    const own = { ...target, stack: 'test/locked' };
    const body = 'users:\n  locked: { auth: password, password: "${env:CLERK}" }';
    await settle(s, body, own);
    await asMaster(s, [
      'postgres',
      `ALTER ROLE locked NOLOGIN; COMMENT ON ROLE locked IS '[rolecall stack=test/locked pw=1 locked=2026-05-01]'`,
    ]);
    const plan = await planOn(s, body, own);
    expect(plan.changes).toEqual([]);
    expect(plan.findings).toMatchObject([{ severity: 'note', code: 'role/locked' }]);
    // somebody opened it by hand: the mark still holds
    await asMaster(s, ['postgres', 'ALTER ROLE locked LOGIN']);
    await settle(s, body, own);
    expect(await attribute(s, 'locked', 'rolcanlogin')).toBe(false);
    // a change of the password version keeps the lock
    await settle(s, body.replace('" }', '", password_version: 2 }'), own);
    expect((await s.query(s.superuser, 'postgres', `SELECT shobj_description('locked'::regrole, 'pg_authid') AS text`))[0]?.text).toBe(
      '[rolecall stack=test/locked pw=2 locked=2026-05-01]',
    );
    expect(await attribute(s, 'locked', 'rolcanlogin')).toBe(false);
  });

  test('past its until a user is as absent, and its group memberships end', async () => {
    const s = server();
    const own = { ...target, stack: 'test/until' };
    const body = 'groups:\n  term: {}\nusers:\n  temp: { auth: password, password: "${env:CLERK}", until: 2026-12-31, groups: [term] }';
    await settle(s, body, own);
    expect(await attribute(s, 'temp', `rolvaliduntil = '2027-01-01 00:00:00Z'`)).toBe(true);
    expect((await planOn(s, body, own)).nextExpiry).toBe('2027-01-01T00:00:00Z');
    expect((await planOn(s, body, { ...own, asOf: '2026-12-31T23:59:59Z' })).changes).toEqual([]);
    const plan = await settle(s, body, { ...own, asOf: '2027-01-01T00:00:00Z' });
    expect(changesOf(plan)).toEqual(['~ role temp', '- sessions temp', '- membership temp in term by master']);
    expect(plan.changes.map(({ cause }) => cause)).toEqual(['expired', 'expired', 'expired']);
    expect(await loginOf(s, 'temp', 'clerk-password')).toBe('28000');
    // given more time it comes back
    await settle(s, body.replace('2026-12-31', '2027-12-31'), { ...own, asOf: '2027-01-01T00:00:00Z' });
    expect(await loginOf(s, 'temp', 'clerk-password')).toBe('in');
  });

  test('past its until a membership ends and the rest stays', async () => {
    const s = server();
    const own = { ...target, stack: 'test/until-membership' };
    const body =
      'groups:\n  shift: {}\nusers:\n  worker: { auth: none, groups: [{ name: shift, until: "2026-07-01T12:00:00Z", reason: OPS-1 }] }';
    await settle(s, body, own);
    const plan = await settle(s, body, { ...own, asOf: '2026-07-01T12:00:00Z' });
    expect(plan.changes).toMatchObject([{ kind: 'membership', cause: 'expired', after: null }]);
  });

  test('an expired user that never was on the server is not created', async () => {
    const s = server();
    const plan = await planOn(s, 'groups:\n  shift2: {}\nusers:\n  never: { auth: none, until: 2020-01-01, groups: [shift2] }', {
      ...target,
      stack: 'test/never',
    });
    expect(changesOf(plan)).toEqual(['+ role shift2']);
  });

  test('a user that expired while nobody looked leaves what only it was in', async () => {
    const s = server();
    const own = { ...target, stack: 'test/until-own' };
    const body = 'users:\n  passing: { auth: iam, until: 2026-12-31 }';
    await settle(s, body, own);
    expect(await attribute(s, 'passing', 'rolvaliduntil')).toBe(null);
    const plan = await settle(s, body, { ...own, asOf: '2027-02-01T00:00:00Z' });
    expect(changesOf(plan)).toEqual(['~ role passing', '- sessions passing']);
    expect(await s.query(s.superuser, 'postgres', `SELECT pg_has_role('passing', 'rds_iam', 'MEMBER') AS held`)).toEqual([{ held: true }]);
  });

  test('sessions end also where the login holds no right to signal them but is administrator of the role', async () => {
    const s = server();
    const own = { ...target, stack: 'test/signal' };
    await settle(s, `${others(own)}users:\n  noisy: { auth: password, password: "\${env:CLERK}" }`, own);
    await s.query(s.superuser, 'postgres', 'REVOKE pg_signal_backend FROM rds_superuser');
    const session = await s.connect({ user: 'noisy', password: 'clerk-password' }, 'app');
    try {
      await settle(s, others(own), own);
      await expect(session.query('SELECT 1')).rejects.toThrow();
      expect(
        await s.query(
          s.superuser,
          'postgres',
          `SELECT 1 FROM pg_auth_members WHERE roleid = 'noisy'::regrole${major >= 16 ? ' AND (inherit_option OR set_option)' : ''}`,
        ),
      ).toEqual([]);
    } finally {
      await session.end().catch(() => {});
      await s.query(s.superuser, 'postgres', 'GRANT pg_signal_backend TO rds_superuser WITH ADMIN OPTION');
    }
  });
});
