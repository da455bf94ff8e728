import { describe, expect, test } from 'vitest';
import { accessDelta } from '../../src/core/access-delta.ts';
import { applyChanges } from '../../src/core/overlay.ts';
import type { Change } from '../../src/model/change.ts';
import type { AccessDelta, AccessItem } from '../../src/model/plan.ts';
import type { Reality } from '../../src/model/reality.ts';
import { change, entry, grant, member, objects, role, setOf, state, user } from './states.ts';

const table = objects('t', [entry('owner', 'SELECT')]);
const people = [user('u'), user('v'), role('owner'), role('g'), role('h')];
const bodyOf = ({ oid: _, ...body }: ReturnType<typeof role>) => body;
const on = setOf(table);

/** `+ u, v: SELECT table d.s.t via g`, one line for each item. */
const lines = (deltas: readonly AccessDelta[]): string[] =>
  deltas.flatMap(({ users, gains, loses }) => [
    ...loses.map((item) => `- ${users.join(', ')}: ${line(item)}`),
    ...gains.map((item) => `+ ${users.join(', ')}: ${line(item)}`),
  ]);
const line = ({ what, privileges, kind, database, schema, relation, names, count, via }: AccessItem): string => {
  const place = [database, schema, relation].filter((part) => part).join('.');
  const objectText = kind ? ` ${count} ${kind} ${place}: ${names.join(' ')}` : names.map((name) => ` ${name}`).join('');
  return `${what === 'privileges' ? '' : `${what} `}${privileges.join(' ')}${objectText} via ${via.join(' > ')}`;
};

