import { describe, expect, test } from 'vitest';
import { eachMajor } from '../../lab/majors.ts';
import { planOn } from '../scenario.ts';
import { expectSettled, found, makeRoom, type Room, said } from './room.ts';

/** Default privileges as pg_default_acl holds them: creator, schema (- for all), kind, ACL. */
const defaultsIn = (room: Room) =>
  room.column(
    "SELECT defaclrole::regrole || ' ' || CASE defaclnamespace WHEN 0 THEN '-' ELSE defaclnamespace::regnamespace::text END || ' ' || defaclobjtype::text || ' ' || defaclacl::text FROM pg_default_acl ORDER BY 1",
  );
/** May everybody execute the function? */
const isOpen = async (room: Room, routine: string) =>
  (
    await room.column(
      `SELECT EXISTS (SELECT FROM aclexplode(coalesce(proacl, acldefault('f', proowner))) WHERE grantee = 0) FROM pg_proc WHERE oid = '${routine}'::regprocedure`,
    )
  )[0];

const FUNCTION = "int LANGUAGE sql AS 'SELECT 1'";

eachMajor((server) => {
  describe('what is made later', () => {
    test('functions can be closed to everybody for the whole database', async () => {
      const room = await makeRoom(server(), 'later');
      await room.as('master', 'CREATE ROLE later_c; CREATE ROLE later_d');
      const body =
        'existing: [later_c]\ndefaults:\n  - { created_by: [later_c], from: public, privileges: [execute], objects: routines }\n';
      const planned = await room.converge(body);
      expect(said(planned)).toEqual(['ALTER DEFAULT PRIVILEGES FOR ROLE "later_c" REVOKE EXECUTE ON ROUTINES FROM PUBLIC -- as later_c']);
      await room.as('later_c', `CREATE FUNCTION mine() RETURNS ${FUNCTION}`);
      await room.as('later_d', `CREATE FUNCTION hers() RETURNS ${FUNCTION}`);
      expect([await isOpen(room, 'mine()'), await isOpen(room, 'hers()')]).toEqual([false, true]);
    });

    test('for one schema alone they cannot, and the message names the way that works', async () => {
      const room = await makeRoom(server(), 'oneschema');
      await expect(
        room.plan(
          'existing: [c]\ndefaults:\n  - { schema: public, created_by: [c], from: public, privileges: [execute], objects: routines }\n',
        ),
      ).rejects.toMatchObject({ findings: [{ code: 'manifest/default-schema', hint: expect.stringContaining("leave 'schema' out") }] });
    });

    test('a schema that gives it back to everybody is closed as well', async () => {
      const room = await makeRoom(server(), 'giveback');
      await room.as('master', 'CREATE ROLE giveback_c; CREATE SCHEMA s; GRANT CREATE, USAGE ON SCHEMA s TO giveback_c');
      await room.as(
        'giveback_c',
        'ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC; ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT EXECUTE ON FUNCTIONS TO PUBLIC',
      );
      expect(await defaultsIn(room)).toEqual(['giveback_c - f {giveback_c=X/giveback_c}', 'giveback_c s f {=X/giveback_c}']);
      const planned = await room.converge(
        'existing: [giveback_c]\ndefaults:\n  - { created_by: [giveback_c], from: public, privileges: [execute], objects: routines }\n',
      );
      expect(said(planned)).toEqual([
        'ALTER DEFAULT PRIVILEGES FOR ROLE "giveback_c" IN SCHEMA "s" REVOKE EXECUTE ON ROUTINES FROM PUBLIC -- as giveback_c',
      ]);
      await room.as('giveback_c', `CREATE FUNCTION s.f() RETURNS ${FUNCTION}`);
      expect(await isOpen(room, 's.f()')).toBe(false);
    });

    test('closed everywhere and open in one schema is both', async () => {
      const room = await makeRoom(server(), 'except');
      await room.as('master', 'CREATE ROLE except_c; CREATE SCHEMA s; GRANT CREATE, USAGE ON SCHEMA s TO except_c');
      const body = `existing: [except_c]
defaults:
  - { created_by: [except_c], from: public, privileges: [execute], objects: routines }
  - { schema: s, created_by: [except_c], to: public, privileges: [execute], objects: routines }
`;
      await room.converge(body);
      await room.as('except_c', `CREATE FUNCTION s.f() RETURNS ${FUNCTION}; CREATE FUNCTION public.g() RETURNS ${FUNCTION}`);
      expect([await isOpen(room, 's.f()'), await isOpen(room, 'public.g()')]).toEqual([true, false]);
    });

    test('what the engine gives everybody anyway is not granted again', async () => {
      const room = await makeRoom(server(), 'anyway');
      await room.as('master', 'CREATE ROLE anyway_c');
      const body =
        'existing: [anyway_c]\ndefaults:\n  - { created_by: [anyway_c], to: public, privileges: [execute], objects: routines }\n';
      await expectSettled(room, body);
      await room.as('anyway_c', 'ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC');
      await room.converge(body);
      expect(await defaultsIn(room)).toEqual([]);
    });

    test('a grant to everybody in one schema can be taken there', async () => {
      const room = await makeRoom(server(), 'tables');
      await room.as('master', 'CREATE ROLE tables_c');
      await room.as('tables_c', 'ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT ON TABLES TO PUBLIC');
      await room.converge(
        'existing: [tables_c]\ndefaults:\n  - { schema: public, created_by: [tables_c], from: public, privileges: [select], objects: tables }\n',
      );
      expect(await defaultsIn(room)).toEqual(['tables_c public r {=a/tables_c}']);
    });

    test('everybody’s is left alone where the manifest does not name it', async () => {
      const room = await makeRoom(server(), 'unnamed');
      await room.as('master', 'CREATE ROLE unnamed_c; CREATE ROLE unnamed_r');
      await room.as(
        'unnamed_c',
        'ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC; ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO unnamed_r',
      );
      await room.converge('groups:\n  unnamed_r: {}\n');
      expect(await defaultsIn(room)).toEqual([
        expect.stringMatching(/^unnamed_c - r \{(=r\/unnamed_c,unnamed_c=\w+\/unnamed_c|unnamed_c=\w+\/unnamed_c,=r\/unnamed_c)\}$/),
      ]);
    });

    test('a profile covers what the named creators make, and nobody else’s', async () => {
      const room = await makeRoom(server(), 'creators', 'defaults_for: { creators: [creators_c] }');
      await room.as(
        'master',
        'CREATE ROLE creators_c; CREATE ROLE creators_d; CREATE ROLE creators_m IN ROLE creators_c; CREATE SCHEMA s; GRANT CREATE, USAGE ON SCHEMA s TO creators_c, creators_d',
      );
      await room.converge('existing: [creators_c]\ngroups:\n  creators_r: { read: [creators.s] }\n');
      await room.as('creators_c', 'CREATE TABLE s.by_creator (id serial); CREATE VIEW s.v AS SELECT 1 AS one');
      await room.as('creators_d', 'CREATE TABLE s.by_other (a int)');
      await room.as('creators_m', 'CREATE TABLE s.by_member (a int)');
      expect(await room.acl('s.by_creator')).toContain('creators_r=r/creators_c');
      expect(await room.acl('s.v')).toContain('creators_r=r/creators_c');
      expect(await room.acl('s.by_creator_id_seq')).toContain('creators_r=r/creators_c');
      expect([await room.acl('s.by_other'), await room.acl('s.by_member')]).toEqual([null, null]);
    });

    test('default privileges of a role out of reach are blocked with its name', async () => {
      const room = await makeRoom(server(), 'notmine');
      await room.as('rdsadmin', 'CREATE ROLE notmine_c SUPERUSER');
      const body =
        'existing: [notmine_c]\ngroups:\n  notmine_r: {}\ndefaults:\n  - { schema: public, created_by: [notmine_c], to: notmine_r, privileges: [select], objects: tables }\n';
      const planned = await room.plan(body);
      expect(planned.changes.find((change) => change.kind === 'default')?.blocked).toContain("'notmine_c'");
      expect((await room.apply(body, planned)).exitCode).toBe(5);
    });

    test('in a schema that is not there are told by the plan, not by the apply', async () => {
      const room = await makeRoom(server(), 'noschema');
      await room.as('master', 'CREATE SCHEMA sales');
      const entry = (schema: string) =>
        `  - { schema: "${schema}", created_by: [master], to: noschema_r, privileges: [select], objects: tables }\n`;
      const planned = await room.plan(
        `existing: [master]\ngroups:\n  noschema_r: {}\ndefaults:\n${entry('sale')}${entry('s*')}${entry('sales')}`,
      );
      expect(planned.findings.flatMap(({ code, message, hint }) => (code === 'selector/no-match' ? [[message, hint]] : []))).toEqual([
        ["defaults for schema 's*': there is no such schema in database 'noschema'", expect.stringContaining('no pattern')],
        ["defaults for schema 'sale': there is no such schema in database 'noschema'", "did you mean 'sales'?"],
      ]);
    });

    test('of a creator whom the server does not have are told by the plan, not by the apply', async () => {
      const room = await makeRoom(server(), 'nocreator');
      await room.as('master', 'CREATE SCHEMA s');
      const body = `existing: [nocreator_a, nocreator_b, nocreator_c]
groups:
  nocreator_g: {}
  nocreator_r: { read: [nocreator.s] }
defaults:
  - { schema: s, created_by: [nocreator_a, nocreator_g], to: nocreator_r, privileges: [execute], objects: routines }
  - { from: public, created_by: [nocreator_b], privileges: [execute], objects: routines }
`;
      const target = 'databases: [nocreator]\ndefaults_for: { nocreator: [nocreator_c, nocreator_g] }';
      const planned = await planOn(server(), body, { target, stack: 'test/nocreator' });
      expect(found(planned, 'default/unknown-creator')).toEqual(
        ['a', 'b', 'c'].map(
          (one) => `default privileges for what 'nocreator_${one}' will create: the server has no role 'nocreator_${one}'`,
        ),
      );
    });

    test('who else owns tables in a schema is told, unless the creators are named', async () => {
      const room = await makeRoom(server(), 'others');
      await room.as('master', 'CREATE ROLE others_o; CREATE SCHEMA s; CREATE TABLE s.t (a int)');
      await room.as('rdsadmin', 'CREATE TABLE s.more (a int); ALTER TABLE s.more OWNER TO others_o');
      const body = 'existing: [others_o]\ngroups:\n  others_r: { read: [others.s] }\n';
      expect(found(await room.plan(body), 'default/creator-unnamed')).toEqual([
        "objects that 'others_o' will create in others.s are not covered: it owns tables there, and those of the owner of the schema alone are",
      ]);
      const named = { target: 'databases: [others]\ndefaults_for: { others: [others_o] }', stack: 'test/others' };
      expect(found(await planOn(server(), body, named), 'default/creator-unnamed')).toEqual([]);
    });

    test('schemas made by a superuser are not covered, and the plan says so', async () => {
      const room = await makeRoom(server(), 'skipped');
      await room.as('rdsadmin', 'CREATE SCHEMA s; GRANT USAGE ON SCHEMA s TO PUBLIC');
      const planned = await room.plan('groups:\n  skipped_r: { read: [skipped.s] }\n');
      expect(found(planned, 'default/creator-skipped')).toEqual([expect.stringContaining("'rdsadmin'")]);
    });
  });
});
