import { byCodeUnit } from '../../model/key.ts';
import { byRestart, bySpecificity } from './access-order.ts';
import { activeRoles, nestedRoles, type Paths } from './access-roles.ts';
import { emptyHoldings, type Holdings, literalOf, PUBLIC_ACCOUNT } from './access-rows.ts';
import type { AccessState } from './access-state.ts';
import { coversSchema } from './patterns.ts';

/** Somebody's rows, and how the asker comes to them: [] for its own, else roles in order, an other account, or PUBLIC first. */
export type Source = { readonly holdings: Holdings; readonly path: readonly string[] };

/** What is held on a place, each word with the way to it: 'direct', roles in order, PUBLIC, another account, `pattern Db` last. */
export type Effective = ReadonlyMap<string, readonly string[]>;

/**
 * Who asks: an account (or a role by itself) with all the rows that can count for it, as the server puts them together.
 *
 * `matched`: rows of which the first that matches counts, alone: on MariaDB, and on MySQL while no role is active, the account's own
 * and, as its logins match them just as well, those of wider hosts of the same user and of the anonymous user (`others`).
 * `merged`: rows that are put together first, by their Db or table: on MySQL with an active role its own and all of its roles',
 * on MariaDB those of the role and what is in it, and those of PUBLIC.
 */
export type Asker = {
  readonly state: AccessState;
  readonly own: Source;
  /** Whose global privileges are its own: another account's in one case (MariaDB, `globalOf`). */
  readonly global: Source;
  readonly others: readonly Source[];
  readonly roles: readonly Source[];
  readonly publics: readonly Source[];
  /** MySQL puts its own rows together with those of its roles. */
  readonly pooled: boolean;
  /** What was found for it so far, by schema; '' is the whole server. */
  readonly known: Map<string, Effective>;
};

/** Accounts by user name, made once for a state. */
const users = new WeakMap<AccessState, ReadonlyMap<string, readonly Holdings[]>>();
const accountsOf = (state: AccessState, user: string): readonly Holdings[] => {
  const known = users.get(state) ?? byUser(state);
  users.set(state, known);
  return known.get(user) ?? [];
};
const byUser = ({ holdings }: AccessState): ReadonlyMap<string, readonly Holdings[]> => {
  const found = new Map<string, Holdings[]>();
  for (const one of holdings.values()) {
    const list = found.get(one.user);
    if (list) list.push(one);
    else found.set(one.user, [one]);
  }
  return found;
};

/** An account as it is after its login; a role as it is for its members. */
export const askerOf = (state: AccessState, name: string): Asker => {
  const own = state.holdings.get(name) ?? emptyHoldings(name, name, '');
  const isRole = !state.logins.has(name) && isHeldAsRole(state, name);
  const roles = isRole ? nestedRoles(state, name) : loginRoles(state, name);
  const { flavour } = state.server;
  return {
    state,
    own: { holdings: own, path: [] },
    global: isRole ? { holdings: own, path: [] } : globalOf(state, own),
    others: isRole ? [] : otherAccounts(state, own),
    roles: sources(state, roles),
    publics: flavour === 'mariadb' ? sources(state, publicRoles(state)) : [],
    pooled: flavour === 'mysql' && (roles.size > 0 || isRole),
    known: new Map(),
  };
};

/** Roles that are active after an account's login, each with the way to it. */
export const loginRoles = (state: AccessState, name: string): Paths => {
  const own = state.holdings.get(name);
  return activeRoles(state, name, own && state.server.flavour === 'mariadb' ? widerAccounts(state, own).map((one) => one.name) : []);
};

/**
 * MariaDB takes the global privileges of a login with a default role from the first account to which the role is granted and that
 * matches the client, whether that was chosen for the login or not. Which is the first nobody can see: here it is the chosen one.
 */
const globalOf = (state: AccessState, own: Holdings): Source => {
  const [first = own] = granteesOf(state, own);
  return first === own ? { holdings: own, path: [] } : { holdings: first, path: [first.name] };
};

/** The account itself and wider ones of its user, as far as its default role is granted to them (MariaDB). */
const granteesOf = (state: AccessState, own: Holdings): readonly Holdings[] => {
  const [standard] = state.server.flavour === 'mariadb' ? (state.defaults.get(own.name) ?? []) : [];
  return standard === undefined ? [] : [own, ...widerAccounts(state, own)].filter(({ name }) => state.edges.get(name)?.has(standard));
};

