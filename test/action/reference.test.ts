import fs from 'node:fs';
import { expect, test } from 'vitest';
import { readAction, withActionReference } from '../../scripts/generate-action.mjs';
import { readActionMetadata } from '../lab/github/runner.ts';

const metadata = readActionMetadata();

test("the README's tables are those of action.yml", () => {
  const readme = fs.readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  expect(withActionReference(readme, readAction())).toBe(readme);
  expect(readme).toContain('| `max-removals` | `10` |');
});

test('a file without the marks is left as it is', () => {
  expect(withActionReference('# Title\n', readAction())).toBe('# Title\n');
});

test('every input and output says what it is for', () => {
  const described = [...Object.entries(metadata.inputs), ...Object.entries(metadata.outputs)];
  expect(described.filter(([, { description }]) => (description ?? '').length < 15).map(([name]) => name)).toEqual([]);
});

test("it runs on the Node that GitHub's runners have", () => {
  expect(metadata.runs).toEqual({ using: 'node24', main: 'dist/index.js' });
});
