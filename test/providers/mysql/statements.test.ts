import { describe, expect, test } from 'vitest';
import type { Change } from '../../../src/model/change.ts';
import type { DeclaredRole } from '../../../src/model/declared.ts';
import type { Snapshot } from '../../../src/providers/mysql/snapshot.ts';
import { statements } from '../../../src/providers/mysql/statements/index.ts';
import { accountOf, changeOf, declaredOf, declaredRole, grantOf, groupOf, membershipOf, snapshotOf, userOf } from './world.ts';

const MARIADB = { flavour: 'mariadb', version: 101100 } as const;
const MARK = { stack: 'acme/access' };
const REFERENCE = '${env:PW}';

type Case = {
  readonly name: string;
  readonly changes: readonly Change[];
  readonly snapshot?: Snapshot;
  readonly roles?: readonly DeclaredRole[];
  readonly sql: readonly string[];
};

const sqlOf = ({ changes, snapshot = snapshotOf(), roles = [] }: Case): string[] =>
  statements(changes, snapshot, declaredOf(...roles)).steps.map((step) => step.sql);

const check = (cases: readonly Case[]) => test.each(cases)('$name', (one) => expect(sqlOf(one)).toEqual(one.sql));

const passwordOf = (role: string, version: number, stored: number | null = null) =>
  changeOf('password', stored === null ? null : { role, version: stored, reference: 'stored' }, { role, version, reference: REFERENCE });

