import { expect, test } from 'vitest';
import { withoutMoot } from '../../src/core/moot-access.ts';
import type { AccessDelta, AccessItem } from '../../src/model/plan.ts';
import { change, role } from '../render/plans.ts';

const item = (name: string, privileges: readonly string[] = ['ADMIN']): AccessItem => ({
  what: 'role',
  privileges,
  names: [name],
  count: 1,
  via: ['direct'],
});
const loses = (users: readonly string[], ...items: readonly AccessItem[]): AccessDelta => ({ users, gains: [], loses: items });
const gone = [change('role', role('gone'), null), change('role', role('stuck'), null, { blocked: 'it owns something' })];

test.each<[name: string, access: AccessDelta, expected: readonly AccessDelta[]]>([
  ['the login loses what is dropped', loses(['master'], item('gone')), []],
  ['somebody else loses it', loses(['jane'], item('gone')), [loses(['jane'], item('gone'))]],
  ['both lose it', loses(['jane', 'master'], item('gone')), [loses(['jane'], item('gone'))]],
  ['the role stays', loses(['master'], item('kept')), [loses(['master'], item('kept'))]],
  ['its drop is blocked', loses(['master'], item('stuck')), [loses(['master'], item('stuck'))]],
  ['it was more than that right', loses(['master'], item('gone', ['ADMIN', 'SET'])), [loses(['master'], item('gone', ['ADMIN', 'SET']))]],
  ['more is lost beside it', loses(['master'], item('gone'), item('kept')), [loses(['master'], item('kept'))]],
])('the right to let others into a dropped role: %s', (_, access, expected) => {
  expect(withoutMoot([access], gone, new Set(['master']))).toEqual(expected);
});
