import { declareAlarms } from '../../src/manifest/declare-alarms.ts';
import { readManifest } from '../../src/manifest/validate.ts';
import type { LogFilter, WatchedServer } from '../../src/model/alarm.ts';
import type { Declared } from '../../src/model/declared.ts';
import { Failure, isError } from '../../src/model/finding.ts';
import { alarmKey, filterKey } from '../../src/providers/cloudwatch/names.ts';
import type { FoundAlarm, FoundTopic, Snapshot } from '../../src/providers/cloudwatch/snapshot.ts';

/** What a manifest wants to be watched, where every target is named by `rds:` and its server logs and exports what is needed. */
export const watchOf = (text: string, asOf = '2026-06-01T09:00:00Z'): Declared => {
  const { manifest, findings } = readManifest([{ path: 'access.yaml', text }]);
  if (!manifest || findings.some(isError)) throw new Failure(findings);
  const servers = new Map(
    Object.entries(manifest.content.targets).map(([name, { rds, engine }]): [string, WatchedServer] => [
      name,
      {
        kind: rds?.cluster === undefined ? 'instance' : 'cluster',
        identifier: (rds?.cluster ?? rds?.instance)!,
        partition: 'aws',
        region: rds!.region,
        account: manifest.content.iam!.account!,
        engine: engine === 'postgres' ? 'aurora-postgresql' : 'aurora-mysql',
        logExports: ['error', 'postgresql'],
        logging: { logged: true },
      },
    ]),
  );
  const watch = declareAlarms(manifest, { asOf })!;
  const regions = [...new Set([...servers.values()].map(({ region }) => region))].sort();
  return { ...watch, alarms: { ...watch.alarms, servers, regions } };
};

/** A snapshot as a file holds it: maps as lists. */
export const alarmsFrom = (text: string, reverse = false): Snapshot => {
  const read = JSON.parse(text);
  const inOrder = <T>(list: readonly T[]): readonly T[] => (reverse ? [...list].reverse() : list);
  return {
    ...read,
    topics: new Map(inOrder(read.topics as FoundTopic[]).map((one) => [one.arn, one])),
    alarms: new Map(inOrder(read.alarms as FoundAlarm[]).map((one) => [alarmKey(one.alarm), one])),
    filters: new Map(inOrder(read.filters as LogFilter[]).map((one) => [filterKey(one), one])),
    logGroups: new Set(read.logGroups),
    absentTopics: new Set(),
    toldKeys: new Map(),
    manyTopics: new Map(),
  };
};