/** Whose global privileges count for a login is left open: more than one account could be it, and they differ. */
export const isGlobalOpen = ({ state, own }: Asker): boolean =>
  new Set(granteesOf(state, own.holdings).map(({ global }) => global)).size > 1;

/** Accounts of the same user whose hosts cover this one's. */
const widerAccounts = (state: AccessState, own: Holdings): readonly Holdings[] =>
  accountsOf(state, own.user).filter((one) => one.name !== own.name && one.host !== '' && coversHost(one.host, own.host));

/** Granted to somebody, or a role of MariaDB. */
const isHeldAsRole = (state: AccessState, name: string): boolean => state.holdings.get(name)?.host === '' || rolesOf(state).has(name);

const granted = new WeakMap<AccessState['edges'], ReadonlySet<string>>();
const rolesOf = ({ edges }: AccessState): ReadonlySet<string> => {
  const known = granted.get(edges) ?? new Set([...edges.values()].flatMap((roles) => [...roles.keys()]));
  granted.set(edges, known);
  return known;
};

const publicRoles = (state: AccessState): Paths =>
  new Map([
    [PUBLIC_ACCOUNT, [PUBLIC_ACCOUNT]],
    ...[...nestedRoles(state, PUBLIC_ACCOUNT)].map(([role, path]) => [role, [PUBLIC_ACCOUNT, ...path]] as const),
  ]);

const sources = ({ holdings }: AccessState, paths: Paths): readonly Source[] =>
  [...paths].flatMap(([role, path]) => {
    const found = holdings.get(role);
    return found ? [{ holdings: found, path }] : [];
  });

/**
 * Accounts whose rows count for every login of this one: the server looks for rows by the client's host, not by the account that it
 * chose (MySQL 8.0 manual, 6.2.7). Hosts that match some of its clients only are left out: what they give depends on the client.
 */
const otherAccounts = (state: AccessState, own: Holdings): readonly Source[] => {
  const anonymous = own.user === '' ? [] : accountsOf(state, '').filter((one) => coversHost(one.host, own.host));
  return [...widerAccounts(state, own), ...anonymous].map((holdings) => ({ holdings, path: [holdings.name] }));
};

/** Every client of the second host is one of the first. */
const coversHost = (wide: string, narrow: string): boolean => {
  if (wide === narrow || wide === '%') return true;
  return !narrow.includes('_') && coversSchema(wide, narrow, false);
};

/** A row on schemas that counts on one of them. */
export type SchemaRow = { readonly source: Source; readonly stored: string };

/** The rows that count on a schema; those that match it and do not count are left out. */
export const schemaRows = (asker: Asker, schema: string): readonly SchemaRow[] => {
  const { own, others, roles, publics, pooled, state } = asker;
  if (pooled) return mergedRows([own, ...roles], state, schema, byText);
  const order = (a: string, b: string): number => bySpecificity(state.server.flavour, 'schema', a, b) || byRestart(a, b);
  // MariaDB looks for the rows of a role and of PUBLIC as for those of a user: where there is none, the anonymous user's count.
  const anyone = others.filter(({ holdings }) => holdings.user === '' && holdings.host === '%');
  const mergedOr = (list: readonly Source[]): readonly SchemaRow[] => {
    if (list.length === 0) return [];
    const found = mergedRows(list, state, schema, order);
    return found.length > 0 ? found : mergedRows(anyone, state, schema, order);
  };
  const rows = [...firstRow(asker, [own, ...others], schema), ...mergedOr(roles), ...mergedOr(publics)];
  return rows.filter(
    (row, index) => rows.findIndex((one) => one.source.holdings === row.source.holdings && one.stored === row.stored) === index,
  );
};

/**
 * All rows that match a schema, by the order in which they would count: a row of a list comes to light when those before it are
 * gone. One list for each set of rows of which one counts.
 */
export const rankedRows = (asker: Asker, schema: string): readonly (readonly SchemaRow[])[] => {
  const { own, others, roles, publics, pooled, state } = asker;
  if (pooled) return [matchingRows([own, ...roles], state, schema).sort((a, b) => byText(a.stored, b.stored))];
  return [[own, ...others], roles, publics].map((list) =>
    matchingRows(list, state, schema).sort((a, b) => byRank(state, a, b) || byRestart(a.stored, b.stored)),
  );
};

