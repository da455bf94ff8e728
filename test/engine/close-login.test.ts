import { expect, test } from 'vitest';
import { lockUser, withTargetHint } from '../../src/engine/close-login.ts';
import type { LockResult } from '../../src/model/lock.ts';
import { declaredOf, targetOf } from '../providers/declared.ts';

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

test.each<[name: string, own: boolean, codes: readonly string[]]>([
  ['orders.cluster-c1.eu-west-1.rds.amazonaws.com', false, ['lock/no-place']],
  ['orders.cluster-c1.eu-west-1.rds.amazonaws.com', true, []],
  ['db.example.com', false, []],
])('that policies were not looked at is told of a server of RDS alone that its host names: %s, %s', async (name, own, codes) => {
  const declared = declaredOf(targetOf({ name, engine: 'mysql', endpoint: { kind: 'rds' } }));
  const session = { stack: 'nobody/none', asOf: '', declareds: [declared], account: null, elsewhere: [], findings: [] };
  const { result } = await lockUser(session, own, { user: 'jane', date: '2026-11-21', breakLock: false, onHolder: () => {} });
  expect(result.iam?.findings.map(({ code }) => code)).toEqual(codes);
});
