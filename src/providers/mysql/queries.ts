import type { Flavour } from '../../model/privilege-mysql.ts';
import { SYSTEM_SCHEMAS } from './catalog.ts';
import { IAM_PLUGIN } from './flavour.ts';

/** A query with a name, by which its rows are found. */
export type Query = { readonly name: string; readonly sql: string; readonly values?: readonly string[] };

/** The privilege columns of the two widest grant tables: they differ by version. Empty where the login may not read the tables. */
export const PRIVILEGE_COLUMNS = `
SELECT TABLE_NAME, COLUMN_NAME FROM information_schema.COLUMNS
 WHERE TABLE_SCHEMA = 'mysql' AND TABLE_NAME IN ('user', 'db') AND COLUMN_NAME LIKE '%\\_priv'
 ORDER BY TABLE_NAME, ORDINAL_POSITION`;

/**
 * Before and after the grant tables: MySQL reads them at one moment. MariaDB's have no such thing: the checksums of all but one are
 * compared. Rows on tables are read by one statement, and with what did not change around it they are how it was then.
 */
export const SNAPSHOT_BEGIN: readonly string[] = [
  'SET TRANSACTION ISOLATION LEVEL REPEATABLE READ',
  'START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY',
];
export const SNAPSHOT_END = 'COMMIT';
export const CHECKSUMS = `CHECKSUM TABLE mysql.global_priv, mysql.db, mysql.columns_priv, mysql.procs_priv, mysql.proxies_priv, mysql.roles_mapping`;

/** Say by their errors what a login lacks to which `PRIVILEGE_COLUMNS` shows less than all. */
export const canRead = (flavour: Flavour): readonly string[] =>
  [flavour === 'mysql' ? 'user' : 'global_priv', 'db'].map((table) => `SELECT User FROM mysql.${table} LIMIT 0`);

/** Asked for by name, so that a version without one of them answers all the same. */
export const SETTINGS = `
SHOW GLOBAL VARIABLES WHERE Variable_name IN ('activate_all_roles_on_login', 'activate_mandatory_roles', 'authentication_policy', 'basedir',
 'default_authentication_plugin', 'innodb_read_only', 'lower_case_table_names', 'mandatory_roles', 'partial_revokes', 'read_only', 'server_uid', 'server_uuid', 'super_read_only')`;

export const SERVER = `
SELECT CURRENT_USER(),
       EXISTS (SELECT 1 FROM information_schema.PLUGINS WHERE PLUGIN_NAME = '${IAM_PLUGIN}' AND PLUGIN_STATUS = 'ACTIVE'),
       EXISTS (SELECT 1 FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = 'mysql' AND ROUTINE_NAME = 'rds_kill')`;

/** The letters of the privilege columns side by side: `YNNY…`. */
const letters = (columns: readonly string[]): string =>
  `CONCAT(${columns.map((column) => `\`${column.replaceAll('`', '``')}\``).join(', ')})`;

/** What a password is stored as stays on the server: only whether there is one, and whether it is the word of RDS. */
const storedAs = (text: string): string => `CASE COALESCE(${text}, '') WHEN '' THEN '' WHEN 'RDS' THEN 'RDS' ELSE 'set' END`;

/** Values as one text, each ended by a NUL; null is none. Ten thousand rows of three columns are read in a third of the time of twenty. */
const oneText = (...values: readonly string[]): string => `CONCAT(${values.map((value) => `COALESCE(${value}, ''), '\\0'`).join(', ')})`;

/** What a certificate must say, where it must. */
const ofCertificate = (blob: string): string => `IF(ssl_type = 'SPECIFIED', REPLACE(CONVERT(${blob} USING utf8mb4), '\\0', ''), '')`;

const MYSQL_ACCOUNTS = (columns: readonly string[]): string => `
SELECT User, Host, ${oneText(
  letters(columns),
  'plugin',
  storedAs('authentication_string'),
  'account_locked',
  'password_expired',
  'password_lifetime',
  'ssl_type',
  ofCertificate('x509_subject'),
  ofCertificate('x509_issuer'),
  ofCertificate('ssl_cipher'),
  'max_questions',
  'max_updates',
  'max_connections',
  'max_user_connections',
  "JSON_EXTRACT(User_attributes, '$.metadata')",
  "JSON_EXTRACT(User_attributes, '$.Restrictions')",
  "JSON_EXTRACT(User_attributes, '$.Password_locking')",
)} FROM mysql.user`;

