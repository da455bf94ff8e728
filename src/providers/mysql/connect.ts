import { Socket } from 'node:net';
import { checkServerIdentity, TLSSocket } from 'node:tls';
import type { Connection, ConnectionOptions } from 'mysql2';
import type { Connection as Promised } from 'mysql2/promise';
import type { Target } from '../../model/declared.ts';
import { failure } from '../../model/finding.ts';
import type { Flavour } from '../../model/privilege-mysql.ts';
import type { Environment } from '../login.ts';
import type { Timeouts } from '../provider.ts';
import { type Address, addressOf } from './address.ts';
import { flavourOf, versionNumber } from './flavour.ts';
import { connectFailure, type Peer, refusedFlavour, sendsInClear } from './trouble.ts';

export type ConnectOptions = {
  /** Log in as `plan_user` (reading) or as `user` (applying). */
  readonly as: 'plan' | 'apply';
  /** `program_name` of the connection's attributes. */
  readonly programName?: string;
  readonly statementTimeoutMs?: number;
  readonly lockTimeoutMs?: number;
  readonly connectTimeoutMs?: number;
  /** Left out: as long as a statement may take, and a little more. */
  readonly answerTimeoutMs?: number;
  readonly env?: Environment;
  /** Left out: every role that is granted (MySQL). `default`: those that any client of the login has. */
  readonly roles?: 'default';
};

/** A run's timeouts as those of its connections. */
export const timeoutOptions = ({ connectMs, lockMs, statementMs, answerMs }: Timeouts = {}): Partial<ConnectOptions> => ({
  ...(connectMs === undefined ? {} : { connectTimeoutMs: connectMs }),
  ...(lockMs === undefined ? {} : { lockTimeoutMs: lockMs }),
  ...(statementMs === undefined ? {} : { statementTimeoutMs: statementMs }),
  ...(answerMs === undefined ? {} : { answerTimeoutMs: answerMs }),
});

/** One value of a row: text, a number where the column is one, never a Date or a Buffer. */
export type Value = string | number | null;
export type Row = readonly Value[];

/** A connection that is ready to use, and what errors on it are explained with. The caller closes it. */
export type Connected = {
  /** The driver's own, for what `ask` cannot do. */
  readonly connection: Promised;
  readonly peer: Peer;
  readonly flavour: Flavour;
  /** major * 10000 + minor * 100 + patch. */
  readonly version: number;
  /** @@version, e.g. '8.0.45-1' or '10.11.18-MariaDB-0+deb12u1'. */
  readonly versionText: string;
  /** CONNECTION_ID() */
  readonly id: number;
  /** A reply that takes longer than this, in ms, will not come. */
  readonly patienceMs: number;
  /** Runs one statement, `?` bound to the values, and returns its rows; throws what the driver does. */
  readonly ask: (sql: string, values?: readonly Value[]) => Promise<readonly Row[]>;
  readonly close: () => Promise<void>;
};

/** Logs in to a target. Every refusal is a Failure `connect/…`; nothing stays open then. */
export const connect = async (target: Target, options: ConnectOptions): Promise<Connected> => {
  const address = await addressOf(target, options.as, options.env ?? process.env);
  const peer: Peer = { target, address };
  const client = await opened(peer, options);
  const patienceMs = options.answerTimeoutMs ?? (options.statementTimeoutMs ?? DEFAULTS.statementTimeoutMs) + 30_000;
  const connection = client.promise();
  const ask = asking(connection, patienceMs);
  try {
    const greeting = asking(connection, options.connectTimeoutMs ?? DEFAULTS.connectTimeoutMs);
    const [[versionText, comment, id] = []] = await greeting('SELECT @@version, @@version_comment, CONNECTION_ID()');
    const flavour = flavourOf(`${versionText} ${comment}`);
    const version = versionNumber(String(versionText));
    const refused = refusedFlavour(target, flavour, version, String(versionText));
    if (refused) throw refused;
    for (const sql of sessionSql(flavour, options)) await greeting(sql);
    return {
      connection,
      peer,
      flavour,
      version,
      versionText: String(versionText),
      id: Number(id),
      patienceMs,
      ask,
      close: () => close(client),
    };
  } catch (error) {
    client.destroy();
    throw connectFailure(error, peer);
  }
};

