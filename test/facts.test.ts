import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');

/** `[file, test name]` of every test that docs/facts.md names: an arrow, then references with ` · ` between. */
const references = read('docs/facts.md')
  .split('\n')
  .filter((line) => line.startsWith('  → '))
  .flatMap((line) => line.slice(4).split(' · '))
  .map((reference) => /^`([^`]+)` (.+)$/.exec(reference)?.slice(1) as [file: string, name: string]);

test('every fact names a test', () => {
  const facts = read('docs/facts.md').match(/^- \*\*/gm) ?? [];
  const arrows = read('docs/facts.md').match(/^ {2}→ /gm) ?? [];
  expect(facts.length).toBeGreaterThan(20);
  expect(arrows).toHaveLength(facts.length);
});

test.each(references)('%s: %s', (file, name) => {
  const path = `test/live/${file}.test.ts`;
  expect(existsSync(new URL(`../${path}`, import.meta.url))).toBe(true);
  expect(read(path)).toContain(name);
});