const CASES: [name: string, before: Reality, changes: Change[], expected: string[]][] = [
  ['nothing changes', state(people, [], [table]), [], []],
  ['a grant to a user', state(people, [], [table]), [grant(on, 'u', '', 'SELECT')], ['+ u: SELECT 1 table d.s: t via direct']],
  [
    'a grant to a group: its users together',
    state(people, [member('u', 'g'), member('v', 'h'), member('h', 'g')], [table]),
    [grant(on, 'g', '', 'INSERT SELECT')],
    ['+ u: INSERT SELECT 1 table d.s: t via g', '+ v: INSERT SELECT 1 table d.s: t via h > g'],
  ],
  [
    'users alike are told once',
    state(people, [member('u', 'g'), member('v', 'g')], [table]),
    [grant(on, 'g', '', 'SELECT')],
    ['+ u, v: SELECT 1 table d.s: t via g'],
  ],
  ['a grant to a group without users', state(people, [], [table]), [grant(on, 'g', '', 'SELECT')], []],
  [
    'a revoke while a group keeps it',
    state(people, [member('u', 'g')], [objects('t', [entry('g', 'SELECT'), entry('u', 'SELECT')])]),
    [grant(on, 'u', 'SELECT', '')],
    [],
  ],
  [
    'from a grant of its own to a group in one plan',
    state(people, [member('u', 'g')], [objects('t', [entry('u', 'SELECT')])]),
    [grant(on, 'u', 'SELECT', ''), grant(on, 'g', '', 'SELECT')],
    [],
  ],
  [
    'the grant option alone',
    state(people, [], [objects('t', [entry('u', 'INSERT SELECT*')])]),
    [grant(on, 'u', 'INSERT SELECT*', 'INSERT* SELECT')],
    ['- u: SELECT* 1 table d.s: t via direct', '+ u: INSERT* 1 table d.s: t via direct'],
  ],
  [
    'a privilege with its grant option',
    state(people, [], [table]),
    [grant(on, 'u', '', 'SELECT*')],
    ['+ u: SELECT SELECT* 1 table d.s: t via direct'],
  ],
  [
    'somebody enters and somebody leaves: losses first',
    state(people, [member('v', 'g')], [objects('t', [entry('g', 'SELECT')])]),
    [change('membership', null, member('u', 'g')), change('membership', member('v', 'g'), null)],
    ['- v: SELECT 1 table d.s: t via g', '+ u: SELECT 1 table d.s: t via g'],
  ],
  [
    'many objects: the first three by name, and their number',
    state(people, [member('u', 'g')], [objects('e d c b a', []), objects('f', [entry('h', 'SELECT')])]),
    [grant(setOf(table, ['a', 'b', 'c', 'd', 'e', 'f']), 'u', '', 'SELECT')],
    ['+ u: SELECT 6 table d.s: a b c via direct'],
  ],
  [
    'PUBLIC loses what a group keeps, told once for everybody',
    state(people, [member('u', 'g')], [objects('t', [entry('g', 'SELECT'), entry('', 'SELECT')])]),
    [grant(on, '', 'SELECT', '')],
    ['- PUBLIC: SELECT 1 table d.s: t via PUBLIC'],
  ],
  [
    'a group gains what PUBLIC had anyway',
    state(people, [member('u', 'g')], [objects('t', [entry('', 'SELECT')])]),
    [grant(on, 'g', '', 'SELECT')],
    [],
  ],
  [
    'a user that comes',
    state(people, [], [objects('t', [entry('g', 'SELECT'), entry('', 'INSERT')])]),
    [change('role', null, bodyOf(user('w'))), change('membership', null, member('w', 'g'))],
    ['+ w: login  via direct', '+ w: SELECT 1 table d.s: t via g'],
  ],
  [
    'a user that goes',
    state(people, [member('u', 'g')], [objects('t', [entry('g', 'SELECT')])]),
    [change('role', bodyOf(user('u')), null)],
    ['- u: login  via direct', '- u: SELECT 1 table d.s: t via g'],
  ],
  [
    'a user that may no longer log in keeps its grants',
    state(people, [member('u', 'g')], [objects('t', [entry('g', 'SELECT')])]),
    [change('role', bodyOf(user('u')), bodyOf(user('u', { login: false })))],
    ['- u: login  via direct'],
  ],
  [
    'a group that goes takes the access of its users',
    state(people, [member('u', 'g')], [objects('t', [entry('g', 'SELECT')])]),
    [change('role', bodyOf(role('g')), null)],
    ['- u: SELECT 1 table d.s: t via g'],
  ],
  [
    'ownership, with what comes with it',
    state(people, [member('u', 'g')], [table]),
    [change('ownership', { on, owner: 'owner' }, { on, owner: 'g' })],
    ['+ u: ownership SELECT 1 table d.s: t via g > owner'],
  ],
  [
    'the owner of the database owns what pg_database_owner owns',
    state(
      [...people, role('pg_database_owner')],
      [],
      [
        objects('d', [], { kind: 'database', database: null, schema: null, owner: 'u' }),
        objects('public', [entry('pg_database_owner', 'USAGE')], { kind: 'schema', schema: null, owner: 'pg_database_owner' }),
      ],
    ),
    [
      change(
        'ownership',
        { on: { kind: 'database', database: null, schema: null, names: ['d'] }, owner: 'u' },
        { on: { kind: 'database', database: null, schema: null, names: ['d'] }, owner: 'v' },
      ),
    ],
    [
      '- u: ownership  1 database : d via owner',
      '- u: ownership USAGE 1 schema d: public via pg_database_owner > owner',
      '+ v: ownership  1 database : d via owner',
      '+ v: ownership USAGE 1 schema d: public via pg_database_owner > owner',
    ],
  ],
  [
    'a predefined role is told as itself, not object by object',
    state([...people, role('pg_read_all_data')], [member('u', 'g')], [table]),
    [change('membership', null, member('g', 'pg_read_all_data'))],
    ['+ u: role  pg_read_all_data via g'],
  ],
  [
    'a predefined role keeps what a revoke would take',
    state([...people, role('pg_read_all_data')], [member('u', 'pg_read_all_data')], [objects('t', [entry('u', 'SELECT')])]),
    [grant(on, 'u', 'SELECT', '')],
    [],
  ],
  [
    "a provider's role without inheriting counts as membership",
    state([...people, role('rds_iam')], [], []),
    [change('membership', null, member('u', 'rds_iam', { inherit: false }))],
    ['+ u: role MEMBER rds_iam via direct'],
  ],
  [
    'a group that can only be set, and one that may be handed on',
    state(people, [], [objects('t', [entry('g', 'SELECT')])]),
    [
      change('membership', null, member('u', 'g', { inherit: false })),
      change('membership', null, member('v', 'h', { admin: true, set: false })),
    ],
    ['+ u: role SET g via direct', '+ v: role ADMIN h via direct'],
  ],
  [
    'inheriting takes nothing from one that had to SET ROLE',
    state(people, [member('u', 'g', { inherit: false })], [objects('t', [entry('g', 'SELECT')])]),
    [change('membership', member('u', 'g', { inherit: false }), member('u', 'g'))],
    ['+ u: SELECT 1 table d.s: t via g'],
  ],
  [
    'what PUBLIC gains too is told of PUBLIC',
    state(people, [], [table]),
    [grant(on, 'u', '', 'SELECT'), grant(on, '', '', 'SELECT')],
    ['+ PUBLIC: SELECT 1 table d.s: t via PUBLIC'],
  ],
  [
    'of two members one can read everything anyway',
    state([...people, role('pg_read_all_data')], [member('u', 'g'), member('v', 'g'), member('u', 'pg_read_all_data')], [table]),
    [grant(on, 'g', '', 'SELECT')],
    ['+ v: SELECT 1 table d.s: t via g'],
  ],
  [
    'of two members one owns the table, and may grant anyway',
    state(people, [member('u', 'g'), member('v', 'g'), member('u', 'owner')], [objects('t', [])]),
    [grant(on, 'g', '', 'SELECT*')],
    ['+ u: SELECT 1 table d.s: t via g', '+ v: SELECT SELECT* 1 table d.s: t via g'],
  ],
  [
    'columns',
    state(people, [], [table]),
    [grant({ ...on, kind: 'column', relation: 't', names: ['a', 'b'] }, 'u', '', 'SELECT')],
    ['+ u: SELECT 2 column d.s.t: a b via direct'],
  ],
  [
    'from columns to the whole table: the columns are not lost',
    state(people, [], [table, objects('a', [entry('u', 'SELECT')], { kind: 'column', relation: 't' })]),
    [grant(on, 'u', '', 'SELECT'), grant({ ...on, kind: 'column', relation: 't', names: ['a'] }, 'u', 'SELECT', '')],
    ['+ u: SELECT 1 table d.s: t via direct'],
  ],
  [
    'from the whole table to columns: the columns are not gained',
    state(people, [], [objects('t', [entry('u', 'SELECT')])]),
    [grant(on, 'u', 'SELECT', ''), grant({ ...on, kind: 'column', relation: 't', names: ['a'] }, 'u', '', 'SELECT')],
    ['- u: SELECT 1 table d.s: t via direct'],
  ],
  [
    'leaving a group, on an object that changes for another reason',
    state(people, [member('u', 'g')], [objects('t', [entry('g', 'SELECT')])]),
    [change('membership', member('u', 'g'), null), grant(on, 'v', '', 'SELECT')],
    ['- u: SELECT 1 table d.s: t via g', '+ v: SELECT 1 table d.s: t via direct'],
  ],
];

