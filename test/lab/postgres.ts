import fs from 'node:fs';
import path from 'node:path';
import type pg from 'pg';
import { type Binaries, findBinaries, run } from './binaries.ts';
import { type CertificateOptions, issueCertificate } from './certificate.ts';
import { opened, queryOnce } from './client.ts';
import { type Account, account, scratchDir, sweepScratch, writeFor } from './files.ts';
import { end, forget, launchAtFreePort, launchOnce, type Settings, UNSAFE } from './launch.ts';
import { type Login, master, rdsadmin } from './rds.ts';
import { hbaText, plainSuperuser, template } from './template.ts';

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
      forget(home);
    },
  };
}

function writeCertificate(owner: Account, home: string, options: CertificateOptions): { caFile: string; settings: Settings } {
  const issued = issueCertificate(options);
  const file = (name: string) => path.join(home, name);
  writeFor(owner, file('server.crt'), issued.certificate);
  writeFor(owner, file('server.key'), issued.key);
  fs.writeFileSync(file('ca.crt'), issued.authority, { mode: 0o644 });
  return { caFile: file('ca.crt'), settings: { ssl: 'on', ssl_cert_file: file('server.crt'), ssl_key_file: file('server.key') } };
}

let swept = false;
function sweepOnce(): void {
  if (!swept) sweepScratch();
  swept = true;
}
