import type { ObjectKind } from './access.ts';

/** MySQL or MariaDB: what they differ in is said by this word. */
export type Flavour = 'mysql' | 'mariadb';

/** Where a privilege of MySQL is granted: each level has a grant table of its own. */
export type MysqlLevel = 'global' | 'schema' | 'table' | 'column' | 'routine' | 'proxy';

/** One static privilege; `since`: the first version (80045, 101114) that knows it. */
type StaticWord = { readonly word: string; readonly levels: string; readonly only?: Flavour; readonly since?: number };

/**
 * The static privileges (MySQL 9.7 manual, section 8.2.2, and MariaDB's page of GRANT), in the manuals' words. Levels: `g` global,
 * `s` schema, `t` table, `c` column, `r` routine, `p` proxy. test/live/mysql/words.test.ts grants every one of them.
 */
const STATIC: readonly StaticWord[] = [
  { word: 'ALTER', levels: 'gst' },
  { word: 'ALTER ROUTINE', levels: 'gsr' },
  { word: 'CREATE', levels: 'gst' },
  { word: 'CREATE ROUTINE', levels: 'gs' },
  { word: 'CREATE TEMPORARY TABLES', levels: 'gs' },
  { word: 'CREATE VIEW', levels: 'gst' },
  { word: 'DELETE', levels: 'gst' },
  { word: 'DELETE HISTORY', levels: 'gst', only: 'mariadb' },
  { word: 'DROP', levels: 'gst' },
  { word: 'EVENT', levels: 'gs' },
  { word: 'EXECUTE', levels: 'gsr' },
  { word: 'INDEX', levels: 'gst' },
  { word: 'INSERT', levels: 'gstc' },
  { word: 'LOCK TABLES', levels: 'gs' },
  { word: 'REFERENCES', levels: 'gstc' },
  { word: 'SELECT', levels: 'gstc' },
  { word: 'SHOW CREATE ROUTINE', levels: 'gsr', only: 'mariadb', since: 110301 },
  { word: 'SHOW VIEW', levels: 'gst' },
  { word: 'TRIGGER', levels: 'gst' },
  { word: 'UPDATE', levels: 'gstc' },
  { word: 'CREATE ROLE', levels: 'g', only: 'mysql' },
  { word: 'CREATE TABLESPACE', levels: 'g' },
  { word: 'CREATE USER', levels: 'g' },
  { word: 'DROP ROLE', levels: 'g', only: 'mysql' },
  { word: 'FILE', levels: 'g' },
  { word: 'PROCESS', levels: 'g' },
  { word: 'RELOAD', levels: 'g' },
  { word: 'REPLICATION CLIENT', levels: 'g', only: 'mysql' },
  { word: 'REPLICATION SLAVE', levels: 'g' },
  { word: 'SHOW DATABASES', levels: 'g' },
  { word: 'SHUTDOWN', levels: 'g' },
  { word: 'SUPER', levels: 'g' },
  { word: 'BINLOG ADMIN', levels: 'g', only: 'mariadb' },
  { word: 'BINLOG MONITOR', levels: 'g', only: 'mariadb' },
  { word: 'BINLOG REPLAY', levels: 'g', only: 'mariadb' },
  { word: 'CONNECTION ADMIN', levels: 'g', only: 'mariadb' },
  { word: 'FEDERATED ADMIN', levels: 'g', only: 'mariadb' },
  { word: 'READ_ONLY ADMIN', levels: 'g', only: 'mariadb' },
  { word: 'REPLICATION MASTER ADMIN', levels: 'g', only: 'mariadb' },
  { word: 'REPLICATION SLAVE ADMIN', levels: 'g', only: 'mariadb' },
  { word: 'SET USER', levels: 'g', only: 'mariadb' },
  { word: 'SLAVE MONITOR', levels: 'g', only: 'mariadb' },
  { word: 'PROXY', levels: 'p' },
];

/**
 * Dynamic privileges of MySQL (section 8.2.2 of its manual), all of them global: by the first version that has each, 0 for every
 * one of 8.0, and, after a dash, the first that has it no more.
 */
