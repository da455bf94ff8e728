import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Path } from '../../src/manifest/content.ts';
import { readPlain } from '../../src/manifest/plain.ts';
import { parse, type Source } from '../../src/manifest/source.ts';

const isPlain = (text: string): boolean => readPlain(text, new WeakMap()) !== undefined;
const byLibrary = (text: string): Source => parse('f', text, () => undefined);

/** Every value with its way, key and place: all that a reader of a source can see. */
const seen = (source: Source): unknown => {
  const rows: unknown[] = [];
  const visit = (value: unknown, way: Path): void => {
    rows.push([way, source.at(way, 'key'), source.at(way), kindOf(value)]);
    if (typeof value === 'object' && value !== null) {
      for (const [key, inner] of Object.entries(value)) visit(inner, [...way, Array.isArray(value) ? Number(key) : key]);
    }
  };
  visit(source.value, []);
  return { rows, findings: source.findings };
};
const kindOf = (value: unknown): unknown => {
  if (Array.isArray(value)) return 'list';
  return typeof value === 'object' && value !== null ? ['map', Object.getPrototypeOf(value)] : value;
};

const expectSame = (text: string): void => {
  if (isPlain(text)) expect(seen(parse('f', text))).toEqual(seen(byLibrary(text)));
};

const WORDS =
  "a jane r0 orders-prod s0.* public.* null Null true FALSE yes 0 1 42 007 1.5 .5 1e3 0x1F 0o17 -3 +1 30s 127.0.0.1 1.2. 2026-12-31 12:30 2026-12-31T18:00:00Z a:b a: b:c: $x ${env:A} ./ca /etc/ca . .. - -- ~ * ** & ! | > % @ ` ? = << __proto__ a#b a' a\" it's C:\\x (x) 1_000 0b1 1e .inf nan".split(
    ' ',
  );
const quoted = fc
  .string({ maxLength: 6 })
  .map((text) => text.replaceAll(/[^\x20-\x7e]/g, '.'))
  .chain((text) => fc.constantFrom(`"${text}"`, `'${text}'`));
/** Mostly the first: a text is left to the library for one odd part. */
const mostly = <T>(often: readonly T[], seldom: readonly T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 40, arbitrary: fc.constantFrom(...often) }, { weight: 1, arbitrary: fc.constantFrom(...seldom) });
const word = fc.oneof(
  { weight: 8, arbitrary: mostly(['a', 'b', 'jane', 'r0', 's1.*', '7', '30s', 'true', '"a b"', "'a: #b'", '2026-12-31'], WORDS) },
  { weight: 1, arbitrary: quoted },
);
const key = fc.oneof(
  { weight: 8, arbitrary: fc.nat(500).map((number) => `k${number}`) },
  { weight: 1, arbitrary: quoted },
  mostly(['x-y', '"7"'], WORDS),
);
const words = fc
  .array(word, { minLength: 1, maxLength: 3 })
  .chain((list) => fc.constantFrom(...[' ', '  ', ' ', ', '].map((by) => list.join(by))));
const gap = fc.constantFrom('', ' ', ' ', '  ');

const flow: fc.Memo<string> = fc.memo((depth) =>
  depth <= 1
    ? word
    : fc.oneof(
        { weight: 2, arbitrary: word },
        fc
          .tuple(gap, fc.array(flow(depth - 1), { maxLength: 3 }), fc.constantFrom(',', ', ', ' , '))
          .map(([pad, items, by]) => `[${pad}${items.join(by)}${pad}]`),
        fc
          .tuple(
            gap,
            fc.array(fc.tuple(key, mostly([': ', ':  '], [':', ' : ']), flow(depth - 1)), { maxLength: 3 }),
            fc.constantFrom(',', ', '),
          )
          .map(([pad, items, by]) => `{${pad}${items.map((item) => item.join('')).join(by)}${pad}}`),
      ),
);

/** Lines of a block; `deeper` is how far what is inside is indented. */
type Lines = readonly string[];
const indented = (lines: Lines, by: number): Lines => lines.map((line) => ' '.repeat(by) + line);
const ending = mostly(['', '', '', ' ', ' # why', '  #'], ['#no']);
const filling = fc.constantFrom<Lines[]>([], [], [], [], [], [''], ['# a: b'], ['      # far'], ['  ']);

