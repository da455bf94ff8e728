import type { DescribeDBLogFilesDetails, RDSClient } from '@aws-sdk/client-rds';
import type { ServerFacts } from '../../model/checkup.ts';
import type { Target } from '../../model/declared.ts';
import type { LogEvent, LogName } from '../../model/denied.ts';
import { Failure, failure } from '../../model/finding.ts';
import { byCodeUnit } from '../../model/key.ts';
import { type Access, accessWith } from './connect.ts';
import { awsFailure } from './trouble.ts';

/** What a log holds since an instant. `part`: it is not all of it, and what is missing. */
export type LogReading = { readonly by: 'cloudwatch' | 'rds'; readonly events: readonly LogEvent[]; readonly part?: string };

/**
 * ■ Reads a log of a server since an instant (ms since 1970): where it is exported from CloudWatch Logs, else from the files of the
 * instances. Throws a Failure that says why it could be read from neither.
 */
export const readLog = async (
  target: Target,
  server: ServerFacts,
  log: LogName,
  since: number,
  bounds: LogBounds = BOUNDS,
): Promise<LogReading> => {
  const access = accessWith(target.rds?.assumeRole, server.region);
  const exported = server.logExports.includes(log);
  const trouble: Failure[] = [];
  for (const read of [...(exported ? [fromCloudWatch] : []), fromFiles]) {
    try {
      return await read(access, server, log, since, bounds);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      trouble.push(error);
    }
  }
  // What is told is why the better of the two could not be read.
  throw trouble[0]!;
};

/** How much is read at most. */
export type LogBounds = { readonly pages: number; readonly bytes: number };
const BOUNDS: LogBounds = { pages: 50, bytes: 1_000_000 };

/** RDS User Guide, "Publishing database logs to Amazon CloudWatch Logs": one group for each log, one stream for each instance. */
const fromCloudWatch = async (
  access: Access,
  { kind, identifier, region }: ServerFacts,
  log: LogName,
  since: number,
  { pages }: LogBounds,
): Promise<LogReading> => {
  const logGroupName = `/aws/rds/${kind}/${identifier}/${log}`;
  const client = await access.logs(region);
  const { FilterLogEventsCommand } = await import('@aws-sdk/client-cloudwatch-logs');
  const events: LogEvent[] = [];
  let nextToken: string | undefined;
  try {
    for (let page = 0; page < pages; page++) {
      const pattern = PATTERNS[log];
      const more = { ...(pattern === null ? {} : { filterPattern: pattern }), ...(nextToken === undefined ? {} : { nextToken }) };
      const answer = await client.send(new FilterLogEventsCommand({ logGroupName, startTime: since, ...more }));
      for (const { message, timestamp, logStreamName } of answer.events ?? [])
        events.push({
          text: message ?? '',
          at: timestamp === undefined ? null : instant(timestamp),
          stream: instanceOf(logStreamName ?? ''),
        });
      nextToken = answer.nextToken;
      if (nextToken === undefined) return { by: 'cloudwatch', events };
    }
    return { by: 'cloudwatch', events, part: `${logGroupName} holds more than ${pages} pages: the newest of it was not read` };
  } catch (error) {
    if ((error as { readonly name?: unknown }).name === 'ResourceNotFoundException')
      throw failure(
        'logs/no-group',
        `it is exported, and there is no log group ${logGroupName}: whether anything was written is not known`,
        {
          hint: 'the group comes with the first line: RDS may have had none to write since it was switched on',
        },
      );
    throw awsFailure(error, { action: 'logs:FilterLogEvents', region });
  } finally {
    client.destroy();
  }
};

/** `orders-1`, or `orders-1.0` where an engine writes several. */
const instanceOf = (stream: string): string => stream.replace(/\.\d+$/, '');

/** CloudWatch Logs User Guide, "Filter pattern syntax": `?` is for one of several. null: everything is wanted. */
const PATTERNS: Readonly<Record<LogName, string | null>> = {
  'iam-db-auth-error': null,
  postgresql: '?FATAL ?DETAIL ?"connection received"',
  error: '"Access denied"',
};

/** RDS User Guide, "Monitoring Amazon RDS log files". Files of CSV hold the same once more. */
const FILES: Readonly<Record<LogName, RegExp>> = {
  'iam-db-auth-error': /iam-db-auth-error/,
  postgresql: /^error\/postgresql\.log(?!.*\.csv$)/,
  error: /^error\/(mysql-error|mariadb-error|mysql|mariadb)/,
};

