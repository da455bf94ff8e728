import { expect, test } from 'vitest';
import { eachMajor } from '../../lab/majors.ts';
import { codesOf } from '../scenario.ts';
import { expectSettled, found, makeRoom, said } from './room.ts';

eachMajor((server) => {
  test('a function that was never granted is closed to everybody', async () => {
    const room = await makeRoom(server(), 'closed');
    await room.as(
      'master',
      "CREATE FUNCTION f(a int, b text) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    );
    const planned = await room.converge('public:\n  - { revoke: [execute], routines: "public.f(integer, text)" }\n');
    expect(said(planned)).toEqual(['REVOKE EXECUTE ON ROUTINE "public"."f"(integer, text) FROM PUBLIC']);
    expect(await room.column("SELECT proacl::text FROM pg_proc WHERE proname = 'f' ORDER BY pronargs")).toEqual([
      null,
      '{master=X/master}',
    ]);
  });

  test('all functions of a schema are closed, those of extensions left out', async () => {
    const room = await makeRoom(server(), 'allfuncs');
    await room.as('rdsadmin', 'CREATE SCHEMA s AUTHORIZATION master; CREATE EXTENSION pg_trgm SCHEMA s');
    await room.as(
      'master',
      "CREATE FUNCTION s.f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE PROCEDURE s.p() LANGUAGE sql AS 'SELECT 1'; CREATE TYPE s.span AS RANGE (subtype = float8)",
    );
    const planned = await room.converge('public:\n  - { revoke: [execute], routines: s.* }\n');
    expect(said(planned)).toEqual(['REVOKE EXECUTE ON ROUTINE "s"."f"(), "s"."p"() FROM PUBLIC']);
  });

  test('CONNECT is taken from everybody after those who keep it have it by name', async () => {
    const room = await makeRoom(server(), 'gate');
    await room.as('master', 'CREATE ROLE gate_app LOGIN; CREATE ROLE gate_known LOGIN');
    const body = `groups:
  gate_ro: { grants: [{ privileges: [connect], databases: gate }] }
users:
  gate_known: { auth: none, groups: [gate_ro] }
public:
  - { revoke: [connect, temporary] }
`;
    const planned = await room.converge(body);
    const statements = said(planned);
    expect(statements.indexOf('GRANT CONNECT ON DATABASE "gate" TO "gate_ro"')).toBeGreaterThan(-1);
    expect(statements.indexOf('GRANT CONNECT ON DATABASE "gate" TO "gate_ro"')).toBeLessThan(
      statements.indexOf('REVOKE CONNECT, TEMPORARY ON DATABASE "gate" FROM PUBLIC'),
    );
    const [warning] = found(planned, 'guard/public-connect');
    expect(warning).toContain('gate_app');
    expect(warning).not.toContain('gate_known');
    expect(
      await room.column(
        "SELECT has_database_privilege('gate_known', 'gate', 'CONNECT') AND NOT has_database_privilege('gate_app', 'gate', 'CONNECT')",
      ),
    ).toEqual([true]);
  });

  test('CONNECT is not taken from the login that applies the plan', async () => {
    const room = await makeRoom(server(), 'own');
    await room.as('rdsadmin', 'CREATE ROLE own_o SUPERUSER; ALTER DATABASE own OWNER TO own_o; ALTER ROLE own_o NOSUPERUSER');
    await room.as('rdsadmin', `GRANT own_o TO master${server().major >= 16 ? ' WITH INHERIT FALSE, SET TRUE, ADMIN TRUE' : ''}`);
    const planned = await room.plan('public:\n  - { revoke: [connect] }\n');
    if (server().major >= 16) expect(codesOf(planned.findings)).toContain('guard/own-connect');
    else expect(codesOf(planned.findings)).not.toContain('guard/own-connect');
  });

  test('everything of PUBLIC that is not named stays', async () => {
    const room = await makeRoom(server(), 'named');
    await room.as(
      'master',
      'CREATE TABLE t (a int, b int); GRANT SELECT, INSERT ON t TO PUBLIC; GRANT SELECT (a), UPDATE (b) ON t TO PUBLIC',
    );
    const planned = await room.converge('public:\n  - { revoke: [select], tables: public.t }\n');
    expect(said(planned)).toEqual([
      'REVOKE SELECT ON TABLE "public"."t" FROM PUBLIC',
      'GRANT SELECT ("a") ON TABLE "public"."t" TO PUBLIC',
    ]);
    expect(await room.acl('t')).toContain('=a/master');
    expect(await room.columnAcl('t')).toEqual(['a: =r/master', 'b: =w/master']);
  });

  test('a database that was never granted on, and one whose default was written out, are the same', async () => {
    const room = await makeRoom(server(), 'written');
    const body = 'public:\n  - { grant: [connect, temporary] }\n';
    await expectSettled(room, body);
    await room.as('master', 'REVOKE CONNECT ON DATABASE written FROM rds_iam');
    expect(await room.column("SELECT datacl IS NOT NULL FROM pg_database WHERE datname = 'written'")).toEqual([true]);
    await expectSettled(room, body);
  });
});
