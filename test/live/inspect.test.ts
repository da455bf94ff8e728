import { beforeAll, describe, expect, test } from 'vitest';
import type { Declared, DeclaredGrant, Part, Target } from '../../src/model/declared.ts';
import { postgres } from '../../src/providers/postgres/index.ts';
import { inspect } from '../../src/providers/postgres/inspect.ts';
import type { Contents, Snapshot } from '../../src/providers/postgres/snapshot.ts';
import { startChaos } from '../lab/chaos.ts';
import { eachMajor, useServer } from '../lab/majors.ts';
import type { Postgres } from '../lab/postgres.ts';
import { declaredOf, targetOf } from '../providers/declared.ts';

const targetAt = (server: Postgres, rest: Partial<Target> = {}) =>
  targetOf({ endpoint: { kind: 'explicit', host: '127.0.0.1', port: server.port, tls: 'disable' }, ...rest });

const read = (
  server: Postgres,
  rest: Partial<Declared> & { databases?: readonly string[] } = {},
  statementTimeoutMs = 60_000,
): Promise<Snapshot> => {
  const { databases = null, ...declared } = rest;
  return inspect(
    { declared: declaredOf(targetAt(server, { databases }), declared), as: 'plan' },
    { env: { LAB_PASSWORD: server.master.password }, statementTimeoutMs },
  );
};

const part = (text: string): Part => ({ text, literal: false });
const grantOf = (grant: Pick<DeclaredGrant, 'kind'> & Partial<DeclaredGrant>): DeclaredGrant => ({
  grantee: 'g1',
  privileges: ['SELECT'],
  database: part('*'),
  schema: null,
  name: null,
  selector: 'x',
  source: { file: 'a.yaml', line: 1, column: 1 },
  ...grant,
});
const removal = (name: string) => ({ name, action: 'drop', sessions: 'end', source: { file: 'a.yaml', line: 9, column: 3 } }) as const;

/** Odd names, and all that a role can have. */
const ROLES = `
  CREATE ROLE owner1; CREATE ROLE g1; CREATE ROLE g2; CREATE ROLE "we""ird, {na=me} *"; CREATE ROLE gone;
  CREATE ROLE jane LOGIN CONNECTION LIMIT 3 VALID UNTIL '2030-01-01 00:00:00+02' PASSWORD 'jane-password';
  CREATE ROLE forever VALID UNTIL 'infinity' NOINHERIT CREATEDB CREATEROLE;
  COMMENT ON ROLE jane IS E'the order service\\n[rolecall stack=acme/access pw=3]';
  ALTER ROLE jane SET search_path = 'public', 'a b';
  ALTER ROLE jane IN DATABASE app SET work_mem = '8MB';
  ALTER ROLE ALL SET vacuum_cost_delay = '1';
  ALTER DATABASE app SET log_min_messages = 'error';
  GRANT g1 TO jane; GRANT g1 TO g2 WITH ADMIN OPTION`;

