import net from 'node:net';
import path from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { openTargets } from '../../src/commands/direct.ts';
import { namedServer } from '../../src/commands/direct-server.ts';
import { heardAt } from '../../src/engine/listen.ts';
import type { Target } from '../../src/model/declared.ts';
import { Failure } from '../../src/model/finding.ts';
import { connect } from '../../src/providers/postgres/connect.ts';
import { MAJORS, useServer } from '../lab/majors.ts';
import { newestOfEach, useMysql } from '../lab/mysql/versions.ts';
import { targetOf } from '../providers/declared.ts';

/* Which server is meant without a manifest, and what it runs. Servers are listened to; nobody logs in. */

const VARIABLES = ['PGHOST', 'DATABASE_URL', 'POSTGRES_HOST', 'PGPORT', 'PGUSER', 'PGPASSWORD', 'PGSSLMODE', 'PGSSLROOTCERT'];
const OTHERS = ['MYSQL_HOST', 'MYSQL_TCP_PORT', 'MYSQL_PWD', 'AWS_REGION', 'AWS_DEFAULT_REGION', 'USERNAME'];

const DEMO = path.resolve(import.meta.dirname, '../../fixtures/demo/access');

type Options = Parameters<typeof openTargets>[0];
/** The target that is opened with these variables alone, or what is said against it. */
const opened = async (options: Partial<Options>, env: Readonly<Record<string, string>> = {}): Promise<Target | string> => {
  for (const name of [...VARIABLES, ...OTHERS]) vi.stubEnv(name, undefined);
  for (const [name, value] of Object.entries({ USER: 'somebody', ...env })) vi.stubEnv(name, value);
  try {
    const { session } = await openTargets({ manifest: [], target: [], ...options }, () => new Date(0));
    return session.declareds[0]!.target;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return error.findings.map(({ message, hint }) => `${message} · ${hint}`).join('\n');
  } finally {
    vi.unstubAllEnvs();
  }
};

/** Something that listens, and says this to whoever comes. */
const startOther = async (greeting: string): Promise<{ readonly port: number; readonly close: () => void }> => {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
    if (greeting !== '') socket.end(greeting);
    else socket.once('data', () => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as net.AddressInfo).port, close: () => server.close() };
};

describe.each(MAJORS.slice(-1))('PostgreSQL %s', (major) => {
  const server = useServer(major);

  test('answers when it is asked, and is gone to as psql does', async () => {
    const { port } = server();
    expect(await heardAt('127.0.0.1', port)).toMatchObject({ port, engine: 'postgres' });
    expect(await opened({ host: '127.0.0.1', port: `${port}`, user: 'master' })).toMatchObject({
      name: '127.0.0.1',
      engine: 'postgres',
      endpoint: { kind: 'env' },
    });
    expect(await opened({ host: '127.0.0.1' }, { PGPORT: `${port}`, MYSQL_TCP_PORT: '1' })).toMatchObject({ engine: 'postgres' });
    expect(await opened({ host: '127.0.0.1', port: `${port}`, engine: 'mariadb' })).toBe(
      `PostgreSQL listens on port ${port} of '127.0.0.1', and --engine says mariadb · write --engine postgres, or leave it out`,
    );
  });

  describe.each(newestOfEach)('and %s', (version) => {
    const other = useMysql(version);

    test('greets, encrypted or not, and is gone to as the mysql client does', async () => {
      const { port, flavour } = other();
      expect(await heardAt('127.0.0.1', port)).toEqual({ port, engine: flavour, tls: true });
      const endpoint = { kind: 'explicit', host: '127.0.0.1', port, tls: 'require' };
      const login = { user: 'somebody', auth: 'password' };
      expect(await opened({ host: '127.0.0.1', port: `${port}` })).toMatchObject({ name: '127.0.0.1', engine: flavour, endpoint, login });
      const env = { MYSQL_HOST: '127.0.0.1', MYSQL_TCP_PORT: `${port}`, MYSQL_PWD: 'canary' };
      const password = { source: 'env', name: 'MYSQL_PWD' };
      expect(await opened({}, env)).toMatchObject({ engine: flavour, endpoint, login: { ...login, password } });
      expect(await opened({ host: '127.0.0.1', port: `${port}`, ca: '/ca.pem' })).toMatchObject({
        endpoint: { tls: 'verify-full', ca: '/ca.pem' },
      });
    });

    test('where a manifest or the environment says PostgreSQL it is told what else may be there', async () => {
      const target = targetOf({ endpoint: { kind: 'explicit', host: '127.0.0.1', port: other().port, tls: 'require' } });
      const refused = connect(target, { as: 'apply', env: { LAB_PASSWORD: 'canary' } });
      const { findings } = await refused.then(
        () => expect.fail('it was let in'),
        (error: Failure) => error,
      );
      expect(findings).toMatchObject([{ code: 'connect/not-postgres', hint: expect.stringContaining('write engine: mysql, or mariadb') }]);
    });

    test('both listen: it is asked which is meant', async () => {
      const env = { PGPORT: `${server().port}`, MYSQL_TCP_PORT: `${other().port}` };
      expect(await opened({ host: '127.0.0.1' }, env)).toMatch(
        /^PostgreSQL listens on port \d+, and My?.* listens on port \d+ of '127\.0\.0\.1' · say which is meant: --port, or --engine/i,
      );
      expect(await opened({ host: '127.0.0.1', engine: other().flavour }, env)).toMatchObject({ engine: other().flavour });
    });
  });
});

