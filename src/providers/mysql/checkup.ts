import { parseAccount } from '../../model/account.ts';
import type { SessionFacts, UserFacts } from '../../model/checkup.ts';
import type { Target } from '../../model/declared.ts';
import { failure } from '../../model/finding.ts';
import { agreed, type Place, reached } from '../handshake.ts';
import { authoritiesOf } from '../login.ts';
import type { Checker, Timeouts } from '../provider.ts';
import { accountHere, type Here, isByToken } from './account-here.ts';
import type { ReadAccount } from './account-rows.ts';
import { type Connected, connect, timeoutOptions } from './connect.ts';
import { seesOthers } from './end-sessions.ts';
import { IAM_PLUGIN } from './flavour.ts';
import { upgrade } from './greeting.ts';
import { hostOf } from './hosts.ts';
import { canRead } from './queries.ts';
import { parseMark } from './reality.ts';
import { accountSql, ident } from './sql.ts';
import { errno, readError } from './trouble.ts';

/**
 * What the checks of `doctor` need of MySQL and MariaDB. Each dial without a login counts against `max_connect_errors`; a login
 * that is let in, as Rolecall's own is, sets that to zero.
 */
export const checkup: Checker = {
  reach: async (target, timeouts) => await reached(placeOf(target), timeouts),
  tls: async (target, timeouts) => await agreed(placeOf(target), await authoritiesOf(target), upgrade, timeouts),
  session: async (target, roles, timeouts, groups = []) =>
    await asked(target, timeouts, async (connected) => await sessionOf(connected, roles, groups)),
  user: async (target, user, database, timeouts) =>
    await asked(target, timeouts, async (connected) => await userOf(connected, user, database)),
};

const placeOf = ({ name, endpoint, source }: Target): Place => {
  if (endpoint.kind === 'explicit') return endpoint;
  throw failure('connect/not-found', `target '${name}': where it is was not looked up`, { target: name, source });
};

const asked = async <T>(target: Target, timeouts: Timeouts | undefined, work: (connected: Connected) => Promise<T>): Promise<T> => {
  const connected = await connect(target, { as: 'apply', programName: 'rolecall doctor', ...timeoutOptions(timeouts) });
  try {
    return await work(connected);
  } catch (error) {
    throw readError(error, connected.peer);
  } finally {
    await connected.close();
  }
};

const sessionOf = async (connected: Connected, roles: readonly string[], groups: readonly string[]): Promise<SessionFacts> => {
  const { ask, flavour, versionText } = connected;
  const skewMs = await skewOf(connected);
  const [[current, readOnly, innodbReadOnly] = []] = await ask('SELECT CURRENT_USER(), @@GLOBAL.read_only, @@GLOBAL.innodb_read_only');
  const own = parseAccount(String(current));
  const status = new Map((await ask("SHOW SESSION STATUS WHERE Variable_name IN ('Ssl_cipher', 'Ssl_version')")).map(([k, v]) => [k, v]));
  const cipher = String(status.get('Ssl_cipher') ?? '');
  const held = wordsOf(await ask('SHOW GRANTS'));
  const superuser = held.has('SUPER') && (flavour === 'mariadb' || held.has('SYSTEM_USER'));
  return {
    user: own.user,
    account: accountSql(own),
    version: versionText,
    tls: cipher === '' ? null : `${status.get('Ssl_version')}, ${cipher}`,
    readOnly: isOn(readOnly) || isOn(innodbReadOnly),
    superuser,
    createrole: held.has('CREATE USER') || held.has('ALL PRIVILEGES'),
    iamPath: await pathOf(connected, accountSql(own)),
    hasIamRole: await hasPlugin(connected),
    notAdministered: flavour === 'mariadb' || held.has('SYSTEM_USER') ? [] : await powerful(connected, roles),
    perGrantor: false,
    lacking: superuser ? [] : await lackingOf(connected, accountSql(own), held, groups),
    connections: await connectionsOf(connected),
    skewMs,
  };
};

