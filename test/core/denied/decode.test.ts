import { describe, expect, test } from 'vitest';
import { deniedIn, isKnown, isTranslated } from '../../../src/core/denied/decode.ts';
import type { Zone } from '../../../src/core/denied/lines.ts';
import type { DeniedLogin } from '../../../src/model/denied.ts';

const decoded = (text: string, zone: Zone = 'utc', at: string | null = null) => deniedIn([{ text, at, stream: '' }], zone);

const ROLE = 'arn:aws:sts::123456789012:assumed-role/orders-api/i-0abc';
const IAM = '2025-08-11T04:00:05,804 [ERROR] ';
const RDS = '2026-11-21 09:12:00 UTC:10.0.0.7(4711):app@orders:[42]:FATAL:  ';
const PLAIN = '2026-11-21 09:12:00.123 UTC [42] FATAL:  ';
const MYSQL = '2026-11-21T09:12:00.123456Z 42 [Note] [MY-010926] [Server] ';

type Says = Partial<Omit<DeniedLogin, 'message' | 'hint'>> & { readonly message?: RegExp };

const LINES: readonly (readonly [line: string, says: Says])[] = [
  // The log of IAM: every status of it.
  [
    `${IAM}Failed to authenticate the connection request for user 'testuser' because the provided token is malformed or otherwise invalid. (Status Code: 400, Error Code: InvalidToken)`,
    { at: '2025-08-11T04:00:05.804Z', user: 'testuser', from: null, cause: 'token', message: /malformed/, logs: ['iam-db-auth-error'] },
  ],
  [
    `${IAM}Failed to authenticate the connection request for user app because the token age is longer than 15 minutes. (Status Code: 400, Error Code:ExpiredToken)`,
    { user: 'app', cause: 'token-age', message: /older than 15 minutes/ },
  ],
  [
    `${IAM}Failed to authorize the connection request for user 'app' because the IAM policy assumed by the caller '${ROLE}' is not authorized to perform \`rds-db:connect\` on the DB instance. (Status Code: 403, Error Code:NotAuthorized)`,
    { user: 'app', principal: ROLE, cause: 'policy', message: /no policy lets '.*assumed-role\/orders-api\/i-0abc' log in/ },
  ],
  [
    `${IAM}Failed to authorize the connection request for user 'app' due to IAM DB authentication throttling. (Status Code: 429, Error Code: ThrottlingException)`,
    { cause: 'throttling' },
  ],
  [
    `${IAM}Failed to authorize the connection request for user 'app' due to an internal IAM DB Auth error. (Status Code: 500, Error Code: InternalError)`,
    { cause: 'aws', message: /memory/ },
  ],
  // PostgreSQL, as RDS has it.
  [
    `${RDS}PAM authentication failed for user "app"`,
    { at: '2026-11-21T09:12:00Z', user: 'app', from: '10.0.0.7', database: 'orders', cause: 'pam', message: /a token of 'app'/ },
  ],
  [`${RDS}password authentication failed for user "app"`, { cause: 'no-iam-user', message: /'app' is not under rds_iam/ }],
  [`${RDS}role "app" is not permitted to log in`, { cause: 'no-login', message: /'app' is closed/ }],
  [`${RDS}too many connections for role "app"`, { cause: 'limit' }],
  [`${RDS}sorry, too many clients already`, { user: 'app', cause: 'limit' }],
  [`${RDS}database "order" does not exist`, { user: 'app', database: 'order', cause: 'no-database' }],
  [`${RDS}permission denied for database "orders"`, { cause: 'no-connect' }],
  [
    `${RDS}no pg_hba.conf entry for host "10.0.0.9", user "app", database "orders", no encryption`,
    { from: '10.0.0.7', cause: 'tls', message: /not encrypted/ },
  ],
  [`${RDS}pg_hba.conf rejects connection for host "10.0.0.9", user "app", database "orders", SSL off`, { cause: 'tls' }],
  [`${RDS}pg_hba.conf rejects connection for host "10.0.0.9", user "app", database "orders", SSL encryption`, { cause: 'not-admitted' }],
  [`${RDS}GSSAPI authentication failed for user "app"`, { cause: 'kerberos', message: /Kerberos ticket of 'app'/ }],
  [
    '2026-11-21 09:12:00.123 UTC:fd00::7(4711):app@orders:[42]:1:28000:2026-11-21 09:11:59 UTC:3/4:0:6920:[unknown]:FATAL:  PAM authentication failed for user "app"',
    { at: '2026-11-21T09:12:00.123Z', from: 'fd00::7', user: 'app', database: 'orders', cause: 'pam' },
  ],
  [
    '2026-11-21 09:12:00 UTC:[local]:[unknown]@[unknown]:[42]:FATAL:  sorry, too many clients already',
    { user: null, from: '[local]', database: null },
  ],
  // PostgreSQL, as it comes, and as Debian has it.
  [
    `${PLAIN}password authentication failed for user "app"`,
    { at: '2026-11-21T09:12:00.123Z', user: 'app', from: null, database: null, cause: 'no-iam-user' },
  ],
  [
    `2026-11-21 10:12:00.123 +01 [42] jane@ACME.EXAMPLE@orders FATAL:  role "jane@ACME.EXAMPLE" does not exist`,
    { at: '2026-11-21T10:12:00.123+01:00', user: 'jane@ACME.EXAMPLE', cause: 'no-user' },
  ],
  [
    '2026-11-21 10:12:00 CET [42] FATAL:  no pg_hba.conf entry for host "10.0.0.9", user "app", database "orders", SSL encryption',
    { at: null, stamp: '2026-11-21 10:12:00 CET', user: 'app', from: '10.0.0.9', database: 'orders', cause: 'not-admitted' },
  ],
  [
    '2026-11-21 09:12:00 UTC [42]: [1-1] user=app,db=orders,app=x,client=10.0.0.7 FATAL:  role "app" does not exist',
    { at: '2026-11-21T09:12:00Z', user: 'app', cause: 'no-user' },
  ],
  ['2026-11-21 09:12:00 UTC FATAL:  role "app" does not exist', { user: 'app', cause: 'no-user' }],
  // MySQL and MariaDB.
  [
    `${MYSQL}Access denied for user 'app'@'10.0.0.7' (using password: YES)`,
    {
      at: '2026-11-21T09:12:00.123Z',
      user: 'app',
      from: '10.0.0.7',
      database: null,
      cause: 'denied',
      message: /no more than that of 'app'/,
      logs: ['error'],
    },
  ],
  [`${MYSQL}Access denied for user ''@'localhost' (using password: NO)`, { user: '', from: 'localhost', cause: 'no-password' }],
  [`${MYSQL}Access denied for user 'app'@'10.0.0.7'. Account is locked.`, { cause: 'no-login', message: /locked/ }],
  [
    "2026-11-21T10:12:00.123456+01:00 42 [Note] Access denied for user 'app'@'10.0.0.7' (using password: YES)",
    { at: '2026-11-21T10:12:00.123+01:00' },
  ],
  [
    "2026-11-21  9:12:00 12 [Warning] Access denied for user 'app'@'10.0.0.7' (using password: YES)",
    { at: '2026-11-21T09:12:00Z', stamp: '2026-11-21 9:12:00', user: 'app', from: '10.0.0.7', cause: 'denied' },
  ],
  [
    "2026-11-21 19:12:00 12 [Warning] Access denied for user 'app'@'10.0.0.7' to database 'orders'",
    { database: 'orders', cause: 'no-connect' },
  ],
];