describe('what is neither', () => {
  const open: { close: () => void }[] = [];
  afterEach(() => {
    for (const one of open.splice(0)) one.close();
  });

  test.each([
    ['speaks another protocol', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['hangs up', ''],
  ])('%s: it is asked what it is, and believed', async (_name, greeting) => {
    const other = await startOther(greeting);
    open.push(other);
    const options = { host: '127.0.0.1', port: `${other.port}` };
    expect(await heardAt('127.0.0.1', other.port)).toEqual({ port: other.port, engine: null, trouble: null });
    expect(await opened(options)).toBe(
      `what listens on port ${other.port} of '127.0.0.1' neither greets as MySQL and MariaDB do nor answers as PostgreSQL does · check --host and --port, or say what it is: --engine postgres, mysql or mariadb`,
    );
    expect(await namedServer({ ...options, engine: 'mysql' })).toEqual({ host: '127.0.0.1', port: other.port, engine: 'mysql', tls: true });
  });
});

test.each<[string, Partial<Options>, Readonly<Record<string, string>>, string]>([
  [
    'no port answers',
    { host: '127.0.0.1' },
    { PGPORT: '1', MYSQL_TCP_PORT: '2' },
    "nothing listens on ports 1 and 2 of '127.0.0.1' · start",
  ],
  ['a host that is not known', { host: 'nowhere.invalid' }, {}, "the host name 'nowhere.invalid' is not known · correct --host"],
  ['a port that is none', { host: 'x', port: '0' }, {}, "'0' is not a port (1 to 65535) · correct --port"],
  ['a variable that is no port', { engine: 'mysql' }, { MYSQL_TCP_PORT: 'x' }, "'x' is not a port (1 to 65535) · correct MYSQL_TCP_PORT"],
  ['two variables', {}, { MYSQL_HOST: 'x', PGHOST: 'y' }, 'PGHOST and MYSQL_HOST both name a server · say which is meant: --engine'],
  ['a socket of MySQL', { host: '/run/mysqld.sock', engine: 'mysql' }, {}, 'is reached by a host and a port'],
  ['only who logs in', { user: 'x' }, {}, 'there is no manifest here, and no server is named'],
  ['a manifest and who logs in', { manifest: [DEMO], user: 'x' }, {}, '--user is for a server without a manifest, and there is one'],
  ['a manifest and a database', { manifest: [DEMO], database: 'x' }, {}, '--database is for a server without a manifest'],
  ['a manifest beside it', { host: 'x', manifest: ['a.yaml'] }, {}, 'a manifest and a server on the command line are both named'],
  ['two servers', { host: 'x', rds: 'cluster/y', region: 'eu-west-1' }, {}, '--rds finds the endpoint, and --host or --port names one'],
  ['what is for RDS alone', { host: 'x', via: 'localhost:1' }, {}, '--via is for a server that --rds names · write --rds cluster/NAME'],
  ['what is not for RDS', { rds: 'cluster/y', tls: 'disable', region: 'eu-west-1' }, {}, '--tls is for a server that --host names'],
  ['no kind', { rds: 'y', region: 'eu-west-1' }, {}, 'write --rds cluster/NAME, instance/NAME or proxy/NAME'],
  ['no region', { rds: 'cluster/y' }, {}, "the region of 'cluster/y' is not named · add --region"],
])('%s: it is said', async (_name, options, env, said) => {
  expect(await opened(options, env)).toContain(said);
});

test('a socket in the file system is that of PostgreSQL', async () => {
  expect(await opened({ host: '/var/run/postgresql' })).toMatchObject({ engine: 'postgres', endpoint: { kind: 'env' } });
});
