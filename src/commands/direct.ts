import { type ManifestOptions, openSession, type Session, sessionOf } from '../engine/session.ts';
import { readManifest } from '../manifest/validate.ts';
import type { DatabaseEngine, Endpoint } from '../model/declared.ts';
import { Failure, failure, isError } from '../model/finding.ts';
import { unverifiedLogin } from '../providers/login.ts';
import { namedServer, naming } from './direct-server.ts';
import { type DirectLogin, libpqTarget, mysqlTarget, rdsTarget, refuseRds } from './direct-target.ts';
import { inOptions } from './option-words.ts';

/** A server that is named on the command line, in the words of psql and mysql, or as RDS has it. */
export type DirectOptions = {
  readonly engine?: DatabaseEngine;
  readonly host?: string;
  readonly port?: string;
  readonly database?: string;
  readonly user?: string;
  readonly tls?: Extract<Endpoint, { kind: 'explicit' }>['tls'];
  /** `cluster/NAME`, `instance/NAME` or `proxy/NAME`. */
  readonly rds?: string;
  readonly region?: string;
  readonly via?: string;
  readonly ca?: string;
};

/** A session, and whether a manifest stands behind it. */
export type Opened = { readonly session: Session; readonly own: boolean };

/**
 * The server that the options name; else the manifest's targets, where there is a manifest; else the server that the variables of libpq
 * or of the mysql client name. Of a manifest the account is there whatever targets are chosen. `login`: who logs in to a server that is
 * named, `--user` where it is left out.
 */
export const openTargets = async (
  options: ManifestOptions & DirectOptions,
  clock: () => Date,
  login: DirectLogin = options.user === undefined ? {} : { user: options.user },
): Promise<Opened> => {
  if (isDirect(options)) {
    if (options.manifest.length + options.target.length > 0)
      throw failure('target/twice', 'a manifest and a server on the command line are both named', { hint: 'leave one of them out' });
    return { session: await directSession(options, login, clock), own: false };
  }
  try {
    const session = chosen(await openSession({ ...options, target: [] }, clock), options.target);
    refuseBeside(options);
    return { session, own: true };
  } catch (error) {
    if (!isWithoutManifest(error, options)) throw error;
    if (naming(process.env) !== undefined) return { session: await directSession(options, login, clock), own: false };
    throw failure('target/none', 'there is no manifest here, and no server is named', {
      hint: 'name one with --manifest PATH, with --rds cluster/NAME --region REGION, or as for psql and mysql: --host HOST, PGHOST or MYSQL_HOST',
    });
  }
};

/** Whether the options name a server; who logs in to it, and into which database, does not. */
export const isDirect = ({ engine, host, port, tls, rds, region, via, ca }: DirectOptions): boolean =>
  [engine, host, port, tls, rds, region, via, ca].some((value) => value !== undefined);

/** A manifest says who logs in, and where. */
const refuseBeside = ({ user, database }: DirectOptions): void => {
  const option = user !== undefined ? '--user' : database !== undefined ? '--database' : undefined;
  if (option !== undefined)
    throw failure('target/manifest', `${option} is for a server without a manifest, and there is one here`, {
      hint: 'leave it out, or name the server: --host HOST, or --rds cluster/NAME --region REGION',
    });
};

/**
 * Who is meant by `USER@TARGET` where a server is named beside it: a name may hold an @, so what follows one is the server only where
 * it is called so.
 */
export const userOn = (at: string, options: DirectOptions): string => {
  const name = `@${nameOf(options)}`;
  return at.endsWith(name) && at.length > name.length ? at.slice(0, -name.length) : at;
};

const nameOf = ({ rds, host }: DirectOptions): string =>
  rds?.split('/')[1] || host || process.env.PGHOST || process.env.MYSQL_HOST || 'server';

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

const directSession = async (options: DirectOptions, login: DirectLogin, clock: () => Date): Promise<Session> => {
  const name = nameOf(options);
  const { rds } = options;
  if (rds !== undefined) {
    const assumed = options.engine ?? 'postgres';
    const session = manifestOf(name, rdsTarget(assumed, rds, options, login), true, clock);
    if (options.engine !== undefined) return session;
    const { engineThere } = await import('../providers/rds/rds.ts');
    const engine = (await engineThere(session.declareds[0]!.target)) as DatabaseEngine | undefined;
    return engine === undefined || engine === assumed ? session : manifestOf(name, rdsTarget(engine, rds, options, login), true, clock);
  }
  refuseRds(options);
  const server = await namedServer(options);
  if (server === null) return manifestOf(name, libpqTarget(options, login), false, clock);
  if (server.engine === 'postgres') return manifestOf(name, libpqTarget({ ...options, port: `${server.port}` }, login), false, clock);
  const session = manifestOf(server.host, mysqlTarget(server, options, login), false, clock);
  return { ...session, findings: unverifiedLogin(session.declareds[0]!.target, 'is sent to a server that speaks no TLS').map(inOptions) };
};

/** A manifest of one target, as somebody would write it for this one time. */
const manifestOf = (name: string, target: object, inRds: boolean, clock: () => Date): Session => {
  const iam = inRds ? { iam: {} } : {};
  const text = JSON.stringify({ version: 1, stack: 'nobody/none', targets: { [name]: target }, groups: { nobody: {} }, ...iam });
  const { manifest, findings } = readManifest([{ path: 'command line', text }]);
  if (manifest === null) throw new Failure(findings.filter(isError).map(({ source: _, ...finding }) => finding));
  const session = sessionOf(manifest, [], { target: [] }, clock);
  // An empty manifest is refused: the group stands in it for that alone.
  return { ...session, declareds: session.declareds.map((declared) => ({ ...declared, roles: new Map() })), findings: [] };
};
