import { expect, test } from 'vitest';
import { diff } from '../../../src/core/diff.ts';
import type { Declared } from '../../../src/model/declared.ts';
import { guard } from '../../../src/providers/mysql/guard.ts';
import { normalize } from '../../../src/providers/mysql/normalize.ts';
import type { Server, Snapshot, SnapshotAccount, SnapshotGrant } from '../../../src/providers/mysql/snapshot.ts';
import { linesOf } from '../../../src/render/outline.ts';
import { lineText } from '../../../src/render/sql.ts';
import { declared } from '../../manifest/small.ts';
import { accountOf, snapshotOf } from './world.ts';

const HEAD = (engine: string): string => `version: 1
stack: acme/access
targets: { main: { engine: ${engine}, endpoint: { host: localhost }, login: { user: master } } }
`;

type Read = Partial<Snapshot> & { readonly on?: Partial<Server> };

/** What a plan would do, and what it says (but notes), as text. */
const plan = (read: Read, manifest: string): string[] => {
  const { on, ...rest } = read;
  const head = HEAD(on?.flavour ?? 'mysql');
  const wanted = declared(`${manifest.includes('targets:') ? head.replace(/targets.*\n/, '') : head}${manifest}`);
  const grants = rest.grants ?? [];
  const own = grants.some(({ account }) => account === 'master') ? [] : [onServer('master', 'CREATE USER*', 'ROLE_ADMIN*')];
  return told(snapshotOf(on, { ...rest, grants: [...own, ...grants], accounts: [MASTER, ...(rest.accounts ?? [])] }), wanted);
};

const told = (snapshot: Snapshot, wanted: Declared): string[] => {
  const normal = normalize(snapshot, wanted);
  const changes = diff(normal);
  const findings = [...normal.findings, ...guard(snapshot, wanted, normal.reality, normal.reality, changes)];
  return [
    ...linesOf(changes).flatMap((line) => [
      `${line.blocked === null ? '' : 'blocked '}${lineText(line)}`,
      ...line.details.map((detail) => `  ${detail.map((piece) => (typeof piece === 'string' ? piece : piece.name)).join('')}`),
    ]),
    ...findings.filter(({ severity }) => severity !== 'note').map(({ severity, code }) => `${severity} ${code}`),
  ];
};

const MASTER = accountOf('master');
const OURS = '{"stack":"acme/access"}';
const ours = (name: string, rest: Partial<SnapshotAccount> = {}): SnapshotAccount => accountOf(name, { mark: OURS, ...rest });
const role = (name: string, rest: Partial<SnapshotAccount> = {}): SnapshotAccount =>
  accountOf(name, { kind: 'role', locked: true, mark: OURS, options: { ...MASTER.options, auth: 'none' }, ...rest });
const mariadbRole = (name: string): SnapshotAccount => role(name, { host: '', mark: null });
const tracked = { ...MASTER.options, failedLoginAttempts: 0, passwordLockDays: 0 };
const user = (name: string, rest: Partial<SnapshotAccount> = {}): SnapshotAccount => ours(name, { options: tracked, ...rest });
const on = (account: string, schema: string, ...privileges: string[]): SnapshotGrant => ({
  account,
  level: 'schema',
  schema,
  name: null,
  privileges,
});
const onTable = (account: string, name: string, ...privileges: string[]): SnapshotGrant => ({
  account,
  level: 'table',
  schema: 'shop',
  name,
  privileges,
});
const onServer = (account: string, ...privileges: string[]): SnapshotGrant => ({
  account,
  level: 'global',
  schema: null,
  name: null,
  privileges,
});
const SHOP = { schemas: ['shop'], tables: [{ schema: 'shop', names: ['items', 'orders'] }] };
const MARIADB = { flavour: 'mariadb', version: 101118, versionText: '10.11.18-MariaDB' } as const;

