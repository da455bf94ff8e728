import { beforeAll, describe, expect, test } from 'vitest';
import { Failure } from '../../../src/model/finding.ts';
import { eachMajor } from '../../lab/majors.ts';
import type { Postgres } from '../../lab/postgres.ts';
import { applyOn, changesOf, declaredOf, planOn, sqlOf } from '../scenario.ts';
import { asMaster, roleExists, settle } from './settle.ts';

const findingsOf = (server: Postgres, body: string): string[] => {
  try {
    declaredOf(server, body);
    return [];
  } catch (error) {
    if (error instanceof Failure) return error.findings.map(({ code, message }) => `${code}: ${message}`);
    throw error;
  }
};

eachMajor((server, major) => {
  const target = { target: 'databases: [app]' };
  beforeAll(async () => {
    process.env.REFUSED = 'refused-password';
    await asMaster(
      server(),
      ['postgres', 'CREATE DATABASE app'],
      [
        'app',
        `CREATE TABLE t (id int); CREATE SEQUENCE s; CREATE FUNCTION f(integer) RETURNS integer LANGUAGE sql AS 'SELECT 1'; CREATE FUNCTION f(text, integer) RETURNS integer LANGUAGE sql AS 'SELECT 1';
         CREATE PROCEDURE p(integer) LANGUAGE sql AS 'SELECT 1'; CREATE TYPE pair AS (a int, b int); CREATE TYPE span AS RANGE (subtype = integer); CREATE TYPE mood AS ENUM ('good'); CREATE DOMAIN small AS integer`,
      ],
    );
  });

  describe('found without a server', () => {
    test.each([
      ['a name that is too long counts bytes', `groups:\n  ${'é'.repeat(32)}: {}`, /64 bytes, expected at most 63/],
      ['a privilege that sequences do not have', 'groups:\n  g: { grants: [{ privileges: [insert], sequences: public.s }] }', /insert/i],
      ['a literal password', 'users:\n  u: { auth: password, password: hunter2 }', /password/],
      ['an empty password', 'users:\n  u: { auth: password, password: "" }', /password/],
      ['an empty manifest', '', /declares no user/],
      ['a member of pg_database_owner', 'users:\n  u: { auth: none, groups: [pg_database_owner] }', /takes no members/],
    ])('%s', (_, body, said) => {
      const found = findingsOf(server(), body);
      expect(found.join('\n')).toMatch(said);
      expect(found.join('\n')).not.toContain('hunter2');
    });
  });

  test('a name of 63 bytes is made as it is', async () => {
    const s = server();
    const name = `${'é'.repeat(31)}x`;
    await settle(s, `groups:\n  ${name}: {}`, { ...target, stack: 'test/long' });
    expect(await roleExists(s, name)).toBe(true);
  });

  test('a role that is called PUBLIC is not everybody', async () => {
    const s = server();
    const own = { ...target, stack: 'test/public' };
    const body = 'groups:\n  PUBLIC: { grants: [{ privileges: [select], tables: public.t }] }';
    const plan = await settle(s, body, own);
    expect(sqlOf(plan)).toContain('GRANT SELECT ON TABLE "public"."t" TO "PUBLIC"');
    await asMaster(s, ['app', 'GRANT INSERT ON t TO PUBLIC']);
    expect((await planOn(s, body, own)).changes).toEqual([]);
    const revoke = await settle(s, `${body}\npublic:\n  - { revoke: [insert], tables: public.t }`, own);
    expect(sqlOf(revoke)).toEqual(['REVOKE INSERT ON TABLE "public"."t" FROM PUBLIC']);
    expect(await s.query(s.superuser, 'app', `SELECT has_table_privilege('PUBLIC', 't', 'SELECT') AS held`)).toEqual([{ held: true }]);
  });

  test.runIf(major < 14)('a predefined role that the server does not have yet', async () => {
    const plan = await planOn(server(), 'users:\n  u: { auth: none, groups: [pg_read_all_data] }', target);
    expect(plan.findings).toMatchObject([
      { severity: 'error', code: 'membership/needs-version', message: expect.stringContaining('needs PostgreSQL 14') },
    ]);
  });

  test.runIf(major >= 16)('a predefined role that the login may not grant is told before any SQL, with what to run', async () => {
    const s = server();
    const body = 'users:\n  all_reader: { auth: none, groups: [pg_read_all_data] }';
    const own = { ...target, stack: 'test/all-reader' };
    const plan = await planOn(s, body, own);
    const change = plan.changes.find(({ kind }) => kind === 'membership');
    expect(change?.blocked).toMatch(/'master' may not grant 'pg_read_all_data': it needs ADMIN OPTION on it/);
    expect(sqlOf(plan).join()).not.toContain('pg_read_all_data');
    await s.query(s.superuser, 'postgres', 'GRANT pg_read_all_data TO master WITH ADMIN TRUE, INHERIT FALSE, SET FALSE');
    await settle(s, body, own);
    await s.query(
      s.superuser,
      'postgres',
      'REVOKE pg_read_all_data FROM all_reader GRANTED BY master; REVOKE pg_read_all_data FROM master',
    );
  });

  test.runIf(major < 17)('MAINTAIN on a server that does not know it', async () => {
    const plan = await planOn(server(), 'groups:\n  g: { grants: [{ privileges: [maintain], tables: public.t }] }', target);
    expect(plan.findings).toMatchObject([{ severity: 'error', code: 'grant/needs-version', hint: 'it needs PostgreSQL 17' }]);
    expect((await applyOn(server(), 'groups:\n  g: { grants: [{ privileges: [maintain], tables: public.t }] }', target)).exitCode).toBe(3);
  });

  test.runIf(major >= 17)('MAINTAIN on a server that knows it', async () => {
    await settle(server(), 'groups:\n  vacuumers: { grants: [{ privileges: [maintain], tables: public.t }] }', {
      ...target,
      stack: 'test/maintain',
    });
  });

  test('a routine without its arguments must be the only one of its name: the others are listed', async () => {
    const plan = await planOn(server(), 'groups:\n  g: { grants: [{ privileges: [execute], routines: public.f }] }', target);
    const [finding] = plan.findings;
    expect(finding?.severity).toBe('error');
    expect(`${finding?.message} ${finding?.hint}`).toContain('f(integer)');
    expect(`${finding?.message} ${finding?.hint}`).toContain('f(text, integer)');
  });

  test('a procedure, an overloaded function by its arguments, and all kinds of type', async () => {
    const s = server();
    const own = { ...target, stack: 'test/kinds' };
    const body =
      'groups:\n  callers: { grants: [{ privileges: [execute], routines: ["public.p(integer)", "public.f(text, int4)"] }, { privileges: [usage], types: "public.*" }] }';
    const plan = await settle(s, body, own);
    expect(sqlOf(plan)).toContainEqual(expect.stringMatching(/^GRANT EXECUTE ON ROUTINE .*"p"\(integer\)/));
    const types = sqlOf(plan).find((sql) => sql.includes('ON TYPE'));
    expect(types).toBe('GRANT USAGE ON TYPE "public"."mood", "public"."pair", "public"."small", "public"."span" TO "callers"');
  });

  test('a role that was dropped and made again since the plan is another role', async () => {
    const s = server();
    const own = { ...target, stack: 'test/again' };
    await asMaster(s, ['postgres', 'CREATE ROLE phoenix NOLOGIN']);
    const body = 'groups:\n  nest: {}\n  phoenix: { groups: [nest] }';
    const approved = await planOn(s, body, own);
    await asMaster(s, ['postgres', 'DROP ROLE phoenix; CREATE ROLE phoenix NOLOGIN']);
    const applied = await applyOn(s, body, { ...own, approved });
    expect(applied).toMatchObject({
      exitCode: 4,
      result: {
        status: 'failed',
        applied: 0,
        findings: [{ code: 'apply/plan-stale', message: expect.stringContaining("role 'phoenix' was dropped and made again") }],
      },
    });
    expect(await roleExists(s, 'nest')).toBe(false);
  });

  test('a role that somebody else makes between plan and apply is not taken for the one that was planned', async () => {
    const s = server();
    const own = { ...target, stack: 'test/meanwhile' };
    const body = 'groups:\n  meanwhile: {}';
    const approved = await planOn(s, body, own);
    await asMaster(s, ['postgres', `CREATE ROLE meanwhile NOLOGIN; COMMENT ON ROLE meanwhile IS '[rolecall stack=other/stack]'`]);
    expect((await applyOn(s, body, { ...own, approved })).exitCode).toBe(3);
    await asMaster(s, ['postgres', `DROP ROLE meanwhile; CREATE ROLE meanwhile NOLOGIN CREATEDB`]);
    const applied = await applyOn(s, body, { ...own, approved });
    expect(applied.exitCode).toBe(4);
    expect(await s.query(s.superuser, 'postgres', `SELECT rolcreatedb AS held FROM pg_roles WHERE rolname = 'meanwhile'`)).toEqual([
      { held: true },
    ]);
  });

  test('a grantor that was dropped and made again between plan and apply counts too', async () => {
    const s = server();
    const own = { ...target, stack: 'test/creator-again' };
    await asMaster(s, ['postgres', 'CREATE ROLE spring NOLOGIN']);
    const body =
      'existing: [spring]\ngroups:\n  drinkers: {}\ndefaults:\n  - { schema: public, created_by: [spring], to: drinkers, privileges: [select], objects: tables }';
    const approved = await planOn(s, body, own);
    await asMaster(s, ['postgres', 'DROP ROLE spring; CREATE ROLE spring NOLOGIN']);
    expect((await applyOn(s, body, { ...own, approved })).exitCode).toBe(4);
  });

  test('what a human did since the plan is not applied unseen; what no operation touches does not matter', async () => {
    const s = server();
    const own = { ...target, stack: 'test/human' };
    const body = 'groups:\n  watched: { grants: [{ privileges: [select], tables: public.t }] }';
    const approved = await planOn(s, body, own);
    await asMaster(s, ['app', 'CREATE TABLE unrelated (id int); GRANT SELECT ON t TO pg_monitor']);
    expect((await applyOn(s, body, { ...own, approved })).exitCode).toBe(0);
    const again = await planOn(s, body, own);
    await asMaster(s, ['app', 'GRANT DELETE ON t TO watched']);
    const applied = await applyOn(s, body, { ...own, approved: again });
    expect(applied).toMatchObject({
      exitCode: 4,
      result: {
        findings: [{ code: 'apply/plan-stale', message: expect.stringContaining('grant table app.public.t to watched by master') }],
      },
    });
    expect(await s.query(s.superuser, 'app', `SELECT has_table_privilege('watched', 't', 'DELETE') AS held`)).toEqual([{ held: true }]);
  });

  test('a server that takes no changes is planned, and refused before the first statement', async () => {
    const s = server();
    const own = { ...target, stack: 'test/reader' };
    await s.query(s.superuser, 'postgres', 'ALTER SYSTEM SET default_transaction_read_only = on');
    await s.query(s.superuser, 'postgres', 'SELECT pg_reload_conf(), pg_sleep(0.3)');
    try {
      const plan = await planOn(s, 'groups:\n  readonly: {}', own);
      expect(changesOf(plan)).toEqual(['+ role readonly']);
      const applied = await applyOn(s, 'groups:\n  readonly: {}', own);
      expect(applied).toMatchObject({
        exitCode: 1,
        result: { status: 'failed', applied: 0, findings: [{ code: 'apply/read-only', hint: 'name the writer endpoint of the cluster' }] },
      });
    } finally {
      await s.query(s.superuser, 'postgres', 'ALTER SYSTEM RESET default_transaction_read_only');
      await s.query(s.superuser, 'postgres', 'SELECT pg_reload_conf(), pg_sleep(0.3)');
    }
    await settle(s, 'groups:\n  readonly: {}', own);
  });

  test('a privilege that the owner of the database did not give on is no silent success', async () => {
    const s = server();
    await s.query(s.superuser, 'postgres', 'CREATE DATABASE foreign_db');
    const body = 'users:\n  commuter: { auth: none, grants: [{ privileges: [connect, create], databases: foreign_db }] }';
    const plan = await planOn(s, body, { target: 'databases: [foreign_db]', stack: 'test/commuter' });
    const grant = plan.changes.find(({ kind }) => kind === 'grant');
    expect(grant?.blocked).toMatch(/rdsadmin/);
    const applied = await applyOn(s, body, { target: 'databases: [foreign_db]', stack: 'test/commuter' });
    expect(applied.exitCode).toBe(5);
  });

  test('an unmanaged grant that stands in the way of nothing is left alone: the provider keeps its own', async () => {
    const s = server();
    await s.query(
      s.superuser,
      'app',
      'CREATE SCHEMA provider; CREATE TABLE provider.t (id int); GRANT SELECT ON provider.t TO rds_replication',
    );
    expect(changesOf(await planOn(s, 'groups:\n  quiet: {}', { ...target, stack: 'test/quiet' }))).toEqual(['+ role quiet']);
  });
});
