import { groupBy } from '../../../core/group.ts';
import { pathKey } from '../../../model/key.ts';
import { askerOf } from '../access-asker.ts';
import type { AccessState } from '../access-state.ts';
import { patternSchema } from '../patterns.ts';
import type { Scope } from '../scope.ts';
import { type Bridge, bridgesFor } from './bridges.ts';
import { likeness, partOf, sourcesOf, turnsOf, type World, withMembers, worldOf } from './concern.ts';
import type { Draft } from './draft.ts';
import { type Moment, momentsAt, type Replayed, type Watch, watchOf } from './replay.ts';
import { stateBefore, stateThrough } from './through.ts';

/** So many statements, in so many blocks, are tried in other orders, each so often, with so many bridges. */
const [MOST, BLOCKS, TRIES, BRIDGES] = [400, 40, 1_500, 8];

/**
 * Drafts in an order in which nobody has too much for a moment, nor misses anything: looked for among the statements around whoever
 * does so far. What is found may need bridges, and may leave a lapse where there was an excess; without any, the order stays.
 */
export const untied = (scope: Scope, drafts: readonly Draft[], { moments }: Replayed): readonly Draft[] => {
  let order = drafts;
  const seen = new Set<string>();
  const tries = { left: 20 * TRIES };
  for (const { account } of [...moments].sort((a, b) => Number(a.errs === 'lapse') - Number(b.errs === 'lapse'))) {
    if (seen.has(account) || tries.left <= 0) continue;
    const knot = knotOf(worldOf(stateBefore(scope), order), account);
    for (const user of knot?.users ?? [account]) seen.add(user);
    if (!knot) continue;
    const excess = moments.some((moment) => moment.errs === 'excess' && knot.users.has(moment.account));
    const found = inAnotherOrder(scope, knot, excess, tries);
    if (found) order = replaced(order, knot.turns, found);
  }
  return order;
};

/** Users, and all of the statements that concern anybody of them. */
type Knot = {
  readonly users: ReadonlySet<string>;
  readonly turns: readonly number[];
  readonly drafts: readonly Draft[];
  /** The same; where they are many, grants on names of schemas to one account are together, and those that go. */
  readonly blocks: readonly (readonly Draft[])[];
  readonly start: AccessState;
  readonly watches: readonly Watch[];
};

/** null: too much of it. */
const knotOf = (world: World, account: string): Knot | null => {
  const { state, drafts, namesakes } = world;
  const users = new Set([account]);
  const names = new Set<string>();
  let turns: readonly number[] = [];
  for (const user of users) {
    for (const name of sourcesOf(world, user)) names.add(name);
    turns = turnsOf(world, names);
    if (turns.length > MOST) return null;
    const touched = turns.map((index) => drafts[index]!).map(({ gains, loses, settles }) => (gains ?? loses ?? settles)!);
    const members = withMembers(world, touched);
    for (const name of members)
      for (const one of [name, ...(namesakes.get(state.holdings.get(name)?.user ?? '') ?? [])]) if (state.logins.has(one)) users.add(one);
  }
  const own = turns.map((index) => drafts[index]!);
  const keyOf = (draft: Draft, at: number): string | number => (own.length > BLOCKS ? (blockKey(draft) ?? at) : at);
  const blocks = [...groupBy(own.keys(), (at) => keyOf(own[at]!, at)).values()].map((some) => some.map((at) => own[at]!));
  if (blocks.length > BLOCKS) return null;
  const start = partOf(state, names);
  const alike = new Map([...users].map((user) => [likeness(world, user, sourcesOf(world, user), turns), user]));
  const watches = [...alike.values()].flatMap((user) => watchOf(start, user, own) ?? []);
  return watches.length < alike.size ? null : { users, turns, drafts: own, blocks, start, watches };
};

/** Names of schemas hide nothing of one another, so that they need no order; a pattern stands alone. */
const blockKey = ({ stored, gains, loses }: Draft): string | null =>
  stored === undefined || patternSchema(stored, false) === null
    ? null
    : pathKey(gains === undefined ? 'loses' : 'gains', (gains ?? loses)!);

type Tries = { left: number };

