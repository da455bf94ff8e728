import { setTimeout as delay } from 'node:timers/promises';
import type { Declared } from '../../model/declared.ts';
import type { LockOptions, RunLock } from '../provider.ts';
import { ANSWER_MS, takeRunLock } from '../run-lock.ts';
import type { RunHolder } from '../sessions.ts';
import { type Connected, connect, timeoutOptions } from './connect.ts';
import { readError } from './trouble.ts';

/** One name for every run on a server, whatever its stack: such locks are the whole server's. */
const NAME = 'rolecall';
const TAKE = `SELECT GET_LOCK('${NAME}', 0)`;
const GIVE_BACK = `SELECT RELEASE_LOCK('${NAME}')`;
const HOLDER = `SELECT IS_USED_LOCK('${NAME}')`;
const MINE = `SELECT IS_USED_LOCK('${NAME}') = CONNECTION_ID()`;
const SESSION = 'SELECT USER, HOST FROM information_schema.PROCESSLIST WHERE ID = ?';

/**
 * Takes the run lock: GET_LOCK on a connection of its own, with which it goes. Waits up to `timeoutMs`, then throws a Failure
 * (exit 6) that says who holds it.
 */
export const lock = async ({ target, stack }: Declared, options: LockOptions): Promise<RunLock> => {
  const connected = await connect(target, {
    as: 'apply',
    programName: `rolecall ${stack}`,
    answerTimeoutMs: ANSWER_MS,
    ...timeoutOptions(options.timeouts),
  });
  const says = async (question: string): Promise<boolean> => Number((await connected.ask(question))[0]?.[0]) === 1;
  const session = {
    take: () => says(TAKE),
    holder: async () => (await runLockHolder(connected))?.named ?? null,
    isMine: () => says(MINE),
    close: async () => {
      await givenBack(connected);
      await connected.close();
    },
    instead: 'the server itself',
  };
  return await takeRunLock(target, session, options).catch((error: unknown) => {
    throw readError(error, connected.peer);
  });
};

/** A server that is busy lets locks of a session go some time after its client has left: the next run would find it taken. */
const givenBack = async ({ ask }: Connected): Promise<void> => {
  const release = ask(GIVE_BACK).catch(() => []);
  await Promise.race([release, delay(FAREWELL_MS, undefined, { ref: false })]);
};
const FAREWELL_MS = 2_000;

/** Who holds the run lock, if anybody does. Without PROCESS a session of somebody else is a number. */
export const runLockHolder = async (connected: Connected): Promise<RunHolder | null> => {
  const [[id] = []] = await connected.ask(HOLDER);
  if (id === null || id === undefined) return null;
  const [[user, host] = []] = await connected.ask(SESSION, [id]);
  const named = user === undefined ? `connection ${id}` : `'${user}' from ${host || 'an unknown host'}, connection ${id}`;
  return { session: Number(id), named };
};
