import net from 'node:net';
import { inspect as show } from 'node:util';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import type { Target } from '../../../src/model/declared.ts';
import type { Finding } from '../../../src/model/finding.ts';
import { type ConnectOptions, connect } from '../../../src/providers/mysql/connect.ts';
import { isFetched } from '../../lab/mysql/builds.ts';
import { eachMysql, useMysql, WANTED } from '../../lab/mysql/versions.ts';
import { startClearAsker } from './clear-asker.ts';
import { mysqlTarget } from './target.ts';

const PASSWORD = "c4n@ry-p:ss 'word";
const quoted = `'${PASSWORD.replaceAll("'", "''")}'`;

/** Logs in, asks, logs out. */
const ask = async (target: Target, options: Partial<ConnectOptions> = {}, sql = 'SELECT CURRENT_USER()') => {
  const connected = await connect(target, { as: 'apply', env: { LAB_PASSWORD: PASSWORD }, ...options });
  try {
    return (await connected.ask(sql))[0];
  } finally {
    await connected.close();
  }
};

/** The finding of a refused login; the password is in nothing that could be printed of it. */
const refused = async (target: Target, options: Partial<ConnectOptions> = {}): Promise<Finding> => {
  const error = await ask(target, options).then(
    () => expect.fail('it let us in'),
    (thrown) => thrown,
  );
  const printed = [error.message, error.stack, show(error, { depth: 9, showHidden: true }), JSON.stringify(error.findings)].join('\n');
  expect(printed).not.toContain(PASSWORD);
  expect(error.findings, printed).toHaveLength(1);
  return error.findings[0];
};

const nobodyListens = async (): Promise<number> => {
  const probe = net.createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as net.AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
};