const fromFiles = async (access: Access, server: ServerFacts, log: LogName, since: number, { bytes }: LogBounds): Promise<LogReading> => {
  const { region, instances } = server;
  if (instances.length === 0) throw failure('logs/no-instance', `the ${server.kind} has no instance`);
  const client = await access.rds(region);
  const read = await Promise.all(instances.map(async ({ name }) => await ofInstance(client, name, { log, since, bytes, region })));
  const parts = read.flatMap(({ part }) => (part === undefined ? [] : [part]));
  if (!read.some(({ files }) => files > 0))
    throw failure('logs/not-exported', 'it is not exported, and no file of it is kept', {
      hint: `aws rds modify-db-${server.kind} --db-${server.kind}-identifier ${server.identifier} --cloudwatch-logs-export-configuration '{"EnableLogTypes":["${log}"]}'`,
    });
  return { by: 'rds', events: read.flatMap(({ events }) => events), ...(parts.length === 0 ? {} : { part: parts.join('; ') }) };
};

type Asked = { readonly log: LogName; readonly since: number; readonly bytes: number; readonly region: string };
type OfInstance = { readonly files: number; readonly events: readonly LogEvent[]; readonly part?: string };

/** The newest file first, back to the one that was last written before that instant, or until it is enough. */
const ofInstance = async (client: RDSClient, instance: string, { log, since, bytes, region }: Asked): Promise<OfInstance> => {
  const all = await filesOf(client, instance, region);
  const ofLog = all
    .filter(({ LogFileName: name = '' }) => FILES[log].test(name))
    .sort((a, b) => (b.LastWritten ?? 0) - (a.LastWritten ?? 0) || byCodeUnit(b.LogFileName ?? '', a.LogFileName ?? ''));
  const texts: string[] = [];
  let left = bytes;
  for (const { LogFileName: name, LastWritten: written, Size: size } of ofLog) {
    if (written !== undefined && written < since) break;
    if (left <= 0)
      return { files: ofLog.length, events: eventsOf(texts, instance), part: `of ${instance} no more was read than ${bytes} bytes` };
    const { text, cut } = await portionOf(client, instance, name!, region);
    texts.unshift(text);
    left -= Buffer.byteLength(text);
    // An estimate: the size is that of the moment in which the files were listed.
    if (cut && (size ?? 0) > Buffer.byteLength(text))
      return {
        files: ofLog.length,
        events: eventsOf(texts, instance),
        part: `of ${name} of ${instance} only the last ${Buffer.byteLength(text)} bytes were read`,
      };
  }
  return { files: ofLog.length, events: eventsOf(texts, instance) };
};

const eventsOf = (texts: readonly string[], stream: string): readonly LogEvent[] => texts.map((text) => ({ text, at: null, stream }));

const filesOf = async (client: RDSClient, instance: string, region: string): Promise<readonly DescribeDBLogFilesDetails[]> => {
  const { paginateDescribeDBLogFiles } = await import('@aws-sdk/client-rds');
  const found: DescribeDBLogFilesDetails[] = [];
  try {
    for await (const page of paginateDescribeDBLogFiles({ client }, { DBInstanceIdentifier: instance }))
      found.push(...(page.DescribeDBLogFiles ?? []));
    return found;
  } catch (error) {
    throw awsFailure(error, { action: 'rds:DescribeDBLogFiles', region });
  }
};

/** RDS API Reference, "DownloadDBLogFilePortion": without a marker and with a number of lines, the last ones, at most 1 MB of them. */
const LINES = 9999;

const portionOf = async (
  client: RDSClient,
  instance: string,
  name: string,
  region: string,
): Promise<{ readonly text: string; readonly cut: boolean }> => {
  const { DownloadDBLogFilePortionCommand } = await import('@aws-sdk/client-rds');
  try {
    const { LogFileData: text = '' } = await client.send(
      new DownloadDBLogFilePortionCommand({ DBInstanceIdentifier: instance, LogFileName: name, NumberOfLines: LINES }),
    );
    // AdditionalDataPending speaks of what comes after.
    return { text, cut: text.split('\n').length >= LINES || Buffer.byteLength(text) > TRUNCATED };
  } catch (error) {
    throw awsFailure(error, { action: 'rds:DownloadDBLogFilePortion', region });
  }
};
const TRUNCATED = 900_000;

const instant = (ms: number): string => new Date(ms).toISOString();
