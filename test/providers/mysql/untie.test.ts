import { describe, expect, test } from 'vitest';
import type { Change } from '../../../src/model/change.ts';
import type { Server, SnapshotGrant } from '../../../src/providers/mysql/snapshot.ts';
import { statements } from '../../../src/providers/mysql/statements/index.ts';
import { accountOf, changeOf, declaredOf, grantOf, membershipOf, snapshotOf } from './world.ts';

type World = {
  readonly rows: readonly SnapshotGrant[];
  readonly edges: readonly (readonly [member: string, role: string])[];
  readonly changes: readonly Change[];
  readonly users?: readonly string[];
  readonly schemas?: readonly string[];
  readonly server?: Partial<Server>;
};

const row = (account: string, schema: string, ...privileges: string[]): SnapshotGrant => ({
  ...{ account, level: 'schema', schema, name: null, privileges },
});
const grant = (account: string, schema: string, ...privileges: string[]) =>
  changeOf('grant', null, grantOf(account, privileges, { kind: 'schema', names: [schema] }));
const revoke = (account: string, schema: string, ...privileges: string[]) =>
  changeOf('grant', grantOf(account, privileges, { kind: 'schema', names: [schema] }), null);
const unpattern = (account: string, stored: string, ...privileges: string[]) =>
  changeOf('grant', grantOf(account, privileges, { kind: 'pattern', names: [stored] }), null);
const leave = (member: string, role: string) => changeOf('membership', membershipOf(member, role), null);

const planOf = ({ rows, edges, changes, users = ['u'], schemas = ['my_db', 'myxdb', 'orders'], server = {} }: World) => {
  const snapshot = snapshotOf(server, {
    accounts: [...users.map((user) => accountOf(user)), ...['a', 'b'].map((name) => accountOf(name, { kind: 'role' }))],
    edges: edges.map(([member, role]) => ({ member, role, admin: false })),
    defaultRoles: edges.filter(([member]) => users.includes(member)).map(([member, role]) => ({ member, role })),
    grants: rows,
    schemas,
  });
  const { steps, lapses, moments = [] } = statements(changes, snapshot, declaredOf());
  return {
    sql: steps.map(({ sql }) => sql),
    lapses,
    told: moments.map(({ kind, role, on, privileges, pattern }) => `${kind} ${role} ${on?.names[0]} ${privileges} ${pattern}`),
  };
};

/**
 * `a` loses a pattern and leaves `b`, whose rows stand behind the pattern on one schema (by their text: `%` is before `my\_db`), and
 * before it on another (a name without `_` counts first). Whichever goes first brings one of the other's to light.
 */
const KNOT: World = {
  rows: [row('a', '%', 'INSERT'), row('b', 'my\\_db', 'SELECT'), row('b', 'myxdb', 'SELECT')],
  edges: [
    ['u', 'a'],
    ['a', 'b'],
  ],
  changes: [unpattern('a', '%', 'INSERT'), leave('a', 'b')],
};
const BRIDGED = [
  "GRANT SELECT ON `myxdb`.* TO 'a'@'%'",
  "REVOKE 'b'@'%' FROM 'a'@'%'",
  "REVOKE INSERT ON `%`.* FROM 'a'@'%'",
  "REVOKE SELECT ON `myxdb`.* FROM 'a'@'%'",
];
const EXTRA = Array.from({ length: 60 }, (_, at) => `s${at}`);

describe('a role that leaves another while a pattern goes', () => {
  test('is granted for a moment what stands before the pattern', () => {
    expect(planOf(KNOT)).toEqual({ sql: BRIDGED, lapses: [], told: ['bridge a myxdb SELECT null'] });
  });

  test('is so among many grants as well', () => {
    const { sql, told } = planOf({
      ...KNOT,
      changes: [...KNOT.changes, ...EXTRA.map((schema) => grant('a', schema, 'INSERT'))],
      schemas: ['my_db', 'myxdb', 'orders', ...EXTRA],
    });
    expect([sql.filter((one) => !/`s\d+`/.test(one)), told]).toEqual([BRIDGED, ['bridge a myxdb SELECT null']]);
  });

  test('is granted nothing that the login may not grant: who has more for a moment is told, with schema and pattern', () => {
    const { sql, told } = planOf({ ...KNOT, server: { grantable: ['INSERT'] } });
    expect([sql.length, told]).toEqual([2, [expect.stringMatching(/^excess u my_?x?db (SELECT|INSERT) %$/)]]);
  });

  test('is told as one that may have more where the statements are too many', () => {
    const many = Array.from({ length: 500 }, (_, at) => `s${at}`);
    const { lapses, told } = planOf({
      ...KNOT,
      changes: [...KNOT.changes, ...many.map((schema) => grant('a', schema, 'INSERT'))],
      schemas: ['my_db', 'myxdb', 'orders', ...many],
    });
    expect({ lapses, told }).toEqual({ lapses: ['u'], told: ['excess u undefined  null'] });
  });
});

test.each<[name: string, world: World, sql: readonly string[], told: readonly string[]]>([
  [
    'a role that sleeps from now on is taken off the login before the pattern that hid it comes to light',
    {
      rows: [row('u', 'my\\_db', 'INSERT'), row('a', 'my%', 'SELECT')],
      edges: [['u', 'a']],
      changes: [revoke('u', 'my_db', 'INSERT'), changeOf('membership', membershipOf('u', 'a'), membershipOf('u', 'a', { inherit: false }))],
    },
    ["REVOKE INSERT ON `my\\_db`.* FROM 'u'@'%'", "SET DEFAULT ROLE NONE TO 'u'@'%'"],
    [],
  ],
  [
    'what is granted behind a pattern that stays comes after the role that brings the pattern',
    {
      rows: [row('a', 'my%', 'SELECT')],
      edges: [],
      changes: [grant('u', 'my_db', 'INSERT'), changeOf('membership', null, membershipOf('u', 'a'))],
    },
    ["GRANT 'a'@'%' TO 'u'@'%'", "SET DEFAULT ROLE 'a'@'%' TO 'u'@'%'", "GRANT INSERT ON `my\\_db`.* TO 'u'@'%'"],
    [],
  ],
  [
    'accounts of one user that need contrary orders are told, by the one that has more',
    {
      users: ['u', 'u@10.0.0.1'],
      rows: [row('u', '%', 'SELECT'), row('u', 'o%', 'INSERT')],
      edges: [['u', 'a']],
      changes: [unpattern('u', '%', 'SELECT'), unpattern('u', 'o%', 'INSERT'), leave('u', 'a')],
    },
    ["REVOKE SELECT ON `%`.* FROM 'u'@'%'", "REVOKE INSERT ON `o%`.* FROM 'u'@'%'", "REVOKE 'a'@'%' FROM 'u'@'%'"],
    ['excess u orders INSERT %'],
  ],
])('%s', (_, world, sql, told) => {
  const plan = planOf(world);
  expect({ sql: plan.sql, told: plan.told }).toEqual({ sql, told });
});

test('a pattern that has to go before a role comes, which gives the same elsewhere, is told as a lapse with schema and pattern', () => {
  const plan = planOf({
    rows: [row('u', '%', 'INSERT'), row('u', 'my_db', 'SELECT')],
    edges: [],
    changes: [
      grant('b', 'orders', 'INSERT'),
      grant('u', 'orders', 'SELECT'),
      unpattern('u', '%', 'INSERT'),
      unpattern('u', 'my_db', 'SELECT'),
      changeOf('membership', null, membershipOf('u', 'b')),
    ],
  });
  expect([plan.lapses, plan.told]).toEqual([['u'], ['lapse u orders INSERT %']]);
});
