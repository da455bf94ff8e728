import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pullRequestEvent, pushEvent } from '../../lab/github/events.ts';
import { type Action, buildAction, runStep, type StepOptions } from '../../lab/github/runner.ts';

let action: Action;
const folders: string[] = [];
beforeAll(() => {
  action = buildAction();
});
afterAll(() => {
  for (const folder of folders) fs.rmSync(folder, { recursive: true, force: true });
});

const TARGETS = `version: 1
stack: acme/access
targets:
  shop: { engine: postgres, endpoint: { host: db.example.com, region: eu-west-1 }, login: { user: rolecall, auth: iam } }
`;
const VALID = `${TARGETS}groups:\n  readers:\n    read: [shop.public]\n`;

const workspace = (text: string, file = 'access/rolecall.yaml'): string => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'rolecall-work-'));
  folders.push(folder);
  fs.mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
  fs.writeFileSync(path.join(folder, file), text);
  return folder;
};
const step = (text: string, options: Partial<StepOptions> = {}) =>
  runStep(action, { inputs: { command: 'validate' }, workspace: workspace(text), event: pushEvent({ after: 'c'.repeat(40) }), ...options });

test('a valid manifest makes a green step with a summary', async () => {
  const { conclusion, annotations, summary, outputs, complaints, files } = await step(VALID);
  expect({ conclusion, annotations, complaints }).toEqual({ conclusion: 'success', annotations: [], complaints: [] });
  expect(summary).toContain('### ✅ Access manifest: valid');
  expect(outputs['failure-reason']).toBe('');
  expect(JSON.parse(files['result-path']!)).toEqual({ 'failure-reason': '' });
});

test('what is wrong is annotated on its line, and makes the step red', async () => {
  const { conclusion, annotations, summary, outputs, complaints } = await step(VALID.replace('read:', 'raed:'), { sha: 'c'.repeat(40) });
  expect({ conclusion, complaints, reason: outputs['failure-reason'] }).toEqual({
    conclusion: 'failure',
    complaints: [],
    reason: 'config-invalid',
  });
  expect(annotations.filter(({ level }) => level === 'error')).toMatchObject([{ file: 'access/rolecall.yaml', line: 7 }]);
  expect(summary).toContain(`(https://github.com/acme/access/blob/${'c'.repeat(40)}/access/rolecall.yaml#L7)`);
});

test('of many findings nine are annotated and the rest counted', async () => {
  const groups = Array.from({ length: 30 }, (_, index) => `  g${index}:\n    raed: [shop.public]\n`).join('');
  const { annotations, complaints, summary } = await step(`${TARGETS}groups:\n${groups}`);
  expect(complaints).toEqual([]);
  expect(annotations).toHaveLength(10);
  expect(annotations.filter(({ message }) => message.startsWith('21 more errors'))).toHaveLength(1);
  expect(summary.match(/^\| ❌/gm)).toHaveLength(30);
});

test('no name is a command, a mention or a link', async () => {
  const name = '::error::pwned%0A::add-mask::shop @octocat <img src=x> | `x`';
  const { annotations, log, summary } = await step(`${VALID}\nusers:\n  ${JSON.stringify(name)}:\n    groups: [nobody]\n    auth: iam\n`);
  expect(annotations.filter(({ message }) => message.startsWith('pwned'))).toEqual([]);
  expect(log).toContain('::error::pwned');
  const outsideCode = summary.replace(/(`+)(?!`).*?[^`]\1(?!`)/g, '');
  expect(outsideCode).not.toMatch(/@octocat|<img|pwned/);
});

test("a fork's pull request and Dependabot's are validated, whatever the workflow asks for", async () => {
  for (const [event, actor] of [
    [pullRequestEvent({ fork: 'mallory/access', author: 'mallory' }), 'mallory'],
    [pullRequestEvent({ author: 'dependabot[bot]' }), 'dependabot[bot]'],
  ] as const) {
    const { conclusion, log, summary } = await step(VALID, { inputs: { command: 'plan' }, event, eventName: 'pull_request', actor });
    expect(conclusion).toBe('success');
    expect(log).toContain("'plan' runs as 'validate'");
    expect(summary).toContain('Access manifest: valid');
  }
});

test.each([
  ['an input that is misspelt', { inputs: { command: 'validate', 'max-removal': '3' } }, "there is no input 'max-removal'"],
  ['an unknown command', { inputs: { command: 'valdate' } }, "input 'command' is 'valdate'"],
  ['no manifest', { inputs: { command: 'validate', manifest: 'nowhere' } }, "'nowhere' does not exist"],
  ['pull_request_target', { eventName: 'pull_request_target' }, "this does not run on 'pull_request_target'"],
])('%s is told and makes the step red', async (_name, options, message) => {
  const { conclusion, annotations, outputs } = await step(VALID, options);
  expect([conclusion, outputs['failure-reason']]).toEqual(['failure', 'config-invalid']);
  expect(annotations.map((annotation) => annotation.message).join('\n')).toContain(message);
});

test('no summary is written where the workflow wants none', async () => {
  expect((await step(VALID, { inputs: { command: 'validate', summary: 'false' } })).summary).toBe('');
});
