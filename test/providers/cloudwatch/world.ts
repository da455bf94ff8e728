import type { Alarm, DeclaredAlarm, DeclaredSubscription, LogFilter, WatchedServer } from '../../../src/model/alarm.ts';
import type { Declared } from '../../../src/model/declared.ts';
import type { Step } from '../../../src/model/plan.ts';
import { alarmKey, filterKey, parseTopic, STACK } from '../../../src/providers/cloudwatch/names.ts';
import type { FoundAlarm, FoundTopic, Snapshot } from '../../../src/providers/cloudwatch/snapshot.ts';
import { declaredOf, targetOf } from '../declared.ts';

export const ACCOUNT = '123456789012';
export const REGION = 'eu-central-1';
const SOURCE = { file: 'access.yaml', line: 1, column: 1 };

/** An alarm of the manifest, and what is different about it. */
export const watch = (rest: Partial<DeclaredAlarm> = {}): DeclaredAlarm => ({
  name: 'failed-logins',
  target: 'billing',
  of: 'log',
  threshold: 1,
  periodSeconds: 60,
  topic: null,
  source: SOURCE,
  ...rest,
});

export const mail = (topic: string, address: string): DeclaredSubscription => ({ topic, address, source: SOURCE });

/** A server that logs and exports all that is needed. */
export const server = (rest: Partial<WatchedServer> = {}): WatchedServer => ({
  kind: 'cluster',
  identifier: 'billing-prod',
  partition: 'aws',
  region: REGION,
  account: ACCOUNT,
  engine: 'aurora-mysql',
  logExports: ['error', 'postgresql'],
  logging: { logged: true },
  ...rest,
});

/** What a manifest comes to that has these alarms; every target that they name is the same kind of server by another name. */
export const declared = (
  alarms: readonly DeclaredAlarm[],
  subscriptions: readonly DeclaredSubscription[] = [],
  servers: Readonly<Record<string, WatchedServer>> = {},
): Declared => {
  const all = new Map(alarms.map(({ target }) => [target, servers[target] ?? server({ identifier: `${target}-prod` })]));
  const regions = [...new Set([REGION, ...[...all.values()].map(({ region }) => region)])].sort();
  return {
    ...declaredOf(targetOf({ name: 'alarms', engine: 'cloudwatch', endpoint: { kind: 'aws' } })),
    alarms: { account: null, alarms, subscriptions, servers: all, regions, alsoIn: [] },
  };
};

/** An account without anything but log groups, which are there for every server. */
export const snapshot = (rest: Partial<Snapshot> = {}): Snapshot => ({
  partition: 'aws',
  account: ACCOUNT,
  caller: `arn:aws:iam::${ACCOUNT}:role/rolecall`,
  topics: new Map(),
  absentTopics: new Set(),
  toldKeys: new Map(),
  alarms: new Map(),
  filters: new Map(),
  logGroups: { has: () => true } as unknown as ReadonlySet<string>,
  manyTopics: new Map(),
  ...rest,
});

