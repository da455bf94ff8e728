import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { inspect as show } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Target } from '../../src/model/declared.ts';
import { type ConnectOptions, connect } from '../../src/providers/postgres/connect.ts';
import { useServer } from '../lab/majors.ts';
import { targetOf } from '../providers/declared.ts';

const PASSWORD = 'c4n@ry-p:ss word';
const scratch = mkdtempSync(path.join(tmpdir(), 'rolecall-connect-'));
const SECRET = targetOf().login.password!;

/** Logs in, asks, logs out. */
const ask = async (target: Target, options: Partial<ConnectOptions> = {}, sql = 'SELECT current_user AS me') => {
  const connected = await connect(target, { as: 'apply', database: 'postgres', env: { LAB_PASSWORD: PASSWORD }, ...options });
  try {
    return (await connected.client.query(sql)).rows[0];
  } finally {
    await connected.close();
  }
};

/** The finding of a refused login, and everything that could be printed of it. */
const refused = async (target: Target, options: Partial<ConnectOptions> = {}) => {
  const error = await ask(target, options).then(
    () => expect.fail('it let us in'),
    (thrown) => thrown,
  );
  const printed = [error.message, error.stack, show(error, { depth: 9, showHidden: true }), JSON.stringify(error.findings)].join('\n');
  expect(printed).not.toContain(PASSWORD);
  expect(error.findings).toHaveLength(1);
  return error.findings[0];
};

const nobodyListens = async (): Promise<number> => {
  const probe = net.createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as net.AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
};

afterEach(() => {
  vi.unstubAllEnvs();
});
afterAll(() => rmSync(scratch, { recursive: true }));

