import type { Alarm, LogFilter } from '../../model/alarm.ts';
import type { Change } from '../../model/change.ts';
import { byCodeUnit } from '../../model/key.ts';
import { visible } from '../escape.ts';
import { type Indexed, ofKind } from '../fold.ts';
import { join, literal, type Phrase, say } from '../phrase.ts';
import { type Line, lineOf, type Sign } from './line.ts';

/** What watches failed logins: topics and whom they tell, what is counted, and when somebody is told. */
export const alarmLines = (changes: readonly Change[]): Line[] => [
  ...ofKind(changes, 'topic').map(topicLine),
  ...ofKind(changes, 'subscription').map(subscriptionLine),
  ...ofKind(changes, 'log_filter').map(filterLine),
  ...ofKind(changes, 'alarm').map(alarmLine),
];

const signOf = (before: object | null, after: object | null): Sign => (after === null ? '-' : before === null ? '+' : '~');

const topicLine = (item: Indexed<'topic'>): Line => {
  const { before, after } = item.change;
  const { name = '', region = '' } = after ?? before ?? {};
  return lineOf([item], {
    symbol: signOf(before, after),
    noun: 'topic',
    subjects: [visible(name)],
    text: say`${[after === null ? 'deleted' : before === null ? 'made' : 'changed']} in ${literal(region)}`,
    details:
      before && after && before.policy !== after.policy
        ? [say`who may publish to it: ${literal(before.policy)} -> ${literal(after.policy)}`]
        : [],
  });
};

const subscriptionLine = (item: Indexed<'subscription'>): Line => {
  const { before, after } = item.change;
  const { topic = '', region = '', address = '' } = after ?? before ?? {};
  return lineOf([item], {
    symbol: signOf(before, after),
    noun: 'subscription',
    subjects: [visible(address)],
    text: after
      ? say`told by ${literal(topic)} in ${literal(region)}, once confirmed`
      : say`no longer told by ${literal(topic)} in ${literal(region)}`,
  });
};

const filterLine = (item: Indexed<'log_filter'>): Line => {
  const { before, after } = item.change;
  const { name = '', region = '', pattern = '', logGroup = '' } = after ?? before ?? {};
  const { subject, alarm } = named(name);
  const lines = say`lines of ${literal(logGroup)}, ${literal(region)}`;
  const [first, ...rest] = before && after ? filterDifferences(before, after) : [];
  return lineOf([item], {
    symbol: signOf(before, after),
    noun: 'log filter',
    subjects: [subject],
    text: say`${alarm}${after === null ? say`no longer counts ${lines}` : before === null ? say`counts ${lines}` : (first ?? say`changed`)}`,
    details: before === null ? [say`with ${literal(pattern)}`] : rest,
  });
};

const filterDifferences = (before: LogFilter, after: LogFilter): Phrase[] => [
  ...differ('pattern', before.pattern, after.pattern),
  ...differ('metric', `${before.namespace} ${before.metric}`, `${after.namespace} ${after.metric}`),
  ...differ('a line counts', before.value, after.value),
  ...differ('no line counts', String(before.otherwise ?? ''), String(after.otherwise ?? '')),
];

const alarmLine = (item: Indexed<'alarm'>): Line => {
  const { before, after } = item.change;
  const { subject, alarm } = named((after ?? before)?.name ?? '');
  const [first, ...rest] = before && after ? alarmDifferences(before, after) : [];
  return lineOf([item], {
    symbol: item.change.risk === 'removes' ? '-' : signOf(before, after),
    noun: 'alarm',
    subjects: [subject],
    text: say`${alarm}${before && after ? (first ?? say`changed`) : after ? tells(after, 'tells') : before ? tells(before, 'no longer tells') : []}`,
    details: rest,
  });
};

/** `1 failed login in 60 s tells dba-alerts` */
const tells = (one: Alarm, verb: 'tells' | 'no longer tells'): Phrase => {
  const { threshold, comparison, statistic, periods, periodsOver, periodSeconds } = one;
  const isOurs = comparison === 'GreaterThanOrEqualToThreshold' && statistic === 'Sum';
  const measured = isOurs ? say`${threshold} ${counted(one)}` : literal(`${statistic} of ${one.metric} ${comparison} ${threshold}`);
  const times = periods === 1 ? [] : [`, ${periodsOver} times of ${periods},`];
  return say`${measured} in ${[`${periodSeconds} s`]}${times} ${[verb]} ${told(one.actions, one)}`;
};

const counted = ({ namespace, metric, threshold }: Alarm): Phrase => {
  const some = (noun: string): Phrase => [threshold === 1 ? noun : `${noun}s`];
  if (namespace.startsWith('Rolecall/')) return some('failed login');
  if (namespace === 'AWS/RDS' && metric === 'IamDbAuthConnectionFailure') return some('refused token');
  return say`of ${literal(`${namespace} ${metric}`)}`;
};

/** Topics by name, where they are those of the alarm's region; anything else as its ARN. */
const told = (actions: readonly string[], { region }: Pick<Alarm, 'region'>): Phrase =>
  actions.length === 0
    ? ['nobody']
    : join(
        [...actions].sort(byCodeUnit).map((arn) => {
          const [, , service, place, , name = ''] = arn.split(':');
          return literal(service === 'sns' && place === region ? name : arn);
        }),
        ', ',
      );

const alarmDifferences = (before: Alarm, after: Alarm): Phrase[] => {
  const text = (word: string, of: (one: Alarm) => string): Phrase[] => differ(word, of(before), of(after));
  return [
    ...actions('no longer tells', before, after),
    ...actions('tells', after, before),
    ...text('is', ({ enabled }) => (enabled ? 'on' : 'off')),
    ...text('threshold', ({ threshold }) => String(threshold)),
    ...text('period', ({ periodSeconds }) => `${periodSeconds} s`),
    ...text('periods', ({ periodsOver, periods }) => `${periodsOver} of ${periods}`),
    ...text('metric', ({ namespace, metric, dimensions }) => [namespace, metric, ...dimensionTexts(dimensions)].join(' ')),
    ...text('statistic', ({ statistic }) => statistic),
    ...text('comparison', ({ comparison }) => comparison),
    ...text('without data', ({ missing }) => missing),
    ...text('description', ({ description }) => description),
  ];
};

/** Those of one side that the other has not. */
const actions = (word: string, side: Alarm, other: Alarm): Phrase[] => {
  const own = side.actions.filter((arn) => !other.actions.includes(arn));
  return own.length === 0 ? [] : [say`${[word]} ${told(own, side)}`];
};

const dimensionTexts = (dimensions: Alarm['dimensions']): string[] =>
  Object.keys(dimensions)
    .sort(byCodeUnit)
    .map((name) => `${name}=${dimensions[name]}`);

const differ = (word: string, from: string, to: string): Phrase[] =>
  from === to ? [] : [say`${[word]} ${from === '' ? ['none'] : literal(from)} -> ${to === '' ? ['none'] : literal(to)}`];

/** `rolecall/STACK/ALARM/TARGET`: the target is what a line is about, the alarm what it begins with. */
const named = (name: string): { readonly subject: string; readonly alarm: Phrase } => {
  const parts = name.split('/');
  const [alarm, target] = parts.slice(-2);
  return parts.length < 5 || alarm === undefined || target === undefined
    ? { subject: visible(name), alarm: [] }
    : { subject: visible(target), alarm: say`${literal(alarm)}: ` };
};
