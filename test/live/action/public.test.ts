import { afterAll, beforeAll, expect, test } from 'vitest';
import { startGitHub } from '../../lab/github/api.ts';
import { type JobStep, type Project, startProject } from '../../lab/github/project.ts';
import { type Action, buildAction, runStep } from '../../lab/github/runner.ts';

/** Nobody listens there, so that every command has something to tell of it. */
const MANIFEST = `version: 1
stack: acme/access
targets:
  canary_target:
    engine: postgres
    endpoint: { host: localhost, port: 9, tls: disable }
    login: { user: canary_login, password: "\${env:CANARY_PASSWORD}" }
groups:
  canary_group: { read: [canary_database.public] }
`;
const PASSWORD = 'canary-of-a-password';

let action: Action;
let project: Project;
beforeAll(async () => {
  action = buildAction();
  project = await startProject(await startGitHub({ isPrivate: false }), { 'access/rolecall.yaml': MANIFEST });
});
afterAll(async () => {
  await project.close();
});

const jobs: readonly (readonly [string, string, () => Promise<JobStep>])[] = [
  ['plan of a push', 'plan', () => project.scheduleJob()],
  [
    'plan of a pull request',
    'plan',
    async () => project.pullRequestJob(await project.openPull('change', { 'access/rolecall.yaml': `${MANIFEST}# changed\n` })),
  ],
  ['drift', 'drift', () => project.scheduleJob()],
  ['apply of what expired', 'apply', () => project.scheduleJob()],
];

test.each(jobs)('on a public repository the %s fails without a name', async (_name, command, start) => {
  const job = await start();
  const inputs = { command, ...(command === 'apply' ? { only: 'expired' } : {}) };
  const { conclusion, raw, summary, outputs, files, annotations, complaints } = await runStep(action, {
    ...job,
    inputs,
    env: { ...job.env, CANARY_PASSWORD: PASSWORD },
  });
  expect({ conclusion, complaints }).toEqual({ conclusion: 'failure', complaints: [] });
  expect(outputs['failure-reason']).toBe('connect');
  expect(annotations.some(({ level }) => level === 'error')).toBe(true);
  const comments = job.eventName === 'pull_request' ? await project.comments(1) : [];
  expect(raw + summary + JSON.stringify([outputs, files['result-path'], comments, await project.issues()])).not.toMatch(/canary/);
});

test('who asks for all of it is told the names, and no secret', async () => {
  const job = await project.scheduleJob();
  const inputs = { command: 'drift', 'comment-detail': 'full', 'drift-issue': 'false' };
  const { raw, summary } = await runStep(action, { ...job, inputs, env: { ...job.env, CANARY_PASSWORD: PASSWORD } });
  expect(raw + summary).toContain('canary_target');
  expect(raw + summary).not.toContain(PASSWORD);
});
