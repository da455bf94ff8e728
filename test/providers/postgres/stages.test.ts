import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createSequence, together } from '../../../src/core/sequence.ts';
import type { Membership } from '../../../src/model/state.ts';
import type { Scope } from '../../../src/providers/postgres/scope.ts';
import type { Draft } from '../../../src/providers/postgres/statements/draft.ts';
import { prerequisites } from '../../../src/providers/postgres/statements/prerequisites.ts';
import { stagesOf } from '../../../src/providers/postgres/statements/stages.ts';

const row = (member: string, role: string, more: Partial<Membership> = {}): Membership => ({
  member,
  role,
  grantor: 'master',
  admin: false,
  inherit: true,
  set: true,
  ...more,
});

/** Roles and memberships as they are; nothing else of a scope matters here. */
const scopeOf = (roles: readonly string[], memberships: readonly Membership[] = []): Scope =>
  ({
    reality: { roles: new Map(roles.map((name) => [name, { name }])), memberships, objects: [] },
    declared: { roles: new Map() },
    authority: { login: 'master' },
    version: 170000,
  }) as unknown as Scope;

const draft = (sql: string, rest: Partial<Draft>): Draft => ({
  database: null,
  phase: 'grant',
  sql,
  uses: [],
  changes: [],
  named: 1,
  ...rest,
});
const grant = (to: string, database: string | null, rest: Partial<Draft> = {}) =>
  draft(`+${to}@${database}`, { database, gains: [to], ...rest });
const revoke = (from: string, database: string | null, rest: Partial<Draft> = {}) =>
  draft(`-${from}@${database}`, { database, phase: 'revoke', loses: [from], ...rest });
const join = (membership: Membership) =>
  draft(`${membership.member}>${membership.role}`, { phase: 'member', moves: [{ before: null, after: membership }] });
const leave = (membership: Membership) =>
  draft(`${membership.member}<${membership.role}`, { phase: 'member', moves: [{ before: membership, after: null }] });

/** Each stage as its lanes, each lane as the sorted drafts of its transaction. */
const shape = (scope: Scope, drafts: readonly Draft[], limit = Number.POSITIVE_INFINITY) => {
  const { stages, lapses } = stagesOf(scope, drafts, limit);
  return {
    stages: stages.map((lanes) =>
      lanes
        .map(({ groups }) =>
          groups
            .flat()
            .map(({ sql }) => sql)
            .sort()
            .join(' '),
        )
        .sort(),
    ),
    lapses,
  };
};

const old = row('jane', 'a');
const now = row('jane', 'b');

