import type { WatchedServer } from '../../model/alarm.ts';
import type { Declared } from '../../model/declared.ts';
import type { Finding, Position } from '../../model/finding.ts';
import { deliveryFindings } from './delivery.ts';
import { type Desired, logGroupOf, logOf, type Watch, watchesOf } from './desired.ts';
import { topicArn } from './names.ts';
import type { Snapshot } from './snapshot.ts';
import { toldFindings } from './told.ts';

/** What is in the way of the alarms, and what they do not achieve yet. */
export const findingsOf = (snapshot: Snapshot, declared: Declared, desired: Desired): readonly Finding[] => [
  ...declared.findings,
  ...watchesOf(declared.alarms!).flatMap((watch) => watchFindings(watch, snapshot, desired)),
  ...foreignTopics(snapshot, declared, desired),
  ...foreignAlarms(snapshot, declared, desired),
  ...deliveryFindings(snapshot, declared, desired),
  ...manyTopics(snapshot, declared),
  ...doneRegions(snapshot, declared),
];

const error = (slug: string, message: string, hint: string, source: Position): Finding => ({
  severity: 'error',
  code: `alarms/${slug}`,
  message,
  hint,
  source,
});

/** The server's account, a topic that is only told, and whether failed logins get to where they are counted. */
const watchFindings = ({ alarm, server }: Watch, snapshot: Snapshot, desired: Desired): readonly Finding[] => [
  ...(server.account === snapshot.account
    ? []
    : [
        error(
          'other-account',
          `'${alarm.target}' is in account ${server.account}, and the credentials are for ${snapshot.account}: an alarm stands beside its server`,
          `watch it with credentials of account ${server.account}`,
          alarm.source,
        ),
      ]),
  ...toldFindings({ alarm, server }, snapshot, desired),
  ...(alarm.of === 'log' ? logFindings({ alarm, server }, snapshot) : []),
];

/** One thing at a time: what is not exported has no group, and what is not logged is no matter of exports. */
const logFindings = ({ alarm, server }: Watch, snapshot: Snapshot): readonly Finding[] => {
  const log = logOf(server);
  const named = `'${alarm.target}' (${server.kind} ${server.identifier})`;
  const { logging, region, kind, identifier } = server;
  const findings: Finding[] = [];
  if (logging?.logged === false)
    findings.push(
      error(
        'not-logged',
        `${named} does not log failed logins: ${logging.found}, and ${logging.wanted} is needed; its alarm would never be raised`,
        parameterHint(server, logging.wanted),
        alarm.source,
      ),
    );
  if (!server.logExports.includes(log))
    findings.push(
      error(
        'log-export',
        `the log '${log}' of ${named} is not exported to CloudWatch`,
        `aws rds modify-db-${kind} --db-${kind}-identifier ${identifier} --cloudwatch-logs-export-configuration '{"EnableLogTypes":["${log}"]}' --region ${region}`,
        alarm.source,
      ),
    );
  else if (!snapshot.logGroups.has(`${region} ${logGroupOf(server)}`))
    findings.push(
      error(
        'no-log-group',
        `log group '${logGroupOf(server)}' is not there yet: RDS makes it with the first line that it exports`,
        'wait some minutes, or log in with a wrong password, and plan again',
        alarm.source,
      ),
    );
  return findings;
};

/** Groups that AWS made cannot be changed (RDS User Guide, "Parameter groups"). */
const parameterHint = ({ kind, parameterGroup, region }: WatchedServer, wanted: string): string => {
  const [name, value] = wanted.split(' = ');
  if (parameterGroup === undefined || parameterGroup.startsWith('default.'))
    return `give it a parameter group of its own with ${wanted}${parameterGroup === undefined ? '' : `: '${parameterGroup}' cannot be changed`}`;
  const group = kind === 'cluster' ? 'db-cluster-parameter-group' : 'db-parameter-group';
  return `aws rds modify-${group} --${group}-name ${parameterGroup} --parameters ParameterName=${name},ParameterValue=${value},ApplyMethod=immediate --region ${region}`;
};

const whose = (stack: string | null): string => (stack === null ? 'is not ours' : `belongs to stack '${stack}'`);

/** Tags are taken off by hand as well. */
const ours = (stack: string | null, declared: Declared): string =>
  stack === null ? `; if it is yours, tag it rolecall:stack = ${declared.stack}` : '';

const foreignTopics = (snapshot: Snapshot, declared: Declared, desired: Desired): readonly Finding[] =>
  [...desired.topics.values()].flatMap(({ body, source }) => {
    const there = snapshot.topics.get(topicArn(body, snapshot));
    if (!there || there.stack === declared.stack) return [];
    return [
      error(
        'not-ours',
        `topic '${body.name}' exists in ${body.region} and ${whose(there.stack)}: topics are never taken over`,
        `write its ARN to tell it and leave it as it is (topic: ${there.arn}), or choose another name${ours(there.stack, declared)}`,
        source,
      ),
    ];
  });

const foreignAlarms = (snapshot: Snapshot, declared: Declared, desired: Desired): readonly Finding[] =>
  [...desired.alarms].flatMap(([key, { body, source }]) => {
    const there = snapshot.alarms.get(key);
    if (!there || there.stack === declared.stack) return [];
    return [
      error(
        'not-ours',
        `alarm '${body.name}' exists in ${body.region} and ${whose(there.stack)}: alarms are never taken over`,
        `delete it, or give the alarm another name in the manifest${ours(there.stack, declared)}`,
        source,
      ),
    ];
  });

const manyTopics = ({ manyTopics: regions }: Snapshot, { target }: Declared): readonly Finding[] =>
  [...regions].map(([region, count]) => ({
    severity: 'note',
    code: 'alarms/many-topics',
    message: `${region} has ${count} topics: those that neither the manifest nor an alarm of ours names were not all asked whose they are`,
    hint: `a topic that an interrupted run left behind has the tag rolecall:stack`,
    source: target.source,
  }));

/** A region that is named for what is left there need not be asked for ever. */
const doneRegions = ({ topics, alarms, filters }: Snapshot, { stack, alarms: declared }: Declared): readonly Finding[] => {
  const own = [...topics.values(), ...[...alarms.values()].map((found) => ({ region: found.alarm.region, stack: found.stack }))];
  const held = new Set([...own.filter((one) => one.stack === stack), ...filters.values()].map(({ region }) => region));
  return declared!.alsoIn
    .filter(({ region }) => !held.has(region))
    .map(({ region, source }) => ({
      severity: 'note',
      code: 'alarms/region-done',
      message: `nothing of ours is left in ${region}`,
      hint: `take it out of 'alarm_regions'`,
      source,
    }));
};