test.each(LINES)('%s', (line, { message = /./, ...says }) => {
  expect(decoded(line)).toEqual([
    expect.objectContaining({ ...says, message: expect.stringMatching(message), hint: expect.stringMatching(/./) }),
  ]);
});

test.each([
  `2026-11-21 09:12:00 UTC:10.0.0.7(4711):app@orders:[42]:ERROR:  role "app" does not exist`,
  `2026-11-21 09:12:00 UTC:10.0.0.7(4711):app@orders:[42]:LOG:  pam_authenticate failed: Permission denied`,
  `2026-11-21 09:12:00 UTC:10.0.0.7(4711):app@orders:[42]:STATEMENT:  select 'FATAL:  role "a" does not exist'`,
  '\t2026-11-21 09:12:00 UTC:10.0.0.7(4711):app@orders:[42]:FATAL:  role "a" does not exist',
  `${PLAIN}terminating connection due to administrator command`,
  `${MYSQL}Got an error reading communication packets`,
  "2026-11-21  9:12:00 12 [Warning] Aborted connection 12 to db: 'unconnected' user: 'app' host: '10.0.0.7' (Access denied for user)",
  'FATAL:  role "a" does not exist',
  `${IAM}Failed to authenticate the connection request for user 'app'`,
])('no denied login: %s', (line) => {
  expect(decoded(line)).toEqual([]);
});

