import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Endpoint, Target } from '../../../src/model/declared.ts';
import { addressOf } from '../../../src/providers/postgres/address.ts';
import { connectionFindings } from '../../../src/providers/postgres/exposure.ts';
import { passwordIn } from '../../../src/providers/postgres/passfile.ts';
import { connectFailure, readError } from '../../../src/providers/postgres/trouble.ts';
import { targetOf } from '../declared.ts';

const CANARY = 'c4n@ry-p:ss\\word';
const target = targetOf({ name: 'orders' });
const address = { host: 'db.example.com', port: 5432, user: 'rolecall', database: 'app', password: CANARY, tls: 'verify-full' } as const;
const peer = { target, address };

const thrown = (code: string, message = 'said by the server') => Object.assign(new Error(message), { code });

describe('an error of connecting', () => {
  test.each([
    ['a server that is down', thrown('ECONNREFUSED'), 'connect/refused', "nothing listens on port 5432 of 'db.example.com'"],
    [
      'a server that is down at all its addresses',
      Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' }),
      'connect/refused',
      'nothing listens',
    ],
    ['an unknown host', thrown('ENOTFOUND'), 'connect/unknown-host', "'db.example.com' is not known"],
    ['no answer', thrown('ETIMEDOUT'), 'connect/timeout', 'no answer'],
    ['no answer, as the driver says it', new Error('timeout expired'), 'connect/timeout', 'no answer'],
    ['an unreachable network', thrown('ENETUNREACH'), 'connect/unreachable', 'cannot be reached'],
    ['a wrong password', thrown('28P01'), 'connect/password', "the password of 'rolecall' is wrong"],
    [
      'a role without LOGIN',
      thrown('28000', 'role "rolecall" is not permitted to log in'),
      'connect/no-login',
      "'rolecall' may not log in",
    ],
    [
      'a line missing from pg_hba.conf',
      thrown('28000', 'no pg_hba.conf entry for host "1.2.3.4", no encryption'),
      'connect/not-admitted',
      'no pg_hba.conf entry',
    ],
    [
      'a password login of an IAM user',
      thrown('28000', 'PAM authentication failed for user "rolecall"'),
      'connect/password',
      'PAM authentication',
    ],
    ['a login of Kerberos', new Error('Unknown authenticationOk message type 7'), 'connect/kerberos', "a Kerberos ticket of 'rolecall'"],
    ['a missing database', thrown('3D000'), 'connect/no-database', "there is no database 'app'"],
    ['no CONNECT', thrown('42501'), 'connect/no-connect', "'rolecall' may not connect to the database 'app'"],
    ['a closed database', thrown('55000'), 'connect/closed', 'takes no connections'],
    ['too many connections', thrown('53300', 'sorry, too many clients already'), 'connect/too-many', 'too many clients'],
    ['a starting server', thrown('57P03', 'the database system is starting up'), 'connect/not-ready', 'starting up'],
    ['a server without TLS', new Error('The server does not support SSL connections'), 'connect/no-tls', 'does not speak TLS'],
    ['an unknown authority', thrown('SELF_SIGNED_CERT_IN_CHAIN'), 'connect/certificate', 'nobody who is trusted here'],
    ['an expired certificate', thrown('CERT_HAS_EXPIRED'), 'connect/certificate-time', 'has expired'],
    ['a certificate for another host', thrown('ERR_TLS_CERT_ALTNAME_INVALID'), 'connect/certificate-host', "not for 'db.example.com'"],
    ['a TLS alert', thrown('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION'), 'connect/tls', 'could not be agreed upon'],
    ['anything else', new Error('Connection terminated unexpectedly'), 'connect/lost', 'Connection terminated unexpectedly'],
  ])('%s has a code, a subject, a place and a hint', (_name, error, code, said) => {
    const [finding, ...others] = connectFailure(error, peer).findings;
    expect(others).toEqual([]);
    expect(finding).toMatchObject({ severity: 'error', code, target: 'orders', source: target.source });
    expect(finding!.message).toContain(said);
    expect(finding!.message).toMatch(/^target 'orders': .*\(db\.example\.com:5432, database 'app', user 'rolecall'\)$/s);
    expect(finding!.hint).toMatch(/\w+/);
  });

  test('never repeats the password, whatever the driver says', () => {
    const failure = connectFailure(thrown('53300', `no ${CANARY} here`), peer);
    expect(JSON.stringify(failure.findings) + failure.message + failure.stack).not.toContain(JSON.stringify(CANARY).slice(1, -1));
    expect(failure.message).toContain('no *** here');
  });

  test('names the address of an IPv6 host in brackets', () => {
    expect(connectFailure(thrown('ECONNREFUSED'), { target, address: { ...address, host: '::1' } }).message).toContain('([::1]:5432,');
  });
});

