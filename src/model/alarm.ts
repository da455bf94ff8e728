import type { Position } from './finding.ts';
import type { Partition } from './place.ts';

/**
 * What an alarm counts: lines about failed logins in the server's own log, by a metric filter; or `iam`: tokens that AWS refused, by
 * the metric that RDS keeps of itself.
 */
export type AlarmSource = 'log' | 'iam';

/** Failed logins of one target, watched. An alarm of the manifest is one of these for each of its targets. */
export type DeclaredAlarm = {
  readonly name: string;
  readonly target: string;
  readonly of: AlarmSource;
  /** Failed logins in one period that raise it. */
  readonly threshold: number;
  /** 10, 30 or a multiple of 60. */
  readonly periodSeconds: number;
  /** A name: of a topic that we keep; an ARN: of one that is only told; null: nobody is. */
  readonly topic: string | null;
  readonly source: Position;
};

/** A mail address that a topic of ours tells. */
export type DeclaredSubscription = { readonly topic: string; readonly address: string; readonly source: Position };

/** Whether failed logins stand in the server's own log; `found` and `wanted` in the server's words, e.g. log_error_verbosity = 2. */
export type LoggingFacts = { readonly logged: true } | { readonly logged: false; readonly found: string; readonly wanted: string };

/** A server that an alarm watches, as RDS has it, and what its log holds; null where no alarm needs its log. */
export type WatchedServer = {
  readonly kind: 'cluster' | 'instance';
  readonly identifier: string;
  readonly partition: Partition;
  readonly region: string;
  readonly account: string;
  /** As the API says it, e.g. aurora-mysql. */
  readonly engine: string;
  readonly logExports: readonly string[];
  /** The group that its parameters come from; left out: not known. */
  readonly parameterGroup?: string;
  readonly logging: LoggingFacts | null;
};

/** The manifest, for what watches failed logins. */
export type DeclaredAlarms = {
  /** null: whichever the credentials are for. */
  readonly account: string | null;
  readonly alarms: readonly DeclaredAlarm[];
  readonly subscriptions: readonly DeclaredSubscription[];
  /** By target. */
  readonly servers: ReadonlyMap<string, WatchedServer>;
  /** Where something of ours may be: the regions of every target that is in AWS, and those of `alsoIn`, sorted. */
  readonly regions: readonly string[];
  /** Regions that the manifest names for what is left there, sorted. */
  readonly alsoIn: readonly { readonly region: string; readonly source: Position }[];
};

/** Counts the lines of a log group that have the pattern, as a metric of ours. */
export type LogFilter = {
  readonly name: string;
  readonly region: string;
  readonly logGroup: string;
  readonly pattern: string;
  readonly namespace: string;
  readonly metric: string;
  /** What a line counts, and what a log without such lines does. */
  readonly value: string;
  readonly otherwise: number | null;
};

/** A CloudWatch alarm of ours. `actions`: ARNs. */
export type Alarm = {
  readonly name: string;
  readonly region: string;
  readonly description: string;
  readonly namespace: string;
  readonly metric: string;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly statistic: string;
  readonly comparison: string;
  readonly threshold: number;
  readonly periodSeconds: number;
  readonly periods: number;
  readonly periodsOver: number;
  /** What a period without data is. */
  readonly missing: string;
  readonly enabled: boolean;
  readonly actions: readonly string[];
};

/** An SNS topic of ours. `policy`: canonical JSON. */
export type Topic = { readonly name: string; readonly region: string; readonly policy: string };

/** A mail address that a topic of ours tells, confirmed or not. */
export type Subscription = { readonly topic: string; readonly region: string; readonly address: string };
