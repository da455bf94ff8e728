import { append } from '../../../core/group.ts';
import { byCodeUnit } from '../../../model/key.ts';
import { type Asker, askerOf, rankedRows, type SchemaRow, schemaRows } from '../access-asker.ts';
import { effectiveAccess } from '../access-effective.ts';
import { literalOf, type Words } from '../access-rows.ts';
import type { AccessState } from '../access-state.ts';
import { coversSchema, schemaPattern } from '../patterns.ts';
import type { Scope } from '../scope.ts';
import type { Draft } from './draft.ts';
import { stateBefore, stateThrough } from './through.ts';

/**
 * `first`: pairs of drafts, the first of which must run before the second. `mayLapse`: users that may miss something for a moment.
 * `open`: users of whose rows one may hide another.
 */
export type Hidden = { readonly first: readonly Pair[]; readonly mayLapse: readonly string[]; readonly open: readonly string[] };
type Pair = readonly [first: number, then: number];

const NOTHING: Hidden = { first: [], mayLapse: [], open: [] };

/**
 * Of the rows that match a schema one counts. Taking it away (by REVOKE, by leaving a role, or as the role is active no longer) brings
 * the next to light, which may give what neither state does: so the hidden rows that go are gone first. A user whose first role of
 * MySQL becomes active, or whose last one goes, has its rows put in another order: what would come to light is gone by then.
 *
 * What comes is the same, looked at from the end: a row that will be hidden comes after what hides it.
 *
 * A row that comes hides what a pattern gave: somebody may miss that where more than the one statement makes up for it.
 */
export const hiddenRows = (scope: Scope, drafts: readonly Draft[]): Hidden => {
  if (!drafts.some(({ stored, leaves, settles }) => (stored ?? leaves ?? settles) !== undefined)) return NOTHING;
  const before = patternState(scope);
  if (!before) return NOTHING;
  const after = stateThrough(before, drafts);
  const [there, back] = [indexOf(before, drafts.map(forwards)), indexOf(after, drafts.map(backwards(before)))];
  const first: Pair[] = [];
  const [mayLapse, open]: [string[], string[]] = [[], []];
  for (const user of before.logins) {
    const [was, is] = [askerOf(before, user), askerOf(after, user)];
    const [going, coming] = [isHiding(was, is, there), isHiding(is, was, back)];
    if (!going && !coming) continue;
    open.push(user);
    const held = (schema: string): Words =>
      new Set([was, is].flatMap((asker) => [...effectiveAccess(asker, { kind: 'schema', schema }).keys()]));
    if (going) first.push(...hiddenOf(was, there, held));
    if (coming) first.push(...hiddenOf(is, back, held).map(([then, draft]) => [draft, then] as const));
    if ([was, is].some(hasPatterns) ? mayMiss(was, there) : true) mayLapse.push(user);
  }
  return { first, mayLapse, open };
};

/** What a draft takes, and what it gives, from the one end or from the other. */
type Turn = {
  readonly stored: string | undefined;
  readonly loses: string | undefined;
  readonly gains: string | undefined;
  readonly whole: boolean;
  readonly leaves: readonly string[];
  readonly joins: readonly string[];
  readonly settles: string | undefined;
  /** After it. */
  readonly standard: readonly string[];
};

const forwards = ({ stored, loses, gains, whole, leaves = [], joins, settles, standard = [] }: Draft): Turn => ({
  ...{ stored, loses, gains, leaves, settles, standard },
  whole: whole === true,
  joins: joins === undefined ? [] : [joins],
});

const backwards =
  ({ holdings, defaults }: AccessState) =>
  (draft: Draft): Turn => {
    const { stored, loses, gains, joins, leaves, settles } = forwards(draft);
    return {
      ...{ stored, settles, loses: gains, gains: loses, leaves: joins, joins: leaves },
      whole: stored !== undefined && gains !== undefined && !holdings.get(gains)?.schemas.has(stored),
      standard: settles === undefined ? [] : [...(defaults.get(settles) ?? [])],
    };
  };

