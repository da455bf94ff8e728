import { parseAccount } from '../../core/account.ts';
import { matches } from '../../core/selector.ts';
import { failure } from '../../model/finding.ts';
import { byCodeUnit, distinct } from '../../model/key.ts';
import { mysqlLevel } from '../../model/privilege-mysql.ts';
import type { Inspection } from '../provider.ts';
import type { Rows, Tables } from './account-rows.ts';
import { both, type Concern, concernedUsers } from './concern.ts';
import { type Connected, connect, type Row, timeoutOptions } from './connect.ts';
import { hostOf } from './hosts.ts';
import {
  canRead,
  columnsQuery,
  DEFINER_LISTS,
  definersQuery,
  LONG_TEXTS,
  OBJECT_QUERIES,
  PRIVILEGE_COLUMNS,
  SERVER,
  SETTINGS,
  sessionsQuery,
} from './queries.ts';
import { askedOnce, type Concerned, readAll, readGrants } from './read-grants.ts';
import { type Grants, sorted } from './rows.ts';
import { type Answers, type Everywhere, everywhere, mandatoryRoles, serverOf } from './server.ts';
import type { Server, Snapshot, SnapshotAccount, Unseen } from './snapshot.ts';
import { readError, readingGrants } from './trouble.ts';

/** For tests. `everybody`: as of inspectOver. */
export type InspectOptions = { readonly env?: Readonly<Record<string, string | undefined>>; readonly everybody?: boolean };

/**
 * Reads a server once: the grant tables as they stand at one moment, then what can be granted on. Throws a Failure where it cannot
 * log in, where reading fails, and where the login may not see everything.
 */
export const inspect = async ({ declared, also, as, timeouts }: Inspection, options: InspectOptions = {}): Promise<Snapshot> => {
  const { everybody, ...others } = options;
  const connected = await connect(declared.target, { as, ...timeoutOptions(timeouts), ...others });
  try {
    return await inspectOver(connected, both(declared, also), everybody);
  } finally {
    await connected.close();
  }
};

/** Reads over a connection that is open; `everybody`: also the rows on tables of accounts that a plan cannot depend on. */
export const inspectOver = async (connected: Connected, declared: Concern, everybody = false): Promise<Snapshot> => {
  try {
    return await read(connected, declared, everybody);
  } catch (error) {
    throw readError(error, connected.peer);
  }
};

const read = async (connected: Connected, declared: Concern, everybody: boolean): Promise<Snapshot> => {
  const [columns, answers] = await Promise.all([privilegeColumns(connected), askServer(connected), connected.ask(LONG_TEXTS)]);
  const objects = askedOnce(() => readAll(connected, OBJECT_QUERIES));
  const concerned = (rows: Rows): Concerned => (everybody ? null : concernedBy(declared, answers, rows));
  const { nameOf, ...grants } = await readGrants({ connected, columns, concerned, ahead: objects });
  const server = serverOf(answers, nameOf);
  const reader = everywhere(server.currentUser, server, grants);
  checkSight(connected, reader);
  const found = await objects();
  const relations = of(found, 'relations').map(([schema, name]) => [String(schema), String(name)] as const);
  return {
    engine: 'mysql',
    server: { ...server, grantable: grantableOf(declared, server, grants) },
    ...grants,
    schemas: distinct(of(found, 'schemata').map(([name]) => String(name))),
    tables: bySchema(relations).map(({ schema, names }) => ({ schema, names })),
    columns: await readColumns(connected, columnPairs(declared, grants, relations)),
    routines: sorted(
      (['function', 'procedure'] as const).flatMap((kind) =>
        bySchema(
          of(found, 'programs')
            .filter(([, , type]) => String(type).toLowerCase() === kind)
            .map(([schema, name]) => [String(schema), String(name)] as const),
        ).map(({ schema, names }) => ({ schema, kind, names })),
      ),
      ({ schema, kind }) => [schema, kind],
    ),
    definers: await readDefiners(connected, dropped(declared, grants.accounts)),
    sessions: await readSessions(connected, grants.accounts, leavingAccounts(declared, grants.accounts)),
    unseen: unseenBy(connected, reader),
  };
};

const of = (rows: Rows, name: string): readonly Row[] => rows.get(name)!;

/** Everybody's rows are read as soon as those of so many. */
const MANY_USERS = 2000;

