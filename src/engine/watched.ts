import { partitionOf } from '../core/aws.ts';
import type { DeclaredWatch } from '../manifest/declare-alarms.ts';
import type { DeclaredAlarm, LoggingFacts, WatchedServer } from '../model/alarm.ts';
import type { Declared, Target } from '../model/declared.ts';
import { Failure, type Finding, failure } from '../model/finding.ts';
import { distinct, nameKey } from '../model/key.ts';
import { regionOf } from './in-aws.ts';
import { providerOf } from './read.ts';

/** The alarms with the servers that they watch, or why they cannot be planned. */
export type Watched = { readonly declared?: Declared; readonly findings: readonly Finding[] };

/** What is known of the targets when the alarms' servers are asked. `regions`: where something of ours may be. */
export type Around = {
  readonly targets: ReadonlyMap<string, Target>;
  /** Why targets could not be found. */
  readonly lost: readonly Finding[];
  readonly regions: readonly string[];
};

/**
 * ■ Asks RDS for every server that an alarm watches, and the server itself where its log is counted. Where one of them cannot be found
 * or asked, none of the alarms is planned, and nothing is removed because of it.
 */
export const watchedOf = async (watch: DeclaredWatch, { targets, lost, regions }: Around): Promise<Watched> => {
  const names = distinct(watch.alarms.alarms.map(({ target }) => target));
  const reasonOf = (name: string): Finding | undefined => lost.find(({ target }) => target === name);
  const missing = names.filter((name) => reasonOf(name) !== undefined || !targets.has(name));
  if (missing.length > 0) {
    // A target that was not chosen has no part of the plan that would say it.
    const [reason] = missing.flatMap((name) => reasonOf(name) ?? []);
    return { findings: [unplanned(watch, missing, `could not be found${reason ? `: ${reason.message}` : ''}`, reason?.hint)] };
  }
  const asked = await Promise.all(names.map((name) => serverOf(targets.get(name)!, watch.alarms.alarms)));
  const findings = asked.flatMap((one, index) =>
    'trouble' in one ? [unplanned(watch, [names[index]!], `could not be asked: ${one.trouble.message}`, one.trouble.hint)] : [],
  );
  if (findings.length > 0) return { findings };
  const servers = new Map(asked.flatMap((one, index) => ('server' in one ? [[names[index]!, one.server] as const] : [])));
  return { declared: { ...watch, alarms: { ...watch.alarms, servers, regions } }, findings: [] };
};

/** Another manifest's alarms with servers that were asked for this one's; null: it watches others, or more of them. */
export const watchedAlike = (watch: DeclaredWatch, { alarms }: Pick<Declared, 'alarms'>): Declared | null => {
  const known = watch.alarms.alarms.every(({ target, of }) => {
    const server = alarms!.servers.get(target);
    return server !== undefined && (of !== 'log' || server.logging !== null);
  });
  return known ? { ...watch, alarms: { ...alarms!, ...watch.alarms } } : null;
};

const unplanned = (watch: DeclaredWatch, missing: readonly string[], why: string, hint = 'mend that first'): Finding => ({
  severity: 'error',
  code: 'alarms/no-server',
  message: `the alarms are not planned: they watch ${missing.map(nameKey).join(', ')}, which ${why}`,
  hint: `${hint}; nothing is removed because of it`,
  target: watch.target.name,
  source: watch.alarms.alarms.find(({ target }) => missing.includes(target))?.source ?? watch.target.source,
});

type Asked = { readonly server: WatchedServer } | { readonly trouble: Finding };

const serverOf = async (target: Target, alarms: readonly DeclaredAlarm[]): Promise<Asked> => {
  try {
    const region = regionOf(target);
    if (region === undefined) throw failure('alarms/not-in-aws', 'it is not in AWS', { hint: 'watch targets of RDS' });
    const { callerFacts, serverFacts } = await import('../providers/rds/facts.ts');
    const facts = await serverFacts(target, region);
    const account = target.place?.account || (await callerFacts(target, region)).account;
    const { kind, identifier, engine, logExports, parameterGroup } = facts;
    const isCounted = alarms.some((alarm) => alarm.target === target.name && alarm.of === 'log');
    return {
      server: {
        kind,
        identifier,
        partition: target.place?.partition ?? partitionOf(region),
        region,
        account,
        engine,
        logExports,
        ...(parameterGroup === undefined ? {} : { parameterGroup }),
        logging: isCounted ? await loggingOf(target) : null,
      },
    };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { trouble: error.findings[0]! };
  }
};

const loggingOf = async (target: Target): Promise<LoggingFacts> => {
  const { logging } = await providerOf(target.engine, target.name);
  if (logging) return await logging(target);
  throw failure('alarms/engine', `this version does not know the log of ${target.engine}`);
};