describe('an error of connecting by token', () => {
  const place = {
    kind: 'cluster',
    identifier: 'orders',
    partition: 'aws',
    region: 'eu-west-1',
    account: '123456789012',
    resources: [{ id: 'cluster-A', region: 'eu-west-1' }],
    proxies: [],
    members: {},
    iamAuthentication: true,
    iamPending: false,
    masterUser: null,
    masterIam: false,
    engine: 'aurora-postgresql',
    version: '17.4',
    certificates: [],
  } as const;
  const byToken = targetOf({ name: 'orders', login: { user: 'rolecall', auth: 'iam' } });
  test.each([
    [
      'a refusal',
      { ...byToken, place },
      thrown('28000', 'PAM authentication failed for user "rolecall"'),
      'connect/token',
      'arn:aws:rds-db:eu-west-1:123456789012:dbuser:cluster-A/rolecall',
    ],
    [
      'a refusal where the resource is not known',
      byToken,
      thrown('28000', 'PAM authentication failed for user "rolecall"'),
      'connect/token',
      'RESOURCE_ID/rolecall',
    ],
    ['a user without rds_iam', byToken, thrown('28P01'), 'connect/not-iam', 'GRANT rds_iam TO "rolecall"'],
    ['a role without LOGIN', byToken, thrown('28000', 'role "rolecall" is not permitted to log in'), 'connect/no-login', 'LOGIN'],
    ['an unknown authority', byToken, thrown('SELF_SIGNED_CERT_IN_CHAIN'), 'connect/certificate', 'ca: rds'],
  ])('%s says what to check', (_name, of, error, code, hint) => {
    const [finding] = connectFailure(error, { target: of, address }).findings;
    expect(finding).toMatchObject({ severity: 'error', code, target: 'orders', hint: expect.stringContaining(hint) });
  });

  test('through a tunnel names both ends, and blames the tunnel for the network', () => {
    const via = { host: '127.0.0.1', port: 15432 };
    const [finding] = connectFailure(thrown('ECONNREFUSED'), { target: byToken, address: { ...address, via } }).findings;
    expect(finding!.message).toContain("nothing listens on port 15432 of '127.0.0.1' (db.example.com:5432 via 127.0.0.1:15432,");
    expect(finding!.hint).toContain("'endpoint.via'");
  });
});

describe('an address', () => {
  const login = { user: 'rolecall', auth: 'iam' } as const;
  test.each<[string, Target, string]>([
    ['that was not found in RDS', targetOf({ endpoint: { kind: 'rds' } }), 'connect/not-found'],
    ['that was not found in RDS, by token', targetOf({ endpoint: { kind: 'rds' }, login }), 'connect/iam'],
    ['without TLS, by token', targetOf({ login }), 'connect/iam-needs-tls'],
    [
      'without a way to a token',
      targetOf({ endpoint: { kind: 'explicit', host: 'db.example.com', port: 5432, tls: 'verify-full' }, login }),
      'connect/iam',
    ],
  ])('%s is refused, whatever the environment says', async (_name, of, code) => {
    const env = {
      PGHOST: '127.0.0.1',
      PGUSER: 'app',
      PGPASSWORD: CANARY,
      DATABASE_URL: 'postgres://app@127.0.0.1/app',
      LAB_PASSWORD: CANARY,
    };
    await expect(addressOf(of, { as: 'plan' }, env)).rejects.toMatchObject({ findings: [{ severity: 'error', code }] });
  });

  const at = (host: string, ca?: string): Target =>
    targetOf({ endpoint: { kind: 'explicit', host, port: 5432, tls: 'verify-full', ...(ca ? { ca } : {}) } });
  test.each([
    ['an endpoint of RDS', at('a.cluster-b.eu-west-1.rds.amazonaws.com'), true],
    ['another server that says so', at('db.example.com', 'rds'), true],
    ['an endpoint of RDS Proxy', at('a.proxy-b.eu-west-1.rds.amazonaws.com'), false],
    ['another server', at('db.example.com'), false],
  ])('of %s is verified by the authorities of RDS, or by those of Node', async (_name, of, expected) => {
    const { ca } = await addressOf(of, { as: 'plan' }, { LAB_PASSWORD: CANARY });
    const subjects = (ca ?? '').split(/(?=-----BEGIN)/).map((pem) => (pem ? new X509Certificate(pem).subject : ''));
    expect(subjects.some((subject) => /RDS eu-west-1 Root CA RSA2048 G1/.test(subject))).toBe(expected);
    expect(ca === undefined).toBe(!expected);
    expect(subjects.join()).not.toMatch(/CN=Amazon Root CA/);
  });
});

