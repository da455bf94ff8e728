import type { Alarm, DeclaredAlarm, DeclaredAlarms, LogFilter, Subscription, Topic, WatchedServer } from '../../model/alarm.ts';
import type { Declared } from '../../model/declared.ts';
import type { Position } from '../../model/finding.ts';
import { alarmKey, filterKey, nameOf, namespaceOf, parseTopic, subscriptionKey, topicArn, topicKey } from './names.ts';
import { topicPolicy } from './policy.ts';
import type { Snapshot } from './snapshot.ts';

/** Something that shall be, and where that is written. */
export type Wanted<Body> = ReadonlyMap<string, { readonly body: Body; readonly source: Position }>;

/** All that the manifest asks for. */
export type Desired = {
  readonly stack: string;
  readonly topics: Wanted<Topic>;
  readonly subscriptions: Wanted<Subscription>;
  readonly filters: Wanted<LogFilter>;
  readonly alarms: Wanted<Alarm>;
};

/** An alarm with the server that it watches; one whose server is not known is none. */
export type Watch = { readonly alarm: DeclaredAlarm; readonly server: WatchedServer };

export const watchesOf = ({ alarms, servers }: DeclaredAlarms): readonly Watch[] =>
  alarms.flatMap((alarm) => (servers.has(alarm.target) ? [{ alarm, server: servers.get(alarm.target)! }] : []));

/** What the alarms of the manifest come to in this account. A topic is in one region: it is kept in each that has alarms for it. */
export const desiredOf = (snapshot: Pick<Snapshot, 'partition' | 'account'>, declared: Declared): Desired => {
  const watches = watchesOf(declared.alarms!);
  const topics = new Map<string, { readonly body: Topic; readonly source: Position }>();
  for (const { alarm, server } of watches) {
    if (alarm.topic === null || parseTopic(alarm.topic)) continue;
    const topic = { name: alarm.topic, region: server.region };
    const policy = topicPolicy(topicArn(topic, snapshot), snapshot.account);
    // The first that names it says where it is written.
    if (!topics.has(topicKey(topic))) topics.set(topicKey(topic), { body: { ...topic, policy }, source: alarm.source });
  }
  return {
    stack: declared.stack,
    topics,
    subscriptions: new Map(
      [...topics.values()].flatMap(({ body: { name, region } }) =>
        declared
          .alarms!.subscriptions.filter(({ topic }) => topic === name)
          .map(({ topic, address, source }) => {
            const body = { topic, region, address };
            return [subscriptionKey(body), { body, source }] as const;
          }),
      ),
    ),
    filters: new Map(
      watches.flatMap((watch) => {
        if (watch.alarm.of !== 'log') return [];
        const body = filterOf(watch, declared);
        return [[filterKey(body), { body, source: watch.alarm.source }] as const];
      }),
    ),
    alarms: new Map(
      watches.map((watch) => {
        const body = alarmOf(watch, snapshot, declared);
        return [alarmKey(body), { body, source: watch.alarm.source }] as const;
      }),
    ),
  };
};

/** The log that a server writes about failed logins, as RDS exports it. */
export const logOf = ({ engine }: Pick<WatchedServer, 'engine'>): string => (/postgres/.test(engine) ? 'postgresql' : 'error');

/** RDS User Guide, "Publishing database logs to Amazon CloudWatch Logs": where an exported log goes. */
export const logGroupOf = (server: Pick<WatchedServer, 'kind' | 'identifier' | 'engine'>): string =>
  `/aws/rds/${server.kind}/${server.identifier}/${logOf(server)}`;

/**
 * Amazon CloudWatch Logs User Guide, "Filter pattern syntax for metric filters": a phrase in quotes, or one of several with question
 * marks. PostgreSQL refuses in several ways (src/backend/libpq/auth.c, src/backend/utils/init): a password, a token (which RDS asks PAM
 * about), a ticket, by pg_hba.conf, the role itself, and the database.
 */
const PATTERNS: Readonly<Record<string, string>> = {
  error: '"Access denied for user"',
  postgresql: [
    'password authentication failed',
    'PAM authentication failed',
    'GSSAPI authentication failed',
    'no pg_hba.conf entry',
    'pg_hba.conf rejects connection',
    'is not permitted to log in',
    'User does not have CONNECT privilege',
  ]
    .map((phrase) => `?"${phrase}"`)
    .join(' '),
};

const metricOf = ({ name, target }: DeclaredAlarm): string => `${name}/${target}`;

const filterOf = ({ alarm, server }: Watch, declared: Declared): LogFilter => ({
  name: nameOf(declared, alarm.name, alarm.target),
  region: server.region,
  logGroup: logGroupOf(server),
  pattern: PATTERNS[logOf(server)]!,
  namespace: namespaceOf(declared),
  metric: metricOf(alarm),
  value: '1',
  otherwise: 0,
});

/** RDS User Guide, "Troubleshooting for IAM DB authentication": tokens that were refused, for whatever reason. */
const REFUSED_TOKENS = 'IamDbAuthConnectionFailure';

const alarmOf = ({ alarm, server }: Watch, snapshot: Pick<Snapshot, 'partition' | 'account'>, declared: Declared): Alarm => {
  const { region, kind, identifier } = server;
  const counted =
    alarm.of === 'log'
      ? { namespace: namespaceOf(declared), metric: metricOf(alarm), dimensions: {} }
      : {
          namespace: 'AWS/RDS',
          metric: REFUSED_TOKENS,
          dimensions: { [kind === 'cluster' ? 'DBClusterIdentifier' : 'DBInstanceIdentifier']: identifier },
        };
  return {
    name: nameOf(declared, alarm.name, alarm.target),
    region,
    description: `${alarm.of === 'log' ? 'Failed logins' : 'Refused tokens'} on ${alarm.target}, watched by rolecall for ${declared.stack}`,
    ...counted,
    statistic: 'Sum',
    comparison: 'GreaterThanOrEqualToThreshold',
    threshold: alarm.threshold,
    periodSeconds: alarm.periodSeconds,
    periods: 1,
    periodsOver: 1,
    missing: 'notBreaching',
    enabled: true,
    actions: alarm.topic === null ? [] : [parseTopic(alarm.topic) ? alarm.topic : topicArn({ name: alarm.topic, region }, snapshot)],
  };
};
