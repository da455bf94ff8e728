import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startGitHub } from '../../lab/github/api.ts';
import { type JobStep, type Project, startProject } from '../../lab/github/project.ts';
import { type Action, buildAction, runStep, type Step } from '../../lab/github/runner.ts';
import { useServer } from '../../lab/majors.ts';
import type { Postgres } from '../../lab/postgres.ts';

/* dist/ run as GitHub's runner does, with two servers of which a pull request concerns one, both or none. */

const FILE = 'access/rolecall.yaml';

let action: Action;
beforeAll(() => {
  action = buildAction();
});

describe('targets: changed', () => {
  const [orders, billing] = [useServer(17), useServer(17)];
  let project: Project;

  const target = (name: string, { port, master }: Postgres): string => `  ${name}:
    engine: postgres
    endpoint: { host: 127.0.0.1, port: ${port}, tls: disable }
    login: { user: ${master.user}, password: "\${env:${name.toUpperCase()}_PASSWORD}" }
    databases: [app]
`;
  const manifestOf = (users: Readonly<Record<string, readonly string[]>>, description = ''): string => `version: 1
stack: acme/access/e2e
targets:
${target('orders', orders())}${target('billing', billing())}
groups:
  readers: { targets: [orders, billing], read: [app.sales], description: "${description}" }
users:
${Object.entries(users)
  .map(([user, on]) => `  ${user}: { auth: none, targets: [${on.join(', ')}], groups: [readers] }`)
  .join('\n')}
`;
  const BOTH = { ann: ['orders', 'billing'] };

  beforeAll(async () => {
    for (const server of [orders(), billing()]) {
      await server.query(server.master, 'postgres', 'CREATE DATABASE app');
      await server.query(server.master, 'app', 'CREATE SCHEMA sales; CREATE TABLE sales.orders (id int)');
    }
  });
  beforeEach(async () => {
    project = await startProject(await startGitHub(), { [FILE]: manifestOf(BOTH) });
  });
  afterEach(async () => {
    expect(project.github.violations()).toEqual([]);
    await project.close();
  });

  const step = async (job: JobStep, inputs: Readonly<Record<string, string>>): Promise<Step> => {
    const env = { ...job.env, ORDERS_PASSWORD: orders().master.password, BILLING_PASSWORD: billing().master.password };
    const ended = await runStep(action, { ...job, env, inputs });
    project.conclude(job.runId, ended.conclusion);
    expect(ended.complaints).toEqual([]);
    return ended;
  };
  const plan = async (number: number, inputs: Readonly<Record<string, string>> = {}): Promise<{ ended: Step; body: string }> => {
    const ended = await step(await project.pullRequestJob(number), { command: 'plan', targets: 'changed', ...inputs });
    const [comment] = await project.comments(number);
    return { ended, body: comment!.body };
  };
  const planned = ({ outputs }: Step): readonly string[] =>
    (JSON.parse(outputs['targets-json']!) as readonly { readonly name: string }[]).map(({ name }) => name);

  test('plans what a pull request changes, and says what it left out', async () => {
    const number = await project.openPull('add-ben', { [FILE]: manifestOf({ ...BOTH, ben: ['orders'] }) });
    const one = await plan(number);
    expect(one.ended).toMatchObject({ conclusion: 'success', outputs: { 'has-changes': 'true' } });
    expect(planned(one.ended)).toEqual(['orders']);
    for (const text of [one.body, one.ended.summary]) {
      expect(text).toContain('**Left out**, as nothing about it was changed: `billing`.');
      expect(text).toContain('`rolecall plan --target orders`');
    }
    expect(one.ended.log).not.toMatch(/billing: (connect|read)/);

    // A group that both have, then nothing of the manifest.
    await project.commit('add-ben', { [FILE]: manifestOf({ ...BOTH, ben: ['orders'] }, 'who reads') });
    const both = await plan(number);
    expect(planned(both.ended)).toEqual(['orders', 'billing']);
    expect(both.body).not.toContain('Left out');
    await project.commit('add-ben', { [FILE]: manifestOf(BOTH) });
    const none = await plan(number);
    expect(none.ended).toMatchObject({ conclusion: 'success', outputs: { 'has-changes': 'false', 'targets-json': '[]' } });
    expect(none.body).toContain('### ✅ Access plan · `acme/access/e2e` — no changes');
    expect(none.body).toContain('**Left out**, as nothing about them was changed: `orders`, `billing`.');
  });

  test('leaves what drifts elsewhere to others, on the pull request and on the merge', async () => {
    const before = await project.headOf('main');
    const everything = await step(await project.pushJob(before, before), { command: 'apply', 'on-unreviewed': 'apply' });
    expect(everything).toMatchObject({ conclusion: 'success' });
    await billing().query(billing().master, 'app', 'GRANT INSERT ON sales.orders TO readers');
    const number = await project.openPull('add-ben', { [FILE]: manifestOf({ ...BOTH, ben: ['orders'] }) });
    expect((await plan(number)).ended).toMatchObject({ conclusion: 'success' });
    const merged = await project.merge(number, 'squash');
    const applied = await step(await project.pushJob(before, merged), { command: 'apply' });
    expect(applied).toMatchObject({ conclusion: 'success', outputs: { failed: '0' } });
    const told = (await project.comments(number)).map(({ body }) => body).find((body) => body.includes('Access apply'));
    for (const text of [told, applied.summary]) expect(text).toMatch(/Left alone: `billing` \(\d changes?\)\. What differs there is drift/);
    const roles = async (server: Postgres) =>
      await server.query(server.master, 'app', "SELECT rolname FROM pg_roles WHERE rolname = 'ben'");
    expect(await roles(orders())).toHaveLength(1);
    const [row] = await billing().query(
      billing().superuser,
      'app',
      "SELECT has_table_privilege('readers', 'sales.orders', 'insert') AS may",
    );
    expect(row).toEqual({ may: true });

    // What the merge declares otherwise is no drift, whoever planned it.
    const all = await project.openPull('add-cat', { [FILE]: manifestOf({ ...BOTH, ben: ['orders'], cat: ['orders', 'billing'] }) });
    await step(await project.pullRequestJob(all), { command: 'plan', targets: 'orders' });
    const stopped = await step(await project.pushJob(merged, await project.merge(all, 'squash')), { command: 'apply' });
    expect(stopped).toMatchObject({ conclusion: 'failure', outputs: { 'failure-reason': 'plan-changed' } });
    expect(stopped.summary).toContain('| `billing` |');
  });

  test('is what a report expects of the jobs of a matrix', async () => {
    const number = await project.openPull('add-ben', { [FILE]: manifestOf({ ...BOTH, ben: ['orders'] }) });
    const job = await project.pullRequestJob(number);
    await step(job, { command: 'plan', targets: 'orders', comment: 'none', 'comment-key': 'access-orders' });
    const whole = await step(job, { command: 'report', targets: 'changed' });
    expect(whole).toMatchObject({ conclusion: 'success' });
    expect(whole.summary).toContain('**Left out**, as nothing about it was changed: `billing`.');
    const missing = await step(job, { command: 'report' });
    expect(missing).toMatchObject({ conclusion: 'failure' });
    expect(missing.annotations).toContainEqual(expect.objectContaining({ title: 'report/missing-target' }));
  });

  test.each(['apply', 'drift'])('is refused for %s, which leaves nothing out by itself', async (command) => {
    const head = await project.headOf('main');
    const ended = await step(await project.pushJob(head, head), { command, targets: 'changed' });
    expect(ended).toMatchObject({ conclusion: 'failure', outputs: { 'failure-reason': 'config-invalid' } });
    expect(ended.log).toContain(`input 'targets' is 'changed': expected names or 'all' with command: ${command}`);
  });

  test('is refused where there is nothing to compare with', async () => {
    const head = await project.headOf('main');
    const ended = await step(await project.pushJob(head, head), { command: 'plan', targets: 'changed' });
    expect(ended).toMatchObject({ conclusion: 'failure' });
    expect(ended.annotations[0]?.message).toContain("the event 'push' has no base to compare with");
  });
});
