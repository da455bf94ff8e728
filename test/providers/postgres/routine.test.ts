import fc from 'fast-check';
import { expect, test } from 'vitest';
import { routineName, splitRoutine } from '../../../src/providers/postgres/routine.ts';

test.each([
  ['a plain name', { name: 'refund', args: 'integer, text' }, 'refund(integer, text)'],
  ['no arguments', { name: 'now', args: '' }, 'now()'],
  ['a parenthesis in the name', { name: 'a(b', args: 'integer' }, '"a(b"(integer)'],
  ['a quote in the name', { name: 'say "hi"', args: '' }, '"say ""hi"""()'],
  ['quotes in the arguments', { name: 'f', args: 'public."odd (type)"[]' }, 'f(public."odd (type)"[])'],
  ['upper case', { name: 'Refund', args: '' }, 'Refund()'],
])('%s', (_name, routine, text) => {
  expect(routineName(routine)).toBe(text);
  expect(splitRoutine(text)).toEqual(routine);
});

test.each(['refund', 'refund(integer', '"refund', '(integer)', ''])('%j carries no arguments', (text) => {
  expect(splitRoutine(text)).toBeUndefined();
});

test('splitting gives back what was put together', () => {
  const odd = fc.string({ minLength: 1, unit: fc.constantFrom('a', 'Z', '"', '(', ')', ',', ' ', '.', '\n', '\\', 'é', '😀') });
  fc.assert(
    fc.property(odd, odd, (name, args) => {
      expect(splitRoutine(routineName({ name, args }))).toEqual({ name, args });
    }),
  );
});
