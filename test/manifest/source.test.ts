import { describe, expect, test } from 'vitest';
import type { Path } from '../../src/manifest/content.ts';
import { parse } from '../../src/manifest/source.ts';

const place = (text: string, path: Path, part?: 'key' | 'value'): string => {
  const { line, column } = parse('a.yaml', text).at(path, part);
  return `${line}:${column}`;
};
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe('positions', () => {
  const text = 'users:\n  jane:\n    groups: [a, { name: b }]\n  "x y": {}\n';
  test.each<[Path, 'key' | 'value', string]>([
    [[], 'value', '1:1'],
    [['users'], 'key', '1:1'],
    [['users', 'jane'], 'key', '2:3'],
    [['users', 'jane', 'groups'], 'key', '3:5'],
    [['users', 'jane', 'groups'], 'value', '3:13'],
    [['users', 'jane', 'groups', 0], 'value', '3:14'],
    [['users', 'jane', 'groups', 1, 'name'], 'value', '3:25'],
    [['users', 'x y'], 'key', '4:3'],
    [['users', 'jane', 'auth'], 'value', '2:3'],
    [['users', 'jane', 'groups', 7], 'value', '3:5'],
    [['nothing', 'at', 'all'], 'value', '1:1'],
  ])('of %j (%s) is %s', (path, part, expected) => {
    expect(place(text, path, part)).toBe(expected);
  });

  test('go through aliases and merge keys to where the value is written', () => {
    const anchors = 'a: &a\n  settings: { x: 1 }\nb: *a\nc:\n  <<: *a\n  y: 2\n';
    expect(plain(parse('f', anchors).value)).toEqual({
      a: { settings: { x: 1 } },
      b: { settings: { x: 1 } },
      c: { settings: { x: 1 }, y: 2 },
    });
    expect(place(anchors, ['b'], 'key')).toBe('3:1');
    expect(place(anchors, ['b', 'settings'], 'key')).toBe('2:3');
    expect(place(anchors, ['c', 'settings', 'x'])).toBe('2:18');
    expect(place(anchors, ['c', 'y'], 'key')).toBe('6:3');
  });

  test('are the same with Windows line ends', () => {
    expect(place('users:\r\n  jane: {}\r\n', ['users', 'jane'], 'key')).toBe('2:3');
  });
});

describe('values', () => {
  test.each<[string, string, unknown]>([
    ['words of older YAML are text', 'a: [yes, no, on, 2026-12-31, 0o17]', { a: ['yes', 'no', 'on', '2026-12-31', 15] }],
    ['a version directive changes no type', '%YAML 1.1\n---\na: [yes, 2026-12-31]\n', { a: ['yes', '2026-12-31'] }],
    [
      'own keys win over merged ones, earlier bases over later',
      'x: &x { p: 1, q: 1 }\ny: &y { q: 2, r: 2 }\nz: { <<: [*x, *y], p: 0 }',
      { x: { p: 1, q: 1 }, y: { q: 2, r: 2 }, z: { p: 0, q: 1, r: 2 } },
    ],
    ['a quoted << is a key', 'a: { "<<": b }', { a: { '<<': 'b' } }],
    ['scalars have anchors too', 'a: &s 30s\nb: *s', { a: '30s', b: '30s' }],
    ['a key may be an alias', 'a: &k jane\nb: { *k : 1 }', { a: 'jane', b: { jane: 1 } }],
  ])('%s', (_name, text, expected) => {
    const { value, findings } = parse('f', text);
    expect(findings).toEqual([]);
    expect(plain(value)).toEqual(expected);
  });

  test('the key __proto__ is a key', () => {
    const { value } = parse('f', '__proto__: { a: 1 }');
    expect(Object.keys(value as object)).toEqual(['__proto__']);
  });
});

describe('what would hang or crash', () => {
  test('aliases are counted, not expanded', () => {
    const levels = Array.from({ length: 60 }, (_, level) => `l${level + 1}: &l${level + 1} [*l${level}, *l${level}]`);
    const { findings } = parse('f', `l0: &l0 [x, x]\n${levels.join('\n')}\n`);
    expect(findings.map(({ code }) => code)).toEqual(['manifest/aliases']);
  });

  test('ten thousand uses of an anchor are fine', () => {
    const { findings, value } = parse('f', `a: &a { x: 1, y: [1, 2] }\nb: [${Array(10_000).fill('*a').join(', ')}]\n`);
    expect(findings).toEqual([]);
    expect((value as { b: unknown[] }).b).toHaveLength(10_000);
  });

  test.each([
    ['lists in lists', '['.repeat(200) + ']'.repeat(200)],
    ['lists in lists without an end', '['.repeat(50_000)],
    ['maps in maps', '{a: '.repeat(200) + '}'.repeat(200)],
  ])('%s are refused', (_name, text) => {
    const { findings } = parse('f', text);
    expect(findings.length).toBeGreaterThan(0);
    expect(findings.every(({ code }) => code === 'manifest/yaml')).toBe(true);
  });
});
