import { parseComment } from '../../core/mark.ts';
import { nearest } from '../../core/nearest.ts';
import type { Declared } from '../../model/declared.ts';
import { Failure } from '../../model/finding.ts';
import { byCodeUnit, distinct } from '../../model/key.ts';
import { hostPort } from '../network.ts';
import type { Inspection } from '../provider.ts';
import { type Connected, connect, timeoutOptions } from './connect.ts';
import { databasesToRead, type Unread, wishOf } from './extent.ts';
import { settingsInPlay } from './known-settings.ts';
import {
  BEGIN,
  clusterQueries,
  contentQueries,
  DEPENDENTS,
  knownSettings,
  type Query,
  SETTING_NAMES,
  SYSTEM_IDENTIFIER,
  type Wish,
} from './queries.ts';
import { clusterOf, contentsOf, mayReadControl, type Row, type Rows, serverOf } from './rows.ts';
import type { Contents, KnownSetting, Server, Snapshot } from './snapshot.ts';
import { readError } from './trouble.ts';

/** For tests: how long the server may take for one statement, in ms. */
export type InspectOptions = { readonly statementTimeoutMs?: number; readonly env?: Readonly<Record<string, string | undefined>> };

/** How many databases are read side by side. */
const LANES = 4;

/**
 * Reads a server once: what its databases share over the maintenance database, then each managed database over one
 * connection and in one read-only transaction of its own. Throws a Failure where it cannot log in or reading fails.
 */
export const inspect = async ({ declared, as, timeouts }: Inspection, options: InspectOptions = {}): Promise<Snapshot> => {
  const connectTo = (database: string) => connect(declared.target, { as, database, ...timeoutOptions(timeouts), ...options });
  const { maintenanceDatabase, databases } = declared.target;
  const opening = connectTo(maintenanceDatabase);
  const { open, closeUnused } = ahead((databases ?? []).filter((name) => name !== maintenanceDatabase).slice(0, LANES), connectTo);
  let maintenance: Connected | undefined;
  try {
    maintenance = await opening;
    const cluster = await readCluster(maintenance, declared);
    const { entered, unread } = databasesToRead(declared, cluster);
    const wish = wishOf(declared, cluster.dropped);
    const shared = maintenance;
    const read = async (database: string): Promise<Reading> =>
      database === maintenanceDatabase
        ? { database, contents: await readContents(shared, wish) }
        : await readDatabase(database, open, wish);
    const readings = await sideBySide(entered, read);
    const { dropped: _dropped, ...common } = cluster;
    return {
      engine: 'postgres',
      ...common,
      contents: Object.fromEntries(readings.flatMap((reading) => ('contents' in reading ? [[reading.database, reading.contents]] : []))),
      unread: [...unread, ...readings.flatMap((reading) => ('reason' in reading ? [reading] : []))].sort((a, b) =>
        byCodeUnit(a.database, b.database),
      ),
    };
  } finally {
    await Promise.all([maintenance?.close(), closeUnused()]);
  }
};

/** Opens databases before anybody asks for them: connecting takes longer than reading a small server. */
const ahead = (databases: readonly string[], connectTo: (database: string) => Promise<Connected>) => {
  const early = new Map(databases.map((database) => [database, connectTo(database)] as const));
  // What went wrong is told to whoever asks.
  for (const opening of early.values()) opening.catch(() => {});
  return {
    open: (database: string): Promise<Connected> => {
      const opening = early.get(database);
      early.delete(database);
      return opening ?? connectTo(database);
    },
    closeUnused: async (): Promise<void> => {
      await Promise.all([...early.values()].map((opening) => opening.then(({ close }) => close()).catch(() => {})));
    },
  };
};

/**
 * Reads again in a transaction that is open, what it did itself included: the shared part, and the contents of the
 * database that it runs in. The other databases are left out: it can have done nothing there.
 */
