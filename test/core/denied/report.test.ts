import { expect, test } from 'vitest';
import { summaryOf } from '../../../src/core/denied/report.ts';
import type { DeniedLogin } from '../../../src/model/denied.ts';

const one = (change: Partial<DeniedLogin> = {}): DeniedLogin => ({
  at: '2026-11-21T09:12:00Z',
  stamp: '2026-11-21 09:12:00 UTC',
  user: 'app',
  from: '10.0.0.7',
  database: null,
  principal: null,
  cause: 'pam',
  message: 'm',
  hint: 'h',
  said: 's',
  logs: ['postgresql'],
  instance: 'orders-1',
  ...change,
});
const ofIam = (at: string, change: Partial<DeniedLogin> = {}): DeniedLogin =>
  one({ at, cause: 'policy', from: null, principal: 'arn:aws:sts::1:assumed-role/api/i', logs: ['iam-db-auth-error'], ...change });
const ALL = { since: null, user: null, limit: 20 };

const BOTH: readonly (readonly [name: string, denied: readonly DeniedLogin[], told: readonly object[]])[] = [
  [
    'lines of one login in both logs are one: the reason of IAM, the address of the other',
    [one(), ofIam('2026-11-21T09:12:00.954Z')],
    [{ cause: 'policy', from: '10.0.0.7', principal: 'arn:aws:sts::1:assumed-role/api/i', logs: ['iam-db-auth-error', 'postgresql'] }],
  ],
  ['more than a second apart they are two', [one(), ofIam('2026-11-21T09:12:01.001Z')], [{ cause: 'pam' }, { cause: 'policy' }]],
  ['of another user they are two', [one({ user: 'b' }), ofIam('2026-11-21T09:12:00Z')], [{ cause: 'pam' }, { cause: 'policy' }]],
  [
    'on another instance they are two',
    [one({ instance: 'orders-2' }), ofIam('2026-11-21T09:12:00Z')],
    [{ cause: 'pam' }, { cause: 'policy' }],
  ],
  [
    'a line with a reason of its own stays',
    [one({ cause: 'no-login' }), ofIam('2026-11-21T09:12:00Z')],
    [{ cause: 'no-login' }, { cause: 'policy' }],
  ],
  [
    'each line goes with one other, and what is left over stays',
    [one(), one(), one(), ofIam('2026-11-21T09:12:00.100Z'), ofIam('2026-11-21T09:12:00.200Z')],
    [{ cause: 'pam' }, { cause: 'policy', from: '10.0.0.7' }, { cause: 'policy', from: '10.0.0.7' }],
  ],
  ['what has no time goes with nothing', [one({ at: null }), ofIam('2026-11-21T09:12:00Z')], [{ cause: 'pam' }, { cause: 'policy' }]],
];

test.each(BOTH)('%s', (_name, denied, told) => {
  expect(summaryOf(denied, ALL).denied).toEqual(told.map((part) => expect.objectContaining(part)));
});

test('newest last, whatever the order of the logs, in any offset; what has no time stays where it stood', () => {
  const of = (at: string | null, stamp: string): DeniedLogin => one({ at, stamp, cause: 'no-user' });
  const { denied } = summaryOf(
    [of('2026-11-21T09:12:00Z', 'b'), of(null, 'c'), of('2026-11-21T10:13:00+01:00', 'd'), of('2026-11-21T09:11:00Z', 'a')],
    ALL,
  );
  expect(denied.map(({ stamp }) => stamp)).toEqual(['a', 'b', 'c', 'd']);
});

test('counts are of all that was asked for, and the last of them are shown', () => {
  const many = ['a', 'b', 'b', 'c', 'c', 'c'].map((user, second) => one({ user, cause: user, at: `2026-11-21T09:12:0${second}Z` }));
  const { denied, total, causes, users } = summaryOf(many, { ...ALL, limit: 2 });
  expect({ shown: denied.map(({ at }) => at), total, users }).toEqual({
    shown: ['2026-11-21T09:12:04Z', '2026-11-21T09:12:05Z'],
    total: 6,
    users: [
      { name: 'c', count: 3 },
      { name: 'b', count: 2 },
      { name: 'a', count: 1 },
    ],
  });
  expect(causes).toEqual(['c', 'b', 'a'].map((name, index) => ({ name, count: 3 - index, message: 'm', hint: 'h' })));
  expect(summaryOf(many, { ...ALL, limit: 0 })).toMatchObject({ denied: [], total: 6 });
});

test('what is said of several logins of one cause names nobody whom it is not about', () => {
  const of = (user: string, message: string): DeniedLogin => one({ user, message, cause: 'no-user' });
  const said = (...denied: DeniedLogin[]) => summaryOf(denied, ALL).causes.map(({ message }) => message);
  expect(said(of('a', "there is no role 'a'"), of('a', "there is no role 'a'"))).toEqual(["there is no role 'a'"]);
  expect(said(of('a', "there is no role 'a'"), of('b', "there is no role 'b'"))).toEqual(["there is no role '…'"]);
  expect(said(of('a', "'a' is wrong"), of('b', 'it has expired'))).toEqual(["'…' is wrong; or: it has expired"]);
});

test('of one user, since an instant; a time that is not known is not taken for an old one', () => {
  const denied = [
    one({ at: '2026-11-21T08:00:00Z', stamp: 'old' }),
    one({ at: '2026-11-21T09:00:00Z', stamp: 'new' }),
    one({ at: null, stamp: 'unknown' }),
    one({ user: 'b', stamp: 'other' }),
    one({ user: null, stamp: 'nobody' }),
  ];
  const since = Date.parse('2026-11-21T09:00:00Z');
  expect(summaryOf(denied, { since, user: 'app', limit: 20 }).denied.map(({ stamp }) => stamp)).toEqual(['new', 'unknown']);
});

test('ten thousand refusals of one pool in both logs are ten thousand', () => {
  const at = (ms: number): string =>
    `2026-11-21T09:${String(Math.floor(ms / 60_000)).padStart(2, '0')}:${((ms % 60_000) / 1000).toFixed(3).padStart(6, '0')}Z`;
  const pool = Array.from({ length: 10_000 }, (_, nth) => [one({ at: at(nth * 10) }), ofIam(at(nth * 10 + 4))]).flat();
  const { total, causes } = summaryOf(pool, ALL);
  expect({ total, causes: causes.map(({ name, count }) => [name, count]) }).toEqual({ total: 10_000, causes: [['policy', 10_000]] });
});
