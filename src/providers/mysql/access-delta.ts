import { foldUsers } from '../../core/access-fold.ts';
import { createItems, type Items, placeOf, type Sides } from '../../core/access-items.ts';
import { groupBy } from '../../core/group.ts';
import { byCodeUnit } from '../../model/key.ts';
import type { AccessDelta } from '../../model/plan.ts';
import { type MysqlLevel, mysqlLevel, mysqlWords } from '../../model/privilege-mysql.ts';
import { type Asker, askerOf, type Effective, storedFor } from './access-asker.ts';
import { effectiveAccess, objectOf, type Place, placeKey, widerPlace } from './access-effective.ts';
import { GRANT_OPTION, type Holdings, PUBLIC_ACCOUNT, routineKey, tableKey } from './access-rows.ts';
import { standingSides } from './access-standing.ts';
import type { AccessState } from './access-state.ts';
import { ownPlaces, touchedPlaces } from './access-touched.ts';

/**
 * Who gains and loses what between two states, users alike in it together, losses first. Costs by what changed: only users whose own
 * rows, roles or neighbours differ are looked at, on the places where they differ; users with the same roles and no rows of
 * their own there are judged once.
 */
export const accessDelta = (before: AccessState, after: AccessState): readonly AccessDelta[] => {
  const judged = judge(before, after);
  const found = concernedUsers(before, after).map((user) => ({ user, sides: [standingSides(before, after, user), judged(user)] }));
  return foldUsers(found);
};

/** Accounts that log in before or after, and for which something may differ. */
export const concernedUsers = (before: AccessState, after: AccessState): readonly string[] => {
  const touched = touchedAccounts(before, after);
  const { mandatoryRoles } = before.server;
  const users = [...new Set([...before.logins, ...after.logins])];
  const all = [...touched].some((name) => name === PUBLIC_ACCOUNT || name.startsWith('@') || mandatoryRoles.includes(name));
  const concerned = all ? new Set(users) : withMembers([before, after], touched);
  // Rows of one host count for others of the same user.
  const names = new Set([...touched].map((name) => userOf(before, after, name)));
  return users.filter((user) => concerned.has(user) || names.has(userOf(before, after, user))).sort(byCodeUnit);
};

const userOf = (before: AccessState, after: AccessState, name: string): string =>
  (before.holdings.get(name) ?? after.holdings.get(name))?.user ?? name;

const touchedAccounts = (before: AccessState, after: AccessState): ReadonlySet<string> => {
  const touched = new Set<string>();
  const compare = (was: ReadonlyMap<string, unknown>, is: ReadonlyMap<string, unknown>): void => {
    if (was === is) return;
    for (const [name, value] of was) if (is.get(name) !== value) touched.add(name);
    for (const name of is.keys()) if (!was.has(name)) touched.add(name);
  };
  compare(before.holdings, after.holdings);
  compare(before.edges, after.edges);
  compare(before.defaults, after.defaults);
  for (const [was, is] of [
    [before.logins, after.logins],
    [before.iam, after.iam],
  ] as const) {
    for (const name of was) if (!is.has(name)) touched.add(name);
    for (const name of is) if (!was.has(name)) touched.add(name);
  }
  return touched;
};

const withMembers = (states: readonly AccessState[], names: ReadonlySet<string>): ReadonlySet<string> => {
  const below = new Map<string, Set<string>>();
  for (const { edges } of states) {
    for (const [member, roles] of edges) {
      for (const role of roles.keys()) below.set(role, (below.get(role) ?? new Set()).add(member));
    }
  }
  const found = new Set(names);
  for (const name of found) for (const member of below.get(name) ?? []) found.add(member);
  return found;
};

/** Two states of a user, and the places where they may differ. */
type Judged = { readonly was: Asker; readonly is: Asker; readonly places: Places };

/** Places, each once; the keys of tables and routines among them (or around them), and the schemas that they are in. */
type Places = { readonly list: readonly Place[]; readonly rows: ReadonlySet<string>; readonly schemas: ReadonlySet<string> };

const NO_SIDES: Sides = { gains: [], loses: [] };

/** What users gain and lose on objects; those alike are judged once. */
const judge = (before: AccessState, after: AccessState): ((user: string) => Sides) => {
  const diff = rememberedPlaces([before, after]);
  const known = new Map<string, Sides>();
  const byRoles = new Map<string, Places>();
  return (user) => {
    const [was, is] = [askerOf(before, user), askerOf(after, user)];
    const roles = JSON.stringify([was, is].map(({ roles }) => roles.map(({ path }) => path)));
    const shared = was.own.holdings === is.own.holdings && was.pooled === is.pooled && was.others.length + is.others.length === 0;
    const places = (shared ? byRoles.get(roles) : undefined) ?? placesOf(was, is, diff);
    if (shared) byRoles.set(roles, places);
    if (places.list.length === 0) return NO_SIDES;
    if (!shared || hasRowsOn(before, was.own.holdings, places)) return objectSides({ was, is, places });
    const sides = known.get(roles) ?? objectSides({ was, is, places });
    known.set(roles, sides);
    return sides;
  };
};