/** Every kind of object that an ordinary role can own, with grants by several grantors. */
const OBJECTS = `
  CREATE SCHEMA s AUTHORIZATION owner1; CREATE SCHEMA "odd ""schema""" AUTHORIZATION owner1; CREATE SCHEMA empty;
  GRANT USAGE ON SCHEMA s TO g1, PUBLIC;
  SET ROLE owner1;
  CREATE TABLE s.t1 (a int, b int, c int); CREATE TABLE s."T 2" (a int); CREATE TABLE s.t3 (a int); CREATE TABLE s."ünï" (a int);
  CREATE TABLE s.p (a int) PARTITION BY LIST (a); CREATE TABLE s.p1 PARTITION OF s.p FOR VALUES IN (1);
  CREATE VIEW s.v AS SELECT 1 AS one; CREATE MATERIALIZED VIEW s.m AS SELECT 1 AS one;
  CREATE TABLE s.with_serial (id serial, j int GENERATED ALWAYS AS IDENTITY); CREATE SEQUENCE s.free;
  GRANT SELECT ON s.t1 TO g1 WITH GRANT OPTION; GRANT SELECT ON s.t1 TO "we""ird, {na=me} *";
  GRANT SELECT ON s.t3, s."T 2" TO g2; REVOKE ALL ON s.v FROM owner1;
  GRANT SELECT (a, b), UPDATE (c) ON s.t1 TO g2; GRANT SELECT (ctid) ON s.t3 TO g1;
  SET ROLE g1; GRANT SELECT ON s.t1 TO g2; SET ROLE owner1;
  CREATE TYPE s.mood AS ENUM ('ok'); CREATE DOMAIN s.positive AS int CHECK (VALUE > 0); CREATE TYPE s.pair AS (x int, y int);
  CREATE TYPE s.span AS RANGE (subtype = float8); CREATE TYPE "odd ""schema""".odd_type AS ENUM ('x');
  REVOKE USAGE ON TYPE s.mood FROM PUBLIC;
  CREATE FUNCTION s.f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE FUNCTION s.f(int, VARIADIC text[]) RETURNS int LANGUAGE sql AS 'SELECT 1';
  CREATE FUNCTION s."odd (name"(s.mood, OUT x int, "odd ""schema""".odd_type DEFAULT NULL) RETURNS int LANGUAGE sql AS 'SELECT 1';
  CREATE PROCEDURE s.proc(INOUT x varchar) LANGUAGE sql AS 'SELECT 1'; CREATE AGGREGATE s.agg(int) (sfunc = int4pl, stype = int);
  REVOKE EXECUTE ON FUNCTION s.f() FROM PUBLIC;
  ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT SELECT ON TABLES TO g1; ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
  CREATE TEMPORARY TABLE passing (a int)`;

/** What the superuser has to do. */
const SUPERUSER_OBJECTS = `
  CREATE FUNCTION s.win(timestamptz) RETURNS bigint LANGUAGE internal WINDOW AS 'window_row_number'; ALTER FUNCTION s.win OWNER TO owner1;
  CREATE FOREIGN DATA WRAPPER files; GRANT USAGE ON FOREIGN DATA WRAPPER files TO g1;
  CREATE SERVER there FOREIGN DATA WRAPPER files; GRANT USAGE ON FOREIGN SERVER there TO g2;
  CREATE FOREIGN TABLE s.far (a int) SERVER there; ALTER FOREIGN TABLE s.far OWNER TO owner1;
  GRANT USAGE ON LANGUAGE plpgsql TO g1;
  SELECT lo_create(4711), lo_create(4712); GRANT SELECT ON LARGE OBJECT 4711 TO gone;
  GRANT SELECT ON pg_catalog.pg_statistic TO g1; GRANT SELECT (rolname) ON pg_catalog.pg_authid TO g2; GRANT EXECUTE ON FUNCTION pg_read_file(text) TO g1;
  GRANT SELECT ON s.t3 TO gone`;

const buildApp = async ({ query, superuser }: Postgres): Promise<void> => {
  await query(superuser, 'postgres', 'CREATE DATABASE app');
  await query(superuser, 'postgres', 'CREATE DATABASE secret');
  await query(superuser, 'postgres', 'REVOKE CONNECT ON DATABASE secret FROM PUBLIC');
  await query(superuser, 'postgres', 'CREATE DATABASE closed ALLOW_CONNECTIONS false');
  await query(superuser, 'postgres', ROLES);
  await query(superuser, 'app', 'GRANT CREATE ON DATABASE app TO owner1');
  await query(superuser, 'app', OBJECTS);
  await query(superuser, 'app', SUPERUSER_OBJECTS);
};

const only = <T extends { readonly schema: string | null }>(rows: readonly T[], schema = 's'): T[] =>
  rows.filter((row) => row.schema === schema);

