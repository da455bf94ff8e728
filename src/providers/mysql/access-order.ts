import { byCodeUnit } from '../../model/key.ts';
import type { Server } from './snapshot.ts';

/**
 * Which of two patterns (of schemas, or of hosts) counts first: negative for the first one. 0: the server does not say, and
 * goes by the order in which they were granted, or, after a restart, by another.
 */
export const bySpecificity = (flavour: Server['flavour'], kind: 'schema' | 'host', a: string, b: string): number => {
  if (a === b) return 0;
  return flavour === 'mysql' ? literalPrefix(b) - literalPrefix(a) : breadth(a, kind) - breadth(b, kind);
};

/** Where the server leaves it open: as after a restart, when it has read the grant tables by their keys. */
export const byRestart = (a: string, b: string): number => byCodeUnit(a, b);

/** MySQL: where the first wildcard stands, in bytes and with the backslashes before it; no wildcard is above all. */
const literalPrefix = (text: string): number => {
  if (text === '') return 0;
  if (text === '%') return 1;
  const found = /^((?:\\.|[^\\_%])*)[_%]/su.exec(text);
  return found ? Math.min(bytes(found[1] ?? '') + 2, 127) : 128;
};

const bytes = (text: string): number => new TextEncoder().encode(text).length;

/**
 * MariaDB: how many names a pattern can match, the fewest first, as the server reckons it: by the room that is left for `%`, the
 * number of `%` and of `_`; then by the length of what stands before the first of them, the shorter first.
 */
const breadth = (text: string, kind: 'schema' | 'host'): number => {
  const longest = kind === 'schema' ? 64 : 255;
  const { literals, ones, runs, prefix } = shapeOf(text);
  const room = runs > 0 ? longest - literals - ones : 0;
  const [base, digit] = [longest + 1, Math.min(longest + 1, 32)];
  return room > ones
    ? (((room * 2 + 1) * base + runs) * digit + ones) * base + prefix
    : ((ones * 2 * base + room) * digit + runs) * base + prefix;
};

type Shape = { literals: number; ones: number; runs: number; prefix: number };

const shapeOf = (text: string): Shape => {
  const shape: Shape = { literals: 0, ones: 0, runs: 0, prefix: 0 };
  for (const [part] of text.matchAll(/%+|_|\\?./gsu)) {
    const wild = part === '_' || part.startsWith('%');
    if (wild && shape.ones + shape.runs === 0) shape.prefix = shape.literals;
    if (part === '_') shape.ones = Math.min(shape.ones + 1, 31);
    else if (wild) shape.runs = Math.min(shape.runs + 1, 31);
    else shape.literals += bytes(part.length > 1 && part.startsWith('\\') ? part.slice(1) : part);
  }
  return shape;
};
