import { describe, expect, test } from 'vitest';
import type { Part } from '../../src/core/checks/check.ts';
import { CHECKS, checkOf, checkupOf, EVERY_CHECK as EVERY } from '../../src/core/checkup.ts';
import type { Evidence } from '../../src/model/checkup.ts';

const HOST = 'orders.cluster-c1.eu-west-1.rds.amazonaws.com';
const ARN = 'arn:aws:rds-db:eu-west-1:123456789012:dbuser:cluster-ABC/jane';
const on = { on: true, pending: null };

/** A login by token to a cluster where all is well. */
const GOOD = {
  target: {
    name: 'orders',
    engine: 'postgres',
    now: Date.parse('2026-11-21T12:00:00Z'),
    login: 'jane',
    asked: false,
    by: 'iam',
    tokens: true,
    inAws: true,
    withPolicies: true,
    endpoint: { host: HOST, port: 5432, tls: 'verify-full', via: null },
  },
  reach: { value: { dialled: `${HOST}:5432`, trouble: null } },
  tls: {
    value: {
      protocol: 'TLSv1.3',
      cipher: 'TLS_AES_256_GCM_SHA384',
      error: null,
      subject: HOST,
      issuer: 'Amazon RDS eu-west-1 Root CA RSA2048 G1',
      validFrom: '2026-01-01T00:00:00Z',
      validUntil: '2027-06-01T00:00:00Z',
    },
  },
  caller: { value: { arn: 'arn:aws:iam::123456789012:user/ops', account: '123456789012', expires: '2026-11-21T13:00:00Z', skewMs: 1200 } },
  server: {
    value: {
      kind: 'cluster',
      identifier: 'orders',
      region: 'eu-west-1',
      status: 'available',
      engine: 'aurora-postgresql',
      resourceId: 'cluster-ABC',
      iam: on,
      logExports: ['iam-db-auth-error', 'postgresql'],
      securityGroups: ['sg-1'],
      instances: [
        { name: 'orders-1', class: 'db.r6g.large', ca: 'rds-ca-rsa2048-g1', certificateUntil: '2027-06-01T00:00:00Z', iam: on },
        { name: 'orders-2', class: 'db.r6g.large', ca: 'rds-ca-rsa2048-g1', certificateUntil: null, iam: on },
      ],
    },
  },
  token: {
    value: {
      host: HOST,
      port: 5432,
      user: 'jane',
      region: 'eu-west-1',
      expiresSeconds: 900,
      signedAt: '2026-11-21T12:00:00Z',
      length: 1564,
      temporary: true,
    },
  },
  session: {
    value: {
      user: 'jane',
      version: '17.4',
      tls: 'TLSv1.3, TLS_AES_256_GCM_SHA384',
      readOnly: false,
      superuser: false,
      createrole: true,
      iamPath: ['jane', 'rds_iam'],
      hasIamRole: true,
      notAdministered: [],
      perGrantor: true,
      skewMs: 300,
      connections: { open: 20, room: 97 },
    },
  },
  logging: { value: { logged: true } },
  policies: { value: { whole: true, lines: [{ policy: "policy 'a'", resource: ARN, kind: 'exact', right: null }] } },
  user: {
    value: {
      exists: true,
      like: null,
      login: true,
      locked: null,
      iamPath: ['jane', 'rds_iam'],
      hasIamRole: true,
      adPath: false,
      passwordOver: false,
      connectionLimit: 5,
      sessions: 2,
      database: 'orders',
      connect: true,
    },
  },
  ways: {
    value: [
      {
        principal: 'role/api',
        arn: ARN,
        judgement: { verdict: 'allowed', why: ["policy 'a', statement 'x', allows"], elsewhere: [], unread: [] },
      },
    ],
  },
  login: { value: { letIn: true, cause: '', told: 'logged in to "orders"' } },
} as const satisfies Evidence;

type Changes = { readonly [P in keyof Evidence]?: object };

/** The good evidence with parts of it changed. */
const evidence = (changes: Changes): Evidence => {
  const parts = Object.entries(changes).map(([part, change]) => {
    const good = GOOD[part as Part] as { readonly value?: unknown };
    if (part === 'target') return [part, { ...good, ...change }];
    return [part, { value: Array.isArray(good.value) ? [{ ...good.value[0], ...change }] : { ...(good.value as object), ...change } }];
  });
  return { ...GOOD, ...Object.fromEntries(parts) };
};
const judged = (name: string, given: Evidence) => {
  const check = EVERY.find((one) => one.name === name);
  if (check === undefined) throw new Error(`there is no check ${name}`);
  return checkOf(check, given);
};

