import { setTimeout as delay } from 'node:timers/promises';
import type { Declared } from '../../model/declared.ts';
import { EXIT, failure } from '../../model/finding.ts';
import type { LockOptions, RunLock } from '../provider.ts';
import { type Connected, connect } from './connect.ts';
import { readError } from './trouble.ts';

/** One key for every run on a server, whatever its stack ("rolecall" as a big-endian number). */
const KEY = '8245074896371968108';
const POLL_MS = 250;

const TAKE = `SELECT pg_catalog.pg_try_advisory_lock(${KEY})`;
/** Advisory locks split a bigint key in two 32-bit halves. */
const HELD = `SELECT l.pid, a.usename, a.application_name, a.client_addr::text, a.backend_start::text, l.pid = pg_catalog.pg_backend_pid()
FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
  AND l.classid = (${KEY}::bigint >> 32)::int8::oid AND l.objid = (${KEY}::bigint & 4294967295)::int8::oid`;

/**
 * Takes the run lock: an advisory lock in the maintenance database (such locks are per database), on a connection of its own.
 * Waits up to `timeoutMs`, then throws a Failure (exit 6) that says who holds it.
 */
export const lock = async (declared: Declared, { timeoutMs, signal, onWait }: LockOptions): Promise<RunLock> => {
  const connected = await connect(declared.target, { as: 'apply', database: declared.target.maintenanceDatabase, applicationName: `rolecall ${declared.stack}`.slice(0, 63), idleInTransactionTimeoutMs: 0 });
  try {
    await take(connected, declared, Date.now() + timeoutMs, signal, onWait);
    await checkSession(connected, declared);
    return runLock(connected, declared);
  } catch (error) {
    await connected.close();
    throw readError(error, connected.peer);
  }
};

const take = async ({ client }: Connected, declared: Declared, deadline: number, signal: AbortSignal, onWait: LockOptions['onWait']): Promise<void> => {
  let told = '';
  for (;;) {
    const { rows } = await client.query({ text: TAKE, rowMode: 'array' });
    if (rows[0]?.[0] === true) return;
    const holder = await holderOf(client);
    if (signal.aborted) throw interrupted(declared);
    if (Date.now() >= deadline) {
      throw failure('lock/held', `target '${declared.target.name}': another run holds the lock: ${holder}`, { hint: 'wait for it to end, or give it more time with --lock-timeout', target: declared.target.name }, EXIT.locked);
    }
    if (holder !== told) onWait(holder);
    told = holder;
    await delay(POLL_MS, undefined, { signal }).catch(() => {});
  }
};

const interrupted = (declared: Declared) => failure('apply/interrupted', `target '${declared.target.name}': interrupted while waiting for the lock`, {}, EXIT.interrupted);

const holderOf = async (client: Connected['client']): Promise<string> => {
  const { rows } = await client.query({ text: HELD, rowMode: 'array' });
  const row = rows[0] as readonly (string | number | null)[] | undefined;
  if (!row) return 'it was given back just now';
  const [pid, user, application, address, since] = row;
  return `'${application || 'a session'}' as '${user ?? 'an unknown user'}'${address === null ? '' : ` from ${address}`}, pid ${pid}, connected since ${since ?? 'an unknown time'}`;
};

/** Behind a pooler that shares connections, locks, SET ROLE and notices go astray: the lock must be this session's. */
const checkSession = async ({ client }: Connected, declared: Declared): Promise<void> => {
  const { rows } = await client.query({ text: HELD, rowMode: 'array' });
  if ((rows as unknown[][]).some((row) => row[5] === true)) return;
  throw failure('lock/pooler', `target '${declared.target.name}': the lock is not held by this session: the endpoint is a pooler that shares connections`, { hint: 'apply over the server itself, or a pooler in session mode', target: declared.target.name });
};

const runLock = ({ client, close }: Connected, declared: Declared): RunLock => {
  let lost = false;
  client.once('end', () => {
    lost = true;
  });
  return {
    check: () => {
      if (lost) throw failure('lock/lost', `target '${declared.target.name}': the connection that held the run lock was closed`, { hint: 'run it again: what is done stays done', target: declared.target.name });
    },
    release: close,
  };
};
