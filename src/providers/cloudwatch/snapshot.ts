import type { Alarm, LogFilter } from '../../model/alarm.ts';
import type { Partition } from '../../model/place.ts';

/**
 * Who is told by a topic. `arn` null: a mail address whose owner has not confirmed it. `filter`: the policy by which it gets only some of
 * it; read of mail of topics that the manifest keeps.
 */
export type FoundSubscription = {
  readonly arn: string | null;
  readonly protocol: string;
  readonly address: string;
  readonly filter?: string;
};

/** `stack`: the one whose mark it has. `policy`: as AWS holds it; null: it may not be read, being no JSON. */
export type FoundTopic = {
  readonly arn: string;
  readonly name: string;
  readonly region: string;
  readonly stack: string | null;
  readonly policy: unknown;
  /** The key of KMS that encrypts what it tells: alias, id or ARN; left out: none. */
  readonly key?: string;
  readonly subscriptions: readonly FoundSubscription[];
  /** Names of alarms that are not ours and tell it; looked for where it is to go. */
  readonly foreignAlarms?: readonly string[];
};

/** An alarm under our names, whoever made it. `others`: what else it does, which stays as it is. */
export type FoundAlarm = {
  readonly alarm: Alarm;
  readonly stack: string | null;
  readonly others: Readonly<Record<string, unknown>>;
};

/** Everything that one reading returned, of all regions. */
export type Snapshot = {
  readonly partition: Partition;
  readonly account: string;
  /** ARN of whoever asked. */
  readonly caller: string;
  /** Those of ours and those that the manifest names, by ARN. */
  readonly topics: ReadonlyMap<string, FoundTopic>;
  /** ARNs that the manifest only tells, of topics that are not there. */
  readonly absentTopics: ReadonlySet<string>;
  /** Keys of the topics that the manifest only tells, by ARN; left out: those without. */
  readonly toldKeys: ReadonlyMap<string, string>;
  /** Under our names, by key (see keys). */
  readonly alarms: ReadonlyMap<string, FoundAlarm>;
  /** Of ours, by key. */
  readonly filters: ReadonlyMap<string, LogFilter>;
  /** Of the log groups that the manifest is about those that are there, as `REGION NAME`. */
  readonly logGroups: ReadonlySet<string>;
  /** Regions with so many topics that only some were asked whose they are, and how many there are. */
  readonly manyTopics: ReadonlyMap<string, number>;
};
