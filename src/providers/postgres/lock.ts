import type { QueryArrayConfig } from 'pg';
import type { Declared } from '../../model/declared.ts';
import type { LockOptions, RunLock } from '../provider.ts';
import { ANSWER_MS, takeRunLock } from '../run-lock.ts';
import type { RunHolder } from '../sessions.ts';
import { type Connected, connect, timeoutOptions } from './connect.ts';
import { readError } from './trouble.ts';

/** One key for every run on a server, whatever its stack: the eight letters of "rolecall" as a big-endian number. */
const KEY = '8245928625453493356';

const TAKE = `SELECT pg_catalog.pg_try_advisory_lock(${KEY})`;
/** Advisory locks keep a bigint key in two 32-bit halves, and are a database's own. */
const IS_OURS = `l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
  AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
  AND l.classid::bigint = ${KEY} >> 32 AND l.objid::bigint = ${KEY} & 4294967295`;
const HOLDER = `SELECT l.pid, a.usename, a.application_name, pg_catalog.host(a.client_addr), pg_catalog.to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid WHERE ${IS_OURS}`;
const MINE = `SELECT EXISTS (SELECT FROM pg_catalog.pg_locks l WHERE l.pid = pg_catalog.pg_backend_pid() AND ${IS_OURS})`;

/**
 * Takes the run lock: an advisory lock in the maintenance database (such locks are per database), on a connection of its own.
 * Waits up to `timeoutMs`, then throws a Failure (exit 6) that says who holds it.
 */
export const lock = async ({ target, stack }: Declared, options: LockOptions): Promise<RunLock> => {
  const connected = await connect(target, {
    as: 'apply',
    database: target.maintenanceDatabase,
    applicationName: `rolecall ${stack}`.slice(0, 63),
    answerTimeoutMs: ANSWER_MS,
    ...timeoutOptions(options.timeouts),
  });
  const session = {
    take: async () => (await ask(connected, TAKE))?.[0] === true,
    holder: async () => (await runLockHolder(connected))?.named ?? null,
    isMine: async () => (await ask(connected, MINE))?.[0] === true,
    close: connected.close,
    instead: 'the server itself, or a pooler in session mode',
  };
  return await takeRunLock(target, session, options).catch((error: unknown) => {
    throw readError(error, connected.peer);
  });
};

const ask = async ({ client, patienceMs }: Connected, text: string): Promise<readonly (string | number | boolean | null)[] | undefined> => {
  const { rows } = await client.query({ text, rowMode: 'array', query_timeout: patienceMs } as QueryArrayConfig);
  return rows[0];
};

/** Whoever holds the run lock of the server, seen from its maintenance database; null: nobody. */
export const runLockHolder = async (connected: Connected): Promise<RunHolder | null> => {
  const row = await ask(connected, HOLDER);
  return row ? { session: Number(row[0]), named: nameOf(row) } : null;
};

const nameOf = ([pid, user, application, address, since]: readonly unknown[]): string =>
  `'${application || 'a session'}' as '${user ?? 'an unknown user'}'${address === null ? '' : ` from ${address}`}, pid ${pid}, connected since ${since ?? 'an unknown time'}`;
