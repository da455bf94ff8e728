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
  const keyOf = ({ role, member, grantor, admin, inherit, set }: Membership): string =>
    [role, member, grantor, admin, inherit, set].join('\0');
  const [was, is] = [new Map(before.map((row) => [keyOf(row), row])), new Map(after.map((row) => [keyOf(row), row]))];
  return [...[...was].filter(([key]) => !is.has(key)), ...[...is].filter(([key]) => !was.has(key))].map(([, row]) => row.member);
};

/**
 * What one user gains and loses that is no object: login, the superuser attribute, roles that mean something by themselves.
 * `privileges` of a role are empty for a membership that is used without doing anything, else the words of what it is:
 * MEMBER (counts for pg_hba.conf only), SET (by SET ROLE only), USAGE, ADMIN (may grant it to others).
 */
export const roleSides = (before: Access, after: Access, user: string): Sides => {
  const [was, is] = [rolesHeld(before, user), rolesHeld(after, user)];
  return { gains: beyond(was, is), loses: beyond(is, was) };
};

/** `shown` is told when it is new; what is in `had` is not new. */
type Held = { readonly shown: ReadonlyMap<string, Told>; readonly had: ReadonlySet<string> };
type Told = { readonly item: Omit<AccessItem, 'privileges'>; readonly words: readonly string[] };

const rolesHeld = ({ memberships, reality }: Access, user: string): Held => {
  const shown = new Map<string, Told>();
  const keyOf = (what: string, name: string, word: string): string => `${what}\0${name}\0${word}`;
  const put = (what: 'login' | 'role', names: readonly string[], words: readonly string[], via: readonly string[]): void => {
    shown.set(keyOf(what, names.join(), words.join()), { item: { what, names, count: 1, via }, words });
  };
  const role = reality.roles.get(user);
  if (role?.login) put('login', [], [''], ['direct']);
  if (role?.superuser) put('role', ['SUPERUSER'], [''], ['direct']);
  const each = (closure: Closure, when: (role: string) => boolean, word: string): void => {
    for (const [name, path] of closure)
      if (name !== user && when(name)) put('role', [name], [word], path.length > 1 ? path.slice(0, -1) : ['direct']);
  };
  const inherited = memberships.inherited(user);
  each(memberships.reached(user), hasMeaning, 'MEMBER');
  each(inherited, hasMeaning, 'USAGE');
  each(memberships.settable(user), (name) => !hasMeaning(name) && !inherited.has(name), 'SET');
  each(memberships.administered(user), () => true, 'ADMIN');
  // becoming a member that inherits takes nothing from one that had to SET ROLE
  const quiet = [...inherited.keys()].map((name) => keyOf('role', name, 'SET'));
  return { shown, had: new Set([...shown.keys(), ...quiet]) };
};

/** Predefined roles and those of the provider: PostgreSQL's pg_, RDS's rds. */
const hasMeaning = (role: string): boolean => /^(pg_|rds)/.test(role);

const beyond = (was: Held, is: Held): AccessItem[] => {
  const items = new Map<string, AccessItem>();
  for (const [key, { item, words }] of is.shown) {
    if (was.had.has(key)) continue;
    const name = `${item.what}\0${item.names.join()}`;
    const known = items.get(name);
    const privileges = [...(known?.privileges ?? []), ...words].filter((word) => word !== '').sort(byCodeUnit);
    items.set(name, known ? { ...known, privileges } : { ...item, privileges });
  }
  return [...items.values()].map((item) => ({ ...item, privileges: plainMembership(item.privileges) }));
};

/** Being a member that uses the role is the usual case and needs no words. */
const plainMembership = (words: readonly string[]): readonly string[] =>
  words.includes('MEMBER') && words.includes('USAGE') ? words.filter((word) => word === 'ADMIN') : words;
