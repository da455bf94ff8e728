import type { Partition } from '../../model/place.ts';
import type { Requirement } from './requirements.ts';

/** What watches failed logins, for whom the requirements are. `topics`: names of those that the manifest has kept. */
export type WatchScope = { readonly stack: string; readonly topics: readonly string[] };

type Where = { readonly partition: Partition; readonly account: string };

/** The tag that alarms and topics of ours have; filters have none. */
const TAG = 'rolecall:stack';

const namesIn = ({ partition, account }: Where) => ({
  alarms: ({ stack }: WatchScope): string => `arn:${partition}:cloudwatch:*:${account}:alarm:rolecall/${stack}/*`,
  topic: (name: string): string => `arn:${partition}:sns:*:${account}:${name}`,
  logs: (group: string): string => `arn:${partition}:logs:*:${account}:log-group:${group}`,
});

/** What `plan` needs for alarms: nothing of it changes anything. */
export const planAlarmRequirements = (watch: WatchScope, where: Where): readonly Requirement[] => {
  const { alarms, topic, logs } = namesIn(where);
  return [
    {
      sid: 'ListAlarms',
      why: "lists alarms under our names or that tell a topic of ours that goes, and topics to find those with our tag; composite alarms are listed on '*' alone",
      actions: ['cloudwatch:DescribeAlarms', 'sns:ListTopics'],
      resources: ['*'],
    },
    { sid: 'ReadAlarms', why: 'reads whose the alarms are', actions: ['cloudwatch:ListTagsForResource'], resources: [alarms(watch)] },
    {
      sid: 'ReadLogs',
      why: 'reads whether logs are exported, and our metric filters, of whichever log: no line of a log',
      actions: ['logs:DescribeLogGroups', 'logs:DescribeMetricFilters'],
      resources: [logs('*')],
    },
    {
      sid: 'ReadTopics',
      why: 'reads whose a topic is, its key, and of ours who is told by it, and of how much',
      actions: ['sns:GetSubscriptionAttributes', 'sns:GetTopicAttributes', 'sns:ListSubscriptionsByTopic', 'sns:ListTagsForResource'],
      resources: [topic('*')],
    },
  ];
};

/** What `apply` needs for alarms besides: what is not ours by its name or its tag stays as it is. */
export const applyAlarmRequirements = (watch: WatchScope, where: Where): readonly Requirement[] => {
  const { alarms, topic, logs } = namesIn(where);
  return [
    {
      sid: 'WriteAlarms',
      why: 'makes, changes and removes alarms under our names',
      actions: ['cloudwatch:DeleteAlarms', 'cloudwatch:PutMetricAlarm', 'cloudwatch:TagResource'],
      resources: [alarms(watch)],
    },
    {
      sid: 'WriteFilters',
      why: 'makes, changes and removes metric filters of the logs of databases; IAM knows no names of filters',
      actions: ['logs:DeleteMetricFilter', 'logs:PutMetricFilter'],
      resources: [logs('/aws/rds/*')],
    },
    ...(watch.topics.length === 0
      ? []
      : [
          {
            sid: 'MakeTopics',
            why: 'makes the topics of the manifest, with our tag',
            actions: ['sns:CreateTopic', 'sns:TagResource'],
            resources: watch.topics.map(topic),
            conditions: { StringEquals: { [`aws:RequestTag/${TAG}`]: watch.stack } },
          },
        ]),
    {
      sid: 'WriteTopics',
      why: 'changes and removes topics with our tag',
      actions: ['sns:DeleteTopic', 'sns:SetTopicAttributes'],
      resources: [topic('*')],
      conditions: { StringEquals: { [`aws:ResourceTag/${TAG}`]: watch.stack } },
    },
    {
      sid: 'Subscribe',
      why: 'has topics with our tag tell mail addresses',
      actions: ['sns:Subscribe'],
      resources: [topic('*')],
      conditions: { StringEquals: { [`aws:ResourceTag/${TAG}`]: watch.stack, 'sns:Protocol': 'email' } },
    },
    { sid: 'Unsubscribe', why: 'ends that; IAM knows no resources of it', actions: ['sns:Unsubscribe'], resources: ['*'] },
  ];
};
