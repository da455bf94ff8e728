import type { Topic } from '../../../model/alarm.ts';
import { STACK, topicArn } from '../names.ts';
import type { Snapshot } from '../snapshot.ts';
import type { Draft, Indexed, Unit } from './draft.ts';

type Work = { readonly region: string; readonly arn: string; readonly opening: Draft[]; readonly ending: Draft[]; topic: Indexed | null };

/** Topics and those who are told by them. A mail address that has not confirmed goes with its topic, and by nothing else. */
export const topicDrafts = (changes: readonly Indexed[], snapshot: Snapshot, stack: string): readonly Unit[] => {
  const work = new Map<string, Work>();
  const workOf = (topic: Pick<Topic, 'name' | 'region'>): Work => {
    const arn = topicArn(topic, snapshot);
    const known = work.get(arn) ?? { region: topic.region, arn, opening: [], ending: [], topic: null };
    work.set(arn, known);
    return known;
  };
  const pending = new Map<string, number[]>();
  for (const indexed of changes) {
    const { change, index } = indexed;
    if (change.kind === 'topic') {
      const one = workOf((change.after ?? change.before)!);
      one.topic = indexed;
      if (change.after) one.opening.push(made(change.before, change.after, one, index, stack));
    }
    if (change.kind !== 'subscription') continue;
    const { topic: name, region, address } = (change.after ?? change.before)!;
    const one = workOf({ name, region });
    const draft = (operation: string, input: Draft['input']): Draft => ({
      operation,
      input,
      region,
      phase: change.after ? 'alter' : 'drop',
      changes: [index],
    });
    if (change.after) one.opening.push(draft('Subscribe', { TopicArn: one.arn, Protocol: 'email', Endpoint: address }));
    else {
      const held = snapshot.topics.get(one.arn)?.subscriptions.find((found) => found.protocol === 'email' && found.address === address);
      if (held?.arn) one.ending.push(draft('Unsubscribe', { SubscriptionArn: held.arn }));
      else pending.set(one.arn, [...(pending.get(one.arn) ?? []), index]);
    }
  }
  return [...work.values()].map(({ region, arn, opening, ending, topic }) => ({
    key: arn,
    region,
    opening,
    closing: topic && topic.change.after === null ? [...ending, gone(arn, region, [topic.index, ...(pending.get(arn) ?? [])])] : ending,
    tells: [],
  }));
};

const made = (before: Topic | null, { name, region, policy }: Topic, { arn }: Work, index: number, stack: string): Draft => ({
  ...(before
    ? { operation: 'SetTopicAttributes', input: { TopicArn: arn, AttributeName: 'Policy', AttributeValue: policy } }
    : { operation: 'CreateTopic', input: { Name: name, Attributes: { Policy: policy }, Tags: [{ Key: STACK, Value: stack }] } }),
  region,
  phase: before ? 'alter' : 'create',
  changes: [index],
});

const gone = (arn: string, region: string, changes: readonly number[]): Draft => ({
  operation: 'DeleteTopic',
  input: { TopicArn: arn },
  region,
  phase: 'drop',
  changes,
});
