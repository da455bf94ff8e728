import { createSequence, type Sequence, together } from '../../../core/sequence.ts';
import { distinct, pathKey } from '../../../model/key.ts';
import type { Membership } from '../../../model/state.ts';
import type { Scope } from '../scope.ts';
import type { Draft, Move } from './draft.ts';

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
  orderWithinReason(scope, drafts, sequence);
  for (const inherited of [true, false]) orderByAccess(scope, drafts, sequence, owners, inherited);
  const { groups, lapses } = groupsOf(drafts, sequence, owners, namesPerTransaction);
  return { stages: levelsOf(drafts, sequence, groups), lapses };
};

/** Drafts that must run before others for the server to take them, whoever has what. Pairs of indexes. */
export const prerequisites = (scope: Scope, drafts: readonly Draft[]): (readonly [first: number, then: number])[] => [
  ...grantorsInTurn(drafts),
  ...adminsInTurn(drafts),
  ...circlesInTurn(scope, drafts),
  ...narrowing(drafts),
];

/** Whoever acts has its rights when it does: it gets them before, and loses them after. */
const grantorsInTurn = (drafts: readonly Draft[]): [number, number][] => {
  const acting = new Map<string, number[]>();
  drafts.forEach((draft, index) => {
    if (draft.phase === 'own' || draft.moves) return;
    for (const { role } of draft.uses) push(acting, pathKey(draft.database ?? '', role), index);
  });
  return drafts.flatMap((draft, index) => {
    if (draft.phase === 'own') return [];
    const of = (roles: readonly string[] = []) =>
      roles.flatMap((role) => acting.get(pathKey(draft.database ?? '', role)) ?? []).filter((other) => other !== index);
    // What hangs on a grant option goes before the owner takes that, whatever the owner itself loses by it.
    const hangs = (first: number) =>
      draft.grantor !== undefined && drafts[first]!.grantor === undefined && drafts[first]!.loses?.includes(draft.grantor);
    return [
      ...of(draft.gains).map((then): [number, number] => [index, then]),
      ...of(draft.loses)
        .filter((first) => !hangs(first))
        .map((first): [number, number] => [first, index]),
    ];
  });
};

/** The same for memberships: the ADMIN option comes before what is granted by it, and goes after. */
const adminsInTurn = (drafts: readonly Draft[]): [number, number][] => {
  const granted = new Map<string, number[]>();
  drafts.forEach((draft, index) => {
    for (const { before, after } of draft.moves ?? []) push(granted, pathKey((before ?? after)!.role, (before ?? after)!.grantor), index);
  });
  return drafts.flatMap((draft, index) =>
    (draft.moves ?? []).flatMap(({ before, after }): [number, number][] => {
      const row = (before ?? after)!;
      const dependants = (granted.get(pathKey(row.role, row.member)) ?? []).filter((other) => other !== index);
      if (before?.admin && !after?.admin) return dependants.map((first) => [first, index]);
      if (after?.admin && !before?.admin) return dependants.map((then) => [index, then]);
      return [];
    }),
  );
};

/** The server takes no membership that would close a circle, even for a moment: the one that it is open by ends first. */
const circlesInTurn = (scope: Scope, drafts: readonly Draft[]): [number, number][] => {
  const moves = drafts.flatMap((draft, index) => (draft.moves ?? []).map((move) => ({ ...move, index })));
  const ends = moves.flatMap(({ before, after, index }) => (before && !after ? [{ ...before, index }] : []));
  const begins = moves.flatMap(({ before, after, index }) => (after && !before ? [{ ...after, index }] : []));
  if (ends.length === 0 || begins.length === 0) return [];
  const above = walker(scope.reality.memberships);
  return begins.flatMap((begin): [number, number][] => {
    const closes = above(begin.role);
    if (!closes.has(begin.member)) return [];
    return ends.flatMap((end) =>
      end.index !== begin.index && closes.has(end.member) && above(end.role).has(begin.member) ? [[end.index, begin.index]] : [],
    );
  });
};

const orderWithinReason = (scope: Scope, drafts: readonly Draft[], sequence: Sequence): void => {
  for (const [first, then] of prerequisites(scope, drafts)) sequence.before(first, then);
  for (const [first, then] of narrowing(drafts)) sequence.before(then, first);
  ownersFirst(drafts, sequence);
  createBeforeLost(drafts, sequence);
};

/** Handing a schema over needs CREATE on its database, which one of the two may be about to lose. */
const createBeforeLost = (drafts: readonly Draft[], sequence: Sequence): void => {
  const handing = indexesOf(drafts, (draft) => draft.phase === 'own');
  const roles = new Set(handing.flatMap((index) => drafts[index]!.uses.map(({ role }) => role)));
  const losing = indexesOf(
    drafts,
    (draft) => draft.database === null && (draft.loses ?? []).some((role) => roles.has(role) || role === ''),
  );
  sequence.allBefore(handing, losing, true);
};