const block: fc.Memo<Lines> = fc.memo((depth) => (depth <= 1 ? map(depth) : fc.oneof({ weight: 3, arbitrary: map(depth) }, list(depth))));
const map: fc.Memo<Lines> = fc.memo((depth) => fc.array(entry(depth), { minLength: 1, maxLength: 3 }).map((entries) => entries.flat()));
const entry: fc.Memo<Lines> = fc.memo((depth) =>
  fc
    .tuple(
      key,
      ending,
      filling,
      mostly([1, 2, 2, 4], [0]),
      fc.oneof(
        fc.tuple(flow(3), mostly([' ', '  '], [''])),
        words.map((text) => [text, ' '] as const),
      ),
      depth <= 1 ? fc.constant(null) : fc.option(block(depth - 1)),
    )
    .map(([name, end, fill, by, [value, space], inner]) =>
      inner === null ? [`${name}:${space}${value}${end}`, ...fill] : [`${name}:${end}`, ...fill, ...indented(inner, by)],
    ),
);
const list: fc.Memo<Lines> = fc.memo((depth) =>
  fc
    .array(
      fc
        .tuple(
          fc.oneof(
            flow(2).map((text) => [text]),
            map(depth - 1),
          ),
          fc.constantFrom(1, 1, 1, 3),
          ending,
          filling,
        )
        .map(([lines, gapAfter, end, fill]) => [
          `-${' '.repeat(gapAfter)}${lines[0]}${lines.length === 1 ? end : ''}`,
          ...indented(lines.slice(1), 1 + gapAfter),
          ...fill,
        ]),
      { minLength: 1, maxLength: 3 },
    )
    .map((items) => items.flat()),
);
const documents = fc
  .tuple(filling, block(4), fc.constantFrom('\n', '', '\n\n', '\n# end'))
  .map(([fill, lines, end]) => [...fill, ...lines].join('\n') + end);

const SNIPPETS = [
  ...WORDS,
  ' ',
  '  ',
  '\n',
  '\n  ',
  '\n- ',
  ': ',
  ' #',
  '#',
  ', ',
  '[',
  ']',
  '{',
  '}',
  '"',
  "'",
  '\\',
  '\t',
  '\r',
  '---\n',
  '...\n',
  '&a ',
  '*a',
  '!x ',
  '? ',
  '|',
  '>',
  '%',
  'é',
  '\u00a0',
  '\u2028',
  '\ufeff',
  '\0',
  '\x85',
];
/** A text with a few characters taken out, put in or exchanged. */
const spoilt = (text: string, edits: readonly (readonly [number, number, string])[]): string =>
  edits.reduce((now, [where, cut, put]) => {
    const at = Math.floor(where * (now.length + 1));
    return now.slice(0, at) + put + now.slice(at + cut);
  }, text);
const edits = fc.array(
  fc.tuple(fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), fc.nat(3), fc.constantFrom('', '', ...SNIPPETS)),
  {
    minLength: 1,
    maxLength: 3,
  },
);

const fixtures = (folder: string): string[] =>
  fs.readdirSync(folder, { withFileTypes: true }).flatMap((one) => {
    const name = path.join(folder, one.name);
    if (one.isDirectory()) return fixtures(name);
    return /\.ya?ml$/.test(name) ? [fs.readFileSync(name, 'utf8')] : [];
  });
const manifests = fixtures('fixtures');

const RUNS = Number(process.env.PLAIN_RUNS ?? 2000);

describe('what is read without the library is what the library reads, values and places', () => {
  test('in the fixtures', () => {
    for (const text of manifests) expectSame(text);
  });

  test('in texts of every style', () => {
    let plain = 0;
    fc.assert(
      fc.property(documents, (text) => {
        if (isPlain(text)) plain++;
        expectSame(text);
      }),
      { numRuns: RUNS },
    );
    expect(plain).toBeGreaterThan(RUNS / 20);
  });

  test('in texts of every style, and in fixtures, with mistakes', () => {
    fc.assert(
      fc.property(fc.oneof(documents, fc.constantFrom(...manifests)), edits, (text, changes) => expectSame(spoilt(text, changes))),
      { numRuns: RUNS },
    );
  });
});

test.each<[string, string]>([
  ['maps and lists', 'a:\n  b: 1\n  c:\n  - x\n  - y: z\n    w: {}\n'],
  ['brackets on a line', 'a: { b: [c, "d e", { f: g }], h: [] }'],
  ['comments and empty lines', '# first\n\na: b # why\n\n  # far in\nc: d'],
  ['words with spaces', 'a: the order service, and more (2)'],
  ['days and addresses', 'a: 2026-12-31\nb: 127.0.0.1'],
])('%s are read without it', (_name, text) => {
  expect(isPlain(text)).toBe(true);
  expectSame(text);
});

test.each<[string, string]>([
  ['a key that stands twice', 'a: 1\na: 2'],
  ['a missing value', 'a:\nb: 1'],
  ['an anchor', 'a: &x 1'],
  ['an escape', 'a: "\\n"'],
  ['text over several lines', 'a: b\n  c'],
  ['brackets over several lines', 'a: [b,\n  c]'],
  ['several documents', 'a: 1\n---\nb: 2'],
  ['a number as a key', '1: a'],
  ['a tab', 'a:\tb'],
  ['depth', `a: ${'['.repeat(40)}${']'.repeat(40)}`],
  ['nothing', ''],
])('%s is left to the library', (_name, text) => expect(isPlain(text)).toBe(false));
