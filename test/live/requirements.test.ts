import { CloudWatchLogsClient, CreateLogGroupCommand } from '@aws-sdk/client-cloudwatch-logs';
import { CreateAccessKeyCommand, CreateUserCommand, PutUserPolicyCommand } from '@aws-sdk/client-iam';
import { ModifyDBClusterCommand, ModifyDBInstanceCommand, RDSClient } from '@aws-sdk/client-rds';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { awsEnvironment, clientConfig } from '../lab/aws/moto.ts';
import { withMoto } from '../lab/aws/suite.ts';
import { type AwsWorld, startAwsWorld } from './aws-world.ts';
import type { Ended } from './command.ts';

/** The emulator asks for every action on `*`, and so knows nothing of resources: how narrow those are is judged by a simulator. It calls CloudWatch as requests to it are signed. */
const actionsOf = (document: string): string => {
  const { Version, Statement } = JSON.parse(document.replaceAll('"cloudwatch:', '"monitoring:'));
  return JSON.stringify({
    Version,
    Statement: Statement.map(({ Effect, Action }: Record<string, unknown>) => ({ Effect, Action, Resource: '*' })),
  });
};

withMoto('what AWS has to allow, by the actions that the tool prints', (moto) => {
  let world: AwsWorld;
  let file: string;
  const keys = new Map<string, Readonly<Record<string, string>>>();

  beforeAll(async () => {
    world = await startAwsWorld(moto());
    await world.makeRole('api');
    await world.makeRole('gone');
    await world.rds.server.query(world.rds.server.master, 'postgres', 'CREATE DATABASE app');
    const { ARN: etl } = await new SecretsManagerClient(clientConfig(moto())).send(
      new CreateSecretCommand({ Name: 'etl', SecretString: 'etl-password' }),
    );
    await exportLog(world);
    file = world.manifest(`iam: { roles: { task: { trust: { service: ecs-tasks.amazonaws.com } } } }
users:
  api: { auth: iam, principals: [role/api, role/task] }
  etl: { password: "\${secret:${etl}}" }
expect: [{ as: role/api, user: api }]
alarms: { failed: { notify: { topic: dba, email: [dba@example.com] } }, tokens: { source: iam, notify: { topic: dba } } }
`);
    for (const command of ['plan', 'apply', 'prove']) {
      const { stdout } = await world.run('iam', '-m', file, '--requirements', command);
      await world.iam.send(new CreateUserCommand({ UserName: command }));
      await world.iam.send(new PutUserPolicyCommand({ UserName: command, PolicyName: 'printed', PolicyDocument: actionsOf(stdout) }));
      const { AccessKey: key } = await world.iam.send(new CreateAccessKeyCommand({ UserName: command }));
      keys.set(command, { AWS_ACCESS_KEY_ID: key!.AccessKeyId!, AWS_SECRET_ACCESS_KEY: key!.SecretAccessKey! });
    }
  });
  /** As the log of failed logins gets to CloudWatch. */
  const exportLog = async ({ rds: { kind, identifier } }: AwsWorld): Promise<void> => {
    const exported = { CloudwatchLogsExportConfiguration: { EnableLogTypes: ['postgresql'] }, ApplyImmediately: true };
    const client = new RDSClient(clientConfig(moto()));
    if (kind === 'cluster') await client.send(new ModifyDBClusterCommand({ DBClusterIdentifier: identifier, ...exported }));
    else await client.send(new ModifyDBInstanceCommand({ DBInstanceIdentifier: identifier, ...exported }));
    const logGroupName = `/aws/rds/${kind}/${identifier}/postgresql`;
    await new CloudWatchLogsClient(clientConfig(moto())).send(new CreateLogGroupCommand({ logGroupName }));
  };
  afterAll(async () => {
    await moto().judge(false);
    await world?.close();
  });

  /** The command, run by who has the policy that was printed for `role`. */
  const as = async (role: string, ...args: readonly string[]): Promise<Ended> => {
    const env = { ...awsEnvironment(world.aws), ...keys.get(role), ROLECALL_MASTER: world.rds.server.master.password };
    return await world.command.run([...args, '-m', file], env);
  };

  test('the role of prove finds the server, reads the principal and its policies, and is it', async () => {
    await moto().judge(true);
    const { code, stdout, stderr } = await as('prove', 'prove', '--json');
    const [proof] = JSON.parse(stdout).proofs;
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(proof).toMatchObject({ cause: 'no-user', judgement: { verdict: 'not-allowed', unread: [] } });
    const refused = await as('plan', 'prove', '--json');
    expect(JSON.parse(refused.stdout).proofs).toMatchObject([{ status: 'unproven', cause: 'not-assumed' }]);
    await moto().judge(false);
  });

  test('the role of plan plans and cannot apply; that of apply makes, changes and destroys', async () => {
    await moto().judge(true);
    const planned = await as('plan', 'plan');
    expect({ code: planned.code, out: planned.code === 0 ? '' : planned.stdout + planned.stderr }).toEqual({ code: 0, out: '' });
    const secret = await as('plan', 'apply', '--auto-approve', '--target', 'orders');
    expect({ code: secret.code, out: secret.stdout }).toEqual({ code: 1, out: expect.stringContaining('secretsmanager:GetSecretValue') });
    const refused = await as('plan', 'apply', '--auto-approve', '--target', 'iam');
    expect({ code: refused.code, out: refused.stdout }).toEqual({ code: 1, out: expect.stringMatching(/iam:(CreateRole|CreatePolicy)/) });
    const alarms = await as('plan', 'apply', '--auto-approve', '--target', 'alarms');
    expect({ code: alarms.code, out: alarms.stdout }).toEqual({
      code: 1,
      out: expect.stringMatching(/sns:CreateTopic|monitoring:PutMetricAlarm|logs:PutMetricFilter/),
    });
    for (const command of [['apply'], ['plan', '--detailed-exitcode'], ['destroy']]) {
      const ended = await as('apply', ...command, ...(command[0] === 'plan' ? [] : ['--auto-approve']));
      expect({ command, code: ended.code, out: ended.code === 0 ? '' : ended.stdout + ended.stderr }).toEqual({
        command,
        code: 0,
        out: '',
      });
    }
    await moto().judge(false);
    expect(await world.policies()).toEqual([]);
  });
});
