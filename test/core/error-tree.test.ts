import { describe, expect, test } from 'vitest';
import { checkupOf } from '../../src/core/checkup.ts';
import { type Denied, diagnose } from '../../src/core/diagnose.ts';
import { meaningsOf } from '../../src/core/signatures.ts';
import type { Evidence } from '../../src/model/checkup.ts';
import type { Cause } from '../../src/model/proof.ts';

/**
 * Why a login fails, in the order in which it is looked for: the way there, TLS, who comes, the clock, the server, the user, its
 * database, the policies, the token, what the server logs; then what stands by itself. Each has to be told by a fixture below.
 */
const BRANCHES = [
  'network: no answer',
  'network: nothing listens',
  'network: name not known',
  'network: not the name of the endpoint',
  'tls: not encrypted',
  'tls: none on the server',
  'tls: certificate',
  'tls: wanted by the account',
  'identity: none, or expired',
  'identity: may not be assumed',
  'clock',
  'server: IAM authentication off',
  'server: IAM authentication pending',
  'user: none',
  'user: in another case',
  'user: login closed',
  'user: not under rds_iam',
  'user: under rds_ad as well',
  'user: connection limit',
  'user: other plugin',
  'user: locked',
  'user: no account for the host',
  'database: no CONNECT',
  'database: none',
  'policy: none allows',
  'policy: one denies',
  'policy: a boundary',
  'policy: of another resource',
  'token: not sent by the client',
  'token: for another endpoint, port, region or user',
  'log: InvalidToken',
  'log: ExpiredToken',
  'log: NotAuthorized',
  'log: ThrottlingException',
  'log: InternalError',
  'password: of a user under rds_iam by a group',
  'password: asked for (28P01)',
  'password: expired',
  'privilege: missing in a session',
] as const;
type Branch = (typeof BRANCHES)[number];

type Program = 'psql' | 'pg' | 'mysql' | 'mariadb' | 'mysql2' | 'aws' | 'log';

