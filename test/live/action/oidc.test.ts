import { afterAll, beforeAll, expect, test } from 'vitest';
import { startGitHub } from '../../lab/github/api.ts';
import { type JobStep, type Project, startProject } from '../../lab/github/project.ts';
import { type Action, buildAction, runStep } from '../../lab/github/runner.ts';

/* How dist/ gets the job's ID token from the runner. That the token opens a role is held in identity.test.ts. */

const MANIFEST = `version: 1
stack: acme/access
targets:
  shop:
    engine: postgres
    endpoint: { host: 127.0.0.1, port: 9, tls: disable }
    login: { user: rolecall, password: "\${env:SHOP_PASSWORD}" }
groups:
  readers: { read: [shop.public] }
`;
const INPUTS = {
  command: 'drift',
  'plan-role-arn': 'arn:aws:iam::111122223333:role/plan',
  'aws-region': 'eu-west-1',
  'drift-issue': 'false',
};

let action: Action;
let project: Project;
beforeAll(async () => {
  action = buildAction();
  project = await startProject(await startGitHub(), { 'access/rolecall.yaml': MANIFEST });
});
afterAll(async () => {
  await project.close();
});

/** Nobody answers for AWS. */
const NO_AWS = { AWS_ENDPOINT_URL_STS: 'http://127.0.0.1:9', AWS_MAX_ATTEMPTS: '1', SHOP_PASSWORD: 'shop-password' };
const step = (job: JobStep, env: Readonly<Record<string, string>>) =>
  runStep(action, { ...job, env: { ...env, ...NO_AWS }, inputs: INPUTS });

test('the token is asked for with the audience of STS, and hidden from then on', async () => {
  const asked: string[] = [];
  const token = `e30.${'x'.repeat(80)}.signature`;
  project.github.state.idToken = (audience) => {
    asked.push(audience);
    return token;
  };
  const job = await project.scheduleJob();
  const ended = await step(job, job.env ?? {});
  expect(asked).toEqual(['sts.amazonaws.com']);
  expect(ended).toMatchObject({ conclusion: 'failure', complaints: [], outputs: { 'failure-reason': 'auth' } });
  expect(ended.raw.split(token).length - 1).toBe(1);
  expect(ended.raw).toContain(`::add-mask::${token}`);
  expect(ended.log + ended.summary + JSON.stringify(ended.files)).not.toContain(token);
});

test('a job that may not ask for one is told which permission it lacks', async () => {
  const job = await project.scheduleJob();
  const { ACTIONS_ID_TOKEN_REQUEST_URL, ACTIONS_ID_TOKEN_REQUEST_TOKEN, ...env } = job.env ?? {};
  const ended = await step(job, env);
  expect(ended).toMatchObject({ conclusion: 'failure', outputs: { 'failure-reason': 'auth' } });
  expect(ended.annotations.map(({ message }) => message).join()).toContain('id-token: write');
});