const DYNAMIC: Readonly<Record<string, string>> = {
  ALLOW_NONEXISTENT_DEFINER: '80200',
  APPLICATION_PASSWORD_ADMIN: '80014',
  AUDIT_ABORT_EXEMPT: '80028',
  AUDIT_ADMIN: '0',
  AUTHENTICATION_POLICY_ADMIN: '80027',
  BACKUP_ADMIN: '0',
  BINLOG_ADMIN: '0',
  BINLOG_ENCRYPTION_ADMIN: '80014',
  CLONE_ADMIN: '80017',
  CONNECTION_ADMIN: '0',
  CREATE_SPATIAL_REFERENCE_SYSTEM: '90200',
  ENCRYPTION_KEY_ADMIN: '0',
  FIREWALL_EXEMPT: '80027',
  FLUSH_OPTIMIZER_COSTS: '80023',
  FLUSH_PRIVILEGES: '80400',
  FLUSH_STATUS: '80023',
  FLUSH_TABLES: '80023',
  FLUSH_USER_RESOURCES: '80023',
  GROUP_REPLICATION_ADMIN: '0',
  GROUP_REPLICATION_STREAM: '80027',
  INNODB_REDO_LOG_ARCHIVE: '80017',
  INNODB_REDO_LOG_ENABLE: '80021',
  MANAGE_DATA_MASKING_POLICY: '90500',
  OPTIMIZE_LOCAL_TABLE: '80400',
  PASSWORDLESS_USER_ADMIN: '80027',
  PERSIST_RO_VARIABLES_ADMIN: '0',
  REPLICATION_APPLIER: '80018',
  REPLICATION_SLAVE_ADMIN: '0',
  RESOURCE_GROUP_ADMIN: '0',
  RESOURCE_GROUP_USER: '0',
  ROLE_ADMIN: '0',
  SENSITIVE_VARIABLES_OBSERVER: '80029',
  SERVICE_CONNECTION_ADMIN: '80014',
  SESSION_VARIABLES_ADMIN: '80014',
  SET_ANY_DEFINER: '80200',
  SET_USER_ID: '0-80400',
  SHOW_ROUTINE: '80020',
  SYSTEM_USER: '80016',
  SYSTEM_VARIABLES_ADMIN: '0',
  TABLE_ENCRYPTION_ADMIN: '80016',
  TELEMETRY_LOG_ADMIN: '80033',
  TRANSACTION_GTID_TAG: '80300',
  XA_RECOVER_ADMIN: '0',
};

/** Dynamic privileges that a plugin or component brings: whether the server has them, only the server knows. */
const OF_PLUGINS: ReadonlySet<string> = new Set([
  'EXPORT_QUERY_RESULTS',
  'FIREWALL_ADMIN',
  'FIREWALL_USER',
  'MASKING_DICTIONARIES_ADMIN',
  'NDB_STORED_USER',
  'SKIP_QUERY_REWRITE',
  'TP_CONNECTION_ADMIN',
  'VECTOR_STORE_LOAD_EXEC',
  'VERSION_TOKEN_ADMIN',
]);

/** Other spellings, of older versions too, by the one that the server shows. */
const SYNONYMS: Readonly<Record<Flavour, Readonly<Record<string, string>>>> = {
  mysql: { 'ALL PRIVILEGES': 'ALL' },
  mariadb: {
    'ALL PRIVILEGES': 'ALL',
    'DELETE VERSIONING ROWS': 'DELETE HISTORY',
    'REPLICATION CLIENT': 'BINLOG MONITOR',
    'REPLICATION REPLICA': 'REPLICATION SLAVE',
    'REPLICATION REPLICA ADMIN': 'REPLICATION SLAVE ADMIN',
    'REPLICA MONITOR': 'SLAVE MONITOR',
  },
};

const LEVELS: Readonly<Record<MysqlLevel, string>> = { global: 'g', schema: 's', table: 't', column: 'c', routine: 'r', proxy: 'p' };

/** The level of a kind of object; undefined for kinds that MySQL has no grants on. */
export const mysqlLevel = (kind: ObjectKind): MysqlLevel | undefined => {
  if (kind === 'pattern') return 'schema';
  if (kind === 'function' || kind === 'procedure') return 'routine';
  return Object.hasOwn(LEVELS, kind) ? (kind as MysqlLevel) : undefined;
};

/** The static privileges of a level, in the manual's order; without a version, of every one. */
export const mysqlWords = (level: MysqlLevel, flavour: Flavour, version = Infinity): readonly string[] =>
  STATIC.filter(({ levels, only, since = 0 }) => levels.includes(LEVELS[level]) && (only ?? flavour) === flavour && since <= version).map(
    ({ word }) => word,
  );

/** The dynamic privileges of MySQL, those of plugins last; without a version, of every one. */
export const dynamicWords = (version?: number): readonly string[] => [
  ...Object.entries(DYNAMIC).flatMap(([word, range]) => (version === undefined || within(range, version) ? [word] : [])),
  ...OF_PLUGINS,
];

const within = (range: string, version: number): boolean => {
  const [since, until = 'Infinity'] = range.split('-');
  return version >= Number(since) && version < Number(until);
};

const STATIC_OF_MYSQL: ReadonlySet<string> = new Set(STATIC.filter(({ only }) => only !== 'mariadb').map(({ word }) => word));

/** Whether MySQL keeps the privilege in global_grants, each with a grant option of its own. MariaDB has none of that kind. */
export const isDynamic = (word: string, flavour: Flavour = 'mysql'): boolean =>
  flavour === 'mysql' && word !== 'GRANT OPTION' && word !== 'ALL' && !STATIC_OF_MYSQL.has(word);

/** The word as the server shows it: upper case, single spaces, synonyms resolved. */
export const mysqlWord = (written: string, flavour: Flavour): string => {
  const upper = written.trim().replace(/\s+/g, ' ').toUpperCase();
  return SYNONYMS[flavour][upper] ?? upper;
};