/** The state of AWS after a call, by what its API references say of it. Nothing is ever said of whoever has not confirmed. */
export const after = (before: Snapshot, step: Step, confirmed = false): Snapshot => {
  const { operation, input, region = '' } = step.call!;
  const { topics, alarms, filters } = { topics: new Map(before.topics), alarms: new Map(before.alarms), filters: new Map(before.filters) };
  const arn = String(input.TopicArn ?? `arn:aws:sns:${region}:${ACCOUNT}:${input.Name}`);
  const topic = topics.get(arn);
  const must = <T>(value: T | undefined, what: string): T => {
    if (value === undefined) throw new Error(`${operation}: there is no ${what}`);
    return value;
  };
  switch (operation) {
    case 'CreateTopic':
      topics.set(arn, made(arn, tagOf(input), JSON.parse(String((input.Attributes as Record<string, string>).Policy))));
      break;
    case 'SetTopicAttributes':
      topics.set(arn, { ...must(topic, arn), policy: JSON.parse(String(input.AttributeValue)) });
      break;
    case 'Subscribe': {
      const one = { arn: confirmed ? `${arn}:${input.Endpoint}` : null, protocol: String(input.Protocol), address: String(input.Endpoint) };
      topics.set(arn, { ...must(topic, arn), subscriptions: [...topic!.subscriptions, one] });
      break;
    }
    case 'Unsubscribe': {
      const of = [...topics.values()].find(({ subscriptions }) => subscriptions.some((one) => one.arn === input.SubscriptionArn));
      const left = must(of, 'such subscription').subscriptions.filter((one) => one.arn !== input.SubscriptionArn);
      topics.set(of!.arn, { ...of!, subscriptions: left });
      break;
    }
    case 'DeleteTopic':
      must(topic, arn);
      topics.delete(arn);
      break;
    case 'PutMetricFilter': {
      const [to] = input.metricTransformations as Record<string, string | number>[];
      const one: LogFilter = {
        name: String(input.filterName),
        region,
        logGroup: String(input.logGroupName),
        pattern: String(input.filterPattern),
        namespace: String(to!.metricNamespace),
        metric: String(to!.metricName),
        value: String(to!.metricValue),
        otherwise: (to!.defaultValue as number | undefined) ?? null,
      };
      filters.set(filterKey(one), one);
      break;
    }
    case 'DeleteMetricFilter': {
      const key = filterKey({ name: String(input.filterName), logGroup: String(input.logGroupName), region });
      must(filters.get(key), key);
      filters.delete(key);
      break;
    }
    case 'PutMetricAlarm': {
      const one = alarmOf(input, region);
      const known = alarms.get(alarmKey(one));
      const others = Object.fromEntries(Object.entries(input).filter(([name]) => /^(OK|InsufficientData)Actions$/.test(name)));
      alarms.set(alarmKey(one), { alarm: one, stack: known ? known.stack : tagOf(input), others });
      break;
    }
    case 'DeleteAlarms': {
      const key = alarmKey({ name: (input.AlarmNames as string[])[0]!, region });
      must(alarms.get(key), key);
      alarms.delete(key);
      break;
    }
    default:
      throw new Error(`nobody expected ${operation}`);
  }
  return { ...before, topics, alarms, filters };
};

type Input = Readonly<Record<string, unknown>>;

const tagOf = ({ Tags = [] }: Input): string | null =>
  (Tags as { readonly Key: string; readonly Value: string }[]).find(({ Key }) => Key === STACK)?.Value ?? null;

const alarmOf = (input: Input, region: string): Alarm => ({
  name: String(input.AlarmName),
  region,
  description: String(input.AlarmDescription),
  namespace: String(input.Namespace),
  metric: String(input.MetricName),
  dimensions: Object.fromEntries(
    ((input.Dimensions ?? []) as { readonly Name: string; readonly Value: string }[]).map(({ Name, Value }) => [Name, Value]),
  ),
  statistic: String(input.Statistic),
  comparison: String(input.ComparisonOperator),
  threshold: Number(input.Threshold),
  periodSeconds: Number(input.Period),
  periods: Number(input.EvaluationPeriods),
  periodsOver: Number(input.DatapointsToAlarm),
  missing: String(input.TreatMissingData),
  enabled: input.ActionsEnabled === true,
  actions: (input.AlarmActions ?? []) as string[],
});

const made = (arn: string, stack: string | null, policy: unknown): FoundTopic => ({
  ...parseTopic(arn)!,
  arn,
  stack,
  policy,
  subscriptions: [],
});

/** A topic as somebody made it. */
export const topic = (name: string, rest: Partial<FoundTopic> = {}): readonly [string, FoundTopic] => {
  const arn = `arn:aws:sns:${rest.region ?? REGION}:${ACCOUNT}:${name}`;
  return [arn, { ...made(arn, 'acme/access', {}), ...rest }];
};

/** An alarm as somebody made it. */
export const found = (name: string, stack: string | null, rest: Partial<Alarm> = {}): readonly [string, FoundAlarm] => {
  const one = { ...alarmOf({ AlarmName: name, ActionsEnabled: true }, REGION), ...rest };
  return [alarmKey(one), { alarm: one, stack, others: {} }];
};
