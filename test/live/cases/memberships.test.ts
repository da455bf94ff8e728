import { describe, expect, test } from 'vitest';
import { eachMajor, SUPPORTED } from '../../lab/majors.ts';
import { changedBeside, expectSettled, found, makeRoom, said } from './room.ts';

const PER_GRANTOR = SUPPORTED.filter((major) => major >= 16);
const OLDER = SUPPORTED.filter((major) => major < 16);

eachMajor((server, major) => {
  const since16 = major >= 16;

  test('a membership that somebody else granted is taken back', async () => {
    const room = await makeRoom(server(), 'by_g1');
    await room.as('master', `CREATE ROLE by_g1_g; CREATE ROLE by_g1_ro; CREATE ROLE by_g1_u; GRANT by_g1_ro TO by_g1_g WITH ADMIN OPTION`);
    await room.as('by_g1_g', 'GRANT by_g1_ro TO by_g1_u');
    const body = 'existing: [by_g1_g]\ngroups:\n  by_g1_ro: {}\n  by_g1_u: {}\n'
      .replace('existing: [by_g1_g]\n', '')
      .concat(`  by_g1_g: { groups: [{ name: by_g1_ro, admin: true }] }\n`);
    const planned = await room.converge(body);
    expect(said(planned)).toEqual([
      since16 ? 'REVOKE "by_g1_ro" FROM "by_g1_u" GRANTED BY "by_g1_g" -- as by_g1_g' : 'REVOKE "by_g1_ro" FROM "by_g1_u"',
    ]);
    expect(await room.column(`SELECT count(*)::int FROM pg_auth_members WHERE member = 'by_g1_u'::regrole`)).toEqual([0]);
  });

  test('a role in a role is as exact as a user in one', async () => {
    const room = await makeRoom(server(), 'nested');
    await room.as(
      'master',
      'CREATE ROLE nested_a; CREATE ROLE nested_b; CREATE ROLE nested_c; GRANT nested_a TO nested_b; GRANT nested_c TO nested_b',
    );
    const planned = await room.converge('existing: [nested_c]\ngroups:\n  nested_a: {}\n  nested_b: { groups: [nested_c] }\n');
    expect(said(planned)).toEqual([`REVOKE "nested_a" FROM "nested_b"${since16 ? ' GRANTED BY "master"' : ''}`]);
  });

  test('the login that creates a role is no member that is too much', async () => {
    const room = await makeRoom(server(), 'implicit');
    const body = 'groups:\n  implicit_ro: {}\n';
    await room.converge(body);
    expect(await room.members('implicit_ro')).toEqual(since16 ? ['master by rdsadmin: admin'] : []);
    await room.as('master', `${since16 ? 'GRANT implicit_ro TO master WITH INHERIT TRUE, SET TRUE' : 'GRANT implicit_ro TO master'}`);
    await expectSettled(room, body);
  });

  test('what another grantor gave equally is enough', async () => {
    const room = await makeRoom(server(), 'equal');
    await room.as('rdsadmin', 'CREATE ROLE equal_ro; CREATE ROLE equal_u; GRANT equal_ro TO equal_u');
    await room.as('rdsadmin', since16 ? 'GRANT equal_ro, equal_u TO master WITH ADMIN TRUE, INHERIT FALSE, SET FALSE' : 'SELECT 1');
    const body = 'groups:\n  equal_ro: {}\n  equal_u: { groups: [equal_ro] }\n';
    expect(changedBeside(await room.plan(body))).toEqual([]);
    await room.apply(body);
    await expectSettled(room, body);
  });

  test('a predefined role is granted and taken by whoever the login has its right from', async () => {
    const room = await makeRoom(server(), 'monitor');
    const granted = await room.converge('users:\n  monitor_u: { auth: none, groups: [pg_monitor] }\n');
    expect(said(granted)).toContain(
      since16 ? 'GRANT "pg_monitor" TO "monitor_u" WITH ADMIN FALSE, INHERIT TRUE, SET TRUE' : 'GRANT "pg_monitor" TO "monitor_u"',
    );
    expect(await room.members('pg_monitor')).toContainEqual(
      expect.stringMatching(since16 ? /^monitor_u by rds_superuser:/ : /^monitor_u by master:/),
    );
    const taken = await room.converge('users:\n  monitor_u: { auth: none }\n');
    expect(said(taken)).toEqual([`REVOKE "pg_monitor" FROM "monitor_u"${since16 ? ' GRANTED BY "rds_superuser"' : ''}`]);
  });

  test('a user that does not inherit is made to, when a membership shall', async () => {
    const room = await makeRoom(server(), 'inherits');
    await room.as('master', 'CREATE ROLE inherits_ro; CREATE ROLE inherits_u LOGIN NOINHERIT; GRANT inherits_ro TO inherits_u');
    const body = 'groups:\n  inherits_ro: {}\nusers:\n  inherits_u: { auth: password, groups: [inherits_ro] }\n';
    const planned = await room.converge(body);
    expect(said(planned)).toEqual([
      'ALTER ROLE "inherits_u" WITH INHERIT',
      ...(since16 ? ['GRANT "inherits_ro" TO "inherits_u" WITH ADMIN FALSE, INHERIT TRUE, SET TRUE'] : []),
    ]);
    expect(await room.column(`SELECT pg_has_role('inherits_u', 'inherits_ro', 'USAGE')`)).toEqual([true]);
  });

  test('the right to grant a role on is taken with what was granted by it, and who shall stay stays', async () => {
    const room = await makeRoom(server(), 'onward');
    await room.as(
      'master',
      'CREATE ROLE onward_ro; CREATE ROLE onward_u; CREATE ROLE onward_v; CREATE ROLE onward_w; GRANT onward_ro TO onward_u WITH ADMIN OPTION',
    );
    await room.as('onward_u', 'GRANT onward_ro TO onward_v WITH ADMIN OPTION');
    await room.as('onward_v', 'GRANT onward_ro TO onward_w');
    const body =
      'groups:\n  onward_ro: {}\n  onward_u: { groups: [onward_ro] }\n  onward_v: { groups: [onward_ro] }\n  onward_w: { groups: [onward_ro] }\n';
    const planned = await room.converge(body);
    if (since16) {
      expect(changedBeside(planned)).toEqual([
        '~ membership onward_u in onward_ro by master',
        '+ membership onward_v in onward_ro by master',
        '- membership onward_v in onward_ro by onward_u',
        '+ membership onward_w in onward_ro by master',
        '- membership onward_w in onward_ro by onward_v',
      ]);
    }
    const options = since16 ? ' inherit set' : '';
    expect(await room.members('onward_ro')).toEqual(
      since16
        ? ['master by rdsadmin: admin', `onward_u by master:${options}`, `onward_v by master:${options}`, `onward_w by master:${options}`]
        : ['onward_u by master:', 'onward_v by onward_u:', 'onward_w by onward_v:'],
    );
  });

  test('membership and the right to grant it end together', async () => {
    const room = await makeRoom(server(), 'ends');
    await room.as('master', 'CREATE ROLE ends_ro; CREATE ROLE ends_u; CREATE ROLE ends_v; GRANT ends_ro TO ends_u WITH ADMIN OPTION');
    await room.as('ends_u', 'GRANT ends_ro TO ends_v');
    await room.converge('groups:\n  ends_ro: {}\n  ends_u: {}\n  ends_v: { groups: [ends_ro] }\n');
    expect(await room.members('ends_ro')).toEqual(
      since16 ? ['ends_v by master: inherit set', 'master by rdsadmin: admin'] : [expect.stringMatching(/^ends_v by ends_u:/)],
    );
  });

  test('two grantors of one membership both lose it', async () => {
    const room = await makeRoom(server(), 'pair');
    await room.as(
      'master',
      'CREATE ROLE pair_ro; CREATE ROLE pair_g; CREATE ROLE pair_u; GRANT pair_ro TO pair_g WITH ADMIN OPTION; GRANT pair_ro TO pair_u',
    );
    await room.as('pair_g', 'GRANT pair_ro TO pair_u');
    await room.converge('groups:\n  pair_ro: {}\n  pair_u: {}\n  pair_g: { groups: [{ name: pair_ro, admin: true }] }\n');
    expect(await room.column(`SELECT count(*)::int FROM pg_auth_members WHERE member = 'pair_u'::regrole`)).toEqual([0]);
  });

  test('a user that does not inherit stays so, where that is declared', async () => {
    const room = await makeRoom(server(), 'aside');
    const option = since16 ? 'aside_ro' : '{ name: aside_ro, inherit: false }';
    await room.converge(`groups:\n  aside_ro: {}\nusers:\n  aside_u: { auth: none, inherit: false, groups: [${option}] }\n`);
    expect(await room.column("SELECT pg_has_role('aside_u', 'aside_ro', 'USAGE')")).toEqual([since16]);
  });

  test('a member that is nobody of ours loses what it has by an option that goes, unless it is granted again', async () => {
    const room = await makeRoom(server(), 'bystander');
    await room.as(
      'master',
      'CREATE ROLE bystander_ro; CREATE ROLE bystander_u; CREATE ROLE bystander_v; GRANT bystander_ro TO bystander_u WITH ADMIN OPTION',
    );
    await room.as('bystander_u', 'GRANT bystander_ro TO bystander_v WITH ADMIN OPTION');
    await room.converge('existing: [bystander_ro]\ngroups:\n  bystander_u: { groups: [bystander_ro] }\n');
    expect(await room.members('bystander_ro')).toEqual(
      since16
        ? ['bystander_u by master: inherit set', 'bystander_v by master: admin inherit set', 'master by rdsadmin: admin']
        : ['bystander_u by master:', 'bystander_v by bystander_u: admin'],
    );
  });

  test('two groups change places: who was in the other now has it as a member', async () => {
    const room = await makeRoom(server(), 'swap');
    await room.as('master', 'CREATE ROLE swap_a; CREATE ROLE swap_b; CREATE ROLE swap_c; GRANT swap_a TO swap_b; GRANT swap_b TO swap_c');
    await room.converge('groups:\n  swap_a: { groups: [swap_c] }\n  swap_b: { groups: [swap_a] }\n  swap_c: {}\n');
    expect(
      await room.column(
        "SELECT member::regrole || ' in ' || roleid::regrole FROM pg_auth_members WHERE roleid::regrole::text LIKE 'swap%' AND member::regrole::text LIKE 'swap%' ORDER BY 1",
      ),
    ).toEqual(['swap_a in swap_c', 'swap_b in swap_a']);
  });

  test('a circle that is closed by memberships of others is an error', async () => {
    const room = await makeRoom(server(), 'circle');
    await room.as(
      'master',
      'CREATE ROLE circle_u LOGIN; CREATE ROLE circle_b; CREATE ROLE circle_c; GRANT circle_u TO circle_b; GRANT circle_b TO circle_c',
    );
    const body = 'existing: [circle_b, circle_c]\nusers:\n  circle_u: { auth: none, groups: [circle_c] }\n';
    const planned = await room.plan(body);
    expect(found(planned, 'membership/cycle')).toEqual([expect.stringContaining('circle_u -> circle_c -> circle_b -> circle_u')]);
    expect(await room.apply(body, planned)).toMatchObject({ exitCode: 3, result: { statements: 0 } });
  });
});