eachMajor((server, major) => {
  let snapshot: Snapshot;
  let app: Contents;
  const own = major >= 17 ? 'arwdDxtm' : 'arwdDxt';

  beforeAll(async () => {
    await buildApp(server());
    snapshot = await read(server());
    app = snapshot.contents.app!;
  });

  test('the server is described', () => {
    expect(snapshot.server).toMatchObject({
      versionText: server().version,
      currentUser: 'master',
      inRecovery: false,
      readOnly: false,
      bootstrap: 'rdsadmin',
      restrictPasswordCommands: null,
    });
    expect(Math.floor(snapshot.server.version / 10_000)).toBe(major);
    expect(snapshot.server.systemIdentifier).toMatch(/^\d{15,}$/);
  });

  test('the server that only the environment names is named', async () => {
    const target = targetOf({ endpoint: { kind: 'env' }, databases: [] });
    const env = { PGHOST: '127.0.0.1', PGPORT: String(server().port), PGSSLMODE: 'disable', LAB_PASSWORD: server().master.password };
    const found = await inspect({ declared: declaredOf(target), as: 'plan' }, { env });
    expect(postgres.identity(found, target).endpoint).toBe(`127.0.0.1:${server().port}`);
  });

  test('roles come with attributes, UTC expiry and comment', () => {
    const role = (name: string) => snapshot.roles.find((candidate) => candidate.name === name);
    expect(role('jane')).toEqual({
      oid: expect.any(Number),
      name: 'jane',
      superuser: false,
      inherit: true,
      createrole: false,
      createdb: false,
      login: true,
      replication: false,
      bypassrls: false,
      connectionLimit: 3,
      validUntil: '2029-12-31T22:00:00.000000Z',
      comment: 'the order service\n[rolecall stack=acme/access pw=3]',
    });
    expect(role('forever')).toMatchObject({ validUntil: null, inherit: false, createdb: true, createrole: true, comment: null });
    expect(role('we"ird, {na=me} *')).toBeDefined();
    expect(role('rdsadmin')).toMatchObject({ superuser: true, oid: 10 });
  });

  test('memberships come with grantor and options', () => {
    expect(snapshot.memberships.filter(({ role }) => role === 'g1')).toEqual([
      { role: 'g1', member: 'g2', grantor: 'rdsadmin', admin: true, inherit: true, set: true },
      { role: 'g1', member: 'jane', grantor: 'rdsadmin', admin: false, inherit: true, set: true },
    ]);
    if (major >= 16)
      expect(snapshot.memberships).toContainEqual({
        role: 'rds_iam',
        member: 'master',
        grantor: 'rdsadmin',
        admin: true,
        inherit: false,
        set: false,
      });
  });

  test('settings of roles, databases and both are told apart', () => {
    expect(snapshot.settings).toEqual([
      { role: null, database: null, config: ['vacuum_cost_delay=1'] },
      { role: null, database: 'app', config: ['log_min_messages=error'] },
      { role: 'jane', database: null, config: ['search_path=public, "a b"'] },
      { role: 'jane', database: 'app', config: ['work_mem=8MB'] },
    ]);
  });

  test('databases and tablespaces come with owner and ACL', () => {
    expect(
      snapshot.databases.map(({ name, allowConnections, template, connectable }) => [name, allowConnections, template, connectable]),
    ).toEqual([
      ['app', true, false, true],
      ['closed', false, false, false],
      ['postgres', true, false, true],
      ['secret', true, false, false],
      ['template0', false, true, false],
      ['template1', true, true, true],
    ]);
    expect(snapshot.databases[0]).toMatchObject({ owner: 'rdsadmin', acl: '{=Tc/rdsadmin,rdsadmin=CTc/rdsadmin,owner1=C/rdsadmin}' });
    expect(snapshot.tablespaces).toEqual([
      { name: 'pg_default', owner: 'rdsadmin', acl: null },
      { name: 'pg_global', owner: 'rdsadmin', acl: null },
    ]);
  });

  test('by default every database that may be entered is read, templates apart', () => {
    expect(Object.keys(snapshot.contents)).toEqual(['app', 'postgres']);
    expect(snapshot.unread).toEqual([]);
  });

  test('schemas are all there but temporary ones', () => {
    expect(app.schemas.map(({ name }) => name)).toEqual(['empty', 'information_schema', 'odd "schema"', 'pg_catalog', 'public', 's']);
    expect(app.schemas.at(-1)).toEqual({ name: 's', owner: 'owner1', acl: '{owner1=UC/owner1,g1=U/owner1,=U/owner1}', origin: null });
  });

  test('relations that are alike are one row', () => {
    const row = (kind: string, names: string[], acl: string | null, rest = {}) => ({
      schema: 's',
      kind,
      linked: false,
      owner: 'owner1',
      acl,
      origin: null,
      names,
      ...rest,
    });
    const weird = '"\\"we\\"\\"ird, {na=me} *\\"=r/owner1"';
    expect(only(app.relations)).toEqual([
      row('S', ['free'], null),
      row('S', ['with_serial_id_seq'], null, { linked: true }),
      row('S', ['with_serial_j_seq'], null, { linked: true, origin: 'i' }),
      row('f', ['far'], null),
      row('m', ['m'], null),
      row('p', ['p'], null),
      row('r', ['p1', 'with_serial', 'ünï'], null),
      row('r', ['t1'], `{owner1=${own}/owner1,g1=r*/owner1,${weird},g2=r/g1}`),
      row('r', ['t3'], `{owner1=${own}/owner1,g2=r/owner1,gone=r/owner1}`),
      row('r', ['T 2'], `{owner1=${own}/owner1,g2=r/owner1}`),
      row('v', ['v'], '{}'),
    ]);
  });

  test('columns with an ACL are grouped by it, system columns included', () => {
    expect(only(app.columns)).toEqual([
      { schema: 's', relation: 't1', owner: 'owner1', origin: null, acl: '{g2=r/owner1}', names: ['a', 'b'] },
      { schema: 's', relation: 't1', owner: 'owner1', origin: null, acl: '{g2=w/owner1}', names: ['c'] },
      { schema: 's', relation: 't3', owner: 'owner1', origin: null, acl: '{g1=r/owner1}', names: ['ctid'] },
    ]);
  });

  test('routines of all kinds carry their input types', () => {
    const own = only(app.routines).filter(({ origin }) => origin === null);
    expect(own).toEqual([
      {
        schema: 's',
        owner: 'owner1',
        acl: null,
        origin: null,
        names: [
          '"odd (name"(s.mood, "odd ""schema""".odd_type)',
          'agg(integer)',
          'f(integer, text[])',
          'proc(character varying)',
          'win(timestamp with time zone)',
        ],
      },
      { schema: 's', owner: 'owner1', acl: '{owner1=X/owner1}', origin: null, names: ['f()'] },
    ]);
  });

  test("a range's constructors are marked as the system's", () => {
    const made = only(app.routines).filter(({ origin }) => origin === 'i');
    const multi = ['span_multirange()', 'span_multirange(s.span)', 'span_multirange(s.span[])'];
    expect(made.flatMap(({ names }) => names).sort()).toEqual(
      [...(major >= 14 ? multi : []), 'span(double precision, double precision)', 'span(double precision, double precision, text)'].sort(),
    );
  });

  test('types are those that can be granted on: no arrays, row types, multiranges', () => {
    expect(only(app.types)).toEqual([
      { schema: 's', owner: 'owner1', acl: null, origin: null, names: ['pair', 'positive', 'span'] },
      { schema: 's', owner: 'owner1', acl: '{owner1=U/owner1}', origin: null, names: ['mood'] },
    ]);
  });

  test('languages, wrappers, servers and default ACLs are there', () => {
    expect(app.languages).toEqual([
      { name: 'plpgsql', owner: 'rdsadmin', acl: '{=U/rdsadmin,rdsadmin=U/rdsadmin,g1=U/rdsadmin}', trusted: true },
      { name: 'sql', owner: 'rdsadmin', acl: null, trusted: true },
    ]);
    expect(app.foreignDataWrappers).toEqual([{ name: 'files', owner: 'rdsadmin', acl: '{rdsadmin=U/rdsadmin,g1=U/rdsadmin}' }]);
    expect(app.foreignServers).toEqual([{ name: 'there', owner: 'rdsadmin', acl: '{rdsadmin=U/rdsadmin,g2=U/rdsadmin}' }]);
    expect(app.defaultAcls).toEqual([
      { creator: 'owner1', schema: null, objects: 'f', acl: '{owner1=X/owner1}' },
      { creator: 'owner1', schema: 's', objects: 'r', acl: '{g1=r/owner1}' },
    ]);
  });

  test('of the system schemas only what was granted to somebody is read', () => {
    expect(only(app.relations, 'pg_catalog').map(({ names }) => names)).toEqual([['pg_statistic']]);
    expect(only(app.columns, 'pg_catalog')).toMatchObject([{ relation: 'pg_authid', acl: '{g2=r/rdsadmin}', names: ['rolname'] }]);
    expect(only(app.routines, 'pg_catalog').map(({ names }) => names)).toEqual([['pg_read_file(text)']]);
    expect(only(app.types, 'pg_catalog')).toEqual([]);
    for (const rows of [app.relations, app.columns, app.routines, app.types])
      expect(only<{ schema: string }>(rows, 'information_schema')).toEqual([]);
  });

  test('a manifest that names system objects, columns or large objects has them read', async () => {
    const grants = [
      grantOf({ kind: 'routine', schema: part('pg_catalog'), name: part('pg_read_file(text)') }),
      grantOf({ kind: 'column', schema: part('s'), name: part('p'), columns: ['a'] }),
      grantOf({ kind: 'large_object', name: part('4712') }),
    ];
    const { contents } = await read(server(), { grants, databases: ['app'] });
    expect(only(contents.app!.relations, 'pg_catalog').flatMap(({ names }) => names)).toContain('pg_class');
    const ofExtensions = only(contents.app!.routines, 'pg_catalog').filter(({ origin }) => origin === 'e');
    expect(ofExtensions.flatMap(({ names }) => names)).toEqual([
      'plpgsql_call_handler()',
      'plpgsql_inline_handler(internal)',
      'plpgsql_validator(oid)',
    ]);
    expect(only(contents.app!.columns)).toContainEqual({
      schema: 's',
      relation: 'p',
      owner: 'owner1',
      origin: null,
      acl: null,
      names: ['a'],
    });
    expect(contents.app!.largeObjects.map(({ name, acl }) => [name, acl])).toEqual([
      ['4711', '{rdsadmin=rw/rdsadmin,gone=r/rdsadmin}'],
      ['4712', null],
    ]);
    expect(app.largeObjects).toEqual([]);
  });

  test('a role to be dropped is looked for everywhere', async () => {
    await server().query(server().superuser, 'secret', 'CREATE TABLE IF NOT EXISTS t (a int); GRANT SELECT ON t TO gone');
    const found = await read(server(), { removed: [removal('gone'), removal('never was')], databases: ['postgres'] });
    expect(found.dependents).toEqual([
      { role: 'gone', database: 'app', type: 'acl', catalog: 'pg_class', count: 1 },
      { role: 'gone', database: 'app', type: 'acl', catalog: 'pg_largeobject', count: 1 },
      { role: 'gone', database: 'secret', type: 'acl', catalog: 'pg_class', count: 1 },
    ]);
    expect(Object.keys(found.contents)).toEqual(['app', 'postgres']);
    expect(found.contents.app!.largeObjects).toMatchObject([{ name: '4711' }]);
    expect(found.unread).toEqual([{ database: 'secret', reason: 'the login has no CONNECT privilege on it' }]);
  });

  test('databases that cannot be entered are reported as unread', async () => {
    const { contents, unread } = await read(server(), { databases: ['app', 'closed', 'secret'] });
    expect(Object.keys(contents)).toEqual(['app']);
    expect(unread).toEqual([
      { database: 'closed', reason: 'it takes no connections' },
      { database: 'secret', reason: 'the login has no CONNECT privilege on it' },
    ]);
  });

  test('a database that is not there is an error with a suggestion', async () => {
    await expect(read(server(), { databases: ['apd', 'nothing at all'] })).rejects.toMatchObject({
      findings: [
        { code: 'inspect/no-database', message: "target 'lab': there is no database 'apd' on the server", hint: "did you mean 'app'?" },
        { code: 'inspect/no-database', hint: 'it has: app, closed, postgres, secret' },
      ],
    });
  });

  test('sessions are counted of roles that lose their login or go', async () => {
    const clients = await Promise.all([1, 2].map(() => server().connect({ user: 'jane', password: 'jane-password' }, 'app')));
    try {
      expect((await read(server())).sessions).toEqual([{ role: 'jane', count: 2 }]);
      expect((await read(server(), { removed: [removal('jane')] })).sessions).toEqual([{ role: 'jane', count: 2 }]);
      const declared = { ...DECLARED_JANE, source: { file: 'a.yaml', line: 1, column: 1 } };
      expect((await read(server(), { roles: new Map([['jane', declared]]) })).sessions).toEqual([]);
      expect((await read(server(), { roles: new Map([['jane', { ...declared, enabled: false }]]) })).sessions).toEqual([
        { role: 'jane', count: 2 },
      ]);
    } finally {
      for (const client of clients) await client.end();
    }
  });

  test('two readings are the same bytes', async () => {
    expect(JSON.stringify(await read(server()))).toBe(JSON.stringify(snapshot));
  });
});

