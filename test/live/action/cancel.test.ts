import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { startGitHub } from '../../lab/github/api.ts';
import { type Project, startProject } from '../../lab/github/project.ts';
import { type Action, buildAction, runStep, type Step, type StepOptions } from '../../lab/github/runner.ts';
import { useServer } from '../../lab/majors.ts';

const server = useServer(17);
let action: Action;
let project: Project;
const manifest = (): string => `version: 1
stack: acme/access/cancelled
targets:
  shop:
    engine: postgres
    endpoint: { host: 127.0.0.1, port: ${server().port}, tls: disable }
    login: { user: ${server().master.user}, password: "\${env:MASTER_PASSWORD}" }
    databases: [postgres]
groups:
  cancelled: {}
`;
beforeAll(async () => {
  action = buildAction();
  project = await startProject(await startGitHub(), { 'access/rolecall.yaml': manifest() });
});
afterAll(async () => {
  await project.close();
});

/** Another run holds the lock as long as this connection lives. */
const holders: { readonly end: () => Promise<void> }[] = [];
afterEach(async () => {
  for (const holder of holders.splice(0)) await holder.end();
});
const hold = async (): Promise<void> => {
  const client = await server().connect(server().master, 'postgres');
  holders.push(client);
  await client.query('SELECT pg_advisory_lock($1)', [Buffer.from('rolecall').readBigInt64BE()]);
};
const apply = async (options: Partial<StepOptions>): Promise<Step> => {
  const job = await project.pushJob('0'.repeat(40), await project.headOf('main'));
  return await runStep(action, {
    ...job,
    env: { ...job.env, MASTER_PASSWORD: server().master.password },
    ...options,
    inputs: { command: 'apply', 'on-unreviewed': 'apply', ...options.inputs },
  });
};
const roles = () => server().query(server().master, 'postgres', "SELECT FROM pg_roles WHERE rolname = 'cancelled'");

test('a step that is cancelled while it waits for another run ends red, and has changed nothing', async () => {
  await hold();
  const { conclusion, raw } = await apply({ inputs: { 'lock-wait': '5m' }, cancelWhen: /waiting/ });
  expect(conclusion).toBe('failure');
  expect(raw).toContain('waiting');
  expect(await roles()).toEqual([]);
});

test('a step that waited long enough says who is at work', async () => {
  await hold();
  const { conclusion, outputs, summary } = await apply({ inputs: { 'lock-wait': '0s' } });
  expect([conclusion, outputs['failure-reason']]).toEqual(['failure', 'locked']);
  expect(summary).toContain('another');
  expect(await roles()).toEqual([]);
});

test('when nobody is at work the same step applies', async () => {
  expect(await apply({})).toMatchObject({ conclusion: 'success', outputs: { 'failure-reason': '' } });
  expect(await roles()).toHaveLength(1);
});