test('MariaDB writes no zone: of RDS it is UTC, of another machine it is not known', () => {
  const [line] = LINES.at(-2)!;
  expect([decoded(line, 'utc')[0]!.at, decoded(line, 'unknown')[0]!.at]).toEqual(['2026-11-21T09:12:00Z', null]);
});

test('what has the form of a log is told from what has none, whatever it tells', () => {
  const known = (text: string, log?: 'error' | 'postgresql') => isKnown([{ text, at: null, stream: '' }], 'utc', log);
  expect(known(`x\n${MYSQL}ready for connections`)).toBe(true);
  expect(known(`${MYSQL}ready for connections`, 'postgresql')).toBe(false);
  expect(known('FATAL:  role "a" does not exist\n{"remote_host":"10.0.0.7"}')).toBe(false);
  expect(known('')).toBe(false);
});

test('a server that speaks another language is told from one that denies nobody; names may be of any script', () => {
  const translated = (text: string) => isTranslated([{ text, at: null, stream: '' }], 'utc');
  expect(translated(`${PLAIN}Rolle »app« existiert nicht`)).toBe(true);
  expect(translated(`${PLAIN}le rôle « app » n'existe pas`)).toBe(true);
  expect(translated(`${PLAIN}role "größe" does not exist\n${PLAIN}unknown "größe" of it`)).toBe(false);
  expect(translated(`${PLAIN.replace('FATAL', 'LOG')}Größe`)).toBe(false);
});

test('a line without a time has that of whoever delivered it', () => {
  const line = '2026-11-21 10:12:00 CET [42] FATAL:  role "a" does not exist';
  expect(decoded(line, 'utc', '2026-11-21T09:12:01.000Z')[0]).toMatchObject({
    at: '2026-11-21T09:12:01.000Z',
    stamp: '2026-11-21 10:12:00 CET',
  });
});

describe('lines of one session together', () => {
  test.each<[string, string, RegExp]>([
    ['Role "app" does not exist.', 'no-user', /no role 'app'/],
    ['Password does not match for user "app".', 'password', /its password is wrong/],
    ['User "app" has no password assigned.', 'password', /it has no password/],
    ['User "app" has an expired password.', 'password', /VALID UNTIL/],
    ['Connection matched file "/rdsdbdata/config/pg_hba.conf" line 13: "hostssl all all all md5"', 'no-iam-user', /not under rds_iam/],
  ])('a DETAIL says more: %s', (detail, cause, says) => {
    const other = '2026-11-21 09:12:00 UTC:10.0.0.8(1):b@orders:[43]:LOG:  checkpoint';
    const lines = [`${RDS}password authentication failed for user "app"`, other, `${RDS.replace('FATAL', 'DETAIL')}${detail}`];
    expect(decoded(lines.join('\n'))).toEqual([expect.objectContaining({ cause, message: expect.stringMatching(says), user: 'app' })]);
  });

  test('the DETAIL of another session, or of another instance, says nothing of it', () => {
    const denied = `${RDS}password authentication failed for user "app"`;
    const detail = `${RDS.replace('FATAL', 'DETAIL')}Role "app" does not exist.`;
    expect(decoded(`${denied}\n${detail.replace('[42]', '[43]')}`)[0]!.cause).toBe('no-iam-user');
    const apart = deniedIn(
      [
        { text: denied, at: null, stream: 'one' },
        { text: detail, at: null, stream: 'two' },
      ],
      'utc',
    );
    expect(apart).toEqual([expect.objectContaining({ cause: 'no-iam-user', instance: 'one' })]);
  });

  test('where it came from may stand in a line before it', () => {
    const received = '2026-11-21 09:12:00.120 UTC [42] LOG:  connection received: host=10.0.0.7 port=4711';
    expect(decoded(`${received}\n${PLAIN}role "app" does not exist`)[0]).toMatchObject({ from: '10.0.0.7', user: 'app' });
  });
});

