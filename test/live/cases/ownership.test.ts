import { beforeAll, expect, test } from 'vitest';
import { eachMajor } from '../../lab/majors.ts';
import type { Postgres } from '../../lab/postgres.ts';
import { changesOf, codesOf, planOn, sqlOf } from '../scenario.ts';
import { asMaster, outcomeOf, settle } from './settle.ts';

/** Owners of what a schema holds, extension members and what follows another object left out. */
const ownersIn = async (server: Postgres, database: string, schema: string): Promise<unknown[]> =>
  (
    await server.query(
      server.superuser,
      database,
      `SELECT DISTINCT owner::regrole::text AS owner FROM (
         SELECT nspowner AS owner FROM pg_namespace WHERE nspname = $1
         UNION ALL SELECT relowner FROM pg_class WHERE relnamespace = $1::text::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
         UNION ALL SELECT proowner FROM pg_proc WHERE pronamespace = $1::text::regnamespace AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype IN ('e', 'i'))
         UNION ALL SELECT typowner FROM pg_type WHERE typnamespace = $1::text::regnamespace AND typtype IN ('e', 'd', 'c', 'r')) o ORDER BY 1`,
      [schema],
    )
  ).map((row) => row.owner);

const EVERYTHING = `
  CREATE TABLE lot.t (id serial, same int GENERATED ALWAYS AS IDENTITY, note text);
  CREATE TABLE lot.parts (id int) PARTITION BY RANGE (id); CREATE TABLE lot.part1 PARTITION OF lot.parts FOR VALUES FROM (0) TO (10);
  CREATE VIEW lot.v AS SELECT * FROM lot.t; CREATE MATERIALIZED VIEW lot.mv AS SELECT 1 AS one; CREATE SEQUENCE lot.alone;
  CREATE FUNCTION lot.f(integer) RETURNS integer LANGUAGE sql AS 'SELECT 1'; CREATE PROCEDURE lot.p() LANGUAGE sql AS 'SELECT 1';
  CREATE AGGREGATE lot.total(integer) (sfunc = int4pl, stype = integer);
  CREATE TYPE lot.mood AS ENUM ('good'); CREATE DOMAIN lot.small AS integer; CREATE TYPE lot.pair AS (a int, b int); CREATE TYPE lot.span AS RANGE (subtype = integer)`;

