import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Client, QueryConfig } from 'pg';
import type { Target } from '../../model/declared.ts';
import { Failure, failure } from '../../model/finding.ts';
import type { Environment } from '../login.ts';
import type { Timeouts } from '../provider.ts';
import { type Address, addressOf } from './address.ts';
import { connectFailure, type Peer } from './trouble.ts';

export type ConnectOptions = {
  /** Log in as `plan_user` (reading) or as `user` (applying). */
  readonly as: 'plan' | 'apply';
  /** Left out: the endpoint's own (DATABASE_URL, PGDATABASE), else the maintenance database. */
  readonly database?: string;
  readonly applicationName?: string;
  readonly statementTimeoutMs?: number;
  readonly lockTimeoutMs?: number;
  readonly idleInTransactionTimeoutMs?: number;
  readonly connectTimeoutMs?: number;
  /** Left out: as long as a statement may take, and a little more. */
  readonly answerTimeoutMs?: number;
  readonly env?: Environment;
};

/** A run's timeouts as those of its connections. */
export const timeoutOptions = ({ connectMs, lockMs, statementMs, answerMs }: Timeouts = {}): Partial<ConnectOptions> => ({
  ...(connectMs === undefined ? {} : { connectTimeoutMs: connectMs }),
  ...(lockMs === undefined ? {} : { lockTimeoutMs: lockMs }),
  ...(statementMs === undefined ? {} : { statementTimeoutMs: statementMs }),
  ...(answerMs === undefined ? {} : { answerTimeoutMs: answerMs }),
});

/** A connection that is ready to use, and what errors on it are explained with. The caller closes it. */
export type Connected = {
  readonly client: Client;
  readonly peer: Peer;
  /** A reply that takes longer than this, in ms, will not come: the server would have given up before. */
  readonly patienceMs: number;
  /** `server_version` as the server announced it, e.g. '17.10 (Debian …)'; '' from a pooler that announces none. */
  readonly version: string;
  readonly close: () => Promise<void>;
};

/** Logs in to one database of a target. Every refusal is a Failure `connect/…`; nothing stays open then. */
export const connect = async (target: Target, options: ConnectOptions): Promise<Connected> => {
  const address = await addressOf(target, options, options.env ?? process.env);
  if (address.tls !== 'prefer') return await open(target, address, options);
  try {
    return await open(target, { ...address, tls: 'require' }, options);
  } catch (error) {
    if (!isWithoutTls(error)) throw error;
    return await open(target, { ...address, tls: 'disable' }, options);
  }
};

const isWithoutTls = (error: unknown): boolean => error instanceof Failure && error.findings.some(({ code }) => code === 'connect/no-tls');

const open = async (target: Target, address: Address, options: ConnectOptions): Promise<Connected> => {
  const peer: Peer = { target, address };
  const client = await newClient(target, address, options);
  let version = '';
  client.connection.on('parameterStatus', (status: { parameterName: string; parameterValue: string }) => {
    if (status.parameterName === 'server_version') version = status.parameterValue;
  });
  // A connection that breaks while nothing runs on it is reported by the next statement.
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query({ text: sessionSql(options), query_timeout: options.connectTimeoutMs ?? DEFAULTS.connectTimeoutMs } as QueryConfig);
  } catch (error) {
    abandon(client);
    throw connectFailure(error, peer);
  }
  const patienceMs = options.answerTimeoutMs ?? (options.statementTimeoutMs ?? DEFAULTS.statementTimeoutMs) + 30_000;
  return { client, peer, version, patienceMs, close: () => close(client) };
};

const DEFAULTS = { connectTimeoutMs: 15_000, statementTimeoutMs: 300_000, lockTimeoutMs: 10_000, idleInTransactionTimeoutMs: 300_000 };

