import { expect, test } from 'vitest';
import { eachMajor } from '../../lab/majors.ts';
import { settle } from '../cases/settle.ts';
import { applyOn, changesOf, codesOf, planOn } from '../scenario.ts';

eachMajor(
  (server, major) => {
    const commentOf = async (role: string) =>
      (await server().query(server().superuser, 'postgres', `SELECT shobj_description('${role}'::regrole, 'pg_authid') AS comment`))[0]
        ?.comment;
    const asSuperuser = (sql: string) => server().query(server().superuser, 'postgres', sql);
    const known = (role: string) => (major >= 16 ? `; GRANT ${role} TO master WITH ADMIN OPTION` : '');
    const user = (name: string, rest = '') => `users:\n  ${name}: { auth: password, password: "\${env:ATTACKED}"${rest} }`;
    process.env.ATTACKED = 'attacked-password';

    test('a master is not renamed, and neither is a role of the provider', async () => {
      await asSuperuser(`CREATE ROLE second_master LOGIN; GRANT rds_superuser TO second_master${known('second_master')}`);
      const plan = await planOn(server(), 'users:\n  nobody: { auth: none, renamed_from: second_master }', { stack: 'attack/master' });
      expect(codesOf(plan.findings)).toContain('guard/self-attribute-change');
      await expect(planOn(server(), 'groups:\n  boss: { renamed_from: rds_superuser }', { stack: 'attack/master' })).rejects.toThrow(/rds/);
    });

    test('a rename that would take an MD5 password away is not committed, unless a new one is set with it', async () => {
      await asSuperuser(`SET password_encryption = md5; CREATE ROLE hashed LOGIN PASSWORD 'attacked-password'${known('hashed')}`);
      const own = { stack: 'attack/md5' };
      const refused = await applyOn(server(), user('renamed', ', renamed_from: hashed'), own);
      expect(refused).toMatchObject({ exitCode: 1, result: { applied: 0, failed: { message: expect.stringContaining('MD5') } } });
      await settle(server(), user('hashed'), own);
      await settle(server(), user('renamed', ', renamed_from: hashed, password_version: 2'), own);
      expect(await server().query({ user: 'renamed', password: 'attacked-password' }, 'postgres', 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    });

    test('a password_version below the one of the mark is said, since no password is set', async () => {
      const own = { stack: 'attack/version' };
      await settle(server(), user('versioned', ', password_version: 5'), own);
      const plan = await planOn(server(), user('versioned', ', password_version: 4'), own);
      expect([changesOf(plan), codesOf(plan.findings)]).toEqual([[], ['role/password-version']]);
    });

    test('a version in a mark that nobody wrote with Rolecall does not keep a password from being set', async () => {
      const own = { stack: 'attack/version' };
      await asSuperuser(`COMMENT ON ROLE versioned IS '[rolecall stack=attack/version pw=1e99]'`);
      expect(changesOf(await settle(server(), user('versioned'), own))).toContain('~ password versioned');
    });

    test('forget takes every mark off that ends the comment', async () => {
      const own = { stack: 'attack/forget' };
      await settle(server(), 'groups: { marked: {}, stays: {} }', own);
      await asSuperuser(`COMMENT ON ROLE marked IS E'kept\\n[rolecall stack=attack/forget]\\n[rolecall stack=attack/forget]'`);
      await settle(server(), 'groups: { stays: {} }\nremoved: { marked: { forget: true } }', own);
      expect(await commentOf('marked')).toBe('kept');
    });

    test('a role that owns what its heir may not own stays, and the plan says why instead of failing halfway', async () => {
      await asSuperuser(
        `CREATE ROLE heir; CREATE ROLE owner_of_triggers LOGIN SUPERUSER; CREATE ROLE publisher LOGIN${known('publisher')}`,
      );
      await asSuperuser(
        `CREATE FUNCTION fired() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; CREATE EVENT TRIGGER fires ON ddl_command_start EXECUTE FUNCTION fired(); ALTER EVENT TRIGGER fires OWNER TO owner_of_triggers; ALTER ROLE owner_of_triggers NOSUPERUSER; CREATE PUBLICATION published; ALTER PUBLICATION published OWNER TO publisher${known('owner_of_triggers')}`,
      );
      const removed = `groups: { remains: {} }\nexisting: [heir]\nremoved:\n  owner_of_triggers: { drop: true, reassign_to: heir }\n  publisher: { drop: true, reassign_to: heir }`;
      const own = { stack: 'attack/heir', target: 'databases: [postgres]' };
      expect(
        (await planOn(server(), removed, own)).changes.filter(({ blocked }) => blocked).map(({ key, blocked }) => [key, blocked]),
      ).toEqual([
        ['owner_of_triggers', expect.stringContaining('only superusers may own')],
        ['publisher', expect.stringContaining('no CREATE on it')],
      ]);
      const { exitCode, result } = await applyOn(server(), removed, own);
      expect([
        exitCode,
        result.failed ?? result.findings.find(({ severity }) => severity === 'error'),
        result.residue.map(({ key }) => key),
      ]).toEqual([5, undefined, ['owner_of_triggers', 'publisher']]);
    });

    test('a password with characters that SASLprep leaves out logs in', async () => {
      process.env.ATTACKED_UNSEEN = 'soft\u00adhyphen \u2764\ufe0f';
      await settle(server(), 'users:\n  unseen: { auth: password, password: "${env:ATTACKED_UNSEEN}" }', { stack: 'attack/unseen' });
      const login = { user: 'unseen', password: process.env.ATTACKED_UNSEEN };
      expect(await server().query(login, 'postgres', 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    });

    test('one server under two targets is refused: each would close the logins of the other', async () => {
      const { port } = server();
      const twice = { target: `databases: [postgres]\n`, stack: 'attack/twice' };
      const second = `  u: { engine: postgres, endpoint: { host: 127.0.0.1, port: ${port}, tls: disable }, login: { user: master } }`;
      const body = `${second}\ngroups: { stays: { targets: [t] } }\nusers: { lonely: { targets: [u], auth: none } }`;
      await expect(planOn(server(), body, twice)).rejects.toThrow("targets 't' and 'u' are the same server");
    });

    test('our login keeps the CONNECT that it has through a group, whether the group loses it or goes', async () => {
      await asSuperuser('CREATE DATABASE entered');
      await asSuperuser(
        `CREATE ROLE carrier; CREATE ROLE door${known('carrier')}${known('door')}; GRANT carrier TO master; GRANT door TO master`,
      );
      await asSuperuser('ALTER DATABASE entered OWNER TO door; REVOKE ALL ON DATABASE entered FROM PUBLIC, door');
      await asSuperuser('SET SESSION AUTHORIZATION door; GRANT CONNECT ON DATABASE entered TO carrier');
      const own = { stack: 'attack/carrier', target: 'databases: [entered]' };
      for (const body of ['groups: { carrier: {} }', 'groups: { spare: {} }\nremoved: { carrier: { drop: true } }']) {
        const { findings } = await planOn(server(), body, own);
        expect(findings.filter(({ severity }) => severity === 'error').map(({ message }) => message)).toEqual([
          "'master', Rolecall's own login, could no longer connect to database 'entered'",
        ]);
      }
    });

    test('until 9999-12-31 is a date like any other', async () => {
      await settle(server(), user('forever', ', until: 9999-12-31'), { stack: 'attack/until' });
    });

    test('an empty list setting is the empty list that the server stores', async () => {
      await settle(server(), user('closed', `, settings: { search_path: "", temp_tablespaces: "" }`), { stack: 'attack/list' });
      expect(await server().query({ user: 'closed', password: 'attacked-password' }, 'postgres', 'SHOW search_path')).toEqual([
        { search_path: '""' },
      ]);
    });

    test('a column that no selected table has is an error', async () => {
      await asSuperuser('CREATE TABLE held (present int)');
      const grants = (columns: string) =>
        `groups:\n  reader: { grants: [{ tables: public.held, database: postgres, columns: ${columns}, privileges: [select] }] }`;
      const plan = await planOn(server(), grants('[present, absent]'), { stack: 'attack/column' });
      expect(plan.findings.filter(({ code }) => code === 'selector/no-column').map(({ message }) => message)).toEqual([
        "column 'absent' of table selector 'public.held': no table that it matches has it",
      ]);
    });
  },
  { only: [13, 18] },
);
