import { canonicalJson } from '../../core/canonical.ts';
import type { Declared } from '../../model/declared.ts';
import { failure } from '../../model/finding.ts';
import type { Step } from '../../model/plan.ts';
import type { Connected } from './connect.ts';
import { topicArn } from './names.ts';
import { readAlarms, readFilters, readTopic } from './parts.ts';
import { policyText } from './policy.ts';
import { topicOf } from './refresh.ts';

/**
 * Whether all is already as a call would make it; what puts a whole thing in place is sent again instead. A topic that is not ours is
 * no reason to go on, and one of ours that is another is a reason to plan again: both throw a Failure.
 */
export const isDone = async (connected: Connected, { call }: Step, declared: Declared): Promise<boolean> => {
  const { operation, input } = call!;
  const region = call!.region!;
  switch (operation) {
    case 'CreateTopic':
      return await isTopicMade(connected, { name: String(input.Name), region }, input, declared);
    case 'SetTopicAttributes': {
      const topic = await readTopic(connected, String(input.TopicArn));
      return topic !== null && samePolicy(topic.policy, String(input.AttributeValue));
    }
    case 'DeleteTopic':
      return (await readTopic(connected, String(input.TopicArn))) === null;
    case 'Subscribe': {
      const topic = await readTopic(connected, String(input.TopicArn));
      return topic?.subscriptions.some(({ protocol, address }) => protocol === input.Protocol && address === input.Endpoint) ?? false;
    }
    case 'Unsubscribe': {
      const topic = await readTopic(connected, topicOf(String(input.SubscriptionArn)));
      return !topic?.subscriptions.some(({ arn }) => arn === input.SubscriptionArn);
    }
    case 'DeleteMetricFilter': {
      const which = { filterNamePrefix: String(input.filterName), logGroupName: String(input.logGroupName) };
      return !(await readFilters(connected, region, which)).some(({ name }) => name === input.filterName);
    }
    case 'DeleteAlarms':
      return (await readAlarms(connected, region, { AlarmNames: input.AlarmNames as readonly string[] })).length === 0;
  }
  return false;
};

type Input = Readonly<Record<string, unknown>>;

const isTopicMade = async (
  connected: Connected,
  topic: { readonly name: string; readonly region: string },
  { Attributes }: Input,
  declared: Declared,
): Promise<boolean> => {
  const found = await readTopic(connected, topicArn(topic, connected));
  if (found === null) return false;
  if (found.stack !== declared.stack)
    throw failure('alarms/not-ours', `topic '${topic.name}' exists, made by somebody else meanwhile: it is left alone`, {
      hint: 'delete it, or choose another name, and plan again',
    });
  if (!samePolicy(found.policy, String((Attributes as Input).Policy)))
    throw failure('alarms/changed-meanwhile', `topic '${topic.name}' was made by another run meanwhile, and is not the same`, {
      hint: 'plan again',
    });
  return true;
};

const samePolicy = (policy: unknown, wanted: string): boolean => policyText(policy, wanted) === wanted || canonicalJson(policy) === wanted;