describe('an error of reading', () => {
  test.each([
    ['statement timeout', thrown('57014', 'canceling statement due to statement timeout'), 'inspect/timeout'],
    ['a reply that does not come', new Error('Query read timeout'), 'inspect/timeout'],
    ['lock timeout', thrown('55P03', 'canceling statement due to lock timeout'), 'inspect/locked'],
    ['a missing right', thrown('42501', 'permission denied for view pg_roles'), 'inspect/not-permitted'],
    ['a terminated session', thrown('57P01', 'terminating connection due to administrator command'), 'inspect/lost'],
    ['a reset connection', thrown('ECONNRESET', 'read ECONNRESET'), 'inspect/lost'],
    ['a closed connection', new Error('Connection terminated unexpectedly'), 'inspect/lost'],
    ['another error of the server', thrown('XX000', 'cache lookup failed'), 'inspect/server'],
  ])('%s becomes a finding that names target and database', (_name, error, code) => {
    const failure = readError(error, peer) as Error & { findings: readonly { code: string; message: string }[] };
    expect(failure.findings).toMatchObject([{ code, target: 'orders' }]);
    expect(failure.findings[0]!.message).toContain("target 'orders'");
    expect(failure.findings[0]!.message).toContain("database 'app'");
  });

  test('a bug of ours stays what it is', () => {
    const bug = new TypeError('undefined is not a function');
    expect(readError(bug, peer)).toBe(bug);
  });
});

describe('an unverified server', () => {
  const at = (host: string, tls: 'verify-full' | 'require' | 'disable') =>
    connectionFindings(targetOf({ endpoint: { kind: 'explicit', host, port: 5432, tls } satisfies Endpoint }));

  test.each([
    ['db.example.com', 'disable'],
    ['db.example.com', 'require'],
    ['localhost.example.com', 'disable'],
    ['10.0.0.1', 'require'],
  ] as const)('is warned of: %s, tls %s', (host, tls) => {
    expect(at(host, tls)).toMatchObject([{ severity: 'warning', code: 'connect/unverified', source: target.source }]);
  });

  test.each([
    ['db.example.com', 'verify-full'],
    ['localhost', 'disable'],
    ['127.0.0.1', 'require'],
    ['::1', 'disable'],
  ] as const)('is not warned of: %s, tls %s', (host, tls) => {
    expect(at(host, tls)).toEqual([]);
  });
});

describe('a password file', () => {
  const wanted = { host: 'db', port: 5432, database: 'app', user: 'me' };
  test.each([
    ['a full match', 'db:5432:app:me:secret', 'secret'],
    ['stars', '*:*:*:*:secret', 'secret'],
    ['the first line that fits', 'other:5432:app:me:no\ndb:*:app:me:yes\n*:*:*:*:late', 'yes'],
    ['a comment', '#db:5432:app:me:no\ndb:5432:app:me:yes', 'yes'],
    ['escaped colons and backslashes', 'db:5432:app:me:a\\:b\\\\c', 'a:b\\c'],
    ['colons in the password', 'db:5432:app:me:a:b', 'a:b'],
    ['Windows line ends', 'db:5432:app:me:secret\r\n', 'secret'],
    ['another user', 'db:5432:app:you:secret', undefined],
    ['another port', 'db:5433:app:me:secret', undefined],
    ['a short line', 'db:5432:app', undefined],
    ['nothing', '', undefined],
  ])('%s', (_name, text, expected) => {
    expect(passwordIn(text, wanted)).toBe(expected);
  });

  test('escapes in names', () => {
    expect(passwordIn('*:*:a\\:b:*:secret', { ...wanted, database: 'a:b' })).toBe('secret');
  });

  test('a socket is looked up as localhost', () => {
    expect(passwordIn('localhost:5432:app:me:secret', { ...wanted, host: '/run/postgresql' })).toBe('secret');
  });
});
