import { append } from '../../../core/group.ts';
import { parseAccount } from '../../../model/account.ts';
import { type Asker, askerOf } from '../access-asker.ts';
import { effectiveAccess, type Place, placeKey } from '../access-effective.ts';
import {
  draftOf,
  emptyHoldings,
  GRANT_OPTION,
  type Holdings,
  PUBLIC_ACCOUNT,
  type Draft as RowDraft,
  rowWords,
  type Words,
} from '../access-rows.ts';
import { type AccessState, stateOf } from '../access-state.ts';
import { touchedPlaces } from '../access-touched.ts';
import type { Scope } from '../scope.ts';
import type { Draft } from './draft.ts';

const states = new WeakMap<Scope, AccessState>();

/** What is there before the first statement, by the names that accounts will have; made when it is first asked for. */
export const stateBefore = (scope: Scope): AccessState => {
  const found = states.get(scope) ?? stateOf(scope.snapshot, scope.rename);
  states.set(scope, found);
  return found;
};

/** So many answers of the server's rules for one user are worth it; beyond them a user that may lapse is told as one that does. */
const WORTH = 20_000;

/**
 * Which of some accounts (users, or roles with all who are in them) miss for a moment what they have before and afterwards, when the
 * drafts run in this order: the access of each user is computed after every statement that concerns it.
 */
export const lapsing = (scope: Scope, drafts: readonly Draft[], accounts: readonly string[]): readonly string[] => {
  if (accounts.length === 0) return [];
  const state = stateBefore(scope);
  const world = worldOf(state, drafts);
  const known = new Map<string, boolean>();
  return [...withMembers(world, accounts)].filter((user) => {
    if (!state.logins.has(user)) return false;
    const names = sourcesOf(world, user);
    const turns = turnsOf(world, names);
    // The first and the last of them leave what was, and what shall be.
    if (turns.length < 2) return false;
    const alike = likeness(world, user, names, turns);
    const found = known.get(alike) ?? lapses(world, user, names, turns);
    known.set(alike, found);
    return found;
  });
};

