import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import pg from 'pg';
import { type Binaries, findBinaries, renameUnlessThere, run, serverEnvironment } from './binaries.ts';
import { type CertificateOptions, issueCertificate } from './certificate.ts';
import { type Account, account, cacheDir, giveTo, scratchDir, sweepScratch, writeFor } from './files.ts';
import { createRdsRoles, type Login, master, rdsadmin } from './rds.ts';

export type { Login } from './rds.ts';

export type ServerOptions = {
  /** Roles as on RDS: superuser `rdsadmin`, and `master`, who is none. Otherwise the superuser is `postgres`. */
  readonly rdsLike?: boolean;
  /** Lines of pg_hba.conf that come before those of the lab, e.g. `IAM_ONLY`. */
  readonly hba?: string;
  /** Server settings, e.g. `{ log_statement: 'all' }`. */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** Also speak TLS, with a certificate of a private authority; `{ names }` says for whom, by default localhost and 127.0.0.1. */
  readonly tls?: true | CertificateOptions;
  /** Write through to the disk. Only tests that pull the plug want this. */
  readonly fsync?: boolean;
};

/** A running server of the lab. Everything it wrote goes when it is stopped. */
export type Postgres = {
  readonly major: number;
  /** e.g. '17.10' */
  readonly version: string;
  readonly host: '127.0.0.1';
  readonly port: number;
  readonly dataDir: string;
  readonly superuser: Login;
  /** Who works on an RDS-like server; on a plain one this is the superuser. */
  readonly master: Login;
  /** The authority that signed the server's certificate. */
  readonly caFile: string | null;
  /** A TCP address with the password in it, for `pg` and for DATABASE_URL. */
  readonly url: (login: Login, database?: string) => string;
  /** The superuser's address, through the socket, where pg_hba.conf's `hba` lines do not matter. */
  readonly superuserUrl: (database?: string) => string;
  /** A connection over TCP that the caller ends. */
  readonly connect: (login: Login, database?: string) => Promise<pg.Client>;
  /** Runs SQL on a connection of its own and returns the rows of its last statement. */
  readonly query: (login: Login, database: string, sql: string, values?: readonly unknown[]) => Promise<Record<string, unknown>[]>;
  /** Exchanges the `hba` lines of a running server. */
  readonly setHba: (lines: string) => Promise<void>;
  /** What the server logged so far. */
  readonly log: () => string;
  /** Pulls the plug: kill -9 on the server and all its sessions, data kept; `restart` recovers. */
  readonly crash: () => Promise<void>;
  /** Starts the same data again at the same port. */
  readonly restart: () => Promise<void>;
  /** Ends the server and removes what it wrote. */
  readonly stop: (signal?: 'SIGINT' | 'SIGQUIT' | 'SIGKILL') => Promise<void>;
};

/**
 * Stands for RDS's `pam` line: whoever is in rds_iam cannot log in with a password. From 16 on pg_hba.conf's `+role` also counts
 * memberships with ADMIN alone, which the master holds there; RDS does not lock its master out, hence the first line.
 */
export const IAM_ONLY = `host all ${master.user} 127.0.0.1/32 scram-sha-256\nhost all +rds_iam 127.0.0.1/32 reject`;

const plainSuperuser: Login = { user: 'postgres', password: 'postgres-password' };

/** Starts a fresh server; about a fifth of a second once the template of its major is cached. */
export async function startPostgres(major: number, options: ServerOptions = {}): Promise<Postgres> {
  const binaries = findBinaries(major);
  if (binaries === null) throw new Error(`no PostgreSQL ${major} is installed for ${process.platform}-${process.arch}: run npm ci`);
  sweepOnce();
  const owner = account();
  const home = scratchDir(owner);
  const dataDir = path.join(home, 'data');
  await run('cp', ['-Rp', await template(binaries, options.rdsLike ?? false), dataDir], owner);
  return await serve(binaries, home, options);
}

