import * as cw from '@aws-sdk/client-cloudwatch';
import * as logs from '@aws-sdk/client-cloudwatch-logs';
import * as sns from '@aws-sdk/client-sns';
import { AwsQueryProtocol } from '@aws-sdk/core/protocols';
import { expect, test } from 'vitest';
import { clientConfig, type Moto } from '../../lab/aws/moto.ts';
import { withMoto } from '../../lab/aws/suite.ts';

const LOG_GROUP = '/aws/rds/cluster/orders/error';
const ALARM = {
  AlarmName: 'a',
  Namespace: 'n',
  MetricName: 'm',
  Statistic: 'Sum',
  Period: 60,
  EvaluationPeriods: 1,
  Threshold: 1,
  ComparisonOperator: 'GreaterThanThreshold',
} as const;

/** What AWS documents of the services that watch, and what the emulator makes of it. */
const observed = async (moto: Moto) => {
  const config = clientConfig(moto);
  const [topics, alarms, filters] = [
    new sns.SNSClient(config),
    new cw.CloudWatchClient({ ...config, protocol: AwsQueryProtocol }),
    new logs.CloudWatchLogsClient(config),
  ];
  const outcome = async (call: Promise<unknown>): Promise<string> =>
    await call.then(
      () => 'done',
      (error: Error) => error.name,
    );
  const tags = (stack: string) => ({ Tags: [{ Key: 'stack', Value: stack }] });
  const { TopicArn } = await topics.send(new sns.CreateTopicCommand({ Name: 't', ...tags('a') }));
  const { SubscriptionArn } = await topics.send(new sns.SubscribeCommand({ TopicArn, Protocol: 'email', Endpoint: 'a@example.com' }));
  const filter = (filterPattern: string, logGroupName = LOG_GROUP) =>
    filters.send(
      new logs.PutMetricFilterCommand({
        filterName: 'f',
        logGroupName,
        filterPattern,
        metricTransformations: [{ metricName: 'm', metricNamespace: 'n', metricValue: '1' }],
      }),
    );
  await filters.send(new logs.CreateLogGroupCommand({ logGroupName: LOG_GROUP }));
  await filter('"a"');
  await filter('"b"');
  await alarms.send(new cw.PutMetricAlarmCommand({ ...ALARM, ...tags('a') }));
  await alarms.send(new cw.PutMetricAlarmCommand({ ...ALARM, ...tags('b') }));
  const { MetricAlarms } = await alarms.send(new cw.DescribeAlarmsCommand({}));
  const { AlarmArn: ResourceARN } = MetricAlarms![0]!;
  const found = {
    'who has not confirmed has no ARN': SubscriptionArn?.startsWith('arn:') === false,
    'and cannot be ended': await outcome(topics.send(new sns.UnsubscribeCommand({ SubscriptionArn: 'PendingConfirmation' }))),
    'another topic of that name': await outcome(topics.send(new sns.CreateTopicCommand({ Name: 't', ...tags('b') }))),
    'patterns of one filter': (await filters.send(new logs.DescribeMetricFiltersCommand({}))).metricFilters?.map(
      (one) => one.filterPattern,
    ),
    'a filter of no log group': await outcome(filter('"a"', '/nowhere')),
    'the end of no filter': await outcome(filters.send(new logs.DeleteMetricFilterCommand({ filterName: 'g', logGroupName: LOG_GROUP }))),
    'the tag of an alarm that is put twice': (await alarms.send(new cw.ListTagsForResourceCommand({ ResourceARN }))).Tags?.[0]?.Value,
    'the end of no alarm': await outcome(alarms.send(new cw.DeleteAlarmsCommand({ AlarmNames: ['b'] }))),
  };
  for (const client of [topics, alarms, filters]) client.destroy();
  return found;
};

// Added by us in moto_watch.py: no evidence by a third party.
withMoto('our corrections of what watches in the AWS emulator', (moto) => {
  test('say what AWS documents', async () => {
    expect(await observed(moto())).toEqual({
      'who has not confirmed has no ARN': true,
      'and cannot be ended': 'InvalidParameterException',
      'another topic of that name': 'InvalidParameterException',
      'patterns of one filter': ['"b"'],
      'a filter of no log group': 'ResourceNotFoundException',
      'the end of no filter': 'ResourceNotFoundException',
      'the tag of an alarm that is put twice': 'a',
      'the end of no alarm': 'ResourceNotFound',
    });
  });
});

withMoto(
  'the AWS emulator as it is',
  (moto) => {
    test('lacks each of them', async () => {
      expect(await observed(moto())).toEqual({
        'who has not confirmed has no ARN': false,
        'and cannot be ended': 'done',
        'another topic of that name': 'done',
        'patterns of one filter': ['"a"', '"b"'],
        'a filter of no log group': 'done',
        'the end of no filter': 'done',
        'the tag of an alarm that is put twice': 'b',
        'the end of no alarm': 'done',
      });
    });
  },
  { unfixed: true },
);