describe('users and groups', () => {
  check([
    {
      name: 'a user is made whole and locked, with mark and password, and unlocked last',
      changes: [
        changeOf('role', null, userOf('app', { mark: { ...MARK, pw: 1 }, description: "it's", connectionLimit: 3 }, { require: 'ssl' })),
        passwordOf('app', 1),
        changeOf('grant', null, grantOf('app', ['SELECT'], { kind: 'schema', names: ['my_db'] })),
      ],
      sql: [
        `CREATE USER 'app'@'%' IDENTIFIED BY ${REFERENCE} REQUIRE SSL WITH MAX_USER_CONNECTIONS 3 ACCOUNT LOCK ATTRIBUTE '{"comment":"it''s","rolecall":{"stack":"acme/access","pw":1}}'`,
        "GRANT SELECT ON `my\\_db`.* TO 'app'@'%'",
        "ALTER USER 'app'@'%' ACCOUNT UNLOCK",
      ],
    },
    {
      name: 'every clause stands in the order that both servers take',
      changes: [
        changeOf(
          'role',
          null,
          userOf(
            'app@10.%',
            { login: false, mark: MARK, connectionLimit: 4 },
            {
              auth: 'iam',
              require: "SUBJECT '/CN=x''y' AND ISSUER '/CN=\\\\z'",
              queriesPerHour: 1,
              updatesPerHour: 2,
              connectionsPerHour: 3,
              passwordExpireDays: 90,
              failedLoginAttempts: 5,
              passwordLockDays: -1,
            },
          ),
        ),
      ],
      sql: [
        `CREATE USER 'app'@'10.%' IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS' REQUIRE SUBJECT '/CN=x''y' AND ISSUER '/CN=\\\\z' WITH MAX_QUERIES_PER_HOUR 1 MAX_UPDATES_PER_HOUR 2 MAX_CONNECTIONS_PER_HOUR 3 MAX_USER_CONNECTIONS 4 ACCOUNT LOCK PASSWORD EXPIRE INTERVAL 90 DAY FAILED_LOGIN_ATTEMPTS 5 PASSWORD_LOCK_TIME UNBOUNDED ATTRIBUTE '{"rolecall":{"stack":"acme/access"}}'`,
      ],
    },
    {
      name: 'a group of MySQL is marked right after it is made',
      changes: [changeOf('role', null, groupOf('b', { mark: MARK })), changeOf('role', null, groupOf('a', { mark: MARK }))],
      roles: [declaredRole('a', { kind: 'group' }), declaredRole('b', { kind: 'group' })],
      sql: [
        "CREATE ROLE 'a'@'%'",
        `ALTER USER 'a'@'%' ATTRIBUTE '{"rolecall":{"stack":"acme/access"}}'`,
        "CREATE ROLE 'b'@'%'",
        `ALTER USER 'b'@'%' ATTRIBUTE '{"rolecall":{"stack":"acme/access"}}'`,
      ],
    },
    {
      name: 'a group of MariaDB has no host and no mark',
      snapshot: snapshotOf(MARIADB),
      changes: [changeOf('role', null, groupOf('a'))],
      roles: [declaredRole('a', { kind: 'group', account: { user: 'a', host: '' } })],
      sql: ["CREATE ROLE 'a'"],
    },
    {
      name: 'only what differs is altered, in one statement',
      snapshot: snapshotOf({}, { accounts: [accountOf('app')] }),
      changes: [
        changeOf(
          'role',
          userOf(
            'app',
            { description: 'old', mark: { stack: 'other', locked: '2026-01-01' } },
            { queriesPerHour: 5, failedLoginAttempts: 3 },
          ),
          userOf('app', { mark: MARK }, { require: 'x509', updatesPerHour: 7, passwordExpireDays: 0 }),
        ),
      ],
      sql: [
        `ALTER USER 'app'@'%' REQUIRE X509 WITH MAX_QUERIES_PER_HOUR 0 MAX_UPDATES_PER_HOUR 7 PASSWORD EXPIRE NEVER FAILED_LOGIN_ATTEMPTS 0 ATTRIBUTE '{"comment":null,"rolecall":{"stack":"acme/access","locked":null}}'`,
      ],
    },
    {
      name: 'a mark that is taken off leaves the rest of the attribute',
      snapshot: snapshotOf({}, { accounts: [accountOf('app')] }),
      changes: [changeOf('role', userOf('app', { mark: MARK }), userOf('app'))],
      sql: [`ALTER USER 'app'@'%' ATTRIBUTE '{"rolecall":null}'`],
    },
    {
      name: 'a new name comes before everything that uses it, and the lock by the old one before that',
      snapshot: snapshotOf({}, { accounts: [accountOf('old@10.%')] }),
      roles: [declaredRole('new@10.%', { renamedFrom: 'old@10.%' })],
      changes: [
        changeOf('role', userOf('old@10.%'), userOf('new@10.%', { login: false, connectionLimit: 1 })),
        changeOf('sessions', { role: 'new@10.%' }, null),
      ],
      sql: [
        "ALTER USER 'old'@'10.%' ACCOUNT LOCK",
        "SELECT CONCAT('KILL ', ID) AS run_this FROM INFORMATION_SCHEMA.PROCESSLIST WHERE CAST(USER AS BINARY) = 'old' AND ID <> CONNECTION_ID()",
        "RENAME USER 'old'@'10.%' TO 'new'@'10.%'",
        "ALTER USER 'new'@'10.%' WITH MAX_USER_CONNECTIONS 1",
      ],
    },
    {
      name: 'who goes is locked first and dropped last',
      snapshot: snapshotOf({}, { accounts: [accountOf('app'), accountOf('b', { kind: 'role' })] }),
      changes: [
        changeOf('role', userOf('app'), null),
        changeOf('role', groupOf('b'), null),
        changeOf('grant', null, grantOf('c', ['SELECT'], { kind: 'global', names: ['*.*'] })),
      ],
      sql: ["ALTER USER 'app'@'%' ACCOUNT LOCK", "GRANT SELECT ON *.* TO 'c'@'%'", "DROP ROLE 'b'@'%'", "DROP USER 'app'@'%'"],
    },
    {
      name: 'sessions of one of several accounts of a name are told by where they come from, and end by what RDS offers',
      snapshot: snapshotOf(
        { rds: true },
        {
          accounts: [
            accountOf('app'),
            accountOf('app@10.%'),
            accountOf('app@10.0.0.0/255.255.0.0'),
            accountOf('app@192.168.0.0/16'),
            accountOf('other'),
          ],
        },
      ),
      changes: [changeOf('sessions', { role: 'app' }, null)],
      sql: [
        "SELECT CONCAT('CALL mysql.rds_kill(', ID, ')') AS run_this FROM INFORMATION_SCHEMA.PROCESSLIST WHERE CAST(USER AS BINARY) = 'app' AND ID <> CONNECTION_ID() AND SUBSTRING_INDEX(HOST, ':', 1) LIKE '%' AND NOT SUBSTRING_INDEX(HOST, ':', 1) LIKE '10.%' AND NOT COALESCE(INET_ATON(SUBSTRING_INDEX(HOST, ':', 1)) & INET_ATON('255.255.0.0') = INET_ATON('10.0.0.0'), FALSE) AND NOT COALESCE(INET_ATON(SUBSTRING_INDEX(HOST, ':', 1)) & 4294901760 = INET_ATON('192.168.0.0'), FALSE)",
      ],
    },
  ]);
});

