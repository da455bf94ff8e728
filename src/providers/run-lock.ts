import { setTimeout as delay } from 'node:timers/promises';
import type { Target } from '../model/declared.ts';
import { EXIT, failure } from '../model/finding.ts';
import type { LockOptions, RunLock } from './provider.ts';

/** What an engine asks of its run lock, on the connection that shall hold it. */
export type LockSession = {
  /** Whether it was there to take; it does not wait. */
  readonly take: () => Promise<boolean>;
  /** Who holds it, in words; null: nobody. */
  readonly holder: () => Promise<string | null>;
  /** Whether it is this very session's. */
  readonly isMine: () => Promise<boolean>;
  readonly close: () => Promise<void>;
  /** Where to apply instead of over a pooler that shares connections. */
  readonly instead: string;
};

/** None of the questions about a lock takes a server any time. */
export const ANSWER_MS = 20_000;
const POLL_MS = 250;

/**
 * Takes the run lock of a server. Waits up to `timeoutMs`, then throws a Failure (exit 6) that says who holds it; whatever it
 * throws, the connection is closed.
 */
export const takeRunLock = async (target: Target, session: LockSession, options: LockOptions): Promise<RunLock> => {
  try {
    await wait(target, session, options);
    await checkSession(target, session);
    return runLock(target, session);
  } catch (error) {
    await session.close();
    throw error;
  }
};

const wait = async (target: Target, { take, holder }: LockSession, { timeoutMs, signal, onWait }: LockOptions): Promise<void> => {
  const deadline = Date.now() + timeoutMs;
  let told = '';
  while (!(await take())) {
    const named = await holder();
    if (signal.aborted) throw interrupted(target);
    // Nobody holds it any more: it was given back between the two questions.
    if (named === null) continue;
    if (Date.now() >= deadline) throw held(target, named);
    if (named !== told) onWait(named);
    told = named;
    await delay(Math.min(POLL_MS, Math.max(0, deadline - Date.now())), undefined, { signal }).catch(() => {});
  }
};

const held = (target: Target, holder: string) =>
  failure(
    'lock/held',
    `target '${target.name}': another run holds the lock: ${holder}`,
    { hint: 'wait for it to end, or give it more time with --lock-timeout', target: target.name },
    EXIT.locked,
  );

const interrupted = (target: Target) =>
  failure(
    'apply/interrupted',
    `target '${target.name}': interrupted while waiting for the lock`,
    { target: target.name },
    EXIT.interrupted,
  );

/** Behind a pooler that shares connections, locks and all else that a session holds go astray: the lock must be this session's. */
const checkSession = async (target: Target, { isMine, instead }: LockSession): Promise<void> => {
  if (await isMine()) return;
  throw failure(
    'lock/pooler',
    `target '${target.name}': the lock is not held by this session: the endpoint is a pooler that shares connections`,
    { hint: `apply over ${instead}`, target: target.name },
  );
};

const runLock = (target: Target, { isMine, close }: LockSession): RunLock => {
  let turn: Promise<boolean> = Promise.resolve(true);
  return {
    // Several transactions ask at once, and a connection answers one at a time.
    check: async () => {
      turn = turn.then(isMine).catch(() => false);
      if (await turn) return;
      throw failure('lock/lost', `target '${target.name}': the connection that held the run lock was closed`, {
        hint: 'run it again: what is done stays done',
        target: target.name,
      });
    },
    release: close,
  };
};
