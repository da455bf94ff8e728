import { readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { libpqVariables } from '../../core/postgres-variables.ts';
import type { Target } from '../../model/declared.ts';
import { failure } from '../../model/finding.ts';
import { at, authoritiesOf, authorityIn, checkTokenLogin, credentialOf, type Environment, nobody, secretOf, userOf } from '../login.ts';
import { passwordIn } from './passfile.ts';

/** How much of TLS is asked for, in libpq's words: `prefer` goes on without it when the server has none. */
export type Tls = 'disable' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';

/** Where a connection goes and as whom. `ca` is a PEM text; undefined: the authorities that Node trusts. */
export type Address = {
  readonly host: string;
  readonly port: number;
  /** What is dialled instead (a tunnel): the certificate stays that of `host`. */
  readonly via?: { readonly host: string; readonly port: number };
  readonly user: string;
  readonly database: string;
  /** Or a token. undefined: none is known; the server may not ask for one. */
  readonly password: string | undefined;
  readonly tls: Tls;
  readonly ca: string | undefined;
  readonly connectTimeoutMs?: number;
};

/** Which of the target's logins, and where to. Without `database` an `env` endpoint's own counts. */
export type Destination = { readonly as: 'plan' | 'apply'; readonly database?: string };

/**
 * Resolves a target to an address: looks up the password or makes a token, reads the authorities. Throws a Failure for what is
 * missing. A token is good for one connection: each has an address of its own.
 */
export const addressOf = async (target: Target, destination: Destination, env: Environment): Promise<Address> => {
  if (target.login.auth === 'iam') checkTokenLogin(target);
  switch (target.endpoint.kind) {
    case 'explicit':
      return await explicitAddress(target, destination, env);
    case 'env':
      return await environmentAddress(target, destination, env);
    case 'rds':
    case 'aws':
      // Never the environment's server in place of one that was not found.
      throw failure('connect/not-found', `target '${target.name}': where it is was not looked up`, {
        ...at(target),
        hint: 'correct what else is said of this target first',
      });
  }
};

const explicitAddress = async (target: Target, { as, database }: Destination, env: Environment): Promise<Address> => {
  const { endpoint } = target;
  if (endpoint.kind !== 'explicit') throw new TypeError('not an explicit endpoint');
  const user = userOf(target, as);
  if (user === undefined) throw nobody(target, "write 'login: { user: … }'");
  return {
    host: endpoint.host,
    port: endpoint.port,
    user,
    database: database ?? target.maintenanceDatabase,
    password: await credentialOf(target, user, env),
    tls: endpoint.tls,
    ca: endpoint.tls === 'verify-full' ? await authoritiesOf(target) : undefined,
    ...(endpoint.via ? { via: endpoint.via } : {}),
  };
};

/** libpq's rules (see `libpqVariables` for what else counts): the manifest first, then DATABASE_URL, then the variables, then the password file, then the defaults. */
const environmentAddress = async (target: Target, { as, database }: Destination, given: Environment): Promise<Address> => {
  const env = libpqVariables(given);
  const url = env.DATABASE_URL ? urlParts(env.DATABASE_URL, target) : {};
  const host = url.host || env.PGHOST || 'localhost';
  const port = portOf(url.port || env.PGPORT || '5432', target);
  const user = userOf(target, as) || url.user || env.PGUSER || env.USER || env.USERNAME;
  if (!user) throw nobody(target, "set PGUSER, or write 'login: { user: … }'");
  const to = { host, port, user, database: database ?? (url.database || env.PGDATABASE || user) };
  const said = target.login.password ? await secretOf(target.login.password, target, env) : url.password || env.PGPASSWORD;
  const tls = tlsOf(url.sslmode || env.PGSSLMODE || 'prefer', host, target);
  const seconds = Number(env.PGCONNECT_TIMEOUT);
  return {
    ...to,
    password: said || (await filedPassword(to, env)),
    tls,
    ca: await environmentAuthority(url.sslrootcert || env.PGSSLROOTCERT, tls, target, env),
    ...(seconds > 0 ? { connectTimeoutMs: seconds * 1000 } : {}),
  };
};

type UrlParts = Partial<Record<'host' | 'port' | 'user' | 'password' | 'database' | 'sslmode' | 'sslrootcert', string>>;

/** The text is never quoted: a password stands in it. */
const urlParts = (text: string, target: Target): UrlParts => {
  try {
    const url = new URL(text);
    if (!/^postgres(ql)?:$/.test(url.protocol)) throw new TypeError('another scheme');
    const query = Object.fromEntries(url.searchParams);
    return {
      host: decodeURIComponent(url.hostname).replace(/^\[(.*)\]$/, '$1'),
      port: url.port,
      user: decodeURIComponent(url.username),
      password: decodeURIComponent(url.password),
      database: decodeURIComponent(url.pathname.slice(1)),
      ...query,
      ...(query.dbname ? { database: query.dbname } : {}),
    };
  } catch {
    throw failure('connect/database-url', `target '${target.name}': DATABASE_URL is not a PostgreSQL address`, {
      ...at(target),
      hint: 'write it as postgres://user:password@host:port/database, with one host and special characters percent-encoded',
    });
  }
};

const portOf = (text: string, target: Target): number => {
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65536) return port;
  throw failure('connect/port', `target '${target.name}': '${text}' is not a port (1 to 65535)`, {
    ...at(target),
    hint: 'correct PGPORT or DATABASE_URL',
  });
};

const MODES: Readonly<Record<string, Tls>> = {
  disable: 'disable',
  // libpq tries `allow` without TLS first; a server that takes both is then used encrypted here.
  allow: 'prefer',
  prefer: 'prefer',
  require: 'require',
  'verify-ca': 'verify-ca',
  'verify-full': 'verify-full',
};

/** A socket never speaks TLS. */
const tlsOf = (mode: string, host: string, target: Target): Tls => {
  const tls = Object.hasOwn(MODES, mode) ? MODES[mode] : undefined;
  if (tls) return host.startsWith('/') ? 'disable' : tls;
  throw failure('connect/sslmode', `target '${target.name}': '${mode}' is not an SSL mode (${Object.keys(MODES).join(', ')})`, {
    ...at(target),
    hint: 'correct PGSSLMODE or the sslmode of DATABASE_URL',
  });
};

const verifies = (tls: Tls): boolean => tls === 'verify-ca' || tls === 'verify-full';

/** `system` is libpq's word for the authorities that are trusted anyway. */
const environmentAuthority = async (named: string | undefined, tls: Tls, target: Target, env: Environment): Promise<string | undefined> => {
  if (!verifies(tls) || named === 'system') return undefined;
  if (named) return await authorityIn(named, target, "'ca' (or PGSSLROOTCERT)");
  return await readFile(join(homeOf(env), '.postgresql', 'root.crt'), 'utf8').catch(() => undefined);
};

const homeOf = (env: Environment): string => env.HOME || homedir();

/** libpq does not use a password file that others may read. */
const filedPassword = async (to: Omit<Address, 'password' | 'tls' | 'ca'>, env: Environment): Promise<string | undefined> => {
  const file = env.PGPASSFILE || join(homeOf(env), '.pgpass');
  try {
    const { mode } = await stat(file);
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) return undefined;
    return passwordIn(await readFile(file, 'utf8'), to);
  } catch {
    return undefined;
  }
};
