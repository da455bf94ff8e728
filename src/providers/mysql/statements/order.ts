import { groupBy } from '../../../core/group.ts';
import { together } from '../../../core/sequence.ts';
import { byCodeUnit, distinct } from '../../../model/key.ts';
import { PHASES } from '../../../model/plan.ts';
import { patternSchema } from '../patterns.ts';
import type { Scope } from '../scope.ts';
import type { Draft, RowTurn } from './draft.ts';
import { type Hidden, hiddenRows } from './hidden.ts';
import { leavingTogether, settledInOrder } from './memberships.ts';
import { type Moment, type Replayed, replay } from './replay.ts';
import { untied } from './untie.ts';

/** Statements in order, and the accounts whose access in both states lapses for a moment because there is no other way. */
export type Ordered = { readonly drafts: readonly Draft[]; readonly lapses: readonly string[]; readonly moments: readonly Moment[] };

/**
 * Every statement is its own commit, so that each prefix counts: nobody ever holds what neither state gives (never given up), and
 * nobody misses what both give (given up, and told, where the two contradict each other).
 *
 * What an account will have comes before what it will lose. Who leaves a role, or no longer has it at login, is out before the role
 * gains; what a role loses is gone before somebody joins, or has it at login. Otherwise phases decide. Somebody whose roles hide
 * each other's rows leaves them in one statement: whichever was first, it would bring to light what the other still gives.
 */
export const inOrder = (scope: Scope, unsorted: readonly Draft[]): Ordered => {
  const sorted = [...unsorted].sort(
    (a, b) => PHASES.indexOf(a.phase) - PHASES.indexOf(b.phase) || (a.rank ?? 0) - (b.rank ?? 0) || byCodeUnit(a.sql, b.sql),
  );
  const own = sorted.flatMap(({ lapses = [] }) => lapses);
  const hidden = hiddenRows(scope, sorted);
  if (hidden.open.length === 0 && !sorted.some(isLoss)) return { drafts: sorted, lapses: distinct(own), moments: [] };
  const { order, mayLapse, knotted, knots } = movesInTurn(scope, sorted, hidden);
  if (knotted.length > 0) return inOrder(scope, leavingTogether(scope, unsorted, knotted));
  const ruled = inSlots(sorted, order);
  const settled = settledInOrder(scope, ruled);
  const found = replay(scope, settled, distinct([...mayLapse, ...(knots ? hidden.open : [])]));
  if (hidden.open.length === 0 || found.moments.length === 0) return told(own, settled, found, knots);
  const other = untied(scope, ruled, found);
  const turned = other.flatMap((draft, at) => (draft === ruled[at] ? [] : (accountOf(draft) ?? [])));
  const drafts = settledInOrder(scope, other);
  return told(own, drafts, replay(scope, drafts, distinct([...mayLapse, ...hidden.open, ...turned])), knots);
};

/** Moves in this order, at the places where moves are; everything else stays. */
const inSlots = (drafts: readonly Draft[], order: readonly number[]): readonly Draft[] => {
  const moves = order.map((index) => drafts[index]!).filter(isMove);
  let next = 0;
  return drafts.map((draft) => (isMove(draft) ? moves[next++]! : draft));
};

const told = (own: readonly string[], drafts: readonly Draft[], { moments, uncounted }: Replayed, knots: boolean): Ordered => ({
  drafts,
  lapses: distinct([...own, ...uncounted, ...moments.flatMap(({ account, errs }) => (errs === 'lapse' ? [account] : []))]),
  moments: [
    ...moments,
    ...(knots ? uncounted.map((account) => ({ account, errs: 'excess', place: null, words: [], pattern: null }) as const) : []),
    ...drafts.flatMap(({ bridge, gains, rows = [] }) => (bridge ? rows.map((row) => bridged(gains!, row)) : [])),
  ],
});

