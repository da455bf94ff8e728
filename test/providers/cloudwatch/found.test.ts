import type * as CloudWatch from '@aws-sdk/client-cloudwatch';
import type * as Logs from '@aws-sdk/client-cloudwatch-logs';
import { describe, expect, test } from 'vitest';
import { diff } from '../../../src/core/diff.ts';
import { alarmFound, filterFound } from '../../../src/providers/cloudwatch/found.ts';
import { alarmKey, filterKey, topicArn } from '../../../src/providers/cloudwatch/names.ts';
import { normalize } from '../../../src/providers/cloudwatch/normalize.ts';
import { ACCOUNT, declared, REGION, snapshot, watch } from './world.ts';

const NAME = 'rolecall/acme/access/failed-logins/billing';
const wanted = declared([watch({ threshold: 3 })]);
const others = { name: 'x', region: REGION };

/** As AWS answers after our own calls: the fields of its API references, what is left out among them as it shows. */
const ALARM: CloudWatch.MetricAlarm = {
  AlarmName: NAME,
  AlarmDescription: 'Failed logins on billing, watched by rolecall for acme/access',
  ActionsEnabled: true,
  OKActions: [],
  AlarmActions: [],
  InsufficientDataActions: [],
  MetricName: 'failed-logins/billing',
  Namespace: 'Rolecall/acme/access',
  Statistic: 'Sum',
  Dimensions: [],
  Period: 60,
  EvaluationPeriods: 1,
  DatapointsToAlarm: 1,
  Threshold: 3,
  ComparisonOperator: 'GreaterThanOrEqualToThreshold',
  TreatMissingData: 'notBreaching',
};
const TO: Logs.MetricTransformation = {
  metricName: 'failed-logins/billing',
  metricNamespace: 'Rolecall/acme/access',
  metricValue: '1',
  defaultValue: 0,
};
const FILTER: Logs.MetricFilter = {
  filterName: NAME,
  filterPattern: '"Access denied for user"',
  logGroupName: '/aws/rds/cluster/billing-prod/error',
  metricTransformations: [TO],
  applyOnTransformedLogs: false,
};

const changes = (alarm: CloudWatch.MetricAlarm, filter: Logs.MetricFilter) => {
  const [foundAlarm, foundFilter] = [alarmFound(alarm, REGION), filterFound(filter, REGION)];
  const before = snapshot({
    alarms: new Map([[alarmKey(foundAlarm), { alarm: foundAlarm, stack: 'acme/access', others: {} }]]),
    filters: new Map([[filterKey(foundFilter), foundFilter]]),
  });
  return diff(normalize(before, wanted)).map(({ kind, after }) => `${kind} ${after ? 'put right' : 'removed'}`);
};

test('what our calls made is as it shall be', () => {
  expect(changes(ALARM, FILTER)).toEqual([]);
  expect(changes(ALARM, { ...FILTER, metricTransformations: [{ ...TO, unit: 'None', dimensions: {} }] })).toEqual([]);
});

describe('what somebody changes by hand shows, and is put right', () => {
  const alarms: readonly [string, CloudWatch.MetricAlarm][] = [
    ['description', { AlarmDescription: 'mine' }],
    ['actions off', { ActionsEnabled: false }],
    ['whom it tells', { AlarmActions: [topicArn({ ...others, name: 'theirs' }, { partition: 'aws', account: ACCOUNT })] }],
    ['metric', { MetricName: 'x' }],
    ['namespace', { Namespace: 'x' }],
    ['statistic', { Statistic: 'Maximum' }],
    ['percentile', { Statistic: undefined, ExtendedStatistic: 'p99' }],
    ['unit', { Unit: 'Seconds' }],
    ['dimensions', { Dimensions: [{ Name: 'a', Value: 'b' }] }],
    ['period', { Period: 300 }],
    ['periods', { EvaluationPeriods: 2 }],
    ['periods over', { EvaluationPeriods: 2, DatapointsToAlarm: 2 }],
    ['threshold', { Threshold: 3.5 }],
    ['comparison', { ComparisonOperator: 'LessThanThreshold' }],
    ['without data', { TreatMissingData: 'ignore' }],
    [
      'an expression in its place',
      { MetricName: undefined, Namespace: undefined, Statistic: undefined, Period: undefined, Metrics: [{ Id: 'e1', Expression: '0' }] },
    ],
  ];
  test.each(alarms)('of an alarm: %s', (_, change) => {
    expect(changes({ ...ALARM, ...change } as CloudWatch.MetricAlarm, FILTER)).toEqual(['alarm put right']);
  });

  const to = (change: Partial<Logs.MetricTransformation>): Logs.MetricFilter => ({ metricTransformations: [{ ...TO, ...change }] });
  const filters: readonly [string, Logs.MetricFilter][] = [
    ['pattern', { filterPattern: '"nothing"' }],
    ['no pattern', { filterPattern: undefined }],
    ['which lines', { fieldSelectionCriteria: '@aws.region = "us-east-1"' }],
    ['transformed lines', { applyOnTransformedLogs: true }],
    ['fields as dimensions', { emitSystemFieldDimensions: ['@aws.account'] }],
    ['metric', to({ metricName: 'x' })],
    ['namespace', to({ metricNamespace: 'x' })],
    ['value', to({ metricValue: '0' })],
    ['no line', to({ defaultValue: 1 })],
    ['nothing without a line', to({ defaultValue: undefined })],
    ['unit', to({ unit: 'Count' })],
    ['dimensions', to({ dimensions: { user: '$user' } })],
  ];
  test.each(filters)('of a filter: %s', (_, change) => {
    expect(changes(ALARM, { ...FILTER, ...change })).toEqual(['log_filter put right']);
  });
});