/** Where a schema can have more than one row of somebody's: a pattern, or accounts that share a user name. */
const patternState = (scope: Scope): AccessState | null => {
  const { snapshot } = scope;
  const rows = snapshot.grants.filter(({ level }) => level === 'schema');
  const hosts = new Set<string>();
  const shared = snapshot.accounts.some(({ user, kind }) => kind === 'user' && (user === '' || hosts.size === hosts.add(user).size));
  const patterns = rows.some(({ schema }) => literalOf(schema ?? '', snapshot.server) === null);
  return shared || patterns ? stateBefore(scope) : null;
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

const indexOf = ({ defaults }: AccessState, turns: readonly Turn[]): Index => {
  const whole = new Map<string, number>();
  const touched = new Set(turns.flatMap(({ gains, loses, settles }) => [gains, loses, settles].filter((name) => name !== undefined)));
  const lists = { touched, whole, revokes: new Map(), grants: new Map(), leaves: new Map(), joins: new Map(), settles: new Map() };
  turns.forEach(({ stored, gains, loses, leaves, joins, settles, standard, whole: all }, draft) => {
    if (stored !== undefined && loses !== undefined && all) whole.set(rowKey(loses, stored), draft);
    if (stored !== undefined && loses !== undefined) append(lists.revokes, rowKey(loses, stored), draft);
    if (stored !== undefined && gains !== undefined) append(lists.grants, rowKey(gains, stored), draft);
    if (loses !== undefined) for (const role of leaves) append(lists.leaves, loses, [role, draft]);
    if (gains !== undefined) for (const role of joins) append(lists.joins, gains, [role, draft]);
    if (settles === undefined) return;
    append(lists.settles, settles, draft);
    for (const role of defaults.get(settles) ?? []) if (!standard.includes(role)) append(lists.leaves, settles, [role, draft]);
  });
  return lists;
};

const hasPatterns = ({ own, others, roles, publics, state }: Asker): boolean =>
  [own, ...others, ...roles, ...publics].some(({ holdings }) =>
    [...holdings.schemas.keys()].some((one) => literalOf(one, state.server) === null),
  );

const isHiding = (asker: Asker, end: Asker, index: Index): boolean => {
  const sources = [asker.own, ...asker.others, ...asker.roles, ...asker.publics];
  if (!sources.some(({ holdings }) => index.touched.has(holdings.name))) return false;
  return hasPatterns(asker) || isHidingHosts(asker, end, index);
};

/**
 * Names of schemas hide each other where accounts of other hosts come in and hold something else (on MySQL they do so without
 * roles, and everywhere roles may give the same), or where the user's own row is there at one end alone.
 */
const isHidingHosts = ({ own, others }: Asker, end: Asker, { joins, leaves, settles }: Index): boolean => {
  if (others.every(({ holdings }) => holdings.schemas.size === 0)) return false;
  if ([joins, leaves, settles].some((moves) => moves.has(own.holdings.name))) return true;
  const texts = new Map<string, string>();
  const differs = (stored: string, words: Words): boolean => {
    const text = [...words].sort(byCodeUnit).join();
    const known = texts.get(stored) ?? text;
    texts.set(stored, text);
    return known !== text;
  };
  const late = [...end.own.holdings.schemas].filter(([stored]) => !own.holdings.schemas.has(stored));
  return [...late, ...[own, ...others].flatMap(({ holdings }) => [...holdings.schemas])].some(([stored, words]) => differs(stored, words));
};

const hiddenOf = (asker: Asker, index: Index, held: (schema: string) => Words): Pair[] => {
  const { own, pooled, state } = asker;
  const user = own.holdings.name;
  const first: Pair[] = [];
  for (const schema of state.schemas)
    rankedRows(asker, schema).forEach((list, at) => void first.push(...inTurn(list, pooled || at > 0, () => held(schema), user, index)));
  const leaving = (index.leaves.get(user) ?? []).map(([, draft]) => draft);
  const moving = [...(index.settles.get(user) ?? []), ...(index.joins.get(user) ?? []).map(([, draft]) => draft)];
  if (state.server.flavour === 'mysql' && moving.length + leaving.length > 0) {
    const coming = comingToLight(asker, index, held);
    for (const then of pooled ? lastOf(leaving, coming, first) : moving) for (const draft of coming) first.push([draft, then]);
  }
  return first;
};

/** Some role is left last, and the others whenever: one that need not go before what comes to light by it, if there is one. */
const lastOf = (leaving: readonly number[], coming: readonly number[], first: readonly Pair[]): readonly number[] => {
  const early = new Set(first.flatMap(([draft, then]) => (coming.includes(then) ? [draft] : [])));
  const last = leaving.findLast((draft) => !early.has(draft));
  return last === undefined ? leaving : [last];
};

/** What is behind, and would give something new, goes before what is in front of it; of a merged list the rows of one Db count together. */
const inTurn = (list: readonly SchemaRow[], merged: boolean, heldHere: () => Words, user: string, index: Index): Pair[] => {
  if (list.length < 2) return [];
  const held = heldHere();
  return list.flatMap((row, at) =>
    list
      .slice(at + 1)
      .filter((behind) => (behind.stored !== row.stored || !merged) && givesMore(behind, held))
      .flatMap((behind) => {
        // What takes both at once brings nothing to light.
        const together = new Set(removals(behind, user, index));
        const later = removals(row, user, index).filter((then) => !together.has(then));
        return endings(behind, user, index).flatMap((draft) => later.map((then) => [draft, then] as const));
      }),
  );
};

const givesMore = ({ source, stored }: SchemaRow, held: Words): boolean =>
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
const comingToLight = (asker: Asker, { revokes }: Index, held: (schema: string) => Words): readonly number[] => {
  const other: Asker = { ...asker, roles: [], pooled: !asker.pooled };
  return asker.state.schemas.flatMap((schema) => {
    const counting = new Set(schemaRows(asker, schema).map(({ stored }) => stored));
    const [list = []] = rankedRows(other, schema);
    const at = list.findIndex(({ stored }) => counting.has(stored));
    return list
      .slice(0, at < 0 ? list.length : at)
      .filter((row) => givesMore(row, held(schema)))
      .flatMap(({ source, stored }) => revokes.get(rowKey(source.holdings.name, stored)) ?? []);
  });
};

/**
 * The user's roles move, or more than one statement is needed on a schema where a pattern counts or lies in wait: several that give,
 * several that take patterns away, or one of these beside one that brings another pattern to light.
 */
const mayMiss = ({ own, others, roles, state }: Asker, { grants, revokes, joins, leaves, settles }: Index): boolean => {
  const sources = [own, ...others, ...roles].map(({ holdings }) => holdings);
  if (sources.some(({ name }) => joins.has(name) || leaves.has(name) || settles.has(name))) return true;
  const patterns = sources.flatMap(({ name, schemas }) =>
    [...schemas.keys()]
      .filter((stored) => literalOf(stored, state.server) === null)
      .map((stored) => ({ stored, goes: revokes.has(rowKey(name, stored)) })),
  );
  return state.schemas.some((schema) => {
    const waiting = patterns.filter(({ stored }) => coversSchema(stored, schema, state.server.partialRevokes));
    if (waiting.length === 0) return false;
    const literal = schemaPattern(schema, state.server.partialRevokes);
    const [coming, going] = [grants, revokes].map((turns) => sources.filter(({ name }) => turns.has(rowKey(name, literal))).length);
    const bared = waiting.filter(({ goes }) => goes).length;
    const mixed = going! > 0 || (bared > 0 && bared < waiting.length);
    return coming! > 1 || bared > 1 || (mixed && coming! + going! + bared > 1);
  });
};
