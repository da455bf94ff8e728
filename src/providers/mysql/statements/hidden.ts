import { distinct } from '../../../model/key.ts';
import { type Asker, askerOf, type Effective, rankedRows, type SchemaRow, schemaRows } from '../access-asker.ts';
import { effectiveAccess } from '../access-effective.ts';
import { literalOf } from '../access-rows.ts';
import type { AccessState } from '../access-state.ts';
import { coversSchema, schemaPattern } from '../patterns.ts';
import type { Scope } from '../scope.ts';
import type { Draft } from './draft.ts';
import { stateBefore } from './replay.ts';

/** `first`: pairs of drafts, the first of which must run before the second. `mayLapse`: users that may miss something for a moment. */
export type Hidden = { readonly first: readonly (readonly [number, number])[]; readonly mayLapse: readonly string[] };

const NOTHING: Hidden = { first: [], mayLapse: [] };

/**
 * Of the rows that match a schema one counts. Taking it away (by REVOKE, or by leaving a role) brings the next to light, which may give
 * what neither state does: so the hidden rows that go are gone first. A user whose first role of MySQL becomes active, or whose last
 * one goes, has its rows put in another order: what would come to light is gone by then.
 *
 * A row that comes hides what a pattern gave: somebody may miss that where more than the one statement makes up for it.
 */
export const hiddenRows = (scope: Scope, drafts: readonly Draft[]): Hidden => {
  if (!drafts.some(({ stored, leaves, settles }) => (stored ?? leaves ?? settles) !== undefined)) return NOTHING;
  const before = patternState(scope);
  if (!before) return NOTHING;
  const index = indexOf(drafts);
  const found = [...before.logins].map((user) => hiddenOf(askerOf(before, user), index));
  return { first: found.flatMap(({ first }) => first), mayLapse: distinct(found.flatMap(({ mayLapse }) => mayLapse)) };
};

/** Where a schema can have more than one row of somebody's: a pattern, or accounts that share a user name. */
const patternState = (scope: Scope): AccessState | null => {
  const { snapshot } = scope;
  const rows = snapshot.grants.filter(({ level }) => level === 'schema');
  const hosts = new Set<string>();
  const shared = snapshot.accounts.some(({ user, kind }) => kind === 'user' && (user === '' || hosts.size === hosts.add(user).size));
  const patterns = rows.some(({ schema }) => literalOf(schema ?? '', snapshot.server) === null);
  return rows.length > 0 && (shared || patterns) ? stateBefore(scope) : null;
};

type Index = {
  readonly touched: ReadonlySet<string>;
  /** By holder and Db. */
  readonly revokes: ReadonlyMap<string, readonly number[]>;
  readonly whole: ReadonlyMap<string, number>;
  readonly grants: ReadonlyMap<string, readonly number[]>;
  /** By member. */
  readonly leaves: ReadonlyMap<string, readonly (readonly [role: string, draft: number])[]>;
  readonly joins: ReadonlyMap<string, readonly (readonly [role: string, draft: number])[]>;
  readonly settles: ReadonlyMap<string, readonly number[]>;
};

const rowKey = (holder: string, stored: string): string => `${holder}\0${stored}`;

const indexOf = (drafts: readonly Draft[]): Index => {
  const whole = new Map<string, number>();
  const touched = new Set(drafts.flatMap(({ gains, loses, settles }) => [gains, loses, settles].filter((name) => name !== undefined)));
  const lists = { touched, whole, revokes: new Map(), grants: new Map(), leaves: new Map(), joins: new Map(), settles: new Map() };
  const put = (map: Map<string, unknown[]>, key: string, value: unknown): void => void map.set(key, [...(map.get(key) ?? []), value]);
  drafts.forEach(({ stored, gains, loses, leaves, joins, settles, whole: all }, draft) => {
    if (stored !== undefined && loses !== undefined && all) whole.set(rowKey(loses, stored), draft);
    if (stored !== undefined && loses !== undefined) put(lists.revokes, rowKey(loses, stored), draft);
    if (stored !== undefined && gains !== undefined) put(lists.grants, rowKey(gains, stored), draft);
    if (loses !== undefined) for (const role of leaves ?? []) put(lists.leaves, loses, [role, draft]);
    if (joins !== undefined && gains !== undefined) put(lists.joins, gains, [joins, draft]);
    if (settles !== undefined) put(lists.settles, settles, draft);
  });
  return lists;
};

