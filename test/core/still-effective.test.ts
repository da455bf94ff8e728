import { expect, test } from 'vitest';
import { applyChanges } from '../../src/core/overlay.ts';
import { stillEffectiveFindings } from '../../src/core/still-effective.ts';
import type { Change } from '../../src/model/change.ts';
import type { Reality } from '../../src/model/reality.ts';
import { change, entry, grant, granteeNamed, member, objects, role, setOf, state, user } from './states.ts';

const people = [user('u'), role('owner'), role('g'), role('h'), role('pg_read_all_data')];
const table = (...acl: ReturnType<typeof entry>[]) => objects('t', acl);
const on = setOf(table());
const leaves = (who: string, of: string) => change('membership', member(who, of), null);

const CASES: [name: string, before: Reality, changes: Change[], expected: string[]][] = [
  ['nothing is left', state(people, [], [table(entry('u', 'SELECT'))]), [grant(on, 'u', 'SELECT', '')], []],
  [
    'PUBLIC still has it',
    state(people, [], [table(entry('u', 'SELECT'), entry('', 'SELECT'))]),
    [grant(on, 'u', 'SELECT', '')],
    ["'u' loses a grant on table d.s.t: SELECT on table d.s.t still effective via PUBLIC"],
  ],
  [
    'a group still has it',
    state(people, [member('u', 'g'), member('g', 'h')], [table(entry('u', 'INSERT SELECT'), entry('h', 'SELECT'))]),
    [grant(on, 'u', 'INSERT SELECT', '')],
    ["'u' loses a grant on table d.s.t: SELECT on table d.s.t still effective via g > h"],
  ],
  [
    'its owner holds it anyway',
    state(people, [member('u', 'owner')], [table(entry('owner', 'SELECT'), entry('u', 'SELECT'))]),
    [grant(on, 'u', 'SELECT', '')],
    ["'u' loses a grant on table d.s.t: SELECT on table d.s.t still effective via owner > owner"],
  ],
  [
    'a predefined role',
    state(people, [member('u', 'pg_read_all_data')], [table(entry('u', 'SELECT'))]),
    [grant(on, 'u', 'SELECT', '')],
    ["'u' loses a grant on table d.s.t: SELECT on table d.s.t still effective via pg_read_all_data"],
  ],
  [
    'a superuser',
    state([user('u', { superuser: true })], [], [table(entry('u', 'SELECT'))]),
    [grant(on, 'u', 'SELECT', '')],
    ["'u' loses a grant on table d.s.t: SELECT on table d.s.t still effective via superuser"],
  ],
  [
    'another grantor granted it too',
    state(people, [], [table(entry('u', 'SELECT'), entry('u', 'SELECT', 'g'))]),
    [grant(on, 'u', 'SELECT', '')],
    ["'u' loses a grant on table d.s.t: SELECT on table d.s.t still effective by another grant to 'u'"],
  ],
  [
    'the same plan grants it again, as another grantor',
    state(people, [], [table(entry('u', 'SELECT', 'g'), entry('', 'SELECT'))]),
    [
      change('grant', { on, grantee: granteeNamed('u'), grantor: 'g', privileges: ['SELECT'] }, null),
      change('grant', null, { on, grantee: granteeNamed('u'), grantor: 'owner', privileges: ['SELECT'] }),
    ],
    [],
  ],
  ['only the grant option goes', state(people, [], [table(entry('u', 'SELECT*'))]), [grant(on, 'u', 'SELECT*', 'SELECT')], []],
  [
    'the role goes, too',
    state(people, [], [table(entry('u', 'SELECT'), entry('', 'SELECT'))]),
    [grant(on, 'u', 'SELECT', ''), change('role', user('u'), null)],
    [],
  ],
  [
    'a blocked removal is told elsewhere',
    state(people, [], [table(entry('u', 'SELECT'), entry('', 'SELECT'))]),
    [{ ...grant(on, 'u', 'SELECT', ''), blocked: 'no' }],
    [],
  ],
  [
    'PUBLIC loses what others hold by name',
    state(people, [], [table(entry('', 'SELECT'), entry('g', 'SELECT'), entry('u', 'SELECT'), entry('owner', 'SELECT'))]),
    [grant(on, '', 'SELECT', '')],
    [],
  ],
  [
    'changes of one line that leave the same are one note',
    state(people, [], [table(entry('u', 'SELECT'), entry('', 'SELECT')), objects('a b', [entry('u', 'SELECT'), entry('', 'SELECT')])]),
    [grant(on, 'u', 'SELECT', ''), grant({ ...on, names: ['a', 'b'] }, 'u', 'SELECT', '')],
    ["'u' loses a grant on 3 tables, such as d.s.t: SELECT on 3 tables, such as d.s.t still effective via PUBLIC"],
  ],
  [
    'a member leaves and stays by another way',
    state(people, [member('u', 'g'), member('u', 'h'), member('h', 'g')], [table(entry('g', 'SELECT'))]),
    [leaves('u', 'g')],
    ["'u' leaves 'g': still a member via h"],
  ],
  [
    'a member leaves and another group has the same',
    state(people, [member('u', 'g'), member('u', 'h')], [table(entry('g', 'INSERT SELECT'), entry('h', 'SELECT'))]),
    [leaves('u', 'g')],
    ["'u' leaves 'g': SELECT on table d.s.t still effective via h"],
  ],
  [
    'a member leaves what it held by itself, too',
    state(people, [member('u', 'g')], [table(entry('g', 'SELECT'), entry('u', 'SELECT'))]),
    [leaves('u', 'g')],
    ["'u' leaves 'g': SELECT on table d.s.t still effective by another grant to 'u'"],
  ],
  ['a member leaves with everything', state(people, [member('u', 'g')], [table(entry('g', 'SELECT'))]), [leaves('u', 'g')], []],
  [
    'a membership that was not inherited gave nothing',
    state(people, [member('u', 'g', { inherit: false })], [table(entry('g', 'SELECT'), entry('', 'SELECT'))]),
    [change('membership', member('u', 'g', { inherit: false }), null)],
    [],
  ],
];

test.each(CASES)('what a removal leaves in force: %s', (_, before, changes, expected) => {
  expect(stillEffectiveFindings(before, applyChanges(before, changes), changes).map(({ message }) => message)).toEqual(expected);
});

test('the note stands where the removal is written', () => {
  const source = { file: 'access.yaml', line: 3, column: 5 };
  const before = state(people, [], [table(entry('u', 'SELECT'), entry('', 'SELECT'))]);
  const removal = change('grant', { on, grantee: granteeNamed('u'), grantor: 'owner', privileges: ['SELECT'] }, null, { source });
  expect(stillEffectiveFindings(before, applyChanges(before, [removal]), [removal])).toEqual([
    {
      severity: 'note',
      code: 'access/still-effective',
      message: "'u' loses a grant on table d.s.t: SELECT on table d.s.t still effective via PUBLIC",
      hint: 'to take the access away, remove it there too',
      source,
    },
  ]);
});
