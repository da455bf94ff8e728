import type * as CloudWatch from '@aws-sdk/client-cloudwatch';
import type * as Logs from '@aws-sdk/client-cloudwatch-logs';
import type { Alarm, LogFilter } from '../../model/alarm.ts';
import { byCodeUnit } from '../../model/key.ts';

/*
 * What AWS answers, in our words. What we have no word for and never set shows beside what it changes the meaning of: it is a difference
 * then, and the call that puts the whole in place takes it away.
 */

/** An alarm of CloudWatch. A unit that it is kept to shows beside the statistic: with one, it may see nothing of its metric. */
export const alarmFound = (one: CloudWatch.MetricAlarm, region: string): Alarm => ({
  name: one.AlarmName ?? '',
  region,
  description: one.AlarmDescription ?? '',
  namespace: one.Namespace ?? '',
  metric: one.MetricName ?? '',
  dimensions: Object.fromEntries((one.Dimensions ?? []).map(({ Name = '', Value = '' }) => [Name, Value])),
  statistic: [one.Statistic ?? one.ExtendedStatistic ?? '', ...(one.Unit ? [`of ${one.Unit}`] : [])].join(' '),
  comparison: one.ComparisonOperator ?? '',
  threshold: one.Threshold ?? 0,
  periodSeconds: one.Period ?? 0,
  periods: one.EvaluationPeriods ?? 0,
  periodsOver: one.DatapointsToAlarm ?? one.EvaluationPeriods ?? 0,
  missing: one.TreatMissingData ?? 'missing',
  enabled: one.ActionsEnabled ?? true,
  actions: [...(one.AlarmActions ?? [])],
});

/**
 * A metric filter, which has one transformation (CloudWatch Logs API Reference, PutMetricFilter). One that is kept to some lines counts
 * fewer, and one with units or dimensions another metric than the alarm's.
 */
export const filterFound = (found: Logs.MetricFilter, region: string): LogFilter => {
  const [to] = found.metricTransformations ?? [];
  const dimensions = { ...Object.fromEntries((found.emitSystemFieldDimensions ?? []).map((name) => [name, name])), ...to?.dimensions };
  return {
    name: found.filterName ?? '',
    region,
    logGroup: found.logGroupName ?? '',
    pattern: together(found.filterPattern, [
      found.fieldSelectionCriteria && `where ${found.fieldSelectionCriteria}`,
      found.applyOnTransformedLogs && 'of transformed lines',
    ]),
    namespace: to?.metricNamespace ?? '',
    metric: together(to?.metricName, [
      to?.unit && to.unit !== 'None' && `of ${to.unit}`,
      ...Object.entries(dimensions)
        .sort(([a], [b]) => byCodeUnit(a, b))
        .map(([name, value]) => `by ${name}=${value}`),
    ]),
    value: to?.metricValue ?? '',
    otherwise: to?.defaultValue ?? null,
  };
};

const together = (text = '', beside: readonly (string | false | undefined)[]): string =>
  [text, ...beside.filter((one) => typeof one === 'string' && one !== '')].join(' ');