describe('a login with a password', () => {
  const server = useServer(17);
  const at = (rest: Partial<Target> = {}) =>
    targetOf({
      endpoint: { kind: 'explicit', host: '127.0.0.1', port: server().port, tls: 'disable' },
      login: { user: 'app', auth: 'password', password: SECRET },
      ...rest,
    });

  beforeAll(async () => {
    const { query, superuser } = server();
    await query(superuser, 'postgres', `CREATE ROLE app LOGIN PASSWORD '${PASSWORD}'`);
    await query(superuser, 'postgres', `CREATE ROLE reader LOGIN PASSWORD '${PASSWORD}'`);
    await query(superuser, 'postgres', `CREATE ROLE locked NOLOGIN PASSWORD '${PASSWORD}'`);
    await query(superuser, 'postgres', `CREATE ROLE crowded LOGIN CONNECTION LIMIT 0 PASSWORD '${PASSWORD}'`);
    await query(superuser, 'postgres', 'CREATE DATABASE closed');
    await query(superuser, 'postgres', 'REVOKE CONNECT ON DATABASE closed FROM PUBLIC');
  });

  test('comes in as user when applying and as plan_user when planning', async () => {
    const both = at({ login: { user: 'app', planUser: 'reader', auth: 'password', password: SECRET } });
    expect(await ask(both, { as: 'apply' })).toEqual({ me: 'app' });
    expect(await ask(both, { as: 'plan' })).toEqual({ me: 'reader' });
  });

  test('sets up the session, whatever the role prefers', async () => {
    await server().query(
      server().superuser,
      'postgres',
      'ALTER ROLE app SET search_path = public; ALTER ROLE app SET quote_all_identifiers = on',
    );
    const sql = `SELECT current_setting('search_path') AS path, current_setting('quote_all_identifiers') AS quotes, current_setting('application_name') AS name,
                        current_setting('statement_timeout') AS statement, current_setting('lock_timeout') AS lock`;
    expect(await ask(at(), { statementTimeoutMs: 1234 }, sql)).toEqual({
      path: 'pg_catalog',
      quotes: 'off',
      name: 'rolecall',
      statement: '1234ms',
      lock: '10s',
    });
  });

  test('heeds no variable of libpq', async () => {
    const lies = {
      PGHOST: 'nowhere.invalid',
      PGPORT: '1',
      PGUSER: 'nobody',
      PGPASSWORD: 'wrong',
      PGDATABASE: 'nothing',
      PGSSLMODE: 'require',
      PGSSLNEGOTIATION: 'direct',
      PGOPTIONS: '-c work_mem=1MB',
      PGREPLICATION: 'database',
      PGAPPNAME: 'liar',
      PGCLIENT_ENCODING: 'LATIN1',
      DATABASE_URL: 'postgres://nobody:wrong@nowhere.invalid/nothing',
    };
    for (const [name, value] of Object.entries(lies)) vi.stubEnv(name, value);
    const sql =
      "SELECT current_user AS me, current_database() AS here, current_setting('work_mem') AS memory, current_setting('application_name') AS name";
    expect(await ask(at(), { env: { ...lies, LAB_PASSWORD: PASSWORD } }, sql)).toEqual({
      me: 'app',
      here: 'postgres',
      memory: '4MB',
      name: 'rolecall',
    });
  });

  test('does not take PGPASSWORD for a password that the manifest lacks', async () => {
    vi.stubEnv('PGPASSWORD', PASSWORD);
    expect(await refused(at({ login: { user: 'app', auth: 'password' } }), { env: { PGPASSWORD: PASSWORD } })).toMatchObject({
      code: 'connect/no-password',
    });
  });

  test.each<[string, Partial<Target['login']>, string, string, string]>([
    [
      'a wrong password',
      { user: 'app', password: { ...SECRET, name: 'WRONG' } },
      'postgres',
      'connect/password',
      "the password of 'app' is wrong",
    ],
    ['an unknown user', { user: 'nobody' }, 'postgres', 'connect/password', "'nobody'"],
    ['a role that may not log in', { user: 'locked' }, 'postgres', 'connect/no-login', "'locked' may not log in"],
    ['a connection limit', { user: 'crowded' }, 'postgres', 'connect/too-many', 'crowded'],
    ['an unknown database', { user: 'app' }, 'nothing', 'connect/no-database', "'nothing'"],
    ['no CONNECT', { user: 'app' }, 'closed', 'connect/no-connect', "'app' may not connect to the database 'closed'"],
    ['a closed database', { user: 'app' }, 'template0', 'connect/closed', "'template0'"],
    ['an unset variable', { password: { ...SECRET, name: 'UNSET' } }, 'postgres', 'connect/no-variable', "'UNSET' is not set"],
    ['an empty variable', { password: { ...SECRET, name: 'EMPTY' } }, 'postgres', 'connect/no-variable', "'EMPTY' is empty"],
    ['IAM without TLS', { auth: 'iam' }, 'postgres', 'connect/iam-needs-tls', "'tls: disable' would show the token"],
  ])('is refused for %s, at its place in the manifest', async (_name, login, database, code, said) => {
    const target = at({ login: { user: 'app', auth: 'password', password: SECRET, ...login } });
    const finding = await refused(target, { database, env: { LAB_PASSWORD: PASSWORD, WRONG: `${PASSWORD}!`, EMPTY: '' } });
    expect(finding).toMatchObject({ code, severity: 'error', target: 'lab', source: target.source });
    expect(finding.message).toContain(said);
    expect(finding.hint).toBeTruthy();
  });

  test('says that pg_hba.conf has no line for it', async () => {
    await server().setHba('host all app 127.0.0.1/32 reject');
    try {
      expect(await refused(at())).toMatchObject({ code: 'connect/not-admitted' });
    } finally {
      await server().setHba('');
    }
  });

  test('says that nothing listens', async () => {
    const target = at({ endpoint: { kind: 'explicit', host: '127.0.0.1', port: await nobodyListens(), tls: 'disable' } });
    expect(await refused(target)).toMatchObject({ code: 'connect/refused' });
  });

  test('says that the host is unknown', async () => {
    const target = at({ endpoint: { kind: 'explicit', host: 'nowhere.invalid', port: 5432, tls: 'disable' } });
    expect((await refused(target)).code).toBe('connect/unknown-host');
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
    const target = at({
      endpoint: { kind: 'explicit', host: '127.0.0.1', port: (deaf.address() as net.AddressInfo).port, tls: 'disable' },
    });
    expect(await refused(target, { connectTimeoutMs: 200 })).toMatchObject({ code: 'connect/timeout' });
    await vi.waitFor(() => expect(open.size).toBe(0));
    deaf.close();
  });

  test('says that it is asked for what the driver does not know', async () => {
    // PostgreSQL manual, "Message Formats": AuthenticationGSS, which no server of the lab was built for.
    const wanting = net.createServer((socket) => {
      socket.on('error', () => {}).once('data', () => socket.write(Buffer.from([82, 0, 0, 0, 8, 0, 0, 0, 7])));
    });
    await new Promise<void>((resolve) => wanting.listen(0, '127.0.0.1', resolve));
    const { port } = wanting.address() as net.AddressInfo;
    const target = at({ endpoint: { kind: 'explicit', host: '127.0.0.1', port, tls: 'disable' } });
    expect(await refused(target)).toMatchObject({ code: 'connect/kerberos', hint: expect.stringContaining('REVOKE rds_ad') });
    wanting.close();
  });

  test('does not go on without TLS when TLS is asked for', async () => {
    for (const tls of ['verify-full', 'require'] as const) {
      const target = at({ endpoint: { kind: 'explicit', host: '127.0.0.1', port: server().port, tls } });
      expect(await refused(target)).toMatchObject({ code: 'connect/no-tls' });
    }
  });

  test('leaves no session behind a refusal', async () => {
    const count = async () =>
      await server().query(
        server().superuser,
        'postgres',
        "SELECT count(*)::int AS n FROM pg_stat_activity WHERE usename IN ('app', 'crowded', 'locked')",
      );
    await vi.waitFor(async () => expect(await count()).toEqual([{ n: 0 }]));
  });

  describe('from the environment', () => {
    const environment = targetOf({ endpoint: { kind: 'env' }, login: { auth: 'password' } });
    const port = () => String(server().port);
    const where = 'SELECT current_user AS me, current_database() AS here';
    const from = (env: Record<string, string>, database?: string) =>
      ask(
        environment,
        { ...(database === undefined ? { database: undefined as never } : { database }), env: { HOME: scratch, ...env } },
        where,
      );

    test('takes PGHOST, PGPORT, PGUSER, PGPASSWORD and PGDATABASE', async () => {
      expect(await from({ PGHOST: '127.0.0.1', PGPORT: port(), PGUSER: 'app', PGPASSWORD: PASSWORD, PGDATABASE: 'template1' })).toEqual({
        me: 'app',
        here: 'template1',
      });
    });

    test('takes DATABASE_URL before the variables', async () => {
      const url = `postgresql://app:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port()}/postgres?sslmode=prefer`;
      expect(await from({ DATABASE_URL: url, PGHOST: 'nowhere.invalid', PGUSER: 'nobody' })).toEqual({ me: 'app', here: 'postgres' });
      expect(await from({ DATABASE_URL: url }, 'template1')).toEqual({ me: 'app', here: 'template1' });
    });

    test('takes the password from a password file that nobody else may read', async () => {
      const file = path.join(scratch, 'pgpass');
      writeFileSync(file, `127.0.0.1:${port()}:*:app:${PASSWORD.replaceAll(':', '\\:')}\n`, { mode: 0o600 });
      const env = { PGHOST: '127.0.0.1', PGPORT: port(), PGUSER: 'app', PGPASSFILE: file };
      expect(await from(env, 'postgres')).toEqual({ me: 'app', here: 'postgres' });
      const open = path.join(scratch, 'open');
      writeFileSync(open, `*:*:*:*:${PASSWORD}\n`, { mode: 0o644 });
      expect(await refused(environment, { env: { ...env, PGPASSFILE: open } })).toMatchObject({ code: 'connect/no-password' });
    });

    test("takes the manifest's user and password before all others", async () => {
      const target = targetOf({ endpoint: { kind: 'env' }, login: { user: 'reader', auth: 'password', password: SECRET } });
      expect(
        await ask(target, { env: { PGHOST: '127.0.0.1', PGPORT: port(), PGUSER: 'nobody', PGPASSWORD: 'wrong', LAB_PASSWORD: PASSWORD } }),
      ).toEqual({ me: 'reader' });
    });

    test.each<[string, Record<string, string>, string]>([
      ['a broken DATABASE_URL', { DATABASE_URL: `postgres://app:${PASSWORD}@[` }, 'connect/database-url'],
      ['another scheme', { DATABASE_URL: 'https://example.com' }, 'connect/database-url'],
      ['a port that is none', { PGPORT: '70000' }, 'connect/port'],
      ['an unknown SSL mode', { PGSSLMODE: 'always' }, 'connect/sslmode'],
      ['a missing CA file', { PGSSLMODE: 'verify-full', PGSSLROOTCERT: '/nowhere/ca.pem' }, 'connect/no-ca'],
      ['nobody to log in as', { PGUSER: '' }, 'connect/no-user'],
    ])('refuses %s', async (_name, env, code) => {
      expect(await refused(environment, { env: { PGHOST: '127.0.0.1', PGPORT: port(), PGUSER: 'app', ...env } })).toMatchObject({ code });
    });
  });
});

