import { expect, test } from 'vitest';
import type { Change } from '../../../src/model/change.ts';
import type { AccessDelta, AccessItem } from '../../../src/model/plan.ts';
import { access, accessFindings } from '../../../src/providers/mysql/access.ts';
import { bySpecificity } from '../../../src/providers/mysql/access-order.ts';
import type { Server, Snapshot, SnapshotGrant } from '../../../src/providers/mysql/snapshot.ts';
import { accountOf, changeOf, declaredOf, declaredRole, grantOf, groupOf, membershipOf, snapshotOf, userOf } from './world.ts';

const rows = (account: string, rights: Readonly<Record<string, readonly string[]>>): SnapshotGrant[] =>
  Object.entries(rights).map(([stored, privileges]) => ({ account, level: 'schema', schema: stored, name: null, privileges }));

type World = {
  readonly server?: Partial<Server>;
  readonly roles?: readonly string[];
  readonly members?: readonly (readonly [member: string, role: string, standard?: boolean])[];
  readonly grants?: readonly SnapshotGrant[];
  readonly users?: readonly string[];
};

const worldOf = ({ server = {}, roles = [], members = [], grants = [], users = ['jane', 'joe'] }: World): Snapshot =>
  snapshotOf(server, {
    accounts: [
      ...users.map((name) => accountOf(name)),
      ...roles.map((name) => accountOf(name, { kind: 'role', locked: true, ...(server.flavour === 'mariadb' ? { host: '' } : {}) })),
    ],
    edges: members.map(([member, role]) => ({ member, role, admin: false })),
    defaultRoles: members.flatMap(([member, role, standard = true]) => (standard ? [{ member, role }] : [])),
    grants,
    schemas: ['my_db', 'myxdb', 'orders'],
  });

const schemaGrant = (account: string, schema: string, before: readonly string[] | null, after: readonly string[] | null): Change =>
  changeOf(
    'grant',
    before && grantOf(account, before, { kind: 'schema', names: [schema] }),
    after && grantOf(account, after, { kind: 'schema', names: [schema] }),
  );

const patternGrant = (account: string, stored: string, before: readonly string[]): Change =>
  changeOf('grant', grantOf(account, before, { kind: 'pattern', names: [stored] }), null);

/** `jane, joe - SELECT on schema my_db via reader`. */
const told = (deltas: readonly AccessDelta[]): string[] =>
  deltas.flatMap(({ users, loses, gains }) => [
    ...loses.map((item) => `${users.join(', ')} - ${itemText(item)}`),
    ...gains.map((item) => `${users.join(', ')} + ${itemText(item)}`),
  ]);

const itemText = ({ what, privileges, kind, schema, relation, names, via }: AccessItem): string =>
  what === 'privileges'
    ? `${privileges.join(' ')} on ${kind} ${[...(schema ? [schema] : []), ...(relation ? [relation] : []), names.join()].join('.')} via ${via.join(' > ')}`
    : `${what} ${[...privileges, ...names].join(' ')}`.trim();

const READER: World = {
  roles: ['reader'],
  members: [
    ['jane', 'reader'],
    ['joe', 'reader'],
  ],
};
const PATTERN = rows('jane', { 'my%': ['SELECT'] });