/**
 * The column Priv, but for what a password is stored as, also that of another way to log in. As text: in JSON the server looks for it
 * three times as long.
 */
const MARIADB_ACCOUNTS = `
SELECT User, Host, REGEXP_REPLACE(Priv, '("authentication_string": *")(?!RDS"|")(?:[^"\\\\\\\\]|\\\\\\\\.)*"', '\\\\1set"') FROM mysql.global_priv`;

const ON_TABLE = "Db, '\\0', Table_name, '\\0', Table_priv, '\\0'";

/** Whose rows on tables are read; null: everybody's. `hosts`: those that rows have. */
export type Whose = { readonly users: readonly string[]; readonly hosts: readonly string[] } | null;

/** Hosts of rows on tables: few, found in the index of MySQL. MariaDB reads all its rows as soon as by its index. */
const TABLE_HOSTS: Query = { name: 'hosts', sql: 'SELECT DISTINCT Host FROM mysql.tables_priv' };

/** Rows of these users, whatever their hosts: also those that no account has. With the hosts named MySQL reads no other rows. */
const tablesOf = (flavour: Flavour, whose: Whose): Pick<Query, 'values'> & { readonly from: string } => {
  const from = "FROM mysql.tables_priv WHERE Table_priv <> ''";
  if (whose === null) return { from };
  const { users, hosts } = whose;
  const byIndex = flavour === 'mysql' && hosts.length > 0 && hosts.length * users.length <= MANY_RANGES;
  const lists = [['User', users], ...(byIndex ? ([['Host', hosts]] as const) : [])] as const;
  const named = lists.map(([column, list]) => ` AND ${column} IN (${list.map(() => '?').join(', ')})`);
  return { from: from + named.join(''), values: lists.flatMap(([, list]) => list) };
};
const MANY_RANGES = 4000;

/** Rows on tables; beside `tableGrants`, for where one of its texts is longer than the server sends. */
export const tablesApart = (flavour: Flavour, whose: Whose): Query => {
  const { from, ...values } = tablesOf(flavour, whose);
  return { name: 'tables', sql: `SELECT User, Host, Db, Table_name, Table_priv ${from}`, ...values };
};

/**
 * The same as text (see TableGrants), in a tenth of the time. MySQL's rows stand by host and user: each account has its text. MariaDB's
 * would have to be sorted, which takes longer than all the rest: there is one, and before each row stand user and host.
 */
export const tableGrants = (flavour: Flavour, whose: Whose): Query => {
  const { from, ...values } = tablesOf(flavour, whose);
  return flavour === 'mysql'
    ? { name: 'texts', sql: `SELECT User, Host, COUNT(*), GROUP_CONCAT(${ON_TABLE} SEPARATOR '') ${from} GROUP BY Host, User`, ...values }
    : { name: 'text', sql: `SELECT GROUP_CONCAT(User, '\\0', Host, '\\0', ${ON_TABLE} SEPARATOR '') ${from}`, ...values };
};

/** Before everything: no text is cut off before the largest packet of the server. After it: how many were. */
export const LONG_TEXTS = 'SET SESSION group_concat_max_len = 1073741824';
export const CUT_TEXTS: Query = { name: 'cut', sql: 'SELECT @@warning_count' };

const COMMON = (columns: readonly string[]): readonly Query[] => [
  { name: 'schemas', sql: `SELECT User, Host, Db, ${letters(columns)} FROM mysql.db` },
  { name: 'columns', sql: 'SELECT User, Host, Db, Table_name, Column_name, Column_priv FROM mysql.columns_priv' },
  { name: 'routines', sql: 'SELECT User, Host, Db, Routine_name, Routine_type, Proc_priv FROM mysql.procs_priv' },
  { name: 'proxies', sql: 'SELECT User, Host, Proxied_user, Proxied_host, With_grant FROM mysql.proxies_priv' },
];