describe('a server with TLS', () => {
  const server = useServer(17, { tls: { names: ['localhost'] } });
  const at = (host: string, tls: 'verify-full' | 'require', ca?: string) =>
    targetOf({
      endpoint: { kind: 'explicit', host, port: server().port, tls, ...(ca === undefined ? {} : { ca }) },
      login: { user: 'master', auth: 'password', password: SECRET },
    });
  const env = () => ({ LAB_PASSWORD: server().master.password });
  const encrypted = 'SELECT ssl AS tls FROM pg_catalog.pg_stat_ssl WHERE pid = pg_catalog.pg_backend_pid()';

  test('is verified against the authority of the manifest', async () => {
    expect(await ask(at('localhost', 'verify-full', server().caFile!), { env: env() }, encrypted)).toEqual({ tls: true });
  });

  test('is refused when another authority signed its certificate', async () => {
    expect(await refused(at('localhost', 'verify-full'), { env: env() })).toMatchObject({ code: 'connect/certificate' });
  });

  test('is refused when the certificate is for another host', async () => {
    expect(await refused(at('127.0.0.1', 'verify-full', server().caFile!), { env: env() })).toMatchObject({
      code: 'connect/certificate-host',
    });
  });

  test('is refused when the CA file is missing', async () => {
    const finding = await refused(at('localhost', 'verify-full', '/nowhere/ca.pem'), { env: env() });
    expect(finding.message).toContain("'/nowhere/ca.pem' cannot be read (ENOENT)");
  });

  test('is believed when only encryption is asked for', async () => {
    expect(await ask(at('127.0.0.1', 'require'), { env: env() }, encrypted)).toEqual({ tls: true });
  });

  test('is used encrypted by the environment when it can be', async () => {
    const environment = targetOf({ endpoint: { kind: 'env' }, login: { auth: 'password' } });
    const variables = {
      PGHOST: '127.0.0.1',
      PGPORT: String(server().port),
      PGUSER: 'master',
      PGPASSWORD: server().master.password,
      HOME: scratch,
    };
    expect(await ask(environment, { env: variables }, encrypted)).toEqual({ tls: true });
    const verified = { ...variables, PGHOST: 'localhost', PGSSLMODE: 'verify-full', PGSSLROOTCERT: server().caFile! };
    expect(await ask(environment, { env: verified }, encrypted)).toEqual({ tls: true });
    // verify-ca does not look at the name
    expect(await ask(environment, { env: { ...verified, PGHOST: '127.0.0.1', PGSSLMODE: 'verify-ca' } }, encrypted)).toEqual({ tls: true });
  });
});
