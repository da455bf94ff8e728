import { expect, test } from 'vitest';
import { withTargetHint } from '../../src/engine/close-login.ts';
import type { LockResult } from '../../src/model/lock.ts';

const absent = (name: string, hint?: string): LockResult['targets'][number] => ({
  name,
  status: 'absent',
  login: null,
  sessions: null,
  mark: null,
  findings: [{ severity: 'note', code: 'lock/no-role', message: 'there is none', ...(hint === undefined ? {} : { hint }) }],
});
const hints = (user: string): (string | undefined)[] =>
  withTargetHint([absent('shop'), absent('billing', "did you mean 'jim'?")], 'lock', user).map(({ findings }) => findings[0]?.hint);

test.each<[user: string, expected: RegExp | null]>([
  ['kim@shop', /write rolecall lock kim --target shop$/],
  ['kim@example.com@shop', /write rolecall lock kim@example\.com --target shop$/],
  ['kim@example.com', null],
  ['@shop', null],
  ['kim', null],
])('a target after the last @ of a name that nobody has is told: %s', (user, expected) => {
  if (expected === null) expect(hints(user)).toEqual([undefined, "did you mean 'jim'?"]);
  else for (const hint of hints(user)) expect(hint).toMatch(expected);
});
