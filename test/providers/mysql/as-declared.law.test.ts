import fc from 'fast-check';
import { expect, test } from 'vitest';
import { diff } from '../../../src/core/diff.ts';
import type { DeclaredGrant } from '../../../src/model/declared.ts';
import { normalize } from '../../../src/providers/mysql/normalize.ts';
import { tableRows } from '../../../src/providers/mysql/rows.ts';
import type { Snapshot } from '../../../src/providers/mysql/snapshot.ts';
import { accountOf, declaredOf, declaredRole, snapshotOf } from './world.ts';

/** What stands in the column Table_priv, and the words of the manifest that say the same. */
const SETS = {
  Select: ['SELECT'],
  'Select,Insert': ['INSERT', 'SELECT'],
  'Select,Grant': ['SELECT*'],
  'Delete versioning rows': ['DELETE HISTORY'],
} as const;

const row = fc.record({
  schema: fc.constantFrom('d1', 'd2', 'gone'),
  table: fc.constantFrom('t1', 'T1', 't2', 'gone'),
  set: fc.constantFrom(...(Object.keys(SETS) as (keyof typeof SETS)[])),
});
type Row = typeof row extends fc.Arbitrary<infer R> ? R : never;

/** How what is declared differs from what is there: mostly not at all. */
const twist = fc.constantFrom<('same' | 'words' | 'pattern' | 'absent' | 'twice' | 'all')[]>(
  ...(['same', 'same', 'same', 'same', 'words', 'pattern', 'absent', 'twice', 'all'] as const),
);
const user = fc.record({
  rows: fc.uniqueArray(fc.tuple(row, twist), { maxLength: 3, selector: ([{ schema, table }]) => `${schema}.${table}` }),
  more: fc.array(row, { maxLength: 1 }),
  manage: fc.constantFrom('exact' as const, 'exact' as const, 'additive' as const),
});
type User = typeof user extends fc.Arbitrary<infer U> ? U : never;

const declaredGrant = (grantee: string, { schema, table, set }: Row, line: number, pattern = false): DeclaredGrant => ({
  grantee,
  kind: 'table',
  privileges: SETS[set],
  database: null,
  schema: { text: schema, literal: true },
  name: pattern ? { text: `${table[0]}*`, literal: false } : { text: table, literal: true },
  selector: `${schema}.${table}`,
  source: { file: 'access.yaml', line, column: 1 },
});

const grantsOf = (grantee: string, { rows, more }: User): DeclaredGrant[] => [
  ...rows.flatMap(([one, how], index): DeclaredGrant[] => {
    const grant = declaredGrant(grantee, one, index + 1, how === 'pattern');
    switch (how) {
      case 'absent':
        return [];
      case 'words':
        return [{ ...grant, privileges: ['UPDATE'] }];
      case 'all':
        return [{ ...grant, privileges: ['ALL'] }];
      case 'twice':
        return [grant, { ...grant, privileges: ['INSERT'] }];
      default:
        return [grant];
    }
  }),
  ...more.map((one) => declaredGrant(grantee, one, 9)),
];

const textOf = (account: string, { rows }: User) => ({
  account,
  count: rows.length,
  rows: rows.map(([{ schema, table, set }]) => `${schema}\0${table}\0${set}\0`).join(''),
});

/** The same, read row by row: then every account is put together. */
const rowByRow = ({ tableGrants = [], grants, ...snapshot }: Snapshot): Snapshot => ({
  ...snapshot,
  grants: [...grants, ...tableGrants.flatMap(tableRows)],
});

test('whether rows on tables are compared as they stand or put together first, the plan is the same', () => {
  let alike = 0;
  fc.assert(
    fc.property(fc.array(user, { minLength: 1, maxLength: 3 }), fc.constantFrom(0 as const, 0 as const, 1 as const), (users, folds) => {
      const names = users.map((_, index) => `u${index}`);
      const snapshot = snapshotOf(
        { lowerCaseTableNames: folds },
        {
          accounts: names.map((name) => accountOf(name)),
          schemas: ['d1', 'd2'],
          tables: ['d1', 'd2'].map((schema) => ({ schema, names: folds === 0 ? ['T1', 't1', 't2'] : ['t1', 't2'] })),
          tableGrants: users.flatMap((one, index) => (one.rows.length === 0 ? [] : [textOf(names[index]!, one)])),
        },
      );
      const declared = {
        ...declaredOf(...users.map(({ manage }, index) => declaredRole(names[index]!, { manage }))),
        grants: users.flatMap((one, index) => grantsOf(names[index]!, one)),
      };
      const [quick, slow] = [snapshot, rowByRow(snapshot)].map((read) => {
        const normal = normalize(read, declared);
        return { changes: diff(normal), findings: normal.findings, matches: normal.matches };
      });
      if (slow!.changes.every(({ kind }) => kind !== 'grant') && declared.grants.length > 0) alike++;
      expect(quick).toEqual(slow);
    }),
    { numRuns: 500 },
  );
  expect(alike).toBeGreaterThan(20);
});
