import { expect, test } from 'vitest';
import { momentFindings } from '../../src/core/moments.ts';
import type { Moment } from '../../src/model/normal.ts';

const at = (role: string, kind: Moment['kind'], schema: string, rest: Partial<Moment> = {}): Moment => ({
  ...{ role, kind, privileges: ['SELECT'], pattern: null },
  on: { kind: 'schema', database: null, schema: null, names: [schema] },
  ...rest,
});

test.each<[name: string, lapses: readonly string[], moments: readonly Moment[] | undefined, told: readonly string[]]>([
  ['nothing', [], [], []],
  [
    'a lapse of which only the role is known',
    ['jane'],
    undefined,
    ['warning plan/lapse while this is applied, a role is for a moment without access that it keeps: jane'],
  ],
  [
    'a lapse by what it takes, on what, and where the pattern is',
    ['jane', 'joe'],
    [at('jane', 'lapse', 'shop', { pattern: 'sh%', privileges: ['INSERT', 'SELECT'] }), at('jane', 'lapse', 'a.b')],
    [
      'warning plan/lapse while this is applied, 2 roles are for a moment without access that they keep: jane (INSERT, SELECT on schema shop, which pattern `sh%` matches; SELECT on schema "a.b"), joe',
    ],
  ],
  [
    'an excess, by two places at most',
    [],
    ['a', 'b', 'c'].map((schema) => at('jane', 'excess', schema)),
    [
      'warning plan/excess while this is applied, a role is for a moment able to do what is allowed neither before nor afterwards: jane (SELECT on schema a; SELECT on schema b; …)',
    ],
  ],
  [
    'an excess that nobody computed',
    [],
    [at('jane', 'excess', '', { on: null, privileges: [] })],
    [
      'warning plan/excess while this is applied, a role is for a moment able to do what is allowed neither before nor afterwards: jane (perhaps: too much to tell where)',
    ],
  ],
  [
    'a bridge, which is no warning',
    [],
    [at('readers', 'bridge', 'shop')],
    [
      'note plan/bridge for a moment a role is granted what it has by another, so that nobody gets more while patterns go: readers (SELECT on schema shop)',
    ],
  ],
  [
    'five roles by name',
    ['a', 'b', 'c', 'd', 'e', 'f'],
    [],
    ['warning plan/lapse while this is applied, 6 roles are for a moment without access that they keep: a, b, c, d, e, …'],
  ],
])('of what is otherwise for a moment, %s is told so', (_, lapses, moments, told) => {
  const statements = { steps: [], transactions: [], lapses, ...(moments ? { moments } : {}) };
  expect(momentFindings({ engine: 'mysql' }, statements).map(({ severity, code, message }) => `${severity} ${code} ${message}`)).toEqual(
    told,
  );
});
