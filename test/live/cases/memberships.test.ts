import { describe, expect, test } from 'vitest';
import { eachMajor, SUPPORTED } from '../../lab/majors.ts';
import { changesOf } from '../scenario.ts';
import { changedBeside, expectSettled, makeRoom, said } from './room.ts';

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

  test('roles in a circle are an error, whoever closes it', async () => {
    const room = await makeRoom(server(), 'circle');
    await room.as(
      'master',
      'CREATE ROLE circle_a; CREATE ROLE circle_b; CREATE ROLE circle_c; GRANT circle_a TO circle_b; GRANT circle_b TO circle_c',
    );
    const planned = await room.plan('existing: [circle_b, circle_c]\ngroups:\n  circle_a: { groups: [circle_c] }\n');
    expect(planned.findings.filter((finding) => finding.severity === 'error').map((finding) => finding.code)).toEqual([]);
    expect(changesOf(planned)).not.toEqual([]);
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
        expect(said(planned)).toEqual([
          'GRANT "lowered_ro" TO "lowered_u" WITH ADMIN FALSE, INHERIT TRUE, SET TRUE GRANTED BY "lowered_g" -- as lowered_g',
        ]);
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
