import type { Subscription, Topic } from '../../model/alarm.ts';
import type { Cause } from '../../model/change.ts';
import type { Declared } from '../../model/declared.ts';
import { byCodeUnit } from '../../model/key.ts';
import type { About, Normal, State } from '../../model/normal.ts';
import { named } from '../named.ts';
import { type Desired, desiredOf, type Wanted } from './desired.ts';
import { findingsOf } from './findings.ts';
import { subscriptionKey, topicArn, topicKey } from './names.ts';
import { policyText, topicPolicy } from './policy.ts';
import type { FoundTopic, Snapshot } from './snapshot.ts';

/**
 * Topics, subscriptions, filters and alarms of ours as they are and as they shall be; nothing of anybody else's is compared. Nothing of
 * this expires: with `only` there is nothing to do.
 */
export const normalize = (snapshot: Snapshot, declared: Declared, only?: Cause): Normal => {
  const reality = { roles: new Map(), memberships: [], objects: [] };
  if (only !== undefined) return { actual: {}, desired: {}, about: new Map(), reality, findings: [], matches: [] };
  const desired = desiredOf(snapshot, declared);
  const own = ownTopics(snapshot, declared);
  const actual = {
    topic: new Map(own.map((topic) => [topicKey(topic), actualTopic(topic, snapshot)])),
    subscription: actualSubscriptions(own, desired),
    log_filter: snapshot.filters,
    alarm: new Map([...snapshot.alarms].flatMap(([key, { alarm, stack }]) => (stack === declared.stack ? [[key, alarm] as const] : []))),
  };
  return {
    actual,
    desired: {
      topic: bodies(desired.topics),
      subscription: bodies(desired.subscriptions),
      log_filter: bodies(desired.filters),
      alarm: bodies(desired.alarms),
    },
    about: aboutOf(actual, desired, own),
    reality,
    findings: findingsOf(snapshot, declared, desired),
    matches: [],
  };
};

const bodies = <Body>(wanted: Wanted<Body>): ReadonlyMap<string, Body> => new Map([...wanted].map(([key, { body }]) => [key, body]));

const ownTopics = ({ topics }: Snapshot, { stack }: Declared): readonly FoundTopic[] =>
  [...topics.values()].filter((topic) => topic.stack === stack).sort((a, b) => byCodeUnit(topicKey(a), topicKey(b)));

const actualTopic = ({ name, region, policy }: FoundTopic, snapshot: Snapshot): Topic => ({
  name,
  region,
  policy: policyText(policy, topicPolicy(topicArn({ name, region }, snapshot), snapshot.account)),
});

/** Mail addresses alone. One that nobody asked for and nobody confirmed ends by itself, or with its topic: no call ends it. */
const actualSubscriptions = (own: readonly FoundTopic[], desired: Desired): ReadonlyMap<string, Subscription> =>
  new Map(
    own.flatMap((topic) =>
      topic.subscriptions.flatMap(({ arn, protocol, address }) => {
        if (protocol !== 'email') return [];
        const subscription = { topic: topic.name, region: topic.region, address };
        const key = subscriptionKey(subscription);
        const lapses = arn === null && !desired.subscriptions.has(key) && (desired.topics.has(topicKey(topic)) || isHeld(topic));
        return lapses ? [] : [[key, subscription] as const];
      }),
    ),
  );

/** Somebody else is told by it, or tells it: what is not ours would go with it. */
const isHeld = (topic: FoundTopic): boolean => holdersOf(topic).length > 0;

const holdersOf = ({ name, subscriptions, foreignAlarms = [] }: FoundTopic): readonly string[] => {
  const others = subscriptions.filter(({ protocol }) => protocol !== 'email').map(({ protocol, address }) => `${protocol} ${address}`);
  return [
    ...(others.length > 0 ? [`topic '${name}' also tells ${named(others)}`] : []),
    ...(foreignAlarms.length > 0 ? [`topic '${name}' is told by ${named(foreignAlarms)}`] : []),
  ];
};

/** Where each change is written, that it comes from what is no longer declared, and what stands in its way. */
const aboutOf = (actual: State, desired: Desired, own: readonly FoundTopic[]): ReadonlyMap<string, About> => {
  const about = new Map<string, About>();
  const wanted = { topic: desired.topics, subscription: desired.subscriptions, log_filter: desired.filters, alarm: desired.alarms };
  for (const kind of ['topic', 'subscription', 'log_filter', 'alarm'] as const) {
    for (const key of actual[kind]?.keys() ?? []) about.set(`${kind} ${key}`, { cause: 'absent' });
    for (const [key, { source }] of wanted[kind]) about.set(`${kind} ${key}`, { source });
  }
  for (const topic of own) {
    const key = topicKey(topic);
    if (desired.topics.has(key) || !isHeld(topic)) continue;
    about.set(`topic ${key}`, { cause: 'absent', blocked: `${holdersOf(topic).join(', and ')}, which is not ours` });
  }
  return about;
};
