import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseComment, renderComment } from '../../src/core/mark.ts';
import type { Mark } from '../../src/model/state.ts';

const STACK = 'acme/access';

test.each<[string, string, Mark]>([
  ['a date', `[rolecall stack=${STACK} pw=3 locked=2026-11-21]`, { stack: STACK, pw: 3, locked: '2026-11-21' }],
  [
    'what for',
    `[rolecall stack=${STACK} locked=2026-11-21 reason=OPS-1%3A%20a%20leak]`,
    { stack: STACK, locked: '2026-11-21', reason: 'OPS-1: a leak' },
  ],
  [
    'that it was closed before',
    `[rolecall stack=${STACK} locked=2026-11-21 was=closed]`,
    { stack: STACK, locked: '2026-11-21', wasClosed: true },
  ],
  [
    'a reason that is no escape',
    `[rolecall stack=${STACK} locked=2026-11-21 reason=100%]`,
    { stack: STACK, locked: '2026-11-21', reason: '100%' },
  ],
  ['no lock without a date', `[rolecall stack=${STACK} reason=x was=closed]`, { stack: STACK }],
])('a mark can hold %s', (_name, comment, mark) => {
  expect(parseComment(comment)).toEqual({ description: '', mark });
});

test('whatever is written as a reason is read back, on one line', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1 }), fc.boolean(), (reason, closed) => {
      const mark: Mark = { stack: STACK, locked: '2026-11-21', reason, ...(closed ? { wasClosed: true } : {}) };
      const comment = renderComment('the order service', mark)!;
      expect(comment.split('\n')).toHaveLength(2);
      expect(parseComment(comment)).toEqual({ description: 'the order service', mark });
    }),
  );
  expect(renderComment('', { stack: STACK, locked: '2026-11-21', reason: '\ud800' })).toContain('%EF%BF%BD');
});
