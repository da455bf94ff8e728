import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { awsEnvironment, clientConfig } from '../../lab/aws/moto.ts';
import { type AwsProxy, startAwsProxy } from '../../lab/aws/proxy.ts';
import { withMoto } from '../../lab/aws/suite.ts';
import { startGitHub } from '../../lab/github/api.ts';
import { type JobStep, type Project, startProject } from '../../lab/github/project.ts';
import { type Action, buildAction, runStep, type Step } from '../../lab/github/runner.ts';
import { useServer } from '../../lab/majors.ts';

/* Passwords of Secrets Manager through the action: a real server, an emulated account, and the emulator of GitHub. */

const FILE = 'access/rolecall.yaml';
const PASSWORD = 'canary of a user, 100%';

withMoto('a login and a user by secrets', (moto) => {
  const server = useServer(17);
  let action: Action;
  let aws: AwsProxy;
  let project: Project;
  const arns = new Map<string, string>();

  beforeAll(async () => {
    action = buildAction();
    aws = await startAwsProxy(moto());
    const client = new SecretsManagerClient(clientConfig(moto()));
    for (const [name, value] of [
      ['login', server().master.password],
      ['other', 'canary of another login'],
      ['app', JSON.stringify({ password: PASSWORD })],
    ]) {
      const { ARN } = await client.send(new CreateSecretCommand({ Name: name, SecretString: value }));
      arns.set(name!, ARN!);
    }
    project = await startProject(await startGitHub(), { [FILE]: manifest('login', '  ann: { auth: none }') });
  });
  afterAll(async () => {
    await project?.close();
    await aws?.close();
  });

  const manifest = (login: string, users: string): string => `version: 1
stack: acme/access/secrets
targets:
  orders:
    engine: postgres
    endpoint: { host: 127.0.0.1, port: ${server().port}, tls: disable }
    login: { user: ${server().master.user}, password: "\${secret:${arns.get(login)}}" }
    databases: [postgres]
users:
${users}
`;
  const step = async (job: JobStep, inputs: Readonly<Record<string, string>>): Promise<Step> => {
    aws.forget();
    const ended = await runStep(action, { ...job, env: { ...job.env, ...awsEnvironment(aws) }, inputs });
    project.conclude(job.runId, ended.conclusion);
    expect(ended.complaints).toEqual([]);
    const everything = withoutMasks(ended.raw) + JSON.stringify([ended.summary, ended.outputs, ended.files]);
    expect([server().master.password, 'canary'].filter((secret) => everything.includes(secret))).toEqual([]);
    return ended;
  };
  const withoutMasks = (raw: string): string => raw.replaceAll(/^::add-mask::.*$/gm, '');
  const asked = (): string[] => aws.calls().map(({ input }) => [...arns].find(([, arn]) => arn === input.SecretId)?.[0] ?? 'no secret');

  test('are looked up when they are needed, as the base branch names them, and hidden in the log', async () => {
    const users = `  ann: { auth: none }\n  app: { password: "\${secret:${arns.get('app')}#password}" }`;
    const elsewhere = await project.openPull('elsewhere', { [FILE]: manifest('other', users) });
    const planned = await step(await project.pullRequestJob(elsewhere), { command: 'plan' });
    expect(planned).toMatchObject({ conclusion: 'success' });
    expect(asked()).toEqual(['login']);
    expect(planned.raw.match(/^::add-mask::.*$/gm)).toContain(`::add-mask::${server().master.password}`);
    const [{ body } = { body: '' }] = await project.comments(elsewhere);
    expect(body).toContain('`targets.orders.login.password`');
    expect(body).toContain('`users.app.password`');

    const before = await project.headOf('main');
    const number = await project.openPull('app', { [FILE]: manifest('login', users) });
    expect(await step(await project.pullRequestJob(number), { command: 'plan' })).toMatchObject({ conclusion: 'success' });
    const push = await project.pushJob(before, await project.merge(number, 'squash'));
    const applied = await step(push, { command: 'apply' });
    expect(applied).toMatchObject({ conclusion: 'success', outputs: { failed: '0' } });
    expect(asked().sort()).toEqual(['app', 'login']);
    expect(applied.raw).toContain('::add-mask::canary of a user, 100%25\n');
    expect(await server().query({ user: 'app', password: PASSWORD }, 'postgres', 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(project.github.violations()).toEqual([]);
  });
});
