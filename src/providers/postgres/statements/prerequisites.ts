import { append } from '../../../core/group.ts';
import type { Sequence } from '../../../core/sequence.ts';
import { pathKey } from '../../../model/key.ts';
import type { Scope } from '../scope.ts';
import type { Draft } from './draft.ts';
import { walker } from './reach.ts';

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
    for (const { role } of draft.uses) append(acting, pathKey(draft.database ?? '', role), index);
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
    for (const { before, after } of draft.moves ?? []) append(granted, pathKey((before ?? after)!.role, (before ?? after)!.grantor), index);
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

/** The order that the server needs, whoever has what: those pairs, and ownership before what hangs on it. */
export const orderForServer = (scope: Scope, drafts: readonly Draft[], sequence: Sequence): void => {
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

const indexesOf = (drafts: readonly Draft[], test: (draft: Draft) => boolean): number[] =>
  drafts.flatMap((draft, index) => (test(draft) ? [index] : []));
