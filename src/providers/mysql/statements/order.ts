import { groupBy } from '../../../core/group.ts';
import { together } from '../../../core/sequence.ts';
import { byCodeUnit, distinct } from '../../../model/key.ts';
import { PHASES } from '../../../model/plan.ts';
import type { Scope } from '../scope.ts';
import type { Draft } from './draft.ts';
import { type Hidden, hiddenRows } from './hidden.ts';
import { leavingTogether, settledInOrder } from './memberships.ts';
import { lapsing } from './replay.ts';

/** Statements in order, and the accounts whose access in both states lapses for a moment because there is no other way. */
export type Ordered = { readonly drafts: readonly Draft[]; readonly lapses: readonly string[] };

/**
 * Every statement is its own commit, so that each prefix counts: nobody ever holds what neither state gives (never given up), and
 * nobody misses what both give (given up, and told, where the two contradict each other).
 *
 * What an account will have comes before what it will lose. Who leaves a role, or no longer has it at login, is out before the role
 * gains; what a role loses is gone before somebody joins, or has it at login. Otherwise phases decide. Somebody whose roles hide
 * each other's rows leaves them in one statement: whichever was first, it would bring to light what the other still gives.
 */
export const inOrder = (scope: Scope, drafts: readonly Draft[]): Ordered => {
  const sorted = [...drafts].sort(
    (a, b) => PHASES.indexOf(a.phase) - PHASES.indexOf(b.phase) || (a.rank ?? 0) - (b.rank ?? 0) || byCodeUnit(a.sql, b.sql),
  );
  const own = sorted.flatMap(({ lapses = [] }) => lapses);
  const hidden = hiddenRows(scope, sorted);
  if (hidden.open.length === 0 && !sorted.some(isLoss)) return { drafts: sorted, lapses: distinct(own) };
  const { order, mayLapse, knotted } = movesInTurn(scope, sorted, hidden);
  if (knotted.length > 0) return inOrder(scope, leavingTogether(scope, drafts, knotted));
  const at = new Map(order.map((index, place) => [index, place]));
  const moved = sorted.flatMap((draft, index) => (isMove(draft) ? [index] : []));
  const inTurn = [...moved].sort((a, b) => at.get(a)! - at.get(b)!);
  let next = 0;
  const inPlace = sorted.map((draft) => (isMove(draft) ? sorted[inTurn[next++]!]! : draft));
  const ordered = settledInOrder(scope, inPlace);
  return { drafts: ordered, lapses: distinct([...own, ...lapsing(scope, ordered, distinct(mayLapse))]) };
};

const isLoss = ({ loses, dulls = [] }: Draft): boolean => loses !== undefined || dulls.length > 0;
const isMove = ({ gains, loses, settles }: Draft): boolean => (gains ?? loses ?? settles) !== undefined;

type Edges = { readonly strict: number[][]; readonly soft: number[][] };

type InTurn = {
  readonly order: readonly number[];
  readonly mayLapse: readonly string[];
  /** Members that leave several roles, none of which can be the first (MySQL: MariaDB takes one role a statement, and one is active). */
  readonly knotted: readonly string[];
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
  return {
    order: placed(drafts.length, before),
    mayLapse,
    knotted: scope.server.flavour === 'mysql' && hidden.first.length > 0 ? knottedMembers(drafts, edges.strict) : [],
  };
};

const knottedMembers = (drafts: readonly Draft[], strict: readonly (readonly number[])[]): readonly string[] => {
  const leaving = groupBy(
    drafts.filter(({ leaves }) => leaves !== undefined),
    ({ loses }) => loses!,
  );
  if ([...leaving.values()].every((some) => some.length === 1)) return [];
  const nodes = strict.map((_, node) => node);
  const knots = together(nodes, (node) => strict[node]!).filter((knot) => knot.length > 1);
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
