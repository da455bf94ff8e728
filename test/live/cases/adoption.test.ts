import { beforeAll, expect, test } from 'vitest';
import { eachMajor } from '../../lab/majors.ts';
import type { Postgres } from '../../lab/postgres.ts';
import { applyOn, changesOf, codesOf, planOn, STACK, sqlOf } from '../scenario.ts';
import { asMaster, loginOf, settle } from './settle.ts';

const commentOf = async (server: Postgres, role: string): Promise<unknown> =>
  (
    await server.query(
      server.superuser,
      'postgres',
      `SELECT shobj_description(oid, 'pg_authid') AS text FROM pg_roles WHERE rolname = $1`,
      [role],
    )
  )[0]?.text;

eachMajor((server, major) => {
  const options = { target: 'databases: [app]' };
  beforeAll(async () => {
    Object.assign(process.env, { ANNA: 'anna-new', BERT: 'bert-new' });
    await asMaster(server(), ['postgres', 'CREATE DATABASE app']);
  });

  test('a role that exists is adopted: exact at once, its password and its comment left alone', async () => {
    const s = server();
    await asMaster(
      s,
      [
        'postgres',
        `CREATE ROLE anna LOGIN CREATEDB PASSWORD 'anna-old' CONNECTION LIMIT 3; CREATE ROLE extra NOLOGIN; GRANT extra TO anna; COMMENT ON ROLE anna IS 'knows the way'`,
      ],
      ['app', 'CREATE TABLE a (id int); GRANT SELECT ON a TO anna'],
    );
    const plan = await settle(s, 'users:\n  anna: { auth: password, password: "${env:ANNA}" }', options);
    expect(changesOf(plan)).toEqual([
      '~ role anna',
      '- membership anna in extra by master',
      '- grant table app.public.a to anna by master',
    ]);
    expect(sqlOf(plan)).toContain('ALTER ROLE "anna" WITH NOCREATEDB CONNECTION LIMIT -1');
    expect(await commentOf(s, 'anna')).toBe(`knows the way\n[rolecall stack=${STACK} pw=1]`);
    expect(await loginOf(s, 'anna', 'anna-old')).toBe('in');
  });

  test("another stack's role is an error that names the stack, and nothing is changed", async () => {
    const s = server();
    await asMaster(s, ['postgres', `CREATE ROLE theirs NOLOGIN CREATEDB; COMMENT ON ROLE theirs IS '[rolecall stack=other/access]'`]);
    const body = 'groups:\n  theirs: {}';
    const plan = await planOn(s, body, options);
    expect(plan.findings).toMatchObject([
      { severity: 'error', code: 'role/foreign-mark', message: "group 'theirs' belongs to stack 'other/access'" },
    ]);
    const applied = await applyOn(s, body, options);
    expect(applied).toMatchObject({ exitCode: 3, result: { status: 'failed', applied: 0 } });
    expect(await commentOf(s, 'theirs')).toBe('[rolecall stack=other/access]');
  });

  test("adopt_from takes another stack's role over", async () => {
    const s = server();
    await asMaster(s, [
      'postgres',
      `CREATE ROLE handed LOGIN PASSWORD 'handed-old'; COMMENT ON ROLE handed IS '[rolecall stack=other/access pw=4]'`,
    ]);
    await settle(s, 'users:\n  handed: { auth: password, password: "${env:BERT}", adopt_from: [other/access] }', options);
    expect(await commentOf(s, 'handed')).toBe(`[rolecall stack=${STACK} pw=4]`);
    expect(await loginOf(s, 'handed', 'handed-old')).toBe('in');
  });

  test('the mark decides about absence alone: a foreign mark and a missing one are not touched', async () => {
    const s = server();
    await asMaster(s, [
      'postgres',
      `CREATE ROLE stranger LOGIN PASSWORD 'stranger'; CREATE ROLE foreigner LOGIN PASSWORD 'foreigner'; COMMENT ON ROLE foreigner IS '[rolecall stack=${STACK}/more]'`,
    ]);
    const plan = await planOn(
      s,
      'users:\n  handed: { auth: password, adopt_from: [other/access], password: "${env:BERT}" }\nexisting: [anna]',
      options,
    );
    expect(changesOf(plan)).toEqual([]);
    expect(plan.unmanaged.users).toEqual(expect.arrayContaining(['stranger', 'foreigner']));
  });

  test('a mark that somebody wrote over is put back at the end of what they wrote', async () => {
    const s = server();
    const body = 'groups:\n  edited: {}';
    await settle(s, body, { ...options, stack: 'test/edited' });
    await asMaster(s, ['postgres', `COMMENT ON ROLE edited IS 'a note'`]);
    const plan = await settle(s, body, { ...options, stack: 'test/edited' });
    expect(sqlOf(plan)).toEqual([`COMMENT ON ROLE "edited" IS 'a note\n[rolecall stack=test/edited]'`]);
    expect(await commentOf(s, 'edited')).toBe('a note\n[rolecall stack=test/edited]');
  });

  test('a description replaces the text and keeps the mark; left out it leaves the text', async () => {
    const s = server();
    const own = { ...options, stack: 'test/described' };
    await settle(s, 'groups:\n  told: { description: the first text }', own);
    expect(await commentOf(s, 'told')).toBe('the first text\n[rolecall stack=test/described]');
    await settle(s, 'groups:\n  told: {}', own);
    expect(await commentOf(s, 'told')).toBe('the first text\n[rolecall stack=test/described]');
    await settle(s, 'groups:\n  told: { description: "" }', own);
    expect(await commentOf(s, 'told')).toBe('[rolecall stack=test/described]');
  });

  test('forget takes the mark off and nothing else, once', async () => {
    const s = server();
    const own = { ...options, stack: 'test/forgotten' };
    await settle(s, 'groups:\n  loose: { description: a text, createdb: true }', own);
    const plan = await settle(s, 'removed:\n  loose: { forget: true }', own);
    expect(sqlOf(plan)).toEqual([`COMMENT ON ROLE "loose" IS 'a text'`]);
    expect(plan.findings.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(await commentOf(s, 'loose')).toBe('a text');
    expect(codesOf((await planOn(s, 'removed:\n  loose: { forget: true }', own)).findings)).toEqual(['role/already-forgotten']);
    expect(await s.query(s.superuser, 'postgres', `SELECT rolcreatedb AS held FROM pg_roles WHERE rolname = 'loose'`)).toEqual([
      { held: true },
    ]);
  });

  test("forget refuses another stack's mark", async () => {
    const s = server();
    const plan = await planOn(s, 'removed:\n  theirs: { forget: true }', options);
    expect(codesOf(plan.findings)).toContain('role/foreign-mark');
    expect(plan.steps.filter(({ sql }) => sql.includes('theirs'))).toEqual([]);
  });

  test.runIf(major >= 16)('adopting needs ADMIN on the role, and the finding says what to run', async () => {
    const s = server();
    await s.query(s.superuser, 'postgres', 'CREATE ROLE apart NOLOGIN');
    const plan = await planOn(s, 'groups:\n  apart: {}', options);
    expect(plan.findings.find(({ code }) => code === 'role/cannot-adopt')).toMatchObject({
      severity: 'error',
      hint: expect.stringContaining('GRANT apart TO master WITH ADMIN OPTION'),
    });
    await s.query(s.superuser, 'postgres', 'GRANT apart TO master WITH ADMIN OPTION, INHERIT FALSE, SET FALSE');
    await settle(s, 'groups:\n  apart: {}', { ...options, stack: 'test/apart' });
  });

  test('a renamed role keeps its OID, password, memberships and grants', async () => {
    const s = server();
    const own = { ...options, stack: 'test/renamed' };
    process.env.OLDIE = 'oldie-password';
    await asMaster(s, ['app', 'CREATE TABLE r (id int)']);
    await settle(
      s,
      'groups:\n  circle: {}\nusers:\n  oldie: { auth: password, password: "${env:OLDIE}", groups: [circle], grants: [{ privileges: [select], tables: public.r }], settings: { work_mem: 8MB } }',
      own,
    );
    const oid = await s.query(s.superuser, 'postgres', `SELECT oid FROM pg_roles WHERE rolname = 'oldie'`);
    const plan = await settle(
      s,
      'groups:\n  circle: {}\nusers:\n  newbie: { renamed_from: oldie, auth: password, password: "${env:OLDIE}", groups: [circle], grants: [{ privileges: [select], tables: public.r }], settings: { work_mem: 8MB } }',
      own,
    );
    expect(sqlOf(plan)).toEqual(['ALTER ROLE "oldie" RENAME TO "newbie"']);
    expect(await s.query(s.superuser, 'postgres', `SELECT oid FROM pg_roles WHERE rolname = 'newbie'`)).toEqual(oid);
    expect(await loginOf(s, 'newbie', 'oldie-password')).toBe('in');
  });

  test('a rename together with a change of group, grant and login', async () => {
    const s = server();
    const own = { ...options, stack: 'test/renamed-more' };
    await settle(s, 'groups:\n  g1: {}\n  g2: {}\nusers:\n  was: { auth: none, groups: [g1] }', own);
    process.env.OLDIE = 'oldie-password';
    await settle(
      s,
      'groups:\n  g1: {}\n  g2: {}\nusers:\n  is: { renamed_from: was, auth: password, password: "${env:OLDIE}", password_version: 2, connection_limit: 2, groups: [g2], grants: [{ privileges: [select], tables: public.r }] }',
      own,
    );
    expect(await loginOf(s, 'is', 'oldie-password')).toBe('in');
  });

  test('both names present is an error', async () => {
    const s = server();
    await asMaster(s, ['postgres', 'CREATE ROLE both_old NOLOGIN; CREATE ROLE both_new NOLOGIN']);
    const plan = await planOn(s, 'groups:\n  both_new: { renamed_from: both_old }', options);
    expect(codesOf(plan.findings)).toContain('role/rename-collision');
  });

  test('roles listed as existing are referenced and never changed', async () => {
    const s = server();
    await asMaster(s, ['postgres', 'CREATE ROLE landmark NOLOGIN CREATEDB']);
    const own = { ...options, stack: 'test/existing' };
    await settle(s, 'existing: [landmark]\ngroups:\n  near: { groups: [landmark] }', own);
    expect(
      await s.query(
        s.superuser,
        'postgres',
        `SELECT rolcreatedb AS held, pg_has_role('near', 'landmark', 'MEMBER') AS member FROM pg_roles WHERE rolname = 'landmark'`,
      ),
    ).toEqual([{ held: true, member: true }]);
  });

  test('manage: additive takes nothing away and still adds', async () => {
    const s = server();
    await asMaster(
      s,
      [
        'postgres',
        `CREATE ROLE plus LOGIN CREATEDB CONNECTION LIMIT 7 VALID UNTIL '2030-01-01'; CREATE ROLE plus_extra NOLOGIN; GRANT plus_extra TO plus; ALTER ROLE plus SET work_mem = '7MB'`,
      ],
      [
        'app',
        'CREATE TABLE p (id int); GRANT SELECT, DELETE ON p TO plus; ALTER DEFAULT PRIVILEGES FOR ROLE master GRANT SELECT ON SEQUENCES TO plus',
      ],
    );
    const body =
      'users:\n  plus: { auth: password, manage: additive, settings: { statement_timeout: 5s }, grants: [{ privileges: [insert], tables: public.p }] }';
    const plan = await settle(s, body, { ...options, stack: 'test/additive' });
    expect(changesOf(plan)).toEqual(['~ role plus', '+ setting plus statement_timeout', '~ grant table app.public.p to plus by master']);
    expect(sqlOf(plan).filter((sql) => /REVOKE|RESET|NOCREATEDB|LIMIT|UNTIL/.test(sql))).toEqual([]);
  });

  test('a whole target that is additive takes nothing away', async () => {
    const s = server();
    await asMaster(
      s,
      ['postgres', `CREATE ROLE plus2 LOGIN CREATEDB CONNECTION LIMIT 7; GRANT plus_extra TO plus2; ALTER ROLE plus2 SET work_mem = '7MB'`],
      ['app', 'GRANT SELECT ON p TO plus2'],
    );
    const plan = await settle(s, 'users:\n  plus2: { auth: password }', {
      ...options,
      target: 'databases: [app]\nmanage: additive',
      stack: 'test/additive-target',
    });
    expect(changesOf(plan)).toEqual(['~ role plus2']);
  });

  test('what an additive role is told in so many words holds: disabled, limited, until', async () => {
    const s = server();
    const own = { ...options, stack: 'test/additive-told' };
    await asMaster(s, ['postgres', `CREATE ROLE told_so LOGIN CREATEDB CONNECTION LIMIT 7`]);
    process.env.TOLD = 'told-password';
    await settle(
      s,
      'users:\n  told_so: { auth: password, password: "${env:TOLD}", manage: additive, enabled: false, connection_limit: 3, until: 2026-12-31 }',
      own,
    );
    expect(
      await s.query(
        s.superuser,
        'postgres',
        `SELECT rolcanlogin AS login, rolconnlimit AS at_most, rolcreatedb AS db, rolvaliduntil = '2027-01-01Z' AS ends FROM pg_roles WHERE rolname = 'told_so'`,
      ),
    ).toEqual([{ login: false, at_most: 3, db: true, ends: true }]);
  });
});