/** One more than max_connections gets in where it has CONNECTION_ADMIN (MySQL) or CONNECTION ADMIN (MariaDB). */
const connectionsOf = async ({ ask }: Connected): Promise<NonNullable<SessionFacts['connections']>> => {
  const [[room] = []] = await ask('SELECT @@GLOBAL.max_connections');
  const [[, open] = []] = await ask("SHOW GLOBAL STATUS LIKE 'Threads_connected'");
  return { open: Number(open) - 1, room: Number(room) };
};

/** What planning and applying need besides CREATE USER: to see what there is, and to put others into the declared groups. */
const lackingOf = async (
  connected: Connected,
  account: string,
  held: ReadonlySet<string>,
  groups: readonly string[],
): Promise<readonly string[]> => {
  const reads = await readsGrants(connected);
  const sees = ['SELECT', 'INSERT', 'UPDATE', 'REFERENCES', 'ALL PRIVILEGES'].some((word) => held.has(word));
  const sight = [
    ...(sees ? [] : ['REFERENCES']),
    ...['SHOW VIEW', 'PROCESS'].filter((word) => !held.has(word) && !held.has('ALL PRIVILEGES')),
  ];
  return [
    ...(reads ? [] : [`GRANT SELECT ON mysql.* TO ${account}`]),
    ...(sight.length === 0 ? [] : [`GRANT ${sight.join(', ')} ON *.* TO ${account}`]),
    ...(await rightsToGrant(connected, account, held, groups, reads)),
  ];
};

/**
 * MySQL lets who has ROLE_ADMIN grant every role, one that it made itself included; MariaDB who has ADMIN on that one, as who made it
 * has: which roles are there already is seen only by who reads the grant tables.
 */
const rightsToGrant = async (
  { ask, flavour }: Connected,
  account: string,
  held: ReadonlySet<string>,
  groups: readonly string[],
  reads: boolean,
): Promise<readonly string[]> => {
  const rows = await ask("SELECT ROLE_NAME FROM information_schema.APPLICABLE_ROLES WHERE IS_GRANTABLE = 'YES'");
  const own = new Set(rows.map(([role]) => String(role)));
  const others = groups.filter((group) => !own.has(group));
  if (flavour === 'mysql') return others.length === 0 || held.has('ROLE_ADMIN') ? [] : [`GRANT ROLE_ADMIN ON *.* TO ${account}`];
  if (!reads) return [];
  const there = new Set((await ask("SELECT User FROM mysql.user WHERE is_role = 'Y'")).map(([name]) => String(name)));
  return others.filter((group) => there.has(group)).map((group) => `GRANT ${ident(group)} TO ${account} WITH ADMIN OPTION`);
};

/** 1142 and 1143: SELECT is denied on a table, or on some of its columns. */
const readsGrants = async ({ ask, flavour }: Connected): Promise<boolean> => {
  try {
    for (const sql of canRead(flavour)) await ask(sql);
    return true;
  } catch (error) {
    if ([1142, 1143].includes(errno(error))) return false;
    throw error;
  }
};

/** By how much this machine's clock is ahead of the server's, half of the way there and back taken off. */
const skewOf = async ({ ask }: Connected): Promise<number> => {
  const before = Date.now();
  const [[now] = []] = await ask("SELECT DATE_FORMAT(UTC_TIMESTAMP(3), '%Y-%m-%dT%H:%i:%s.%f')");
  return Math.round((before + Date.now()) / 2 - Date.parse(`${String(now).slice(0, 23)}Z`));
};

/** `NO_LOCK` and the like of MariaDB 12 are stages of read_only. */
const isOn = (value: unknown): boolean => !['0', 'OFF'].includes(String(value).toUpperCase());

/** What the login may do everywhere, by itself and its active roles: `GRANT SELECT, CREATE USER ON *.* TO …`. */
const wordsOf = (grants: readonly (readonly unknown[])[]): ReadonlySet<string> =>
  new Set(grants.flatMap(([line]) => /^GRANT (.+?) ON \*\.\* TO /.exec(String(line))?.[1]?.split(/,\s*/) ?? []));

/** Accounts with SYSTEM_USER are altered by their like alone (MySQL manual, "Account Categories"). */
const powerful = async ({ ask }: Connected, roles: readonly string[]): Promise<readonly string[]> => {
  const rows = await ask("SELECT GRANTEE FROM information_schema.USER_PRIVILEGES WHERE PRIVILEGE_TYPE = 'SYSTEM_USER'");
  const grantees = new Set(rows.map(([grantee]) => String(grantee)));
  return roles.filter((role) => grantees.has(accountSql(parseAccount(role))));
};