const DELTAS: readonly (readonly [name: string, world: World, changes: readonly Change[], expected: readonly string[]])[] = [
  ['nothing changes', { grants: PATTERN }, [], []],
  [
    'a row that is added takes what a pattern gave',
    { grants: PATTERN },
    [schemaGrant('jane', 'my_db', null, ['INSERT'])],
    ['jane - SELECT on schema my_db via pattern my%', 'jane + INSERT on schema my_db via direct'],
  ],
  [
    'a row that gives what the pattern gave takes nothing',
    { grants: PATTERN },
    [schemaGrant('jane', 'my_db', null, ['INSERT', 'SELECT']), patternGrant('jane', 'my%', ['SELECT'])],
    ['jane - SELECT on schema myxdb via pattern my%', 'jane + INSERT on schema my_db via direct'],
  ],
  [
    'where names are in lower case, rows that were written in another count as well',
    { grants: rows('jane', { 'My%': ['SELECT'] }), server: { lowerCaseTableNames: 1 } },
    [schemaGrant('jane', 'my_db', null, ['INSERT'])],
    ['jane - SELECT on schema my_db via pattern My%', 'jane + INSERT on schema my_db via direct'],
  ],
  ['a blocked change changes nothing', { grants: PATTERN }, [{ ...schemaGrant('jane', 'my_db', null, ['INSERT']), blocked: 'no' }], []],
  [
    'members of a role gain together',
    READER,
    [schemaGrant('reader', 'orders', null, ['SELECT'])],
    ['jane, joe + SELECT on schema orders via reader'],
  ],
  [
    'a role that is no default role gives nothing but itself',
    { roles: ['reader'], grants: rows('reader', { orders: ['SELECT'] }) },
    [changeOf('membership', null, membershipOf('jane', 'reader', { inherit: false }))],
    ['jane + role SET reader'],
  ],
  [
    'a role that may be granted on',
    { roles: ['reader'] },
    [changeOf('membership', null, membershipOf('jane', 'reader', { admin: true }))],
    ['jane + role ADMIN reader'],
  ],
  [
    'a dropped user loses its login and all it had',
    { grants: rows('jane', { orders: ['SELECT'] }) },
    [changeOf('role', userOf('jane'), null)],
    ['jane - login', 'jane - SELECT on schema orders via direct'],
  ],
  [
    'a locked account keeps its privileges and loses its login',
    { grants: rows('jane', { orders: ['SELECT'] }) },
    [changeOf('role', userOf('jane'), userOf('jane', { login: false }))],
    ['jane - login'],
  ],
  [
    'a new user for IAM, with a role that is new as well',
    {},
    [
      changeOf('role', null, groupOf('reader')),
      changeOf('role', null, userOf('ann', {}, { auth: 'iam' })),
      schemaGrant('reader', 'orders', null, ['SELECT']),
      changeOf('membership', null, membershipOf('ann', 'reader')),
    ],
    ['ann + login', 'ann + role rds_iam', 'ann + SELECT on schema orders via reader'],
  ],
  [
    'what the schema gives is no loss on the table',
    {
      grants: [
        ...rows('jane', { orders: ['SELECT'] }),
        { account: 'jane', level: 'table', schema: 'orders', name: 't', privileges: ['INSERT', 'SELECT'] },
      ],
    },
    [changeOf('grant', grantOf('jane', ['INSERT', 'SELECT'], { kind: 'table', schema: 'orders', names: ['t'] }), null)],
    ['jane - INSERT on table orders.t via direct'],
  ],
  [
    'a column that the table gives as well',
    { grants: [{ account: 'jane', level: 'table', schema: 'orders', name: 't', privileges: ['SELECT'] }] },
    [
      changeOf('grant', null, grantOf('jane', ['SELECT'], { kind: 'column', schema: 'orders', relation: 't', names: ['i'] })),
      changeOf('grant', null, grantOf('jane', ['UPDATE'], { kind: 'column', schema: 'orders', relation: 't', names: ['i'] })),
    ],
    ['jane + UPDATE on column orders.t.i via direct'],
  ],
  [
    'a routine',
    {},
    [changeOf('grant', null, grantOf('jane', ['EXECUTE'], { kind: 'procedure', schema: 'orders', names: ['p'] }))],
    ['jane + EXECUTE on procedure orders.p via direct'],
  ],
  [
    'the grant option is one on all that is held there',
    { grants: rows('jane', { orders: ['SELECT'] }) },
    [schemaGrant('jane', 'orders', ['SELECT'], ['SELECT*'])],
    ['jane + SELECT* on schema orders via direct'],
  ],
  [
    'a dynamic privilege and its own option',
    {},
    [changeOf('grant', null, grantOf('jane', ['PROCESS', 'XA_RECOVER_ADMIN*'], { kind: 'global', names: ['*.*'] }))],
    ['jane + PROCESS XA_RECOVER_ADMIN XA_RECOVER_ADMIN* on global *.* via direct'],
  ],
  [
    'the first active role of MySQL puts rows in another order',
    { roles: ['reader'], grants: rows('jane', { 'my%': ['SELECT'], 'my\\_db': ['INSERT'] }) },
    [changeOf('membership', null, membershipOf('jane', 'reader'))],
    ['jane - INSERT on schema my_db via direct', 'jane + SELECT on schema my_db via pattern my%'],
  ],
  [
    'a role of MariaDB does not',
    { server: { flavour: 'mariadb' }, roles: ['reader'], grants: rows('jane', { 'my%': ['SELECT'], 'my\\_db': ['INSERT'] }) },
    [changeOf('membership', null, membershipOf('jane', 'reader'))],
    [],
  ],
  [
    'a row for a wider host of the user',
    { users: ['jane', 'jane@10.%'] },
    [schemaGrant('jane', 'orders', null, ['SELECT'])],
    ['jane + SELECT on schema orders via direct', 'jane@10.% + SELECT on schema orders via jane'],
  ],
  [
    'mandatory roles are everybody’s',
    { server: { mandatoryRoles: ['reader'] }, roles: ['reader'] },
    [schemaGrant('reader', 'orders', null, ['SELECT'])],
    ['jane, joe + SELECT on schema orders via reader'],
  ],
  [
    'with partial_revokes a pattern is a name',
    { server: { partialRevokes: true }, grants: rows('jane', { my_db: ['SELECT'] }) },
    [schemaGrant('jane', 'my_db', ['SELECT'], null)],
    ['jane - SELECT on schema my_db via direct'],
  ],
];