export const inspectWithin = async (connected: Connected, declared: Declared, previous: Snapshot, database: string): Promise<Snapshot> => {
  const rows = await readAll(connected, '', clusterQueries(Math.floor(previous.server.version / 10_000)));
  const shared = clusterOf(rows);
  const dropped = declared.removed.filter(({ action }) => action === 'drop').map(({ name }) => name);
  const contents = previous.contents[database]
    ? { [database]: contentsOf(await readAll(connected, '', contentQueries(wishOf(declared, dropped)))) }
    : {};
  const others = Object.keys(previous.contents).filter((name) => name !== database);
  const unread = [...previous.unread, ...others.map((name) => ({ database: name, reason: 'it is not read again' }))];
  return { ...previous, ...shared, server: previous.server, sessions: [], contents, unread };
};

/** What a database held, or why it could not be entered. */
type Reading = { readonly database: string; readonly contents: Contents } | Unread;

type Cluster = Omit<Snapshot, 'engine' | 'contents' | 'unread'> & {
  /** The roles that are there and shall be dropped. */
  readonly dropped: readonly string[];
};

const readCluster = async (connected: Connected, declared: Declared): Promise<Cluster> => {
  const major = await majorOf(connected);
  const rows = await readAll(connected, BEGIN, clusterQueries(major));
  const shared = clusterOf(rows);
  const [server] = rows.get('server')!;
  const names = new Set(shared.roles.map(({ name }) => name));
  const dropped = distinct(declared.removed.filter(({ action, name }) => action === 'drop' && names.has(name)).map(({ name }) => name));
  return {
    ...shared,
    server: {
      ...serverOf(server!, mayReadControl(server!) ? await readSystemIdentifier(connected) : null),
      ...(declared.target.endpoint.kind === 'env' ? { address: hostPort(connected.peer.address) } : {}),
    },
    sessions: sessionsOf(rows.get('sessions') ?? [], shared.roles, declared),
    dependents: await readDependents(connected, dropped),
    knownSettings: await readKnownSettings(connected, major, declared, shared.settings),
    dropped,
  };
};

/** From what the server said on login; a pooler that says nothing costs a question more. */
const majorOf = async (connected: Connected): Promise<number> => {
  const announced = Number.parseInt(connected.version, 10);
  if (announced >= 10) return announced;
  const [row] = await ask(connected, "SELECT pg_catalog.current_setting('server_version_num')");
  return Math.floor(Number(row![0]) / 10_000);
};

const readSystemIdentifier = async (connected: Connected): Promise<Server['systemIdentifier']> => {
  const [row] = await ask(connected, SYSTEM_IDENTIFIER);
  return row?.[0] ?? null;
};

const readDependents = async (connected: Connected, dropped: readonly string[]): Promise<Snapshot['dependents']> => {
  if (dropped.length === 0) return [];
  const rows = await ask(connected, DEPENDENTS, [dropped]);
  return rows
    .map(([role, database, oid, type, catalog, count]) => ({
      role: role!,
      database: oid === '0' ? null : (database ?? `oid ${oid}`),
      type: type as Snapshot['dependents'][number]['type'],
      catalog: catalog!,
      count: Number(count),
    }))
    .sort(
      (a, b) =>
        byCodeUnit(a.role, b.role) ||
        byCodeUnit(a.database ?? '', b.database ?? '') ||
        byCodeUnit(a.type, b.type) ||
        byCodeUnit(a.catalog, b.catalog),
    );
};

/** Asked only where settings are in play, and for all names only where one is unknown. */
const readKnownSettings = async (
  connected: Connected,
  major: number,
  declared: Declared,
  settings: Snapshot['settings'],
): Promise<Snapshot['knownSettings']> => {
  const names = settingsInPlay(declared, settings);
  if (names.length === 0) return [];
  const rows = await ask(connected, knownSettings(major), [names, declared.target.login.user ?? connected.peer.address.user]);
  const known = rows.map(([name, context, settable]): KnownSetting => ({ name: name!, context: context!, settable: settable === 't' }));
  const all = known.some(({ context }) => context === null) ? (await ask(connected, SETTING_NAMES)).map(([name]) => name!) : [];
  return known
    .map((setting) => (setting.context === null ? { ...setting, ...nearSetting(setting.name, all) } : setting))
    .sort((a, b) => byCodeUnit(a.name, b.name));
};

