import { parseAccount } from '../../model/account.ts';
import type { Mark, Role } from '../../model/state.ts';
import type { Scope } from './scope.ts';

/** Whether somebody has locked an account of this stack. */
export const isLocked = ({ mark }: Pick<Role, 'mark'>, stack: string): boolean => mark?.locked !== undefined && mark.stack === stack;

/** What a mark says of a lock: it stays until somebody takes it off. */
export const lockIn = (mark: Mark | null): Pick<Mark, 'locked' | 'reason' | 'wasClosed'> => {
  if (mark?.locked === undefined) return {};
  const { locked, reason, wasClosed } = mark;
  return { locked, ...(reason === undefined ? {} : { reason }), ...(wasClosed ? { wasClosed } : {}) };
};

const known = new WeakMap<Scope, ReadonlyMap<string, Mark>>();

/** Users that somebody has locked, with a mark that says so: a lock is a user's, whatever its hosts. */
export const lockedUsers = (scope: Scope): ReadonlyMap<string, Mark> => {
  const found =
    known.get(scope) ??
    new Map(
      [...scope.reality.roles.values()].flatMap((role) =>
        isLocked(role, scope.declared.stack) ? [[parseAccount(role.name).user, role.mark!] as const] : [],
      ),
    );
  known.set(scope, found);
  return found;
};