/** What a program printed or a log holds, and the cause of each line that is known. Messages as psql 17, pg 8, mysql 9.7, mariadb 11.8, mysql2 3 and the AWS CLI 2 have them. */
// biome-ignore format: a table
const LINES: readonly (readonly [Branch, Program, text: string, causes: readonly string[]])[] = [
  ['user: under rds_ad as well', 'psql', 'psql: error: connection to server at "orders.rds" (10.0.0.2), port 5432 failed: FATAL:  GSSAPI authentication failed for user "app"', ['kerberos']],
  ['user: under rds_ad as well', 'pg', 'error: Unknown authenticationOk message type 7', ['kerberos']],
  ['network: no answer', 'psql', 'psql: error: connection to server at "orders.rds" (10.0.0.2), port 5432 failed: Connection timed out\n\tIs the server running on that host and accepting TCP/IP connections?', ['network']],
  ['network: no answer', 'psql', 'psql: error: connection to server at "orders.rds" (10.0.0.2), port 5432 failed: No route to host', ['network']],
  ['network: no answer', 'psql', 'psql: error: connection to server at "orders.rds" (10.0.0.2), port 5432 failed: timeout expired', ['network']],
  ['network: no answer', 'pg', 'Error: connect ETIMEDOUT 10.0.0.2:5432\n    at TCPConnectWrap.afterConnect', ['network']],
  ['network: no answer', 'mysql', "ERROR 2003 (HY000): Can't connect to MySQL server on 'billing.rds:3306' (110)", ['network']],
  ['network: no answer', 'mariadb', "ERROR 2002 (HY000): Can't connect to server on 'billing.rds' (115)", ['network']],
  ['network: no answer', 'mysql2', "Error: connect ETIMEDOUT\n  code: 'ETIMEDOUT',", ['network', 'network']],
  ['network: nothing listens', 'psql', 'psql: error: connection to server at "127.0.0.1", port 15432 failed: Connection refused', ['network']],
  ['network: nothing listens', 'pg', 'Error: connect ECONNREFUSED 127.0.0.1:15432', ['network']],
  ['network: nothing listens', 'mysql', "ERROR 2003 (HY000): Can't connect to MySQL server on '127.0.0.1:13306' (111)", ['network']],
  ['network: name not known', 'psql', 'psql: error: could not translate host name "order.rds" to address: Name or service not known', ['network']],
  ['network: name not known', 'mysql2', 'Error: getaddrinfo ENOTFOUND billing.rds', ['network']],
  ['network: name not known', 'mysql', "ERROR 2005 (HY000): Unknown MySQL server host 'bill.rds' (-2)", ['network']],
  ['network: name not known', 'mariadb', "ERROR 2005 (HY000): Unknown server host 'bill.rds' (-2)", ['network']],
  ['network: not the name of the endpoint', 'psql', 'psql: error: connection to server at "db.acme.example" (10.0.0.2), port 5432 failed: server certificate for "orders.rds" does not match host name "db.acme.example"', ['certificate']],
  ['network: not the name of the endpoint', 'pg', "Error [ERR_TLS_CERT_ALTNAME_INVALID]: Hostname/IP does not match certificate's altnames: Host: db.acme.example. is not in the cert's altnames: DNS:orders.rds", ['certificate']],
  ['tls: not encrypted', 'psql', 'psql: error: connection to server at "orders.rds" (10.0.0.2), port 5432 failed: FATAL:  no pg_hba.conf entry for host "10.0.0.1", user "app", database "orders", no encryption', ['tls']],
  ['tls: not encrypted', 'psql', 'psql: error: connection to server at "orders.rds" (10.0.0.2), port 5432 failed: FATAL:  PAM authentication failed for user "app"\nconnection to server at "orders.rds" (10.0.0.2), port 5432 failed: FATAL:  pg_hba.conf rejects connection for host "10.0.0.1", user "app", database "orders", no encryption', ['pam', 'tls']],
  ['tls: not encrypted', 'mysql', 'ERROR 3159 (HY000): Connections using insecure transport are prohibited while --require_secure_transport=ON.', ['tls']],
  ['tls: not encrypted', 'mysql2', 'Error: Connections using insecure transport are prohibited while --require_secure_transport=ON.', ['tls']],
  ['tls: none on the server', 'psql', 'psql: error: connection to server at "127.0.0.1", port 5432 failed: server does not support SSL, but SSL was required', ['tls']],
  ['tls: none on the server', 'pg', 'Error: The server does not support SSL connections', ['tls']],
  ['tls: none on the server', 'mysql', "ERROR 2026 (HY000): SSL connection error: SSL is required but the server doesn't support it", ['tls']],
  ['tls: none on the server', 'mariadb', 'ERROR 2026 (HY000): TLS/SSL error: SSL is required, but the server does not support it', ['tls']],
  ['tls: none on the server', 'mysql2', 'Error: Server does not support secure connection', ['tls']],
  ['tls: certificate', 'psql', 'psql: error: connection to server at "orders.rds" (10.0.0.2), port 5432 failed: SSL error: certificate verify failed', ['certificate']],
  ['tls: certificate', 'psql', 'psql: error: connection to server at "orders.rds" (10.0.0.2), port 5432 failed: root certificate file "/home/app/.postgresql/root.crt" does not exist', ['certificate']],
  ['tls: certificate', 'pg', 'Error: self-signed certificate in certificate chain', ['certificate']],
  ['tls: certificate', 'pg', 'Error: unable to get local issuer certificate', ['certificate']],
  ['tls: certificate', 'pg', 'Error: certificate signature failure', ['certificate']],
  ['tls: certificate', 'mysql', 'ERROR 2026 (HY000): SSL connection error: error:0A000086:SSL routines::certificate verify failed', ['certificate']],
  ['tls: certificate', 'mariadb', 'ERROR 2026 (HY000): TLS/SSL error: Certificate verification failure: The certificate is NOT trusted.', ['certificate']],
  ['tls: certificate', 'mysql2', 'Error: unable to verify the first certificate', ['certificate']],
  ['tls: wanted by the account', 'mysql', "ERROR 1045 (28000): Access denied for user 'app'@'10.0.0.1' (using password: YES)", ['denied']],
  ['identity: none, or expired', 'aws', 'Unable to locate credentials. You can configure credentials by running "aws configure".', ['credentials']],
  ['identity: none, or expired', 'aws', '\nAn error occurred (ExpiredToken) when calling the GetCallerIdentity operation: The security token included in the request is expired', ['credentials']],
  ['identity: none, or expired', 'aws', 'An error occurred (InvalidClientTokenId) when calling the GetCallerIdentity operation: The security token included in the request is invalid.', ['credentials']],
  ['identity: none, or expired', 'aws', 'The SSO session associated with this profile has expired or is otherwise invalid. To refresh this SSO session run aws sso login with the corresponding profile.', ['credentials']],
  ['identity: none, or expired', 'aws', 'CredentialsProviderError: Could not load credentials from any providers', ['credentials']],
  ['identity: may not be assumed', 'aws', 'An error occurred (AccessDenied) when calling the AssumeRole operation: User: arn:aws:iam::123456789012:user/ops is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::123456789012:role/orders-api', ['not-assumed']],
  ['clock', 'aws', 'An error occurred (SignatureDoesNotMatch) when calling the GetCallerIdentity operation: Signature expired: 20261121T110000Z is now earlier than 20261121T114500Z (20261121T120000Z - 15 min.)', ['clock']],
  ['clock', 'aws', 'An error occurred (SignatureDoesNotMatch) when calling the GetCallerIdentity operation: Signature not yet current: 20261121T130000Z is still later than 20261121T121500Z (20261121T120000Z + 15 min.)', ['clock']],
  ['server: IAM authentication off', 'mysql', "ERROR 1524 (HY000): Plugin 'AWSAuthenticationPlugin' is not loaded", ['iam-off']],
  ['server: IAM authentication off', 'mysql2', "Error: Plugin 'AWSAuthenticationPlugin' is not loaded", ['iam-off']],
  ['user: none', 'psql', 'psql: error: connection to server at "10.0.0.2", port 5432 failed: FATAL:  role "app" does not exist', ['no-user']],
  ['user: none', 'pg', 'error: role "app" does not exist', ['no-user']],
  ['user: login closed', 'psql', 'psql: error: connection to server at "10.0.0.2", port 5432 failed: FATAL:  role "app" is not permitted to log in', ['no-login']],
  ['user: connection limit', 'pg', 'error: too many connections for role "app"', ['limit']],
  ['user: connection limit', 'log', '2026-11-21 12:00:00 UTC::@:[42]:FATAL:  sorry, too many clients already', ['limit']],
  ['user: connection limit', 'psql', 'FATAL:  remaining connection slots are reserved for roles with privileges of the "pg_use_reserved_connections" role', ['limit']],
  ['user: connection limit', 'mysql', "ERROR 1226 (42000): User 'app' has exceeded the 'max_user_connections' resource (current value: 1)", ['limit']],
  ['user: connection limit', 'mysql', "ERROR 1203 (42000): User app already has more than 'max_user_connections' active connections", ['limit']],
  ['user: connection limit', 'mysql2', 'Error: Too many connections', ['limit']],
  ['user: locked', 'mysql', "ERROR 3118 (HY000): Access denied for user 'app'@'%'. Account is locked.", ['no-login']],
  ['user: locked', 'mariadb', 'ERROR 4151 (HY000): Access denied, this account is locked', ['no-login']],
  ['user: locked', 'mysql2', "Error: Access denied for user 'app'@'10.0.0.1'. Account is locked.", ['no-login']],
  ['user: locked', 'mysql', "ERROR 3955 (HY000): Access denied for user 'app'@'10.0.0.1'. Account is blocked for 2 day(s) (2 day(s) remaining) due to 3 consecutive failed logins.", ['no-login']],
  ['user: no account for the host', 'mysql', "ERROR 1130 (HY000): Host '10.0.0.1' is not allowed to connect to this MySQL server", ['not-admitted']],
  ['user: no account for the host', 'mysql2', "Error: Host '10.0.0.1' is not allowed to connect to this MariaDB server", ['not-admitted']],
  ['user: no account for the host', 'mysql', "ERROR 1129 (HY000): Host '10.0.0.1' is blocked because of many connection errors; unblock with 'mysqladmin flush-hosts'", ['not-admitted']],
  ['database: no CONNECT', 'psql', 'psql: error: connection to server at "10.0.0.2", port 5432 failed: FATAL:  permission denied for database "orders"\nDETAIL:  User does not have CONNECT privilege.', ['no-connect']],
  ['database: no CONNECT', 'mysql', "ERROR 1044 (42000): Access denied for user 'app'@'%' to database 'shop'", ['no-connect']],
  ['database: no CONNECT', 'pg', String.raw`{"level":50,"err":{"message":"permission denied for database \"orders\"","code":"42501"}}`, ['no-connect']],
  ['password: asked for (28P01)', 'pg', String.raw`{"level":50,"err":{"message":"password authentication failed for user \"app\"","code":"28P01"}}`, ['no-iam-user']],
  ['database: none', 'pg', 'error: database "order" does not exist', ['no-database']],
  ['database: none', 'mysql', "ERROR 1049 (42000): Unknown database 'shup'", ['no-database']],
  ['token: not sent by the client', 'mysql', "ERROR 2059 (HY000): Authentication plugin 'mysql_clear_password' cannot be loaded: plugin not enabled", ['cleartext']],
  ['token: not sent by the client', 'mysql2', "  code: 'MYSQL_CLEAR_PASSWORD_NOT_ENABLED',", ['cleartext']],
  ['token: not sent by the client', 'mariadb', "  code: 'ER_CLEAR_PASSWORD_WITHOUT_SSL',", ['cleartext']],
  ['token: not sent by the client', 'mysql', "ERROR 1045 (28000): Access denied for user 'app'@'10.0.0.1' (using password: NO)", ['no-password']],
  ['token: for another endpoint, port, region or user', 'pg', 'error: PAM authentication failed for user "app"', ['pam']],
  ['log: InvalidToken', 'log', 'Failed to authenticate the connection request for user app because the provided token is malformed or otherwise invalid. (Status Code: 400, Error Code: InvalidToken)', ['token']],
  ['log: ExpiredToken', 'log', 'Failed to authenticate the connection request for user app because the token age is longer than 15 minutes. (Status Code: 400, Error Code:ExpiredToken)', ['token-age']],
  ['log: NotAuthorized', 'log', 'Failed to authorize the connection request for user app because the IAM identity arn:aws:sts::123456789012:assumed-role/api/i-1 is not authorized to perform rds-db:connect on the DB instance. (Status Code: 403, Error Code:NotAuthorized)', ['policy']],
  ['log: ThrottlingException', 'log', 'Failed to authenticate the connection request for user app due to IAM DB authentication throttling. (Status Code: 429, Error Code: ThrottlingException)', ['throttling']],
  ['log: InternalError', 'log', 'Failed to authenticate the connection request for user app due to an internal IAM DB authentication error. (Status Code: 500, Error Code: InternalError)', ['aws']],
  ['password: of a user under rds_iam by a group', 'psql', 'FATAL:  PAM authentication failed for user "joe"', ['pam']],
  ['password: asked for (28P01)', 'psql', 'FATAL:  password authentication failed for user "app"', ['no-iam-user']],
  ['password: asked for (28P01)', 'pg', 'error: password authentication failed for user "app"', ['no-iam-user']],
  ['password: expired', 'mysql', 'ERROR 1862 (HY000): Your password has expired. To log in you must change it using a client that supports expired passwords.', ['password']],
  ['password: expired', 'mysql2', 'Error: You must reset your password using ALTER USER statement before executing this statement.', ['password']],
  ['privilege: missing in a session', 'mysql', "ERROR 1142 (42000): DROP command denied to user 'app'@'10.0.0.1' for table 'orders'", ['permission']],
  ['privilege: missing in a session', 'mysql2', "Error: execute command denied to user 'app'@'%' for routine 'shop.refund'", ['permission']],
  ['privilege: missing in a session', 'mysql', 'ERROR 1227 (42000): Access denied; you need (at least one of) the SUPER or ROLE_ADMIN privilege(s) for this operation', ['permission']],
  ['privilege: missing in a session', 'mysql', "ERROR 1045 (28000) at line 7: Access denied for user 'app'@'%' (using password: YES)", ['denied']],
  ['privilege: missing in a session', 'psql', 'ERROR:  permission denied for table orders', ['permission']],
  ['privilege: missing in a session', 'pg', '{"level":50,"err":{"type":"DatabaseError","message":"permission denied for table orders","code":"42501"}}', ['permission']],
];

