import { describe, expect, test } from 'vitest';
import { eachMajor } from '../../lab/majors.ts';
import { changesOf } from '../scenario.ts';
import { changedBeside, expectSettled, found, makeRoom, said } from './room.ts';

eachMajor((server, major) => {
  describe('grantors', () => {
    test('what two grantors gave is taken by both', async () => {
      const room = await makeRoom(server(), 'two');
      await room.as('master', 'CREATE ROLE two_o; CREATE ROLE two_g1; CREATE ROLE two_g2');
      await room.as('two_o', 'CREATE TABLE t (a int); GRANT SELECT ON t TO two_g1 WITH GRANT OPTION; GRANT SELECT ON t TO two_g2');
      await room.as('two_g1', 'GRANT SELECT ON t TO two_g2');
      const body = 'existing: [two_o, two_g1]\ngroups:\n  two_g2: {}\n';
      const planned = await room.converge(body);
      expect(said(planned)).toEqual([
        'REVOKE SELECT ON TABLE "public"."t" FROM "two_g2" -- as two_g1',
        'REVOKE SELECT ON TABLE "public"."t" FROM "two_g2" -- as two_o',
      ]);
      expect(await room.acl('t')).toEqual([expect.stringMatching(/^two_g1=r\*\/two_o$/), expect.stringMatching(/^two_o=.*\/two_o$/)]);
    });

    test('what a grantor out of reach gave is blocked and named, and the rest is applied', async () => {
      const room = await makeRoom(server(), 'stray');
      await room.as('rdsadmin', 'CREATE ROLE stray_g1 SUPERUSER');
      await room.as(
        'master',
        'CREATE ROLE stray_g2; CREATE TABLE t (a int); CREATE TABLE u (a int); GRANT SELECT ON t TO stray_g1 WITH GRANT OPTION; GRANT SELECT ON u TO stray_g2',
      );
      await room.as('rdsadmin', 'ALTER ROLE stray_g1 NOSUPERUSER');
      await room.as('stray_g1', 'GRANT SELECT ON t TO stray_g2');
      await room.as('rdsadmin', 'ALTER ROLE stray_g1 SUPERUSER');
      const body = 'groups:\n  stray_g2: {}\n';
      const planned = await room.plan(body);
      expect(said(planned)).toEqual(['REVOKE SELECT ON TABLE "public"."u" FROM "stray_g2"']);
      expect(planned.counts.blocked).toBe(1);
      expect(planned.changes.find((change) => change.blocked)?.blocked).toContain("granted by 'stray_g1'");
      const applied = await room.apply(body, planned);
      expect(applied).toMatchObject({ exitCode: 5, result: { status: 'partial', residue: [{ kind: 'grant' }] } });
      expect(await room.acl('t')).toContain('stray_g2=r/stray_g1');
      expect(await room.acl('u')).toEqual([expect.stringMatching(/^master=/)]);
    });

    test('a grant option that is too much is taken without granting anything', async () => {
      const room = await makeRoom(server(), 'option');
      await room.as('master', 'CREATE ROLE option_u; CREATE TABLE t (a int); GRANT SELECT ON t TO option_u WITH GRANT OPTION');
      const body = 'groups:\n  option_u: { grants: [{ privileges: [select], tables: public.t }] }\n';
      const planned = await room.converge(body);
      expect(said(planned)).toEqual(['REVOKE GRANT OPTION FOR SELECT ON TABLE "public"."t" FROM "option_u"']);
      expect(await room.acl('t')).toContain('option_u=r/master');
    });

    test('what depends on a grant option goes with it, is listed, and is granted again where it is declared', async () => {
      const room = await makeRoom(server(), 'chain');
      await room.as(
        'master',
        'CREATE ROLE chain_a; CREATE ROLE chain_b; CREATE ROLE chain_c; CREATE ROLE chain_d; CREATE TABLE t (a int); GRANT SELECT, UPDATE ON t TO chain_a WITH GRANT OPTION',
      );
      await room.as('chain_a', 'GRANT SELECT, UPDATE ON t TO chain_b WITH GRANT OPTION');
      await room.as('chain_b', 'GRANT SELECT, UPDATE ON t TO chain_c; GRANT SELECT ON t TO chain_d');
      const body = `existing: [chain_b]
groups:
  chain_a: { grants: [{ privileges: [select], tables: public.t }, { privileges: [update], tables: public.t, grantable: true }] }
  chain_d: { grants: [{ privileges: [select], tables: public.t }] }
`;
      const planned = await room.converge(body);
      expect(said(planned)).toEqual([
        'GRANT SELECT ON TABLE "public"."t" TO "chain_d"',
        'REVOKE SELECT ON TABLE "public"."t" FROM "chain_c", "chain_d" -- as chain_b',
        'REVOKE SELECT ON TABLE "public"."t" FROM "chain_b" -- as chain_a',
        'REVOKE GRANT OPTION FOR SELECT ON TABLE "public"."t" FROM "chain_a"',
      ]);
      expect(await room.acl('t')).toEqual([
        'chain_a=rw*/master',
        'chain_b=w*/chain_a',
        'chain_c=w/chain_b',
        'chain_d=r/master',
        expect.stringMatching(/^master=/),
      ]);
    });
  });

  describe('grantors out of reach', () => {
    test('what hangs on a grant option goes with it, though nobody here can act as its grantor', async () => {
      const room = await makeRoom(server(), 'far');
      await room.as('rdsadmin', 'CREATE ROLE far_f');
      await room.as(
        'master',
        'CREATE ROLE far_a; CREATE ROLE far_c; CREATE TABLE t (a int); GRANT SELECT, UPDATE ON t TO far_a WITH GRANT OPTION',
      );
      await room.as('far_a', 'GRANT SELECT ON t TO far_f WITH GRANT OPTION');
      await room.as('far_f', 'GRANT SELECT ON t TO far_c');
      const planned = await room.converge('groups:\n  far_a: { grants: [{ privileges: [select], tables: public.t }] }\n');
      // before 16 CREATEROLE is enough to act as any role
      const onward = major >= 16 ? [] : ['REVOKE SELECT ON TABLE "public"."t" FROM "far_c" -- as far_f'];
      expect(said(planned)).toEqual([
        ...onward,
        `REVOKE SELECT ON TABLE "public"."t" FROM "far_f"${major >= 16 ? ' CASCADE' : ''} -- as far_a`,
        'REVOKE GRANT OPTION FOR SELECT ON TABLE "public"."t" FROM "far_a"',
        'REVOKE UPDATE ON TABLE "public"."t" FROM "far_a"',
      ]);
      expect(changedBeside(planned)).toContain('- grant table far.public.t to far_c by far_f');
      expect(await room.acl('t')).toEqual(['far_a=r/master', expect.stringMatching(/^master=/)]);
    });

    test('an option that cannot be taken keeps what hangs on it', async () => {
      const room = await makeRoom(server(), 'holds');
      await room.as('master', 'CREATE ROLE holds_a; CREATE ROLE holds_b');
      await room.as('rdsadmin', 'CREATE TABLE t (a int); GRANT SELECT ON t TO holds_a WITH GRANT OPTION');
      await room.as('holds_a', 'GRANT SELECT ON t TO holds_b');
      const planned = await room.plan('groups:\n  holds_a: {}\n');
      expect(changedBeside(planned)).toEqual(['- grant table holds.public.t to holds_a by rdsadmin']);
      expect(planned.counts.blocked).toBe(1);
      expect((await room.apply('groups:\n  holds_a: {}\n', planned)).exitCode).toBe(5);
      expect(await room.acl('t')).toContain('holds_b=r/holds_a');
    });

    test('a grantor that has joined the owner needs no grant option for what it granted', async () => {
      const room = await makeRoom(server(), 'joined');
      await room.as('master', 'CREATE ROLE joined_o; CREATE ROLE joined_g; CREATE ROLE joined_u');
      await room.as('joined_o', 'CREATE TABLE t (a int); GRANT SELECT ON t TO joined_g WITH GRANT OPTION');
      await room.as('joined_g', 'GRANT SELECT ON t TO joined_u');
      await room.as('master', 'GRANT joined_o TO joined_g');
      const groups = 'existing: [joined_o]\ngroups:\n  joined_g: { groups: [joined_o] }\n';
      expect(said(await room.converge(groups))).toEqual(['REVOKE SELECT ON TABLE "public"."t" FROM "joined_g" -- as joined_o']);
      expect(await room.acl('t')).toContain('joined_u=r/joined_g');
      const planned = await room.plan(`${groups}  joined_u: {}\n`);
      expect(planned.changes.find((change) => change.kind === 'grant')?.blocked).toContain("a member of the owner 'joined_o'");
    });
  });

  describe('what counts as a difference', () => {
    test('an ACL that was never written is what the engine gives', async () => {
      const room = await makeRoom(server(), 'untouched');
      await room.as('master', 'CREATE ROLE untouched_u; CREATE TABLE t (a int)');
      const body = 'groups:\n  untouched_u: {}\n';
      await room.apply(body);
      await expectSettled(room, body);
      expect(await room.acl('t')).toBeNull();
    });

    test('the order of an ACL says nothing', async () => {
      const room = await makeRoom(server(), 'reordered');
      await room.as(
        'master',
        `CREATE ROLE reordered_u; CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'SELECT 1'; GRANT EXECUTE ON FUNCTION f TO reordered_u; REVOKE EXECUTE ON FUNCTION f FROM PUBLIC; GRANT EXECUTE ON FUNCTION f TO PUBLIC; REVOKE EXECUTE ON FUNCTION f FROM reordered_u`,
      );
      expect(await room.column("SELECT proacl::text FROM pg_proc WHERE proname = 'f'")).toEqual(['{master=X/master,=X/master}']);
      const body = 'groups:\n  reordered_u: {}\npublic:\n  - { grant: [execute], routines: "public.f(integer)" }\n';
      expect(changedBeside(await room.plan(body))).toEqual([]);
      await room.apply(body);
      await expectSettled(room, body);
    });

    test('what an owner took from itself is left alone', async () => {
      const room = await makeRoom(server(), 'selfless');
      await room.as('master', 'CREATE ROLE selfless_o');
      await room.as('rdsadmin', 'CREATE TABLE t (a int); ALTER TABLE t OWNER TO selfless_o');
      await room.as('selfless_o', 'REVOKE SELECT ON t FROM selfless_o');
      const before = await room.acl('t');
      const body = 'groups:\n  selfless_o: {}\n';
      expect(changedBeside(await room.plan(body))).toEqual([]);
      await room.apply(body);
      await expectSettled(room, body);
      expect(await room.acl('t')).toEqual(before);
    });

    test('a revoke that PUBLIC makes void says so', async () => {
      const room = await makeRoom(server(), 'open');
      await room.as('master', 'CREATE ROLE open_u; CREATE TABLE t (a int); GRANT SELECT ON t TO PUBLIC; GRANT SELECT ON t TO open_u');
      const body = 'groups:\n  open_u: {}\n';
      const planned = await room.converge(body);
      expect(said(planned)).toEqual(['REVOKE SELECT ON TABLE "public"."t" FROM "open_u"']);
      expect(found(planned, 'access/still-effective')).toEqual([expect.stringContaining('still effective via PUBLIC')]);
      expect(await room.acl('t')).toContain('=r/master');
    });

    test('privileges that came with an upgrade are taken when they are not declared', async () => {
      const room = await makeRoom(server(), 'upgraded');
      const seven = 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER';
      await room.as(
        'master',
        `CREATE ROLE upgraded_u; CREATE ROLE upgraded_all; CREATE TABLE t (a int); GRANT ALL ON t TO upgraded_u; GRANT ${seven} ON t TO upgraded_all`,
      );
      const body = `groups:
  upgraded_u: { grants: [{ privileges: [${seven.toLowerCase()}], tables: public.t }] }
  upgraded_all: { grants: [{ privileges: [all], tables: public.t }] }
`;
      const planned = await room.plan(body);
      expect(said(planned)).toEqual(
        major >= 17
          ? ['GRANT MAINTAIN ON TABLE "public"."t" TO "upgraded_all"', 'REVOKE MAINTAIN ON TABLE "public"."t" FROM "upgraded_u"']
          : [],
      );
      await room.converge(body);
    });
  });

  describe('many objects', () => {
    test('tables of two owners are granted by each owner', async () => {
      const room = await makeRoom(server(), 'owners');
      await room.as('master', 'CREATE ROLE owners_a; CREATE ROLE owners_b; CREATE ROLE owners_ro');
      await room.as('rdsadmin', 'CREATE SCHEMA s AUTHORIZATION owners_a; GRANT CREATE, USAGE ON SCHEMA s TO owners_b');
      await room.as('owners_a', 'CREATE TABLE s.a1 (x int); CREATE TABLE s.a2 (x int)');
      await room.as('owners_b', 'CREATE TABLE s.b1 (x int)');
      const body = 'existing: [owners_a, owners_b]\ngroups:\n  owners_ro: { grants: [{ privileges: [select], tables: s.* }] }\n';
      const planned = await room.converge(body);
      expect(said(planned)).toEqual([
        'GRANT SELECT ON TABLE "s"."a1", "s"."a2" TO "owners_ro" -- as owners_a',
        'GRANT SELECT ON TABLE "s"."b1" TO "owners_ro" -- as owners_b',
      ]);
      expect(await room.acl('s.b1')).toContain('owners_ro=r/owners_b');
      expect(await room.members('owners_a')).toEqual(major >= 16 ? ['master by rdsadmin: admin'] : []);
    });

    test('only the tables that lack a grant are named', async () => {
      const room = await makeRoom(server(), 'few');
      await room.as(
        'master',
        `CREATE ROLE few_ro; CREATE SCHEMA s; DO $$ BEGIN FOR i IN 1..600 LOOP EXECUTE format('CREATE TABLE s.t%s (a int)', i); END LOOP; END $$; GRANT SELECT ON ALL TABLES IN SCHEMA s TO few_ro; REVOKE SELECT ON s.t7, s.t8 FROM few_ro`,
      );
      const body = 'groups:\n  few_ro: { grants: [{ privileges: [select], tables: s.* }] }\n';
      const planned = await room.converge(body);
      expect(said(planned)).toEqual(['GRANT SELECT ON TABLE "s"."t7", "s"."t8" TO "few_ro"']);
    });

    test('a whole schema of one owner is granted in one statement', async () => {
      const room = await makeRoom(server(), 'whole');
      await room.as(
        'master',
        `CREATE ROLE whole_ro; CREATE SCHEMA s; DO $$ BEGIN FOR i IN 1..600 LOOP EXECUTE format('CREATE TABLE s.t%s (a int)', i); END LOOP; END $$`,
      );
      const body = 'groups:\n  whole_ro: { grants: [{ privileges: [select], tables: s.* }] }\n';
      const planned = await room.converge(body);
      expect(said(planned)).toEqual(['GRANT SELECT ON ALL TABLES IN SCHEMA "s" TO "whole_ro"']);
      expect(
        await room.column(
          "SELECT count(*)::int FROM pg_class WHERE relnamespace = 's'::regnamespace AND relacl::text LIKE '%whole_ro=r/%'",
        ),
      ).toEqual([600]);
    });

    test('the constructors of a range type are no functions of the schema', async () => {
      const room = await makeRoom(server(), 'ranges');
      await room.as(
        'master',
        `CREATE ROLE ranges_x; CREATE SCHEMA s; CREATE TYPE s.span AS RANGE (subtype = float8); CREATE FUNCTION s.f() RETURNS int LANGUAGE sql AS 'SELECT 1'`,
      );
      const body = 'groups:\n  ranges_x: { grants: [{ privileges: [execute], routines: s.* }] }\n';
      const planned = await room.converge(body);
      expect(said(planned)).toEqual(['GRANT EXECUTE ON ROUTINE "s"."f"() TO "ranges_x"']);
    });
  });

  test('a profile on schemas that are not there is told once', async () => {
    const room = await makeRoom(server(), 'nowhere');
    expect(found(await room.plan('groups:\n  nowhere_g: { read: ["nowhere.x*"] }\n'), 'selector/no-match')).toEqual([
      "selector 'nowhere.x*' matches nothing on the server: no schema that is looked at is called like 'x*'",
    ]);
  });

  test('a parameter is granted before anybody else was, where the server has such privileges', async () => {
    const s = server();
    const room = await makeRoom({ ...s, master: s.superuser }, 'tuning');
    const body = 'groups:\n  tuning_g: { grants: [{ privileges: [set], parameters: [Log_Duration, no_such, "log_*"] }] }\n';
    const planned = await room.plan(body);
    if (major < 15) {
      expect(found(planned, 'grant/needs-version')).toHaveLength(3);
      return;
    }
    expect(planned.findings.flatMap(({ code, message, hint }) => (code === 'selector/no-match' ? [[message, hint]] : []))).toEqual([
      ["parameter selector 'log_*' matches nothing on the server", 'no pattern is taken here: name each parameter'],
      ["parameter selector 'no_such' matches nothing on the server", undefined],
    ]);
    await room.converge(body.replace(', no_such, "log_*"', ', tuning.custom'));
    expect(await room.column(`SELECT parname || ' ' || paracl::text FROM pg_parameter_acl ORDER BY 1`)).toEqual([
      expect.stringContaining('log_duration {'),
      expect.stringMatching(/^tuning\.custom .*tuning_g=s\//),
    ]);
    await room.converge('groups:\n  tuning_g: {}\n');
  });

  describe('rights that the login lacks', () => {
    test('a grant that nobody within reach can make is blocked, with the owner named', async () => {
      const room = await makeRoom(server(), 'lacking');
      await room.as(
        'rdsadmin',
        'CREATE SCHEMA hers; CREATE TABLE hers.another (a int); CREATE TABLE hers.t (a int); GRANT SELECT ON hers.another, hers.t TO PUBLIC; GRANT USAGE ON SCHEMA hers TO PUBLIC',
      );
      const body = 'groups:\n  lacking_u: { grants: [{ privileges: [select, update], tables: hers.t }] }\n';
      const planned = await room.plan(body);
      expect(planned.changes.filter((change) => change.blocked).map((change) => change.blocked)).toEqual([
        expect.stringContaining("owner 'rdsadmin'"),
      ]);
      expect(found(planned, 'grant/through-public')).toEqual([expect.stringContaining('SELECT on table lacking.hers.t comes from PUBLIC')]);
      const applied = await room.apply(body, planned);
      expect(applied.exitCode).toBe(5);
      expect(applied.result.residue.map((change) => change.kind)).toEqual(['grant']);
      expect(changesOf(await room.plan(body))).toEqual([expect.stringContaining('grant table lacking.hers.t')]);
    });
  });
});