const DEFAULTS = { connectTimeoutMs: 15_000, statementTimeoutMs: 300_000, lockTimeoutMs: 10_000 };

/**
 * The driver's own timeout lives on where a connection breaks, and holds the process for as long as a statement may take. Several may
 * be asked at once: each is waited for from the time on when the one before it was answered.
 */
const asking = (connection: Promised, timeout: number): Connected['ask'] => {
  let before: Promise<unknown> = Promise.resolve();
  return async (sql, values = []) => {
    const patience = new AbortController();
    const answer = connection.query({ sql, rowsAsArray: true, values: [...values] });
    const turn = before;
    before = answer.catch(() => {});
    try {
      const [rows] = await Promise.race([answer, turn.then(() => overdue(timeout, patience.signal))]);
      return Array.isArray(rows) ? (rows as unknown as readonly Row[]) : [];
    } finally {
      patience.abort();
    }
  };
};

/** Fails as the driver does where an answer takes too long; never, where the signal comes first. */
const overdue = (timeout: number, signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    if (signal.aborted) return;
    const timer = setTimeout(
      () => reject(Object.assign(new Error('Query inactivity timeout'), { code: 'PROTOCOL_SEQUENCE_TIMEOUT' })),
      timeout,
    );
    signal.addEventListener('abort', () => clearTimeout(timer));
  });

const opened = async (peer: Peer, options: ConnectOptions): Promise<Connection> => {
  // bundled, a CommonJS package has nothing but its default export
  const { createConnection, authPlugins } = (await import('mysql2')).default;
  const { address } = peer;
  const client = createConnection({
    ...FIXED,
    host: address.host,
    port: address.port,
    user: address.user,
    password: address.password ?? '',
    connectTimeout: options.connectTimeoutMs ?? DEFAULTS.connectTimeoutMs,
    connectAttributes: { program_name: options.programName ?? 'rolecall' },
    stream: () => dialled(address),
    ...tlsOptions(address),
    authPlugins: peer.target.login.auth === 'iam' ? tokenPlugin(peer) : keyPlugins(peer, authPlugins),
  });
  try {
    await new Promise<void>((resolve, reject) => {
      client.once('connect', () => resolve());
      client.once('error', reject);
    });
  } catch (error) {
    const { stream } = client as unknown as { readonly stream: Socket };
    // The driver overwrites the code that TLS gave its error; the socket still knows it, and judges where nobody asked.
    const verdict = address.tls === 'verify-full' && stream instanceof TLSSocket ? String(stream.authorizationError ?? '') : '';
    client.destroy();
    throw connectFailure(error, peer, verdict);
  } finally {
    // A connection that breaks while nothing runs on it is reported by the next statement.
    client.on('error', () => {});
  }
  return client;
};

/** One statement at a time, nothing read from this machine's files, and values as they stand in the tables. */
const FIXED: ConnectionOptions = {
  multipleStatements: false,
  flags: ['-LOCAL_FILES'],
  charset: 'utf8mb4_bin',
  jsonStrings: true,
  dateStrings: true,
  supportBigNumbers: true,
};

/**
 * The driver takes the name that a certificate is checked for from the host, or, where that is an address, from what Node calls
 * the socket's host: so both are the endpoint's, whatever is dialled.
 */
const dialled = ({ host, port, via }: Address): Socket => {
  const socket = new Socket();
  Object.assign(socket, { _host: host });
  socket.setNoDelay(true);
  socket.setKeepAlive(true, 30_000);
  socket.connect(via?.port ?? port, via?.host ?? host);
  // Looking up a name writes the dialled one over it.
  Object.assign(socket, { _host: host });
  return socket;
};

