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
  type Holding,
  holdingOf,
  SWEEPING_ROLES,
  tablesOf,
} from './access.ts';
import { byWeight, createItems, type Items, type Sides } from './access-items.ts';
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
  const folded = fold(
    users.map((user) => ({
      user,
      sides: [...(moved.length > 0 ? [roleSides(states.before, states.after, user)] : []), ...(judged.get(user) ?? [])],
    })),
  );
  return [...(open.gains.length + open.loses.length > 0 ? [{ users: ['PUBLIC'], ...open }] : []), ...folded];
};

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
    (role) => (was?.owner === role) !== (is?.owner === role) || atomsText(was, role) !== atomsText(is, role),
  );
};

const claimsOfPair = ({ before, after }: States, pair: Pair): readonly [Claims | null, Claims | null] => {
  const [old, young] = [columnless(pair.before, pair.after), columnless(pair.after, pair.before)];
  return [old && before.claims(old), young && after.claims(young)];
};

const namedRoles = (...sides: readonly (Claims | null)[]): ReadonlySet<string> =>
  new Set(sides.flatMap((claims) => (claims ? [...claims.byRole.keys(), claims.owner] : [])));

const atomsText = (claims: Claims | null, role: string): string =>
  [...new Set(claims?.byRole.get(role)?.flatMap(({ atoms }) => [...atoms]))].sort(byCodeUnit).join();

const put = (found: PairsByRole, role: string, pair: Pair): void => {
  const list = found.get(role);
  if (list) list.push(pair);
  else found.set(role, [pair]);
};

type Judged = { readonly user: string; readonly was: Asker; readonly is: Asker; readonly crossed: readonly string[] };