/** What objects are granted is compared with the ACL that ALTER … OWNER leaves behind; and a schema moves before what is in it. */
const ownersFirst = (drafts: readonly Draft[], sequence: Sequence): void => {
  for (const database of new Set(drafts.flatMap((draft) => (draft.phase === 'own' ? [draft.database] : [])))) {
    const here = (test: (draft: Draft) => boolean) =>
      indexesOf(drafts, (draft) => draft.database === database && !draft.moves && test(draft));
    for (const rank of [0, 1, 2]) {
      sequence.allBefore(
        here((draft) => draft.phase === 'own' && draft.rank === rank),
        here((draft) => draft.phase !== 'own' || (draft.rank ?? 0) > rank),
        true,
      );
    }
  }
};

/** REVOKE on a table takes the words from its columns too: what is granted on columns comes after, and in the same transaction. */
const narrowing = (drafts: readonly Draft[]): [number, number][] =>
  indexesOf(drafts, (draft) => draft.phase === 'revoke' && draft.gains !== undefined).flatMap((then) => {
    const { database, gains } = drafts[then]!;
    const taking = indexesOf(
      drafts,
      (draft) => draft.phase === 'revoke' && draft.database === database && (draft.loses ?? []).some((role) => gains!.includes(role)),
    );
    return taking.map((first): [number, number] => [first, then]);
  });

type Rows = readonly Membership[];

/** `inherited`: only memberships that give their privileges without SET ROLE. */
const orderByAccess = (
  scope: Scope,
  drafts: readonly Draft[],
  sequence: Sequence,
  owners: Map<number, string>,
  inherited: boolean,
): void => {
  const index = indexDrafts(drafts, inherited);
  if (index.joins.size === 0 && index.leaves.size === 0 && index.loses.size === 0) return;
  const rows = { old: scope.reality.memberships as Rows, now: rowsAfter(scope.reality.memberships, drafts) };
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

/** Drafts by whom they concern. */
type Index = {
  readonly gains: ReadonlyMap<string, readonly number[]>;
  readonly loses: ReadonlyMap<string, readonly number[]>;
  /** By member. */
  readonly joins: ReadonlyMap<string, readonly number[]>;
  readonly leaves: ReadonlyMap<string, readonly number[]>;
  /** Which roles a draft moves a member into or out of. */
  readonly into: ReadonlyMap<number, ReadonlyMap<string, ReadonlySet<string>>>;
  readonly databases: readonly (string | null)[];
};

const indexDrafts = (drafts: readonly Draft[], inherited: boolean): Index => {
  const maps = {
    gains: new Map<string, number[]>(),
    loses: new Map<string, number[]>(),
    joins: new Map<string, number[]>(),
    leaves: new Map<string, number[]>(),
  };
  const into = new Map<number, Map<string, Set<string>>>();
  drafts.forEach((draft, node) => {
    for (const role of draft.gains ?? []) push(maps.gains, role, node);
    for (const role of draft.loses ?? []) push(maps.loses, role, node);
    for (const move of draft.moves ?? []) {
      const { role, member } = (move.before ?? move.after)!;
      const { joins, leaves } = directionOf(move, inherited);
      if (joins) push(maps.joins, member, node);
      if (leaves) push(maps.leaves, member, node);
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

const rowsAfter = (rows: Rows, drafts: readonly Draft[]): Rows => {
  const found = new Map(rows.map((row) => [rowKey(row), row]));
  for (const { before, after } of drafts.flatMap((draft) => draft.moves ?? [])) {
    if (before) found.delete(rowKey(before));
    if (after) found.set(rowKey(after), after);
  }
  return [...found.values()];
};
const rowKey = (row: Membership): string => pathKey(row.role, row.member, row.grantor);

/** Roles that a role is in, itself included; every answer is kept. */
const walker = (rows: Rows): ((role: string) => ReadonlySet<string>) => {
  const edges = new Map<string, string[]>();
  for (const row of rows) push(edges, row.member, row.role);
  const known = new Map<string, ReadonlySet<string>>();
  return (role) => {
    const before = known.get(role);
    if (before) return before;
    const found = new Set([role]);
    for (const one of found) for (const next of edges.get(one) ?? []) found.add(next);
    known.set(role, found);
    return found;
  };
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
      push(
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

const indexesOf = (drafts: readonly Draft[], test: (draft: Draft) => boolean): number[] =>
  drafts.flatMap((draft, index) => (test(draft) ? [index] : []));
const among = (index: ReadonlyMap<string, readonly number[]>, roles: Iterable<string>): number[] => [
  ...new Set([...roles].flatMap((role) => index.get(role) ?? [])),
];
const push = <K, V>(map: Map<K, V[]>, key: K, value: V): void => {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
};
