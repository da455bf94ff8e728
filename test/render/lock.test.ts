import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { LockResult, LoginLock, PolicyLock } from '../../src/model/lock.ts';
import { visible } from '../../src/render/escape.ts';
import { lockJson, lockText } from '../../src/render/lock.ts';
import { hostile } from './hostile.ts';

const terminal = { width: 100, colour: false, unicode: true };
const login = (name: string, more: Partial<LoginLock> = {}): LockResult['targets'][number] => ({
  name,
  status: 'done',
  login: { before: true, after: false },
  sessions: { before: 3, after: 0 },
  mark: { stack: 'acme/access', locked: '2026-11-21' },
  findings: [],
  ...more,
});
const result = (targets: LockResult['targets'], iam: PolicyLock | null, more: Partial<LockResult> = {}): LockResult => ({
  formatVersion: '1.0',
  command: 'lock',
  user: 'jane',
  reason: null,
  targets,
  iam,
  ...more,
});
const ARN = 'arn:aws:rds-db:eu-west-1:123456789012:dbuser:cluster-A/jane';
const taken: PolicyLock = { status: 'done', removed: [{ policy: 'rolecall-x', principal: 'role/reports', arn: ARN }], findings: [] };
const FAILED = login('billing', {
  status: 'failed',
  login: null,
  sessions: null,
  mark: null,
  findings: [{ severity: 'error', code: 'connect/refused', message: 'nothing listens' }],
});

test('tells of the login, its sessions and each line, and what holds from now on', () => {
  expect(
    lockText(result([login('orders')], taken), terminal),
  ).toBe(`✔ orders login closed, 3 sessions before, none now, marked locked=2026-11-21 of stack acme/access
✔ iam    1 line taken out of policies
    - role/reports  ${ARN}  (rolecall-x)

Locked. Plans leave it so until: rolecall unlock
`);
});

test('a target that failed is the last word', () => {
  const text = lockText(
    result([login('orders'), FAILED, login('other', { status: 'absent', login: null, sessions: null, mark: null })], null),
    terminal,
  );
  expect(text).toContain('✗ billing nothing was done\n    error connect/refused: nothing listens\n');
  expect(text).toContain('○ other   no such role');
  expect(text).toMatch(/'jane' may still log in on 1 target: mend what is named there, and lock it once more\.\n$/);
});

test('what was lost midway is neither done nor not done', () => {
  const text = lockText(result([login('orders', { status: 'partial', login: null, sessions: null, mark: null })], null), terminal);
  expect(text).toBe("● orders what was done is not known\n\nWhether 'jane' is locked on 1 target is not known: lock it once more.\n");
});

test('an unlock says what is open again, and what comes later', () => {
  const open = login('orders', { login: { before: false, after: true }, sessions: null, mark: { stack: 'acme/access', locked: null } });
  const unlock = result([open], null, { command: 'unlock' });
  expect(lockText(unlock, terminal)).toBe('✔ orders it may log in again\n\nUnlocked.\n');
  expect(lockText(unlock, terminal, true)).toBe(
    "✔ orders it may log in again\n\nUnlocked. Lines of policies that 'jane' had come back with the next rolecall apply.\n",
  );
});

test('an unlock of who was not locked says so', () => {
  const as = (before: boolean, more: Partial<LoginLock> = {}) =>
    login('orders', { status: 'unchanged', login: { before, after: before }, sessions: null, mark: null, ...more });
  const last = (...targets: LockResult['targets']): string | undefined =>
    lockText(result(targets, null, { command: 'unlock' }), terminal, true)
      .trimEnd()
      .split('\n')
      .at(-1);
  expect(last(as(true))).toBe("Nothing was done: 'jane' was not locked.");
  expect(last(as(false))).toBe("'jane' still cannot log in.");
  expect(lockText(result([as(false)], null, { command: 'unlock', user: 'a & b' }), terminal)).toMatch(/\n'a & b' still cannot log in\.\n$/);
  expect(last(as(true), as(false, { status: 'done', login: { before: false, after: true } }))).toMatch(/^Unlocked\. /);
});

test('no name gets out of its line, and the JSON is read back', () => {
  fc.assert(
    fc.property(hostile, hostile, (user, name) => {
      const one = result([login(name)], { ...taken, removed: [{ policy: name, principal: user, arn: user }] }, { user });
      expect(JSON.parse(lockJson(one))).toEqual(JSON.parse(JSON.stringify(one)));
      for (const line of lockText(one, terminal).split('\n')) expect(visible(line)).toBe(line);
    }),
  );
});
