import { beforeAll, describe, expect, test } from 'vitest';
import { eachMajor } from '../../lab/majors.ts';
import type { Postgres } from '../../lab/postgres.ts';
import { allSqlOf, applyOn, changesOf, codesOf, planOn, sqlOf } from '../scenario.ts';
import { asMaster, outcomeOf, roleExists, settle } from './settle.ts';

/** Lets the master act as a role while a test builds its world, and takes that away again. */
const asRole = async (server: Postgres, role: string, database: string, sql: string): Promise<void> => {
  const options = server.major >= 16 ? ' WITH INHERIT TRUE, SET TRUE' : '';
  await server.query(
    server.master,
    database,
    `GRANT ${role} TO master${options}; SET ROLE ${role}; ${sql}; RESET ROLE; REVOKE ${role} FROM master`,
  );
};

const selfMemberships = async (server: Postgres, role: string) =>
  await server.query(
    server.superuser,
    'postgres',
    `SELECT 1 FROM pg_auth_members WHERE member = 'master'::regrole AND roleid = $1::text::regrole AND grantor <> 10`,
    [role],
  );

const HEIR = 'existing: [heir]\n';

eachMajor((server, major) => {
  beforeAll(async () => {
    await asMaster(
      server(),
      ['postgres', 'CREATE DATABASE one'],
      ['postgres', 'CREATE DATABASE two'],
      ['postgres', 'CREATE ROLE heir NOLOGIN; CREATE ROLE vendor NOLOGIN'],
    );
    await asMaster(
      server(),
      ['one', 'CREATE SCHEMA app; GRANT USAGE, CREATE ON SCHEMA app TO heir'],
      ['two', 'CREATE SCHEMA shop; GRANT USAGE, CREATE ON SCHEMA shop TO vendor'],
    );
  });
  const options = { target: 'databases: [one, two]' };

  describe('a leaver with objects and rights in two databases', () => {
    beforeAll(async () => {
      const s = server();
      await asMaster(
        s,
        [
          'postgres',
          `CREATE ROLE leaver LOGIN PASSWORD 'leaver-password'; CREATE ROLE colleague LOGIN; CREATE ROLE team NOLOGIN; CREATE ROLE maker NOLOGIN`,
        ],
        ['postgres', 'GRANT team TO leaver WITH ADMIN OPTION; GRANT CREATE ON DATABASE two TO leaver'],
        ['postgres', `ALTER ROLE leaver SET statement_timeout = '5s'; ALTER ROLE leaver IN DATABASE one SET work_mem = '8MB'`],
        ['one', 'GRANT USAGE, CREATE ON SCHEMA app TO leaver'],
        ['two', 'GRANT USAGE, CREATE ON SCHEMA shop TO leaver; GRANT USAGE ON SCHEMA shop TO colleague'],
      );
      await asRole(s, 'leaver', 'postgres', 'GRANT team TO colleague');
      await asRole(
        s,
        'leaver',
        'one',
        `CREATE TABLE app.mine (id serial, note text); CREATE VIEW app.seen AS SELECT * FROM app.mine; CREATE FUNCTION app.twice(integer) RETURNS integer LANGUAGE sql AS 'SELECT 2 * $1';
         CREATE TYPE app.mood AS ENUM ('good'); GRANT SELECT ON app.mine TO colleague;
         ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO colleague; ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC`,
      );
      await asRole(
        s,
        'vendor',
        'two',
        `CREATE TABLE shop.orders (id int, total int); GRANT SELECT ON shop.orders TO leaver WITH GRANT OPTION; GRANT UPDATE (total) ON shop.orders TO leaver;
         ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT SELECT ON TABLES TO leaver`,
      );
      await asRole(s, 'leaver', 'two', 'GRANT SELECT ON shop.orders TO colleague');
    });

    test('stays when nobody is named to take its objects over: the plan says where they are', async () => {
      const plan = await planOn(server(), `${HEIR}removed:\n  leaver: { drop: true }`, options);
      expect(codesOf(plan.findings)).toContain('role/owns-objects');
      expect(plan.findings.find(({ code }) => code === 'role/owns-objects')?.message).toMatch(/^'leaver' .* in database one/);
      expect(plan.changes.find(({ kind }) => kind === 'role')?.blocked).toMatch(/owns .*one/);
      expect(sqlOf(plan).filter((sql) => sql.startsWith('DROP'))).toEqual([]);
    });

    test('goes in the safe order, and what it gave to others stays', async () => {
      const s = server();
      const session = await s.connect({ user: 'leaver', password: 'leaver-password' }, 'one');
      const body = `${HEIR}removed:\n  leaver: { drop: true, reassign_to: heir }`;
      const plan = await planOn(s, body, options);
      expect(plan.changes.filter(({ blocked }) => blocked !== undefined)).toEqual([]);
      const sql = sqlOf(plan);
      expect(sql[0]).toBe('ALTER ROLE "leaver" WITH NOLOGIN');
      expect(sql[1]).toContain('pg_terminate_backend');
      expect(sql.at(-1)).toBe('DROP ROLE "leaver"');
      expect(sql).toContain('REASSIGN OWNED BY "leaver" TO "heir"');
      await settle(s, body, options);
      await expect(session.query('SELECT 1')).rejects.toThrow();
      await session.end().catch(() => {});
      expect(await roleExists(s, 'leaver')).toBe(false);
      expect(
        await s.query(
          s.superuser,
          'one',
          `SELECT DISTINCT relowner::regrole::text AS owner FROM pg_class WHERE relnamespace = 'app'::regnamespace`,
        ),
      ).toEqual([{ owner: 'heir' }]);
      expect(await s.query(s.superuser, 'one', `SELECT has_table_privilege('colleague', 'app.mine', 'SELECT') AS held`)).toEqual([
        { held: true },
      ]);
      expect(await s.query(s.superuser, 'two', `SELECT has_table_privilege('colleague', 'shop.orders', 'SELECT') AS held`)).toEqual([
        { held: true },
      ]);
      expect(await s.query(s.superuser, 'postgres', `SELECT pg_has_role('colleague', 'team', 'MEMBER') AS held`)).toEqual([{ held: true }]);
      for (const role of ['heir', 'vendor', 'team']) expect(await selfMemberships(s, role)).toEqual([]);
    });

    test('is a no-op afterwards, and the plan says so', async () => {
      const plan = await planOn(server(), `${HEIR}removed:\n  leaver: { drop: true, reassign_to: heir }`, options);
      expect(plan.changes).toEqual([]);
      expect(codesOf(plan.findings)).toEqual(['role/already-gone']);
    });
  });

  test('a leaver whose grant was made by somebody out of reach is shut out all the same; only the role stays', async () => {
    const s = server();
    await asMaster(
      s,
      ['postgres', `CREATE ROLE stray LOGIN PASSWORD 'p'; CREATE ROLE club NOLOGIN; GRANT club TO stray`],
      ['one', 'GRANT USAGE ON SCHEMA app TO stray'],
    );
    await s.query(s.superuser, 'one', 'CREATE SCHEMA sealed; CREATE TABLE sealed.t (id int); GRANT SELECT ON sealed.t TO stray');
    const body = `${HEIR}removed:\n  stray: { drop: true }`;
    const plan = await planOn(s, body, options);
    const gone = plan.changes.find(({ kind, after }) => kind === 'role' && after === null);
    expect(gone?.blocked).toMatch(/sealed.*rdsadmin/);
    expect(sqlOf(plan).join('\n')).toMatch(/NOLOGIN[\s\S]*terminate/);
    expect(sqlOf(plan).join('\n')).not.toMatch(/DROP ROLE/);
    const applied = await applyOn(s, body, { ...options, approved: plan });
    expect(applied.exitCode).toBe(5);
    expect(applied.result.residue.every(({ blocked }) => blocked !== undefined)).toBe(true);
    expect(await roleExists(s, 'stray')).toBe(true);
    await expect(s.query({ user: 'stray', password: 'p' }, 'one', 'SELECT 1')).rejects.toThrow(/not permitted to log in/);
    expect(await s.query(s.superuser, 'one', `SELECT has_schema_privilege('stray', 'app', 'USAGE') AS held`)).toEqual([{ held: false }]);
    await s.query(s.superuser, 'one', 'DROP SCHEMA sealed CASCADE');
    await settle(s, body, options);
    expect(await roleExists(s, 'stray')).toBe(false);
  });

  test('a leaver that is referenced in a database nobody here may enter is not dropped', async () => {
    const s = server();
    await asMaster(s, ['postgres', 'CREATE ROLE hidden NOLOGIN']);
    await s.query(s.superuser, 'postgres', 'CREATE DATABASE vault');
    await s.query(
      s.superuser,
      'vault',
      'CREATE TABLE t (id int); GRANT SELECT ON t TO hidden; REVOKE CONNECT ON DATABASE vault FROM PUBLIC',
    );
    const body = `${HEIR}removed:\n  hidden: { drop: true }`;
    const plan = await planOn(s, body, options);
    expect(plan.unread.map(({ database }) => database)).toEqual(['vault']);
    expect(plan.changes.find(({ kind }) => kind === 'role')?.blocked).toMatch(/vault.*could not be read/);
    expect(plan.steps).toEqual([]);
    await s.query(s.superuser, 'postgres', 'DROP DATABASE vault');
    await settle(s, body, options);
  });

  test('a leaver that is referenced in a database that lets nobody in from here is not dropped', async () => {
    const s = server();
    await asMaster(s, ['postgres', 'CREATE ROLE shut_out NOLOGIN']);
    await s.query(s.superuser, 'postgres', 'CREATE DATABASE gated');
    await s.query(s.superuser, 'gated', 'CREATE TABLE t (id int); ALTER TABLE t OWNER TO master; GRANT SELECT ON t TO shut_out');
    await s.setHba('host gated master 127.0.0.1/32 reject');
    await expect.poll(async () => await outcomeOf(s, 'master', s.master.password, 'gated', 'SELECT 1')).toBe('28000');
    const body = `${HEIR}removed:\n  shut_out: { drop: true }`;
    const plan = await planOn(s, body, options);
    expect(plan.changes.find(({ kind }) => kind === 'role')?.blocked).toMatch(/gated.*could not be read/);
    expect(plan.steps).toEqual([]);
    await s.setHba('');
    await expect.poll(async () => await outcomeOf(s, 'master', s.master.password, 'gated', 'SELECT 1')).toBe('ok');
    await settle(s, body, options);
    await s.query(s.superuser, 'postgres', 'DROP DATABASE gated');
  });

  test('a leaver that a policy names is not dropped, and the plan says that it is a policy', async () => {
    const s = server();
    await asMaster(
      s,
      ['postgres', 'CREATE ROLE watched NOLOGIN'],
      ['one', 'CREATE TABLE app.guarded (id int); CREATE POLICY watch ON app.guarded TO watched'],
    );
    const body = `${HEIR}removed:\n  watched: { drop: true }`;
    const plan = await planOn(s, body, options);
    expect(plan.changes.find(({ kind }) => kind === 'role')?.blocked).toMatch(/policy.*database one/);
    expect(plan.steps).toEqual([]);
    await asMaster(s, ['one', 'DROP TABLE app.guarded']);
    await settle(s, body, options);
  });

  test('objects of kinds that no grant knows are handed over as well', async () => {
    const s = server();
    await asMaster(s, ['postgres', 'CREATE ROLE tinker NOLOGIN'], ['two', 'GRANT CREATE ON SCHEMA shop TO tinker, heir']);
    await asRole(s, 'tinker', 'two', `CREATE COLLATION shop.plain (locale = 'C'); SELECT lo_create(4242)`);
    const body = `${HEIR}removed:\n  tinker: { drop: true, reassign_to: heir }`;
    const plan = await settle(s, body, options);
    expect(sqlOf(plan)).toContain('REASSIGN OWNED BY "tinker" TO "heir"');
    expect(
      await s.query(s.superuser, 'two', `SELECT collowner::regrole::text AS owner FROM pg_collation WHERE collname = 'plain'`),
    ).toEqual([{ owner: 'heir' }]);
  });

  test('what is to be mended by hand keeps a role from being dropped, and the plan names all of it', async () => {
    const s = server();
    await asMaster(s, ['postgres', 'CREATE ROLE mapped NOLOGIN']);
    await s.query(
      s.superuser,
      'two',
      'CREATE FOREIGN DATA WRAPPER w; CREATE SERVER far FOREIGN DATA WRAPPER w; CREATE USER MAPPING FOR mapped SERVER far; CREATE TABLE shop.guarded (a integer); CREATE POLICY guards ON shop.guarded TO mapped',
    );
    const body = `${HEIR}removed:\n  mapped: { drop: true, reassign_to: heir }`;
    const plan = await planOn(s, body, options);
    expect(plan.changes.find(({ kind }) => kind === 'role')?.blocked).toMatch(
      /user mapping in database two: DROP USER MAPPING first; 'mapped' is named by 1 row security policy in database two/,
    );
    expect(plan.steps).toEqual([]);
    await s.query(s.superuser, 'two', 'DROP FOREIGN DATA WRAPPER w CASCADE; DROP TABLE shop.guarded');
    await settle(s, body, options);
  });

  test('a database of the leaver is handed over', async () => {
    const s = server();
    await asMaster(s, ['postgres', 'CREATE ROLE landlord NOLOGIN'], ['postgres', 'CREATE DATABASE estate']);
    await s.query(s.superuser, 'postgres', 'ALTER DATABASE estate OWNER TO landlord');
    await settle(s, `${HEIR}removed:\n  landlord: { drop: true, reassign_to: heir }`, options);
    expect(
      await s.query(s.superuser, 'postgres', `SELECT datdba::regrole::text AS owner FROM pg_database WHERE datname = 'estate'`),
    ).toEqual([{ owner: 'heir' }]);
    await s.query(s.superuser, 'postgres', 'DROP DATABASE estate');
  });

  test('a group goes with its memberships, in both directions', async () => {
    const s = server();
    await asMaster(
      s,
      [
        'postgres',
        'CREATE ROLE parent NOLOGIN; CREATE ROLE club2 NOLOGIN; CREATE ROLE visitor LOGIN; GRANT parent TO club2; GRANT club2 TO visitor',
      ],
      ['one', 'GRANT USAGE ON SCHEMA app TO club2'],
    );
    const plan = await settle(s, `${HEIR}removed:\n  club2: { drop: true }`, options);
    expect(changesOf(plan)).toContain('- role club2');
    expect(sqlOf(plan)).toEqual(['REVOKE USAGE ON SCHEMA "app" FROM "club2"', 'DROP ROLE "club2"']);
    expect(plan.access.find(({ users }) => users.includes('visitor'))?.loses).toMatchObject([{ privileges: ['USAGE'], names: ['app'] }]);
    expect(await roleExists(s, 'visitor')).toBe(true);
  });

  test('two leavers that granted to each other and own side by side go together', async () => {
    const s = server();
    await asMaster(
      s,
      ['postgres', 'CREATE ROLE tick LOGIN; CREATE ROLE tock LOGIN'],
      ['one', 'GRANT USAGE, CREATE ON SCHEMA app TO tick, tock'],
    );
    await asRole(
      s,
      'tick',
      'one',
      'CREATE TABLE app.tick (id int); GRANT SELECT ON app.tick TO tock WITH GRANT OPTION; ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO tock',
    );
    await asRole(
      s,
      'tock',
      'one',
      'CREATE TABLE app.tock (id int); GRANT SELECT ON app.tock TO tick; GRANT SELECT ON app.tick TO heir; ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO tick',
    );
    await settle(s, `${HEIR}removed:\n  tick: { drop: true, reassign_to: heir }\n  tock: { drop: true, reassign_to: heir }`, options);
    expect(await roleExists(s, 'tick')).toBe(false);
    expect(await roleExists(s, 'tock')).toBe(false);
  });

  test('sessions: keep drops the role and leaves its session alone', async () => {
    const s = server();
    await asMaster(s, ['postgres', `CREATE ROLE ghost LOGIN PASSWORD 'ghost-password'`]);
    const session = await s.connect({ user: 'ghost', password: 'ghost-password' }, 'postgres');
    const plan = await settle(s, `${HEIR}removed:\n  ghost: { drop: true, sessions: keep }`, options);
    expect(allSqlOf(plan)).toEqual(['DROP ROLE "ghost"']);
    await expect(session.query('SELECT 1')).resolves.toBeDefined();
    await session.end();
  });

  test.runIf(major >= 16)('a membership that the leaver granted and that is still wanted is granted again by the login first', async () => {
    const s = server();
    await asMaster(s, [
      'postgres',
      'CREATE ROLE usher NOLOGIN; CREATE ROLE hall NOLOGIN; CREATE ROLE guest LOGIN; GRANT hall TO usher WITH ADMIN OPTION',
    ]);
    await asRole(s, 'usher', 'postgres', 'GRANT hall TO guest WITH INHERIT FALSE');
    const plan = await settle(s, `${HEIR}removed:\n  usher: { drop: true }`, options);
    const sql = sqlOf(plan);
    expect(sql.findIndex((one) => one.startsWith('GRANT "hall" TO "guest" WITH ADMIN FALSE, INHERIT FALSE, SET TRUE'))).toBeLessThan(
      sql.findIndex((one) => one.startsWith('REVOKE "hall" FROM "guest" GRANTED BY "usher"')),
    );
    expect(
      await s.query(
        s.superuser,
        'postgres',
        `SELECT grantor::regrole::text AS grantor, inherit_option FROM pg_auth_members WHERE member = 'guest'::regrole`,
      ),
    ).toEqual([{ grantor: 'master', inherit_option: false }]);
  });
});
