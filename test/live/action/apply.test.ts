import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { startGitHub } from '../../lab/github/api.ts';
import { type JobStep, type Project, startProject } from '../../lab/github/project.ts';
import { type Action, buildAction, runStep, type Step } from '../../lab/github/runner.ts';
import { useServer } from '../../lab/majors.ts';
import type { Postgres } from '../../lab/postgres.ts';

/*
 * dist/ run as GitHub's runner does, against a real PostgreSQL and the emulator of GitHub. Runs, artifacts, approvals and who set a
 * label are answered by a stand-in of ours.
 */

const FILE = 'access/rolecall.yaml';

/** Roles of the manifest, all without a login. */
const manifestOf = (server: Postgres, users: readonly string[], members: readonly string[] = users, more = ''): string => `version: 1
stack: acme/access/e2e
targets:
  orders:
    engine: postgres
    endpoint: { host: 127.0.0.1, port: ${server.port}, tls: disable }
    login: { user: ${server.master.user}, password: "\${env:MASTER_PASSWORD}" }
    databases: [app]
groups:
  readers: { read: [app.sales] }
users:
${users.map((user) => `  ${user}: { auth: none, groups: [${members.includes(user) ? 'readers' : ''}] }`).join('\n')}
${more}`;

/** What an example of docs/workflows gives the action in one of its jobs, but for AWS, which nothing here is in. */
const withOf = (file: string, job: string): Readonly<Record<string, string>> => {
  const workflow = parse(fs.readFileSync(path.resolve(import.meta.dirname, '../../../docs/workflows', file), 'utf8'));
  const steps: readonly { readonly uses?: string; readonly with?: Readonly<Record<string, string>> }[] = workflow.jobs[job].steps;
  const { with: inputs = {} } = steps.find(({ uses }) => uses?.startsWith('acme/rolecall@'))!;
  const here = Object.entries(inputs).filter(([name]) => !/-role-arn$|^aws-region$/.test(name));
  return Object.fromEntries(here.map(([name, value]) => [name, value.replace('${{ matrix.target }}', 'orders')]));
};

let action: Action;
beforeAll(() => {
  action = buildAction();
});

