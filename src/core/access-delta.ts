import type { OwnedObjects } from '../model/access.ts';
import { byCodeUnit } from '../model/key.ts';
import type { AccessDelta } from '../model/plan.ts';
import type { Reality } from '../model/reality.ts';
import {
  type Access,
  type Asker,
  askerOf,
  type Claims,
  createAccess,
  isHeld,
  isHeldByAcl,
  isOwner,
  pathByAcl,
  pathToOwner,
  SWEEPING_ROLES,
  tablesOf,
} from './access.ts';
import { foldUsers } from './access-fold.ts';
import { createItems, type Items, placeOf, type Sides } from './access-items.ts';
import type { Closure } from './closure.ts';
import { groupBy } from './group.ts';
import { type Pair, type Pairs, pairObjects } from './object-pairs.ts';
import { changedRoles, roleSides } from './role-access.ts';

/**
 * Who gains and loses what between two states, users alike in it together, losses first. What PUBLIC gains or loses
 * is told once, as of the user 'PUBLIC', and not repeated for everybody; what a predefined role reaches everywhere is
 * told by that role. Costs by what changed: untouched rows are skipped, users with the same relevant roles are judged once.
 */
export const accessDelta = (before: Reality, after: Reality): readonly AccessDelta[] => {
  const states: States = { before: createAccess(before), after: createAccess(after) };
  const pairs = pairObjects(states.before, states.after);
  const touched = rolesOf(states, pairs.changed);
  const moved = changedRoles(before, after);
  const users = concernedUsers(states, [...touched.keys(), ...moved]);
  const judged = judge(states, users, touched, pairs);
  const open = publicSides(states, pairs.changed);
  const folded = foldUsers(
    users.map((user) => ({
      user,
      sides: [...(moved.length > 0 ? [roleSides(states.before, states.after, user)] : []), judged.get(user) ?? NO_SIDES],
    })),
  );
  return [...(open.gains.length + open.loses.length > 0 ? [{ users: ['PUBLIC'], ...open }] : []), ...folded];
};

const NO_SIDES: Sides = { gains: [], loses: [] };

type States = { readonly before: Access; readonly after: Access };
type PairsByRole = Map<string, Pair[]>;

/** Users before or after that are, or are below, one of these roles. */
const concernedUsers = ({ before, after }: States, roles: readonly string[]): string[] => {
  if (roles.length === 0) return [];
  const concerned = new Set([...before.memberships.concerned(roles), ...after.memberships.concerned(roles)]);
  const logs = (access: Access, role: string): boolean => access.reality.roles.get(role)?.login ?? false;
  return [...concerned].filter((role) => logs(before, role) || logs(after, role)).sort(byCodeUnit);
};

/** Changed objects by the roles for which something differs. */
const rolesOf = (states: States, pairs: readonly Pair[]): PairsByRole => {
  const found: PairsByRole = new Map();
  for (const pair of pairs) for (const role of differingRoles(states, pair)) put(found, role, pair);
  return found;
};

const differingRoles = (states: States, pair: Pair): string[] => {
  const [was, is] = claimsOfPair(states, pair);
  return [...namedRoles(was, is)].filter(
    (role) => (was?.owner.role === role) !== (is?.owner.role === role) || differingAtoms(was, is, role).length > 0,
  );
};

const claimsOfPair = ({ before, after }: States, pair: Pair): readonly [Claims | null, Claims | null] => {
  const [old, young] = [columnless(pair.before, pair.after), columnless(pair.after, pair.before)];
  return [old && before.claims(old), young && after.claims(young)];
};

const namedRoles = (...sides: readonly (Claims | null)[]): ReadonlySet<string> =>
  new Set(sides.flatMap((claims) => (claims ? [...claims.byRole.keys(), claims.owner.role] : [])));

const differingAtoms = (was: Claims | null, is: Claims | null, role: string): string[] => {
  const [had, has] = [was?.byRole.get(role) ?? NONE, is?.byRole.get(role) ?? NONE];
  return [...[...had].filter((atom) => !has.has(atom)), ...[...has].filter((atom) => !had.has(atom))];
};
const NONE: ReadonlySet<string> = new Set();

const put = (found: PairsByRole, role: string, pair: Pair): void => {
  const list = found.get(role);
  if (list) list.push(pair);
  else found.set(role, [pair]);
};

type Judged = { readonly user: string; readonly was: Asker; readonly is: Asker; readonly crossed: readonly string[] };