eachMysql((server, version) => {
  const isMysql = () => server().flavour === 'mysql';
  const at = (login: Partial<Target['login']> = {}, endpoint: object = {}) => mysqlTarget(server(), { user: 'app', ...login }, endpoint);
  const verified = (host: string, more: object = {}) => ({ host, tls: 'verify-full', ca: server().caFile, ...more });

  beforeAll(async () => {
    const { query, master, superuser } = server();
    await query(
      master,
      `CREATE USER app@'%' IDENTIFIED BY ${quoted}`,
      `CREATE USER reader@'%' IDENTIFIED BY ${quoted}`,
      `CREATE USER locked@'%' IDENTIFIED BY ${quoted} ACCOUNT LOCK`,
      `CREATE USER expired@'%' IDENTIFIED BY ${quoted} PASSWORD EXPIRE`,
      `CREATE USER only_tls@'%' IDENTIFIED BY ${quoted} REQUIRE SSL`,
      `CREATE USER crowded@'%' IDENTIFIED BY ${quoted} WITH MAX_CONNECTIONS_PER_HOUR 1`,
      `CREATE USER elsewhere@'10.9.8.7' IDENTIFIED BY ${quoted}`,
      `CREATE USER "jane@example.com"@'%' IDENTIFIED BY ${quoted}`,
    );
    // as a setting of the server that no login may be touched by
    await query(superuser, "SET GLOBAL sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'", 'SET GLOBAL sql_quote_show_create = 0');
    await query(superuser, 'SET GLOBAL completion_type = 2', `SET GLOBAL ${isMysql() ? 'max_execution_time' : 'max_statement_time'} = 1`);
  });

  test('comes in as user when applying and as plan_user when planning', async () => {
    const both = at({ planUser: 'reader' });
    expect(await ask(both, { as: 'apply' })).toEqual(['app@%']);
    expect(await ask(both, { as: 'plan' })).toEqual(['reader@%']);
    expect(await ask(at({ user: 'jane@example.com' }))).toEqual(['jane@example.com@%']);
  });

  test('sets up the session, whatever the server prefers', async () => {
    const sql = `SELECT @@sql_mode, @@sql_quote_show_create, @@character_set_client, @@character_set_results, @@autocommit, @@lock_wait_timeout,
 @@completion_type, ${isMysql() ? '@@max_execution_time' : 'ROUND(@@max_statement_time)'}`;
    expect(await ask(at(), { lockTimeoutMs: 3_500 }, sql)).toEqual([
      `STRICT_ALL_TABLES,${isMysql() ? '' : 'NO_AUTO_CREATE_USER,'}NO_ENGINE_SUBSTITUTION`,
      1,
      'utf8mb4',
      'utf8mb4',
      1,
      4,
      'NO_CHAIN',
      0,
    ]);
  });

  test('values come back as they stand there', async () => {
    const sql = `SELECT 'ſnö ☃ 🌍', CAST(18446744073709551615 AS UNSIGNED), NULL, '{"a": 1}', 'x\\\\y'`;
    expect(await ask(at(), {}, sql)).toEqual(['ſnö ☃ 🌍', '18446744073709551615', null, '{"a": 1}', 'x\\y']);
  });

  test('one statement at a time is sent', async () => {
    await expect(ask(at(), {}, 'SELECT 1; SELECT 2')).rejects.toMatchObject({ errno: 1064 });
  });

  test.each<[string, Partial<Target['login']>, string, string]>([
    ['a wrong password', { password: { source: 'env', name: 'WRONG', text: '$' + '{env:WRONG}' } }, 'connect/password', "'app'"],
    ['an unknown user', { user: 'nobody' }, 'connect/password', "'nobody'"],
    ['an account for another host', { user: 'elsewhere' }, 'connect/password', "'elsewhere'"],
    ['an account that requires TLS', { user: 'only_tls' }, 'connect/password', "'only_tls'"],
    ['an account that is locked', { user: 'locked' }, 'connect/no-login', "'locked' may not log in"],
    ['a password that has expired', { user: 'expired' }, 'connect/expired', "'expired' has expired"],
    [
      'an unset variable',
      { password: { source: 'env', name: 'UNSET', text: '$' + '{env:UNSET}' } },
      'connect/no-variable',
      "'UNSET' is not set",
    ],
    ['IAM without TLS', { auth: 'iam' }, 'connect/iam-needs-tls', "'tls: disable' would show the token"],
  ])('is refused for %s, at its place in the manifest', async (_name, login, code, said) => {
    const target = at(login);
    const finding = await refused(target, { env: { LAB_PASSWORD: PASSWORD, WRONG: `${PASSWORD}!` } });
    expect(finding).toMatchObject({ code, severity: 'error', target: 'lab', source: target.source });
    expect(finding.message).toContain(said);
    expect(finding.hint).toBeTruthy();
  });

  test('is refused for a password that is too long for the key of a server without TLS', async () => {
    // What MySQL's RSA key of 2048 bits holds with OAEP: 256 - 42 bytes, of which one ends the password.
    const long = (length: number): string => 'long '.repeat(60).slice(0, length);
    const { query, master } = server();
    for (const length of [213, 214, 246]) await query(master, `CREATE USER long_${length}@'%' IDENTIFIED BY '${long(length)}'`);
    const come = async (length: number) => {
      const comes = ask(at({ user: `long_${length}` }), { env: { LAB_PASSWORD: long(length) } });
      return await comes.then(String, ({ findings: [{ code, message }] }) => `${code} ${message.replace(/ \([^()]*\)$/, '')}`);
    };
    const refusal = (length: number): string =>
      isMysql()
        ? `connect/needs-tls target 'lab': the password of 'long_${length}' is longer than what the server's key can encrypt, and TLS is off`
        : `long_${length}@%`;
    expect([await come(213), await come(214), await come(246)]).toEqual(['long_213@%', refusal(214), refusal(246)]);
  });

  test('is refused for what it has done in this hour', async () => {
    await ask(at({ user: 'crowded' }));
    expect(await refused(at({ user: 'crowded' }))).toMatchObject({ code: 'connect/limit' });
  });

  test('is refused for the other flavour', async () => {
    const [other, name] = isMysql() ? (['mariadb', 'MySQL'] as const) : (['mysql', 'MariaDB'] as const);
    const finding = await refused({ ...at(), engine: other });
    expect(finding.code).toBe('connect/engine');
    expect(finding.message).toContain(`the server is ${name} ${version}`);
    expect(finding.message).toContain(`'engine: ${other}'`);
  });

  test('a server that admits nobody without TLS says so', async () => {
    await server().query(server().superuser, 'SET GLOBAL require_secure_transport = ON');
    try {
      // MariaDB 10.11 says what it says to a wrong password
      const code = version === '10.11' ? 'connect/password' : 'connect/needs-tls';
      const finding = await refused(at());
      expect(finding.code).toBe(code);
      expect(finding.hint).toMatch(/tls/i);
      expect(await ask(at({}, verified('localhost')))).toEqual(['app@%']);
    } finally {
      await server().query(server().superuser, 'SET GLOBAL require_secure_transport = OFF');
    }
  });

  describe('with TLS', () => {
    const encrypted = "SHOW SESSION STATUS LIKE 'Ssl_version'";

    test.each(['localhost', '127.0.0.1'])('%s is verified against the authority of the manifest', async (host) => {
      expect(await ask(at({}, verified(host)), {}, encrypted)).toEqual(['Ssl_version', 'TLSv1.3']);
    });

    test('an account that requires it comes in', async () => {
      expect(await ask(at({ user: 'only_tls' }, verified('localhost')))).toEqual(['only_tls@%']);
    });

    test('the certificate is that of the endpoint, whatever is dialled', async () => {
      const via = { host: '127.0.0.1', port: server().port };
      expect(await ask(at({}, verified('localhost', { port: 1, via })))).toEqual(['app@%']);
      for (const host of ['db.example.com', '10.1.2.3']) {
        expect(await refused(at({}, verified(host, { port: 1, via })))).toMatchObject({ code: 'connect/certificate-host' });
      }
    });

    test('is refused when another authority signed the certificate', async () => {
      expect(await refused(at({}, { host: 'localhost', tls: 'verify-full' }))).toMatchObject({ code: 'connect/certificate' });
      expect(await refused(at({}, { host: 'localhost', tls: 'verify-full', ca: 'rds' }))).toMatchObject({ code: 'connect/certificate' });
    });

    test('is refused when the CA file is missing', async () => {
      const finding = await refused(at({}, verified('localhost', { ca: '/nowhere/ca.pem' })));
      expect(finding.message).toContain("'/nowhere/ca.pem' cannot be read (ENOENT)");
    });

    test('is believed when only encryption is asked for', async () => {
      expect(await ask(at({}, { tls: 'require' }), {}, encrypted)).toEqual(['Ssl_version', 'TLSv1.3']);
    });
  });

  test('leaves no session behind a refusal', async () => {
    const sql = "SELECT USER FROM information_schema.PROCESSLIST WHERE USER IN ('app', 'locked', 'expired', 'crowded')";
    await vi.waitFor(async () => expect(await server().query(server().master, sql)).toEqual([]));
  });
});