const DECLARED_JANE = {
  name: 'jane',
  kind: 'user',
  auth: 'password',
  principals: [],
  via: 'direct',
  enabled: true,
  inherit: true,
  createdb: false,
  createrole: false,
  connectionLimit: -1,
  validUntil: null,
  passwordVersion: 1,
  manage: 'exact',
  adoptFrom: [],
  expired: false,
} as const;

describe('reading', () => {
  const server = useServer(17, { settings: { log_statement: 'all' } });

  beforeAll(async () => {
    const { query, superuser } = server();
    await query(superuser, 'postgres', 'CREATE DATABASE small');
    await query(superuser, 'postgres', 'CREATE DATABASE large');
    await query(superuser, 'postgres', 'CREATE ROLE somebody');
    await query(
      superuser,
      'large',
      "DO $$ BEGIN FOR i IN 1..300 LOOP EXECUTE format('CREATE TABLE t%s (a int)', i); EXECUTE format('GRANT SELECT ON t%s TO somebody', i); END LOOP; END $$",
    );
  });

  test('takes as many messages for a large database as for a small one', async () => {
    const messages = async (database: string) => {
      const before = server().log().length;
      const snapshot = await read(server(), { databases: [database] });
      expect(snapshot.contents[database]).toBeDefined();
      return server()
        .log()
        .slice(before)
        .split('\n')
        .filter((line) => line.includes('statement: '));
    };
    const small = await messages('small');
    const large = await messages('large');
    // The session, what is shared, the system identifier; the session again, and what the database holds.
    expect(small).toHaveLength(5);
    expect(large).toHaveLength(5);
  });

  test('stops at the statement timeout, and says of which target and database', async () => {
    const holder = await server().connect(server().superuser, 'small');
    await holder.query('BEGIN; LOCK TABLE pg_catalog.pg_foreign_server IN ACCESS EXCLUSIVE MODE');
    try {
      await expect(read(server(), { databases: ['small'] }, 300)).rejects.toMatchObject({
        findings: [{ code: 'inspect/timeout', message: expect.stringMatching(/^target 'lab': .*database 'small', user 'master'\)$/) }],
      });
    } finally {
      await holder.end();
    }
  });

  test('says that the connection was lost', async () => {
    const proxy = await startChaos(server(), ({ sql }) => (sql.includes('pg_default_acl') ? 'reset-before' : undefined));
    try {
      const target = targetAt({ ...server(), port: proxy.port }, { databases: ['small'] });
      await expect(
        inspect({ declared: declaredOf(target), as: 'plan' }, { env: { LAB_PASSWORD: server().master.password } }),
      ).rejects.toMatchObject({
        findings: [{ code: 'inspect/lost', target: 'lab', message: expect.stringContaining("database 'small'") }],
      });
    } finally {
      await proxy.close();
    }
  });

  test('leaves no session behind, whether it succeeds or fails', async () => {
    await read(server());
    await read(server(), { databases: ['nothing'] }).catch(() => {});
    const left = () =>
      server().query(server().superuser, 'postgres', "SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'rolecall'");
    await expect.poll(left).toEqual([{ n: 0 }]);
  });

  test('goes on without the system identifier where it may not be read', async () => {
    await server().query(server().superuser, 'postgres', 'REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC');
    expect((await read(server())).server.systemIdentifier).toBeNull();
  });

  test('reports a server that only reads', async () => {
    await server().query(server().superuser, 'postgres', 'ALTER SYSTEM SET default_transaction_read_only = on');
    await server().query(server().superuser, 'postgres', 'SELECT pg_reload_conf()');
    await expect.poll(async () => (await read(server())).server.readOnly).toBe(true);
  });
});
