import type { Alarm, LogFilter } from '../../../model/alarm.ts';
import { byCodeUnit } from '../../../model/key.ts';
import { alarmKey, parseTopic, STACK } from '../names.ts';
import type { Snapshot } from '../snapshot.ts';
import type { Draft, Indexed, Unit } from './draft.ts';

type Work = {
  readonly region: string;
  readonly filters: Draft[];
  readonly alarms: Draft[];
  readonly goneAlarms: Draft[];
  readonly goneFilters: Draft[];
  readonly tells: string[];
};

/** Alarms with the filters that they count by, which have their names: what is counted comes before who counts it, and goes after. */
export const alarmDrafts = (changes: readonly Indexed[], { alarms }: Snapshot, stack: string): readonly Unit[] => {
  const work = new Map<string, Work>();
  const workOf = (one: Pick<Alarm, 'name' | 'region'>): Work => {
    const known = work.get(alarmKey(one)) ?? { region: one.region, filters: [], alarms: [], goneAlarms: [], goneFilters: [], tells: [] };
    work.set(alarmKey(one), known);
    return known;
  };
  for (const { change, index } of changes) {
    if (change.kind === 'log_filter') {
      const of = workOf((change.after ?? change.before)!);
      if (change.after) of.filters.push(filter(change.after, change.before !== null, index));
      else of.goneFilters.push(goneFilter(change.before!, index));
    }
    if (change.kind !== 'alarm') continue;
    const of = workOf((change.after ?? change.before)!);
    if (change.after) {
      of.alarms.push(alarm(change.after, alarms.get(change.key)?.others ?? null, index, stack));
      of.tells.push(...change.after.actions.filter((arn) => parseTopic(arn) !== null));
    } else of.goneAlarms.push(goneAlarm(change.before!, index));
  }
  return [...work].map(([key, one]) => ({
    key,
    region: one.region,
    opening: [...one.filters, ...one.alarms],
    closing: [...one.goneAlarms, ...one.goneFilters],
    tells: one.tells,
  }));
};

const filter = (one: LogFilter, isThere: boolean, index: number): Draft => ({
  operation: 'PutMetricFilter',
  input: {
    logGroupName: one.logGroup,
    filterName: one.name,
    filterPattern: one.pattern,
    metricTransformations: [
      {
        metricName: one.metric,
        metricNamespace: one.namespace,
        metricValue: one.value,
        ...(one.otherwise === null ? {} : { defaultValue: one.otherwise }),
      },
    ],
  },
  region: one.region,
  phase: isThere ? 'alter' : 'create',
  changes: [index],
});

const goneFilter = ({ name, logGroup, region }: LogFilter, index: number): Draft => ({
  operation: 'DeleteMetricFilter',
  input: { logGroupName: logGroup, filterName: name },
  region,
  phase: 'drop',
  changes: [index],
});

/** The whole alarm: what a call leaves out goes back to its default. Tags are taken when it is made, and not later. */
const alarm = (one: Alarm, others: Readonly<Record<string, unknown>> | null, index: number, stack: string): Draft => ({
  operation: 'PutMetricAlarm',
  input: {
    AlarmName: one.name,
    AlarmDescription: one.description,
    Namespace: one.namespace,
    MetricName: one.metric,
    ...(Object.keys(one.dimensions).length === 0
      ? {}
      : {
          Dimensions: Object.entries(one.dimensions)
            .sort(([a], [b]) => byCodeUnit(a, b))
            .map(([Name, Value]) => ({ Name, Value })),
        }),
    Statistic: one.statistic,
    ComparisonOperator: one.comparison,
    Threshold: one.threshold,
    Period: one.periodSeconds,
    EvaluationPeriods: one.periods,
    DatapointsToAlarm: one.periodsOver,
    TreatMissingData: one.missing,
    ActionsEnabled: one.enabled,
    ...(one.actions.length === 0 ? {} : { AlarmActions: one.actions }),
    ...others,
    ...(others === null ? { Tags: [{ Key: STACK, Value: stack }] } : {}),
  },
  region: one.region,
  phase: others === null ? 'create' : 'alter',
  changes: [index],
});

const goneAlarm = ({ name, region }: Alarm, index: number): Draft => ({
  operation: 'DeleteAlarms',
  input: { AlarmNames: [name] },
  region,
  phase: 'drop',
  changes: [index],
});
