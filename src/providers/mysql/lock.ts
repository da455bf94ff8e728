import { setTimeout as delay } from 'node:timers/promises';
import type { Declared } from '../../model/declared.ts';
import { EXIT, failure } from '../../model/finding.ts';
import type { LockOptions, RunLock } from '../provider.ts';
import { type Connected, connect, timeoutOptions } from './connect.ts';
import { readError } from './trouble.ts';

const POLL_MS = 250;
/** One name for every run on a server, whatever its stack: such locks are the whole server's. */
const NAME = 'rolecall';
const TAKE = `SELECT GET_LOCK('${NAME}', 0)`;
const HOLDER = `SELECT IS_USED_LOCK('${NAME}')`;
const MINE = `SELECT IS_USED_LOCK('${NAME}') = CONNECTION_ID()`;
const SESSION = 'SELECT USER, HOST FROM information_schema.PROCESSLIST WHERE ID = ?';

/**
 * Takes the run lock: GET_LOCK on a connection of its own, with which it goes. Waits up to `timeoutMs`, then throws a Failure
 * (exit 6) that says who holds it.
 */
export const lock = async (declared: Declared, options: LockOptions): Promise<RunLock> => {
  const connected = await connect(declared.target, {
    as: 'apply',
    programName: `rolecall ${declared.stack}`,
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

const take = async (connected: Connected, declared: Declared, { timeoutMs, signal, onWait }: LockOptions): Promise<void> => {
  const deadline = Date.now() + timeoutMs;
  let told = '';
  for (;;) {
    const [[taken] = []] = await connected.ask(TAKE);
    if (Number(taken) === 1) return;
    const holder = (await runLockHolder(connected))?.named ?? null;
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

/** Who holds the run lock, if anybody does. Without PROCESS a session of somebody else is a number. */
export const runLockHolder = async (connected: Connected): Promise<{ readonly id: number; readonly named: string } | null> => {
  const [[id] = []] = await connected.ask(HOLDER);
  if (id === null || id === undefined) return null;
  const [[user, host] = []] = await connected.ask(SESSION, [id]);
  const named = user === undefined ? `connection ${id}` : `'${user}' from ${host || 'an unknown host'}, connection ${id}`;
  return { id: Number(id), named };
};

/** Behind a pooler that shares connections a lock goes astray: it must be this session's. */
const checkSession = async (connected: Connected, { target }: Declared): Promise<void> => {
  const [[mine] = []] = await connected.ask(MINE);
  if (Number(mine) === 1) return;
  throw failure(
    'lock/pooler',
    `target '${target.name}': the lock is not held by this session: the endpoint is a pooler that shares connections`,
    { hint: 'apply over the server itself', target: target.name },
  );
};

const runLock = (connected: Connected, { target }: Declared): RunLock => ({
  check: async () => {
    const mine = await connected.ask(MINE).then(
      ([row]) => Number(row?.[0]) === 1,
      () => false,
    );
    if (mine) return;
    throw failure('lock/lost', `target '${target.name}': the connection that held the run lock was closed`, {
      hint: 'run it again: what is done stays done',
      target: target.name,
    });
  },
  release: connected.close,
});