/** `home` holds `data`, the socket and the certificates. */
async function serve(binaries: Binaries, home: string, options: ServerOptions): Promise<Postgres> {
  const owner = account();
  const dataDir = path.join(home, 'data');
  const superuser = options.rdsLike ? rdsadmin : plainSuperuser;
  const tls = options.tls ? writeCertificate(owner, home, options.tls === true ? {} : options.tls) : null;
  const writeHba = (lines: string) => writeFor(owner, path.join(dataDir, 'pg_hba.conf'), hbaText(lines, superuser));
  writeHba(options.hba ?? '');

  const settings = { ...(options.fsync ? {} : UNSAFE), ...tls?.settings, ...options.settings };
  const launch = (port: number) => launchOnce(binaries, home, { ...settings, port });
  let { child, port, log } = await launchAtFreePort(launch);
  const earlier: string[] = [];

  const url = (login: Login, database = 'postgres') =>
    `postgres://${encodeURIComponent(login.user)}:${encodeURIComponent(login.password)}@127.0.0.1:${port}/${encodeURIComponent(database)}`;
  const superuserUrl = (database = 'postgres') =>
    `postgres://${superuser.user}@/${encodeURIComponent(database)}?host=${encodeURIComponent(home)}&port=${port}`;
  const connect = async (login: Login, database = 'postgres') => {
    const ssl = tls && { ca: fs.readFileSync(tls.caFile, 'utf8'), servername: 'localhost' };
    return await opened({ host: '127.0.0.1', port, ...login, database, ...(ssl ? { ssl } : {}) });
  };
  const restart = async () => {
    earlier.push(log());
    ({ child, log } = await launch(port));
  };

  return {
    major: binaries.major,
    version: binaries.version,
    host: '127.0.0.1',
    port,
    dataDir,
    superuser,
    master: options.rdsLike ? master : superuser,
    caFile: tls?.caFile ?? null,
    url,
    superuserUrl,
    connect,
    query: async (login, database, sql, values = []) => await queryOnce(await connect(login, database), sql, values),
    setHba: async (lines) => {
      writeHba(lines);
      await queryOnce(await opened({ connectionString: superuserUrl() }), 'SELECT pg_catalog.pg_reload_conf()', []);
    },
    log: () => [...earlier, log()].join(''),
    crash: async () => await end(child, 'SIGKILL'),
    restart,
    stop: async (signal = 'SIGQUIT') => {
      await end(child, signal);
      fs.rmSync(home, { recursive: true, force: true });
      scratch.delete(home);
    },
  };
}

/** What a server that is thrown away need not do. */
const UNSAFE = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };

type Launched = { readonly child: ChildProcess; readonly port: number; readonly log: () => string };
type Settings = Readonly<Record<string, string | number>>;

/** A port that was free a moment ago can be taken: then try another. */
async function launchAtFreePort(launch: (port: number) => Promise<Launched>): Promise<Launched> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await launch(await freePort());
    } catch (error) {
      if (attempt === 3 || !String(error).includes('could not bind')) throw error;
    }
  }
}

/** Resolves when the server accepts connections. */
function launchOnce(binaries: Binaries, home: string, settings: Settings & { readonly port: number }): Promise<Launched> {
  const fixed = { listen_addresses: '127.0.0.1', unix_socket_directories: home, shared_buffers: '32MB', max_wal_size: '256MB' };
  const flags = Object.entries({ ...fixed, ...settings }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const [command = '', ...args] = [...diesWithUs(), path.join(binaries.bin, 'postgres'), '-D', path.join(home, 'data'), ...flags];
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...account(), cwd: '/', stdio: ['ignore', 'ignore', 'pipe'], env: serverEnvironment() });
    let text = '';
    child.stderr.on('data', (chunk) => {
      text += chunk;
      if (text.includes('ready to accept connections')) resolve({ child, port: settings.port, log: () => text });
    });
    child.on('error', reject);
    child.on('close', (code, signal) => reject(new Error(`postgres ${binaries.major} ended with ${code ?? signal}\n${text}`)));
    keepTrack(home, child);
  });
}

function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.on('close', () => resolve());
    child.kill(signal);
  });
}

/** Linux can end the server with the process that started it, however that one dies. */
function diesWithUs(): string[] {
  setpriv ??= process.platform === 'linux' && programRuns('setpriv');
  return setpriv ? ['setpriv', '--pdeathsig', 'QUIT'] : [];
}
let setpriv: boolean | undefined;

function programRuns(program: string): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Folders of this process and the servers in them, ended and removed when it exits. */
const scratch = new Map<string, ChildProcess>();

