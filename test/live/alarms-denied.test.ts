import fs from 'node:fs';
import path from 'node:path';
import * as cw from '@aws-sdk/client-cloudwatch';
import * as logs from '@aws-sdk/client-cloudwatch-logs';
import * as rds from '@aws-sdk/client-rds';
import * as sns from '@aws-sdk/client-sns';
import { AwsQueryProtocol } from '@aws-sdk/core/protocols';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ACCOUNT, awsEnvironment, clientConfig, REGION } from '../lab/aws/moto.ts';
import { type AwsCall, type AwsFault, type AwsProxy, startAwsProxy } from '../lab/aws/proxy.ts';
import { withMoto } from '../lab/aws/suite.ts';
import { type Command, type Ended, makeCommand } from './command.ts';

const WRITES = /^(Create|Put|Set|Subscribe|Unsubscribe|Delete)/;
const GROUP = '/aws/rds/instance/orders-prod/postgresql';

/*
 * Every run has a stack and a key of its own, so that faults are those of one run, and runs go side by side. What is counted are refused
 * tokens: no server is asked for anything.
 */
withMoto('alarms that AWS', (moto) => {
  let command: Command;
  let aws: AwsProxy;
  const faults = new Map<string, (call: AwsCall) => AwsFault | undefined>();
  const clients = {} as { cw: cw.CloudWatchClient; logs: logs.CloudWatchLogsClient; sns: sns.SNSClient; rds: rds.RDSClient };

  beforeAll(async () => {
    aws = await startAwsProxy(moto(), (call) => faults.get(call.accessKeyId)?.(call), { pageSize: 2 });
    command = makeCommand();
    const config = clientConfig(moto());
    clients.cw = new cw.CloudWatchClient({ ...config, protocol: AwsQueryProtocol });
    clients.logs = new logs.CloudWatchLogsClient(config);
    clients.sns = new sns.SNSClient(config);
    clients.rds = new rds.RDSClient(config);
    await clients.rds.send(
      new rds.CreateDBInstanceCommand({
        DBInstanceIdentifier: 'orders-prod',
        Engine: 'postgres',
        DBInstanceClass: 'db.t3.micro',
        AllocatedStorage: 20,
        MasterUsername: 'rolecall',
        MasterUserPassword: 'of-the-emulator',
      }),
    );
    await clients.logs.send(new logs.CreateLogGroupCommand({ logGroupName: GROUP }));
  });
  afterAll(async () => {
    for (const client of Object.values(clients)) client.destroy();
    command?.remove();
    await aws?.close();
  });

  const nameOf = (stack: string, alarm: string): string => `rolecall/${stack}/${alarm}/orders`;
  const topicOf = (stack: string): string => stack.replaceAll('/', '-');
  const some = (stack: string): string => `alarms:
  a: { targets: [orders], source: iam, notify: { topic: ${topicOf(stack)}, email: [a@example.com] } }
  prod: { targets: [orders], source: iam, notify: { topic: ${topicOf(stack)} } }
`;
  const none = 'alarms: {}\n';

  type Run = { readonly stack: string; readonly body: string; readonly args?: readonly string[]; readonly command?: string };
  const run = async ({ stack, body, args = ['--auto-approve'], command: name = 'apply' }: Run): Promise<Ended> => {
    const file = path.join(command.home, `${topicOf(stack)}.yaml`);
    fs.writeFileSync(
      file,
      `version: 1
stack: ${stack}
targets:
  orders: { engine: postgres, rds: { instance: orders-prod, region: ${REGION} }, login: { user: rolecall, password: "\${env:P}" } }
${body}`,
    );
    return await command.start([name, '-m', file, '--target', 'alarms', ...args], { ...awsEnvironment(aws), ...keyOf(stack), P: '-' })
      .ended;
  };
  const keyOf = (stack: string) => ({ AWS_ACCESS_KEY_ID: `AKIA${topicOf(stack).replaceAll('-', '').toUpperCase()}` });
  const during = async (stack: string, fault: (call: AwsCall) => AwsFault | undefined, work: Omit<Run, 'stack'>): Promise<Ended> => {
    faults.set(keyOf(stack).AWS_ACCESS_KEY_ID, fault);
    const ended = await run({ stack, ...work });
    faults.delete(keyOf(stack).AWS_ACCESS_KEY_ID);
    return ended;
  };
  const writesOf = (stack: string): string[] =>
    aws
      .calls()
      .flatMap(({ accessKeyId, operation }) =>
        accessKeyId === keyOf(stack).AWS_ACCESS_KEY_ID && WRITES.test(operation) ? [operation] : [],
      );

  /** A filter as one that counted lines left it: no alarm of these stacks has one. */
  const leaveFilter = async (stack: string): Promise<void> => {
    await clients.logs.send(
      new logs.PutMetricFilterCommand({
        logGroupName: GROUP,
        filterName: nameOf(stack, 'old'),
        filterPattern: 'x',
        metricTransformations: [{ metricName: 'm', metricNamespace: 'n', metricValue: '1' }],
      }),
    );
  };
  /** What is there of a stack. */
  const held = async (stack: string): Promise<string[]> => {
    const { MetricAlarms: alarms = [] } = await clients.cw.send(new cw.DescribeAlarmsCommand({}));
    const { metricFilters = [] } = await clients.logs.send(new logs.DescribeMetricFiltersCommand({}));
    const { Topics: topics = [] } = await clients.sns.send(new sns.ListTopicsCommand({}));
    const { Subscriptions: subscriptions = [] } = await clients.sns.send(new sns.ListSubscriptionsCommand({}));
    const isOf = (name: string): boolean => name.split('/').slice(1, -2).join('/') === stack;
    const arn = `arn:aws:sns:${REGION}:${ACCOUNT}:${topicOf(stack)}`;
    return [
      ...alarms.flatMap(({ AlarmName = '' }) => (isOf(AlarmName) ? [AlarmName] : [])),
      ...metricFilters.flatMap(({ filterName = '' }) => (isOf(filterName) ? [`filter ${filterName}`] : [])),
      ...topics.flatMap(({ TopicArn }) => (TopicArn === arn ? ['topic'] : [])),
      ...subscriptions.flatMap(({ TopicArn, Endpoint }) => (TopicArn === arn ? [Endpoint!] : [])),
    ].sort();
  };
  const all = (stack: string): string[] => ['a@example.com', nameOf(stack, 'a'), nameOf(stack, 'prod'), 'topic'];

  test('does not show are not removed, whichever reading is denied', async () => {
    const stack = 'test/unread';
    expect((await run({ stack, body: some(stack) })).code).toBe(0);
    await leaveFilter(stack);
    const before = await held(stack);
    const reads = [
      'DescribeAlarms',
      'DescribeMetricFilters',
      'GetTopicAttributes',
      'ListSubscriptionsByTopic',
      'ListTagsForResource',
      'ListTopics',
    ];
    aws.forget();
    for (const read of reads) {
      const { code, stdout, stderr } = await during(stack, ({ operation }) => (operation === read ? 'access-denied' : undefined), {
        body: none,
      });
      expect([read, code, stdout + stderr]).toEqual([read, 1, expect.stringContaining(read)]);
    }
    expect([writesOf(stack), await held(stack)]).toEqual([[], before]);
  });

  test('denies one by one are made and removed by the next run', async () => {
    const making = ['CreateTopic', 'Subscribe', 'PutMetricAlarm'];
    const removing = ['DeleteMetricFilter', 'DeleteAlarms', 'DeleteTopic'];
    const seen = await Promise.all(
      [0, 1, 2].map(async (index) => {
        const stack = `test/denied${index}`;
        const denying = (denied: string) => (call: AwsCall) => (call.operation === denied ? 'access-denied' : undefined);
        const first = await during(stack, denying(making[index]!), { body: some(stack) });
        const second = await run({ stack, body: some(stack) });
        const made = await held(stack);
        await leaveFilter(stack);
        const third = await during(stack, denying(removing[index]!), { body: none });
        const left = (await held(stack)).length;
        const fourth = await run({ stack, body: none });
        return { codes: [first, second, third, fourth].map(({ code }) => code), made, left: left > 0, after: await held(stack) };
      }),
    );
    expect(seen.map(({ codes: [first, second, third, fourth] }) => [first !== 0, second, third !== 0, fourth])).toEqual([
      [true, 0, true, 0],
      [true, 0, true, 0],
      [true, 0, true, 0],
    ]);
    expect(seen.map(({ codes }) => codes.filter((code) => code !== 0))).toEqual([
      [1, 5],
      [5, 5],
      [5, 5],
    ]);
    expect(seen.map(({ made, left, after }, index) => ({ made, left, after, index }))).toEqual(
      [0, 1, 2].map((index) => ({ made: all(`test/denied${index}`), left: true, after: [], index })),
    );
  });

  test('throttles, and loses the answers of, are made once', async () => {
    const stack = 'test/slow';
    const struck = new Set<string>();
    const first = (call: AwsCall): AwsFault | undefined => {
      const key = JSON.stringify([call.operation, call.input]);
      if (call.service === 'rds' || call.service === 'sts' || struck.has(key)) return undefined;
      struck.add(key);
      return WRITES.test(call.operation) ? 'reset-after' : 'throttle';
    };
    const { code } = await during(stack, first, { body: some(stack) });
    expect([code, await held(stack)]).toEqual([0, all(stack)]);
  });

  test('has under names that begin alike stay with their stacks', async () => {
    const [outer, inner] = ['test/alike', 'test/alike/prod'];
    await run({ stack: outer, body: some(outer) });
    await run({ stack: inner, body: some(inner) });
    await Promise.all([leaveFilter(outer), leaveFilter(inner)]);
    const before = await held(inner);
    const gone = await run({ stack: outer, body: some(outer), command: 'destroy' });
    expect([gone.code, await held(outer), await held(inner)]).toEqual([0, [], before]);
  });

  test('has of others keep the topic that they tell, and nobody asks whose they are', async () => {
    const stack = 'test/told';
    const arn = `arn:aws:sns:${REGION}:${ACCOUNT}:${topicOf(stack)}`;
    await run({ stack, body: some(stack) });
    await clients.cw.send(
      new cw.PutMetricAlarmCommand({
        AlarmName: 'cpu',
        Namespace: 'AWS/RDS',
        MetricName: 'CPUUtilization',
        Statistic: 'Average',
        Period: 60,
        EvaluationPeriods: 1,
        Threshold: 90,
        ComparisonOperator: 'GreaterThanThreshold',
        AlarmActions: [arn],
      }),
    );
    aws.forget();
    const kept = await run({ stack, body: some(stack), command: 'destroy' });
    expect([kept.code, kept.stdout, await held(stack)]).toEqual([
      5,
      expect.stringContaining("is told by 'cpu'"),
      ['a@example.com', 'topic'],
    ]);
    expect(
      aws.calls().filter(({ operation, input }) => operation === 'ListTagsForResource' && /cpu$/.test(String(input.ResourceARN))),
    ).toEqual([]);
    await clients.cw.send(new cw.DeleteAlarmsCommand({ AlarmNames: ['cpu'] }));
    const gone = await run({ stack, body: some(stack), command: 'destroy' });
    expect([gone.code, await held(stack)]).toEqual([0, []]);
    expect(aws.violations()).toEqual([]);
  });
});