describe('how an account logs in', () => {
  const iam = { auth: 'iam', require: 'ssl' } as const;
  const there = snapshotOf({}, { accounts: [accountOf('app')] });
  const rotation = [
    changeOf('role', userOf('app', { mark: { ...MARK, pw: 1 } }), userOf('app', { mark: { ...MARK, pw: 2 } })),
    passwordOf('app', 2, 1),
  ];
  check([
    {
      name: 'a rotation keeps the old password beside the new one, and writes its version with it',
      snapshot: there,
      roles: [declaredRole('app')],
      changes: rotation,
      sql: [`ALTER USER 'app'@'%' IDENTIFIED BY ${REFERENCE} RETAIN CURRENT PASSWORD ATTRIBUTE '{"rolecall":{"pw":2}}'`],
    },
    {
      name: 'one that is asked for by name ends every older password',
      snapshot: there,
      roles: [declaredRole('app', { rotate: true })],
      changes: rotation,
      sql: [
        `ALTER USER 'app'@'%' IDENTIFIED BY ${REFERENCE} ATTRIBUTE '{"rolecall":{"pw":2}}'`,
        "ALTER USER 'app'@'%' DISCARD OLD PASSWORD",
      ],
    },
    {
      name: 'a server without dual passwords keeps none',
      snapshot: snapshotOf(MARIADB, { accounts: [accountOf('app')] }),
      changes: [passwordOf('app', 2, 0)],
      sql: [`ALTER USER 'app'@'%' IDENTIFIED BY ${REFERENCE}`],
    },
    {
      name: 'who comes back does so by the new password alone, and is open when it is set',
      snapshot: there,
      changes: [
        changeOf('role', userOf('app', { login: false, mark: { ...MARK, pw: 1 } }), userOf('app', { mark: { ...MARK, pw: 2 } })),
        passwordOf('app', 2, 1),
      ],
      sql: [`ALTER USER 'app'@'%' IDENTIFIED BY ${REFERENCE} ACCOUNT UNLOCK ATTRIBUTE '{"rolecall":{"pw":2}}'`],
    },
    {
      name: 'a password becomes IAM and TLS at once',
      snapshot: there,
      changes: [changeOf('role', userOf('app', { mark: { ...MARK, pw: 1 } }), userOf('app', { mark: MARK }, iam))],
      sql: [
        `ALTER USER 'app'@'%' ATTRIBUTE '{"rolecall":{"pw":null}}'`,
        "ALTER USER 'app'@'%' IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS' REQUIRE SSL",
      ],
    },
    {
      name: 'IAM becomes a password by the plugin of new accounts',
      snapshot: snapshotOf({ passwordPlugin: 'mysql_native_password' }, { accounts: [accountOf('app')] }),
      changes: [changeOf('role', userOf('app', {}, iam), userOf('app', {}, { require: 'ssl' })), passwordOf('app', 1)],
      sql: [`ALTER USER 'app'@'%' IDENTIFIED WITH mysql_native_password BY ${REFERENCE} REQUIRE SSL`],
    },
    {
      name: 'IAM becomes a password on MariaDB, which has one plugin for those',
      snapshot: snapshotOf(MARIADB, { accounts: [accountOf('app')] }),
      changes: [changeOf('role', userOf('app', {}, iam), userOf('app', {}, { require: 'ssl' })), passwordOf('app', 1)],
      sql: [`ALTER USER 'app'@'%' IDENTIFIED BY ${REFERENCE} REQUIRE SSL`],
    },
  ]);

  test('a login by password that becomes one by IAM waits for its policies, in a transaction of its own', () => {
    const plan = statements(
      [
        changeOf('role', userOf('app', {}, { queriesPerHour: 1 }), userOf('app', {}, iam)),
        changeOf('role', userOf('b'), userOf('b', {}, iam)),
        changeOf('role', null, userOf('c', {}, iam)),
      ],
      snapshotOf({}, { accounts: [accountOf('app'), accountOf('b')] }),
      declaredOf(
        declaredRole('app', { auth: 'iam', principals: [{ kind: 'role', name: 'x' }] as unknown as DeclaredRole['principals'] }),
        declaredRole('b', { auth: 'iam' }),
      ),
    );
    expect(plan.transactions).toEqual([
      { database: '', waitsFor: [], borrows: [], autocommit: true },
      { database: '', waitsFor: [0], borrows: [], autocommit: true, stage: 3, awaits: ['iam'] },
    ]);
    expect(plan.steps.filter(({ transaction }) => transaction === 1)).toEqual([
      {
        id: plan.steps.length - 1,
        database: '',
        transaction: 1,
        phase: 'open',
        sql: "ALTER USER 'app'@'%' IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS' REQUIRE SSL",
        changes: [0],
      },
    ]);
  });
});

