import type { DeclaredIam } from '../model/iam.ts';

/** Users that somebody has locked, by target; a target that was not read is not in it. */
export type Locked = ReadonlyMap<string, ReadonlySet<string>>;

/** The account without the lines of users that are locked: those come back when the lock is off. */
export const withoutLocked = (iam: DeclaredIam, locked: Locked): DeclaredIam => {
  if ([...locked.values()].every(({ size }) => size === 0)) return iam;
  return { ...iam, connects: iam.connects.filter(({ target, user }) => !locked.get(target)?.has(user)) };
};
