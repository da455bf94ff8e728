import { parseAccount } from '../../core/account.ts';
import type { Change } from '../../model/change.ts';
import type { Roles } from './access-roles.ts';
import { type Draft, draftOf, emptyHoldings, grantPlaces, type Holdings, holderOf, NO_WORDS, rowPlaceOf, wordsOf } from './access-rows.ts';
import { tableRows } from './rows.ts';
import type { Server, Snapshot, TableGrants } from './snapshot.ts';

/** All that decides who can do what on a server: what was read, or what will be after some changes. Never changed in place. */
export type AccessState = Roles & {
  readonly server: Server;
  readonly schemas: readonly string[];
  readonly holdings: ReadonlyMap<string, Holdings>;
  /** Accounts that can log in, and those of them that do so by IAM. */
  readonly logins: ReadonlySet<string>;
  readonly iam: ReadonlySet<string>;
};

/** As it was read; `rename` gives the names that accounts will have. */
export const stateOf = (snapshot: Snapshot, rename: (name: string) => string = (name) => name): AccessState => {
  const { server, accounts } = snapshot;
  const drafts = new Map<string, Draft>(
    accounts.map(({ name, user, host }) => [rename(name), draftOf(emptyHoldings(rename(name), user, host))]),
  );
  const draft = (account: string): Draft => {
    const name = rename(account);
    const found = drafts.get(name) ?? draftOf(newHoldings(name));
    drafts.set(name, found);
    return found;
  };
  for (const grant of snapshot.grants) draft(grant.account).row(rowPlaceOf(grant), wordsOf(grant.privileges, server));
  for (const { account, schema, privileges } of snapshot.restrictions) draft(account).restrict(schema, wordsOf(privileges, server));
  const tables = new Map((snapshot.tableGrants ?? []).map((held) => [rename(held.account), held]));
  for (const { account } of snapshot.tableGrants ?? []) draft(account);
  const edges = new Map<string, Map<string, boolean>>();
  for (const { role, member, admin } of snapshot.edges) entry(edges, rename(member), () => new Map()).set(rename(role), admin);
  const defaults = new Map<string, Set<string>>();
  for (const { role, member } of snapshot.defaultRoles) entry(defaults, rename(member), () => new Set()).add(rename(role));
  const users = accounts.filter(({ kind }) => kind === 'user');
  return {
    server,
    schemas: snapshot.schemas,
    holdings: new Map([...drafts].map(([name, { finished }]) => [name, withTables(finished(), tables.get(name), server)])),
    logins: new Set(users.flatMap(({ name, locked }) => (locked ? [] : [rename(name)]))),
    iam: new Set(users.flatMap(({ name, options }) => (options.auth === 'iam' ? [rename(name)] : []))),
    edges,
    defaults,
  };
};

/** With rows on tables, which are read when somebody asks for them: most accounts are not concerned. */
const withTables = (holdings: Holdings, held: TableGrants | undefined, server: Server): Holdings => {
  if (!held) return holdings;
  let tables: Holdings['tables'] | undefined;
  return {
    ...holdings,
    get tables() {
      if (!tables) {
        const draft = draftOf(holdings);
        for (const grant of tableRows(held)) draft.row(rowPlaceOf(grant), wordsOf(grant.privileges, server));
        tables = draft.finished().tables;
      }
      return tables;
    },
  };
};

const newHoldings = (name: string): Holdings => {
  const { user, host } = parseAccount(name);
  return emptyHoldings(name, user, host);
};

const entry = <V>(map: Map<string, V>, key: string, make: () => V): V => {
  const found = map.get(key) ?? make();
  map.set(key, found);
  return found;
};

/** What the changes make of it; blocked ones make nothing. What no change touches is the same object as before. */
export const stateAfter = (before: AccessState, changes: readonly Change[]): AccessState => {
  const { server } = before;
  const holdings = new Map(before.holdings);
  const drafts = new Map<string, Draft>();
  const draft = (name: string): Draft => entry(drafts, name, () => draftOf(holdings.get(name) ?? newHoldings(name)));
  const [logins, iam] = [new Set(before.logins), new Set(before.iam)];
  const [edges, defaults] = [new Map(before.edges), new Map(before.defaults)];
  const dropped: string[] = [];
  for (const change of changes) {
    if (change.blocked !== undefined) continue;
    if (change.kind === 'grant') {
      const body = change.after ?? change.before;
      const words = change.after ? wordsOf(change.after.privileges, server) : NO_WORDS;
      if (body) for (const place of grantPlaces(body, server)) draft(holderOf(body.grantee)).row(place, words);
    }
    if (change.kind === 'membership') {
      const body = change.after ?? change.before;
      if (!body) continue;
      const [roles, active] = [new Map(edges.get(body.member)), new Set(defaults.get(body.member))];
      if (change.after) roles.set(body.role, change.after.admin);
      else roles.delete(body.role);
      if (change.after?.inherit) active.add(body.role);
      else active.delete(body.role);
      edges.set(body.member, roles);
      defaults.set(body.member, active);
    }
    if (change.kind === 'role') {
      const name = change.after?.name ?? change.before?.name ?? '';
      if (!change.after) dropped.push(name);
      else if (!holdings.has(name)) draft(name);
      mark(logins, name, change.after?.login ?? false);
      mark(iam, name, change.after?.options?.auth === 'iam');
    }
  }
  for (const [name, { finished }] of drafts) holdings.set(name, finished());
  const gone = new Set(dropped);
  for (const name of gone) holdings.delete(name);
  return {
    ...before,
    holdings,
    logins,
    iam,
    edges: gone.size > 0 ? withoutRoles(edges, gone) : edges,
    defaults,
  };
};

const mark = (set: Set<string>, name: string, is: boolean): void => {
  if (is) set.add(name);
  else set.delete(name);
};

const withoutRoles = (edges: Roles['edges'], gone: ReadonlySet<string>): Roles['edges'] => {
  const left = new Map<string, ReadonlyMap<string, boolean>>();
  for (const [member, roles] of edges) {
    if (gone.has(member)) continue;
    left.set(member, [...roles.keys()].some((role) => gone.has(role)) ? new Map([...roles].filter(([role]) => !gone.has(role))) : roles);
  }
  return left;
};
