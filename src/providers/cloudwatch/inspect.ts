import type * as CloudWatch from '@aws-sdk/client-cloudwatch';
import type * as Logs from '@aws-sdk/client-cloudwatch-logs';
import type * as Sns from '@aws-sdk/client-sns';
import type { Declared } from '../../model/declared.ts';
import { byCodeUnit, distinct } from '../../model/key.ts';
import { each } from '../lanes.ts';
import type { Inspection } from '../provider.ts';
import { type Connected, connect } from './connect.ts';
import { desiredOf } from './desired.ts';
import { alarmKey, filterKey, isOurName, parseTopic, prefixOf, topicArn } from './names.ts';
import { keyOf, listAlarms, listAll, readAlarms, readFilters, readTopic, stackOf, withFilters } from './parts.ts';
import type { FoundAlarm, FoundTopic, Snapshot } from './snapshot.ts';

/** Reads what is ours in each region, and what stands where something of ours shall be. */
export const inspect = async ({ declared, timeouts }: Inspection): Promise<Snapshot> => {
  const connected = await connect(declared, timeouts);
  try {
    const { partition, account, caller } = connected;
    const regions = await Promise.all(declared.alarms!.regions.map((region) => inspectRegion(connected, region, declared)));
    return {
      partition,
      account,
      caller,
      topics: new Map(regions.flatMap(({ topics }) => topics.map((topic) => [topic.arn, topic] as const))),
      toldKeys: new Map(regions.flatMap(({ keys }) => keys)),
      absentTopics: new Set(regions.flatMap(({ absent }) => absent)),
      alarms: new Map(regions.flatMap(({ alarms }) => alarms.map((found) => [alarmKey(found.alarm), found] as const))),
      filters: new Map(regions.flatMap(({ filters }) => filters.map((filter) => [filterKey(filter), filter] as const))),
      logGroups: new Set(regions.flatMap(({ logGroups }) => logGroups)),
      manyTopics: new Map(regions.flatMap(({ region, many }) => (many === null ? [] : [[region, many] as const]))),
    };
  } finally {
    connected.close();
  }
};

const inspectRegion = async (connected: Connected, region: string, declared: Declared) => {
  const [alarms, filters, logGroups] = await Promise.all([
    readAlarms(connected, region, { AlarmNamePrefix: prefixOf(declared) }),
    readFilters(connected, region, { filterNamePrefix: prefixOf(declared) }),
    groupsThere(connected, region, declared),
  ]);
  const { topics, absent, keys, many } = await readTopics(connected, region, declared, alarms);
  return { region, alarms, filters: filters.filter(({ name }) => isOurName(name, declared)), logGroups, topics, absent, keys, many };
};

/** So many topics are asked whose they are that nobody else's alarms speak of; SNS answers ten in a second. */
const ASKED = 200;

/**
 * Topics that the manifest names, those that alarms under our names tell, and of the others those with our mark: only a tag says whose a
 * topic is.
 */
const readTopics = async (connected: Connected, region: string, declared: Declared, alarms: readonly FoundAlarm[]) => {
  const listed = await listAll(connected, ['sns', region, 'ListTopics'], {}, ({ Topics }: Sns.ListTopicsCommandOutput) => Topics);
  const there = distinct(listed.flatMap(({ TopicArn }) => TopicArn ?? []));
  const wanted = [...desiredOf(connected, declared).topics.values()].map(({ body }) => topicArn(body, connected));
  const ringing = alarms.flatMap(({ alarm }) => alarm.actions).filter((arn) => parseTopic(arn) !== null);
  const arns = declared.alarms!.alarms.flatMap(({ topic }) => (topic !== null && parseTopic(topic)?.region === region ? [topic] : []));
  const named = new Set([...wanted, ...ringing, ...arns]);
  const others = there.filter((arn) => !named.has(arn));
  const asked = [...there.filter((arn) => named.has(arn)), ...others.slice(0, ASKED)];
  const marked = await each(asked, async (arn) => ({ arn, stack: await stackOf(connected, 'sns', region, arn) }));
  const topics = await each(
    marked.filter(({ arn, stack }) => stack === declared.stack || wanted.includes(arn)),
    async ({ arn, stack }) => await readTopic(connected, arn, stack),
  );
  const own = new Set(alarms.flatMap(({ alarm, stack }) => (stack === declared.stack ? [alarm.name] : [])));
  const found = topics.filter((topic): topic is FoundTopic => topic !== null);
  const told = distinct(arns).filter((arn) => there.includes(arn));
  const keys = await each(told, async (arn) => [arn, await keyOf(connected, arn)] as const);
  return {
    topics: await each(
      found,
      async (topic) => await (wanted.includes(topic.arn) ? withFilters(connected, topic) : withForeignAlarms(connected, topic, own)),
    ),
    keys: keys.flatMap(([arn, key]) => (key === null ? [] : [[arn, key] as const])),
    absent: arns.filter((arn) => !there.includes(arn)),
    many: others.length > ASKED ? there.length : null,
  };
};

/** Whoever knows a topic's ARN may tell it: what goes with it is asked for before it goes. Tags are read of alarms under our names alone. */
const withForeignAlarms = async (connected: Connected, topic: FoundTopic, own: ReadonlySet<string>): Promise<FoundTopic> => {
  const telling = await listAlarms(connected, topic.region, { ActionPrefix: topic.arn });
  const foreign = telling.filter((one) => !own.has(one.AlarmName ?? '') && actionsOf(one).includes(topic.arn));
  return { ...topic, foreignAlarms: foreign.map(({ AlarmName = '' }) => AlarmName) };
};

const actionsOf = ({ AlarmActions = [], OKActions = [], InsufficientDataActions = [] }: CloudWatch.MetricAlarm): readonly string[] => [
  ...AlarmActions,
  ...OKActions,
  ...InsufficientDataActions,
];

/** Of the log groups that the manifest is about, those that are there. */
const groupsThere = async (connected: Connected, region: string, declared: Declared): Promise<readonly string[]> => {
  const filters = [...desiredOf(connected, declared).filters.values()].filter(({ body }) => body.region === region);
  const wanted = distinct(filters.map(({ body }) => body.logGroup)).sort(byCodeUnit);
  const found = await each(wanted, async (name) => {
    // Sorted by name: the name itself comes before all that begin with it.
    const input = { logGroupNamePrefix: name, limit: 1 };
    const { logGroups = [] } = (await connected.call('logs', region, 'DescribeLogGroups', input)) as Logs.DescribeLogGroupsCommandOutput;
    return logGroups.some(({ logGroupName }) => logGroupName === name) ? [`${region} ${name}`] : [];
  });
  return found.flat();
};
