import { groupBy } from '../../core/group.ts';
import { wordOf } from '../../core/privileges.ts';
import { parseAccount } from '../../model/account.ts';
import type { Declared } from '../../model/declared.ts';
import type { Finding } from '../../model/finding.ts';
import type { Bodies, Kind, Membership } from '../../model/state.ts';
import type { About, Reality } from '../provider.ts';
import { isReserved } from './catalog.ts';
import { realityOf } from './reality.ts';
import { withHosts } from './removed-hosts.ts';
import type { Server, Snapshot, SnapshotAccount } from './snapshot.ts';

/** Everything that comparing one target needs: both sides, and what the apply login may do. */
export type Scope = {
  readonly declared: Declared;
  readonly snapshot: Snapshot;
  readonly server: Server;
  readonly reality: Reality;
  /** What was read of each account, by the name that it will have. */
  readonly accounts: ReadonlyMap<string, SnapshotAccount>;
  /** The account that applies the plan, whoever read. */
  readonly login: string;
  /** The login and the roles that it is in, over whatever roles. */
  readonly loginRoles: ReadonlySet<string>;
  /** What these hold at `*.*`, without grant options; null: the login is no account that was read. */
  readonly loginWords: ReadonlySet<string> | null;
  /** Existing accounts that `removed` drops. */
  readonly dropped: ReadonlySet<string>;
  /** Old names of the accounts that get a new one, by the new name; everything else here uses the new name. */
  readonly renamed: ReadonlyMap<string, string>;
  /** New names by the old ones. */
  readonly rename: (name: string) => string;
  /** Accounts compared exactly (not additive, not expired, not to be dropped). */
  readonly exact: ReadonlySet<string>;
  /** Accounts that are never altered: the logins of ours, the master, `protected`, and those of the server and of RDS. */
  readonly untouchable: ReadonlySet<string>;
  /** Accounts with SYSTEM_USER, where the login has none: the server refuses every change of them. */
  readonly beyond: ReadonlySet<string>;
};

/** A side-by-side of one kind, as it grows: only what may differ needs to be put in. */
export type Comparison = {
  put<K extends Kind>(kind: K, key: string, before: Bodies[K] | null, after: Bodies[K] | null, about?: About): void;
  report(finding: Finding): void;
};

const scopes = new WeakMap<Snapshot, WeakMap<Declared, Scope>>();

/** What both sides are compared with; made once for each pair, since guards and statements ask for it again. */
export const scopeOf = (snapshot: Snapshot, declared: Declared): Scope => {
  const known = scopes.get(snapshot) ?? new WeakMap<Declared, Scope>();
  scopes.set(snapshot, known);
  const found = known.get(declared) ?? makeScope(snapshot, declared);
  known.set(declared, found);
  return found;
};

/** The account that will apply: the one that read, unless somebody else read for it. */
export const loginOf = ({ accounts, server }: Snapshot, { login }: Declared['target']): string => {
  if (login.user === undefined || parseAccount(server.currentUser).user === login.user) return server.currentUser;
  return accounts.find(({ user, kind }) => user === login.user && kind === 'user')?.name ?? login.user;
};

const makeScope = (snapshot: Snapshot, written: Declared): Scope => {
  const declared = { ...written, removed: withHosts(written.removed, snapshot.accounts) };
  const renamed = renames(snapshot, declared);
  const names = new Map([...renamed].map(([now, old]) => [old, now]));
  const rename = (name: string): string => names.get(name) ?? name;
  const reality = realityOf(snapshot, rename);
  const login = rename(loginOf(snapshot, declared.target));
  // Our sessions SET ROLE ALL on MySQL; on MariaDB, where whoever makes a role is in it, only the default role is active.
  const active = snapshot.server.flavour === 'mysql' ? reality.memberships : reality.memberships.filter(({ inherit }) => inherit);
  const loginRoles = rolesAbove(login, active);
  return {
    declared,
    snapshot,
    server: snapshot.server,
    reality,
    accounts: new Map(snapshot.accounts.map((account) => [rename(account.name), account])),
    login,
    loginRoles,
    loginWords: reality.roles.has(login) ? globalWords(snapshot, rename, loginRoles) : null,
    dropped: new Set(declared.removed.flatMap(({ name, action }) => (action === 'drop' && reality.roles.has(name) ? [name] : []))),
    renamed,
    rename,
    exact: new Set(
      [...declared.roles.values()].flatMap((role) =>
        role.expired || role.manage === 'additive' || declared.target.manage === 'additive' ? [] : [role.name],
      ),
    ),
    untouchable: untouchableAccounts(snapshot, declared, login, renamed),
    beyond: beyondReach(snapshot, loginRoles, rename),
  };
};

/** New name → old name, where only the old one exists. */
const renames = ({ accounts }: Snapshot, declared: Declared): ReadonlyMap<string, string> => {
  const meant = [...declared.roles.values()].flatMap(({ name, renamedFrom }) =>
    renamedFrom === undefined ? [] : [[name, renamedFrom] as const],
  );
  if (meant.length === 0) return new Map();
  const existing = new Set(accounts.map(({ name }) => name));
  return new Map(meant.filter(([now, old]) => existing.has(old) && !existing.has(now)));
};

/** The account and everything that it is in, over whatever roles. */
const rolesAbove = (name: string, memberships: readonly Membership[]): ReadonlySet<string> => {
  const above = groupBy(memberships, ({ member }) => member);
  const held = new Set([name]);
  for (const one of held) for (const { role } of above.get(one) ?? []) held.add(role);
  return held;
};

const globalWords = ({ grants }: Snapshot, rename: (name: string) => string, accounts: ReadonlySet<string>): ReadonlySet<string> =>
  new Set(
    grants.flatMap(({ account, level, privileges }) => (level === 'global' && accounts.has(rename(account)) ? privileges.map(wordOf) : [])),
  );

/** Whatever their hosts: Rolecall's logins, the master, accounts of the server and of RDS, and the `protected` ones. */
const untouchableAccounts = (
  { accounts }: Snapshot,
  { target, guards }: Declared,
  login: string,
  renamed: ReadonlyMap<string, string>,
): ReadonlySet<string> => {
  const master = target.place?.masterUser;
  const users = new Set(
    [target.login.user, target.login.planUser, parseAccount(login).user, ...(master === null ? [] : [master])].filter(
      (user) => user !== undefined,
    ),
  );
  const kept = new Set(guards.protected);
  const named = new Set([login, ...guards.protected]);
  for (const { name, user } of accounts) if (users.has(user) || isReserved(user) || kept.has(user)) named.add(name);
  // A new name does not make another account of it.
  for (const [now, old] of renamed) if (named.has(now) || named.has(old)) named.add(now).add(old);
  return named;
};

/** Accounts with SYSTEM_USER can be changed by such accounts alone (MySQL 8.0.16). */
const beyondReach = (
  { grants, server }: Snapshot,
  loginRoles: ReadonlySet<string>,
  rename: (name: string) => string,
): ReadonlySet<string> => {
  if (server.flavour !== 'mysql') return new Set();
  const holders = new Set(
    grants.flatMap(({ account, level, privileges }) =>
      level === 'global' && privileges.some((privilege) => wordOf(privilege) === 'SYSTEM_USER') ? [rename(account)] : [],
    ),
  );
  return [...loginRoles].some((role) => holders.has(role)) ? new Set() : holders;
};