describe('who gains and loses what', () => {
  test.each(CASES)('%s', (_, before, changes, expected) => {
    expect(lines(accessDelta(before, applyChanges(before, changes)))).toEqual(expected);
  });

  test('one group on 100,000 tables is one line for all that gain it, 10,000 members or not', () => {
    const rows = Array.from({ length: 1000 }, (_, schema) =>
      objects(Array.from({ length: 100 }, (__, at) => `t${at}`).join(' '), [entry('owner', 'SELECT'), ...tenGroups(schema)], {
        schema: `s${schema}`,
      }),
    );
    const groups = Array.from({ length: 1000 }, (_, at) => role(`g${at}`));
    const users = Array.from({ length: 10_000 }, (_, at) => user(`u${at}`));
    const memberships = users.flatMap(({ name }, at) => [
      member(name, 'readers'),
      ...[1, 7, 13, 31].map((step) => member(name, `g${(at * step) % 1000}`)),
    ]);
    const before = state([...groups, ...users, role('owner'), role('readers')], memberships, rows);
    const changes = rows.map((row) => grant(setOf(row), 'readers', '', 'SELECT'));
    const delta = accessDelta(before, applyChanges(before, changes));
    expect(delta[0]?.gains).toEqual([
      {
        what: 'privileges',
        privileges: ['SELECT'],
        kind: 'table',
        database: 'd',
        schema: null,
        names: [],
        count: 100_000,
        via: ['readers'],
      },
    ]);
  });
});

const tenGroups = (schema: number) => Array.from({ length: 10 }, (_, at) => entry(`g${(schema + at * 97) % 1000}`, 'INSERT'));
