import fs from 'node:fs';
import { NoOperationTraceWriter } from '@actions/workflow-parser';
import { parseAction } from '@actions/workflow-parser/actions/index';
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

test("action.yml is an action to GitHub's parser, which sees what is wrong", () => {
  const content = fs.readFileSync(new URL('../../action.yml', import.meta.url), 'utf8');
  const errorsOf = (text: string) =>
    parseAction({ name: 'action.yml', content: text }, new NoOperationTraceWriter())
      .context.errors.getErrors()
      .map(({ message }) => message);
  expect(errorsOf(content)).toEqual([]);
  expect(errorsOf(content.replace('using: node24', 'using: node9'))).not.toEqual([]);
});
