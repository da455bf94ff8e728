import fs from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { startGitHub } from '../../lab/github/api.ts';
import { type JobStep, type Project, startProject } from '../../lab/github/project.ts';
import { type Action, buildAction, runStep } from '../../lab/github/runner.ts';
import { useServer } from '../../lab/majors.ts';

/* command: prove in dist/, as GitHub's runner runs it, against a real PostgreSQL. Logins by IAM are held in prove.test.ts beside it. */

const server = useServer(17);
const FILE = 'access/rolecall.yaml';
const PASSWORD = 'jane-password-1';

const manifest = (expected: readonly string[]): string => `version: 1
stack: acme/access
targets:
  orders:
    engine: postgres
    endpoint: { host: 127.0.0.1, port: ${server().port}, tls: disable }
    login: { user: ${server().master.user}, password: "\${env:MASTER_PASSWORD}" }
    databases: [app]
users:
  jane: { auth: password, password: "\${env:JANE_PASSWORD}", read: [app.sales] }
  kim: { auth: none }
expect:
${expected.map((line) => `  - ${line}\n`).join('')}`;

let action: Action;
beforeAll(async () => {
  action = buildAction();
  await server().query(server().master, 'postgres', 'CREATE DATABASE app');
  await server().query(
    server().master,
    'app',
    `CREATE SCHEMA sales; CREATE TABLE sales.orders (id int); CREATE ROLE jane LOGIN PASSWORD '${PASSWORD}';
     GRANT USAGE ON SCHEMA sales TO jane; GRANT SELECT ON sales.orders TO jane`,
  );
});

const RIGHT = ['{ user: jane, can: [select on sales.orders], cannot: [insert on sales.orders] }'];
const WRONG = ['{ user: jane, can: [insert on sales.orders] }', '{ user: kim, login: denied }'];

const on = async (
  expected: readonly string[],
  jobOf: (project: Project) => Promise<JobStep>,
  inputs: Readonly<Record<string, string>> = {},
  isPrivate = true,
) => {
  const github = await startGitHub({ isPrivate });
  const project = await startProject(github, { [FILE]: manifest(expected) });
  try {
    const job = await jobOf(project);
    const env = { ...job.env, MASTER_PASSWORD: server().master.password, JANE_PASSWORD: PASSWORD };
    const ended = await runStep(action, { ...job, env, inputs: { command: 'prove', ...inputs } });
    const files = ['proofs-path', 'junit-path']
      .map((name) => ended.outputs[name] ?? '')
      .filter((file) => file !== '' && fs.existsSync(file));
    const everything = [ended.raw, ended.summary, JSON.stringify([ended.outputs, ended.files])].join('\n');
    expect(ended.complaints).toEqual([]);
    expect([server().master.password, PASSWORD].filter((secret) => everything.includes(secret))).toEqual([]);
    return { ...ended, everything, files };
  } finally {
    await project.close();
  }
};

test('is green where all is proven, and counts it', async () => {
  const ended = await on(RIGHT, (project) => project.dispatchJob());
  expect(ended).toMatchObject({
    conclusion: 'success',
    outputs: { 'proofs-passed': '3', 'proofs-failed': '0', 'proofs-unproven': '0', 'failure-reason': '' },
  });
  expect(ended.summary).toContain('### ✅ Access proofs: 3 passed, 0 failed, 0 unproven');
  expect(ended.annotations).toEqual([]);
});

test('is red where something fails, beside the line that expects it', async () => {
  const ended = await on(WRONG, (project) => project.scheduleJob());
  expect(ended).toMatchObject({ conclusion: 'failure', outputs: { 'failure-reason': 'proof-failed', 'proofs-failed': '1' } });
  const line =
    manifest(WRONG)
      .split('\n')
      .findIndex((text) => text.includes('insert on')) + 1;
  expect(ended.annotations).toContainEqual(
    expect.objectContaining({
      message: expect.stringContaining('permission denied for table orders'),
      file: FILE,
      line,
    }),
  );
  expect(ended.summary).toMatch(/❌ Access proofs: 1 passed, 1 failed, 1 unproven/);
  expect(ended.summary).toContain(`/blob/`);
});

test('is red where something cannot be tried, unless that is allowed', async () => {
  const only = WRONG.slice(1);
  const red = await on(only, (project) => project.dispatchJob());
  expect(red).toMatchObject({ conclusion: 'failure', outputs: { 'failure-reason': 'unproven', 'proofs-unproven': '1' } });
  const green = await on(only, (project) => project.dispatchJob(), { 'allow-unproven': 'true' });
  expect(green).toMatchObject({ conclusion: 'success', outputs: { 'failure-reason': '', 'proofs-unproven': '1' } });
});

test('logs in to nothing for a pull request', async () => {
  const ended = await on(RIGHT, async (project) => project.pullRequestJob(await project.openPull('more', { [FILE]: manifest(WRONG) })));
  expect(ended).toMatchObject({ conclusion: 'failure', outputs: { 'failure-reason': 'policy' } });
  expect(ended.annotations.map(({ message }) => message).join()).toContain("'prove' does not run on the event 'pull_request'");
});

test('tells no names in a public repository', async () => {
  const ended = await on(WRONG, (project) => project.dispatchJob(), {}, false);
  expect(ended.conclusion).toBe('failure');
  expect([ended.raw, ended.summary].join('\n')).not.toMatch(/jane|sales|\bapp\b/);
  expect(ended.summary).toContain('1 failed');
});