/** What users gain and lose on objects: first together by what they can be concerned with, then by how they reach it. */
const judge = (states: States, users: readonly string[], touched: PairsByRole, pairs: Pairs): Map<string, Sides[]> => {
  const askers = users.map((user): Judged => {
    const [was, is] = [askerOf(states.before, user), askerOf(states.after, user)];
    return { user, was, is, crossed: symmetricDifference(was.closure, is.closure) };
  });
  const named = pairsOfRoles(states, pairs, new Set(askers.flatMap(({ crossed }) => crossed)));
  const pairsOf = ({ was, is, crossed }: Judged): ReadonlySet<Pair> => {
    const roles = rolesIn(touched, was.closure, is.closure);
    return new Set([...roles.flatMap((role) => touched.get(role) ?? []), ...crossed.flatMap((role) => named.get(role) ?? [])]);
  };
  const interest = ({ was, is, crossed }: Judged): string =>
    JSON.stringify([crossed.filter((role) => named.has(role)), rolesIn(touched, was.closure, is.closure)]);
  const judged = new Map<string, Sides[]>();
  for (const [first, ...rest] of firstAndRest(groupBy(askers, interest))) {
    const concerning = [...pairsOf(first)];
    const relevant = new Set([...SWEEPING_ROLES, ...concerning.flatMap((pair) => [...namedRoles(...claimsOfPair(states, pair))])]);
    const stand = ({ was, is }: Judged): string => JSON.stringify([standing(was, relevant), standing(is, relevant)]);
    for (const alike of firstAndRest(groupBy([first, ...rest], stand))) {
      const sides = objectSides(states, alike[0], concerning);
      for (const { user } of alike) judged.set(user, [sides]);
    }
  }
  return judged;
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

const NOTHING: Holding = { plain: new Map(), open: new Set(), sweeping: new Map(), owns: null };

const objectSides = (states: States, { was, is }: Judged, pairs: readonly Pair[]): Sides => {
  const [gains, loses] = [createItems(), createItems()];
  const held = (access: Access, asker: Asker, row: OwnedObjects | null): Holding => (row ? holdingOf(access, asker, row) : NOTHING);
  for (const pair of pairs) {
    const [old, young] = [columnless(pair.before, pair.after), columnless(pair.after, pair.before)];
    const [had, has] = [held(states.before, was, old), held(states.after, is, young)];
    const [tableHad, tableHas] = [tableHolding(states.before, was, old), tableHolding(states.after, is, young)];
    addGains(gains, pair, had, has, tableHad, tableHas);
    addGains(loses, pair, has, had, tableHas, tableHad);
  }
  return { gains: gains.list(), loses: loses.list() };
};

/** Columns without an ACL have no row, but what their table gives they have. */
const columnless = (row: OwnedObjects | null, other: OwnedObjects | null): OwnedObjects | null =>
  row ?? (other?.kind === 'column' ? columnsWithoutAcl(other) : null);
const blanks = new WeakMap<OwnedObjects, OwnedObjects>();
const columnsWithoutAcl = (row: OwnedObjects): OwnedObjects => {
  const known = blanks.get(row) ?? { ...row, acl: [] };
  blanks.set(row, known);
  return known;
};

const tableHolding = (access: Access, asker: Asker, row: OwnedObjects | null): Holding => {
  const table = row ? tablesOf(access.places, row)[0] : undefined;
  return table ? holdingOf(access, asker, table) : NOTHING;
};

/** Adds what `has` has beyond `had`; what comes with the table is told of the table, what comes with ownership with that. */
const addGains = (items: Items, pair: Pair, had: Holding, has: Holding, tableHad: Holding, tableHas: Holding): void => {
  const beyond = [...has.plain].filter(
    ([atom]) => !holds(had, atom) && !has.open.has(atom) && !(tableHas.plain.has(atom) && !holds(tableHad, atom)),
  );
  const on = pair.after ?? pair.before;
  if (!on) return;
  const owned = has.owns && !had.owns && on.kind !== 'column' && has.owns[0] !== 'superuser' ? has.owns : null;
  if (owned)
    items.add(
      'ownership',
      on,
      pair.names,
      beyond.filter(([, via]) => via.at(-1) === 'owner').map(([atom]) => atom),
      owned,
    );
  const byPath = new Map<string, { via: readonly string[]; atoms: string[] }>();
  for (const [atom, via] of beyond) {
    if (owned && via.at(-1) === 'owner') continue;
    const key = via.join('\0');
    const known = byPath.get(key);
    if (known) known.atoms.push(atom);
    else byPath.set(key, { via, atoms: [atom] });
  }
  for (const { via, atoms } of byPath.values()) items.add('privileges', on, pair.names, atoms, via);
};

const holds = ({ plain, open, sweeping, owns }: Holding, atom: string): boolean =>
  plain.has(atom) || open.has(atom) || sweeping.has(atom) || (owns !== null && atom.endsWith('*'));

const publicSides = ({ before, after }: States, changed: readonly Pair[]): Sides => {
  const [gains, loses] = [createItems(), createItems()];
  const openTo = (access: Access, row: OwnedObjects | null): ReadonlySet<string> => (row ? access.claims(row).open : new Set());
  for (const pair of changed) {
    const [old, young] = [columnless(pair.before, pair.after), columnless(pair.after, pair.before)];
    const [was, is] = [openTo(before, old), openTo(after, young)];
    const [tableWas, tableIs] = [
      openTo(before, old && (tablesOf(before.places, old)[0] ?? null)),
      openTo(after, young && (tablesOf(after.places, young)[0] ?? null)),
    ];
    const on = pair.after ?? pair.before;
    if (!on) continue;
    const come = [...is].filter((atom) => !was.has(atom) && !(tableIs.has(atom) && !tableWas.has(atom)));
    const go = [...was].filter((atom) => !is.has(atom) && !(tableWas.has(atom) && !tableIs.has(atom)));
    if (come.length > 0) gains.add('privileges', on, pair.names, come, ['PUBLIC']);
    if (go.length > 0) loses.add('privileges', on, pair.names, go, ['PUBLIC']);
  }
  return { gains: gains.list(), loses: loses.list() };
};

/** Users with the same gains and losses together. */
const fold = (found: readonly { readonly user: string; readonly sides: readonly Sides[] }[]): AccessDelta[] => {
  const texts = new WeakMap<Sides, string>();
  const textOf = (sides: Sides): string => {
    const text = texts.get(sides) ?? (sides.gains.length + sides.loses.length === 0 ? '' : JSON.stringify(sides));
    texts.set(sides, text);
    return text;
  };
  const groups = firstAndRest(groupBy(found, ({ sides }) => sides.map(textOf).join('\n')));
  const deltas = groups.map(
    (alike): AccessDelta => ({
      users: alike.map(({ user }) => user).sort(byCodeUnit),
      gains: alike[0].sides.flatMap(({ gains }) => gains).sort(byWeight),
      loses: alike[0].sides.flatMap(({ loses }) => loses).sort(byWeight),
    }),
  );
  const weight = ({ loses }: AccessDelta): number => (loses.length > 0 ? 0 : 1);
  return deltas
    .filter(({ gains, loses }) => gains.length + loses.length > 0)
    .sort((a, b) => weight(a) - weight(b) || byCodeUnit(a.users[0] ?? '', b.users[0] ?? ''));
};