describe('roles', () => {
  const member = (rest: Partial<Snapshot> = {}) => ({
    accounts: [accountOf('jane'), accountOf('a', { kind: 'role' }), accountOf('b', { kind: 'role' }), accountOf('c', { kind: 'role' })],
    ...rest,
  });
  const move = [
    changeOf('membership', membershipOf('jane', 'a'), null),
    changeOf('membership', null, membershipOf('jane', 'b', { admin: true })),
  ];
  check([
    {
      name: 'what is active at login is the whole list of what it will be in, and what it leaves until it does',
      snapshot: snapshotOf(
        {},
        member({
          defaultRoles: [
            { member: 'jane', role: 'a' },
            { member: 'jane', role: 'c' },
          ],
        }),
      ),
      changes: move,
      sql: [
        "GRANT 'b'@'%' TO 'jane'@'%' WITH ADMIN OPTION",
        "SET DEFAULT ROLE 'a'@'%', 'b'@'%', 'c'@'%' TO 'jane'@'%'",
        "REVOKE 'a'@'%' FROM 'jane'@'%'",
      ],
    },
    {
      name: 'roles that hide rows of each other are left in one statement, by whichever the first rows would come to light',
      snapshot: snapshotOf(
        {},
        {
          accounts: [accountOf('jane'), accountOf('a', { kind: 'role' }), accountOf('b', { kind: 'role' })],
          edges: ['a', 'b'].map((role) => ({ role, member: 'jane', admin: false })),
          defaultRoles: ['a', 'b'].map((role) => ({ role, member: 'jane' })),
          schemas: ['my_db', 'orders'],
          grants: [
            { account: 'a', level: 'schema', schema: '%', name: null, privileges: ['INSERT'] },
            { account: 'b', level: 'schema', schema: 'my\\_db', name: null, privileges: ['SELECT'] },
            { account: 'b', level: 'schema', schema: 'orders', name: null, privileges: ['SELECT'] },
          ],
        },
      ),
      changes: [
        ...['a', 'b'].map((role) => changeOf('membership', membershipOf('jane', role), null)),
        changeOf('grant', grantOf('a', ['INSERT'], { kind: 'pattern', names: ['%'] }), null),
      ],
      sql: ["REVOKE 'a'@'%', 'b'@'%' FROM 'jane'@'%'", "REVOKE INSERT ON `%`.* FROM 'a'@'%'"],
    },
    {
      name: 'MySQL forgets what is revoked by itself',
      snapshot: snapshotOf({}, member({ defaultRoles: [{ member: 'jane', role: 'a' }] })),
      changes: [move[0]!],
      sql: ["REVOKE 'a'@'%' FROM 'jane'@'%'"],
    },
    {
      name: 'MariaDB does not, and would remember it',
      snapshot: snapshotOf(MARIADB, {
        accounts: [accountOf('jane'), accountOf('a', { kind: 'role', host: '' })],
        defaultRoles: [{ member: 'jane', role: 'a' }],
      }),
      changes: [move[0]!],
      sql: ["SET DEFAULT ROLE NONE FOR 'jane'@'%'", "REVOKE 'a' FROM 'jane'@'%'"],
    },
    {
      name: 'the one default of MariaDB moves on before the old role goes',
      snapshot: snapshotOf(MARIADB, {
        accounts: [accountOf('jane'), accountOf('a', { kind: 'role', host: '' }), accountOf('b', { kind: 'role', host: '' })],
        defaultRoles: [{ member: 'jane', role: 'a' }],
      }),
      changes: move,
      sql: ["GRANT 'b' TO 'jane'@'%' WITH ADMIN OPTION", "SET DEFAULT ROLE 'b' FOR 'jane'@'%'", "REVOKE 'a' FROM 'jane'@'%'"],
    },
    {
      name: 'a role in a role needs no default',
      snapshot: snapshotOf({}, member()),
      changes: [changeOf('membership', null, membershipOf('a', 'b'))],
      sql: ["GRANT 'b'@'%' TO 'a'@'%'"],
    },
    {
      name: 'not to be active at login is to be taken off the list',
      snapshot: snapshotOf({}, member({ defaultRoles: [{ member: 'jane', role: 'a' }] })),
      changes: [changeOf('membership', membershipOf('jane', 'a'), membershipOf('jane', 'a', { inherit: false }))],
      sql: ["SET DEFAULT ROLE NONE TO 'jane'@'%'"],
    },
    {
      name: 'MariaDB takes the ADMIN option alone',
      snapshot: snapshotOf(MARIADB, { accounts: [accountOf('jane'), accountOf('a', { kind: 'role', host: '' })] }),
      changes: [changeOf('membership', membershipOf('jane', 'a', { admin: true }), membershipOf('jane', 'a'))],
      sql: ["REVOKE ADMIN OPTION FOR 'a' FROM 'jane'@'%'"],
    },
    {
      name: 'no host at all is a host on MySQL',
      snapshot: snapshotOf({}, member({ accounts: [accountOf('jane', { host: '' }), accountOf('a', { kind: 'role' })] })),
      changes: [move[0]!],
      sql: ["REVOKE 'a'@'%' FROM 'jane'@''"],
    },
    {
      name: 'a user of MariaDB that is called like a role is told apart by its host',
      snapshot: snapshotOf(MARIADB, { accounts: [accountOf('a@%'), accountOf('a', { kind: 'role', host: '' })] }),
      changes: [changeOf('membership', null, membershipOf('a@%', 'a', { inherit: false }))],
      sql: ["GRANT 'a' TO 'a'@'%'"],
    },
  ]);

  test('MySQL takes the ADMIN option with the role alone: the role is granted again at once, and that is told', () => {
    const plan = statements(
      [changeOf('membership', membershipOf('jane', 'a', { admin: true }), membershipOf('jane', 'a'))],
      snapshotOf(
        {},
        member({
          defaultRoles: [
            { member: 'jane', role: 'a' },
            { member: 'jane', role: 'c' },
          ],
        }),
      ),
      declaredOf(),
    );
    expect(plan.steps.map(({ sql }) => sql)).toEqual([
      "REVOKE 'a'@'%' FROM 'jane'@'%'",
      "GRANT 'a'@'%' TO 'jane'@'%'",
      "SET DEFAULT ROLE 'a'@'%', 'c'@'%' TO 'jane'@'%'",
    ]);
    expect(plan.lapses).toEqual(['jane']);
  });
});