test.each(LINES)('%s, by %s: %s', (_branch, _program, text, causes) => {
  expect(meaningsOf(text).map(({ cause }) => cause)).toEqual(causes);
});

const HOST = 'orders.cluster-c1.eu-west-1.rds.amazonaws.com';
const ARN = 'arn:aws:rds-db:eu-west-1:123456789012:dbuser:cluster-NEW/app';
const JUDGED = { verdict: 'not-allowed', why: [], elsewhere: [], unread: [] } as const;
/** A login by token that the server refuses without a word, and all that can be looked up is in order but the policies. */
const REFUSED: Denied = {
  user: 'app',
  by: 'iam',
  refusal: 'authentication',
  said: 'refused',
  facts: { exists: true, like: null, login: true, iam: true, valid: true, connect: true },
  judgement: { ...JUDGED, verdict: 'allowed' },
  arn: ARN,
  iamAuthentication: true,
  clockWrong: false,
};
const facts = (changed: Partial<NonNullable<Denied['facts']>>): Partial<Denied> => ({ facts: { ...REFUSED.facts!, ...changed } });
const judged = (changed: Partial<NonNullable<Denied['judgement']>>): Partial<Denied> => ({ judgement: { ...JUDGED, ...changed } });

/** What a login that was refused comes to with what is looked up about it, as `prove` does. */
// biome-ignore format: a table
const LOOKED_UP: readonly (readonly [Branch, Partial<Denied>, Cause])[] = [
  ['network: no answer', { refusal: 'network' }, 'network'],
  ['tls: not encrypted', { refusal: 'not-admitted' }, 'not-admitted'],
  ['tls: none on the server', { refusal: 'tls' }, 'tls'],
  ['tls: certificate', { refusal: 'certificate' }, 'certificate'],
  ['tls: wanted by the account', facts({ lacks: 'TLS (REQUIRE SSL)' }), 'not-admitted'],
  ['clock', { clockWrong: true }, 'clock'],
  ['server: IAM authentication off', { iamAuthentication: false }, 'iam-off'],
  ['server: IAM authentication off', { refusal: 'iam-off' }, 'iam-off'],
  ['user: none', facts({ exists: false }), 'no-user'],
  ['user: in another case', facts({ exists: false, like: 'App' }), 'no-user'],
  ['user: login closed', { refusal: 'closed' }, 'no-login'],
  ['user: login closed', facts({ login: false }), 'no-login'],
  ['user: not under rds_iam', { refusal: 'password-asked', ...facts({ iam: false }) }, 'no-iam-user'],
  ['user: under rds_ad as well', facts({ ad: true }), 'kerberos'],
  ['user: other plugin', facts({ iam: false }), 'no-iam-user'],
  ['user: connection limit', { refusal: 'limit' }, 'limit'],
  ['user: no account for the host', facts({ lacks: "an account for '10.0.0.1'" }), 'not-admitted'],
  ['database: no CONNECT', { refusal: 'no-connect' }, 'no-connect'],
  ['database: none', { refusal: 'no-database' }, 'no-database'],
  ['policy: none allows', judged({}), 'policy'],
  ['policy: one denies', judged({ verdict: 'denied', why: ["policy 'stop' denies"] }), 'policy'],
  ['policy: a boundary', judged({ why: ["the boundary 'edge' does not allow it"] }), 'policy'],
  ['policy: of another resource', judged({ elsewhere: [ARN.replace('NEW', 'OLD')] }), 'resource-id'],
  ['password: of a user under rds_iam by a group', { by: 'password' }, 'iam-only'],
  ['password: expired', { by: 'password', ...facts({ iam: false, valid: false }) }, 'password'],
];