/** What users gain and lose on objects: first together by what they can be concerned with, then by how they reach it. */
const judge = (states: States, users: readonly string[], touched: PairsByRole, pairs: Pairs): Map<string, Sides> => {
  const askers = users.map((user): Judged => {
    const [was, is] = [askerOf(states.before, user), askerOf(states.after, user)];
    return { user, was, is, crossed: symmetricDifference(was.closure, is.closure) };
  });
  const named = pairsOfRoles(states, pairs, new Set(askers.flatMap(({ crossed }) => crossed)));
  const interest = ({ was, is, crossed }: Judged): string =>
    JSON.stringify([crossed.filter((role) => named.has(role)), rolesIn(touched, was.closure, is.closure)]);
  const judged = new Map<string, Sides>();
  for (const group of firstAndRest(groupBy(askers, interest))) {
    const stakes = stakesOf(states, group[0], touched, named);
    const relevant = relevantRoles(stakes);
    const stand = ({ was, is }: Judged): string => JSON.stringify([standing(was, relevant), standing(is, relevant)]);
    for (const alike of firstAndRest(groupBy(group, stand))) {
      const sides = objectSides(alike[0], stakes);
      for (const { user } of alike) judged.set(user, sides);
    }
  }
  return judged;
};

/** Objects on which something may have come or gone, which atoms, and what both states say of them. */
type Stake = {
  readonly pair: Pair;
  readonly place: string;
  readonly atoms: Set<string>;
  readonly before: Saying | null;
  readonly after: Saying | null;
};
/** What ACLs say of objects; of columns also what is said of their table alone. */
type Saying = { readonly row: OwnedObjects; readonly claims: Claims; readonly table: Saying | null };

const stakesOf = (states: States, { was, is, crossed }: Judged, touched: PairsByRole, named: PairsByRole): readonly Stake[] => {
  const stakes = new Map<Pair, Stake>();
  const add = (pair: Pair, atoms: Iterable<string>): void => {
    const stake = stakes.get(pair) ?? stakeOf(states, pair);
    stakes.set(pair, stake);
    for (const atom of atoms) stake.atoms.add(atom);
  };
  for (const role of rolesIn(touched, was.closure, is.closure)) {
    for (const pair of touched.get(role) ?? []) add(pair, differingAtoms(...claimsOfPair(states, pair), role));
  }
  for (const role of crossed) {
    for (const pair of named.get(role) ?? []) for (const claims of claimsOfPair(states, pair)) add(pair, claims?.byRole.get(role) ?? NONE);
  }
  return [...stakes.values()];
};

const stakeOf = (states: States, pair: Pair): Stake => ({
  pair,
  place: placeOf(pair.after ?? pair.before),
  atoms: new Set(),
  before: sayingOf(states.before, columnless(pair.before, pair.after)),
  after: sayingOf(states.after, columnless(pair.after, pair.before)),
});

const sayingOf = (access: Access, row: OwnedObjects | null): Saying | null =>
  row && { row, claims: access.claims(row), table: sayingOf(access, tablesOf(access.places, row)[0] ?? null) };

/** All that may give what is at stake by another path. */
const relevantRoles = (stakes: readonly Stake[]): ReadonlySet<string> => {
  const roles = new Set(SWEEPING_ROLES);
  for (const { atoms, before, after } of stakes) {
    for (const saying of [before, after]) {
      if (saying) roles.add(saying.claims.owner.role);
      for (const atom of atoms) for (const { role } of saying?.claims.byAtom.get(atom) ?? []) roles.add(role);
    }
  }
  return roles;
};

const firstAndRest = <V>(groups: ReadonlyMap<string, V[]>): [V, ...V[]][] => [...groups.values()] as [V, ...V[]][];

/** Objects, changed or not, by those of the roles that their ACLs name. */
const pairsOfRoles = (states: States, { changed, same }: Pairs, roles: ReadonlySet<string>): PairsByRole => {
  const found: PairsByRole = new Map();
  if (roles.size === 0) return found;
  for (const pair of changed) for (const role of namedRoles(...claimsOfPair(states, pair))) if (roles.has(role)) put(found, role, pair);
  for (const row of same) {
    const held = new Set([row.owner, ...row.acl.map(({ grantee }) => (typeof grantee === 'string' ? grantee : ''))]);
    const holders = [...held].map((role) => states.before.holderOf(role, row)).filter((role) => roles.has(role));
    if (holders.length === 0) continue;
    const pair = { before: row, after: row, names: row.names };
    for (const role of new Set(holders)) put(found, role, pair);
  }
  return found;
};

const symmetricDifference = (a: Closure, b: Closure): string[] =>
  [...[...a.keys()].filter((role) => !b.has(role)), ...[...b.keys()].filter((role) => !a.has(role))].sort(byCodeUnit);