eachMajor((server, major) => {
  const target = { target: 'databases: [app]' };
  beforeAll(async () => {
    process.env.OWN = 'own-password';
    await asMaster(server(), ['postgres', 'CREATE DATABASE app'], ['postgres', 'CREATE ROLE former NOLOGIN']);
  });

  test('own hands the schema and everything in it to the group, and the old owner keeps nothing', async () => {
    const s = server();
    const own = { ...target, stack: 'test/own' };
    await asMaster(s, ['app', `CREATE SCHEMA lot; ${EVERYTHING}; CREATE ROLE reader NOLOGIN; GRANT SELECT ON lot.t TO reader`]);
    const plan = await settle(s, 'groups:\n  holders: { own: [app.lot] }', own);
    expect(plan.changes.filter(({ kind }) => kind === 'ownership').every(({ risk }) => risk === 'destructive')).toBe(true);
    expect(sqlOf(plan)).toContain('ALTER SCHEMA "lot" OWNER TO "holders"');
    expect(sqlOf(plan).join('\n')).not.toMatch(/t_id_seq|t_same_seq|span_constructor/);
    expect(await ownersIn(s, 'app', 'lot')).toEqual(['holders']);
    expect(
      await s.query(
        s.superuser,
        'app',
        `SELECT has_table_privilege('reader', 'lot.t', 'SELECT') AS held, has_table_privilege('master', 'lot.t', 'SELECT') AS old`,
      ),
    ).toEqual([{ held: true, old: false }]);
  });

  test('a schema of the system is no schema to own', async () => {
    const { findings } = await planOn(server(), 'groups:\n  holders: { own: [app.pg_catalog, "app.pg_*"] }', {
      ...target,
      stack: 'test/system',
    });
    expect(findings.flatMap(({ severity, code, message }) => (code === 'selector/no-match' ? [[severity, message]] : []))).toEqual([
      ['error', "own selector 'app.pg_catalog' means a schema of the system, which stays with its owner"],
      ['warning', "own selector 'app.pg_*' matches no schema on the server"],
    ]);
  });

  test('what others make later in an owned schema is drift, and comes to the group', async () => {
    const s = server();
    const own = { ...target, stack: 'test/own' };
    await asMaster(s, ['postgres', 'CREATE ROLE guest_maker NOLOGIN']);
    const grant = major >= 16 ? 'GRANT holders, guest_maker TO master WITH INHERIT TRUE, SET TRUE' : 'GRANT holders, guest_maker TO master';
    await asMaster(s, [
      'app',
      `${grant}; GRANT USAGE, CREATE ON SCHEMA lot TO guest_maker; SET ROLE guest_maker; CREATE TABLE lot.later (id int); RESET ROLE; REVOKE holders, guest_maker FROM master`,
    ]);
    const plan = await settle(s, 'groups:\n  holders: { own: [app.lot] }', own);
    expect(changesOf(plan)).toEqual(['~ ownership table app.lot.later']);
  });

  test('the old owner keeps what it is declared to keep, granted in the same transaction', async () => {
    const s = server();
    const own = { ...target, stack: 'test/kept' };
    await asMaster(s, ['app', 'CREATE SCHEMA kept AUTHORIZATION master; CREATE TABLE kept.t (id int)']);
    const give = major >= 16 ? 'GRANT former TO master WITH INHERIT TRUE, SET TRUE' : 'GRANT former TO master';
    await asMaster(s, [
      'app',
      `${give}; GRANT CREATE ON DATABASE app TO former; ALTER SCHEMA kept OWNER TO former; ALTER TABLE kept.t OWNER TO former; REVOKE former FROM master`,
    ]);
    await settle(
      s,
      'groups:\n  keepers: { own: [app.kept] }\n  former: { grants: [{ privileges: [usage], schemas: kept }, { privileges: [select], tables: kept.t }] }',
      own,
    );
    expect(
      await s.query(
        s.superuser,
        'app',
        `SELECT has_table_privilege('former', 'kept.t', 'SELECT') AS sel, has_table_privilege('former', 'kept.t', 'DELETE') AS del`,
      ),
    ).toEqual([{ sel: true, del: false }]);
  });

  test('what a creator makes as the group is its own, and nothing is left to do', async () => {
    const s = server();
    const own = { ...target, stack: 'test/creators' };
    await asMaster(s, ['app', 'CREATE SCHEMA yard']);
    const body =
      'groups:\n  yard_owner: { own: [app.yard] }\nusers:\n  digger: { auth: password, password: "${env:OWN}", groups: [yard_owner], settings: { role: yard_owner } }';
    await settle(s, body, own);
    expect(
      await outcomeOf(s, 'digger', 'own-password', 'app', 'CREATE TABLE yard.hole (id serial); ALTER TABLE yard.hole ADD COLUMN deep int'),
    ).toBe('ok');
    expect((await planOn(s, body, own)).changes).toEqual([]);
  });

  test('a schema whose owner is out of reach is blocked, and so is what is in it; the rest is done', async () => {
    const s = server();
    const own = { ...target, stack: 'test/beyond' };
    await s.query(s.superuser, 'app', 'CREATE SCHEMA beyond; CREATE TABLE beyond.t (id int)');
    await asMaster(s, ['app', 'CREATE SCHEMA near; CREATE TABLE near.t (id int)']);
    const plan = await planOn(s, 'groups:\n  takers: { own: [app.beyond, app.near] }', own);
    const blocked = plan.changes.filter((change) => change.blocked !== undefined);
    expect(blocked.map(({ key }) => key)).toEqual(['schema app.beyond', 'table app.beyond.t']);
    expect(blocked.every((change) => change.blocked?.includes("'rdsadmin'"))).toBe(true);
  });

  test('an object of ours in a schema that is not ours needs CREATE there for its new owner, and the plan says so', async () => {
    const s = server();
    const own = { ...target, stack: 'test/no-create' };
    await s.query(s.superuser, 'app', 'CREATE SCHEMA closed; GRANT USAGE, CREATE ON SCHEMA closed TO master');
    await asMaster(s, ['app', 'CREATE TABLE closed.mine (id int)']);
    const plan = await planOn(s, 'groups:\n  closers: { own: [app.closed] }', own);
    expect(plan.changes.find(({ key }) => key === 'table app.closed.mine')?.blocked).toBe(
      "'closers' needs CREATE on schema app.closed to own a table in it",
    );
  });

  test('the objects of an extension stay with it', async () => {
    const s = server();
    const own = { ...target, stack: 'test/extension' };
    await asMaster(s, ['app', 'CREATE SCHEMA ext']);
    await s.query(s.superuser, 'app', 'CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA ext').catch(() => {});
    const plan = await settle(s, 'groups:\n  ext_owner: { own: [app.ext] }', own);
    expect(changesOf(plan)).toEqual(['+ role ext_owner', '~ ownership schema app.ext']);
  });

  test('a literal schema that is not there is an error, a pattern a warning', async () => {
    const s = server();
    const literal = await planOn(s, 'groups:\n  nowhere: { own: [app.nowhere] }', target);
    expect(literal.findings).toMatchObject([{ severity: 'error', code: 'selector/no-match' }]);
    const pattern = await planOn(s, 'groups:\n  nowhere: { own: ["app.nowhere_*"] }', target);
    expect(codesOf(pattern.findings)).toEqual(['selector/no-match']);
    expect(pattern.findings[0]?.severity).toBe('warning');
  });

  test('ownership moves on from one group to the next', async () => {
    const s = server();
    const own = { ...target, stack: 'test/moves-on' };
    await asMaster(s, ['app', 'CREATE SCHEMA baton; CREATE TABLE baton.t (id serial)']);
    await settle(s, 'groups:\n  runner1: { own: [app.baton] }\n  runner2: {}', own);
    await settle(s, 'groups:\n  runner1: {}\n  runner2: { own: [app.baton] }', own);
    expect(await ownersIn(s, 'app', 'baton')).toEqual(['runner2']);
    await settle(s, 'groups:\n  runner2: { own: [app.baton] }\nremoved:\n  runner1: { drop: true }', own);
    await settle(s, 'groups:\n  runner3: { own: [app.baton] }\nremoved:\n  runner2: { drop: true, reassign_to: runner3 }', own);
    expect(await ownersIn(s, 'app', 'baton')).toEqual(['runner3']);
  });
});
