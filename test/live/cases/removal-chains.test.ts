import { beforeAll, expect, test } from 'vitest';
import { eachMajor } from '../../lab/majors.ts';
import type { Postgres } from '../../lab/postgres.ts';
import { applyOn, codesOf, planOn, sqlOf } from '../scenario.ts';
import { asMaster, loginOf, roleExists, settle } from './settle.ts';

/** Lets the superuser act as a role: worlds that the master itself could not build. */
const asRole = async (server: Postgres, role: string, database: string, sql: string): Promise<void> => {
  await server.query(server.superuser, database, `SET ROLE ${role}; ${sql}`);
};
const can = async (server: Postgres, database: string, role: string, table: string, privilege: string): Promise<unknown> =>
  (await server.query(server.superuser, database, 'SELECT has_table_privilege($1, $2, $3) AS held', [role, table, privilege]))[0]?.held;

eachMajor((server, major) => {
  const target = { target: 'databases: [app]' };
  beforeAll(async () => {
    process.env.CHAIN = 'chain-password';
    await asMaster(server(), ['postgres', 'CREATE DATABASE app'], ['postgres', 'CREATE DATABASE other']);
    await asMaster(server(), [
      'app',
      'CREATE SCHEMA app; CREATE ROLE vendor NOLOGIN; CREATE ROLE heir NOLOGIN; CREATE ROLE client NOLOGIN; GRANT USAGE, CREATE ON SCHEMA app TO vendor, heir; GRANT USAGE ON SCHEMA app TO client',
    ]);
    await asRole(server(), 'vendor', 'app', 'CREATE TABLE app.goods (id int, price int)');
  });
  const removing = (name: string, rest = '') => `existing: [heir, vendor, client]\nremoved:\n  ${name}: { drop: true${rest} }`;

  test('what the leaver gave to PUBLIC on the goods of others is given by their owner instead', async () => {
    const s = server();
    await asMaster(s, ['postgres', 'CREATE ROLE open_hand NOLOGIN'], ['app', 'GRANT USAGE ON SCHEMA app TO open_hand']);
    await asRole(s, 'vendor', 'app', 'GRANT SELECT ON app.goods TO open_hand WITH GRANT OPTION');
    await asRole(s, 'open_hand', 'app', 'GRANT SELECT ON app.goods TO PUBLIC');
    await settle(s, removing('open_hand'), target);
    expect(await can(s, 'app', 'client', 'app.goods', 'SELECT')).toBe(true);
    await asRole(s, 'vendor', 'app', 'REVOKE SELECT ON app.goods FROM PUBLIC');
  });

  test('a chain of grant options through the leaver is closed at its end first, and kept where it was wanted', async () => {
    const s = server();
    await asMaster(
      s,
      ['postgres', 'CREATE ROLE link_b NOLOGIN; CREATE ROLE link_a NOLOGIN; CREATE ROLE link_c NOLOGIN'],
      ['app', 'GRANT USAGE ON SCHEMA app TO link_a, link_b, link_c'],
    );
    await asRole(s, 'vendor', 'app', 'GRANT SELECT, UPDATE ON app.goods TO link_b WITH GRANT OPTION');
    await asRole(s, 'link_b', 'app', 'GRANT SELECT ON app.goods TO link_a WITH GRANT OPTION; GRANT UPDATE ON app.goods TO link_c');
    await asRole(s, 'link_a', 'app', 'GRANT SELECT ON app.goods TO link_c; GRANT SELECT ON app.goods TO client');
    await settle(
      s,
      `groups:\n  link_c: { grants: [{ privileges: [usage], schemas: app }, { privileges: [select], tables: app.goods }] }\n${removing('link_b')}`,
      { ...target, stack: 'test/links' },
    );
    expect(await can(s, 'app', 'link_c', 'app.goods', 'SELECT')).toBe(true);
    expect(await can(s, 'app', 'link_c', 'app.goods', 'UPDATE')).toBe(false);
    expect(await can(s, 'app', 'client', 'app.goods', 'SELECT')).toBe(true);
    expect(await can(s, 'app', 'link_a', 'app.goods', 'SELECT')).toBe(true);
  });

  test('an heir that held grants on what it takes over, and gave them on', async () => {
    const s = server();
    await asMaster(s, ['postgres', 'CREATE ROLE testator LOGIN'], ['app', 'GRANT USAGE, CREATE ON SCHEMA app TO testator']);
    await asRole(
      s,
      'testator',
      'app',
      'CREATE TABLE app.will (id int); GRANT SELECT, INSERT ON app.will TO heir WITH GRANT OPTION; GRANT DELETE ON app.will TO client',
    );
    await asRole(s, 'heir', 'app', 'GRANT SELECT ON app.will TO client');
    await settle(s, removing('testator', ', reassign_to: heir'), target);
    expect(await can(s, 'app', 'client', 'app.will', 'SELECT')).toBe(true);
    expect(await can(s, 'app', 'client', 'app.will', 'DELETE')).toBe(true);
    expect(await can(s, 'app', 'heir', 'app.will', 'TRUNCATE')).toBe(true);
  });

  test('the login itself takes over', async () => {
    const s = server();
    await asMaster(s, ['postgres', 'CREATE ROLE donor NOLOGIN'], ['app', 'GRANT USAGE, CREATE ON SCHEMA app TO donor']);
    await asRole(
      s,
      'donor',
      'app',
      `CREATE TABLE app.gift (id int); CREATE FUNCTION app.given() RETURNS integer LANGUAGE sql AS 'SELECT 1'`,
    );
    await settle(s, 'existing: [master]\nremoved:\n  donor: { drop: true, reassign_to: master }', target);
    expect(await s.query(s.superuser, 'app', `SELECT tableowner AS owner FROM pg_tables WHERE tablename = 'gift'`)).toEqual([
      { owner: 'master' },
    ]);
  });

  test('a group that the same plan makes takes over', async () => {
    const s = server();
    await asMaster(
      s,
      ['postgres', 'CREATE ROLE giver NOLOGIN'],
      ['app', 'CREATE SCHEMA house AUTHORIZATION master'],
      ['other', 'CREATE SCHEMA house'],
    );
    await s.query(
      s.superuser,
      'app',
      'ALTER SCHEMA house OWNER TO giver; CREATE TABLE house.room (id serial); ALTER TABLE house.room OWNER TO giver',
    );
    await s.query(s.superuser, 'other', 'ALTER SCHEMA house OWNER TO giver');
    await settle(s, 'groups:\n  new_owner: {}\nremoved:\n  giver: { drop: true, reassign_to: new_owner }', {
      ...target,
      stack: 'test/new-owner',
    });
    expect(await s.query(s.superuser, 'app', `SELECT tableowner AS owner FROM pg_tables WHERE tablename = 'room'`)).toEqual([
      { owner: 'new_owner' },
    ]);
    expect(
      await s.query(s.superuser, 'other', `SELECT nspowner::regrole::text AS owner FROM pg_namespace WHERE nspname = 'house'`),
    ).toEqual([{ owner: 'new_owner' }]);
  });

  test('a routine goes only to somebody who may create in its schema: the plan says so, and nothing of it moves', async () => {
    const s = server();
    await asMaster(
      s,
      ['postgres', 'CREATE ROLE author NOLOGIN; CREATE ROLE outsider NOLOGIN'],
      ['app', 'GRANT USAGE, CREATE ON SCHEMA app TO author'],
    );
    await asRole(
      s,
      'author',
      'app',
      `CREATE FUNCTION app.wrote() RETURNS integer LANGUAGE sql AS 'SELECT 1'; CREATE TABLE app.draft (id int)`,
    );
    const body = 'existing: [outsider]\nremoved:\n  author: { drop: true, reassign_to: outsider }';
    const plan = await planOn(s, body, target);
    expect(plan.changes.find(({ kind }) => kind === 'role')?.blocked).toContain("'outsider' needs CREATE on schema app.app");
    const applied = await applyOn(s, body, { ...target, approved: plan });
    expect(applied.exitCode).toBe(5);
    expect(applied.result.failed).toBeUndefined();
    await asMaster(s, ['app', 'GRANT CREATE ON SCHEMA app TO outsider']);
    await settle(s, body, target);
  });

  test('an heir whom the server does not have is told by the plan, and one who is made by it is none of that', async () => {
    const s = server();
    await asMaster(s, ['postgres', 'CREATE ROLE testatrix NOLOGIN; GRANT CREATE ON DATABASE app TO testatrix']);
    await asRole(s, 'testatrix', 'app', 'CREATE SCHEMA estate');
    const unknown = async (body: string) =>
      (await planOn(s, `${body}removed:\n  testatrix: { drop: true, reassign_to: heiress }`, target)).findings.flatMap(
        ({ code, message }) => (code === 'role/unknown-heir' ? [message] : []),
      );
    expect(await unknown('existing: [heiress]\n')).toEqual(["'heiress' shall own what 'testatrix' owns: the server has no role 'heiress'"]);
    expect(await unknown('groups:\n  heiress: {}\n')).toEqual([]);
  });

  test('large objects, types, column grants and system columns of others', async () => {
    const s = server();
    await asMaster(s, ['postgres', 'CREATE ROLE magpie NOLOGIN']);
    await asRole(
      s,
      'vendor',
      'app',
      `SELECT lo_create(777); GRANT SELECT ON LARGE OBJECT 777 TO magpie; CREATE TYPE app.mood AS ENUM ('good'); GRANT USAGE ON TYPE app.mood TO magpie; GRANT SELECT (ctid, price), UPDATE (price) ON app.goods TO magpie; CREATE FUNCTION app."odd (name"("a b" integer) RETURNS integer LANGUAGE sql AS 'SELECT 1'; GRANT EXECUTE ON FUNCTION app."odd (name"(integer) TO magpie`,
    );
    const plan = await settle(s, removing('magpie'), target);
    expect(sqlOf(plan)).toContain('REVOKE SELECT ON LARGE OBJECT 777 FROM "magpie"');
  });

  test('a privilege on the row type of a table, which no manifest can name, keeps the role', async () => {
    const s = server();
    await asMaster(s, ['postgres', 'CREATE ROLE rower NOLOGIN']);
    await asRole(s, 'vendor', 'app', 'GRANT USAGE ON TYPE app.goods TO rower');
    const plan = await planOn(s, removing('rower'), target);
    expect(plan.changes.find(({ kind }) => kind === 'role')?.blocked).toContain('1 more object of pg_type in database app');
    expect(plan.steps).toEqual([]);
    await asRole(s, 'vendor', 'app', 'REVOKE USAGE ON TYPE app.goods FROM rower');
    await settle(s, removing('rower'), target);
  });

  test('default privileges of the leaver and for it, everywhere and in a schema, in databases that are not managed', async () => {
    const s = server();
    await asMaster(s, ['postgres', 'CREATE ROLE maker NOLOGIN'], ['other', 'CREATE SCHEMA shop']);
    await asRole(
      s,
      'maker',
      'other',
      'ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC; ALTER DEFAULT PRIVILEGES REVOKE USAGE ON TYPES FROM PUBLIC; ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO client; ALTER DEFAULT PRIVILEGES REVOKE DELETE ON TABLES FROM maker',
    );
    await asRole(s, 'maker', 'other', 'ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO client WITH GRANT OPTION');
    await s.query(
      s.superuser,
      'other',
      'ALTER DEFAULT PRIVILEGES FOR ROLE maker IN SCHEMA shop GRANT SELECT ON TABLES TO client, PUBLIC; ALTER DEFAULT PRIVILEGES FOR ROLE vendor GRANT SELECT ON SEQUENCES TO maker',
    );
    await settle(s, removing('maker'), target);
    expect(await s.query(s.superuser, 'other', 'SELECT 1 FROM pg_default_acl')).toEqual([]);
  });

  test("another stack's role is not dropped", async () => {
    const s = server();
    await asMaster(s, ['postgres', `CREATE ROLE not_ours NOLOGIN; COMMENT ON ROLE not_ours IS '[rolecall stack=their/stack]'`]);
    const plan = await planOn(s, removing('not_ours'), target);
    expect(codesOf(plan.findings)).toContain('role/foreign-mark');
    expect((await applyOn(s, removing('not_ours'), target)).exitCode).toBe(3);
    expect(await roleExists(s, 'not_ours')).toBe(true);
  });

  test.runIf(major >= 16)('a role that somebody else administers is not dropped, and nothing of it ends', async () => {
    const s = server();
    await s.query(s.superuser, 'postgres', `CREATE ROLE aloof LOGIN PASSWORD 'chain-password'`);
    await asRole(s, 'vendor', 'app', 'GRANT SELECT ON app.goods TO aloof');
    const plan = await planOn(s, removing('aloof'), target);
    expect(plan.changes.find(({ kind }) => kind === 'role')?.blocked).toContain('ADMIN OPTION');
    expect(plan.changes.map(({ kind }) => kind)).not.toContain('sessions');
    expect(await loginOf(s, 'aloof', 'chain-password')).toBe('in');
  });

  test.runIf(major >= 16)("memberships that the leaver granted: the login's own too", async () => {
    const s = server();
    await asMaster(s, [
      'postgres',
      'CREATE ROLE porter NOLOGIN; CREATE ROLE lobby NOLOGIN; CREATE ROLE guest NOLOGIN; GRANT lobby TO porter WITH ADMIN OPTION',
    ]);
    await asRole(
      s,
      'porter',
      'postgres',
      'GRANT lobby TO master WITH INHERIT TRUE, SET FALSE; GRANT lobby TO guest WITH ADMIN TRUE, INHERIT FALSE, SET TRUE',
    );
    await asRole(s, 'guest', 'postgres', 'GRANT lobby TO client');
    await settle(s, removing('porter'), target);
    expect(
      await s.query(
        s.superuser,
        'postgres',
        `SELECT member::regrole::text AS member, grantor::regrole::text AS grantor, admin_option AS admin, inherit_option AS inherit, set_option AS set FROM pg_auth_members WHERE roleid = 'lobby'::regrole AND grantor <> 10 ORDER BY 1`,
      ),
    ).toEqual([
      { member: 'client', grantor: 'guest', admin: false, inherit: true, set: true },
      { member: 'guest', grantor: 'master', admin: true, inherit: false, set: true },
      { member: 'master', grantor: 'master', admin: false, inherit: true, set: false },
    ]);
  });

  test.runIf(major >= 16)('a membership that nobody else here can grant keeps the leaver that granted it', async () => {
    const s = server();
    await asMaster(s, ['postgres', 'CREATE ROLE keyholder NOLOGIN; CREATE ROLE insider NOLOGIN']);
    await s.query(s.superuser, 'postgres', 'CREATE ROLE cellar NOLOGIN; GRANT cellar TO keyholder WITH ADMIN TRUE');
    await asRole(s, 'keyholder', 'postgres', 'GRANT cellar TO insider');
    const plan = await planOn(s, removing('keyholder'), target);
    expect(plan.changes.find(({ kind }) => kind === 'role')?.blocked).toContain('cellar');
    await applyOn(s, removing('keyholder'), { ...target, approved: plan });
    expect(await s.query(s.superuser, 'postgres', `SELECT pg_has_role('insider', 'cellar', 'MEMBER') AS held`)).toEqual([{ held: true }]);
  });

  test('a grant that its owner cannot make again keeps the leaver that made it', async () => {
    const s = server();
    await asMaster(s, ['postgres', 'CREATE ROLE middleman NOLOGIN; CREATE ROLE end_user NOLOGIN']);
    await s.query(
      s.superuser,
      'app',
      'CREATE SCHEMA far; CREATE TABLE far.t (id int); GRANT USAGE ON SCHEMA far TO middleman, end_user; GRANT SELECT ON far.t TO middleman WITH GRANT OPTION',
    );
    await asRole(s, 'middleman', 'app', 'GRANT SELECT ON far.t TO end_user');
    const plan = await planOn(s, removing('middleman'), target);
    expect(plan.changes.find(({ kind }) => kind === 'role')?.blocked).toMatch(/far/);
    await applyOn(s, removing('middleman'), { ...target, approved: plan });
    expect(await can(s, 'app', 'end_user', 'far.t', 'SELECT')).toBe(true);
  });

  test('a leaver that lost the use of a schema where it granted', async () => {
    const s = server();
    await asMaster(s, ['postgres', 'CREATE ROLE expelled NOLOGIN'], ['app', 'GRANT USAGE ON SCHEMA app TO expelled']);
    await asRole(s, 'vendor', 'app', 'GRANT SELECT ON app.goods TO expelled WITH GRANT OPTION');
    await asRole(s, 'expelled', 'app', 'GRANT SELECT ON app.goods TO client');
    await asMaster(s, ['app', 'REVOKE USAGE ON SCHEMA app FROM expelled']);
    await settle(s, removing('expelled'), target);
    expect(await can(s, 'app', 'client', 'app.goods', 'SELECT')).toBe(true);
  });

  test('temporary tables of a live session are objects too: the plan says what to do', async () => {
    const s = server();
    await asMaster(s, ['postgres', `CREATE ROLE scribbler LOGIN PASSWORD 'chain-password'`]);
    const session = await s.connect({ user: 'scribbler', password: 'chain-password' }, 'app');
    await session.query('CREATE TEMPORARY TABLE scratch (id serial)');
    const plan = await planOn(s, removing('scribbler'), target);
    expect(plan.findings).toMatchObject([
      { code: 'role/owns-objects', hint: expect.stringContaining('temporary tables of its sessions count too') },
    ]);
    await session.end();
    await expect.poll(async () => codesOf((await planOn(s, removing('scribbler'), target)).findings)).toEqual([]);
    await settle(s, removing('scribbler'), target);
  });
});