/** The grant tables whole, but for what stands there of tables. `columns`: of mysql.user and of mysql.db, from `PRIVILEGE_COLUMNS`. */
export const grantQueries = (
  flavour: Flavour,
  columns: { readonly user: readonly string[]; readonly db: readonly string[] },
): readonly Query[] =>
  flavour === 'mysql'
    ? [
        { name: 'accounts', sql: MYSQL_ACCOUNTS(columns.user) },
        ...COMMON(columns.db),
        { name: 'dynamic', sql: 'SELECT USER, HOST, PRIV, WITH_GRANT_OPTION FROM mysql.global_grants' },
        { name: 'edges', sql: 'SELECT FROM_USER, FROM_HOST, TO_USER, TO_HOST, WITH_ADMIN_OPTION FROM mysql.role_edges' },
        TABLE_HOSTS,
        { name: 'defaults', sql: 'SELECT USER, HOST, DEFAULT_ROLE_USER, DEFAULT_ROLE_HOST FROM mysql.default_roles' },
      ]
    : [
        { name: 'accounts', sql: MARIADB_ACCOUNTS },
        ...COMMON(columns.db),
        { name: 'edges', sql: "SELECT Role, '', User, Host, Admin_option FROM mysql.roles_mapping" },
      ];

const notOfTheSystem = (column: string): string => `${column} NOT IN (${[...SYSTEM_SCHEMAS].map((schema) => `'${schema}'`).join(', ')})`;

/** What can be granted on, as far as the login may see it. */
export const OBJECT_QUERIES: readonly Query[] = [
  { name: 'schemata', sql: `SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE ${notOfTheSystem('SCHEMA_NAME')}` },
  { name: 'relations', sql: `SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES WHERE ${notOfTheSystem('TABLE_SCHEMA')}` },
  {
    name: 'programs',
    sql: `SELECT ROUTINE_SCHEMA, ROUTINE_NAME, ROUTINE_TYPE FROM information_schema.ROUTINES
 WHERE ROUTINE_TYPE IN ('FUNCTION', 'PROCEDURE') AND ${notOfTheSystem('ROUTINE_SCHEMA')}`,
  },
];

/** Columns of `pairs` of schema and table. Where a table is named as constants MariaDB opens that one alone; beyond a few it opens all of a schema. */
export const columnsQuery = (
  pairs: readonly (readonly [string, string])[],
): { readonly sql: string; readonly values: readonly string[] } => {
  const select = 'SELECT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, ORDINAL_POSITION FROM information_schema.COLUMNS WHERE TABLE_SCHEMA';
  if (pairs.length <= FEW_TABLES) {
    return { sql: pairs.map(() => `${select} = ? AND TABLE_NAME = ?`).join('\nUNION ALL '), values: pairs.flat() };
  }
  const schemas = [...new Set(pairs.map(([schema]) => schema))];
  return { sql: `${select} IN (${schemas.map(() => '?').join(', ')})`, values: schemas };
};
const FEW_TABLES = 50;

/** Objects that run as one of `count` definers, each `user@host`. MariaDB shows its events to whoever may read their table. */
export const definersQuery = (flavour: Flavour, count: number): string => {
  const among = `IN (${Array.from({ length: count }, () => '?').join(', ')})`;
  const events =
    flavour === 'mysql'
      ? `SELECT 'event', EVENT_SCHEMA, EVENT_NAME, DEFINER FROM information_schema.EVENTS WHERE DEFINER ${among}`
      : `SELECT 'event', db, name, definer FROM mysql.event WHERE definer ${among}`;
  return [
    `SELECT 'view', TABLE_SCHEMA, TABLE_NAME, DEFINER FROM information_schema.VIEWS WHERE DEFINER ${among}`,
    `SELECT 'trigger', TRIGGER_SCHEMA, TRIGGER_NAME, DEFINER FROM information_schema.TRIGGERS WHERE DEFINER ${among}`,
    events,
    `SELECT LOWER(ROUTINE_TYPE), ROUTINE_SCHEMA, ROUTINE_NAME, DEFINER FROM information_schema.ROUTINES WHERE DEFINER ${among}`,
  ].join('\nUNION ALL ');
};
export const DEFINER_LISTS = 4;

/** Live sessions of `count` user names, our own left out. */
export const sessionsQuery = (count: number): string => `
SELECT USER, HOST FROM information_schema.PROCESSLIST
 WHERE ID <> CONNECTION_ID() AND USER IN (${Array.from({ length: count }, () => '?').join(', ')})`;