describe('apply on merge', () => {
  const server = useServer(17);
  let project: Project;

  beforeAll(async () => {
    await server().query(server().master, 'postgres', 'CREATE DATABASE app');
    await server().query(server().master, 'app', 'CREATE SCHEMA sales; CREATE TABLE sales.orders (id int)');
  });
  beforeEach(async () => {
    project = await startProject(await startGitHub(), { [FILE]: manifestOf(server(), ['ann']) });
  });
  afterEach(async () => {
    const roles = await server().query(
      server().master,
      'postgres',
      "SELECT rolname FROM pg_roles WHERE rolname IN ('readers', 'ann', 'ben', 'cat')",
    );
    for (const { rolname } of roles) {
      await server().query(server().superuser, 'app', `DROP OWNED BY ${rolname}`);
      await server().query(server().superuser, 'postgres', `DROP OWNED BY ${rolname}; DROP ROLE ${rolname}`);
    }
    await project.close();
    expect(project.github.violations()).toEqual([]);
  });

  const step = async (job: JobStep, inputs: Readonly<Record<string, string>>): Promise<Step> => {
    const env = { ...job.env, MASTER_PASSWORD: server().master.password };
    const ended = await runStep(action, { ...job, env, inputs });
    project.conclude(job.runId, ended.conclusion);
    expect(ended.complaints).toEqual([]);
    expect(ended.raw + ended.summary + JSON.stringify(ended.outputs)).not.toContain(server().master.password);
    return ended;
  };
  const members = async (): Promise<readonly string[]> =>
    (
      await server().query(
        server().master,
        'postgres',
        "SELECT member::regrole::text AS member FROM pg_auth_members WHERE roleid = (SELECT oid FROM pg_roles WHERE rolname = 'readers') AND member <> current_user::regrole ORDER BY 1",
      )
    ).map(({ member }) => String(member));

  /** A pull request with this manifest, planned; its number. */
  const propose = async (branch: string, manifest: string): Promise<number> => {
    const number = await project.openPull(branch, { [FILE]: manifest });
    const planned = await step(await project.pullRequestJob(number), withOf('access.yml', 'plan'));
    expect(planned).toMatchObject({ conclusion: 'success' });
    return number;
  };
  const mergeAndApply = async (
    number: number,
    inputs: Readonly<Record<string, string>> = {},
    method: Parameters<Project['merge']>[1] = 'squash',
  ) => {
    const before = await project.headOf('main');
    const job = await project.pushJob(before, await project.merge(number, method));
    return { job, applied: await step(job, { ...withOf('access.yml', 'apply'), ...inputs }) };
  };
  const results = async (number: number): Promise<readonly string[]> =>
    (await project.comments(number)).map(({ body }) => body).filter((body) => body.includes('Access apply'));

  test('what was reviewed is applied and told, and running it again does nothing', async () => {
    const number = await propose('add-ben', manifestOf(server(), ['ann', 'ben']));
    const { job, applied } = await mergeAndApply(number);
    expect(applied).toMatchObject({ conclusion: 'success', outputs: { failed: '0', skipped: '0', 'failure-reason': '' } });
    expect(Number(applied.outputs.applied)).toBeGreaterThan(3);
    expect(await members()).toEqual(['ann', 'ben']);
    const [result, ...others] = await results(number);
    expect(others).toEqual([]);
    expect(result).toContain('### ✅ Access apply');
    expect(result).toContain(`#${number} · commit`);
    expect(result).toContain('✔ matched');
    expect(applied.summary).toContain('### ✅ Access apply');

    const again = await step({ ...job, runAttempt: 2 }, { command: 'apply' });
    expect(again).toMatchObject({ conclusion: 'success', outputs: { applied: '0' } });
    expect(await results(number)).toHaveLength(1);
  });

  test.each(['merge', 'rebase'] as const)('finds the pull request of a %s too', async (method) => {
    const number = await propose('add-ben', manifestOf(server(), ['ann', 'ben']));
    const { applied } = await mergeAndApply(number, {}, method);
    expect(applied).toMatchObject({ conclusion: 'success', outputs: { failed: '0', 'failure-reason': '' } });
    expect((await results(number))[0]).toContain(`#${number} · commit`);
  });

  test('what changed by hand in between stops it before anything runs, and says what was not reviewed', async () => {
    const number = await propose('add-ben', manifestOf(server(), ['ann', 'ben']));
    await server().query(server().master, 'app', 'CREATE ROLE readers; GRANT INSERT ON sales.orders TO readers');
    const { applied } = await mergeAndApply(number, { 'destroy-policy': 'allow' });
    expect(applied).toMatchObject({ conclusion: 'failure', outputs: { 'failure-reason': 'plan-changed', applied: '0' } });
    expect(applied.summary).toContain('in no reviewed plan');
    expect((await results(number))[0]).toContain('INSERT');
    expect(await members()).toEqual([]);
  });

  test('a push that nobody reviewed is refused, shown or applied, as the workflow says', async () => {
    const before = await project.headOf('main');
    const after = await project.commit('main', { [FILE]: manifestOf(server(), ['ann', 'cat']) });
    const push = () => project.pushJob(before, after);
    const refused = await step(await push(), { command: 'apply' });
    expect(refused).toMatchObject({ conclusion: 'failure', outputs: { 'failure-reason': 'plan-missing' } });
    const shown = await step(await push(), { command: 'apply', 'on-unreviewed': 'plan-only' });
    expect(shown).toMatchObject({ conclusion: 'success', outputs: { applied: '0' } });
    expect(shown.summary).toContain('Nothing was applied');
    expect(await members()).toEqual([]);
    const applied = await step(await push(), { command: 'apply', 'on-unreviewed': 'apply' });
    expect(applied).toMatchObject({ conclusion: 'success' });
    expect(await members()).toEqual(['ann', 'cat']);
  });

  test('what takes access away needs the label of somebody else, put on after the plan', async () => {
    const first = await mergeAndApply(await propose('add-ben', manifestOf(server(), ['ann', 'ben'])));
    expect(first.applied).toMatchObject({ conclusion: 'success' });
    const number = await propose('close-ben', manifestOf(server(), ['ann', 'ben'], ['ann']));
    const { job, applied } = await mergeAndApply(number);
    expect(applied).toMatchObject({ conclusion: 'failure', outputs: { 'failure-reason': 'policy' } });
    expect(applied.summary).toContain('access:allow-drop');
    expect(await members()).toEqual(['ann', 'ben']);
    await project.label(number, 'access:allow-drop', 'lead');
    const { labelled } = project.github.state;
    labelled.push({ ...labelled.pop()!, at: new Date(0) });
    expect((await step({ ...job, runAttempt: 2 }, { command: 'apply' })).summary).toContain('before what is planned now was');
    await project.label(number, 'access:allow-drop', 'jane');
    expect((await step({ ...job, runAttempt: 3 }, { command: 'apply' })).summary).toContain('its author');
    await project.label(number, 'access:allow-drop', 'lead');
    expect(await step({ ...job, runAttempt: 4 }, { command: 'apply' })).toMatchObject({ conclusion: 'success', outputs: { applied: '1' } });
    expect(await members()).toEqual(['ann']);
    expect((await results(number))[0]).toContain('### ✅ Access apply');
  });

  test('a push whose own run never came to an end is applied by the next one', async () => {
    const first = await project.headOf('main');
    expect(await step(await project.pushJob(first, first), { command: 'apply', 'on-unreviewed': 'apply' })).toMatchObject({
      conclusion: 'success',
    });
    const ben = await propose('add-ben', manifestOf(server(), ['ann', 'ben']));
    const merged = await project.merge(ben, 'merge');
    const cat = await propose('add-cat', manifestOf(server(), ['ann', 'ben', 'cat']));
    const job = await project.pushJob(merged, await project.merge(cat, 'merge'));
    expect(await step(job, { command: 'apply' })).toMatchObject({ conclusion: 'success' });
    expect(await members()).toEqual(['ann', 'ben', 'cat']);
    expect([await results(ben), await results(cat)].map(({ length }) => length)).toEqual([1, 1]);
  });

  test('an older commit than that of the branch applies nothing', async () => {
    const number = await propose('add-ben', manifestOf(server(), ['ann', 'ben']));
    const before = await project.headOf('main');
    const job = await project.pushJob(before, await project.merge(number));
    await project.commit('main', { [FILE]: manifestOf(server(), ['ann']) });
    const applied = await step(job, { command: 'apply' });
    expect(applied).toMatchObject({ conclusion: 'failure', outputs: { 'failure-reason': 'plan-changed' } });
    expect(applied.summary).toContain('has moved on to');
    expect(await members()).toEqual([]);
  });

  test('a merge queue puts out what is not as it was reviewed', async () => {
    const number = await propose('add-ben', manifestOf(server(), ['ann', 'ben']));
    const good = await step(await project.mergeGroupJob('add-ben'), { command: 'plan' });
    expect(good).toMatchObject({ conclusion: 'success' });
    await server().query(server().master, 'app', 'CREATE ROLE readers; GRANT INSERT ON sales.orders TO readers');
    const stale = await step(await project.mergeGroupJob('add-ben'), { command: 'plan' });
    expect(stale).toMatchObject({ conclusion: 'failure', outputs: { 'failure-reason': 'plan-changed' } });
    expect(stale.summary).toContain('in no reviewed plan');
    expect(await results(number)).toEqual([]);
  });

  test('drift opens an issue, the repair behind an environment closes it, and it is opened again when it is back', async () => {
    const { applied } = await mergeAndApply(await propose('add-ben', manifestOf(server(), ['ann', 'ben'])));
    expect(applied).toMatchObject({ conclusion: 'success' });
    const check = async () => await step(await project.scheduleJob(), withOf('drift.yml', 'drift'));
    expect(await check()).toMatchObject({ conclusion: 'success', outputs: { drift: 'false' } });
    expect(await project.issues()).toEqual([]);

    const byHand = 'GRANT DELETE ON sales.orders TO readers';
    await server().query(server().master, 'app', byHand);
    expect(await check()).toMatchObject({ conclusion: 'success', outputs: { drift: 'true' } });
    expect(await check()).toMatchObject({ outputs: { drift: 'true' } });
    expect(await project.issues()).toMatchObject([
      { title: 'Access drift: orders', state: 'open', body: expect.stringContaining('DELETE') },
    ]);

    const repair = await project.dispatchJob();
    expect(await step(repair, withOf('repair.yml', 'plan'))).toMatchObject({ conclusion: 'success' });
    const alone = await step(repair, withOf('repair.yml', 'apply'));
    expect(alone).toMatchObject({ conclusion: 'failure', outputs: { 'failure-reason': 'policy' } });
    expect(alone.summary).toContain('nobody approved this run');
    project.github.state.approvals.set(repair.runId, [{ by: 'lead', environment: 'db-prod' }]);
    const repaired = await step(repair, withOf('repair.yml', 'apply'));
    expect(repaired).toMatchObject({ conclusion: 'success', outputs: { applied: '1' } });
    expect(repaired.summary).toContain('gate `db-prod` approved by `lead`');

    expect(await check()).toMatchObject({ outputs: { drift: 'false' } });
    expect(await project.issues()).toMatchObject([{ state: 'closed', body: expect.stringContaining('none any more') }]);
    await server().query(server().master, 'app', byHand);
    await check();
    expect(await project.issues()).toMatchObject([{ state: 'open' }]);
  });

  test('an expiry on schedule takes away what was granted until then, and nothing else', async () => {
    const until = `  cat: { auth: none, groups: [{ name: readers, until: "2020-01-01" }] }\n`;
    await server().query(server().master, 'app', 'CREATE ROLE readers; CREATE ROLE cat; GRANT readers TO cat');
    await project.commit('main', { [FILE]: manifestOf(server(), ['ann'], ['ann'], until) });
    const expired = await step(await project.scheduleJob(), withOf('expiry.yml', 'expire'));
    expect(expired).toMatchObject({ conclusion: 'success', outputs: { applied: '1' } });
    expect(await members()).toEqual([]);
    expect(await server().query(server().master, 'postgres', "SELECT 1 FROM pg_roles WHERE rolname = 'ann'")).toEqual([]);
  });

  test('jobs of a matrix are one report, and what it keeps is what apply runs', async () => {
    const number = await project.openPull('add-ben', { [FILE]: manifestOf(server(), ['ann', 'ben']) });
    const job = await project.pullRequestJob(number);
    const leg = await step(job, withOf('matrix.yml', 'plan'));
    expect(leg).toMatchObject({ conclusion: 'success' });
    expect(await project.comments(number)).toEqual([]);
    const report = await step(job, withOf('matrix.yml', 'report'));
    expect(report).toMatchObject({ conclusion: 'success', outputs: { 'has-changes': 'true' } });
    expect((await project.comments(number)).map(({ body }) => body)).toEqual([expect.stringContaining('Access plan')]);
    expect((await mergeAndApply(number)).applied).toMatchObject({ conclusion: 'success' });
    expect(await members()).toEqual(['ann', 'ben']);
  });

  test('a job that may write no comments applies all the same', async () => {
    const number = await propose('add-ben', manifestOf(server(), ['ann', 'ben']));
    const before = await project.headOf('main');
    const permissions = { contents: 'read', pull_requests: 'read', issues: 'read', actions: 'read', metadata: 'read' } as const;
    const job = await project.pushJob(before, await project.merge(number), { permissions });
    const applied = await step(job, { command: 'apply' });
    expect(applied).toMatchObject({ conclusion: 'success' });
    expect(applied.log).toContain('the comment could not be written');
    expect(await members()).toEqual(['ann', 'ben']);
  });
});
