import { append } from '../../../core/group.ts';
import type { Membership } from '../../../model/state.ts';
import type { Draft, Move } from './draft.ts';

/** Drafts by whom they concern. */
export type Index = {
  readonly gains: ReadonlyMap<string, readonly number[]>;
  readonly loses: ReadonlyMap<string, readonly number[]>;
  /** By member. */
  readonly joins: ReadonlyMap<string, readonly number[]>;
  readonly leaves: ReadonlyMap<string, readonly number[]>;
  /** Which roles a draft moves a member into or out of. */
  readonly into: ReadonlyMap<number, ReadonlyMap<string, ReadonlySet<string>>>;
  readonly databases: readonly (string | null)[];
};

/** Drafts by whom they concern; `inherited`: a membership counts where it gives its privileges without SET ROLE. */
export const indexDrafts = (drafts: readonly Draft[], inherited: boolean): Index => {
  const maps = {
    gains: new Map<string, number[]>(),
    loses: new Map<string, number[]>(),
    joins: new Map<string, number[]>(),
    leaves: new Map<string, number[]>(),
  };
  const into = new Map<number, Map<string, Set<string>>>();
  drafts.forEach((draft, node) => {
    for (const role of draft.gains ?? []) append(maps.gains, role, node);
    for (const role of draft.loses ?? []) append(maps.loses, role, node);
    for (const move of draft.moves ?? []) {
      const { role, member } = (move.before ?? move.after)!;
      const { joins, leaves } = directionOf(move, inherited);
      if (joins) append(maps.joins, member, node);
      if (leaves) append(maps.leaves, member, node);
      const members = into.get(node) ?? new Map<string, Set<string>>();
      into.set(node, members.set(member, (members.get(member) ?? new Set()).add(role)));
    }
  });
  return { ...maps, into, databases: drafts.map((draft) => draft.database) };
};

const directionOf = ({ before, after }: Move, inherited: boolean): { readonly joins: boolean; readonly leaves: boolean } => {
  const held = (row: Membership | null) => row !== null && (!inherited || row.inherit);
  return { joins: held(after) && !held(before), leaves: held(before) && !held(after) };
};