const somewhere = WANTED.filter(isFetched).at(-1);
describe.skipIf(somewhere === undefined)('without TLS', () => {
  const server = useMysql(somewhere!, { tls: 'none' });
  const at = (endpoint: object) => mysqlTarget(server(), {}, endpoint);

  test('does not go on when TLS is asked for', async () => {
    for (const tls of ['verify-full', 'require']) expect(await refused(at({ tls }))).toMatchObject({ code: 'connect/no-tls' });
  });

  test('says that nothing listens', async () => {
    expect(await refused(at({ port: await nobodyListens() }))).toMatchObject({ code: 'connect/refused' });
  });

  test('says that the host is unknown', async () => {
    expect(await refused(at({ host: 'nowhere.invalid' }))).toMatchObject({ code: 'connect/unknown-host' });
  });

  test('gives up on a server that does not answer, and leaves no connection', async () => {
    const open = new Set<net.Socket>();
    const deaf = net.createServer((socket) => {
      open.add(socket);
      socket
        .resume()
        .on('error', () => {})
        .on('close', () => open.delete(socket));
    });
    await new Promise<void>((resolve) => deaf.listen(0, '127.0.0.1', resolve));
    const { port } = deaf.address() as net.AddressInfo;
    expect(await refused(at({ port }), { connectTimeoutMs: 200 })).toMatchObject({ code: 'connect/timeout' });
    await vi.waitFor(() => expect(open.size).toBe(0));
    deaf.close();
  });

  test('a password is not told to a server that asks for it in the clear', async () => {
    const asker = await startClearAsker();
    const finding = await refused(at({ port: asker.port }));
    expect(finding).toMatchObject({ code: 'connect/clear-password' });
    expect(asker.heard()).not.toContain(PASSWORD);
    expect(asker.heard()).toContain('master');
    await asker.close();
  });
});
