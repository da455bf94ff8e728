import type { Checks } from './checks.ts';
import type { AlarmEntry, Path, TargetEntry } from './content.ts';
import { regionOf } from './target.ts';
import { targetNames } from './view.ts';

/** CloudWatch API Reference, PutMetricAlarm: AlarmName, and the longest time that one period of one alarm may be. */
const LONGEST_NAME = 255;
const DAY = 86_400;

const UNITS = { s: 1, m: 60, h: 3600 };

/** The seconds of a period; what is left out is a minute, the least that every metric has. */
export const periodOf = (written = '60s'): number => Number.parseInt(written, 10) * UNITS[written.at(-1) as keyof typeof UNITS];

/** Alarms: which servers they watch, how, and whom they tell. */
export const checkAlarms = (checks: Checks): void => {
  for (const [name, entry] of Object.entries(checks.content.alarms ?? {})) {
    checkName(checks, name, entry);
    checkServers(checks, name, entry);
    checkPeriod(checks, name, entry);
    checkTopic(checks, name, entry);
    checkAddresses(checks, name, entry);
  }
  checkRegions(checks);
};

const checkRegions = ({ content, report }: Checks): void => {
  const { alarms, alarm_regions: regions = [] } = content;
  if (alarms === undefined && regions.length > 0)
    report('alarm', `'alarm_regions' without 'alarms' is not looked at`, ['alarm_regions'], { hint: 'write alarms: {} beside it' }, 'key');
  for (const [index, region] of regions.entries())
    if (regions.indexOf(region) < index) report('declared-twice', `'${region}' is listed twice`, ['alarm_regions', index]);
};

/** An alarm and its filter are called by stack, alarm and target, so that they are found again and told from those of others. */
const checkName = ({ content, report }: Checks, name: string, { targets }: AlarmEntry): void => {
  const path: Path = ['alarms', name];
  if (!isPlain(name)) {
    const message = `the name of alarm '${name}' cannot be part of one in CloudWatch, expected letters, digits and _.-`;
    report('alarm', message, path, { hint: 'call it something else' }, 'key');
    return;
  }
  for (const target of targetNames(content, targets)) {
    if (content.targets[target] === undefined) continue;
    const whole = `rolecall/${content.stack ?? ''}/${name}/${target}`;
    if (!isPlain(target))
      report(
        'alarm',
        `the name of target '${target}' cannot be part of one in CloudWatch, expected letters, digits and _.-`,
        path,
        {},
        'key',
      );
    else if (whole.length > LONGEST_NAME)
      report(
        'alarm',
        `alarm '${name}' is '${whole}' in CloudWatch, of ${whole.length} characters, expected at most ${LONGEST_NAME}`,
        path,
        { hint: 'give it a shorter name' },
        'key',
      );
  }
};

const isPlain = (name: string): boolean => /^[A-Za-z0-9_.-]+$/.test(name);

/** Logs and metrics are those of a cluster or an instance of RDS. */
const checkServers = ({ content, report }: Checks, name: string, { targets }: AlarmEntry): void => {
  for (const [index, target] of targetNames(content, targets).entries()) {
    const entry = content.targets[target];
    if (entry === undefined) continue;
    const place: Path = targets === undefined ? ['alarms', name] : ['alarms', name, 'targets', index];
    const part = targets === undefined ? 'key' : undefined;
    if (isProxy(entry))
      report(
        'alarm',
        `alarm '${name}' watches target '${target}', which is a proxy and has no log of failed logins`,
        place,
        { hint: 'declare the cluster or instance behind it as a target' },
        part,
      );
    else if (!isInAws(entry))
      report(
        'alarm',
        `alarm '${name}' watches target '${target}', which is not in AWS`,
        place,
        { hint: 'write rds: { cluster: NAME, region: REGION } at the target, or add region: REGION to its endpoint' },
        part,
      );
  }
};

const isProxy = ({ rds, endpoint }: TargetEntry): boolean =>
  rds?.proxy !== undefined ||
  (typeof endpoint === 'object' && (endpoint.resource_id?.startsWith('prx-') === true || /\.proxy-[a-z0-9]+\./i.test(endpoint.host)));

const isInAws = (entry: TargetEntry): boolean => entry.rds !== undefined || regionIn(entry) !== undefined;

