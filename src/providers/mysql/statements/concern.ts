import { append } from '../../../core/group.ts';
import { parseAccount } from '../../../model/account.ts';
import { emptyHoldings, PUBLIC_ACCOUNT } from '../access-rows.ts';
import type { AccessState } from '../access-state.ts';
import type { Draft } from './draft.ts';

/** Drafts in their order, and whom they concern. */
export type World = {
  readonly state: AccessState;
  readonly drafts: readonly Draft[];
  /** Indexes of drafts by the account that they concern. */
  readonly concerning: ReadonlyMap<string, readonly number[]>;
  /** Roles by member and members by role, before and after. */
  readonly above: ReadonlyMap<string, readonly string[]>;
  readonly below: ReadonlyMap<string, readonly string[]>;
  /** Accounts by the name of their user. */
  readonly namesakes: ReadonlyMap<string, readonly string[]>;
};

/** Made once for an order: whom its drafts concern. */
export const worldOf = (state: AccessState, drafts: readonly Draft[]): World => {
  const [concerning, above, below, namesakes] = [new Map(), new Map(), new Map(), new Map()] as [
    Map<string, number[]>,
    ...Map<string, string[]>[],
  ];
  const isIn = (member: string, role: string): void => {
    append(above!, member, role);
    append(below!, role, member);
  };
  for (const [member, roles] of state.edges) for (const role of roles.keys()) isIn(member, role);
  drafts.forEach(({ gains, loses, settles, joins }, index) => {
    const account = gains ?? loses ?? settles;
    if (account !== undefined) append(concerning, account, index);
    if (joins !== undefined && gains !== undefined) isIn(gains, joins);
  });
  for (const { name, user, host } of state.holdings.values()) if (host !== '') append(namesakes!, user, name);
  return { state, drafts, concerning, above: above!, below: below!, namesakes: namesakes! };
};

/** Some accounts, and all who are in them. */
export const withMembers = ({ below }: World, accounts: readonly string[]): ReadonlySet<string> => {
  const found = new Set(accounts);
  for (const name of found) for (const member of below.get(name) ?? []) found.add(member);
  return found;
};

/** Indexes of the drafts that concern somebody of these. */
export const turnsOf = ({ concerning }: World, names: ReadonlySet<string>): readonly number[] =>
  [...names].flatMap((name) => concerning.get(name) ?? []).sort((a, b) => a - b);

/** Everybody whose rows can count for the user, now or later. */
export const sourcesOf = ({ state, above, namesakes }: World, user: string): ReadonlySet<string> => {
  const own = state.holdings.get(user)?.user ?? parseAccount(user).user;
  const anonymous = namesakes.get('') ?? [];
  const found = new Set([user, ...(namesakes.get(own) ?? []), ...anonymous, PUBLIC_ACCOUNT, ...state.server.mandatoryRoles]);
  for (const name of found) for (const role of above.get(name) ?? []) found.add(role);
  return found;
};

/** A state with these accounts alone. */
export const partOf = (state: AccessState, names: ReadonlySet<string>): AccessState => {
  const only = <V>(map: ReadonlyMap<string, V>): ReadonlyMap<string, V> =>
    new Map([...names].flatMap((name) => (map.has(name) ? [[name, map.get(name)!] as const] : [])));
  return { ...state, holdings: only(state.holdings), edges: only(state.edges), defaults: only(state.defaults) };
};

/** One text for users of one host with the same roles, the same drafts around those of their roles, and the same rows: one of them is computed. */
export const likeness = ({ state, drafts }: World, user: string, names: ReadonlySet<string>, turns: readonly number[]): string => {
  const { host, global, schemas, tables, routines, proxies, restrictions } = state.holdings.get(user) ?? emptyHoldings(user, user, '');
  if ([tables, routines, proxies, restrictions].some(({ size }) => size > 0)) return user;
  const rows = [[...global], ...[...schemas].map(([stored, words]) => [stored, ...words])];
  const own = ({ gains, loses, settles }: Draft): boolean => (gains ?? loses ?? settles) === user;
  const shapes = turns.map((index) => {
    const draft = drafts[index]!;
    return own(draft) ? [draft.rows, draft.joins, draft.leaves, draft.settles === undefined, draft.standard] : index;
  });
  const edges = [...(state.edges.get(user)?.keys() ?? [])];
  return JSON.stringify([host, rows, [...names].filter((name) => name !== user), edges, [...(state.defaults.get(user) ?? [])], shapes]);
};