type Difference = (was: Holdings | null, is: Holdings | null) => readonly Place[];

/** Differences of two holdings, each found once: a role has many members. */
const rememberedPlaces = (states: readonly AccessState[]): Difference => {
  const known = new Map<Holdings | null, Map<Holdings | null, readonly Place[]>>();
  return (was, is) => {
    if (was === is) return [];
    const found = known.get(was) ?? new Map<Holdings | null, readonly Place[]>();
    known.set(was, found);
    const places = found.get(is) ?? touchedPlaces(states, was, is);
    found.set(is, places);
    return places;
  };
};

/** Everything whose rows count for somebody, by name. */
const sourcesOf = ({ own, others, roles, publics }: Asker): ReadonlyMap<string, Holdings> =>
  new Map([own, ...others, ...roles, ...publics].map(({ holdings }) => [holdings.name, holdings]));

const placesOf = (was: Asker, is: Asker, diff: Difference): Places => {
  const [had, has] = [sourcesOf(was), sourcesOf(is)];
  const lists = [...new Set([...had.keys(), ...has.keys()])].map((name) => diff(had.get(name) ?? null, has.get(name) ?? null));
  // Rows are put together in another way when the first role comes, or the last one goes.
  if (was.pooled !== is.pooled) lists.push(...[was, is].map((asker) => ownPlaces([was.state, is.state], asker)));
  const several = lists.filter((list) => list.length > 0);
  const list = several.length > 1 ? [...new Map(several.flat().map((place) => [placeKey(place), place])).values()] : (several[0] ?? []);
  return {
    list,
    rows: new Set(list.map(rowKeyOf)),
    schemas: new Set(list.flatMap((place) => ('schema' in place ? [place.schema] : []))),
  };
};

/** The row of an account that a place is on; that of a column is its table's. */
const rowKeyOf = (place: Place): string => {
  switch (place.kind) {
    case 'table':
      return tableKey(place.schema, place.name);
    case 'column':
      return tableKey(place.schema, place.relation);
    case 'function':
    case 'procedure':
      return routineKey(place.kind, place.schema, place.name);
    default:
      return '';
  }
};

/** Whether an account has a row that can count on one of the places. */
const hasRowsOn = (state: AccessState, holdings: Holdings, { rows, schemas }: Places): boolean => {
  if (holdings.global.size > 0 || holdings.restrictions.size > 0 || holdings.proxies.size > 0) return true;
  for (const key of holdings.tables.keys()) if (rows.has(key)) return true;
  for (const key of holdings.routines.keys()) if (rows.has(key)) return true;
  if (holdings.schemas.size === 0) return false;
  for (const schema of schemas) if (storedFor(holdings, state, schema).length > 0) return true;
  return false;
};

const objectSides = ({ was, is, places }: Judged): Sides => {
  const [gains, loses] = [createItems(), createItems()];
  for (const place of places.list) {
    addBeyond(gains, was, is, place);
    addBeyond(loses, is, was, place);
  }
  return { gains: gains.list(), loses: loses.list() };
};

/** Adds what the second has on a place and the first has not; what comes with a wider place is told of that. */
const addBeyond = (items: Items, first: Asker, second: Asker, place: Place): void => {
  const [had, has] = [effectiveAccess(first, place), effectiveAccess(second, place)];
  if (had === has || has.size === 0) return;
  const level = mysqlLevel(place.kind) ?? 'global';
  const [old, now] = [atomsOf(had, first, level), atomsOf(has, second, level)];
  const come = [...now].filter(([atom]) => !old.has(atom));
  const wider = come.length > 0 ? widerPlace(place) : null;
  const [hadWider, hasWider] = wider
    ? [atomsOf(effectiveAccess(first, wider), first, level), atomsOf(effectiveAccess(second, wider), second, level)]
    : [NOTHING, NOTHING];
  const found = come.filter(([atom]) => !hasWider.has(atom) || hadWider.has(atom));
  if (found.length === 0) return;
  const on = objectOf(place);
  for (const list of groupBy(found, ([, path]) => path.join('\0')).values()) {
    items.add(
      'privileges',
      on,
      placeOf(on),
      on.names,
      list.map(([atom]) => atom),
      list[0]?.[1] ?? [],
    );
  }
};

const NOTHING: Effective = new Map();

/** As plans write privileges: the grant option of a place is one on each of the words that can be granted there. */
const atomsOf = (effective: Effective, { state }: Asker, level: MysqlLevel): Effective => {
  const option = effective.get(GRANT_OPTION);
  if (!option) return effective;
  const { flavour } = state.server;
  const atoms = new Map<string, readonly string[]>();
  const legal = new Set(mysqlWords(level, flavour));
  for (const [word, path] of effective) {
    if (word === GRANT_OPTION) continue;
    atoms.set(word, path);
    if (legal.has(word)) atoms.set(`${word}*`, option.length > 1 || option[0] !== 'direct' ? option : path);
  }
  return atoms;
};