const concernedBy = (declared: Concern, { settings, currentUser }: Answers, rows: Rows): Concerned => {
  if (declared.roles.size > MANY_USERS) return null;
  const mandatory = mandatoryRoles(settings.get('mandatory_roles') ?? '', (user) => user);
  const users = concernedUsers(declared, {
    accounts: of(rows, 'accounts'),
    edges: of(rows, 'edges'),
    reader: parseAccount(currentUser).user,
    everybodys: [...mandatory, 'PUBLIC'],
  });
  return users !== null && users.size > MANY_USERS ? null : users;
};

/** The columns that hold privileges. Throws what the server says to a login that does not see them. */
export const privilegeColumns = async ({ ask, flavour }: Pick<Connected, 'ask' | 'flavour'>): Promise<Tables['columns']> => {
  const rows = await ask(PRIVILEGE_COLUMNS);
  const named = (table: string) => rows.flatMap(([name, column]) => (name === table ? [String(column)] : []));
  const columns = { user: named('user'), db: named('db') };
  if (columns.user.length === 0 || columns.db.length === 0) for (const sql of canRead(flavour)) await ask(sql);
  return columns;
};

const askServer = async (connected: Connected): Promise<Answers> => {
  const [variables, [[currentUser, iamPlugin, rdsKill] = []]] = await Promise.all([connected.ask(SETTINGS), connected.ask(SERVER)]);
  const settings = new Map(variables.map(([name, value]) => [String(name), String(value ?? '')]));
  const { flavour, version, versionText } = connected;
  return { flavour, version, versionText, settings, currentUser: String(currentUser), iamPlugin: iamPlugin === 1, rdsKill: rdsKill === 1 };
};

/** Schemas, tables and columns are shown to those who hold something there: only what counts everywhere shows them all. */
const checkSight = ({ peer }: Connected, { words }: Everywhere): void => {
  if (['SELECT', 'INSERT', 'UPDATE', 'REFERENCES'].some((word) => words.has(word))) return;
  const { target, address } = peer;
  throw failure(
    'inspect/unreadable',
    `target '${target.name}': '${address.user}' sees only the schemas and tables that it may use itself`,
    {
      hint: readingGrants(address.user),
      target: target.name,
      source: target.source,
    },
  );
};

/** What the server shows of each kind to whom (information_schema in both manuals). */
const unseenBy = ({ flavour }: Connected, { words }: Everywhere): readonly Unseen[] => {
  const isMysql = flavour === 'mysql';
  const needed: Readonly<Record<Unseen, readonly string[]>> = {
    event: isMysql ? ['EVENT'] : [],
    routine: isMysql ? ['SHOW_ROUTINE', 'SELECT', 'CREATE ROUTINE', 'ALTER ROUTINE', 'EXECUTE'] : [],
    session: ['PROCESS'],
    trigger: ['TRIGGER'],
    view: ['SHOW VIEW'],
  };
  return (Object.keys(needed) as Unseen[]).filter((kind) => needed[kind].length > 0 && !needed[kind].some((word) => words.has(word)));
};

/** By the login that applies, whoever reads. Where its name has several hosts, what all of them may grant. */
const grantableOf = (declared: Concern, server: Omit<Server, 'grantable'>, grants: Omit<Grants, 'nameOf'>): Server['grantable'] => {
  const { user } = declared.target.login;
  const current = parseAccount(server.currentUser);
  const names =
    user === undefined || user === current.user
      ? [server.currentUser]
      : grants.accounts.flatMap((account) => (account.user === user && account.kind === 'user' ? [account.name] : []));
  const [first, ...others] = names.map((name) => everywhere(name, server, grants).grantable);
  return first === undefined ? null : first.filter((word) => others.every((words) => words.includes(word)));
};

const bySchema = (pairs: readonly (readonly [string, string])[]): { readonly schema: string; readonly names: readonly string[] }[] => {
  const found = new Map<string, string[]>();
  for (const [schema, name] of pairs) {
    const names = found.get(schema);
    if (names) names.push(name);
    else found.set(schema, [name]);
  }
  return [...found].map(([schema, names]) => ({ schema, names: names.sort(byCodeUnit) })).sort((a, b) => byCodeUnit(a.schema, b.schema));
};

