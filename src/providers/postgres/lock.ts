import { setTimeout as delay } from 'node:timers/promises';
import type { QueryArrayConfig } from 'pg';
import type { Declared } from '../../model/declared.ts';
import { EXIT, failure } from '../../model/finding.ts';
import type { LockOptions, RunLock } from '../provider.ts';
import { type Connected, connect, timeoutOptions } from './connect.ts';
import { readError } from './trouble.ts';

/** One key for every run on a server, whatever its stack: the eight letters of "rolecall" as a big-endian number. */
const KEY = '8245928625453493356';
const POLL_MS = 250;

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
export const lock = async (declared: Declared, options: LockOptions): Promise<RunLock> => {
  const connected = await connect(declared.target, {
    as: 'apply',
    database: declared.target.maintenanceDatabase,
    applicationName: `rolecall ${declared.stack}`.slice(0, 63),
    answerTimeoutMs: ANSWER_MS,
    ...timeoutOptions(options.timeouts),
  });
  try {
    await take(connected, declared, options);
    await checkSession(connected, declared);
    return runLock(connected, declared);
  } catch (error) {
    await connected.close();
    throw readError(error, connected.peer);
  }
};

/** None of these questions takes the server any time. */
const ANSWER_MS = 20_000;

const ask = async ({ client, patienceMs }: Connected, text: string): Promise<readonly (string | number | boolean | null)[] | undefined> => {
  const { rows } = await client.query({ text, rowMode: 'array', query_timeout: patienceMs } as QueryArrayConfig);
  return rows[0];
};

const take = async (connected: Connected, declared: Declared, { timeoutMs, signal, onWait }: LockOptions): Promise<void> => {
  const deadline = Date.now() + timeoutMs;
  let told = '';
  for (;;) {
    const [taken] = (await ask(connected, TAKE))!;
    if (taken === true) return;
    const holder = await holderOf(connected);
    if (signal.aborted) throw interrupted(declared);
    // Nobody holds it any more: it was given back between the two questions.
    if (holder === null) continue;
    if (Date.now() >= deadline) throw held(declared, holder);
    if (holder !== told) onWait(holder);
    told = holder;
    await delay(Math.min(POLL_MS, Math.max(0, deadline - Date.now())), undefined, { signal }).catch(() => {});
  }
};

const held = ({ target }: Declared, holder: string) =>
  failure(
    'lock/held',
    `target '${target.name}': another run holds the lock: ${holder}`,
    { hint: 'wait for it to end, or give it more time with --lock-timeout', target: target.name },
    EXIT.locked,
  );

const interrupted = ({ target }: Declared) =>
  failure(
    'apply/interrupted',
    `target '${target.name}': interrupted while waiting for the lock`,
    { target: target.name },
    EXIT.interrupted,
  );

/** Whoever holds the run lock of the server, seen from its maintenance database; null: nobody. */
export const runLockHolder = async (connected: Connected): Promise<{ readonly pid: number; readonly named: string } | null> => {
  const row = await ask(connected, HOLDER);
  return row ? { pid: Number(row[0]), named: nameOf(row) } : null;
};

const holderOf = async (connected: Connected): Promise<string | null> => {
  const row = await ask(connected, HOLDER);
  return row ? nameOf(row) : null;
};

const nameOf = ([pid, user, application, address, since]: readonly unknown[]): string =>
  `'${application || 'a session'}' as '${user ?? 'an unknown user'}'${address === null ? '' : ` from ${address}`}, pid ${pid}, connected since ${since ?? 'an unknown time'}`;

/** Behind a pooler that shares connections, locks, SET ROLE and notices go astray: the lock must be this session's. */
const checkSession = async (connected: Connected, { target }: Declared): Promise<void> => {
  const [mine] = (await ask(connected, MINE))!;
  if (mine === true) return;
  throw failure(
    'lock/pooler',
    `target '${target.name}': the lock is not held by this session: the endpoint is a pooler that shares connections`,
    {
      hint: 'apply over the server itself, or a pooler in session mode',
      target: target.name,
    },
  );
};

const runLock = (connected: Connected, { target }: Declared): RunLock => {
  let turn: Promise<unknown> = Promise.resolve();
  const isMine = async (): Promise<boolean> => {
    try {
      return (await ask(connected, MINE))?.[0] === true;
    } catch {
      return false;
    }
  };
  return {
    // Several transactions ask at once, and a connection answers one at a time.
    check: async () => {
      const answer = turn.then(isMine);
      turn = answer;
      if (await answer) return;
      throw failure('lock/lost', `target '${target.name}': the connection that held the run lock was closed`, {
        hint: 'run it again: what is done stays done',
        target: target.name,
      });
    },
    release: connected.close,
  };
};
