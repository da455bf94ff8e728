import { describe, expect, test } from 'vitest';
import { applyChanges } from '../../src/core/overlay.ts';
import type { OwnedObjects } from '../../src/model/access.ts';
import type { Change } from '../../src/model/change.ts';
import { change, entry, grant, member, objects, role, setOf, state, user } from './states.ts';

const owned = entry('owner', 'SELECT');
const row = objects('a b c', [owned]);
const roles = [user('u'), role('g'), role('owner'), role('o2')];
const own = (on: OwnedObjects, owner: string, only?: readonly string[]): Change =>
  change('ownership', { on: setOf(on, only), owner: on.owner }, { on: setOf(on, only), owner });

const OBJECTS: [name: string, before: OwnedObjects[], changes: Change[], after: OwnedObjects[]][] = [
  [
    'a grant on all of a row keeps it whole',
    [row],
    [grant(setOf(row), 'u', '', 'SELECT')],
    [{ ...row, acl: [owned, entry('u', 'SELECT')] }],
  ],
  [
    'a grant on some objects splits their row',
    [row],
    [grant(setOf(row, ['b']), 'u', '', 'SELECT')],
    [
      { ...row, names: ['a', 'c'] },
      { ...row, names: ['b'], acl: [owned, entry('u', 'SELECT')] },
    ],
  ],
  [
    'a grant over several rows',
    [objects('a', [owned]), objects('b', [])],
    [grant(setOf(row, ['a', 'b']), '', '', 'SELECT')],
    [objects('a', [owned, entry('', 'SELECT')]), objects('b', [entry('', 'SELECT')])],
  ],
  [
    'two changes of one object end on one piece',
    [row],
    [grant(setOf(row, ['a', 'b']), 'u', '', 'SELECT'), grant(setOf(row, ['b']), 'u', '', 'INSERT')],
    [
      { ...row, names: ['a'], acl: [owned, entry('u', 'SELECT')] },
      { ...row, names: ['b'], acl: [owned, entry('u', 'INSERT SELECT')] },
      { ...row, names: ['c'] },
    ],
  ],
  [
    'a revoke takes the grant of its grantor only',
    [objects('a', [entry('u', 'SELECT'), entry('u', 'SELECT', 'g')])],
    [grant(setOf(objects('a', [])), 'u', 'SELECT', '')],
    [objects('a', [entry('u', 'SELECT', 'g')])],
  ],
  [
    'a grant option comes and goes by itself',
    [objects('a', [entry('u', 'INSERT SELECT*')])],
    [grant(setOf(objects('a', [])), 'u', 'INSERT SELECT*', 'INSERT* SELECT')],
    [objects('a', [entry('u', 'INSERT* SELECT')])],
  ],
  [
    'a change touches only what differs between its sides',
    [objects('a', [entry('u', 'DELETE SELECT')])],
    [grant(setOf(objects('a', [])), 'u', 'SELECT', 'INSERT')],
    [objects('a', [entry('u', 'DELETE INSERT')])],
  ],
  [
    'columns that had no ACL become a row under the owner of their table',
    [row],
    [grant({ kind: 'column', database: 'd', schema: 's', relation: 'a', names: ['x', 'y'] }, 'u', '', 'SELECT')],
    [row, objects('x y', [entry('u', 'SELECT')], { kind: 'column', relation: 'a' })],
  ],
  [
    'a new owner takes the place of the old one, as grantee and grantor',
    [objects('a', [owned, entry('u', 'SELECT'), entry('o2', 'INSERT')])],
    [own(objects('a', []), 'o2')],
    [objects('a', [entry('o2', 'INSERT SELECT', 'o2'), entry('u', 'SELECT', 'o2')], { owner: 'o2' })],
  ],
  [
    'columns follow their table to its new owner',
    [objects('a', [owned]), objects('x', [entry('u', 'SELECT')], { kind: 'column', relation: 'a' })],
    [own(objects('a', []), 'o2')],
    [
      objects('a', [entry('o2', 'SELECT', 'o2')], { owner: 'o2' }),
      objects('x', [entry('u', 'SELECT', 'o2')], { kind: 'column', relation: 'a', owner: 'o2' }),
    ],
  ],
  [
    'a grant by the old owner is taken from the new one',
    [objects('a', [owned, entry('u', 'SELECT')])],
    [own(objects('a', []), 'o2'), grant(setOf(objects('a', [])), 'u', 'SELECT', '')],
    [objects('a', [entry('o2', 'SELECT', 'o2')], { owner: 'o2' })],
  ],
  ['a blocked change does not happen', [row], [{ ...grant(setOf(row), 'u', '', 'SELECT'), blocked: 'no way' }], [row]],
];

describe('objects after a plan', () => {
  test.each(OBJECTS)('%s', (_, before, changes, after) => {
    expect(applyChanges(state(roles, [], before), changes).objects).toEqual(after);
  });

  test('rows that nothing touches are the same values', () => {
    const other = objects('z', [owned], { schema: 'other' });
    const before = state(roles, [], [other, row]);
    expect(applyChanges(before, [grant(setOf(row), 'u', '', 'SELECT')]).objects[0]).toBe(other);
    expect(applyChanges(before, []).objects).toBe(before.objects);
  });
});

describe('roles and memberships after a plan', () => {
  const before = state([...roles, role('pg_create_subscription')], [member('u', 'g'), member('u', 'g', { grantor: 'o2' })]);
  const { oid: _, ...body } = user('u');

  test('a role that comes, one that changes, one that goes', () => {
    const { oid: __, ...fresh } = user('fresh');
    const after = applyChanges(before, [
      change('role', null, fresh),
      change('role', body, { ...body, login: false }),
      change('role', { ...body, name: 'g' }, null),
    ]);
    expect([...after.roles.values()].map(({ name, login }) => [name, login])).toEqual([
      ['owner', false],
      ['o2', false],
      ['pg_create_subscription', false],
      ['fresh', true],
      ['u', false],
    ]);
    expect(after.memberships).toEqual([]);
  });

  test('a membership goes by its grantor', () => {
    expect(applyChanges(before, [change('membership', member('u', 'g'), null)]).memberships).toEqual([member('u', 'g', { grantor: 'o2' })]);
  });

  test('options of a membership change in place', () => {
    const changed = member('u', 'g', { admin: true });
    const after = applyChanges(before, [change('membership', member('u', 'g'), changed)]);
    expect(after.memberships).toEqual([member('u', 'g', { grantor: 'o2' }), changed]);
  });

  test.each([
    ['before 16 INHERIT of a role decides for all of its memberships', [], false],
    ['from 16 on it decides for none', [role('pg_create_subscription')], true],
  ])('%s', (_name, more, inherit) => {
    const reality = state([...roles, ...more], [member('u', 'g')]);
    const after = applyChanges(reality, [change('role', body, { ...body, inherit: false })]);
    expect(after.memberships).toEqual([member('u', 'g', { inherit })]);
  });
});