describe('what clients call themselves', () => {
  test.each<[string, string, Partial<DeniedLogin>]>([
    [
      'a name that goes on as a line of PostgreSQL does not become that line',
      '2026-11-21 09:12:00 UTC:10.0.0.7(4711):x:[1]:FATAL:  role "admin" is not permitted to log in@db:[42]:FATAL:  password authentication failed for user "x:[1]:FATAL:  role "admin" is not permitted to log in"',
      {},
    ],
    [
      'a name that says a code of IAM does not decide the cause',
      `${PLAIN}password authentication failed for user "Error Code: InvalidToken"`,
      { user: 'Error Code: InvalidToken', cause: 'no-iam-user' },
    ],
    [
      'a name with a quote stays one name',
      `${MYSQL}Access denied for user 'a'@'b' (using password: YES)'@'10.0.0.7' (using password: NO)`,
      { user: "a'@'b' (using password: YES)", from: '10.0.0.7', cause: 'no-password' },
    ],
    [
      'a reason within a name is none',
      `${IAM}Failed to authenticate the connection request for user 'a' because of x. (Status Code: 403, Error Code: NotAuthorized) because the token age is longer than 15 minutes. (Status Code: 400, Error Code:ExpiredToken)`,
      { cause: 'token-age' },
    ],
  ])('%s', (_name, line, says) => {
    const found = decoded(line);
    expect(found.filter(({ user }) => user === 'admin')).toEqual([]);
    if (Object.keys(says).length > 0) expect(found).toEqual([expect.objectContaining(says)]);
  });

  /** What servers wrote, byte for byte but for ports: PostgreSQL 17 and 18, MariaDB 11.8. Names hold line breaks, and lines about others. */
  const FORGED = '2026-11-21 09:12:00 UTC::jane@b:[4]:FATAL:  role "jane" does not exist';
  const NAME = '\n2026-11-21 09:12:00 UTC::jane';
  const AT = '2026-11-21 10:19:49 UTC:10.0.0.9(54918):';
  const DENIED = '2026-11-21 10:19:48 5 [Warning] Access denied for user ';
  const JANE = "2026-11-21 10:19:48 5 [Warning] Access denied for user 'jane'@'10.0.0.7' (using password: YES)";
  const NEXT = `${AT}ok@db:[43]:FATAL:  role "ok" is not permitted to log in`;
  test.each<[string, readonly string[], readonly (readonly [user: string | null, cause: string])[]]>([
    [
      'a line break in a name does not hide who has it',
      [`${AT}a`, 'b@db:[42]:FATAL:  password authentication failed for user "a', '\tb"', NEXT],
      [
        ['a\nb', 'no-iam-user'],
        ['ok', 'no-login'],
      ],
    ],
    [
      'nor one in both names, nor a carriage return',
      [`${AT}c\r`, 'd@', 'y:[42]:FATAL:  password authentication failed for user "c\r', '\td"', NEXT],
      [
        ['c\nd', 'no-iam-user'],
        ['ok', 'no-login'],
      ],
    ],
    [
      'a whole line about another in user and database is a part of the names, of the DETAIL as well',
      [
        AT,
        FORGED,
        ':[42]:FATAL:  password authentication failed for user "',
        '\t2026-11-21 09:12:00 UTC::jane"',
        AT,
        FORGED,
        ':[42]:DETAIL:  Role "',
        '\t2026-11-21 09:12:00 UTC::jane" does not exist.',
        '\tConnection matched file "/pg_hba.conf" line 4: "host all all all md5"',
        NEXT,
      ],
      [
        [NAME, 'no-user'],
        ['ok', 'no-login'],
      ],
    ],
    [
      'the same with the prefix of Debian',
      [
        '2026-11-21 10:19:50.688 UTC [42] ',
        FORGED,
        ' FATAL:  password authentication failed for user "',
        '\t2026-11-21 09:12:00 UTC::jane"',
        '2026-11-21 10:19:50.688 UTC [42] ',
        FORGED,
        ' DETAIL:  Role "',
        '\t2026-11-21 09:12:00 UTC::jane" does not exist.',
      ],
      [[NAME, 'no-user']],
    ],
    [
      'a line about another counts as little where the server says something that is not known',
      [AT, FORGED, ':[42]:FATAL:  canceling authentication due to timeout'],
      [],
    ],
    [
      'a level in a name does not end the prefix',
      [`${AT}v@d:[4]:LOG:  x@db:[42]:FATAL:  password authentication failed for user "v@d:[4]:LOG:  x"`],
      [['v@d:[4]:LOG:  x', 'no-iam-user']],
    ],
    [
      'nor with the prefix of Debian',
      ['2026-11-21 10:19:50 UTC [42] v@d LOG:  x@db FATAL:  role "v@d LOG:  x" does not exist'],
      [['v@d LOG:  x', 'no-user']],
    ],
    [
      'a name that ends the line as a denial of another is read on',
      [`${AT}jane@d:[4]:FATAL:  role "jane" does not exist`, '@db:[42]:FATAL:  canceling authentication due to timeout', NEXT],
      [['ok', 'no-login']],
    ],
    [
      'MariaDB: a line about another is a part of the name',
      [`${DENIED}'x`, JANE, "y'@'10.0.0.9' (using password: YES)", `${DENIED}'ok'@'10.0.0.8' (using password: YES)`],
      [
        [`x\n${JANE}\ny`, 'denied'],
        ['ok', 'denied'],
      ],
    ],
    [
      'MariaDB: also where the name ends the line before it',
      [`${DENIED}'x'@'h'`, JANE, "'@'10.0.0.9' (using password: YES)"],
      [['x', 'denied']],
    ],
    ['MariaDB: a line break in a name does not hide it', [`${DENIED}'a`, "b'@'10.0.0.9' (using password: NO)"], [['a\nb', 'no-password']]],
  ])('%s', (_name, lines, told) => {
    const seen = decoded(lines.join('\n')).map(({ user, cause }) => [user, cause]);
    expect(seen).toEqual(told);
    const apart = deniedIn(
      lines.map((text) => ({ text, at: null, stream: 'one' })),
      'utc',
    );
    expect(apart.map(({ user, cause }) => [user, cause])).toEqual(told);
  });

  test('what is no end of a line takes nothing away from the line before it', () => {
    expect(decoded(`${NEXT}\n::error::x\n\n{"json": true}`).map(({ user }) => user)).toEqual(['ok']);
  });

  test('half a line at the beginning of a piece says nothing of the piece before it', () => {
    const pieces = [NEXT, `tail:[4]:FATAL:  of a line\n${NEXT.replace('"ok"', '"ok"')}`].map((text) => ({ text, at: null, stream: 'one' }));
    expect(deniedIn(pieces, 'utc').map(({ user }) => user)).toEqual(['ok', 'ok']);
  });

  const TOKEN =
    'orders.c1.eu-west-1.rds.amazonaws.com:5432/?Action=connect&DBUser=app&X-Amz-Credential=canary%2F20261121&X-Amz-Security-Token=canary&X-Amz-Signature=canary';
  test.each([
    ['a token', TOKEN, ''],
    ['a connection string', 'postgres://app:canary@orders/app', ''],
    ['a password', 'host=orders password=canary', ''],
    ['a key', 'AKIACANARY0123456789', ''],
    ['a long word', 'canary0123456789'.repeat(5), ''],
  ])('%s in the place of a name is nowhere in what is told', (_name, secret) => {
    for (const line of [
      `${RDS.replace('app@', `${secret}@`)}password authentication failed for user "${secret}"`,
      `${MYSQL}Access denied for user '${secret}'@'10.0.0.7' (using password: YES)`,
      `${IAM}Failed to authenticate the connection request for user '${secret}' because the token age is longer than 15 minutes. (Status Code: 400, Error Code:ExpiredToken)`,
      `${RDS}database "${secret}" does not exist`,
    ]) {
      const found = decoded(line);
      expect(found.length).toBe(1);
      expect(JSON.stringify(found)).not.toMatch(/canary/i);
    }
  });
});