const instance = (change: object) => ({ instances: [{ ...GOOD.server.value.instances[0], ...change }] });
const judgement = (change: object) => ({ judgement: { ...GOOD.ways.value[0].judgement, ...change } });

const FAILING: readonly (readonly [check: string, changes: Changes, says: RegExp, fix: RegExp])[] = [
  ['reachable', { reach: { trouble: 'ETIMEDOUT' } }, /^no answer from/, /security group.*in sg-1;/],
  ['reachable', { reach: { trouble: 'ECONNREFUSED' } }, /^nothing listens at/, /start the server/],
  ['reachable', { reach: { trouble: 'ENOTFOUND' } }, /^the name in .* is not known/, /VPN/],
  [
    'endpoint-name',
    { target: { endpoint: { ...GOOD.target.endpoint, host: 'db.acme.example' } } },
    /no name that RDS gave/,
    /endpoint\.via/,
  ],
  ['tls', { tls: { error: 'SELF_SIGNED_CERT_IN_CHAIN' } }, /not trusted \(SELF_SIGNED_CERT_IN_CHAIN\)/, /'ca: rds'/],
  ['tls', { tls: { error: 'ERR_TLS_CERT_ALTNAME_INVALID' } }, /not trusted/, /endpoint\.via/],
  ['certificate-dates', { tls: { validUntil: '2026-11-20T00:00:00Z' } }, /^expired/, /renew/],
  ['certificate-dates', { tls: { validUntil: '2026-12-01T00:00:00Z' } }, /^it ends in 9 days/, /renew/],
  ['certificate-dates', { tls: { validFrom: '2026-11-22T00:00:00Z' } }, /^not valid yet/, /clock/],
  [
    'instance-certificates',
    { server: instance({ certificateUntil: '2026-11-25T00:00:00Z' }) },
    /^it ends in 3 days: rds-ca-rsa2048-g1; .*'orders-1'/,
    /--db-instance-identifier orders-1/,
  ],
  ['credentials', { caller: { expires: '2026-11-21T11:00:00Z' } }, /have expired/, /sso login/],
  ['clock', { caller: { skewMs: 120_000 } }, /^120 seconds ahead/, /NTP/],
  ['clock', { caller: { skewMs: -61_000 } }, /^61 seconds behind/, /NTP/],
  ['running', { server: { status: 'stopped' } }, /is stopped$/, /start-db-cluster/],
  ['running', { server: { status: 'failing-over' } }, /is failing-over$/, /wait/],
  ['iam-authentication', { server: { iam: { on: false, pending: null } } }, /^it is off$/, /--enable-iam-database-authentication/],
  ['iam-authentication', { server: { iam: { on: false, pending: true } } }, /not yet in effect/, /maintenance window/],
  ['iam-authentication', { server: { iam: { on: true, pending: false } } }, /about to be switched off/, /keep it/],
  ['iam-authentication', { server: instance({ iam: { on: true, pending: false } }) }, /about to change on orders-1/, /available/],
  ['resource-id', { server: { resourceId: 'db-ABC' } }, /'cluster-…' is expected/, /support/],
  ['instance-class', { server: { engine: 'aurora-mysql', ...instance({ class: 'db.t3.small' }) } }, /takes no tokens/, /larger/],
  ['log-export', { server: { logExports: ['postgresql'] } }, /is not exported \(postgresql are\)/, /EnableLogTypes/],
  ['token', { token: { user: 'Jane' } }, /meant is user jane/, /report/],
  ['login', { session: { user: 'pool' } }, /whoever logs in as 'jane' is 'pool'/, /pooler/],
  ['session-tls', { session: { tls: null } }, /not encrypted/, /verify-full/],
  ['writer', { session: { readOnly: true } }, /only reads/, /writer/],
  ['connections', { session: { connections: { open: 97, room: 97 } } }, /^97 of 97 are open: nobody else gets in$/, /idle/],
  ['connections', { session: { connections: { open: 93, room: 97 } } }, /^93 of 97 are open: 4 are left$/, /RDS Proxy/],
  ['rds-iam', { session: { hasIamRole: false } }, /no role rds_iam/, /switch IAM/],
  ['rds-iam', { session: { iamPath: null } }, /'jane' is not under rds_iam/, /GRANT rds_iam/],
  [
    'rds-iam',
    { target: { by: 'password' }, session: { iamPath: ['jane', 'devs', 'rds_iam'] } },
    /\(jane -> devs -> rds_iam\)/,
    /REVOKE rds_iam/,
  ],
  ['administration', { session: { createrole: false } }, /has no CREATEROLE/, /ALTER ROLE "jane" CREATEROLE/],
  [
    'administration',
    { session: { notAdministered: ['a"b', 'rds_iam'] } },
    /no ADMIN on "a""b", "rds_iam"/,
    /^as a master: GRANT "a""b" TO "jane" WITH ADMIN TRUE, INHERIT FALSE, SET FALSE; GRANT "rds_iam" TO/,
  ],
  [
    'denied-logged',
    { logging: { logged: false, found: 'log_min_messages = panic', wanted: 'log_min_messages = warning' } },
    /^PostgreSQL logs none of them: log_min_messages = panic$/,
    /^set log_min_messages = warning in the parameter group: .*doctor --denied/,
  ],
  [
    'policies',
    { policies: { lines: [{ policy: "policy 'old'", resource: 'arn:…:db-X/jane', kind: 'member', right: ARN }] } },
    /^1 member: policy 'old' names .*write arn:aws/,
    /correct the policies/,
  ],
  ['server-clock', { session: { skewMs: 90_000 } }, /^90 seconds ahead of/, /NTP/],
  ['user-host', { user: { lacks: 'TLS (REQUIRE SSL), which the target does without' } }, /lacks TLS/, /require/],
  ['user', { user: { exists: false, like: null } }, /there is no role "jane"$/, /apply/],
  ['user', { user: { exists: false, like: 'Jane' } }, /there is "Jane"$/, /case/],
  ['user-login', { user: { login: false } }, /NOLOGIN/, /ALTER ROLE "jane" LOGIN/],
  ['user-login', { user: { login: false, locked: '2026-11-20' } }, /locked on 2026-11-20/, /unlock/],
  ['user-method', { user: { iamPath: null } }, /wants a password/, /GRANT rds_iam TO "jane"/],
  ['user-method', { user: { hasIamRole: false } }, /no role rds_iam/, /switch/],
  ['user-method', { user: { adPath: true } }, /rds_ad/, /REVOKE rds_ad/],
  [
    'user-method',
    { user: { iamPath: null, adPath: true } },
    /wants a Kerberos ticket of it/,
    /GRANT rds_iam TO "jane"; REVOKE rds_ad FROM "jane"/,
  ],
  ['user-method', { target: { by: 'password' }, user: { iamPath: null, adPath: true } }, /wants a Kerberos ticket of it/, /REVOKE rds_ad/],
  ['user-method', { target: { by: 'password' } }, /wants a token of it/, /REVOKE rds_iam/],
  [
    'user-password',
    { target: { by: 'password' }, user: { passwordOver: true } },
    /^the time until which .* has passed \(VALID UNTIL\)$/,
    /until/,
  ],
  ['user-connections', { user: { sessions: 5 } }, /all 5 of its connections/, /idle/],
  ['user-connect', { user: { connect: false } }, /may not connect to "orders"/, /GRANT CONNECT ON DATABASE "orders" TO "jane"/],
  ['user-connect', { user: { connect: null } }, /no database "orders"/, /--database/],
  ['user-policy', { ways: judgement({ verdict: 'not-allowed', why: [] }) }, /^no policy allows role\/api/, /principals/],
  [
    'user-policy',
    { ways: judgement({ verdict: 'not-allowed', why: ["the boundary 'b' does not allow it"] }) },
    /^role\/api is not allowed rds-db:connect on .* \(the boundary 'b' does not allow it\)$/,
    /boundary allow/,
  ],
  ['user-policy', { ways: judgement({ verdict: 'denied' }) }, /^role\/api is denied/, /explicit Deny/],
  ['user-policy', { ways: judgement({ verdict: 'not-allowed', elsewhere: ['arn:old'] }) }, /may log in on arn:old/, /restored or cloned/],
  ['user-in', { login: { letIn: false, cause: 'unexplained', told: 'its token was refused' } }, /^unexplained: its token/, /--denied/],
];