const nearSetting = (name: string, all: readonly string[]): { readonly near?: string } => {
  const near = nearest(name, all);
  return near === undefined ? {} : { near };
};

/** Sessions of roles that lose their login or go: everybody else's come and go, and are no part of a plan. */
const sessionsOf = (rows: readonly Row[], roles: Snapshot['roles'], declared: Declared): Snapshot['sessions'] => {
  const removed = new Set(declared.removed.map(({ name }) => name));
  const marked = new Set(roles.filter(({ comment }) => parseComment(comment).mark !== null).map(({ name }) => name));
  const loses = (name: string): boolean => {
    const role = declared.roles.get(name);
    return role ? !role.enabled || role.expired : removed.has(name) || marked.has(name);
  };
  return rows
    .map(([role, count]) => ({ role: role!, count: Number(count) }))
    .filter(({ role }) => loses(role))
    .sort((a, b) => byCodeUnit(a.role, b.role));
};

const readDatabase = async (database: string, open: (database: string) => Promise<Connected>, wish: Wish): Promise<Reading> => {
  let connected: Connected;
  try {
    connected = await open(database);
  } catch (error) {
    const reason = refusal(error);
    if (reason === undefined) throw error;
    return { database, reason };
  }
  try {
    return { database, contents: await readContents(connected, wish, BEGIN) };
  } finally {
    await connected.close();
  }
};

/** Refusals that concern one database, while the server lets the login in elsewhere. */
const REFUSALS = new Set(['connect/no-connect', 'connect/closed', 'connect/no-database', 'connect/not-admitted']);
const refusal = (error: unknown): string | undefined =>
  error instanceof Failure ? error.findings.find(({ code }) => REFUSALS.has(code))?.message : undefined;

/** Without `begin`: in the transaction that is open. It ends here. */
const readContents = async (connected: Connected, wish: Wish, begin = ''): Promise<Contents> =>
  contentsOf(await readAll(connected, begin, contentQueries(wish), 'COMMIT'));

/** Several at a time; all are waited for, so that none is left running when one fails. */
const sideBySide = async <T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> => {
  if (items.length < 2) return await Promise.all(items.map(work));
  const { default: limited } = await import('p-limit');
  const lane = limited(LANES);
  const settled = await Promise.allSettled(items.map((item) => lane(() => work(item))));
  return settled.map((outcome) => {
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  });
};

/** Values stay the text that the server sent. */
const TEXT = { getTypeParser: () => (text: string) => text };
const arrays = (text: string, patienceMs: number) => ({ text, rowMode: 'array' as const, types: TEXT, query_timeout: patienceMs });

/** All queries in one message, between what comes before and after them. */
const readAll = async ({ client, peer, patienceMs }: Connected, before: string, queries: readonly Query[], after = ''): Promise<Rows> => {
  const lead = before ? before.split(';').length : 0;
  const text = [before, ...queries.map(({ sql }) => sql), after].filter(Boolean).join(';\n');
  try {
    const results = (await client.query(arrays(text, patienceMs))) as unknown as readonly {
      readonly rows: readonly Row[];
    }[];
    return new Map(queries.map(({ name }, index) => [name, results[lead + index]!.rows]));
  } catch (error) {
    throw readError(error, peer);
  }
};

/** One query with bound values. */
const ask = async ({ client, peer, patienceMs }: Connected, text: string, values: readonly unknown[] = []): Promise<readonly Row[]> => {
  try {
    return (await client.query({ ...arrays(text, patienceMs), values: [...values] })).rows;
  } catch (error) {
    throw readError(error, peer);
  }
};