const bridged = (account: string, { place: { name }, words }: RowTurn): Moment => ({
  ...{ account, errs: 'bridge', words },
  place: { kind: 'schema', schema: patternSchema(name, false) ?? name },
  pattern: null,
});

const isLoss = ({ loses, dulls = [] }: Draft): boolean => loses !== undefined || dulls.length > 0;
const accountOf = ({ gains, loses, settles }: Draft): string | undefined => gains ?? loses ?? settles;
const isMove = (draft: Draft): boolean => accountOf(draft) !== undefined;

type Edges = { readonly strict: number[][]; readonly soft: number[][] };

type InTurn = {
  readonly order: readonly number[];
  readonly mayLapse: readonly string[];
  /** Members that leave several roles, none of which can be the first (MySQL: MariaDB takes one role a statement, and one is active). */
  readonly knotted: readonly string[];
  /** Rules that are never given up contradict each other. */
  readonly knots: boolean;
};

const movesInTurn = (scope: Scope, drafts: readonly Draft[], hidden: Hidden): InTurn => {
  const edges = edgesOf(scope, drafts);
  for (const [first, then] of hidden.first) edges.strict[first]!.push(then);
  const size = edges.strict.length;
  const following = (node: number) => [...edges.strict[node]!, ...edges.soft[node]!];
  const group = new Array<number>(size).fill(-1);
  const mayLapse: string[] = [...hidden.mayLapse];
  together(
    Array.from({ length: size }, (_, node) => node),
    following,
  ).forEach((nodes, number) => {
    for (const node of nodes) group[node] = number;
    if (nodes.length > 1) mayLapse.push(...nodes.flatMap((node) => drafts[node]?.loses ?? drafts[node]?.settles ?? []));
  });
  const before: number[][] = Array.from({ length: size }, () => []);
  edges.strict.forEach((then, node) => void then.forEach((other) => void before[other]!.push(node)));
  edges.soft.forEach((then, node) => void then.forEach((other) => void (group[node] !== group[other] && before[other]!.push(node))));
  const nodes = edges.strict.map((_, node) => node);
  const knots = hidden.first.length > 0 ? together(nodes, (node) => edges.strict[node]!).filter((knot) => knot.length > 1) : [];
  return {
    order: placed(drafts.length, before),
    mayLapse,
    knotted: scope.server.flavour === 'mysql' ? knottedMembers(drafts, knots) : [],
    knots: knots.length > 0,
  };
};

const knottedMembers = (drafts: readonly Draft[], knots: readonly (readonly number[])[]): readonly string[] => {
  const leaving = groupBy(
    drafts.filter(({ leaves }) => leaves !== undefined),
    ({ loses }) => loses!,
  );
  const caught = new Set(knots.flat().map((node) => drafts[node]));
  return [...leaving].flatMap(([member, some]) => (some.length > 1 && some.some((draft) => caught.has(draft)) ? [member] : []));
};

/** Nodes in their own order, but each after what comes before it. */
const placed = (count: number, before: readonly (readonly number[])[]): number[] => {
  const done = new Set<number>();
  for (let start = 0; start < count; start++) {
    const path = [{ node: start, at: 0 }];
    const open = new Set([start]);
    while (path.length > 0 && !done.has(start)) {
      const frame = path.at(-1)!;
      const next = before[frame.node]![frame.at++];
      if (next === undefined) {
        done.add(frame.node);
        open.delete(frame.node);
        path.pop();
      } else if (!done.has(next) && !open.has(next)) {
        open.add(next);
        path.push({ node: next, at: 0 });
      }
    }
  }
  return [...done].filter((node) => node < count);
};