const PLANS: readonly [name: string, read: Read, manifest: string, expected: readonly string[]][] = [
  [
    'where there are no marks, whoever is in a group and is not named left the manifest',
    {
      on: MARIADB,
      accounts: [user('kim', { mark: null }), mariadbRole('reader')],
      edges: [
        { role: 'reader', member: 'kim', admin: false },
        { role: 'reader', member: 'master', admin: true },
      ],
    },
    'groups: { reader: {} }',
    ['- member kim leaves reader (left the manifest)'],
  ],
  [
    'what is as it shall be is no change',
    {
      ...SHOP,
      accounts: [user('app'), role('reader')],
      edges: [{ role: 'reader', member: 'app', admin: false }],
      defaultRoles: [{ role: 'reader', member: 'app' }],
      grants: [on('reader', 'shop', 'SELECT', 'SHOW VIEW')],
    },
    'groups: { reader: { read: [shop] } }\nusers: { app: { auth: password, groups: [reader] } }',
    [],
  ],
  [
    'a granted role that is no default role becomes one',
    { accounts: [user('app'), role('reader')], edges: [{ role: 'reader', member: 'app', admin: false }] },
    'groups: { reader: {} }\nusers: { app: { auth: password, groups: [reader] } }',
    ['~ member app in reader: default role no -> yes'],
  ],
  [
    'where every role is active at login, a default role is none too few, and inherit: false is told',
    { on: { activateAllRoles: true }, accounts: [user('app'), role('reader')], edges: [{ role: 'reader', member: 'app', admin: false }] },
    'groups: { reader: {} }\nusers: { app: { auth: password, groups: [{ name: reader, inherit: false }] } }',
    ['warning membership/always-active'],
  ],
  [
    'a circle that roles of others close is an error',
    { accounts: [role('a'), role('theirs', { mark: null })], edges: [{ role: 'a', member: 'theirs', admin: false }] },
    'existing: [theirs]\ngroups: { a: { manage: additive, groups: [theirs] } }',
    ['+ member a joins theirs', 'error membership/cycle'],
  ],
  [
    'a mandatory role is never taken away',
    {
      on: { mandatoryRoles: ['everyone'] },
      accounts: [user('app'), role('everyone', { mark: null })],
      edges: [{ role: 'everyone', member: 'app', admin: false }],
    },
    'users: { app: { auth: password } }',
    [],
  ],
  [
    'who does not see routines takes none away, and says what it does not see',
    {
      ...SHOP,
      unseen: ['routine'],
      accounts: [role('reader')],
      grants: [{ account: 'reader', level: 'function', schema: 'shop', name: 'Total', privileges: ['EXECUTE'] }],
    },
    'groups: { reader: { grants: [{ privileges: [execute], functions: shop.total }, { privileges: [execute], routines: "shop.*" }] } }',
    ['warning selector/unseen'],
  ],
  [
    'nor does it say that one that it does not see is not there',
    { ...SHOP, unseen: ['routine'], accounts: [role('reader')] },
    'groups: { reader: { grants: [{ privileges: [execute], functions: shop.total }, { privileges: [execute], functions: nowhere.f }] } }',
    ['error selector/no-match', 'error selector/unseen'],
  ],
  [
    'a schema whose name is too long with its wildcards escaped gets no grant, and the others do',
    { ...SHOP, schemas: ['shop', 'ab_'.repeat(21)], accounts: [role('reader')] },
    'groups: { reader: { read: ["*"] } }',
    [`blocked + grant reader SELECT, SHOW VIEW on schema ${'ab_'.repeat(21)}`, '+ grant reader SELECT, SHOW VIEW on schema shop'],
  ],
  [
    'where wildcards are none, it does',
    { ...SHOP, on: { partialRevokes: true }, schemas: ['ab_'.repeat(21)], accounts: [role('reader')] },
    'groups: { reader: { read: ["*"] } }',
    [`+ grant reader SELECT, SHOW VIEW on schema ${'ab_'.repeat(21)}`],
  ],
  [
    "a mandatory role that is not there yet will be everybody's",
    { on: { mandatoryRoles: ['ghost'] }, accounts: [user('app')] },
    'users: { app: { auth: password } }',
    ['warning membership/mandatory'],
  ],
  [
    'also where the manifest makes it',
    { on: { mandatoryRoles: ['ghost'] }, accounts: [user('app')] },
    'users: { app: { auth: password } }\ngroups: { ghost: {} }',
    ['+ group ghost created', 'warning membership/mandatory'],
  ],
  [
    'a mandatory role is not dropped',
    { on: { mandatoryRoles: ['everyone'] }, accounts: [role('everyone')] },
    'users: {}\nremoved: { everyone: { drop: true } }',
    ['blocked - role everyone dropped (named under removed)'],
  ],
  [
    'whoever made a role of MariaDB stays its administrator',
    {
      on: MARIADB,
      accounts: [mariadbRole('reader'), accountOf('root@localhost')],
      edges: [
        { role: 'reader', member: 'master', admin: true },
        { role: 'reader', member: 'root@localhost', admin: true },
      ],
      grants: [onServer('root@localhost', 'CREATE USER')],
    },
    'groups: { reader: {} }',
    [],
  ],
  [
    'without marks nothing is adopted, nothing is absent, and a version sets no password',
    { on: MARIADB, accounts: [accountOf('app'), accountOf('left')] },
    `users: { app: { password: "\${env:P}", password_version: 7 } }`,
    [],
  ],
  [
    'MySQL before 8.0.21 keeps no marks and no comments',
    { on: { version: 80018, versionText: '8.0.18' }, accounts: [accountOf('app')] },
    'users: { app: { auth: password, description: the app } }',
    [],
  ],
  [
    'a password goes with its version, and an account without one that counts gets one',
    {
      accounts: [
        user('older', { mark: '{"stack":"acme/access","pw":1}' }),
        user('same', { mark: '{"stack":"acme/access","pw":2}' }),
        user('iam', { options: { ...tracked, auth: 'iam', require: 'ssl' } }),
      ],
    },
    `users:
  older: { password: "\${env:A}", password_version: 2 }
  same: { password: "\${env:B}", password_version: 2 }
  iam: { password: "\${env:C}" }`,
    [
      '! user iam authentication: IAM -> password',
      '~ user older comment is rewritten',
      `~ password older version 1 -> 2, from \${${'env:A'}}`,
      `+ password iam set from \${${'env:C'}}`,
    ],
  ],
  [
    'an account with another plugin flips as it is declared, and its options with it',
    { accounts: [user('app', { options: { ...tracked, auth: 'other', plugin: 'auth_socket' } })] },
    'users: { app: { auth: iam } }',
    ['! user app authentication: auth_socket -> IAM', '  require none -> ssl'],
  ],
  [
    'auth: none locks the account and keeps what it has',
    { accounts: [user('app')], sessions: [{ account: 'app', count: 1 }] },
    'users: { app: { auth: none } }',
    ['- user app can no longer log in, its sessions end'],
  ],
  [
    'a requirement of TLS is kept where nothing is written, and taken off where that is',
    { accounts: [user('kept', { options: { ...tracked, require: 'x509' } }), user('off', { options: { ...tracked, require: 'ssl' } })] },
    'users: { kept: { auth: password }, off: { auth: password, require: none } }',
    ['~ user off require ssl -> none'],
  ],
  [
    'limits that nobody wrote are the default, unless the user is managed additively',
    {
      accounts: [
        user('app', { options: { ...tracked, queriesPerHour: 5, passwordExpireDays: 30 }, connectionLimit: 3 }),
        user('more', { options: { ...tracked, queriesPerHour: 5 }, connectionLimit: 3 }),
      ],
    },
    'users: { app: { auth: password }, more: { auth: password, manage: additive } }',
    ['~ user app connection_limit 3 -> none', '  queries_per_hour 5 -> none', '  password_expire after 30 days -> default'],
  ],
  [
    'a row that holds the grant option alone loses it',
    { ...SHOP, accounts: [user('app')], grants: [onTable('app', 'orders', 'GRANT OPTION*')] },
    'users: { app: { auth: password } }',
    ['- grant app the grant option on table shop.orders'],
  ],
  [
    'a row of a schema that would shadow a pattern gives what the pattern gave, where nothing may be lost',
    { schemas: ['my_db'], accounts: [user('app')], grants: [on('app', 'my%', 'SELECT'), on('app', '%', 'DELETE')] },
    'users: { app: { auth: password, manage: additive, grants: [{ privileges: [insert], schemas: my_db }] } }',
    ['+ grant app INSERT, SELECT on schema my_db'],
  ],
  [
    'with partial_revokes on, a schema is written as it is',
    { on: { partialRevokes: true }, schemas: ['my_db'], accounts: [user('app')], grants: [on('app', 'my_db', 'SELECT')] },
    'users: { app: { auth: password, grants: [{ privileges: [select], schemas: my_db }] } }',
    [],
  ],
  [
    'names count in whatever case where the server takes them so',
    {
      on: { lowerCaseTableNames: 1 },
      ...SHOP,
      accounts: [user('app')],
      grants: [on('app', 'shop', 'SELECT'), onTable('app', 'orders', 'INSERT')],
    },
    `users:
  app:
    auth: password
    grants: [{ privileges: [select], schemas: Shop }, { privileges: [insert], tables: SHOP.Orders }]`,
    [],
  ],
  [
    'names of routines and columns count in whatever case everywhere',
    {
      ...SHOP,
      columns: [{ schema: 'shop', table: 'orders', names: ['Id', 'total'] }],
      routines: [{ schema: 'shop', kind: 'function', names: ['Vat'] }],
      accounts: [user('app')],
      grants: [
        { account: 'app', level: 'function', schema: 'shop', name: 'vat', privileges: ['EXECUTE'] },
        { account: 'app', level: 'column', schema: 'shop', relation: 'orders', name: 'id', privileges: ['SELECT'] },
      ],
    },
    `users:
  app:
    auth: password
    grants: [{ privileges: [execute], routines: shop.VAT }, { privileges: [select], tables: shop.orders, columns: [ID] }]`,
    [],
  ],
  [
    'a function and a procedure of one name are told apart',
    {
      ...SHOP,
      routines: [
        { schema: 'shop', kind: 'function', names: ['vat'] },
        { schema: 'shop', kind: 'procedure', names: ['vat'] },
      ],
      accounts: [user('app')],
    },
    'users: { app: { auth: password, grants: [{ privileges: [execute], procedures: shop.vat }] } }',
    ['+ grant app EXECUTE on procedure shop.vat'],
  ],
  [
    'a routine that two objects could be is an error',
    {
      ...SHOP,
      routines: [
        { schema: 'shop', kind: 'function', names: ['vat'] },
        { schema: 'shop', kind: 'procedure', names: ['vat'] },
      ],
      accounts: [user('app')],
    },
    'users: { app: { auth: password, grants: [{ privileges: [execute], routines: shop.vat }] } }',
    ['+ grant app EXECUTE on function shop.vat', '+ grant app EXECUTE on procedure shop.vat', 'error selector/ambiguous'],
  ],
  [
    'own is what the login may grant',
    { on: { grantable: ['DELETE', 'INSERT', 'SELECT', 'PROCESS'] }, ...SHOP, accounts: [role('owner')] },
    'groups: { owner: { own: [shop] } }',
    ['+ grant owner DELETE, INSERT, SELECT on schema shop'],
  ],
  [
    'what the login holds with the grant option in one schema alone it may grant there alone',
    {
      on: { grantable: [] },
      schemas: ['audit', 'shop'],
      accounts: [role('owner')],
      grants: [onServer('master', 'CREATE USER'), on('master', 'shop', 'SELECT*')],
    },
    'groups: { owner: { grants: [{ privileges: [select], schemas: [audit, shop] }] } }',
    ['+ grant owner SELECT on schema audit', '+ grant owner SELECT on schema shop', 'error grant/not-grantable'],
  ],
  [
    'what the login cannot take away is blocked, and the rest is not',
    {
      on: { grantable: ['PROCESS'] },
      accounts: [user('app')],
      grants: [onServer('app', 'PROCESS', 'SUPER')],
    },
    'users: { app: { auth: password } }',
    ['- grant app PROCESS on *.*', 'blocked - grant app SUPER on *.*'],
  ],
  [
    'what is taken from a table goes from its columns too, unless it cannot be taken',
    {
      on: { grantable: ['SELECT'] },
      ...SHOP,
      columns: [{ schema: 'shop', table: 'orders', names: ['id'] }],
      accounts: [user('app')],
      grants: [
        onTable('app', 'orders', 'SELECT', 'UPDATE'),
        { account: 'app', level: 'column', schema: 'shop', relation: 'orders', name: 'id', privileges: ['SELECT', 'UPDATE'] },
      ],
    },
    'users: { app: { auth: password } }',
    [
      '- grant app SELECT on table shop.orders',
      'blocked - grant app UPDATE on column id of shop.orders',
      'blocked - grant app UPDATE on table shop.orders',
    ],
  ],
  [
    'a partial revoke stays, and a grant on its schema that lifts it is told',
    {
      on: { partialRevokes: true },
      ...SHOP,
      accounts: [user('app')],
      grants: [onServer('app', 'INSERT', 'SELECT')],
      restrictions: [{ account: 'app', schema: 'shop', privileges: ['SELECT'] }],
    },
    `users:
  app: { auth: password, grants: [{ privileges: [insert, select], global: true }, { privileges: [select], schemas: shop }] }`,
    ['+ grant app SELECT on schema shop', 'warning grant/restriction'],
  ],
  [
    'who may act as whom is compared like everything else',
    {
      accounts: [user('app'), user('other'), user('pool')],
      grants: [{ account: 'pool', level: 'proxy', schema: null, name: 'other', privileges: ['PROXY'] }],
    },
    'users: { app: { auth: password }, other: { auth: password }, pool: { auth: password, grants: [{ privileges: [proxy], accounts: app }] } }',
    ['- grant pool PROXY on account other', '+ grant pool PROXY on account app'],
  ],
  [
    'a renamed user keeps what it has',
    {
      ...SHOP,
      accounts: [user('old'), role('reader')],
      edges: [{ role: 'reader', member: 'old', admin: false }],
      defaultRoles: [{ role: 'reader', member: 'old' }],
      grants: [on('old', 'shop', 'SELECT')],
    },
    `groups: { reader: {} }
users: { new: { auth: password, renamed_from: old, groups: [reader], grants: [{ privileges: [select], schemas: shop }] } }`,
    ['~ user new renamed from old'],
  ],
  [
    'nobody is dropped while it is not known what runs with its rights',
    { accounts: [user('left')], unseen: ['trigger'] },
    'users: {}\nremoved: { left: { drop: true } }',
    ['blocked - user left dropped (named under removed)'],
  ],
  [
    'who only plans may not know that, and says so',
    { on: { currentUser: 'planner' }, accounts: [user('left')], unseen: ['trigger'] },
    'users: {}\nremoved: { left: { drop: true, sessions: end } }',
    ['- user left dropped, its sessions end (named under removed)', 'warning role/definer-unseen'],
  ],
  [
    'the login that applies is nobody to be managed',
    { accounts: [user('app')] },
    'users: { app: { auth: password }, master: { auth: password } }',
    [
      '- grant master CREATE USER, ROLE_ADMIN with grant option on *.*',
      '~ user master adopted: managed from now on',
      'error guard/self-attribute-change',
    ],
  ],
  [
    'an account with SYSTEM_USER is out of reach of a login without',
    { accounts: [user('app', { mark: null })], grants: [onServer('app', 'SYSTEM_USER')] },
    'users: { app: { auth: password } }',
    ['blocked - grant app SYSTEM_USER on *.*', 'blocked ~ user app adopted: managed from now on'],
  ],
  [
    'a login with SYSTEM_USER reaches it',
    { accounts: [user('app')], grants: [onServer('app', 'SYSTEM_USER'), onServer('master', 'SYSTEM_USER*', 'CREATE USER*')] },
    'users: { app: { auth: password } }',
    ['- grant app SYSTEM_USER on *.*'],
  ],
  [
    'nobody makes accounts without CREATE USER',
    { grants: [onServer('master', 'SELECT*')] },
    'users: { app: { auth: none } }',
    ['+ user app created', 'error guard/no-create-user'],
  ],
  [
    'SUPER that the manifest would give is told by the rule',
    { accounts: [user('app')] },
    'users: { app: { auth: password, grants: [{ privileges: [super], global: true }] } }\nguard: { rules: { no-superuser: error } }',
    ['+ grant app SUPER on *.*', 'error rule/no-superuser'],
  ],
  [
    'a password that goes to a server which nobody verified is told',
    { accounts: [user('app')] },
    'users: { app: { auth: password } }\ntargets: { main: { engine: mysql, endpoint: { host: db.example.com, tls: require }, login: { user: master, password: "${env:P}" } } }',
    ['warning connect/unverified'],
  ],
  [
    'a reader takes no changes, and is told where there are some',
    { on: { innodbReadOnly: true } },
    'users: { app: { auth: none } }',
    ['+ user app created', 'warning apply/read-only'],
  ],
  [
    'accounts by IAM that nobody declared and that need no TLS are told',
    { accounts: [accountOf('theirs', { options: { ...tracked, auth: 'iam' } })] },
    'groups: { reader: {} }\nexisting: [theirs]',
    ['+ group reader created', 'warning account/iam-without-tls'],
  ],
  [
    'a role of the server may be joined without being declared',
    { accounts: [user('app'), role('theirs', { mark: null })] },
    'existing: [theirs]\nusers: { app: { auth: password, groups: [theirs] } }',
    ['+ member app joins theirs'],
  ],
  [
    'whoever makes no role of the server a group names what is there',
    { accounts: [user('app')] },
    'existing: [theirs]\nusers: { app: { auth: password, groups: [theirs] } }',
    ['error membership/unknown-role'],
  ],
];

