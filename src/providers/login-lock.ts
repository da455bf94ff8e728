import { nearest } from '../core/nearest.ts';
import type { Target } from '../model/declared.ts';
import { EXIT, type Failure, type Finding, failure } from '../model/finding.ts';
import type { LoginLock } from '../model/lock.ts';
import type { Mark } from '../model/state.ts';
import type { LockOrder, UnlockOrder } from './provider.ts';

/** The mark of a login that is closed now: a lock that is there already stays, and a mark is made where the manifest declares the user. */
export const lockedMark = (mark: Mark | null, login: boolean, { stack, date, reason }: LockOrder): Mark | null => {
  const held = mark ?? (stack === null ? null : { stack });
  if (held === null || held.locked !== undefined) return held;
  return { ...held, locked: date, ...(reason === undefined ? {} : { reason }), ...(login ? {} : { wasClosed: true as const }) };
};

/** A mark without its lock. */
export const unlockedMark = (mark: Mark | null): Mark | null => {
  if (mark === null) return null;
  const { locked: _, reason: __, wasClosed: ___, ...rest } = mark;
  return rest;
};

/** Why a login stays closed though its lock is taken off; null: it opens. */
export const closedStill = (mark: Mark | null, { closed }: UnlockOrder): string | null =>
  closed(mark?.stack ?? null) ?? (mark?.wasClosed ? 'it was closed before it was locked' : null);

/** What is told of a mark. */
export const toldMark = (mark: Mark | null): LoginLock['mark'] =>
  mark === null ? null : { stack: mark.stack, locked: mark.locked ?? null };

/** Nobody of that name; `known`: names that may have been meant. */
export const absent = (user: string, message: string, known: readonly string[]): LoginLock => {
  const meant = nearest(user, known);
  const hint = meant === undefined ? {} : { hint: `did you mean '${meant}'?` };
  return {
    status: 'absent',
    login: null,
    sessions: null,
    mark: null,
    findings: [{ severity: 'note', code: 'lock/no-role', message, ...hint }],
  };
};

/** A user that is not to be locked, whoever asks; `why` says it of the user. */
export const keptOut = (target: Target, user: string, why: string): Failure =>
  failure('lock/refused', `target '${target.name}': '${user}' is not locked or unlocked: ${why}`, { target: target.name }, EXIT.refused);

/** Why nothing was done, `lock/slug`. */
export const notDone = (target: Target, slug: 'busy' | 'not-permitted' | 'reader', what: string, hint: string): Failure =>
  failure(`lock/${slug}`, `target '${target.name}': ${what}`, { hint, target: target.name });

/** The login is closed, and nothing keeps it so. */
export const unknownToPlans = (user: string): Finding => ({
  severity: 'warning',
  code: 'lock/no-mark',
  message: `'${user}' carries no mark, and no manifest here declares it: no plan knows of this lock`,
  hint: 'whoever declares it opens it again: tell them, or lock it with their manifest',
});

/** A user that carried no mark has one now. */
export const newlyMarked = (user: string, { stack }: Mark): Finding => ({
  severity: 'note',
  code: 'lock/marked',
  message: `'${user}' now carries the mark of stack '${stack}', which declares it`,
});

/** There was no lock to take off; `login`: whether it may log in. */
export const notLocked = (user: string, login: boolean): Finding => ({
  severity: 'note',
  code: 'lock/not-locked',
  message: `'${user}' is not locked: ${login ? 'it may log in' : 'its login is closed by something else'}, and stays as it is`,
  ...(login ? {} : { hint: 'enabled, until and removed of the manifest close a login too: rolecall plan' }),
});

/** The lock is off, and something else keeps the login closed. */
export const staysClosed = (login: string, why: string): Finding => ({
  severity: 'note',
  code: 'lock/stays-closed',
  message: `the lock is off, and '${login}' still may not log in: ${why}`,
});

/** The connection broke when the change was under way, or after it: it may have been made. */
export const lostMidway = (user: string, said: string): LoginLock => ({
  status: 'partial',
  login: null,
  sessions: null,
  mark: null,
  findings: [
    {
      severity: 'error',
      code: 'lock/lost',
      message: `the connection was lost when '${user}' was being changed, and whether it was is not known: ${said}`,
      hint: 'run it again: what is done already stays done',
    },
  ],
});
