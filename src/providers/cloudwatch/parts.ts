import type * as CloudWatch from '@aws-sdk/client-cloudwatch';
import type * as Logs from '@aws-sdk/client-cloudwatch-logs';
import type * as Sns from '@aws-sdk/client-sns';
import type { LogFilter } from '../../model/alarm.ts';
import { codeOf } from '../aws-trouble.ts';
import { each } from '../lanes.ts';
import type { Connected, Part } from './connect.ts';
import { alarmFound, filterFound } from './found.ts';
import { parseTopic, STACK } from './names.ts';
import type { FoundAlarm, FoundTopic } from './snapshot.ts';

/** Everything of a list that comes in pages; the mark of the next page has this name on both sides. */
export const listAll = async <Item>(
  { call }: Connected,
  [part, region, operation]: readonly [Part, string, string],
  input: Readonly<Record<string, unknown>>,
  itemsOf: (page: never) => readonly Item[] | undefined,
): Promise<Item[]> => {
  const mark = part === 'logs' ? 'nextToken' : 'NextToken';
  const items: Item[] = [];
  for (let next: unknown; ; ) {
    const page = (await call(part, region, operation, { ...input, ...(next ? { [mark]: next } : {}) })) as Readonly<
      Record<string, unknown>
    >;
    items.push(...(itemsOf(page as never) ?? []));
    next = page[mark];
    if (!next) return items;
  }
};

/** null: there is no such thing. */
const orNothing = async <T>(read: () => Promise<T>): Promise<T | null> => {
  try {
    return await read();
  } catch (error) {
    if (isGone(error)) return null;
    throw error;
  }
};

/** SNS and CloudWatch Logs have different words for it. */
export const isGone = (error: unknown): boolean => /^(NotFound|ResourceNotFound)$/.test(codeOf(error));

/** The stack whose mark a topic or an alarm has; null: none, or there is no such thing. */
export const stackOf = async ({ call }: Connected, part: 'cloudwatch' | 'sns', region: string, arn: string): Promise<string | null> =>
  await orNothing(async () => {
    const input = part === 'sns' ? { ResourceArn: arn } : { ResourceARN: arn };
    const { Tags } = (await call(part, region, 'ListTagsForResource', input)) as Sns.ListTagsForResourceCommandOutput;
    return Tags?.find(({ Key }) => Key === STACK)?.Value ?? null;
  });

/** A topic with those who are told by it; null: there is none. */
export const readTopic = async (connected: Connected, arn: string, stack?: string | null): Promise<FoundTopic | null> =>
  await orNothing(async () => {
    const { name, region } = parseTopic(arn)!;
    const { Policy, KmsMasterKeyId: key } = await attributesOf(connected, arn);
    const listed = await listAll(
      connected,
      ['sns', region, 'ListSubscriptionsByTopic'],
      { TopicArn: arn },
      (page: Sns.ListSubscriptionsByTopicCommandOutput) => page.Subscriptions,
    );
    return {
      arn,
      name,
      region,
      stack: stack === undefined ? await stackOf(connected, 'sns', region, arn) : stack,
      policy: parsed(Policy),
      ...(key ? { key } : {}),
      // One that was ended stands in the list for a while.
      subscriptions: listed.flatMap(({ SubscriptionArn: own = '', Protocol: protocol = '', Endpoint: address = '' }) =>
        own === 'Deleted' ? [] : [{ arn: own.startsWith('arn:') ? own : null, protocol, address }],
      ),
    };
  });

/** The key of a topic that is only told; null: it has none, or there is no such topic. */
export const keyOf = async (connected: Connected, arn: string): Promise<string | null> =>
  await orNothing(async () => (await attributesOf(connected, arn)).KmsMasterKeyId || null);

const attributesOf = async ({ call }: Connected, arn: string): Promise<Readonly<Record<string, string | undefined>>> => {
  const { region } = parseTopic(arn)!;
  return ((await call('sns', region, 'GetTopicAttributes', { TopicArn: arn })) as Sns.GetTopicAttributesCommandOutput).Attributes ?? {};
};

/** The subscriptions of a topic, those by mail with the policy that narrows what they get; no list has it. */
export const withFilters = async ({ call }: Connected, topic: FoundTopic): Promise<FoundTopic> => {
  const subscriptions = await each(topic.subscriptions, async (one) => {
    if (one.arn === null || one.protocol !== 'email') return one;
    const input = { SubscriptionArn: one.arn };
    const answer = await orNothing(
      async () => (await call('sns', topic.region, 'GetSubscriptionAttributes', input)) as Sns.GetSubscriptionAttributesCommandOutput,
    );
    const { FilterPolicy: filter = '{}' } = answer?.Attributes ?? {};
    return filter === '' || filter === '{}' ? one : { ...one, filter };
  });
  return { ...topic, subscriptions };
};

const parsed = (text: string | undefined): unknown => {
  try {
    return JSON.parse(text ?? 'null');
  } catch {
    return null;
  }
};

/** By the beginning of their names, by whole names, or by the beginning of an ARN that they tell. */
type Which = { readonly AlarmNamePrefix: string } | { readonly AlarmNames: readonly string[] } | { readonly ActionPrefix: string };

/** Alarms of a region, whoever made them. */
export const listAlarms = async (
  connected: Connected,
  region: string,
  which: Which,
): Promise<readonly (CloudWatch.MetricAlarm & CloudWatch.CompositeAlarm)[]> => {
  type Page = CloudWatch.DescribeAlarmsCommandOutput;
  return await listAll(
    connected,
    ['cloudwatch', region, 'DescribeAlarms'],
    { ...which, AlarmTypes: ['MetricAlarm', 'CompositeAlarm'] },
    ({ MetricAlarms = [], CompositeAlarms = [] }: Page) => [...MetricAlarms, ...CompositeAlarms],
  );
};

/** Alarms under our names, with whose they are. */
export const readAlarms = async (connected: Connected, region: string, which: Which): Promise<readonly FoundAlarm[]> =>
  await each(await listAlarms(connected, region, which), async (one) => ({
    alarm: alarmFound(one, region),
    stack: await stackOf(connected, 'cloudwatch', region, one.AlarmArn ?? ''),
    others: {
      ...(one.OKActions?.length ? { OKActions: one.OKActions } : {}),
      ...(one.InsufficientDataActions?.length ? { InsufficientDataActions: one.InsufficientDataActions } : {}),
    },
  }));

/** Metric filters of a region by the beginning of their names, of all log groups or of one. */
export const readFilters = async (
  connected: Connected,
  region: string,
  which: { readonly filterNamePrefix: string; readonly logGroupName?: string },
): Promise<readonly LogFilter[]> =>
  (await orNothing(
    async () =>
      await listAll(
        connected,
        ['logs', region, 'DescribeMetricFilters'],
        which,
        ({ metricFilters = [] }: Logs.DescribeMetricFiltersCommandOutput) => metricFilters.map((filter) => filterFound(filter, region)),
      ),
  )) ?? [];
