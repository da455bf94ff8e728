import type { Session } from '../engine/session.ts';
import type { Target } from '../model/declared.ts';

/**
 * The session with every server that the base branch has read as the base branch has it read: by its read-only login, its kind of
 * login, its password. Who applies later is part of what is proposed, and what the plan is made for.
 */
export const withLogins = (session: Session, base: Session | null): Session => {
  if (base === null) return session;
  const known = new Map(base.declareds.map(({ target }) => [target.name, target]));
  const asBefore = (target: Target): Target => {
    const before = known.get(target.name);
    return before ? { ...target, login: readingAs(before, target) } : target;
  };
  return {
    ...session,
    declareds: session.declareds.map((declared) => ({ ...declared, target: asBefore(declared.target) })),
    elsewhere: session.elsewhere.map(asBefore),
  };
};

const readingAs = ({ login: before }: Target, { login: { user } }: Target): Target['login'] => {
  const reader = before.planUser ?? before.user;
  return reader === undefined || user === undefined ? before : { ...before, user, planUser: reader };
};