test.each(LOOKED_UP)('%s, looked up: %j', (_branch, denied, cause) => {
  expect(diagnose({ ...REFUSED, ...denied }).cause).toBe(cause);
});

/** What `doctor USER@TARGET` stops at, where this alone is wrong. */
// biome-ignore format: a table
const EVIDENCE: readonly (readonly [
  Branch,
  Pick<Partial<Evidence>, 'reach' | 'tls' | 'caller' | 'server' | 'user' | 'ways' | 'token'> & { readonly by?: 'password' },
  string,
])[] = [
  ['network: no answer', { reach: { value: { dialled: 'orders:5432', trouble: 'ETIMEDOUT' } } }, 'reachable'],
  ['network: name not known', { reach: { value: { dialled: 'orders:5432', trouble: 'ENOTFOUND' } } }, 'reachable'],
  ['tls: none on the server', { tls: { value: null } }, 'tls'],
  ['identity: none, or expired', { caller: { value: caller({ expires: '2026-11-21T11:00:00Z' }) } }, 'credentials'],
  ['clock', { caller: { value: caller({ skewMs: 120_000 }) } }, 'clock'],
  ['server: IAM authentication off', { server: { value: server({ on: false, pending: null }) } }, 'iam-authentication'],
  ['server: IAM authentication pending', { server: { value: server({ on: false, pending: true }) } }, 'iam-authentication'],
  ['user: in another case', { user: { value: user({ exists: false, like: 'App' }) } }, 'user'],
  ['user: login closed', { user: { value: user({ login: false }) } }, 'user-login'],
  ['user: locked', { user: { value: user({ login: false, locked: '2026-11-20' }) } }, 'user-login'],
  ['user: not under rds_iam', { user: { value: user({ iamPath: null }) } }, 'user-method'],
  ['user: under rds_ad as well', { user: { value: user({ adPath: true }) } }, 'user-method'],
  ['user: connection limit', { user: { value: user({ connectionLimit: 2, sessions: 2 }) } }, 'user-connections'],
  ['password: expired', { by: 'password', user: { value: user({ iamPath: null, passwordOver: true }) } }, 'user-password'],
  ['database: no CONNECT', { user: { value: user({ connect: false }) } }, 'user-connect'],
  ['database: none', { user: { value: user({ connect: null }) } }, 'user-connect'],
  ['policy: none allows', { ways: { value: [{ principal: 'role/api', arn: ARN, judgement: JUDGED }] } }, 'user-policy'],
  ['token: for another endpoint, port, region or user', { token: { value: token({ port: 15432 }) } }, 'token'],
  ['token: for another endpoint, port, region or user', { token: { value: token({ user: 'App' }) } }, 'token'],
];

