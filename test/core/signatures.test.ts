import { expect, test } from 'vitest';
import { meaningsOf } from '../../src/core/signatures.ts';

const AUTH_LOG = '2026-11-21 12:00:00 UTC:10.0.0.1(4711):app@orders:[42]:';
const ROLE = 'arn:aws:sts::123456789012:assumed-role/api/i-1';

/** What clients and logs print, and what it means. */
const CORPUS: readonly (readonly [line: string, cause: string, says: RegExp])[] = [
  [`${AUTH_LOG} The provided token is malformed or otherwise invalid. (Status Code: 400, Error Code: InvalidToken)`, 'token', /cut off/],
  [`${AUTH_LOG} The token age is longer than 15 minutes. (Status Code: 400, Error Code:ExpiredToken)`, 'token-age', /15 minutes/],
  [
    `${AUTH_LOG} ${ROLE} is not authorized to perform rds-db:connect on the DB instance. (Status Code: 403, Error Code:NotAuthorized)`,
    'policy',
    /assumed-role\/api\/i-1' log in/,
  ],
  [
    `${AUTH_LOG} Failed due to IAM DB authentication throttling. (Status Code: 429, Error Code: ThrottlingException)`,
    'throttling',
    /too many/,
  ],
  [`${AUTH_LOG} There was an internal IAM DB authentication error. (Status Code: 500, Error Code: InternalError)`, 'aws', /memory/],
  ['psql: error: FATAL:  PAM authentication failed for user "app"', 'pam', /wanted a token of 'app'/],
  ['FATAL:  pg_hba.conf rejects connection for host "10.0.0.1", user "app", database "orders", no encryption', 'tls', /was not encrypted/],
  ['FATAL:  no pg_hba.conf entry for host "10.0.0.1", user "app", database "orders", SSL off', 'tls', /was not encrypted/],
  ['FATAL:  no pg_hba.conf entry for host "10.0.0.1", user "app", database "orders", SSL encryption', 'not-admitted', /admits no such/],
  ['FATAL:  password authentication failed for user "App"', 'no-iam-user', /'App' is not under rds_iam/],
  ['FATAL:  role "app" is not permitted to log in', 'no-login', /'app' is closed/],
  ['FATAL:  role "app" does not exist', 'no-user', /no role 'app'/],
  ['FATAL:  too many connections for role "app"', 'limit', /of 'app' are open/],
  ['FATAL:  sorry, too many clients already', 'limit', /server is full/],
  ['FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute', 'limit', /server is full/],
  ['FATAL:  database "order" does not exist', 'no-database', /no database 'order'/],
  ['FATAL:  permission denied for database "orders"', 'no-connect', /connect to 'orders'/],
  ['connection to server at "x", port 5432 failed: SSL error: certificate verify failed', 'certificate', /nobody who is trusted/],
  ['Error: self-signed certificate in certificate chain', 'certificate', /nobody who is trusted/],
  [
    'server certificate for "orders.rds" (and 2 other names) does not match host name "db.acme.example"',
    'certificate',
    /'db.acme.example'/,
  ],
  ["Hostname/IP does not match certificate's altnames", 'certificate', /this name/],
  ['connection to server at "orders" (10.0.0.2), port 5432 failed: Connection timed out', 'network', /drops/],
  ['Error: connect ECONNREFUSED 127.0.0.1:15432', 'network', /nothing listens/],
  ['could not translate host name "orders" to address: Name or service not known', 'network', /not known/],
  ["ERROR 1045 (28000): Access denied for user 'app'@'10.0.0.1' (using password: YES)", 'denied', /of 'app'/],
  ['Error: MYSQL_CLEAR_PASSWORD_NOT_ENABLED', 'cleartext', /clear-text plugin/],
  ["ERROR 1524 (HY000): Plugin 'AWSAuthenticationPlugin' is not loaded", 'iam-off', /is off/],
  ["ERROR 3118 (HY000): Access denied for user 'app'@'%'. Account is locked.", 'no-login', /locked/],
  ['ERROR 1862 (HY000): Your password has expired.', 'password', /expired/],
  ['ERROR 3159 (HY000): Connections using insecure transport are prohibited while --require_secure_transport=ON.', 'tls', /encrypted/],
];

test.each(CORPUS)('%s', (line, cause, says) => {
  expect(meaningsOf(line)).toEqual([{ line: 1, cause, message: expect.stringMatching(says), hint: expect.stringMatching(/./) }]);
});

test('lines that are not known say nothing, and lines are counted', () => {
  expect(meaningsOf('LOG:  checkpoint starting: time\n\nFATAL:  role "a" does not exist\n')).toMatchObject([{ line: 3, cause: 'no-user' }]);
});

test('nothing that is secret is repeated', () => {
  const token = 'orders.rds:5432/?Action=connect&DBUser=app&X-Amz-Security-Token=canary&X-Amz-Signature=canary';
  const text = `PGPASSWORD='${token}' psql "password=canary" failed: FATAL:  PAM authentication failed for user "app"`;
  expect(JSON.stringify(meaningsOf(text))).not.toContain('canary');
  // What a client sent where a name belongs.
  const named = meaningsOf(`FATAL:  password authentication failed for user "${token}"`);
  expect(named).toMatchObject([{ cause: 'no-iam-user', message: expect.not.stringContaining('canary') }]);
});