const MYSQL_USER = { ...GOOD.user.value, account: "'jane'@'10.%'", iamPath: ["'jane'@'10.%'", 'AWSAuthenticationPlugin'], lacks: null };
const MYSQL_SESSION = {
  ...GOOD.session.value,
  account: "'jane'@'10.%'",
  iamPath: MYSQL_USER.iamPath,
  version: '8.0.45',
  perGrantor: false,
};

/** The same on an engine with accounts, and parts of it changed. */
const onMysql = (changes: Changes = {}, engine = 'mysql'): Evidence =>
  evidence({
    ...changes,
    target: { engine, ...changes.target },
    session: { ...MYSQL_SESSION, ...changes.session },
    user: { ...MYSQL_USER, ...changes.user },
  });

const MYSQL_PASSING: readonly [check: string, says: string, changes?: Changes, engine?: string][] = [
  ['login', 'jane, MySQL 8.0.45'],
  ['login', 'jane, MariaDB 11.8.3', { session: { version: '11.8.3' } }, 'mariadb'],
  ['server-clock', "no difference to the server's"],
  ['server-clock', '7 seconds off', { session: { skewMs: -7000 } }],
  ['rds-iam', "'jane'@'10.%' -> AWSAuthenticationPlugin"],
  [
    'rds-iam',
    "'jane' logs in with a password, and is not identified with AWSAuthenticationPlugin",
    { target: { by: 'password' }, session: { iamPath: null } },
  ],
  ['administration', "'jane' has CREATE USER"],
  ['administration', "'jane' is an account with SUPER", { session: { superuser: true } }],
  ['administration', "'jane' has CREATE USER", { session: { lacking: [] } }],
  ['denied-logged', 'each of them is a line of the log'],
  ['user', "user 'jane' is there"],
  ['user-host', "'jane'@'10.%'"],
  ['user-login', 'not locked'],
  ['user-method', "'jane'@'10.%' -> AWSAuthenticationPlugin"],
  ['user-method', 'a password', { target: { by: 'password' }, user: { iamPath: null } }],
];