describe('stages', () => {
  const cases: readonly [name: string, scope: Scope, drafts: readonly Draft[], expected: ReturnType<typeof shape>][] = [
    [
      'grants and revokes of different roles share a transaction',
      scopeOf(['a', 'b']),
      [grant('a', 'x'), revoke('b', 'x'), grant('a', 'y')],
      { stages: [['+a@x -b@x', '+a@y']], lapses: [] },
    ],
    [
      'who moves between groups does both at once',
      scopeOf(['jane', 'a', 'b'], [old]),
      [join(now), leave(old)],
      { stages: [['jane<a jane>b']], lapses: [] },
    ],
    [
      'the old group is left when the new one has its grants, whatever the database',
      scopeOf(['jane', 'a', 'b'], [old]),
      [leave(old), join(now), grant('b', 'x'), grant('b', 'y')],
      { stages: [['+b@x', '+b@y', 'jane>b'], ['jane<a']], lapses: [] },
    ],
    [
      'the old group gains only when who leaves is out',
      scopeOf(['jane', 'a', 'b'], [old]),
      [grant('a', 'x'), leave(old), join(now)],
      { stages: [['jane<a jane>b'], ['+a@x']], lapses: [] },
    ],
    [
      'a group has lost before somebody joins',
      scopeOf(['jane', 'b']),
      [join(now), revoke('b', 'x')],
      { stages: [['-b@x'], ['jane>b']], lapses: [] },
    ],
    [
      'a group loses when its member has the same elsewhere',
      scopeOf(['jane', 'a', 'b'], [old]),
      [revoke('a', 'x'), join(now)],
      { stages: [['jane>b'], ['-a@x']], lapses: [] },
    ],
    [
      'nobody passes through an old and a new membership',
      scopeOf(['jane', 'a', 'b'], [row('b', 'a')]),
      [join(now), leave(row('b', 'a'))],
      { stages: [['b<a jane>b']], lapses: [] },
    ],
    [
      'what PUBLIC loses goes when everybody has it by name',
      scopeOf(['jane', 'a'], [old]),
      [revoke('', null), grant('a', null)],
      { stages: [['+a@null -@null']], lapses: [] },
    ],
    [
      'groups that swap members and grants of two databases cannot: nobody gets more, and who lacks something is told',
      scopeOf(['jane', 'john', 'a', 'b'], [old, row('john', 'b')]),
      [
        leave(old),
        join(now),
        leave(row('john', 'b')),
        join(row('john', 'a')),
        grant('b', 'x'),
        revoke('a', 'x'),
        grant('a', 'y'),
        revoke('b', 'y'),
      ],
      {
        stages: [
          ['-a@x', '-b@y', 'jane<a john<b'],
          ['+a@y', '+b@x', 'jane>b john>a'],
        ],
        lapses: ['jane', 'john'],
      },
    ],
    [
      'names that hold one another quoted are different names',
      scopeOf(['jane', 'a', 'x "a" y'], [old]),
      [leave(old), grant('x "a" y', 'x')],
      { stages: [['+x "a" y@x', 'jane<a']], lapses: [] },
    ],
    [
      'a new owner is there before it grants',
      scopeOf(['a', 'b']),
      [
        grant('b', 'x', { uses: [{ role: 'a', how: 'become' }] }),
        draft('own', { database: 'x', phase: 'own', rank: 0, gains: ['a'], loses: ['c'] }),
      ],
      { stages: [['+b@x own']], lapses: [] },
    ],
  ];
  for (const [name, scope, drafts, expected] of cases) {
    test(name, () => {
      const sorted = { ...expected, stages: expected.stages.map((lanes) => [...lanes].sort()) };
      expect(shape(scope, drafts)).toEqual(sorted);
      // the order in which drafts come does not matter
      expect(shape(scope, [...drafts].reverse())).toEqual(sorted);
    });
  }

  test('what can only happen together but names too much for one transaction is taken apart, and told', () => {
    const scope = scopeOf(['a']);
    const drafts = [grant('a', 'x', { phase: 'revoke', named: 900 }), revoke('a', 'x', { named: 900 })];
    expect(shape(scope, drafts, 2000).lapses).toEqual([]);
    expect(shape(scope, drafts, 1000).lapses).toEqual(['a']);
  });
});

test('columns are granted after the table that is taken away, whoever acts', () => {
  const columns = grant('a', 'x', { phase: 'revoke', rank: 1 });
  expect(prerequisites(scopeOf([]), [columns, revoke('a', 'x'), revoke('a', 'y'), revoke('b', 'x')])).toEqual([[1, 0]]);
});

test('a grantor gets its option before it grants, and loses it when what it granted is gone', () => {
  const acting = { uses: [{ role: 'a', how: 'become' as const }] };
  expect(prerequisites(scopeOf([]), [grant('b', 'x', acting), grant('a', 'x')])).toEqual([[1, 0]]);
  expect(prerequisites(scopeOf([]), [revoke('a', 'x'), revoke('b', 'x', acting)])).toEqual([[1, 0]]);
  expect(prerequisites(scopeOf([]), [revoke('a', 'x'), revoke('b', 'y', acting)])).toEqual([]);
});

test('groups that can only happen together are found, in an order that the edges allow', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), fc.array(fc.tuple(fc.nat(11), fc.nat(11)), { maxLength: 30 }), (size, pairs) => {
      const edges = pairs.filter(([a, b]) => a < size && b < size);
      const following = (node: number) => edges.filter(([a]) => a === node).map(([, b]) => b);
      const groups = together(
        Array.from({ length: size }, (_, node) => node),
        following,
      );
      const place = new Map(groups.flatMap((group, at) => group.map((node) => [node, at] as const)));
      expect(place.size).toBe(size);
      for (const [a, b] of edges) expect(place.get(a)!).toBeLessThanOrEqual(place.get(b)!);
      const reaches = (from: number): Set<number> => {
        const found = new Set([from]);
        for (const node of found) for (const next of following(node)) found.add(next);
        return found;
      };
      for (let a = 0; a < size; a++)
        for (let b = 0; b < size; b++) expect(place.get(a) === place.get(b)).toBe(reaches(a).has(b) && reaches(b).has(a));
    }),
    { seed: 4 },
  );
});

test('a hub stands for each pair', () => {
  const sequence = createSequence(4);
  const hub = sequence.allBefore([0, 1], [2, 3], true)!;
  expect([0, 1].map((node) => sequence.following(node, false))).toEqual([[hub], [hub]]);
  expect(sequence.following(hub, false)).toEqual([2, 3]);
  expect(sequence.allBefore([], [1], true)).toBeNull();
});
