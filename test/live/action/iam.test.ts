import fs from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { awsEnvironment } from '../../lab/aws/moto.ts';
import { withMoto } from '../../lab/aws/suite.ts';
import { startGitHub } from '../../lab/github/api.ts';
import { type JobStep, type Project, startProject } from '../../lab/github/project.ts';
import { type Action, buildAction, runStep, type Step } from '../../lab/github/runner.ts';
import { type AwsWorld, startAwsWorld } from '../aws-world.ts';

/* Both planes through the action: a server that lets in by token, an emulated account, and the emulator of GitHub. */

const FILE = 'access/rolecall.yaml';

withMoto('a user, its policy and its end', (moto) => {
  let action: Action;
  let world: AwsWorld;
  let project: Project;
  beforeAll(async () => {
    action = buildAction();
    world = await startAwsWorld(moto());
    await world.makeRole('reports');
    const { server } = world.rds;
    await server.query(server.master, 'postgres', 'CREATE DATABASE app');
    project = await startProject(await startGitHub(), { [FILE]: manifest(''), 'ca.pem': fs.readFileSync(world.rds.caFile, 'utf8') });
  });
  afterAll(async () => {
    await project?.close();
    await world?.close();
  });

  /** The authority is a file of the repository: one that only a pull request has would not be believed. */
  const manifest = (users: string): string =>
    fs
      .readFileSync(world.manifest(`iam: { account: "123456789012" }\nusers:\n${users || '  ann: { auth: none }\n'}`), 'utf8')
      .replace(world.rds.caFile, 'ca.pem');
  const step = async (job: JobStep, inputs: Readonly<Record<string, string>>): Promise<Step> => {
    const env = { ...job.env, ...awsEnvironment(world.aws), ROLECALL_MASTER: world.rds.server.master.password };
    const ended = await runStep(action, { ...job, env, inputs });
    project.conclude(job.runId, ended.conclusion);
    expect(ended.complaints).toEqual([]);
    return ended;
  };

  test('is planned and applied with its login, and ends on schedule on the server and in the account', async () => {
    const lee = (until: string): string => manifest(`  lee: { auth: iam, principals: [role/reports], until: ${until} }\n`);
    const before = await project.headOf('main');
    const number = await project.openPull('lee', { [FILE]: lee('2099-01-01') });
    expect(await step(await project.pullRequestJob(number), { command: 'plan' })).toMatchObject({ conclusion: 'success' });
    const [{ body } = { body: '' }] = await project.comments(number);
    expect(body).toContain('➕ `iam` `role/reports` may log in as `lee` on `orders`');
    expect(body).toMatch(/^\+ policy +role\/reports/m);
    expect(await world.login('role/reports', 'lee')).not.toBe('in');
    const merged = await project.merge(number, 'squash');
    expect(await step(await project.pushJob(before, merged), { command: 'apply' })).toMatchObject({ conclusion: 'success' });
    expect(await world.login('role/reports', 'lee')).toBe('in');

    await project.commit('main', { [FILE]: lee('2020-01-01') });
    const expiry = await step(await project.scheduleJob(), { command: 'apply', only: 'expired' });
    expect(expiry).toMatchObject({ conclusion: 'success', outputs: { failed: '0' } });
    expect(await world.login('role/reports', 'lee')).toMatch(/no policy allows it/);
    expect(await world.attached('reports')).toEqual([]);
    expect(await step(await project.scheduleJob(), { command: 'apply', only: 'expired' })).toMatchObject({ outputs: { applied: '0' } });
    expect(project.github.violations()).toEqual([]);
    expect(world.aws.violations()).toEqual([]);
  });
});
