import { append } from '../../../core/group.ts';
import { createSequence, type Sequence, together } from '../../../core/sequence.ts';
import { distinct } from '../../../model/key.ts';
import type { Scope } from '../scope.ts';
import { orderByAccess } from './access-order.ts';
import type { Draft } from './draft.ts';
import { orderForServer } from './prerequisites.ts';

/** What one database (null: the cluster) does in one transaction of one stage. */
export type Lane = {
  readonly database: string | null /** Each can only happen as a whole. */;
  readonly groups: readonly (readonly Draft[])[];
};

/** Stages one after the other, and the roles whose access in both states lapses for a moment because there is no other way. */
export type Stages = { readonly stages: readonly (readonly Lane[])[]; readonly lapses: readonly string[] };

/**
 * Databases cannot commit together. This finds an order of transactions in which every prefix stays between old and new:
 * nobody ever holds what neither state gives (never given up), and nobody misses what both give (given up, and told, where
 * the two contradict each other across databases).
 *
 * For every role that is the same three rules. What it will have comes before what it will lose, database by database. Who
 * leaves a group is out before the group gains; what a group loses is gone before somebody joins. And nobody passes through
 * an old and a new membership at once. What can only happen together shares a transaction.
 */
export const stagesOf = (scope: Scope, drafts: readonly Draft[], namesPerTransaction: number): Stages => {
  const sequence = createSequence(drafts.length);
  const owners = new Map<number, string>();
  orderForServer(scope, drafts, sequence);
  for (const inherited of [true, false]) orderByAccess(scope, drafts, sequence, owners, inherited);
  const { groups, lapses } = groupsOf(drafts, sequence, owners, namesPerTransaction);
  return { stages: levelsOf(drafts, sequence, groups), lapses };
};

type Group = readonly number[];

/** What can only happen together, in order; where that would take two databases at once, the soft rules between them are given up. */
const groupsOf = (
  drafts: readonly Draft[],
  sequence: Sequence,
  owners: ReadonlyMap<number, string>,
  limit: number,
): { readonly groups: readonly Group[]; readonly lapses: readonly string[] } => {
  const all = Array.from({ length: sequence.size() }, (_, node) => node);
  const lapses: string[] = [];
  const groups = together(all, (node) => sequence.following(node, true)).flatMap((group): Group[] => {
    if (fits(drafts, group, limit)) return [group];
    lapses.push(...group.flatMap((node) => owners.get(node) ?? []));
    return together(group, (node) => sequence.following(node, false)).flatMap((part) =>
      fits(drafts, part, limit) ? [part] : part.map((node) => [node]),
    );
  });
  return { groups, lapses: distinct(lapses) };
};

const fits = (drafts: readonly Draft[], group: Group, limit: number): boolean => {
  const databases = new Set(group.flatMap((node) => drafts[node]?.database ?? []));
  return databases.size <= 1 && group.reduce((sum, node) => sum + (drafts[node]?.named ?? 0), 0) <= limit;
};

/** Each group goes into the first stage that what comes before it allows; the same lane in the same stage is one transaction. */
const levelsOf = (drafts: readonly Draft[], sequence: Sequence, groups: readonly Group[]): Lane[][] => {
  const arrivals = new Map<number, Map<string | null, number>>();
  const stages: Map<string | null, Draft[][]>[] = [];
  for (const group of groups) {
    const members = group.filter((node) => node < drafts.length);
    const coming = merged(group.map((node) => arrivals.get(node)));
    const lane = members.map((node) => drafts[node]!.database).find((database) => database !== null) ?? null;
    const level = members.length === 0 ? null : Math.max(0, ...[...coming].map(([from, at]) => (from === lane ? at : at + 1)));
    const leaving = level === null ? coming : new Map([...coming, [lane, level] as const]);
    if (level !== null) {
      while (stages.length <= level) stages.push(new Map());
      append(
        stages[level]!,
        lane,
        members.map((node) => drafts[node]!),
      );
    }
    const inGroup = new Set(group);
    for (const node of group)
      for (const next of sequence.following(node, true)) if (!inGroup.has(next)) arrivals.set(next, merged([arrivals.get(next), leaving]));
  }
  return stages.map((lanes) => [...lanes].map(([database, some]) => ({ database, groups: some })));
};

const merged = (maps: readonly (ReadonlyMap<string | null, number> | undefined)[]): Map<string | null, number> => {
  const found = new Map<string | null, number>();
  for (const [lane, level] of maps.flatMap((map) => [...(map ?? [])])) found.set(lane, Math.max(found.get(lane) ?? 0, level));
  return found;
};
