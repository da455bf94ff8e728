import type { Declared } from '../../model/declared.ts';
import { each } from '../lanes.ts';
import type { Execution } from '../provider.ts';
import type { Connected } from './connect.ts';
import { alarmKey, filterKey, topicArn } from './names.ts';
import { readAlarms, readFilters, readTopic } from './parts.ts';
import type { Snapshot } from './snapshot.ts';

type Part<Body> = readonly (readonly [string, Body | null])[];

/** The snapshot with everything that the calls were about as it is now. */
export const refreshed = async (
  connected: Connected,
  { snapshot, steps }: Pick<Execution<Snapshot>, 'snapshot' | 'steps'> & { readonly declared: Declared },
): Promise<Snapshot> => {
  const calls = steps.map(({ call }) => ({ region: call!.region!, input: call!.input }));
  const topics = new Set(calls.flatMap(({ region, input }) => arnOf(region, input, connected)));
  const alarms = new Map(
    calls.flatMap(({ region, input }) => alarmIn(input).map((name) => [alarmKey({ name, region }), { name, region }])),
  );
  const filters = new Map(
    calls.flatMap(({ region, input: { filterName, logGroupName } }) => {
      if (typeof filterName !== 'string' || typeof logGroupName !== 'string') return [];
      const filter = { name: filterName, logGroup: logGroupName, region };
      return [[filterKey(filter), filter] as const];
    }),
  );
  const [topicsNow, alarmsNow, filtersNow] = await Promise.all([
    each([...topics], async (arn) => {
      const topic = await readTopic(connected, arn);
      const { foreignAlarms } = snapshot.topics.get(arn) ?? {};
      return [arn, topic && foreignAlarms ? { ...topic, foreignAlarms } : topic] as const;
    }),
    each(
      [...alarms],
      async ([key, { name, region }]) => [key, (await readAlarms(connected, region, { AlarmNames: [name] }))[0] ?? null] as const,
    ),
    each([...filters], async ([key, { name, logGroup, region }]) => {
      const found = await readFilters(connected, region, { filterNamePrefix: name, logGroupName: logGroup });
      return [key, found.find((filter) => filter.name === name) ?? null] as const;
    }),
  ]);
  return {
    ...snapshot,
    topics: replaced(snapshot.topics, topicsNow),
    alarms: replaced(snapshot.alarms, alarmsNow),
    filters: replaced(snapshot.filters, filtersNow),
  };
};

const replaced = <Body>(before: ReadonlyMap<string, Body>, now: Part<Body>): ReadonlyMap<string, Body> => {
  const after = new Map(before);
  for (const [key, body] of now) {
    if (body === null) after.delete(key);
    else after.set(key, body);
  }
  return after;
};

/** The topic that a call is about; a subscription's ARN is that of its topic and an id. */
const arnOf = (region: string, { TopicArn, SubscriptionArn, Name }: Readonly<Record<string, unknown>>, connected: Connected): string[] => {
  if (typeof Name === 'string') return [topicArn({ name: Name, region }, connected)];
  if (typeof TopicArn === 'string') return [TopicArn];
  return typeof SubscriptionArn === 'string' ? [topicOf(SubscriptionArn)] : [];
};

/** The topic of a subscription. */
export const topicOf = (subscription: string): string => subscription.slice(0, subscription.lastIndexOf(':'));

const alarmIn = ({ AlarmName, AlarmNames }: Readonly<Record<string, unknown>>): string[] =>
  Array.isArray(AlarmNames) ? AlarmNames.map(String) : typeof AlarmName === 'string' ? [AlarmName] : [];
