import { describe, expect, test } from 'vitest';
import type { DeniedLogin, DeniedOfTarget, DeniedReport } from '../../src/model/denied.ts';
import { deniedJson, deniedText } from '../../src/render/denied.ts';

const TERMINAL = { width: 110, colour: false, unicode: true };
const login = (change: Partial<DeniedLogin> = {}): DeniedLogin => ({
  at: '2026-11-21T09:12:00.954Z',
  stamp: '2026-11-21T09:12:00.954Z',
  user: 'orders_api',
  from: '10.0.0.7',
  database: null,
  principal: 'arn:aws:sts::123456789012:assumed-role/api/i-1',
  cause: 'policy',
  message: "no policy lets 'arn:aws:sts::123456789012:assumed-role/api/i-1' log in",
  hint: 'declare it under principals, and apply',
  said: 'Failed to authorize the connection request',
  logs: ['iam-db-auth-error', 'postgresql'],
  instance: 'orders-1',
  ...change,
});
const target = (change: Partial<DeniedOfTarget> = {}): DeniedOfTarget => ({
  target: 'orders',
  denied: [],
  total: 0,
  causes: [],
  users: [],
  read: [{ log: 'postgresql', by: 'cloudwatch' }],
  unread: [],
  ...change,
});
const report = (...targets: DeniedOfTarget[]): DeniedReport => ({
  formatVersion: '1.0',
  since: '2026-11-21T08:12:30.000Z',
  user: null,
  targets,
});
const JANE = login({
  at: '2026-11-21T09:11:58Z',
  user: 'jane',
  from: null,
  principal: null,
  cause: 'no-login',
  said: 'role "jane" is not permitted to log in',
});
const TWO = target({
  denied: [JANE, login()],
  total: 12,
  causes: [
    { name: 'policy', count: 11, message: 'no policy lets the identity log in', hint: 'declare it under principals, and apply' },
    { name: 'no-login', count: 1, message: "the login of 'jane' is closed", hint: 'rolecall plan says what closed it' },
  ],
  users: [
    { name: 'orders_api', count: 11 },
    { name: 'jane', count: 1 },
  ],
});

test('counts by cause with what to do, then by user, then the logins, the newest last', () => {
  expect(deniedText(report(TWO), TERMINAL)).toBe(`orders  12 denied logins since 2026-11-21T08:12:30Z, of which the last 2 are below
  read: postgresql (CloudWatch Logs)

  11  policy     no policy lets the identity log in
                 declare it under principals, and apply
   1  no-login   the login of 'jane' is closed
                 rolecall plan says what closed it

  users  orders_api 11, jane 1

  when                  user        from      cause     what was said
  2026-11-21T09:11:58Z  jane        -         no-login  role "jane" is not permitted to log in
  2026-11-21T09:12:00Z  orders_api  10.0.0.7  policy    arn:aws:sts::123456789012:assumed-role/api/i-1
`);
});

test('a name that is empty is told as what it is', () => {
  expect(deniedText({ ...report(target()), user: '' }, TERMINAL)).toMatch(/^orders {2}no denied login of \(nobody named\) since /);
});

test('in a narrow terminal what was said stands below', () => {
  const lines = deniedText(report(TWO), { ...TERMINAL, width: 70 }).split('\n');
  expect(lines.slice(-3, -1)).toEqual([
    '  2026-11-21T09:12:00Z  orders_api  10.0.0.7  policy',
    '      arn:aws:sts::123456789012:assumed-role/api/i-1',
  ]);
});

test('nothing denied is said only of what was read', () => {
  const unread = [
    { log: 'error' as const, message: 'MySQL does not log denied logins: log_error_verbosity = 2', hint: 'set log_error_verbosity = 3' },
  ];
  expect(
    deniedText(report(target(), target({ target: 'billing', read: [], unread })), TERMINAL),
  ).toBe(`orders  no denied login since 2026-11-21T08:12:30Z
  read: postgresql (CloudWatch Logs)

billing  no denied login since 2026-11-21T08:12:30Z in what could be read
  ? unread: error: MySQL does not log denied logins: log_error_verbosity = 2
    set log_error_verbosity = 3
`);
});

describe('text of logs is shown as it is, and does nothing', () => {
  const HOSTILE = '\u001b[2Ja\u202eb\n::error::x\u200b';
  const hostile = target({
    target: HOSTILE,
    denied: [login({ user: HOSTILE, from: HOSTILE, principal: null, said: HOSTILE, stamp: HOSTILE, at: null, cause: HOSTILE })],
    total: 1,
    causes: [{ name: 'other', count: 1, message: HOSTILE, hint: 'h' }],
    users: [{ name: HOSTILE, count: 1 }],
    unread: [{ log: null, message: HOSTILE, hint: HOSTILE }],
  });

  test('in a terminal', () => {
    const text = deniedText({ ...report(hostile), user: HOSTILE }, TERMINAL);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for.
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e\u200b]/);
    expect(text.split('\n').filter((line) => line.trimStart().startsWith('::'))).toEqual([]);
  });

  test('in JSON, where it is the same value', () => {
    const json = deniedJson(report(hostile));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for.
    expect(json).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e\u200b]/);
    expect((JSON.parse(json) as DeniedReport).targets[0]!.denied[0]!.user).toBe(HOSTILE);
  });

  test('a name of any length leaves the columns where they are', () => {
    const long = target({ ...TWO, denied: [login({ user: 'x'.repeat(200) }), JANE] });
    const rows = deniedText(report(long), { ...TERMINAL, width: 140 })
      .split('\n')
      .slice(-4, -1);
    expect(
      new Set(rows.map((row) => row.indexOf(row.includes('cause') ? 'cause' : row.includes('policy') ? 'policy' : 'no-login'))).size,
    ).toBe(1);
  });
});

test('no login is shown where none shall be', () => {
  expect(deniedText(report({ ...TWO, denied: [] }), TERMINAL)).not.toContain('what was said');
});