test.each(PLANS)('%s', (_, read, manifest, expected) => {
  expect(plan(read, manifest)).toEqual(expected);
});

test.each([
  ['MySQL', {}, '{"stack":"acme/access","pw":1}'],
  ['MariaDB', MARIADB, null],
])('the password of a user that is rotated is set again on %s', (_, on, mark) => {
  const wanted = declared(`${HEAD('flavour' in on ? 'mariadb' : 'mysql')}users: { app: { password: "\${env:P}" } }`);
  const rotated = { ...wanted, roles: new Map([...wanted.roles].map(([name, one]) => [name, { ...one, rotate: true as const }])) };
  const snapshot = snapshotOf(on, {
    accounts: [MASTER, accountOf('app', { mark, ...(mark === null ? {} : { options: tracked }) })],
    grants: [onServer('master', 'CREATE USER*')],
  });
  expect(told(snapshot, wanted)).toEqual([]);
  const from = `from \${${'env:P'}}`;
  expect(told(snapshot, rotated)).toEqual([mark === null ? `+ password app set ${from}` : `~ password app set again ${from}`]);
});

test('a target of the other kind is refused by name', () => {
  const wanted = declared(`${HEAD('mysql')}groups: { reader: {} }`);
  expect(() => normalize(snapshotOf(MARIADB), wanted)).toThrow(
    "target 'main' has engine: mysql, but the server is MariaDB 10.11.18-MariaDB",
  );
});

test('what everybody holds on tables is told, however it was read', () => {
  const onMariadb = (rest: Partial<Snapshot>): Snapshot => snapshotOf({ flavour: 'mariadb', version: 110806 }, rest);
  const wanted = declared(`${HEAD('mariadb')}existing: [somebody]\nusers: { jane: { auth: none } }\n`);
  const said = (snapshot: Snapshot): string[] =>
    normalize(snapshot, wanted).findings.flatMap(({ code, message }) => (code === 'account/public' ? [message] : []));
  const row: SnapshotGrant = { account: 'PUBLIC', level: 'table', schema: 'shop', name: 't1', privileges: ['SELECT'] };
  const message = 'every account of the server has what is granted to PUBLIC: SELECT on shop.t1';
  expect(said(onMariadb({ grants: [row] }))).toEqual([message]);
  expect(said(onMariadb({ tableGrants: [{ account: 'PUBLIC', count: 1, rows: 'shop\0t1\0Select\0' }] }))).toEqual([message]);
});