const inAnotherOrder = (scope: Scope, knot: Knot, excess: boolean, tries: Tries): readonly Draft[] | null => {
  const nobody = (): boolean => true;
  const without = inTurn(knot, [], nobody, tries);
  if (without || !excess) return without;
  const after = stateThrough(knot.start, knot.drafts);
  const askers = knot.watches.map(({ user }) => [askerOf(knot.start, user), askerOf(after, user)] as const);
  const bridges = bridgesFor(scope, knot.drafts, [knot.start, after], askers).slice(0, BRIDGES);
  const choices = bridges.length > 1 ? [...bridges.map((bridge) => [bridge]), bridges] : bridges.map((bridge) => [bridge]);
  const isExcess = ({ errs }: Moment): boolean => errs === 'excess';
  for (const isBarred of [nobody, isExcess]) {
    if (isBarred === isExcess) {
      const found = inTurn(knot, [], isBarred, tries);
      if (found) return found;
    }
    for (const chosen of choices) {
      const found = inTurn(knot, chosen, isBarred, tries);
      if (found) return found;
    }
  }
  return null;
};

/** The drafts and bridges in the first order on whose way no moment is barred; null: there is none, or it would take too long. */
const inTurn = (knot: Knot, bridges: readonly Bridge[], isBarred: (moment: Moment) => boolean, tries: Tries): readonly Draft[] | null => {
  const all = [...knot.blocks, ...bridges.flatMap(({ grant, revoke }) => [[grant], [revoke]])];
  const before = precedence(all, bridges);
  const dead = new Set<string>();
  const done = new Array<boolean>(all.length).fill(false);
  const path: number[] = [];
  const most = Math.min(TRIES, tries.left);
  let left = most;
  const through = (state: AccessState, drafts: readonly Draft[]): AccessState | null => {
    let now = state;
    for (const draft of drafts) {
      now = stateThrough(now, [draft]);
      if (left-- <= 0 || knot.watches.some((watch) => momentsAt(watch, now).some(isBarred))) return null;
    }
    return now;
  };
  const search = (state: AccessState): boolean => {
    if (path.length === all.length) return true;
    const key = done.map(Number).join('');
    if (dead.has(key)) return false;
    for (const [index, drafts] of all.entries()) {
      if (done[index] || !before[index]!.every((other) => done[other])) continue;
      const next = through(state, drafts);
      if (left <= 0) return false;
      if (!next) continue;
      done[index] = true;
      path.push(index);
      if (search(next)) return true;
      done[index] = false;
      path.pop();
    }
    dead.add(key);
    return false;
  };
  const found = search(knot.start);
  tries.left -= most - left;
  return found ? path.flatMap((index) => all[index]!) : null;
};

/** What has to be done before each, whoever has what: a role is granted before it is active, and one row changes in its order. */
const precedence = (blocks: readonly (readonly Draft[])[], bridges: readonly Bridge[]): readonly (readonly number[])[] => {
  const before: number[][] = blocks.map(() => []);
  const last = new Map<string, number>();
  const bridging = new Set(bridges.flatMap(({ grant, revoke }) => [grant, revoke]));
  blocks.forEach((drafts, index) => {
    for (const draft of drafts) {
      const { gains, loses, settles, joins, leaves, stored } = draft;
      const account = (gains ?? loses ?? settles)!;
      if (joins !== undefined) blocks.forEach(([other], then) => void (other?.settles === account && before[then]!.push(index)));
      if ((joins ?? leaves ?? settles) !== undefined || bridging.has(draft)) continue;
      const row = pathKey(account, stored ?? '');
      const earlier = last.get(row);
      if (earlier !== undefined && earlier !== index) before[index]!.push(earlier);
      last.set(row, index);
    }
  });
  const at = (draft: Draft): number => blocks.findIndex((drafts) => drafts.includes(draft));
  for (const { over, grant, revoke } of bridges) {
    before[at(over)]!.push(at(grant));
    before[at(revoke)]!.push(at(over));
  }
  return before;
};

/** An order with other drafts at the places of some; what is more stands beside its neighbour. */
const replaced = (order: readonly Draft[], places: readonly number[], drafts: readonly Draft[]): readonly Draft[] => {
  const spare = drafts.length - places.length;
  const own = new Set(places);
  const last = places.at(-1);
  let next = 0;
  return order.flatMap((draft, at) => {
    if (!own.has(at)) return [draft];
    const some = drafts.slice(next, next + (at === last ? spare + 1 : 1));
    next += some.length;
    return some;
  });
};
