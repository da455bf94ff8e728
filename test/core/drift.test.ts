import { expect, test } from 'vitest';
import { driftOf } from '../../src/core/drift.ts';
import type { Change } from '../../src/model/change.ts';
import { change, grant, member, on, role, target } from '../render/plans.ts';

const joins = change('membership', null, member('readers', 'jane'));
const select = change('grant', null, grant('readers', ['SELECT'], on('table', 'orders', 'sales', 'a', 'b')));
const selectOne = change('grant', null, grant('readers', ['SELECT'], on('table', 'orders', 'sales', 'a')));
const gone = change('role', role('old'), null);
const blocked = change('role', role('old'), null, { blocked: 'it owns objects' });

test.each<[string, readonly Change[], readonly Change[], readonly number[]]>([
  ['what both plans do is drift', [joins, gone], [select, joins, gone], [1, 2]],
  ['what the head does alone is not', [], [joins], []],
  ['what the base does alone is nowhere', [joins], [], []],
  ['a part of what the base does is drift', [select], [selectOne], [0]],
  ['a change that does more is proposed', [selectOne], [select], []],
  ['the reverse of what the base does is proposed', [joins], [change('membership', member('readers', 'jane'), null)], []],
  ['a blocked change does nothing', [blocked], [blocked], []],
])('%s', (_name, base, head, expected) => {
  expect([...driftOf(target('orders', base), target('orders', head))]).toEqual(expected);
});
