import { type ManifestOptions, openSession } from '../engine/session.ts';
import { EXIT, type ExitCode, Failure, isError } from '../model/finding.ts';
import { listDatabases } from '../providers/rds/list.ts';
import { databasesText } from '../render/databases.ts';
import { visible } from '../render/escape.ts';
import { toJson } from '../render/json.ts';
import type { Console } from './console.ts';
import { tell } from './tell.ts';

export type TargetsOptions = ManifestOptions & {
  readonly format: 'human' | 'json';
  /** Regions of the account to list, whether or not there is a manifest. */
  readonly region: readonly string[];
};

/** The targets of the manifest, offline; without one, or for regions that are named, the clusters and instances of the account. */
export const targetsCommand = async (options: TargetsOptions, console: Console): Promise<ExitCode> => {
  const session = options.region.length > 0 ? null : await openSession(options, console.now).catch((error) => orNone(error, options));
  if (session === null) return await listAccount(options, console);
  const targets = session.declareds.map(({ target: { name, engine, endpoint, rds } }) => ({
    name,
    engine,
    endpoint: endpoint.kind === 'explicit' ? `${endpoint.host}:${endpoint.port}` : rds ? `${rds.kind}/${rds.identifier}` : endpoint.kind,
    ...(rds ? { region: rds.region } : {}),
  }));
  if (options.format === 'json') console.out(toJson({ formatVersion: '1.0', targets }));
  else for (const { name, engine, endpoint } of targets) console.out(`${visible(name)}  ${engine}  ${visible(endpoint)}\n`);
  return EXIT.ok;
};

/** null where no manifest was named and none is at the usual places. */
const orNone = (error: unknown, { manifest }: TargetsOptions): null => {
  const none = error instanceof Failure && manifest.length === 0 && error.findings.every(({ code }) => code === 'manifest/not-found');
  if (none) return null;
  throw error;
};

const listAccount = async ({ region, format }: TargetsOptions, console: Console): Promise<ExitCode> => {
  const { databases, findings } = await listDatabases(region);
  tell(findings, console);
  const unread = findings.some(isError);
  if (format === 'json' || !unread || databases.length > 0)
    console.out(format === 'json' ? toJson({ formatVersion: '1.0', databases }) : databasesText(databases));
  return unread ? EXIT.refused : EXIT.ok;
};