/** Tables whose columns somebody holds something on, or shall. */
const columnPairs = (
  declared: Concern,
  { grants }: Omit<Grants, 'nameOf'>,
  relations: readonly (readonly [string, string])[],
): readonly (readonly [string, string])[] => {
  const selected = declared.grants.filter(({ kind, columns }) => columns !== undefined || mysqlLevel(kind) === 'column');
  const held = new Set(grants.flatMap((row) => (row.level === 'column' ? [JSON.stringify([row.schema, row.relation])] : [])));
  if (selected.length === 0 && held.size === 0) return [];
  return relations.filter(
    ([schema, table]) =>
      held.has(JSON.stringify([schema, table])) ||
      selected.some((grant) => grant.schema && grant.name && matches(grant.schema, schema) && matches(grant.name, table)),
  );
};

const readColumns = async (connected: Connected, pairs: readonly (readonly [string, string])[]): Promise<Snapshot['columns']> => {
  if (pairs.length === 0) return [];
  const { sql, values } = columnsQuery(pairs);
  const wanted = new Set(pairs.map((pair) => JSON.stringify(pair)));
  const found = new Map<string, { readonly position: number; readonly name: string }[]>();
  for (const [schema, table, name, position] of await connected.ask(sql, values)) {
    const key = JSON.stringify([schema, table]);
    if (!wanted.has(key)) continue;
    found.set(key, [...(found.get(key) ?? []), { position: Number(position), name: String(name) }]);
  }
  const columns = [...found].map(([key, names]) => {
    const [schema, table] = JSON.parse(key) as [string, string];
    return { schema, table, names: names.sort((a, b) => a.position - b.position).map(({ name }) => name) };
  });
  return sorted(columns, ({ schema, table }) => [schema, table]);
};

/** Accounts that a plan may drop, whatever their hosts. */
const dropped = (declared: Concern, accounts: readonly SnapshotAccount[]): readonly SnapshotAccount[] => {
  const names = new Set(declared.removed.flatMap(({ name, action }) => (action === 'drop' ? [name, parseAccount(name).user] : [])));
  return accounts.filter(({ name, user }) => names.has(name) || names.has(user));
};

const readDefiners = async (connected: Connected, accounts: readonly SnapshotAccount[]): Promise<Snapshot['definers']> => {
  if (accounts.length === 0) return [];
  const names = new Map(accounts.map(({ user, host, name }) => [`${user}@${host}`, name]));
  const lists = Array.from({ length: DEFINER_LISTS }, () => [...names.keys()]).flat();
  const rows = await connected.ask(definersQuery(connected.flavour, names.size), lists);
  const definers = rows.flatMap(([kind, schema, name, definer]) => {
    const account = names.get(String(definer));
    return account === undefined ? [] : [{ account, kind: String(kind), schema: String(schema), name: String(name) }];
  });
  return sorted(definers, ({ account, kind, schema, name }) => [account, kind, schema, name]);
};

/** Accounts that lose their login or go: everybody else's sessions come and go, and are no part of a plan. */
const leavingAccounts = (declared: Concern, accounts: readonly SnapshotAccount[]): readonly SnapshotAccount[] => {
  const removed = new Set(declared.removed.flatMap(({ name }) => [name, parseAccount(name).user]));
  return accounts.filter(({ name, user, mark }) => {
    const role = declared.roles.get(name);
    return role ? !role.enabled || role.expired : removed.has(name) || removed.has(user) || mark !== null;
  });
};

const readSessions = async (
  connected: Connected,
  accounts: readonly SnapshotAccount[],
  leaving: readonly SnapshotAccount[],
): Promise<Snapshot['sessions']> => {
  const users = distinct(leaving.map(({ user }) => user));
  if (users.length === 0) return [];
  const counts = new Map<string, number>();
  for (const [user, client] of await connected.ask(sessionsQuery(users.length), users)) {
    const ofUser = accounts.filter((account) => account.user === user);
    const hosts = ofUser.map(({ host }) => host);
    const host = hosts.length === 1 ? hosts[0] : hostOf(String(client).replace(/:\d+$/, ''), hosts);
    const account = leaving.find((one) => one.user === user && one.host === host);
    if (account) counts.set(account.name, (counts.get(account.name) ?? 0) + 1);
  }
  return sorted(
    [...counts].map(([account, count]) => ({ account, count })),
    ({ account }) => [account],
  );
};
