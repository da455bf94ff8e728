import fs from 'node:fs';
import path from 'node:path';
import { convertWorkflowTemplate, NoOperationTraceWriter, parseWorkflow } from '@actions/workflow-parser';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { DEFAULTS, inputsOf } from '../../src/action/inputs.ts';

const FOLDER = path.resolve(import.meta.dirname, '../../docs/workflows');
const FILES = fs.readdirSync(FOLDER).filter((file) => file.endsWith('.yml'));

type Step = { readonly uses?: string; readonly run?: string; readonly with?: Readonly<Record<string, string>> };
type Job = { readonly steps: readonly Step[]; readonly permissions?: Readonly<Record<string, string>>; readonly environment?: string };
type Workflow = { readonly on: unknown; readonly permissions: unknown; readonly jobs: Readonly<Record<string, Job>> };

const errorsOf = async (name: string, content: string): Promise<string[]> => {
  const { context, value } = parseWorkflow({ name, content }, new NoOperationTraceWriter());
  const template = value && (await convertWorkflowTemplate(context, value));
  return [...context.errors.getErrors(), ...(template?.errors ?? [])].map((error) => ('message' in error ? error.message : error.Message));
};

/** Those of ours among a workflow's steps, with the job that they stand in. */
const stepsOf = ({ jobs }: Workflow) =>
  Object.values(jobs).flatMap((job) =>
    job.steps.filter(({ uses }) => uses?.startsWith('acme/rolecall@')).map((step) => ({ job, inputs: step.with! })),
  );

test("GitHub's parser sees what is wrong", async () => {
  expect(await errorsOf('wrong.yml', 'on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    step: []\n')).not.toEqual([]);
});

describe.each(FILES)('the example %s', (file) => {
  const text = fs.readFileSync(path.join(FOLDER, file), 'utf8');
  const workflow = parse(text) as Workflow;

  test("is a workflow to GitHub's parser", async () => {
    expect(await errorsOf(file, text)).toEqual([]);
  });

  test('gives the action inputs that it takes', () => {
    expect(stepsOf(workflow)).not.toEqual([]);
    for (const { inputs } of stepsOf(workflow)) {
      expect(Object.keys(DEFAULTS)).toEqual(expect.arrayContaining(Object.keys(inputs)));
      const filled = Object.entries(inputs).map(([name, value]): [string, string] => [
        `INPUT_${name.toUpperCase()}`,
        value.replace(/\$\{\{ vars\.\w+ \}\}/, 'arn:aws:iam::123456789012:role/access').replace(/\$\{\{.*?\}\}/, 'orders'),
      ]);
      expect(inputsOf(Object.fromEntries(filled)).command).toBe(inputs.command);
    }
  });

  test('pins every action to a commit, and never runs code of a pull request with secrets', () => {
    for (const job of Object.values(workflow.jobs))
      for (const { uses } of job.steps) if (uses !== undefined) expect(uses).toMatch(/@[0-9a-f]{40}$/);
    expect(JSON.stringify(workflow.on)).not.toContain('pull_request_target');
  });

  test('gives each job what it needs and nothing more', () => {
    expect(workflow.permissions).toEqual({ contents: 'read' });
    for (const { job, inputs } of stepsOf(workflow)) {
      const needed = {
        contents: 'read',
        ...(inputs['plan-role-arn'] || inputs['apply-role-arn'] || inputs['prove-role-arn'] ? { 'id-token': 'write' } : {}),
        ...(inputs.command === 'drift' ? { issues: 'write' } : {}),
      };
      expect(job.permissions).toMatchObject(needed);
      if (inputs.command !== 'drift') expect(job.permissions).not.toHaveProperty('issues');
    }
  });
});