function keepTrack(home: string, child: ChildProcess): void {
  if (!watching) {
    process.once('exit', endAll);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => endBySignal(signal));
  }
  watching = true;
  scratch.set(home, child);
}
let watching = false;

/** A signal that nobody else answers ends the process without its exit event: end the servers, then let it. */
function endBySignal(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 0) return;
  endAll();
  process.kill(process.pid, signal);
}

function endAll(): void {
  for (const [home, child] of scratch) {
    child.kill('SIGQUIT');
    fs.rmSync(home, { recursive: true, force: true });
  }
}

let swept = false;
function sweepOnce(): void {
  if (!swept) sweepScratch();
  swept = true;
}

/** The data directory that new servers are copied from: made once for each build, then kept. */
async function template(binaries: Binaries, rdsLike: boolean): Promise<string> {
  const name = path.join(cacheDir(), `template-${binaries.version}-${rdsLike ? 'rds' : 'plain'}`);
  if (fs.existsSync(name)) return name;
  const owner = account();
  const draft = scratchDir(owner);
  const superuser = rdsLike ? rdsadmin : plainSuperuser;
  await initialise(binaries, draft, superuser);
  if (rdsLike) await dressAsRds(binaries, draft);
  const copy = `${name}.${process.pid}`;
  fs.mkdirSync(copy, { mode: 0o700 });
  giveTo(owner, copy);
  await run('cp', ['-Rp', `${draft}/data/.`, copy], owner);
  renameUnlessThere(copy, name);
  fs.rmSync(draft, { recursive: true, force: true });
  return name;
}

async function initialise(binaries: Binaries, home: string, superuser: Login): Promise<void> {
  const owner = account();
  const passwordFile = path.join(home, 'password');
  writeFor(owner, passwordFile, superuser.password);
  const flags = ['--auth=scram-sha-256', '--encoding=UTF8', '--locale=C', '--no-sync'];
  const args = ['-D', path.join(home, 'data'), '-U', superuser.user, `--pwfile=${passwordFile}`, ...flags];
  await run(path.join(binaries.bin, 'initdb'), args, owner);
  // 13 would otherwise store the master's password as MD5
  fs.appendFileSync(path.join(home, 'data', 'postgresql.conf'), "password_encryption = 'scram-sha-256'\n");
}

async function dressAsRds(binaries: Binaries, home: string): Promise<void> {
  writeFor(account(), path.join(home, 'data', 'pg_hba.conf'), hbaText('', rdsadmin));
  const { child, port } = await launchAtFreePort((free) => launchOnce(binaries, home, { ...UNSAFE, port: free }));
  const client = await opened({ host: home, port, user: rdsadmin.user, database: 'postgres' });
  await createRdsRoles(client, binaries.major);
  await client.end();
  await end(child, 'SIGINT');
  scratch.delete(home);
}

function hbaText(first: string, superuser: Login): string {
  const lines = [`local all ${superuser.user} trust`, first, 'local all all scram-sha-256', 'host all all 127.0.0.1/32 scram-sha-256'];
  return `${lines.join('\n')}\n`;
}

function writeCertificate(owner: Account, home: string, options: CertificateOptions): { caFile: string; settings: Settings } {
  const issued = issueCertificate(options);
  const file = (name: string) => path.join(home, name);
  writeFor(owner, file('server.crt'), issued.certificate);
  writeFor(owner, file('server.key'), issued.key);
  fs.writeFileSync(file('ca.crt'), issued.authority, { mode: 0o644 });
  return { caFile: file('ca.crt'), settings: { ssl: 'on', ssl_cert_file: file('server.crt'), ssl_key_file: file('server.key') } };
}

async function opened(config: pg.ClientConfig): Promise<pg.Client> {
  const client = new pg.Client(config);
  // a server that a test kills must not take the test process with it
  client.on('error', () => {});
  await client.connect();
  return client;
}

async function queryOnce(client: pg.Client, sql: string, values: readonly unknown[]): Promise<Record<string, unknown>[]> {
  try {
    // several statements in one text need the simple protocol, which binds nothing
    const result = values.length > 0 ? await client.query(sql, [...values]) : await client.query(sql);
    const last = Array.isArray(result) ? result.at(-1) : result;
    return last?.rows ?? [];
  } finally {
    await client.end();
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = net.createServer();
    probe.on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as net.AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}