describe.runIf(PER_GRANTOR.length > 0)('options of a membership', () => {
  eachMajor(
    (server) => {
      test.each([
        ['inherit', '{ name: opt_ro, inherit: false }', 'WITH ADMIN FALSE, INHERIT FALSE, SET TRUE', 'set'],
        ['set', '{ name: opt_ro, set: false }', 'WITH ADMIN FALSE, INHERIT TRUE, SET FALSE', 'inherit'],
        ['admin', '{ name: opt_ro, admin: true }', 'WITH ADMIN TRUE, INHERIT TRUE, SET TRUE', 'admin inherit set'],
      ])('%s is set as written', async (option, entry, tail, options) => {
        const room = await makeRoom(server(), `opt_${option}`);
        await room.as(
          'master',
          `DROP ROLE IF EXISTS opt_ro; CREATE ROLE opt_ro; CREATE ROLE opt_u_${option}; GRANT opt_ro TO opt_u_${option}`,
        );
        const planned = await room.converge(`existing: [opt_ro]\ngroups:\n  opt_u_${option}: { groups: [${entry}] }\n`);
        expect(said(planned)).toEqual([`GRANT "opt_ro" TO "opt_u_${option}" ${tail}`]);
        expect(await room.members('opt_ro')).toContain(`opt_u_${option} by master: ${options}`);
      });

      test('options that somebody else gave too much are lowered as that grantor', async () => {
        const room = await makeRoom(server(), 'lowered');
        await room.as(
          'master',
          'CREATE ROLE lowered_g; CREATE ROLE lowered_ro; CREATE ROLE lowered_u; GRANT lowered_ro TO lowered_g WITH ADMIN OPTION',
        );
        await room.as('lowered_g', 'GRANT lowered_ro TO lowered_u WITH ADMIN OPTION');
        const planned = await room.converge(
          'existing: [lowered_g]\ngroups:\n  lowered_u: { groups: [lowered_ro] }\n  lowered_ro: { manage: additive }\n',
        );
        expect(said(planned)).toEqual(['REVOKE ADMIN OPTION FOR "lowered_ro" FROM "lowered_u" GRANTED BY "lowered_g" -- as lowered_g']);
        expect(await room.members('lowered_ro')).toContain('lowered_u by lowered_g: inherit set');
      });

      test('a membership of a grantor out of reach is blocked, and said by name', async () => {
        const room = await makeRoom(server(), 'beyond');
        await room.as('rdsadmin', 'CREATE ROLE beyond_g');
        await room.as('master', 'CREATE ROLE beyond_ro; CREATE ROLE beyond_u; GRANT beyond_ro TO beyond_g WITH ADMIN OPTION');
        await room.as('beyond_g', 'GRANT beyond_ro TO beyond_u');
        const body = 'groups:\n  beyond_u: {}\n';
        const planned = await room.plan(body);
        expect(planned.changes.find((change) => change.kind === 'membership')?.blocked).toContain("granted by 'beyond_g'");
        expect(await room.apply(body, planned)).toMatchObject({
          exitCode: 5,
          result: { status: 'partial', residue: [{ kind: 'membership' }] },
        });
      });

      test('what hangs on an ADMIN option goes with it, though nobody here can act as its grantor', async () => {
        const room = await makeRoom(server(), 'hangs');
        await room.as('rdsadmin', 'CREATE ROLE hangs_f');
        await room.as('master', 'CREATE ROLE hangs_ro; CREATE ROLE hangs_c; GRANT hangs_ro TO hangs_f WITH ADMIN OPTION');
        await room.as('hangs_f', 'GRANT hangs_ro TO hangs_c');
        const planned = await room.converge('groups:\n  hangs_ro: {}\n');
        expect(said(planned)).toEqual(['REVOKE "hangs_ro" FROM "hangs_f" GRANTED BY "master" CASCADE']);
        expect(await room.members('hangs_ro')).toEqual(['master by rdsadmin: admin']);
      });

      test('a membership that outlived its grantor’s option is taken back all the same', async () => {
        const room = await makeRoom(server(), 'dangling');
        await room.as(
          'master',
          'CREATE ROLE dangling_ro; CREATE ROLE dangling_g; CREATE ROLE dangling_u; GRANT dangling_ro TO dangling_g WITH ADMIN OPTION',
        );
        await room.as('dangling_g', 'GRANT dangling_ro TO dangling_u');
        await room.as('master', 'GRANT dangling_ro TO dangling_g WITH ADMIN FALSE');
        expect(await room.members('dangling_ro')).toContain('dangling_u by dangling_g: inherit set');
        await room.converge('groups:\n  dangling_ro: {}\n  dangling_g: { groups: [dangling_ro] }\n  dangling_u: {}\n');
        expect(await room.members('dangling_ro')).toEqual(['dangling_g by master: inherit set', 'master by rdsadmin: admin']);
        expect(await room.members('dangling_g')).toEqual(['master by rdsadmin: admin']);
      });

      test('roles that an earlier major left without an administrator are reported, not tried', async () => {
        const room = await makeRoom(server(), 'orphan');
        await room.as('rdsadmin', 'CREATE ROLE orphan_ro');
        const planned = await room.plan('existing: [orphan_ro]\ngroups:\n  orphan_u: { groups: [orphan_ro] }\n');
        expect(planned.changes.find((change) => change.kind === 'membership')?.blocked).toContain('ADMIN OPTION');
      });
    },
    { only: PER_GRANTOR },
  );
});

describe.runIf(OLDER.length > 0)('before options', () => {
  eachMajor(
    (server) => {
      test('a membership option that the server lacks is an error that names the attribute', async () => {
        const room = await makeRoom(server(), 'nooption');
        const planned = await room.plan(
          'groups:\n  nooption_ro: {}\nusers:\n  nooption_u: { auth: none, groups: [{ name: nooption_ro, inherit: false }] }\n',
        );
        expect(planned.findings).toContainEqual(
          expect.objectContaining({ severity: 'error', code: 'membership/no-option', hint: expect.stringContaining('inherit: false') }),
        );
      });
    },
    { only: OLDER },
  );
});