const MYSQL_FAILING: readonly [check: string, changes: Changes, says: RegExp, fix: RegExp, engine?: string][] = [
  ['login', { session: { user: '' } }, /whoever logs in as 'jane' is ''/, /anonymous account/],
  ['server-clock', { session: { skewMs: 61_000 } }, /^61 seconds ahead of/, /NTP/],
  ['server-clock', { session: { skewMs: -600_000 } }, /^600 seconds behind/, /NTP/],
  ['rds-iam', { session: { hasIamRole: false } }, /^the plugin AWSAuthenticationPlugin is not loaded/, /RDS loads the plugin/],
  [
    'rds-iam',
    { session: { iamPath: null } },
    /not identified with/,
    /^as a master: ALTER USER 'jane'@'10\.%' IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS'$/,
  ],
  ['rds-iam', { session: { iamPath: null } }, /not identified with/, /IDENTIFIED VIA AWSAuthenticationPlugin USING 'RDS'$/, 'mariadb'],
  ['rds-iam', { target: { by: 'password' } }, /RDS wants a token/, /ALTER USER 'jane'@'10\.%' IDENTIFIED WITH caching_sha2_password BY/],
  ['administration', { session: { createrole: false } }, /has no CREATE USER/, /GRANT CREATE USER ON \*\.\* TO 'jane'@'10\.%'/],
  ['administration', { session: { notAdministered: ['dba'] } }, /has no SYSTEM_USER.* on "dba"/, /take it from dba/],
  [
    'administration',
    { session: { lacking: ['GRANT SELECT ON mysql.* TO x', 'GRANT ROLE_ADMIN ON *.* TO x'] } },
    /has CREATE USER, and lacks something/,
    /^as an administrator: GRANT SELECT ON mysql\.\* TO x; GRANT ROLE_ADMIN ON \*\.\* TO x;$/,
  ],
  [
    'denied-logged',
    { logging: { logged: false, found: 'log_error_verbosity = 2', wanted: 'log_error_verbosity = 3' } },
    /^MySQL logs none of them: log_error_verbosity = 2$/,
    /^set log_error_verbosity = 3/,
  ],
  [
    'denied-logged',
    { logging: { logged: false, found: 'log_warnings = 1', wanted: 'log_warnings = 2' } },
    /^MariaDB logs none of them: log_warnings = 1$/,
    /^set log_warnings = 2/,
    'mariadb',
  ],
  ['user', { user: { exists: false, like: 'Jane' } }, /no user 'jane', and there is 'Jane'/, /case/],
  [
    'user-host',
    { user: { lacks: "an account for '10.1.2.3'" } },
    /'jane' from here lacks an account for '10\.1\.2\.3'/,
    /hosts and require/,
  ],
  ['user-login', { user: { login: false } }, /ACCOUNT LOCK/, /ALTER USER 'jane'@'10\.%' ACCOUNT UNLOCK/],
  ['user-login', { user: { login: false, locked: '2026-11-20' } }, /locked on 2026-11-20/, /unlock/],
  ['user-method', { user: { hasIamRole: false } }, /is not loaded/, /switch IAM/],
  ['user-method', { user: { iamPath: null } }, /wants a password of it/, /AS 'RDS'$/],
  ['user-method', { target: { by: 'password' } }, /wants a token of it/, /IDENTIFIED WITH caching_sha2_password BY/],
  [
    'user-password',
    { target: { by: 'password' }, user: { passwordOver: true } },
    /^its password has expired$/,
    /rolecall apply --rotate jane; by hand: ALTER USER 'jane'@'10\.%' IDENTIFIED BY a password$/,
  ],
];