const hasPlugin = async ({ ask }: Connected): Promise<boolean> =>
  (await ask("SELECT 1 FROM information_schema.PLUGINS WHERE PLUGIN_NAME = ? AND PLUGIN_STATUS = 'ACTIVE'", [IAM_PLUGIN])).length > 0;

/** SHOW CREATE USER of itself needs no right to read the grant tables. */
const pathOf = async ({ ask }: Connected, account: string): Promise<readonly string[] | null> => {
  const [[text] = []] = await ask('SHOW CREATE USER CURRENT_USER()');
  return new RegExp(`IDENTIFIED (WITH|VIA) ['\`]?${IAM_PLUGIN}\\b`, 'i').test(String(text)) ? [account, IAM_PLUGIN] : null;
};

const userOf = async (connected: Connected, user: string, database: string): Promise<UserFacts> => {
  const here = await accountHere(connected, user);
  const { account, like } = here;
  const { locked = true, mark = null, options } = account?.traits.account ?? {};
  const text = account === null ? undefined : accountSql(account);
  return {
    exists: account !== null,
    ...(text === undefined ? {} : { account: text }),
    like,
    login: !locked,
    locked: parseMark(mark)?.locked ?? null,
    iamPath: text !== undefined && options && isByToken(options) ? [text, IAM_PLUGIN] : null,
    hasIamRole: await hasPlugin(connected),
    adPath: false,
    passwordOver: account !== null && (await isOver(connected, account)),
    connectionLimit: await limitOf(connected, here),
    sessions: await sessionsOf(connected, user, here),
    database,
    connect: true,
    lacks: here.lacks,
  };
};

/**
 * By a mark, or by an age: that of the account, else that of all. MariaDB marks by an age of nothing, and keeps it where it keeps the
 * rest; -1 stands for that of all there.
 */
const isOver = async ({ ask, flavour }: Connected, { user, host }: Pick<ReadAccount, 'user' | 'host'>): Promise<boolean> => {
  const [[over] = []] = await ask(flavour === 'mariadb' ? OVER_MARIADB : OVER_MYSQL, [user, host]);
  return Number(over) > 0;
};

const OVER_MYSQL = `SELECT password_expired = 'Y' OR IFNULL(password_last_changed + INTERVAL
 NULLIF(COALESCE(password_lifetime, @@GLOBAL.default_password_lifetime), 0) DAY <= NOW(), 0)
 FROM mysql.user WHERE User = ? AND Host = ?`;

const OVER_MARIADB = `SELECT changed = 0 OR IFNULL(FROM_UNIXTIME(changed) + INTERVAL NULLIF(IF(age < 0, @@GLOBAL.default_password_lifetime, age), 0) DAY
 <= NOW(), 0) FROM (SELECT IFNULL(JSON_VALUE(Priv, '$.password_last_changed'), 1) AS changed, IFNULL(JSON_VALUE(Priv, '$.password_lifetime'), -1) AS age
 FROM mysql.global_priv WHERE User = ? AND Host = ?) one`;

/** An account without a limit of its own has the server's; 0 is none. */
const limitOf = async ({ ask }: Connected, { account }: Here): Promise<number> => {
  const own = account?.traits.account.connectionLimit ?? 0;
  if (own > 0) return own;
  const [[all] = []] = await ask('SELECT @@GLOBAL.max_user_connections');
  return Number(all) > 0 ? Number(all) : -1;
};

/** The limit is that of an account: sessions of the user from hosts of its other accounts count there. null: not seen. */
const sessionsOf = async ({ ask, id }: Connected, user: string, { account, hosts }: Here): Promise<number | null> => {
  if (!(await seesOthers(ask))) return null;
  const rows = await ask('SELECT HOST, USER FROM information_schema.PROCESSLIST WHERE USER = ? AND ID <> ?', [user, id]);
  return rows.filter(([from, name]) => name === user && hostOf(String(from).replace(/:\d+$/, ''), hosts) === account?.host).length;
};