/** Statements are numbered from 0; beyond them are nodes that stand for "all that somebody gains" and the like. */
const edgesOf = (scope: Scope, drafts: readonly Draft[]): Edges => {
  const edges: Edges = { strict: drafts.map(() => []), soft: drafts.map(() => []) };
  const hubs = new Map<string, number>();
  const hub = (what: 'gained' | 'settled' | 'lose' | 'rise' | 'fallen', account: string): number => {
    const key = `${what} ${account}`;
    const known = hubs.get(key);
    if (known !== undefined) return known;
    edges.soft.push([]);
    const made = edges.strict.push([]) - 1;
    hubs.set(key, made);
    return made;
  };
  const strictly = (first: number, then: number) => void edges.strict[first]!.push(then);
  const softly = (first: number, then: number) => void edges.soft[first]!.push(then);
  const { before, after } = membershipsOf(scope, drafts);
  const touched = new Set(drafts.flatMap(({ gains, loses, settles }) => [gains ?? loses ?? settles ?? []].flat()));
  const accounts = new Set([...touched, ...[...before, ...after].flatMap(({ role, member }) => [role, member])]);
  for (const account of accounts) {
    softly(hub('gained', account), hub('settled', account));
    softly(hub('settled', account), hub('lose', account));
  }
  const [woken, dulled] = [pairsOf(drafts, 'wakes'), pairsOf(drafts, 'dulls')];
  for (const pair of after) if (!dulled.has(keyOf(pair))) softly(hub('gained', pair.role), hub('gained', pair.member));
  for (const pair of before) if (!woken.has(keyOf(pair))) softly(hub('lose', pair.member), hub('lose', pair.role));
  for (const { role, member } of [...before, ...after]) {
    strictly(hub('rise', member), hub('rise', role));
    strictly(hub('fallen', role), hub('fallen', member));
  }
  drafts.forEach((draft, index) => {
    const { gains, loses, joins, leaves, settles, wakes = [], dulls = [] } = draft;
    if (gains !== undefined) {
      softly(index, hub('gained', gains));
      strictly(hub('rise', gains), index);
      // A user that is made by this plan cannot log in yet.
      if (joins !== undefined && scope.accounts.has(gains)) strictly(hub('fallen', joins), index);
    }
    if (settles !== undefined) {
      softly(hub('gained', settles), index);
      softly(index, hub('settled', settles));
      for (const role of wakes) strictly(hub('fallen', role), index);
      for (const role of dulls) strictly(index, hub('rise', role));
    }
    if (loses !== undefined) {
      softly(hub('lose', loses), index);
      strictly(index, hub('fallen', loses));
      for (const role of leaves ?? []) strictly(index, hub('rise', role));
    }
  });
  joinsFirst(drafts, strictly);
  return edges;
};

/** Only a role that somebody is in can be active at login. */
const joinsFirst = (drafts: readonly Draft[], strictly: (first: number, then: number) => void): void => {
  const settling = new Map(drafts.flatMap(({ settles }, index) => (settles === undefined ? [] : [[settles, index] as const])));
  drafts.forEach(({ gains, joins }, index) => {
    const then = joins === undefined ? undefined : settling.get(gains!);
    if (then !== undefined) strictly(index, then);
  });
};

type Pair = { readonly role: string; readonly member: string };
const keyOf = ({ role, member }: Pair): string => `${member}\0${role}`;

/** Memberships that stay, and through which nothing is held at login before, or after. */
const pairsOf = (drafts: readonly Draft[], what: 'wakes' | 'dulls'): ReadonlySet<string> =>
  new Set(drafts.flatMap((draft) => (draft[what] ?? []).map((role) => keyOf({ role, member: draft.settles! }))));

const membershipsOf = (
  { reality }: Scope,
  drafts: readonly Draft[],
): { readonly before: readonly Pair[]; readonly after: readonly Pair[] } => {
  const left = new Set(drafts.flatMap(({ leaves, loses }) => (leaves ?? []).map((role) => keyOf({ role, member: loses! }))));
  return {
    before: reality.memberships,
    after: [
      ...reality.memberships.filter((row) => !left.has(keyOf(row))),
      ...drafts.flatMap(({ joins, gains }) => (joins === undefined ? [] : [{ role: joins, member: gains! }])),
    ],
  };
};
