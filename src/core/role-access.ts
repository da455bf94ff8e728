import { byCodeUnit } from '../model/key.ts';
import type { AccessItem } from '../model/plan.ts';
import type { Reality } from '../model/reality.ts';
import type { Membership } from '../model/state.ts';
import type { Access } from './access.ts';
import type { Sides } from './access-items.ts';
import type { Closure } from './closure.ts';

/** Roles that came, went, log in differently, or are in other roles than before. */
export const changedRoles = (before: Reality, after: Reality): string[] => {
  const found = new Set<string>();
  if (before.roles !== after.roles) {
    for (const name of new Set([...before.roles.keys(), ...after.roles.keys()])) {
      const [was, is] = [before.roles.get(name), after.roles.get(name)];
      if (!was || !is || was.login !== is.login || was.superuser !== is.superuser) found.add(name);
    }
  }
  if (before.memberships !== after.memberships)
    for (const member of changedMembers(before.memberships, after.memberships)) found.add(member);
  return [...found];
};

const changedMembers = (before: readonly Membership[], after: readonly Membership[]): string[] => {
  const [was, is] = [new Set(before), new Set(after)];
  return [...before.filter((row) => !is.has(row)), ...after.filter((row) => !was.has(row))].map(({ member }) => member);
};

/**
 * What one user gains and loses that is no object: login, the superuser attribute, roles that mean something by themselves.
 * `privileges` of a role are empty for a membership that is used without doing anything, else the words of what it is:
 * MEMBER (counts for pg_hba.conf only), SET (by SET ROLE only), USAGE, ADMIN (may grant it to others).
 */
export const roleSides = (before: Access, after: Access, user: string): Sides => {
  const [was, is] = [standingOf(before, user), standingOf(after, user)];
  return { gains: beyond(was, is, user), loses: beyond(is, was, user) };
};

type Standing = {
  readonly login: boolean;
  readonly superuser: boolean;
  readonly reached: Closure;
  readonly inherited: Closure;
  readonly settable: Closure;
  readonly administered: Closure;
};

const standingOf = ({ memberships, reality }: Access, user: string): Standing => ({
  login: reality.roles.get(user)?.login ?? false,
  superuser: reality.roles.get(user)?.superuser ?? false,
  reached: memberships.reached(user),
  inherited: memberships.inherited(user),
  settable: memberships.settable(user),
  administered: memberships.administered(user),
});

/** What somebody has in the second standing and lacked in the first, by role. */
const beyond = (was: Standing, is: Standing, user: string): readonly AccessItem[] => {
  const found = new Map<string, { words: string[]; path: readonly string[] }>();
  const add = (word: string, now: Closure, when: (role: string) => boolean): void => {
    for (const [role, path] of now) {
      if (role === user || !when(role)) continue;
      const known = found.get(role);
      if (known) known.words.push(word);
      else found.set(role, { words: [word], path });
    }
  };
  add('MEMBER', is.reached, (role) => !was.reached.has(role) && hasMeaning(role));
  add('USAGE', is.inherited, (role) => !was.inherited.has(role) && hasMeaning(role));
  // becoming a member that inherits takes nothing from one that had to SET ROLE
  add('SET', is.settable, (role) => !was.settable.has(role) && !was.inherited.has(role) && !is.inherited.has(role) && !hasMeaning(role));
  add('ADMIN', is.administered, (role) => !was.administered.has(role));
  return [
    ...(is.login && !was.login ? [itemOf('login', [], [], DIRECT)] : []),
    ...(is.superuser && !was.superuser ? [itemOf('role', ['SUPERUSER'], [], DIRECT)] : []),
    ...[...found]
      .sort(([a], [b]) => byCodeUnit(a, b))
      .map(([role, { words, path }]) => itemOf('role', [role], plainMembership(words), path.length > 1 ? path.slice(0, -1) : DIRECT)),
  ];
};

const DIRECT: readonly string[] = ['direct'];

const itemOf = (what: 'login' | 'role', names: readonly string[], privileges: readonly string[], via: readonly string[]): AccessItem => ({
  what,
  privileges,
  names,
  count: 1,
  via,
});

/** Predefined roles and those of the provider: PostgreSQL's pg_, RDS's rds. */
const hasMeaning = (role: string): boolean => /^(pg_|rds)/.test(role);

/** Being a member that uses the role is the usual case and needs no words. */
const plainMembership = (words: readonly string[]): readonly string[] =>
  (words.includes('MEMBER') && words.includes('USAGE') ? words.filter((word) => word === 'ADMIN') : words).toSorted(byCodeUnit);
