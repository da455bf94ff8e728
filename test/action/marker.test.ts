import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isCurrent, type Marker, markerLine, readMarker, withoutMarker } from '../../src/action/marker.ts';
import { hostile } from '../render/hostile.ts';

const MARKER: Marker = { key: 'prod', kind: 'plan', head: '4f1c9ae', run: 812, attempt: 1, digest: 'v1:7be2', level: 0 };

/** Half a character comes back as the sign for one that is none. */
const wellFormed = (text: string): string => Buffer.from(text).toString('utf8');

test('a marker comes back from its line, whatever is in it, and nothing of it is Markdown or ends the comment', () => {
  fc.assert(
    fc.property(hostile, hostile, fc.nat(), (key, digest, run) => {
      const marker: Marker = { ...MARKER, key: wellFormed(key), digest: wellFormed(digest), run };
      const line = markerLine(marker);
      expect(line).toMatch(/^<!-- rolecall:1 [\w-]+ -->$/);
      expect(readMarker(`${line}\n### a\n`)).toEqual(marker);
      expect(withoutMarker(`${line}\n### a\n`)).toBe('### a\n');
    }),
  );
});

test.each([
  ['a comment of somebody', 'LGTM'],
  ['a marker that is not on the first line', `quote:\n${markerLine(MARKER)}`],
  ['a quoted marker', `> ${markerLine(MARKER)}`],
  ['another version', markerLine(MARKER).replace('rolecall:1', 'rolecall:2')],
  ['what is no base64url', '<!-- rolecall:1 a+b/= -->'],
  ['what is no JSON', `<!-- rolecall:1 ${Buffer.from('{').toString('base64url')} -->`],
  ['another shape', `<!-- rolecall:1 ${Buffer.from('{"key":1}').toString('base64url')} -->`],
  ['null', `<!-- rolecall:1 ${Buffer.from('null').toString('base64url')} -->`],
])('%s has no marker', (_name, body) => {
  expect(readMarker(body)).toBeNull();
  expect(withoutMarker(body)).toBe(body);
});

test('a marker survives the line ends of a browser', () => {
  expect(readMarker(`${markerLine(MARKER)}\r\n### a`)).toEqual(MARKER);
});

test.each([
  ['a later run', { id: 813, attempt: 1 }, true],
  ['the same run', { id: 812, attempt: 1 }, true],
  ['the same run, run again', { id: 812, attempt: 2 }, true],
  ['an earlier run', { id: 811, attempt: 3 }, false],
])('%s is current: %o → %s', (_name, run, expected) => {
  expect(isCurrent(MARKER, run)).toBe(expected);
});