/** node-postgres falls back to PG* variables for whatever is left out or empty: so nothing is. */
const newClient = async (target: Target, address: Address, options: ConnectOptions): Promise<Client> => {
  const { default: pg } = await import('pg');
  const client = new pg.Client({
    host: address.host,
    port: address.port,
    user: address.user,
    database: address.database,
    // A function is asked only when the server wants a password, and keeps it out of the configuration.
    password: () => passwordFor(target, address),
    ssl: tlsOptions(address),
    sslnegotiation: 'postgres',
    client_encoding: 'UTF8',
    application_name: options.applicationName ?? 'rolecall',
    connectionTimeoutMillis: options.connectTimeoutMs ?? address.connectTimeoutMs ?? DEFAULTS.connectTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 30_000,
    ...(address.via ? { stream: () => tunnelled(address.via!) } : {}),
  });
  // PGOPTIONS and PGREPLICATION, which no value of the configuration can switch off.
  Object.assign((client as unknown as { connectionParameters: object }).connectionParameters, {
    options: undefined,
    replication: undefined,
  });
  failByUnread(client);
  return client;
};

/**
 * node-postgres throws at what it cannot read, such as a server that wants a Kerberos ticket, out of the socket's own event, where nobody
 * can catch it: the connection fails by it instead.
 */
const failByUnread = (client: Client): void => {
  const connection = client.connection as unknown as { attachListeners: (stream: Duplex) => void };
  const attach = connection.attachListeners.bind(connection);
  connection.attachListeners = (stream) => {
    const others = new Set(stream.listeners('data'));
    attach(stream);
    for (const read of stream.listeners('data')) {
      if (others.has(read)) continue;
      stream.off('data', read as (bytes: Buffer) => void);
      stream.on('data', (bytes: Buffer) => {
        try {
          read.call(stream, bytes);
        } catch (error) {
          stream.destroy(error as Error);
        }
      });
    }
  };
};

/** node-postgres names its TLS session after the host that it dials: so it is told the server's, and its socket dials another. */
const tunnelled = (via: NonNullable<Address['via']>): Socket => {
  const socket = new Socket();
  const dial = socket.connect.bind(socket);
  return Object.assign(socket, { connect: () => dial(via.port, via.host) });
};

const passwordFor = (target: Target, { password, user }: Address): string => {
  if (password) return password;
  throw failure('connect/no-password', `target '${target.name}': the server asks for the password of '${user}', and none is given`, {
    hint:
      target.endpoint.kind === 'env'
        ? 'set PGPASSWORD or DATABASE_URL, or write it into ~/.pgpass (mode 0600)'
        : `write 'login: { password: "\${env:NAME}" }'`,
    target: target.name,
    source: target.source,
  });
};

const tlsOptions = ({ tls, ca }: Address) => {
  const authorities = ca === undefined ? {} : { ca };
  switch (tls) {
    case 'disable':
      return false;
    case 'prefer':
    case 'require':
      return { rejectUnauthorized: false };
    case 'verify-ca':
      return { rejectUnauthorized: true, checkServerIdentity: () => undefined, ...authorities };
    case 'verify-full':
      return { rejectUnauthorized: true, ...authorities };
  }
};

/**
 * Sent as the first message rather than as startup options, which poolers refuse. Whatever the role or the database has
 * set: names resolve to the catalog's, and the server renders them the same way everywhere. A client that vanished is noticed
 * within a minute, so that its locks do not outlive it for hours.
 */
const sessionSql = (options: ConnectOptions): string => `
  SET quote_all_identifiers = off;
  SET search_path = pg_catalog;
  SET standard_conforming_strings = on;
  SET DateStyle = 'ISO, MDY';
  SET client_min_messages = notice;
  SET tcp_keepalives_idle = 30;
  SET tcp_keepalives_interval = 10;
  SET tcp_keepalives_count = 3;
  SET statement_timeout = ${Math.trunc(options.statementTimeoutMs ?? DEFAULTS.statementTimeoutMs)};
  SET lock_timeout = ${Math.trunc(options.lockTimeoutMs ?? DEFAULTS.lockTimeoutMs)};
  SET idle_in_transaction_session_timeout = ${Math.trunc(options.idleInTransactionTimeoutMs ?? DEFAULTS.idleInTransactionTimeoutMs)}`;

/** A farewell that is not answered soon is not waited for. */
const close = async (client: Client): Promise<void> => {
  const impatience = setTimeout(() => client.connection.stream.destroy(), FAREWELL_MS);
  try {
    await client.end();
  } catch {
    // It is gone already.
  } finally {
    clearTimeout(impatience);
  }
};
const FAREWELL_MS = 2000;

/** A refused login is not worth a farewell: the socket goes at once. */
const abandon = (client: Client): void => {
  client.connection.stream.destroy();
  void close(client);
};