const hiddenOf = (asker: Asker, index: Index): Hidden => {
  const { own, others, roles, publics, pooled, state } = asker;
  const sources = [own, ...others, ...roles, ...publics];
  const stored = sources.reduce((sum, { holdings }) => sum + holdings.schemas.size, 0);
  const isOpen = sources.some(({ holdings }) => [...holdings.schemas.keys()].some((one) => literalOf(one, state.server) === null));
  // Names of schemas hide each other only where accounts of other hosts come in.
  if (!isOpen && (stored < 2 || others.length === 0)) return NOTHING;
  if (!sources.some(({ holdings }) => index.touched.has(holdings.name))) return NOTHING;
  const user = own.holdings.name;
  const first: (readonly [number, number])[] = [];
  for (const schema of stored > 1 ? state.schemas : []) {
    const held = effectiveAccess(asker, { kind: 'schema', schema });
    for (const list of rankedRows(asker, schema)) first.push(...inTurn(list, held, user, index));
  }
  const moving = [...(index.settles.get(user) ?? []), ...(index.joins.get(user) ?? []).map(([, draft]) => draft)];
  const leaving = (index.leaves.get(user) ?? []).map(([, draft]) => draft);
  if (state.server.flavour === 'mysql' && moving.length + leaving.length > 0) {
    const coming = comingToLight(asker, index);
    for (const then of pooled ? lastOf(leaving, coming, first) : moving) for (const draft of coming) first.push([draft, then]);
  }
  return { first, mayLapse: isOpen && mayMiss(asker, index) ? [user] : [] };
};

/** Some role is left last, and the others whenever: one that need not go before what comes to light by it, if there is one. */
const lastOf = (leaving: readonly number[], coming: readonly number[], first: Hidden['first']): readonly number[] => {
  const early = new Set(first.flatMap(([draft, then]) => (coming.includes(then) ? [draft] : [])));
  const last = leaving.findLast((draft) => !early.has(draft));
  return last === undefined ? leaving : [last];
};

/** What is behind, and would give something new, goes before what is in front of it. */
const inTurn = (list: readonly SchemaRow[], held: Effective, user: string, index: Index): (readonly [number, number])[] =>
  list.flatMap((row, at) =>
    list
      .slice(at + 1)
      .filter((behind) => behind.stored !== row.stored && givesMore(behind, held))
      .flatMap((behind) => {
        // What takes both at once brings nothing to light.
        const together = new Set(removals(behind, user, index));
        const later = removals(row, user, index).filter((then) => !together.has(then));
        return endings(behind, user, index).flatMap((draft) => later.map((then) => [draft, then] as const));
      }),
  );

const givesMore = ({ source, stored }: SchemaRow, held: Effective): boolean =>
  [...(source.holdings.schemas.get(stored) ?? [])].some((word) => !held.has(word));

/** What ends a row for a user: the statement that takes all of it, from everybody, or else every one that takes it away from the user. */
const endings = (row: SchemaRow, user: string, index: Index): readonly number[] => {
  const whole = index.whole.get(rowKey(row.source.holdings.name, row.stored));
  return whole === undefined ? removals(row, user, index) : [whole];
};

/** Statements that take a row away from a user: on the row itself, or anywhere on the shortest way to its holder. */
const removals = ({ source, stored }: SchemaRow, user: string, { revokes, leaves }: Index): readonly number[] => {
  const members = [user, ...source.path.slice(0, -1)];
  const left = members.flatMap((member, at) =>
    (leaves.get(member) ?? []).filter(([role]) => role === source.path[at]).map(([, draft]) => draft),
  );
  return [...(revokes.get(rowKey(source.holdings.name, stored)) ?? []), ...left];
};

/**
 * What takes away rows of the user's own (and of other accounts') that do not count now, and would come before those that do when
 * the first role becomes active, or the last one is gone.
 */
const comingToLight = (asker: Asker, { revokes }: Index): readonly number[] => {
  const other: Asker = { ...asker, roles: [], pooled: !asker.pooled };
  return asker.state.schemas.flatMap((schema) => {
    const held = effectiveAccess(asker, { kind: 'schema', schema });
    const counting = new Set(schemaRows(asker, schema).map(({ stored }) => stored));
    const [list = []] = rankedRows(other, schema);
    const at = list.findIndex(({ stored }) => counting.has(stored));
    return list
      .slice(0, at < 0 ? list.length : at)
      .filter((row) => givesMore(row, held))
      .flatMap(({ source, stored }) => revokes.get(rowKey(source.holdings.name, stored)) ?? []);
  });
};

/**
 * The user's roles move, or more than one statement is needed on a schema where a pattern counts or lies in wait: several that give,
 * or several that take patterns away.
 */
const mayMiss = ({ own, roles, state }: Asker, { grants, revokes, joins, leaves, settles }: Index): boolean => {
  const sources = [own, ...roles].map(({ holdings }) => holdings);
  if (sources.some(({ name }) => joins.has(name) || leaves.has(name) || settles.has(name))) return true;
  const patterns = sources.flatMap(({ name, schemas }) =>
    [...schemas.keys()]
      .filter((stored) => literalOf(stored, state.server) === null)
      .map((stored) => ({ stored, goes: revokes.has(rowKey(name, stored)) })),
  );
  return state.schemas.some((schema) => {
    const waiting = patterns.filter(({ stored }) => coversSchema(stored, schema, state.server.partialRevokes));
    const literal = schemaPattern(schema, state.server.partialRevokes);
    const coming = sources.filter(({ name }) => grants.has(rowKey(name, literal))).length;
    return waiting.length > 0 && (coming > 1 || waiting.filter(({ goes }) => goes).length > 1);
  });
};