/**
 * MySQL with an active role: a Db without `_` and `%` that is the schema's name; else whatever Db matches and comes first by its
 * text, `%` before letters: the widest pattern most often, and a pattern before a name with an escaped `_` in it.
 */
const byText = (a: string, b: string): number => Number(hasWildcards(a)) - Number(hasWildcards(b)) || byRestart(a, b);
const hasWildcards = (stored: string): boolean => /[_%]/.test(stored);

/** Of all that match, those with the Db that counts first, whoever holds them. */
const mergedRows = (list: readonly Source[], state: AccessState, schema: string, order: (a: string, b: string) => number): SchemaRow[] => {
  const found = matchingRows(list, state, schema);
  const [first] = found.map(({ stored }) => stored).sort(order);
  return found.filter(({ stored }) => stored === first);
};

/** Of the account's own rows and the others' the one that counts first. */
const firstRow = ({ state }: Asker, list: readonly Source[], schema: string): SchemaRow[] => {
  const found = matchingRows(list, state, schema);
  if (found.length < 2) return found;
  return found.sort((a, b) => byRank(state, a, b) || byRestart(a.stored, b.stored)).slice(0, 1);
};

const matchingRows = (list: readonly Source[], state: AccessState, schema: string): SchemaRow[] =>
  list.flatMap((source) => storedFor(source.holdings, state, schema).map((stored) => ({ source, stored })));

/** By host, then by Db, then the user's before the anonymous one's. */
const byRank = ({ server: { flavour } }: AccessState, a: SchemaRow, b: SchemaRow): number =>
  bySpecificity(flavour, 'host', a.source.holdings.host, b.source.holdings.host) ||
  bySpecificity(flavour, 'schema', a.stored, b.stored) ||
  Number(a.source.holdings.user === '') - Number(b.source.holdings.user === '');

/**
 * Rows that match a schema, give different things, and have the same rank: which of them counts depends on the order in which they
 * were granted, until a restart decides anew. Empty where one is first.
 */
export const tiedRows = ({ own, others, roles, publics, pooled, state }: Asker, schema: string): readonly SchemaRow[] => {
  if (pooled) return [];
  return [[own, ...others], roles, publics].flatMap((list) => {
    const found = matchingRows(list, state, schema).sort((a, b) => byRank(state, a, b));
    const tied = found.filter((row) => found[0] && byRank(state, found[0], row) === 0);
    const given = new Set(tied.map(({ source, stored }) => [...(source.holdings.schemas.get(stored) ?? [])].sort(byCodeUnit).join()));
    return new Set(tied.map(({ stored }) => stored)).size > 1 && given.size > 1 ? tied : [];
  });
};

type Index = { readonly literals: ReadonlyMap<string, string>; readonly patterns: readonly string[] };
const indexes = new WeakMap<Holdings['schemas'], Index>();

/** Db texts of an account that match a schema. */
export const storedFor = ({ schemas }: Holdings, { server }: AccessState, schema: string): readonly string[] => {
  if (schemas.size === 0) return [];
  const { literals, patterns } = indexes.get(schemas) ?? indexOf(schemas, server);
  const literal = literals.get(schema);
  const matching =
    patterns.length > 0 ? patterns.filter((stored) => coversSchema(foldedIn(server, stored), schema, server.partialRevokes)) : [];
  return literal === undefined ? matching : [literal, ...matching];
};

const indexOf = (schemas: Holdings['schemas'], server: AccessState['server']): Index => {
  const literals = new Map<string, string>();
  const patterns: string[] = [];
  for (const stored of schemas.keys()) {
    const literal = literalOf(stored, server);
    if (literal === null) patterns.push(stored);
    else literals.set(foldedIn(server, literal), stored);
  }
  const index = { literals, patterns };
  indexes.set(schemas, index);
  return index;
};

/** As the server has read it: in lower case where names of schemas are (it says so of each in its error log). */
const foldedIn = ({ lowerCaseTableNames }: AccessState['server'], stored: string): string =>
  lowerCaseTableNames === 0 ? stored : stored.toLowerCase();