describe('on MySQL and MariaDB', () => {
  test.each<[string, string, Changes?, string?]>(MYSQL_PASSING)('%s passes: %s', (name, message, changes, engine) => {
    expect(judged(name, onMysql(changes, engine))).toMatchObject({ status: 'passed', message });
  });

  test.each<[string, Changes, RegExp, RegExp, string?]>(MYSQL_FAILING)(
    '%s fails in the words of the engine (%#)',
    (name, changes, says, fix, engine) => {
      expect(judged(name, onMysql(changes, engine))).toEqual({
        target: 'orders',
        check: name,
        status: 'failed',
        message: expect.stringMatching(says),
        hint: expect.stringMatching(fix),
      });
    },
  );

  test('what only one kind of engine has is asked of no other', () => {
    const of = (engine: string): readonly string[] =>
      EVERY.filter(({ applies }) => applies({ target: { ...GOOD.target, engine } })).map(({ name }) => name);
    expect(of('postgres').filter((name) => !of('mysql').includes(name))).toEqual(['user-connect']);
    expect(of('mariadb').filter((name) => !of('postgres').includes(name))).toEqual(['server-clock', 'user-host']);
  });

  test('a server that did not say what time it is is not taken for one with the right time', () => {
    const { skewMs: _, ...silent } = MYSQL_SESSION;
    expect(judged('server-clock', { ...onMysql(), session: { value: silent } })).toMatchObject({ status: 'unread' });
  });
});

describe('every check', () => {
  test.each(EVERY.map((check) => [check.name, check] as const))('%s passes where all is well', (_name, check) => {
    expect(checkOf(check, GOOD)).toMatchObject({ target: 'orders', status: 'passed' });
  });

  test.each(FAILING)('%s fails, and says what to do (%#)', (name, changes, says, fix) => {
    expect(judged(name, evidence(changes))).toEqual({
      target: 'orders',
      check: name,
      status: 'failed',
      message: expect.stringMatching(says),
      hint: expect.stringMatching(fix),
    });
  });

  test('is shown failing', () => {
    expect([...new Set(FAILING.map(([name]) => name))].sort()).toEqual(EVERY.map(({ name }) => name).sort());
  });

  test.each(EVERY.filter(({ needs }) => needs.length > 0).map((check) => [check.name, check] as const))(
    '%s does not pass on what was not read',
    (name, check) => {
      const unread = Object.fromEntries(
        check.needs.map((need) => [need, { unread: 'rds:DescribeDBClusters is not allowed', hint: 'allow it' }]),
      );
      expect(checkOf(check, { ...GOOD, ...unread })).toEqual({
        target: 'orders',
        check: name,
        status: name === 'login' ? 'failed' : 'unread',
        message: 'rds:DescribeDBClusters is not allowed',
        hint: 'allow it',
      });
      expect(checkOf(check, { target: GOOD.target }).status).toBe('unread');
    },
  );
});