type World = {
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

const worldOf = (state: AccessState, drafts: readonly Draft[]): World => {
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

const withMembers = ({ below }: World, accounts: readonly string[]): ReadonlySet<string> => {
  const found = new Set(accounts);
  for (const name of found) for (const member of below.get(name) ?? []) found.add(member);
  return found;
};

/** Indexes of the drafts that concern somebody of these. */
const turnsOf = ({ concerning }: World, names: ReadonlySet<string>): readonly number[] =>
  [...names].flatMap((name) => concerning.get(name) ?? []).sort((a, b) => a - b);

/** One text for users of one host with the same roles, the same drafts around those of their roles, and no rows: one of them is computed. */
const likeness = ({ state, drafts }: World, user: string, names: ReadonlySet<string>, turns: readonly number[]): string => {
  const { host, global, schemas, tables, routines, proxies, restrictions } = state.holdings.get(user) ?? emptyHoldings(user, user, '');
  if ([global, schemas, tables, routines, proxies, restrictions].some(({ size }) => size > 0)) return user;
  const own = ({ gains, loses, settles }: Draft): boolean => (gains ?? loses ?? settles) === user;
  const shapes = turns.map((index) => {
    const draft = drafts[index]!;
    return own(draft) ? [draft.rows, draft.joins, draft.leaves, draft.settles === undefined, draft.standard] : index;
  });
  const edges = [...(state.edges.get(user)?.keys() ?? [])];
  return JSON.stringify([host, [...names].filter((name) => name !== user), edges, [...(state.defaults.get(user) ?? [])], shapes]);
};

const lapses = (world: World, user: string, names: ReadonlySet<string>, turns: readonly number[]): boolean => {
  const drafts = turns.map((index) => world.drafts[index]!);
  const start = partOf(world.state, names);
  const places = placesOf(start, drafts);
  if (places.length * drafts.length > WORTH) return true;
  const askers = [askerOf(start, user)];
  let now = start;
  for (const draft of drafts) {
    now = stateThrough(now, [draft]);
    askers.push(askerOf(now, user));
  }
  return places.some((place) => isMissed(askers, place));
};

/** Everybody whose rows can count for the user, now or later. */
const sourcesOf = ({ state, above, namesakes }: World, user: string): ReadonlySet<string> => {
  const own = state.holdings.get(user)?.user ?? parseAccount(user).user;
  const anonymous = namesakes.get('') ?? [];
  const found = new Set([user, ...(namesakes.get(own) ?? []), ...anonymous, PUBLIC_ACCOUNT, ...state.server.mandatoryRoles]);
  for (const name of found) for (const role of above.get(name) ?? []) found.add(role);
  return found;
};

const partOf = (state: AccessState, names: ReadonlySet<string>): AccessState => {
  const only = <V>(map: ReadonlyMap<string, V>): ReadonlyMap<string, V> =>
    new Map([...names].flatMap((name) => (map.has(name) ? [[name, map.get(name)!] as const] : [])));
  return { ...state, holdings: only(state.holdings), edges: only(state.edges), defaults: only(state.defaults) };
};

/** Where something can differ on the way: on the rows that change, and with roles on everything that any of them holds. */
const placesOf = (state: AccessState, drafts: readonly Draft[]): readonly Place[] => {
  const turned = draftOf(emptyHoldings('', '', ''));
  for (const { place, words } of drafts.flatMap(({ rows = [] }) => rows)) turned.row(place, new Set(words));
  const moves = drafts.some(({ joins, leaves, settles }) => (joins ?? leaves ?? settles) !== undefined);
  const holdings = [turned.finished(), ...(moves ? state.holdings.values() : [])];
  const found = holdings.flatMap((one) => touchedPlaces([state], null, one));
  return [...new Map(found.map((place) => [placeKey(place), place])).values()];
};

/** What drafts make of a state. */
export const stateThrough = (state: AccessState, drafts: readonly Draft[]): AccessState => {
  const [holdings, edges, defaults] = [new Map(state.holdings), new Map(state.edges), new Map(state.defaults)];
  const open = new Map<string, RowDraft>();
  for (const { gains, loses, rows = [], joins, leaves = [], settles, standard = [] } of drafts) {
    const account = gains ?? loses ?? settles;
    if (account === undefined) continue;
    for (const { place, words, verb } of rows) {
      const draft = open.get(account) ?? draftOf(holdings.get(account) ?? newHoldings(account));
      open.set(account, draft);
      draft.row(place, turnedWords(rowWords(draft.finished(), place), words, verb));
    }
    if (joins !== undefined) edges.set(account, new Map([...(edges.get(account) ?? []), [joins, edges.get(account)?.get(joins) ?? false]]));
    if (leaves.length > 0) edges.set(account, new Map([...(edges.get(account) ?? [])].filter(([role]) => !leaves.includes(role))));
    if (settles !== undefined) defaults.set(settles, new Set(standard));
  }
  for (const [account, { finished }] of open) holdings.set(account, finished());
  return { ...state, holdings, edges, defaults };
};

const newHoldings = (account: string): Holdings => {
  const { user, host } = parseAccount(account);
  return emptyHoldings(account, user, host);
};

const turnedWords = (held: Words, words: readonly string[], verb: 'grant' | 'revoke'): Words => {
  if (verb === 'grant') return new Set([...held, ...words]);
  const left = [...held].filter((word) => !words.includes(word));
  // An option alone is no row that would hide another.
  return new Set(left.every((word) => word === GRANT_OPTION) ? [] : left);
};

const isMissed = (askers: readonly Asker[], place: Place): boolean => {
  const held = askers.map((asker) => effectiveAccess(asker, place));
  const last = held.at(-1)!;
  return [...held[0]!.keys()].some((word) => word !== GRANT_OPTION && last.has(word) && held.some((words) => !words.has(word)));
};
