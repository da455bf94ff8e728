import { parseAccount } from '../../core/account.ts';
import type { Declared } from '../../model/declared.ts';
import { text } from './account-rows.ts';
import type { Row } from './connect.ts';

/** What of a manifest decides what is read. */
export type Concern = Pick<Declared, 'target' | 'roles' | 'grants' | 'memberships' | 'removed' | 'existing'>;

/** What two manifests want of the same server, read at once. */
export const both = (one: Concern, other: Concern | undefined): Concern =>
  other === undefined
    ? one
    : {
        target: one.target,
        roles: new Map([...other.roles, ...one.roles]),
        grants: [...one.grants, ...other.grants],
        memberships: [...one.memberships, ...other.memberships],
        removed: [...one.removed, ...other.removed],
        existing: new Set([...one.existing, ...other.existing]),
      };

/**
 * Rows of accounts and of memberships as the driver gives them; the user that reads; and the roles that everybody has without being
 * in them.
 */
export type Bonds = {
  readonly accounts: readonly Row[];
  readonly edges: readonly Row[];
  readonly reader: string;
  readonly everybodys: readonly string[];
};

/**
 * Users and roles, by their names without hosts, that a plan can depend on: what the manifest names (in whatever case), what is
 * marked, whoever is in one of these, and all that any of them is in. Nobody else's access changes, nor does anybody get theirs. Null:
 * everybody, where a role of everybody's may change.
 */
export const concernedUsers = (concern: Concern, { accounts, edges, reader, everybodys }: Bonds): ReadonlySet<string> | null => {
  const [members, roles] = [new Map<string, string[]>(), new Map<string, string[]>()];
  for (const [role, , member] of edges) {
    put(members, text(role), text(member));
    put(roles, text(member), text(role));
  }
  const found = oursAmong(accounts, new Set(namesOf(concern)));
  const common = closed(new Set(everybodys), roles);
  if ([...common].some((role) => found.has(role))) return null;
  for (const name of [reader, ...common]) found.add(name);
  return closed(closed(found, members), roles);
};

/** These names, and those of accounts that are marked or that differ from one of them by case alone. */
const oursAmong = (accounts: readonly Row[], names: Set<string>): Set<string> => {
  const alike = new Set([...names].map((name) => name.toLowerCase()));
  for (const [name, , values] of accounts) {
    const user = text(name);
    if (text(values).includes(MARK) || alike.has(user.toLowerCase())) names.add(user);
  }
  return names;
};

/** With everything that one gets to from there. */
const closed = (names: Set<string>, next: ReadonlyMap<string, readonly string[]>): Set<string> => {
  for (const name of names) for (const one of next.get(name) ?? []) names.add(one);
  return names;
};

/** In the attribute of an account, where anybody's stack has marked it. */
const MARK = '"rolecall"';

/** A name with an @ in it is a role's of MariaDB as it stands, or that of a user without its host. */
const namesOf = ({ target: { login }, roles, grants, memberships, removed, existing }: Concern): readonly string[] =>
  [
    ...[login.user, login.planUser].flatMap((name) => name ?? []),
    ...[...roles.values()].flatMap(({ name, renamedFrom }) => [name, renamedFrom ?? name]),
    ...grants.flatMap(({ grantee, kind, name }) => (kind === 'proxy' && name ? [grantee, name.text] : [grantee])),
    ...memberships.flatMap(({ role, member }) => [role, member]),
    ...removed.map(({ name }) => name),
    ...existing,
  ].flatMap((name) => [name, parseAccount(name).user]);

const put = (map: Map<string, string[]>, key: string, value: string): void => {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
};