test.each<[string, Changes, string]>([
  [
    'instance-class',
    { server: instance({ class: 'db.t4g.micro' }) },
    'orders-1 (db.t4g.micro) has little memory: now and then a token may be refused for it',
  ],
  ['rds-iam', { target: { by: 'password' }, session: { iamPath: null } }, "'jane' logs in with a password, and is not under rds_iam"],
  ['administration', { session: { superuser: true, createrole: false } }, "'jane' is a superuser"],
  ['connections', {}, '20 of 97 are open'],
  ['connections', { session: { connections: { open: 92, room: 97 } } }, '92 of 97 are open'],
  ['connections', { session: { connections: { open: 9, room: 10 } } }, '9 of 10 are open'],
  ['user-password', { target: { by: 'password' } }, 'its password has not expired'],
  ['user-connections', { user: { connectionLimit: -1 } }, 'no limit, 2 open'],
])('%s passes, and says what is worth knowing', (name, changes, message) => {
  expect(judged(name, evidence(changes))).toMatchObject({ status: 'passed', message });
});

test('a clock of AWS that nobody told is unread', () => {
  expect(judged('clock', evidence({ caller: { skewMs: null } }))).toMatchObject({
    status: 'unread',
    message: 'AWS did not say what time it is there',
  });
});

test('sessions that are not seen are not counted: whether a limit leaves room is unread, and without a limit no matter', () => {
  const unseen = (connectionLimit: number) => judged('user-connections', evidence({ user: { sessions: null, connectionLimit } }));
  expect(unseen(5)).toMatchObject({
    status: 'unread',
    message: expect.stringContaining('how many of 5 are open'),
    hint: expect.stringContaining('PROCESS'),
  });
  expect(unseen(-1)).toMatchObject({ status: 'passed', message: 'no limit' });
});

test('a policy that could not be read, or that hangs on a condition, is no way in', () => {
  const given = evidence({ ways: judgement({ verdict: 'unknown', why: [], unread: ["'role/api': iam:GetRole is not allowed"] }) });
  expect(judged('user-policy', given)).toMatchObject({ status: 'unread', message: expect.stringContaining('iam:GetRole') });
});

test('of one login the first check that fails is the cause, and the last that is told', () => {
  const asked = { ...evidence({ user: { login: false, connect: false }, caller: { skewMs: 0 } }), target: { ...GOOD.target, asked: true } };
  const saved = { formatVersion: '1.0', user: 'jane', as: null, evidence: [{ ...asked, server: { unread: 'no' } }], lost: [] } as const;
  const { checks, cause, summary } = checkupOf(saved, []);
  expect(checks.map(({ check }) => check)).toEqual([
    'reachable',
    'endpoint-name',
    'tls',
    'certificate-dates',
    'credentials',
    'clock',
    'running',
    'iam-authentication',
    'user',
    'user-login',
  ]);
  expect({ cause, summary }).toEqual({ cause: 'user-login', summary: { passed: 7, failed: 1, unread: 2 } });
});

test('of a target all checks are told, those of targets that were not found before them; there is no one cause', () => {
  const lost = { target: 'gone', check: 'found', status: 'unread', message: 'no' } as const;
  const saved = {
    formatVersion: '1.0',
    user: null,
    as: null,
    evidence: [evidence({ session: { readOnly: true } })],
    lost: [lost],
  } as const;
  const { checks, cause } = checkupOf(saved, ['writer', 'clock']);
  expect([checks.map(({ check, status }) => [check, status]), cause]).toEqual([
    [
      ['found', 'unread'],
      ['clock', 'passed'],
      ['writer', 'failed'],
    ],
    null,
  ]);
});

test('nothing of AWS is asked of a server that is not there, and no TLS of one that shall have none', () => {
  const target = {
    ...GOOD.target,
    by: 'password' as const,
    tokens: false,
    inAws: false,
    endpoint: { ...GOOD.target.endpoint, tls: 'disable' },
  };
  expect(CHECKS.filter(({ applies }) => applies({ target })).map(({ name }) => name)).toEqual([
    'reachable',
    'login',
    'writer',
    'connections',
    'administration',
    'denied-logged',
  ]);
});