const rolesIn = (touched: PairsByRole, ...closures: readonly Closure[]): string[] =>
  [...new Set(closures.flatMap((closure) => [...closure.keys()]))].filter((role) => touched.has(role)).sort(byCodeUnit);

/** All that decides about an asker, as far as these roles matter. */
const standing = ({ closure, superuser }: Asker, relevant: ReadonlySet<string>): unknown => [
  superuser,
  [...closure].filter(([role]) => relevant.has(role)).sort(([a], [b]) => byCodeUnit(a, b)),
];

const objectSides = ({ was, is }: Judged, stakes: readonly Stake[]): Sides => {
  const [gains, loses] = [createItems(), createItems()];
  for (const stake of stakes) {
    addGains(gains, stake, [stake.before, was], [stake.after, is]);
    addGains(loses, stake, [stake.after, is], [stake.before, was]);
  }
  return { gains: gains.list(), loses: loses.list() };
};

/** One side of a comparison: what is said, and who asks. */
type View = readonly [saying: Saying | null, asker: Asker];

/** Adds what `has` has beyond `had`; what comes with ownership is told with that. */
const addGains = (items: Items, { pair, place, atoms }: Stake, had: View, has: View): void => {
  const [saying, asker] = has;
  const on = pair.after ?? pair.before;
  if (!on || !saying) return;
  const { claims } = saying;
  const owned = asker.closure.has(claims.owner.role) && on.kind !== 'column' && !owns(had) ? pathToOwner(claims, asker) : null;
  const found = [...atoms]
    .filter((atom) => isNew(atom, had, saying, asker))
    .map((atom) => ({ atom, via: pathByAcl(claims, asker, atom) ?? [] }));
  const withIt = owned ? found.filter(({ via }) => via.at(-1) === 'owner') : [];
  if (owned)
    items.add(
      'ownership',
      on,
      place,
      pair.names,
      withIt.map(({ atom }) => atom),
      owned,
    );
  const rest = withIt.length > 0 ? found.filter((one) => !withIt.includes(one)) : found;
  if (rest.length === 0) return;
  for (const [first, ...more] of firstAndRest(groupBy(rest, ({ via }) => via.join('\0')))) {
    items.add(
      'privileges',
      on,
      place,
      pair.names,
      [first, ...more].map(({ atom }) => atom),
      first.via,
    );
  }
};

const owns = ([saying, asker]: View): boolean => saying !== null && isOwner(saying.claims, asker);

/** Held now by an ACL that names a role, and not at all before; what comes with the table is told of the table, not of its columns. */
const isNew = (atom: string, had: View, { claims, table }: Saying, asker: Asker): boolean => {
  if (!isHeldByAcl(claims, asker, atom) || claims.open.has(atom) || isHeldIn(had, atom)) return false;
  return table === null || !isHeldByAcl(table.claims, asker, atom) || isHeldIn([had[0]?.table ?? null, had[1]], atom);
};

const isHeldIn = ([saying, asker]: View, atom: string): boolean => saying !== null && isHeld(saying.claims, asker, saying.row, atom);

/** Columns without an ACL have no row, but what their table gives they have. */
const columnless = (row: OwnedObjects | null, other: OwnedObjects | null): OwnedObjects | null =>
  row ?? (other?.kind === 'column' ? columnsWithoutAcl(other) : null);
const blanks = new WeakMap<OwnedObjects, OwnedObjects>();
const columnsWithoutAcl = (row: OwnedObjects): OwnedObjects => {
  const known = blanks.get(row) ?? { ...row, acl: [] };
  blanks.set(row, known);
  return known;
};

const publicSides = (states: States, changed: readonly Pair[]): Sides => {
  const [gains, loses] = [createItems(), createItems()];
  const comes = (atom: string, was: Saying | null, is: Saying | null): boolean =>
    !was?.claims.open.has(atom) && !(is?.table?.claims.open.has(atom) && !was?.table?.claims.open.has(atom));
  for (const pair of changed) {
    const { place, before: was, after: is } = stakeOf(states, pair);
    const on = pair.after ?? pair.before;
    if (!on) continue;
    const come = [...(is?.claims.open ?? NONE)].filter((atom) => comes(atom, was, is));
    const go = [...(was?.claims.open ?? NONE)].filter((atom) => comes(atom, is, was));
    if (come.length > 0) gains.add('privileges', on, place, pair.names, come, ['PUBLIC']);
    if (go.length > 0) loses.add('privileges', on, place, pair.names, go, ['PUBLIC']);
  }
  return { gains: gains.list(), loses: loses.list() };
};
