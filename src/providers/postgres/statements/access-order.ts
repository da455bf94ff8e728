import type { Sequence } from '../../../core/sequence.ts';
import { distinct } from '../../../model/key.ts';
import type { Membership } from '../../../model/state.ts';
import type { Scope } from '../scope.ts';
import type { Draft } from './draft.ts';
import { type Index, indexDrafts } from './draft-index.ts';
import { rowsAfter, walker } from './reach.ts';

/**
 * The order in which nobody holds what neither state gives, and nobody misses what both give. `inherited`: only memberships that
 * give their privileges without SET ROLE. `owners` is told for whom a rule is that may be given up, by its node in the sequence.
 */
export const orderByAccess = (
  scope: Scope,
  drafts: readonly Draft[],
  sequence: Sequence,
  owners: Map<number, string>,
  inherited: boolean,
): void => {
  const index = indexDrafts(drafts, inherited);
  if (index.joins.size === 0 && index.leaves.size === 0 && index.loses.size === 0) return;
  const rows = { old: scope.reality.memberships, now: rowsAfter(scope.reality.memberships, drafts) };
  const counts = (row: Membership) => !inherited || row.inherit;
  const reach = {
    old: walker(rows.old.filter(counts)),
    now: walker(rows.now.filter(counts)),
    either: walker([...rows.old, ...rows.now].filter(counts)),
  };
  for (const role of distinct([...scope.reality.roles.keys(), ...scope.declared.roles.keys()])) {
    const sides = { old: reach.old(role), now: reach.now(role), either: reach.either(role) };
    if (scope.reality.roles.has(role) && role !== scope.authority.login) gainFirst(role, sides, reach, index, sequence, owners);
    leaveFirst(sides, reach, index, sequence);
  }
};

type Sides = Record<'old' | 'now' | 'either', ReadonlySet<string>>;
type Reach = Record<keyof Sides, (role: string) => ReadonlySet<string>>;

/** What the role will have comes before what it loses: a membership that ends takes nothing where other paths lead to the same. */
const gainFirst = (
  role: string,
  { old, now }: Sides,
  reach: Reach,
  index: Index,
  sequence: Sequence,
  owners: Map<number, string>,
): void => {
  const gains = among(index.gains, [...now, '']);
  const loses = among(index.loses, [...old, '']);
  const joins = among(index.joins, now);
  const leaves = among(index.leaves, old);
  const say = (hub: number | null) => hub !== null && owners.set(hub, role);
  say(sequence.allBefore(joins, [...leaves, ...loses], false));
  const takes = (node: number) =>
    [...(index.into.get(node) ?? [])].some(
      ([member, roles]) => old.has(member) && [...roles].some((one) => [...reach.old(one)].some((group) => !now.has(group))),
    );
  say(sequence.allBefore(gains, leaves.filter(takes), false));
  for (const database of new Set(gains.map((node) => index.databases[node]!))) {
    const here = (node: number) => index.databases[node] === database;
    say(sequence.allBefore(gains.filter(here), loses.filter(here), false));
  }
};

/**
 * The role is out of a group before that gains; a group has lost before the role comes in; and no path is half old, half new.
 * Paths count that exist for a moment only: those over old and new memberships together.
 */
const leaveFirst = ({ old, now, either }: Sides, reach: Reach, index: Index, sequence: Sequence): void => {
  for (const group of either) {
    const [isOld, isNew] = [old.has(group), now.has(group)];
    if (isOld && isNew) continue;
    const moves = (some: Index['joins']) => onTheWay(some, index, either, group, reach.either);
    const gains = index.gains.get(group) ?? [];
    if (isOld && gains.length > 0) sequence.allBefore(moves(index.leaves), gains, true);
    const loses = index.loses.get(group) ?? [];
    if (isNew && loses.length > 0) sequence.allBefore(loses, moves(index.joins), true);
    if (!isOld && !isNew) sequence.allBefore(moves(index.leaves), moves(index.joins), true);
  }
};

/** The moves of somebody in `from` into a role that leads to `group`. */
const onTheWay = (
  moves: ReadonlyMap<string, readonly number[]>,
  { into }: Index,
  from: ReadonlySet<string>,
  group: string,
  reach: (role: string) => ReadonlySet<string>,
): number[] => [
  ...new Set(
    [...from].flatMap((member) =>
      (moves.get(member) ?? []).filter((node) => [...(into.get(node)?.get(member) ?? [])].some((role) => reach(role).has(group))),
    ),
  ),
];

const among = (index: ReadonlyMap<string, readonly number[]>, roles: Iterable<string>): number[] => [
  ...new Set([...roles].flatMap((role) => index.get(role) ?? [])),
];