test.each(DELTAS)('%s', (_, world, changes, expected) => {
  expect(told(access(worldOf(world), declaredOf(), changes))).toEqual(expected);
});

test('a restriction is told by the schema where it holds', () => {
  const snapshot = {
    ...worldOf({
      server: { partialRevokes: true },
      grants: [{ account: 'jane', level: 'global', schema: null, name: null, privileges: ['SELECT'] }],
    }),
    restrictions: [{ account: 'jane', schema: 'orders', privileges: ['SELECT'] }],
  };
  const changes = [schemaGrant('jane', 'orders', null, ['SELECT'])];
  expect(told(access(snapshot, declaredOf(), changes))).toEqual(['jane + SELECT on schema orders via direct']);
});

const FINDINGS: readonly (readonly [name: string, world: World, changes: readonly Change[], expected: readonly string[]])[] = [
  [
    'a pattern that stays is hidden by a row that is added',
    { grants: PATTERN },
    [schemaGrant('jane', 'my_db', null, ['INSERT'])],
    [
      "error access/shadowed 'jane' would lose SELECT on schema my_db: of the grants that match the schema the one on my_db to 'jane' counts then, and no longer the one on pattern `my%` to 'jane'",
    ],
  ],
  [
    'a pattern that goes as well is no news',
    { grants: PATTERN },
    [schemaGrant('jane', 'my_db', null, ['INSERT']), patternGrant('jane', 'my%', ['SELECT'])],
    [],
  ],
  [
    'nobody can be asked to mend what is blocked',
    { grants: PATTERN },
    [schemaGrant('jane', 'my_db', null, ['INSERT']), { ...patternGrant('jane', 'my%', ['SELECT']), blocked: 'no' }],
    [
      "warning access/shadowed 'jane' would lose SELECT on schema my_db: of the grants that match the schema the one on my_db to 'jane' counts then, and no longer the one on pattern `my%` to 'jane'",
    ],
  ],
  [
    'a row that a role’s pattern hides gives nothing',
    { roles: ['everything'], members: [['jane', 'everything']], grants: rows('everything', { '%': ['SELECT'] }) },
    [schemaGrant('jane', 'my_db', null, ['INSERT'])],
    [
      "warning access/shadowed 'jane' would not get INSERT on schema my_db: of the grants that match the schema the one on pattern `%` to 'everything' counts, and not the one on my_db to 'jane'",
    ],
  ],
  [
    'a row on a name without an underscore hides the pattern of a role',
    { roles: ['everything'], members: [['jane', 'everything']], grants: rows('everything', { '%': ['SELECT'] }) },
    [schemaGrant('jane', 'orders', null, ['INSERT'])],
    [
      "error access/shadowed 'jane' would lose SELECT on schema orders: of the grants that match the schema the one on orders to 'jane' counts then, and no longer the one on pattern `%` to 'everything'",
    ],
  ],
  [
    'a role that is active leaves what another account of the user has out of account',
    {
      users: ['jane', 'jane@10.%'],
      roles: ['reader'],
      grants: rows('jane', { 'my%': ['SELECT'] }),
    },
    [changeOf('membership', null, membershipOf('jane@10.%', 'reader'))],
    [
      "warning access/shadowed 'jane@10.%' would lose SELECT on schema my_db: with an active role grants to other accounts do not count, such as the one on pattern `my%` to 'jane'",
      "warning access/shadowed 'jane@10.%' would lose SELECT on schema myxdb: with an active role grants to other accounts do not count, such as the one on pattern `my%` to 'jane'",
    ],
  ],
  [
    'patterns of equal rank',
    { grants: rows('jane', { 'my%': ['SELECT'], my_db: ['INSERT'] }) },
    [],
    [
      "warning access/tied the grant on pattern `my%` to 'jane' and the grant on pattern `my_db` to 'jane' match schema my_db and 1 more with equal rank: only one of them counts for 'jane', and which can change when the server restarts",
    ],
  ],
  [
    'what a role still gives',
    { ...READER, grants: [...rows('reader', { orders: ['SELECT'] }), ...rows('jane', { orders: ['SELECT'] })] },
    [schemaGrant('jane', 'orders', ['SELECT'], null)],
    ["note access/still-effective 'jane' loses a grant on schema orders: SELECT on schema orders still effective via reader"],
  ],
  [
    'a role that is left and reached by another',
    {
      roles: ['reader', 'writer'],
      members: [
        ['jane', 'reader'],
        ['jane', 'writer'],
        ['writer', 'reader'],
      ],
    },
    [changeOf('membership', membershipOf('jane', 'reader'), null)],
    ["note access/still-effective 'jane' leaves 'reader': still a member via writer"],
  ],
];

test.each(FINDINGS)('told is: %s', (_, world, changes, expected) => {
  const found = accessFindings(worldOf(world), declaredOf(declaredRole('jane')), changes);
  expect(found.map(({ severity, code, message }) => `${severity} ${code} ${message}`)).toEqual(expected);
});

/** Each list from what counts first to what counts last. */
const ORDERS: readonly (readonly [flavour: Server['flavour'], patterns: readonly string[]])[] = [
  ['mysql', ['my\\_db', 'my_db', 'm%', '_y_db', '%']],
  ['mysql', ['orders', 'order_', 'ord%', 'o%', '%']],
  ['mariadb', ['my\\_db', 'my_db', 'my__b', 'my%db', 'my%', '%db%', '%']],
  ['mariadb', ['m_xdb', 'my_db']],
];

test.each(ORDERS)('on %s the most specific is first: %j', (flavour, patterns) => {
  expect([...patterns].reverse().sort((a, b) => bySpecificity(flavour, 'schema', a, b))).toEqual(patterns);
});

test('patterns with the first wildcard at one place have no order on MySQL', () => {
  expect(bySpecificity('mysql', 'schema', 'my_db', 'my%')).toBe(0);
});