function caller(changed: object) {
  return { arn: 'arn:aws:iam::123456789012:user/ops', account: '123456789012', expires: null, skewMs: 0, ...changed };
}
function server(iam: { readonly on: boolean; readonly pending: boolean | null }) {
  const rest = { engine: 'aurora-postgresql', resourceId: 'cluster-NEW', logExports: [], securityGroups: [], instances: [] };
  return { kind: 'cluster', identifier: 'orders', region: 'eu-west-1', status: 'available', iam, ...rest } as const;
}
function user(changed: object) {
  const whole = { exists: true, like: null, login: true, locked: null, iamPath: ['app', 'rds_iam'], hasIamRole: true, adPath: false };
  return { ...whole, connectionLimit: -1, sessions: 0, database: 'orders', connect: true, ...changed };
}
function token(changed: object) {
  const signed = { expiresSeconds: 900, signedAt: '2026-11-21T12:00:00Z', length: 400, temporary: false };
  return { host: HOST, port: 5432, user: 'app', region: 'eu-west-1', ...signed, ...changed };
}

describe('what doctor stops at', () => {
  const certificate = { subject: HOST, issuer: 'RDS', validFrom: '2026-01-01T00:00:00Z', validUntil: '2027-12-01T00:00:00Z' };
  const ways = [{ principal: 'role/api', arn: ARN, judgement: { ...JUDGED, verdict: 'allowed' as const } }];
  const good: Evidence = {
    target: {
      name: 'orders',
      engine: 'postgres',
      now: Date.parse('2026-11-21T12:00:00Z'),
      login: 'app',
      asked: true,
      by: 'iam',
      tokens: true,
      inAws: true,
      withPolicies: true,
      endpoint: { host: HOST, port: 5432, tls: 'verify-full', via: null },
    },
    reach: { value: { dialled: `${HOST}:5432`, trouble: null } },
    tls: { value: { protocol: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', error: null, ...certificate } },
    caller: { value: caller({}) },
    server: { value: server({ on: true, pending: null }) },
    user: { value: user({}) },
    ways: { value: ways },
    token: { value: token({}) },
    login: { value: { letIn: true, cause: '', told: 'logged in' } },
  };
  const causeOf = (evidence: Evidence): string | null =>
    checkupOf({ formatVersion: '1.0', user: 'app', as: 'role/api', evidence: [evidence], lost: [] }, []).cause;

  test('is nothing where all is well', () => {
    expect(causeOf(good)).toBe(null);
  });

  test.each(EVIDENCE)('%s: %j', (_branch, { by, ...wrong }, check) => {
    expect(causeOf({ ...good, ...wrong, target: { ...good.target, by: by ?? 'iam' } })).toBe(check);
  });
});

test('every branch has a fixture', () => {
  const told = new Set<Branch>([...LINES, ...LOOKED_UP, ...EVIDENCE].map(([branch]) => branch));
  expect(BRANCHES.filter((branch) => !told.has(branch))).toEqual([]);
});

test('every branch that a client or a log tells of has a line of one', () => {
  // These say the same as others do, and are told apart by what is looked up.
  const silent = [
    'server: IAM authentication pending',
    'user: in another case',
    'user: not under rds_iam',
    'user: other plugin',
    'policy: none allows',
    'policy: one denies',
    'policy: a boundary',
    'policy: of another resource',
  ];
  const told = new Set<string>([...LINES.map(([branch]) => branch), ...silent]);
  expect(BRANCHES.filter((branch) => !told.has(branch))).toEqual([]);
});