const tlsOptions = ({ tls, ca }: Address): Pick<ConnectionOptions, 'ssl'> => {
  switch (tls) {
    case 'disable':
      return {};
    case 'require':
      return { ssl: { rejectUnauthorized: false, verifyIdentity: false } };
    case 'verify-full':
      return { ssl: { rejectUnauthorized: true, verifyIdentity: true, ...(ca === undefined ? {} : { ca }) } };
  }
};

type Plugins = NonNullable<ConnectionOptions['authPlugins']>;

/** A token is sent in the clear, as its plugin wants it: only over TLS whose certificate is the endpoint's, which is looked at once more. */
const tokenPlugin = ({ target, address }: Peer): Plugins => ({
  mysql_clear_password: ({ connection }) => {
    return () => {
      const { stream } = connection as unknown as { readonly stream: Socket };
      if (!(stream instanceof TLSSocket) || !stream.authorized || checkServerIdentity(address.host, stream.getPeerCertificate())) {
        throw failure('connect/iam-needs-tls', `target '${target.name}': a token goes only to a server whose certificate was verified`, {
          target: target.name,
          source: target.source,
        });
      }
      return Buffer.from(`${address.password ?? ''}\0`);
    };
  },
});

/** Without TLS a server may send a key to encrypt the password with: nobody says whose key it is, so it is used on this machine alone. */
const keyPlugins = (peer: Peer, { caching_sha2_password, sha256_password }: typeof import('mysql2').authPlugins): Plugins => {
  const { tls, host, via } = peer.address;
  if (tls !== 'disable' || isLoopback(via?.host ?? host)) return {};
  const refuse = {
    onServerPublicKey: () => {
      throw sendsInClear(peer);
    },
  };
  return { caching_sha2_password: caching_sha2_password(refuse), sha256_password: sha256_password(refuse) };
};

const isLoopback = (host: string): boolean => /^(localhost|127\.\d+\.\d+\.\d+|::1)$/i.test(host);

/**
 * Whatever the server, a role or init_connect has set: statements mean the same everywhere, nothing is cut off, roles that were
 * granted are active, and an idle connection stays (a lock lives as long as its connection).
 */
const sessionSql = (flavour: Flavour, options: ConnectOptions): readonly string[] => {
  const lockSeconds = Math.max(1, Math.ceil((options.lockTimeoutMs ?? DEFAULTS.lockTimeoutMs) / 1000));
  const unlimited = flavour === 'mysql' ? 'max_execution_time = 0' : 'max_statement_time = 0';
  const modes = ['STRICT_ALL_TABLES', 'NO_ENGINE_SUBSTITUTION', ...(flavour === 'mariadb' ? ['NO_AUTO_CREATE_USER'] : [])];
  return [
    'SET NAMES utf8mb4',
    `SET autocommit = 1, sql_mode = '${modes.join(',')}', sql_quote_show_create = 1, sql_select_limit = 18446744073709551615, sql_big_selects = 1, completion_type = 0,
 ${unlimited}, lock_wait_timeout = ${lockSeconds}, innodb_lock_wait_timeout = ${lockSeconds}, wait_timeout = 28800, net_read_timeout = 60, net_write_timeout = 120`,
    ...(flavour === 'mysql' && options.roles !== 'default' ? ['SET ROLE ALL'] : []),
  ];
};

/** A farewell that is not answered soon is not waited for. */
const close = async (client: Connection): Promise<void> => {
  const impatience = setTimeout(() => client.destroy(), FAREWELL_MS);
  try {
    await client.promise().end();
  } catch {
    // It is gone already.
  } finally {
    clearTimeout(impatience);
    client.destroy();
  }
};
const FAREWELL_MS = 2000;
