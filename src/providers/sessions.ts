import { setTimeout as delay } from 'node:timers/promises';
import { type Finding, failure } from '../model/finding.ts';
import type { Step } from '../model/plan.ts';
import type { LockOrder } from './provider.ts';

/** How long sessions get to end, and how often is looked: one that is deep in a disk write does not hear at once. */
const ENDING = { attempts: 100, pauseMs: 50 } as const;

/** Asks again and again whether nobody is left; false: some did not end in time. */
export const untilGone = async (isGone: () => Promise<boolean>): Promise<boolean> => {
  for (let left: number = ENDING.attempts; !(await isGone()); left--) {
    if (left === 0) return false;
    await delay(ENDING.pauseMs);
  }
  return true;
};

/** Runs a step that ends sessions until nobody is left. `end` ends whom it finds, and says how many those were; so is `onEnded` told, once. */
export const endForStep = async (
  step: Step,
  end: () => Promise<number>,
  onEnded: (step: Step, count: number) => void = () => {},
): Promise<void> => {
  let told = false;
  const gone = await untilGone(async () => {
    const count = await end();
    if (!told) onEnded(step, count);
    told = true;
    return count === 0;
  });
  if (gone) return;
  throw failure('apply/sessions', 'the sessions did not end in time; nothing that depends on it was begun', {
    hint: 'run it again, or end them by hand',
  });
};

/** How the sessions of a user are found and ended. */
export type Ending<Session> = {
  readonly user: string;
  readonly find: () => Promise<readonly Session[]>;
  /** Asks them to end; why they may not be ended, in the server's words. */
  readonly end: (sessions: readonly Session[]) => Promise<string | null>;
  /** Who may end sessions of others, as the end of a sentence. */
  readonly who: string;
};

/** What is left of sessions that were to end. */
export type Ended = { readonly left: number; readonly findings: readonly Finding[] };

/** Ends the sessions of a user whose login is closed, and looks until nobody is left. */
export const endAll = async <Session>({ user, find, end, who }: Ending<Session>): Promise<Ended> => {
  let sessions = await find();
  let refused = null as string | null;
  await untilGone(async () => {
    if (sessions.length === 0) return true;
    refused = await end(sessions);
    if (refused !== null) return true;
    sessions = await find();
    return sessions.length === 0;
  });
  const left = sessions.length;
  return { left, findings: left === 0 ? [] : [notEnded(user, left, refused ?? 'they do not heed it yet', who)] };
};

const notEnded = (user: string, left: number, said: string, who: string): Finding => ({
  severity: 'error',
  code: 'lock/sessions',
  message: `${left === 1 ? 'a session' : `${left} sessions`} of '${user}' could not be ended: ${said}`,
  hint: `nobody can log in as '${user}' any more; have ${who}`,
});

/** Who holds the run lock: its session, and who that is in words. */
export type RunHolder = { readonly session: number; readonly named: string };

/** Names the run that holds the lock, and ends it where that is asked for. `end` says why it could not, in the server's words. */
export const runHolder = async (
  { breakLock, onHolder, user }: LockOrder,
  find: () => Promise<RunHolder | null>,
  end: (session: number) => Promise<string | null>,
): Promise<readonly Finding[]> => {
  const holder = await find();
  if (holder === null) return [];
  const { session, named } = holder;
  const warning = (code: string, message: string, hint?: string): readonly Finding[] => [
    { severity: 'warning', code, message, ...(hint === undefined ? {} : { hint }) },
  ];
  if (!breakLock)
    return warning(
      'lock/run',
      `a run is going on: ${named}; what it planned before may open '${user}' again`,
      'lock once more when it is done, or end it: --break-lock',
    );
  onHolder(named);
  const refused = await end(session);
  if (refused !== null) return warning('lock/run', `the run that holds the run lock goes on: ${named}: ${refused}`);
  await untilGone(async () => (await find())?.session !== session);
  return warning('lock/run-ended', `the run that held the run lock was ended: ${named}`);
};
