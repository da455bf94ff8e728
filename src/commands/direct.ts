import { type ManifestOptions, openSession, type Session, sessionOf } from '../engine/session.ts';
import { readManifest } from '../manifest/validate.ts';
import { Failure, failure, isError } from '../model/finding.ts';

/** A server that is named on the command line, in the words of psql, or as RDS has it. */
export type DirectOptions = {
  readonly host?: string;
  readonly port?: string;
  readonly database?: string;
  readonly user?: string;
  /** `cluster/NAME`, `instance/NAME` or `proxy/NAME`. */
  readonly rds?: string;
  readonly region?: string;
  readonly via?: string;
  readonly ca?: string;
};

/** A session, and whether a manifest stands behind it. */
export type Opened = { readonly session: Session; readonly own: boolean };

/**
 * The server that the options name; else the manifest's targets, where there is a manifest; else the server that libpq's variables
 * name. Of a manifest the account is there whatever targets are chosen.
 */
export const openTargets = async (options: ManifestOptions & DirectOptions, clock: () => Date): Promise<Opened> => {
  if (isDirect(options)) {
    if (options.manifest.length + options.target.length > 0)
      throw failure('target/twice', 'a manifest and a server on the command line are both named', { hint: 'leave one of them out' });
    return { session: directSession(options, clock), own: false };
  }
  try {
    return { session: chosen(await openSession({ ...options, target: [] }, clock), options.target), own: true };
  } catch (error) {
    if (!isWithoutManifest(error, options)) throw error;
    if (NAMED.some((name) => process.env[name])) return { session: directSession(options, clock), own: false };
    throw failure('target/none', 'there is no manifest here, and no server is named', {
      hint: 'name one with --manifest PATH, with --rds cluster/NAME --region REGION, or as for psql: --host HOST, or PGHOST',
    });
  }
};

const NAMED = ['PGHOST', 'DATABASE_URL', 'POSTGRES_HOST'] as const;

const isDirect = ({ host, port, database, user, rds, region, via, ca }: DirectOptions): boolean =>
  [host, port, database, user, rds, region, via, ca].some((value) => value !== undefined);

const isWithoutManifest = (error: unknown, { manifest, target }: ManifestOptions): boolean =>
  error instanceof Failure && manifest.length + target.length === 0 && error.findings.every(({ code }) => code === 'manifest/not-found');

const chosen = (session: Session, names: readonly string[]): Session => {
  if (names.length === 0) return session;
  const known = session.declareds.map(({ target }) => target.name);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw failure('manifest/unknown-target', `there is no target '${unknown}'`, { hint: `the manifest has: ${known.join(', ')}` });
  return { ...session, declareds: session.declareds.filter(({ target }) => names.includes(target.name)) };
};

/** A manifest of one target, as somebody would write it for this one time. */
const directSession = (options: DirectOptions, clock: () => Date): Session => {
  const target = options.rds === undefined ? libpqTarget(options) : rdsTarget(options.rds, options);
  const name = options.rds?.split('/')[1] ?? options.host ?? process.env.PGHOST ?? 'server';
  const iam = options.rds === undefined ? {} : { iam: {} };
  const text = JSON.stringify({ version: 1, stack: 'nobody/none', targets: { [name]: target }, groups: { nobody: {} }, ...iam });
  const { manifest, findings } = readManifest([{ path: 'command line', text }]);
  if (manifest === null) throw new Failure(findings.filter(isError).map(({ source: _, ...finding }) => finding));
  const session = sessionOf(manifest, [], { target: [] }, clock);
  // An empty manifest is refused: the group stands in it for that alone.
  return { ...session, declareds: session.declareds.map((declared) => ({ ...declared, roles: new Map() })), findings: [] };
};

const DEFAULT_DATABASE = 'postgres';

const rdsTarget = (rds: string, { region, database, user, via, ca, host, port }: DirectOptions): object => {
  const [, kind, name] = /^(cluster|instance|proxy)\/([^/]+)$/.exec(rds) ?? [];
  if (kind === undefined || name === undefined)
    throw failure('target/rds', `'${rds}' names nothing of RDS`, { hint: 'write --rds cluster/NAME, instance/NAME or proxy/NAME' });
  if (host !== undefined || port !== undefined)
    throw failure('target/twice', '--rds finds the endpoint, and --host or --port names one', {
      hint: 'leave one of them out; a tunnel is --via HOST:PORT',
    });
  const { AWS_REGION, AWS_DEFAULT_REGION, PGUSER, PGPASSWORD } = process.env;
  const where = region ?? AWS_REGION ?? AWS_DEFAULT_REGION;
  if (where === undefined)
    throw failure('target/region', `the region of '${rds}' is not named`, { hint: 'add --region, or set AWS_REGION' });
  return {
    engine: 'postgres',
    rds: { [kind]: name, region: where, ...(via === undefined ? {} : { via: dialled(via) }), ...(ca === undefined ? {} : { ca }) },
    login: { user: user ?? PGUSER ?? 'rolecall', ...(PGPASSWORD ? { password: '${env:PGPASSWORD}' } : { auth: 'iam' }) },
    maintenance_database: database ?? DEFAULT_DATABASE,
  };
};

const dialled = (via: string): object => {
  const [, host, port] = /^(.+):(\d+)$/.exec(via) ?? [];
  if (host === undefined) throw failure('target/via', `'${via}' is no address to dial`, { hint: 'write --via HOST:PORT' });
  return { host, port: Number(port) };
};

/** As psql takes them: an option counts before its variable, and a host before a whole URL. */
const libpqTarget = ({ host, port, database, user, region, via, ca }: DirectOptions): object => {
  if (region !== undefined || via !== undefined)
    throw failure('target/rds', `${region === undefined ? '--via' : '--region'} is for a server that --rds names`, {
      hint: 'write --rds cluster/NAME, or give --host and --port alone',
    });
  const { env } = process;
  if (host !== undefined) for (const name of ['DATABASE_URL', 'POSTGRES_HOST']) delete env[name];
  for (const [name, value] of [
    ['PGHOST', host],
    ['PGPORT', port],
    ['PGUSER', user],
    ['PGSSLROOTCERT', ca],
  ] as const)
    if (value !== undefined) env[name] = value;
  return { engine: 'postgres', endpoint: 'env', maintenance_database: database ?? env.PGDATABASE ?? DEFAULT_DATABASE };
};
