import fs from 'node:fs';
import path from 'node:path';
import { type Connection, type ConnectionOptions, createConnection } from 'mysql2/promise';
import { run } from '../binaries.ts';
import { type CertificateOptions, issueCertificate } from '../certificate.ts';
import { scratchDir, sweepScratch } from '../files.ts';
import { end, forget, launchAtFreePort, type Settings } from '../launch.ts';
import type { Login } from '../rds.ts';
import { type Flavour, findBuild, type Version } from './builds.ts';
import { launchAt, socketIn } from './launch.ts';
import { master, rdsadmin } from './rds.ts';
import { template } from './template.ts';

export type { Login } from '../rds.ts';

export type MysqlOptions = {
  /** Server settings, e.g. `{ 'partial-revokes': 'ON' }`. */
  readonly settings?: Settings;
  /** The certificate that the server speaks TLS with, by default for localhost and 127.0.0.1; `none`: it does not speak TLS. */
  readonly tls?: CertificateOptions | 'none';
  /** The folder of its plugins instead of the build's own. */
  readonly pluginDir?: string;
  /** Variables of the server's process. */
  readonly env?: Readonly<Record<string, string>>;
};

/** A running server of the lab, RDS-like: accounts `rdsadmin@localhost` and `master`. Everything it wrote goes when it is stopped. */
export type Mysql = {
  readonly flavour: Flavour;
  readonly version: Version;
  /** e.g. '9.7.4' */
  readonly release: string;
  readonly host: '127.0.0.1';
  readonly port: number;
  readonly socket: string;
  readonly dataDir: string;
  /** Has every privilege; logs in through the socket. */
  readonly superuser: Login;
  /** Who works on the server, as the master of RDS does. */
  readonly master: Login;
  /** The authority that signed the server's certificate; null: it does not speak TLS. */
  readonly caFile: string | null;
  /** A connection that the caller ends: over TCP without TLS, the superuser's through the socket. */
  readonly connect: (login: Login, options?: ConnectionOptions) => Promise<Connection>;
  /** Runs statements one after the other on a connection of its own and returns the rows of the last. */
  readonly query: (login: Login, ...statements: readonly string[]) => Promise<Record<string, unknown>[]>;
  /** What the server logged so far. */
  readonly log: () => string;
  /** Pulls the plug: kill -9, data kept; `restart` recovers. */
  readonly crash: () => Promise<void>;
  /** Starts the same data again at the same port, with these settings besides. */
  readonly restart: (settings?: Settings) => Promise<void>;
  /** Ends the server and removes what it wrote. */
  readonly stop: () => Promise<void>;
};

/** Starts a fresh server; half a second once the template of its build is cached. */
export async function startMysql(version: Version, options: MysqlOptions = {}): Promise<Mysql> {
  const build = findBuild(version);
  sweepOnce();
  const home = scratchDir({});
  const dataDir = path.join(home, 'data');
  await run('cp', ['-Rp', '--sparse=always', await template(build), dataDir], {});
  fs.mkdirSync(path.join(home, 'tmp'));
  const tls = options.tls === 'none' ? null : writeCertificate(home, options.tls ?? {});
  const flags = [...(tls?.flags ?? withoutTls(build.flavour)), ...(options.pluginDir ? [`--plugin-dir=${options.pluginDir}`] : [])];
  const launch = (settings: Settings) => (port: number) =>
    launchAt(build, home, port, [...flags, ...settingFlags({ ...options.settings, ...settings })], options.env);
  let { child, port, log } = await launchAtFreePort(launch({}));
  const earlier: string[] = [];
  const socket = socketIn(home);

  const connect: Mysql['connect'] = async ({ user, password }, more = {}) => {
    const where = user === rdsadmin.user ? { socketPath: socket } : { host: '127.0.0.1', port };
    const connection = await createConnection({ ...where, user, password, dateStrings: true, ...more });
    // a server that a test kills must not take the test process with it
    connection.on('error', () => {});
    return connection;
  };
  return {
    flavour: build.flavour,
    version,
    release: build.release,
    host: '127.0.0.1',
    port,
    socket,
    dataDir,
    superuser: rdsadmin,
    master,
    caFile: tls?.caFile ?? null,
    connect,
    query: async (login, ...statements) => {
      const connection = await connect(login);
      try {
        let rows: unknown = [];
        for (const sql of statements) [rows] = await connection.query(sql);
        return Array.isArray(rows) ? (rows as Record<string, unknown>[]) : [];
      } finally {
        connection.destroy();
      }
    },
    log: () => [...earlier, log()].join(''),
    crash: async () => await end(child, 'SIGKILL'),
    restart: async (settings = {}) => {
      earlier.push(log());
      await end(child, 'SIGTERM');
      ({ child, log } = await launch(settings)(port));
    },
    stop: async () => {
      await end(child, 'SIGKILL');
      fs.rmSync(home, { recursive: true, force: true });
      forget(home);
    },
  };
}

const settingFlags = (settings: Settings): string[] => Object.entries(settings).map(([name, value]) => `--${name}=${value}`);

const withoutTls = (flavour: Flavour): readonly string[] => (flavour === 'mysql' ? ['--tls-version='] : ['--skip-ssl']);

function writeCertificate(home: string, options: CertificateOptions): { readonly caFile: string; readonly flags: readonly string[] } {
  const issued = issueCertificate(options);
  const file = (name: string, text: string): string => {
    fs.writeFileSync(path.join(home, name), text, { mode: 0o600 });
    return path.join(home, name);
  };
  const caFile = file('ca.crt', issued.authority);
  const flags = [`--ssl-cert=${file('server.crt', issued.certificate)}`, `--ssl-key=${file('server.key', issued.key)}`];
  return { caFile, flags };
}

let swept = false;
function sweepOnce(): void {
  if (!swept) sweepScratch();
  swept = true;
}
