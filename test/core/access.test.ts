import { describe, expect, test } from 'vitest';
import { createAccess, effectivePrivileges } from '../../src/core/access.ts';
import type { OwnedObjects } from '../../src/model/access.ts';
import type { Reality } from '../../src/model/reality.ts';
import { entry, granteeNamed, member, objects, role, state, user } from './states.ts';

const everything = ['DELETE', 'INSERT', 'REFERENCES', 'SELECT', 'TRIGGER', 'TRUNCATE', 'UPDATE'];
const owned = entry('owner', everything.join(' '));
const database = objects('d', [], { kind: 'database', database: null, schema: null });

/** What 'u' (or whoever) can do on the last row, as `WORD via path`, then what it may grant. */
const judged = (reality: Reality, who = 'u', row: OwnedObjects = reality.objects.at(-1)!): string[] => {
  const { privileges, via } = effectivePrivileges(createAccess(reality), granteeNamed(who), row);
  return privileges.map((privilege) => `${privilege} via ${via.get(privilege.replace('*', ''))?.join(' > ')}`);
};

const table = (...acl: ReturnType<typeof entry>[]) => objects('t', [owned, ...acl]);
const people = [user('u'), role('owner'), role('g'), role('h'), role('postgres', { superuser: true })];

const PATHS: [name: string, reality: Reality, expected: string[]][] = [
  ['nothing', state(people, [], [table()]), []],
  ['a grant of its own', state(people, [], [table(entry('u', 'SELECT'))]), ['SELECT via direct']],
  ['PUBLIC', state(people, [], [table(entry('', 'SELECT'))]), ['SELECT via PUBLIC']],
  ['a group', state(people, [member('u', 'g')], [table(entry('g', 'SELECT'))]), ['SELECT via g']],
  ['a group in a group', state(people, [member('u', 'g'), member('g', 'h')], [table(entry('h', 'SELECT'))]), ['SELECT via g > h']],
  [
    'the shorter of two paths',
    state(people, [member('u', 'g'), member('g', 'h'), member('u', 'h')], [table(entry('h', 'SELECT'))]),
    ['SELECT via h'],
  ],
  [
    'its own grant before that of a group and of PUBLIC',
    state(people, [member('u', 'g')], [table(entry('', 'SELECT'), entry('g', 'SELECT'), entry('u', 'SELECT'))]),
    ['SELECT via direct'],
  ],
  ['a membership without inherit gives nothing', state(people, [member('u', 'g', { inherit: false })], [table(entry('g', 'SELECT'))]), []],
  [
    'two memberships of one pair count as their union',
    state(people, [member('u', 'g', { inherit: false, admin: true }), member('u', 'g', { grantor: 'h' })], [table(entry('g', 'SELECT'))]),
    ['SELECT via g'],
  ],
  [
    'the grant option of either of two grantors',
    state(people, [], [table(entry('u', 'SELECT'), entry('u', 'SELECT*', 'g'))]),
    ['SELECT* via direct'],
  ],
  [
    'the grant option through a group',
    state(people, [member('u', 'g')], [table(entry('u', 'SELECT'), entry('g', 'SELECT*'))]),
    ['SELECT* via direct'],
  ],
  ['a group that owns', state(people, [member('u', 'owner')], [table()]), everything.map((word) => `${word}* via owner > owner`)],
  ['ownership', state(people, [], [objects('t', [entry('u', 'SELECT', 'u')], { owner: 'u' })]), ['SELECT* via owner']],
  [
    'an owner that took its own rights away holds nothing',
    state(people, [], [objects('t', [entry('g', 'SELECT', 'u')], { owner: 'u' })]),
    [],
  ],
  [
    'a superuser, by itself only',
    state([user('u', { superuser: true })], [], [objects('f(integer)', [], { kind: 'routine' })]),
    ['EXECUTE* via superuser'],
  ],
  ['a group that is a superuser is no superuser', state(people, [member('u', 'postgres')], [table()]), []],
  [
    'pg_read_all_data on a table',
    state([...people, role('pg_read_all_data')], [member('u', 'g'), member('g', 'pg_read_all_data')], [table()]),
    ['SELECT via g > pg_read_all_data'],
  ],
  [
    'pg_write_all_data on a schema',
    state([...people, role('pg_write_all_data')], [member('u', 'pg_write_all_data')], [objects('s', [], { kind: 'schema', schema: null })]),
    ['USAGE via pg_write_all_data'],
  ],
  [
    'pg_write_all_data stops at system catalogs',
    state([...people, role('pg_write_all_data')], [member('u', 'pg_write_all_data')], [objects('pg_class', [], { schema: 'pg_catalog' })]),
    [],
  ],
  ['pg_maintain', state([...people, role('pg_maintain')], [member('u', 'pg_maintain')], [table()]), ['MAINTAIN via pg_maintain']],
  [
    'pg_database_owner means the owner of that database',
    state(
      [...people, role('pg_database_owner')],
      [member('u', 'g')],
      [{ ...database, owner: 'g' }, objects('s', [entry('pg_database_owner', 'USAGE')], { kind: 'schema', schema: null })],
    ),
    ['USAGE via g > pg_database_owner'],
  ],
  [
    'before 16 an owner without INHERIT does not use pg_database_owner',
    state(
      [user('u', { inherit: false }), role('pg_database_owner')],
      [],
      [{ ...database, owner: 'u' }, objects('s', [entry('pg_database_owner', 'USAGE')], { kind: 'schema', schema: null })],
    ),
    [],
  ],
  [
    'a column has what its table gives',
    state(people, [], [table(entry('u', 'SELECT DELETE')), objects('c', [entry('u', 'UPDATE')], { kind: 'column', relation: 't' })]),
    ['SELECT via direct', 'UPDATE via direct'],
  ],
];

describe('effective privileges', () => {
  test.each(PATHS)('%s', (_, reality, expected) => {
    expect(judged(reality)).toEqual(expected);
  });

  test('an owner may grant what it took from itself', () => {
    const row = objects('t', [], { owner: 'u' });
    expect(effectivePrivileges(createAccess(state([user('u')], [], [row])), 'u', row)).toEqual({
      privileges: [],
      grantable: everything,
      via: new Map(),
    });
  });

  test('a role that is not there holds what PUBLIC holds', () => {
    expect(judged(state(people, [], [table(entry('', 'SELECT'), entry('gone', 'DELETE'))]), 'gone')).toEqual(['SELECT via PUBLIC']);
  });

  test('PUBLIC can be asked about, and is not the role of that name', () => {
    const reality = state([user('PUBLIC')], [], [table(entry('', 'SELECT'), entry('PUBLIC', 'DELETE'))]);
    expect(judged(reality, '')).toEqual(['SELECT via PUBLIC']);
    expect(judged(reality, 'PUBLIC')).toEqual(['DELETE via direct', 'SELECT via PUBLIC']);
  });
});