const regionIn = ({ rds, endpoint }: TargetEntry): string | undefined =>
  rds?.region ?? (typeof endpoint === 'object' ? regionOf(endpoint) : undefined);

const checkPeriod = ({ report, warn }: Checks, name: string, { source, period }: AlarmEntry): void => {
  const seconds = periodOf(period);
  const path: Path = ['alarms', name, 'period'];
  if (seconds !== 10 && seconds !== 30 && (seconds === 0 || seconds % 60 !== 0 || seconds > DAY))
    report('alarm', `'period' of alarm '${name}' is ${period}, expected 10s, 30s, or whole minutes up to 24h`, path);
  else if (seconds < 60)
    warn('alarm', `'period' of alarm '${name}' is ${period}, and its metric has one value a minute`, path, {
      hint: source === 'iam' ? 'write 60s or more' : 'write 60s or more: CloudWatch Logs counts by the minute',
    });
};

const TOPIC_ARN = /^arn:aws[a-z-]*:sns:([a-z0-9-]+):[0-9]{12}:[A-Za-z0-9_-]{1,256}$/;

const checkTopic = ({ content, report, warn }: Checks, name: string, { notify, targets }: AlarmEntry): void => {
  const path: Path = ['alarms', name, ...(notify ? ['notify'] : [])];
  const topic = notify?.topic;
  if (topic === undefined) {
    if (notify?.email)
      report(
        'alarm',
        `'email' of alarm '${name}' is told by a topic, and it names none`,
        [...path, 'email'],
        { hint: 'add topic: NAME' },
        'key',
      );
    else
      warn(
        'alarm',
        `alarm '${name}' tells nobody`,
        path,
        { hint: 'add notify: { topic: NAME, email: [ADDRESS] }, or notify: { topic: ARN }' },
        'key',
      );
    return;
  }
  const place = [...path, 'topic'];
  if (!topic.startsWith('arn:')) {
    if (!/^[A-Za-z0-9_-]{1,256}$/.test(topic))
      report('alarm', `'${topic}' is no name of a topic, expected 1 to 256 letters, digits and _-, or an ARN`, place, {
        hint: topic.endsWith('.fifo') ? 'write a standard topic: a FIFO topic sends no mail' : 'such as dba-alerts',
      });
    return;
  }
  const found = TOPIC_ARN.exec(topic);
  if (!found) {
    report('alarm', `'${topic}' is no ARN of a ${/\.fifo$/.test(topic) ? 'standard ' : ''}topic`, place, {
      hint: 'such as arn:aws:sns:eu-central-1:123456789012:dba-alerts',
    });
    return;
  }
  if (notify?.email)
    report(
      'alarm',
      `'email' of alarm '${name}' cannot be subscribed: topic '${topic}' is not ours, and is only told`,
      [...path, 'email'],
      { hint: 'subscribe them where the topic is kept, or write topic: NAME for one of ours' },
      'key',
    );
  for (const target of targetNames(content, targets)) {
    const region = content.targets[target] && regionIn(content.targets[target]);
    if (region !== undefined && region !== found[1])
      report('alarm', `topic '${topic}' is in ${found[1]}, and target '${target}' of alarm '${name}' in ${region}`, place, {
        hint: 'an alarm tells a topic of its own region: write an alarm for each region, or topic: NAME',
      });
  }
};

/** Not what SNS would take, but what is no mistake: one address and no name beside it, of letters that look like no others. */
const ADDRESS = /^(?=[!-~]+$)[^@<>()[\],;:"]+@[^@<>()[\],;:".]+(?:\.[^@<>()[\],;:".]+)+$/;

const checkAddresses = ({ report }: Checks, name: string, { notify: { email = [] } = {} }: AlarmEntry): void => {
  for (const [index, address] of email.entries()) {
    const path: Path = ['alarms', name, 'notify', 'email', index];
    if (!ADDRESS.test(address))
      report('alarm', `'${address}' is no mail address`, path, {
        hint: /[^ -~]/.test(address) ? 'a domain with other letters is written as xn--…' : 'such as dba@example.com',
      });
    else if (email.indexOf(address) < index) report('declared-twice', `'${address}' is listed twice`, path);
  }
};
