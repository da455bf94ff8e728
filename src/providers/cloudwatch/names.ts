import type { Alarm, LogFilter, Subscription, Topic } from '../../model/alarm.ts';
import type { Declared } from '../../model/declared.ts';
import type { Partition } from '../../model/place.ts';

/** The tag that says whose a topic or an alarm is. */
export const STACK = 'rolecall:stack';

/** How the names of our alarms and metric filters begin. */
export const prefixOf = ({ stack }: Pick<Declared, 'stack'>): string => `rolecall/${stack}/`;

/** `rolecall/STACK/ALARM/TARGET`: of an alarm, and of the filter that it counts by. */
export const nameOf = (declared: Pick<Declared, 'stack'>, alarm: string, target: string): string =>
  `${prefixOf(declared)}${alarm}/${target}`;

/** A filter has no tags: it is ours by its name. Names of stacks have slashes too, so that the parts are counted. */
export const isOurName = (name: string, declared: Pick<Declared, 'stack'>): boolean =>
  name.startsWith(prefixOf(declared)) && name.slice(prefixOf(declared).length).split('/').length === 2;

/** Where the metrics of our filters are. */
export const namespaceOf = ({ stack }: Pick<Declared, 'stack'>): string => `Rolecall/${stack}`;

export const topicKey = ({ name, region }: Pick<Topic, 'name' | 'region'>): string => `${name} in ${region}`;
export const subscriptionKey = ({ address, topic, region }: Subscription): string => `${address} of ${topic} in ${region}`;
export const filterKey = ({ name, logGroup, region }: Pick<LogFilter, 'name' | 'logGroup' | 'region'>): string =>
  `${name} on ${logGroup} in ${region}`;
export const alarmKey = ({ name, region }: Pick<Alarm, 'name' | 'region'>): string => `${name} in ${region}`;

type Account = { readonly partition: Partition; readonly account: string };

/** `arn:PARTITION:sns:REGION:ACCOUNT:NAME` */
export const topicArn = ({ name, region }: Pick<Topic, 'name' | 'region'>, { partition, account }: Account): string =>
  `arn:${partition}:sns:${region}:${account}:${name}`;

/** Region and name of a topic's ARN; null: it is none. */
export const parseTopic = (arn: string): Pick<Topic, 'name' | 'region'> | null => {
  const [prefix, , service, region = '', , name = ''] = arn.split(':');
  return prefix === 'arn' && service === 'sns' && name !== '' ? { name, region } : null;
};
