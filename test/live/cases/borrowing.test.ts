import { beforeAll, expect, test } from 'vitest';
import { eachMajor } from '../../lab/majors.ts';
import type { Postgres } from '../../lab/postgres.ts';
import { allSqlOf, applyOn, planOn } from '../scenario.ts';
import { asMaster, settle } from './settle.ts';

const rowsOf = async (server: Postgres, role: string) =>
  await server.query(
    server.superuser,
    'postgres',
    `SELECT grantor::regrole::text AS grantor, admin_option AS admin${server.major >= 16 ? ', inherit_option AS inherit, set_option AS set' : ''} FROM pg_auth_members WHERE roleid = $1::text::regrole AND member = 'master'::regrole ORDER BY 1`,
    [role],
  );

/** A table of `role` in a schema of its own. */
const ownedTable = async (server: Postgres, role: string): Promise<void> => {
  const give = server.major >= 16 ? `GRANT ${role} TO master WITH INHERIT TRUE, SET TRUE` : `GRANT ${role} TO master`;
  await asMaster(server, [
    'app',
    `CREATE ROLE ${role} NOLOGIN; ${give}; CREATE SCHEMA ${role} AUTHORIZATION ${role}; SET ROLE ${role}; CREATE TABLE ${role}.t (id int); RESET ROLE; REVOKE ${role} FROM master`,
  ]);
};

eachMajor((server, major) => {
  const target = { target: 'databases: [app]' };
  beforeAll(async () => {
    await asMaster(server(), ['postgres', 'CREATE DATABASE app']);
  });

  test('a borrowed role is given back in the same transaction', async () => {
    const s = server();
    await ownedTable(s, 'lender');
    const before = await rowsOf(s, 'lender');
    const plan = await settle(s, 'groups:\n  taker: { read: [app.lender] }', { ...target, stack: 'test/borrow' });
    expect(allSqlOf(plan).filter((sql) => sql.startsWith('GRANT "lender" TO "master"'))).toHaveLength(1);
    expect(await rowsOf(s, 'lender')).toEqual(before);
  });

  const rows =
    major >= 16
      ? [
          'ADMIN FALSE, INHERIT TRUE, SET FALSE',
          'ADMIN FALSE, INHERIT FALSE, SET FALSE',
          'ADMIN TRUE, INHERIT FALSE, SET FALSE',
          'ADMIN FALSE, INHERIT FALSE, SET TRUE',
          'ADMIN FALSE, INHERIT TRUE, SET TRUE',
        ]
      : [];
  test.runIf(major >= 16).each(rows)('a membership that the login gave itself WITH %s is there again afterwards', async (options) => {
    const s = server();
    const role = `own_${rows.indexOf(options)}`;
    await ownedTable(s, role);
    await asMaster(s, ['postgres', `GRANT ${role} TO master WITH ${options.replace('ADMIN TRUE', 'ADMIN FALSE')}`]);
    if (options.startsWith('ADMIN TRUE'))
      await s.query(s.superuser, 'postgres', `GRANT ${role} TO master WITH ADMIN TRUE, INHERIT FALSE, SET FALSE`);
    const before = await rowsOf(s, role);
    await settle(s, `groups:\n  ${role}_reader: { read: [app.${role}] }`, { ...target, stack: `test/${role}` });
    expect(await rowsOf(s, role)).toEqual(before);
    await settle(s, `groups:\n  ${role}_owner: { own: [app.${role}] }`, { ...target, stack: `test/${role}-own` });
    expect(await rowsOf(s, role)).toEqual(before);
  });

  test.runIf(major < 16)('a membership that the login has already is not taken away by borrowing', async () => {
    const s = server();
    await ownedTable(s, 'kin');
    await asMaster(s, ['postgres', 'GRANT kin TO master WITH ADMIN OPTION']);
    await settle(s, 'groups:\n  kin_reader: { read: [app.kin] }', { ...target, stack: 'test/kin' });
    expect(await rowsOf(s, 'kin')).toEqual([{ grantor: 'master', admin: true }]);
  });

  test.runIf(major < 16)(
    'a login that does not inherit acts by SET ROLE, keeps its memberships, and cannot hand objects over',
    async () => {
      const s = server();
      await ownedTable(s, 'distant');
      await s.query(s.superuser, 'postgres', 'GRANT distant TO master; ALTER ROLE master NOINHERIT');
      try {
        const own = { ...target, stack: 'test/distant' };
        await settle(s, 'groups:\n  distant_reader: { read: [app.distant] }\n  distant_owner: {}', own);
        expect(await rowsOf(s, 'distant')).toEqual([{ grantor: 'rdsadmin', admin: false }]);
        const plan = await planOn(s, 'groups:\n  distant_reader: {}\n  distant_owner: { own: [app.distant] }', own);
        expect(plan.changes.filter(({ kind }) => kind === 'ownership').map(({ blocked }) => blocked)).toEqual([
          expect.stringContaining('NOINHERIT'),
          expect.stringContaining('NOINHERIT'),
        ]);
        expect(await rowsOf(s, 'distant')).toEqual([{ grantor: 'rdsadmin', admin: false }]);
      } finally {
        await s.query(s.superuser, 'postgres', 'ALTER ROLE master INHERIT');
      }
    },
  );

  test.runIf(major < 16)('an owner that is itself a member of the login cannot be borrowed: the change is blocked', async () => {
    const s = server();
    await ownedTable(s, 'inverse');
    await s.query(s.superuser, 'postgres', 'GRANT master TO inverse');
    const plan = await planOn(s, 'groups:\n  inverse_reader: { grants: [{ privileges: [select], tables: inverse.t }] }', {
      ...target,
      stack: 'test/inverse',
    });
    expect(plan.changes.find(({ kind }) => kind === 'grant')?.blocked).toMatch(/is itself a member of 'master'/);
    await s.query(s.superuser, 'postgres', 'REVOKE master FROM inverse');
  });

  test('a statement that fails while a role is borrowed leaves nothing behind', async () => {
    const s = server();
    await ownedTable(s, 'fragile');
    const before = await rowsOf(s, 'fragile');
    const own = { ...target, stack: 'test/fragile' };
    const user = (rest: string) => `users:\n  fragile_user: { auth: password, password: "\${env:FRAGILE}"${rest} }\n`;
    process.env.FRAGILE = 'fragile-password';
    await settle(s, user(''), own);
    // a new password is set after the grants, and there is none
    delete process.env.FRAGILE;
    const applied = await applyOn(s, `${user(', password_version: 2')}groups:\n  fragile_reader: { read: [app.fragile] }`, own);
    expect(applied.exitCode).toBe(1);
    expect(await rowsOf(s, 'fragile')).toEqual(before);
  });
});
