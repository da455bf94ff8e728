import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Checkup } from '../../src/model/checkup.ts';
import { checkupJson, checkupText, meaningsText } from '../../src/render/checkup.ts';
import { visible } from '../../src/render/escape.ts';
import { hostile } from './hostile.ts';

const terminal = { width: 80, colour: false, unicode: true };
const CHECKUP: Checkup = {
  formatVersion: '1.0',
  user: 'jane',
  as: null,
  checks: [
    { target: 'orders', check: 'reachable', status: 'passed', message: 'it answers' },
    { target: 'orders', check: 'clock', status: 'unread', message: 'AWS does not answer', hint: 'check the network' },
    { target: 'orders', check: 'user-login', status: 'failed', message: 'its login is closed (NOLOGIN)', hint: 'ALTER ROLE "jane" LOGIN' },
  ],
  cause: 'user-login',
  summary: { passed: 1, failed: 1, unread: 1 },
};

test('tells of each check, what to do, and the cause', () => {
  expect(checkupText(CHECKUP, terminal)).toBe(`orders
  ✔ reachable   it answers
  ? clock       AWS does not answer
                check the network
  ✗ user-login  its login is closed (NOLOGIN)
                ALTER ROLE "jane" LOGIN

1 passed, 1 failed, 1 unread. The cause is 'user-login': mend that, and ask again.
`);
});

test('what was not read is no cause', () => {
  const { checks } = CHECKUP;
  const one = { ...CHECKUP, checks: checks.slice(0, 2), cause: null, summary: { passed: 1, failed: 0, unread: 1 } };
  expect(checkupText(one, terminal)).toContain('1 passed, 1 unread. No cause was found in what could be read.\n');
});

test('no name gets out of its line', () => {
  fc.assert(
    fc.property(hostile, hostile, (message, hint) => {
      const one = { ...CHECKUP, checks: [{ target: message, check: 'tls', status: 'failed' as const, message, hint }] };
      expect(JSON.parse(checkupJson(one))).toEqual(JSON.parse(JSON.stringify(one)));
      const said = checkupText(one, terminal) + meaningsText([{ line: 1, cause: 'pam', message, hint: '' }], terminal);
      for (const line of said.split('\n')) expect(visible(line)).toBe(line);
    }),
  );
});