describe('grants', () => {
  const change = (before: readonly string[], after: readonly string[], on: Parameters<typeof grantOf>[2]) =>
    changeOf('grant', before.length === 0 ? null : grantOf('u', before, on), after.length === 0 ? null : grantOf('u', after, on));
  const schema = { kind: 'schema', names: ['a_b'] } as const;
  const table = { kind: 'table', schema: 'a_b', names: ['t'] } as const;
  const everywhere = { kind: 'global', names: ['*.*'] } as const;
  const column = (name: string) => ({ kind: 'column', schema: 'a_b', relation: 't', names: [name] }) as const;
  check([
    { name: 'a schema is a pattern', changes: [change([], ['SELECT'], schema)], sql: ["GRANT SELECT ON `a\\_b`.* TO 'u'@'%'"] },
    {
      name: 'a schema is itself with partial_revokes',
      snapshot: snapshotOf({ partialRevokes: true }),
      changes: [change([], ['SELECT'], schema)],
      sql: ["GRANT SELECT ON `a_b`.* TO 'u'@'%'"],
    },
    { name: 'a table is itself', changes: [change([], ['SELECT'], table)], sql: ["GRANT SELECT ON `a_b`.`t` TO 'u'@'%'"] },
    {
      name: 'one object a statement',
      changes: [
        change([], ['EXECUTE'], { kind: 'function', schema: 's', names: ['f', 'g'] }),
        change([], ['EXECUTE'], { kind: 'procedure', schema: 's', names: ['f'] }),
      ],
      sql: [
        "GRANT EXECUTE ON FUNCTION `s`.`f` TO 'u'@'%'",
        "GRANT EXECUTE ON FUNCTION `s`.`g` TO 'u'@'%'",
        "GRANT EXECUTE ON PROCEDURE `s`.`f` TO 'u'@'%'",
      ],
    },
    {
      name: 'what differs',
      changes: [change(['INSERT', 'SELECT'], ['SELECT', 'UPDATE'], schema)],
      sql: ["GRANT UPDATE ON `a\\_b`.* TO 'u'@'%'", "REVOKE INSERT ON `a\\_b`.* FROM 'u'@'%'"],
    },
    {
      name: 'the option with new words',
      changes: [change(['SELECT'], ['INSERT*', 'SELECT*'], schema)],
      sql: ["GRANT INSERT ON `a\\_b`.* TO 'u'@'%' WITH GRANT OPTION"],
    },
    {
      name: 'the option alone',
      changes: [change(['INSERT', 'SELECT'], ['INSERT*', 'SELECT*'], schema)],
      sql: ["GRANT INSERT, SELECT ON `a\\_b`.* TO 'u'@'%' WITH GRANT OPTION"],
    },
    {
      name: 'the option only once nothing is left that shall not have it',
      changes: [change(['INSERT'], ['SELECT*'], schema)],
      sql: [
        "GRANT SELECT ON `a\\_b`.* TO 'u'@'%'",
        "REVOKE INSERT ON `a\\_b`.* FROM 'u'@'%'",
        "GRANT SELECT ON `a\\_b`.* TO 'u'@'%' WITH GRANT OPTION",
      ],
    },
    {
      name: 'the option goes before something new comes',
      changes: [change(['SELECT*'], ['INSERT', 'SELECT'], schema)],
      sql: ["REVOKE GRANT OPTION ON `a\\_b`.* FROM 'u'@'%'", "GRANT INSERT ON `a\\_b`.* TO 'u'@'%'"],
    },
    {
      name: 'the option goes with the words',
      changes: [change(['SELECT*'], [], schema)],
      sql: ["REVOKE SELECT, GRANT OPTION ON `a\\_b`.* FROM 'u'@'%'"],
    },
    {
      name: 'the option that is all of a row',
      changes: [change(['GRANT OPTION*'], [], schema)],
      sql: ["REVOKE GRANT OPTION ON `a\\_b`.* FROM 'u'@'%'"],
    },
    {
      name: 'the widest pattern goes first, and the row of the schema last',
      snapshot: snapshotOf(
        {},
        {
          grants: ['a\\_b', 'a%', 'a\\_%', '%', 'a_b'].map((stored) => ({
            account: 'u',
            level: 'schema',
            schema: stored,
            name: null,
            privileges: ['SELECT'],
          })),
        },
      ),
      changes: [
        change(['SELECT'], [], schema),
        ...['a%', '%', 'a\\_%', 'a_b'].map((stored) => change(['SELECT'], [], { kind: 'pattern', names: [stored] })),
      ],
      sql: [
        "REVOKE SELECT ON `%`.* FROM 'u'@'%'",
        "REVOKE SELECT ON `a_b`.* FROM 'u'@'%'",
        "REVOKE SELECT ON `a%`.* FROM 'u'@'%'",
        "REVOKE SELECT ON `a\\_%`.* FROM 'u'@'%'",
        "REVOKE SELECT ON `a\\_b`.* FROM 'u'@'%'",
      ],
    },
    {
      name: 'columns of a table are one statement',
      changes: [change([], ['INSERT', 'SELECT'], column('a')), change([], ['SELECT'], column('b')), change(['UPDATE'], [], column('c'))],
      sql: ["GRANT INSERT (`a`), SELECT (`a`, `b`) ON `a_b`.`t` TO 'u'@'%'", "REVOKE UPDATE (`c`) ON `a_b`.`t` FROM 'u'@'%'"],
    },
    {
      name: 'dynamic privileges have their own option each',
      changes: [change(['ROLE_ADMIN'], ['PROCESS', 'ROLE_ADMIN*', 'XA_RECOVER_ADMIN'], everywhere)],
      sql: [
        "GRANT PROCESS ON *.* TO 'u'@'%'",
        "GRANT ROLE_ADMIN ON *.* TO 'u'@'%' WITH GRANT OPTION",
        "GRANT XA_RECOVER_ADMIN ON *.* TO 'u'@'%'",
      ],
    },
    {
      name: 'the static option is never revoked beside a dynamic one',
      changes: [change(['PROCESS*', 'ROLE_ADMIN*', 'XA_RECOVER_ADMIN*'], ['PROCESS', 'ROLE_ADMIN', 'XA_RECOVER_ADMIN*'], everywhere)],
      sql: [
        "REVOKE ROLE_ADMIN, XA_RECOVER_ADMIN ON *.* FROM 'u'@'%'",
        "REVOKE GRANT OPTION ON *.* FROM 'u'@'%'",
        "GRANT XA_RECOVER_ADMIN ON *.* TO 'u'@'%' WITH GRANT OPTION",
        "GRANT ROLE_ADMIN ON *.* TO 'u'@'%'",
      ],
    },
    {
      name: 'words of MariaDB share one option, whatever they look like',
      snapshot: snapshotOf(MARIADB),
      changes: [change(['READ_ONLY ADMIN*'], ['READ_ONLY ADMIN'], everywhere)],
      sql: ["REVOKE GRANT OPTION ON *.* FROM 'u'@'%'"],
    },
    {
      name: 'to act as somebody, with the option, without it, and no more',
      changes: [
        change([], ['PROXY*'], { kind: 'proxy', names: ['a@10.%'] }),
        change(['PROXY*'], ['PROXY'], { kind: 'proxy', names: ['b'] }),
        change(['PROXY'], [], { kind: 'proxy', names: ['c'] }),
      ],
      sql: [
        "GRANT PROXY ON 'a'@'10.%' TO 'u'@'%' WITH GRANT OPTION",
        "GRANT PROXY ON 'b'@'%' TO 'u'@'%'",
        "REVOKE PROXY ON 'c'@'%' FROM 'u'@'%'",
      ],
    },
  ]);

  test('columns that stay are granted again right after their table is narrowed, and that is told', () => {
    const plan = statements(
      [change(['INSERT', 'SELECT'], ['INSERT'], table), change([], ['SELECT'], column('a')), change([], ['UPDATE'], column('b'))],
      snapshotOf(),
      declaredOf(),
    );
    expect(plan.steps.map(({ sql, changes }) => [sql, changes])).toEqual([
      ["GRANT UPDATE (`b`) ON `a_b`.`t` TO 'u'@'%'", [2]],
      ["REVOKE SELECT ON `a_b`.`t` FROM 'u'@'%'", [0]],
      ["GRANT SELECT (`a`) ON `a_b`.`t` TO 'u'@'%'", [1]],
    ]);
    expect(plan.lapses).toEqual(['u']);
  });

  test('a word that no list has never reaches a statement', () => {
    expect(() => sqlOf({ name: '', sql: [], changes: [change([], ['SELECT ON *.* TO x; --'], schema)] })).toThrow(RangeError);
  });
});
