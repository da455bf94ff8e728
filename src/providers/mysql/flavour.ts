import type { Flavour } from '../../model/privilege-mysql.ts';

/** By `@@version` and `@@version_comment`. */
export const flavourOf = (banner: string): Flavour => (/mariadb/i.test(banner) ? 'mariadb' : 'mysql');

export const FLAVOURS: Readonly<Record<Flavour, string>> = { mysql: 'MySQL', mariadb: 'MariaDB' };

/** The oldest version with roles, ACCOUNT LOCK and grants that are read back whole. */
export const OLDEST: Readonly<Record<Flavour, { readonly number: number; readonly text: string }>> = {
  mysql: { number: 80000, text: '8.0' },
  mariadb: { number: 100600, text: '10.6' },
};

/** `8.0.45-1` is 80045, `10.11.18-MariaDB-0+deb12u1` is 101118. */
export const versionNumber = (text: string): number => {
  const [major = 0, minor = 0, patch = 0] = (/^(\d+)\.(\d+)(?:\.(\d+))?/.exec(text) ?? []).slice(1).map(Number);
  return major * 10_000 + minor * 100 + (patch || 0);
};

/** Plugins that check a password which the server keeps. */
const PASSWORD_PLUGINS: ReadonlySet<string> = new Set([
  'caching_sha2_password',
  'sha256_password',
  'mysql_native_password',
  'mysql_old_password',
  'ed25519',
  'parsec',
]);
export const isPasswordPlugin = (plugin: string): boolean => PASSWORD_PLUGINS.has(plugin.toLowerCase());

/** What RDS checks tokens with; on Aurora and RDS an account names it `AS 'RDS'`. */
export const IAM_PLUGIN = 'AWSAuthenticationPlugin';
export const isIamPlugin = (plugin: string): boolean => plugin.toLowerCase() === IAM_PLUGIN.toLowerCase();

/** Columns `…_priv` of mysql.user and mysql.db whose word is not their own name. `Grant_priv` is the grant option. */
const COLUMN_WORDS: Readonly<Record<string, string>> = {
  Grant_priv: 'GRANT OPTION',
  Show_db_priv: 'SHOW DATABASES',
  Create_tmp_table_priv: 'CREATE TEMPORARY TABLES',
  Repl_slave_priv: 'REPLICATION SLAVE',
  Repl_client_priv: 'REPLICATION CLIENT',
};
export const columnWord = (column: string): string =>
  COLUMN_WORDS[column] ??
  column
    .replace(/_priv$/, '')
    .replaceAll('_', ' ')
    .toUpperCase();

/** Members of the sets of tables_priv, columns_priv and procs_priv whose word is not their own name. */
const SET_WORDS: Readonly<Record<string, string>> = { Grant: 'GRANT OPTION', 'Delete versioning rows': 'DELETE HISTORY' };
export const setWord = (member: string): string => SET_WORDS[member] ?? member.toUpperCase();

/** Bits of `access` in MariaDB's global_priv, from the lowest (sql/privilege.h of 10.6 to 11.8); the view mysql.user does not show them all. */
const BITS: readonly string[] = [
  'SELECT',
  'INSERT',
  'UPDATE',
  'DELETE',
  'CREATE',
  'DROP',
  'RELOAD',
  'SHUTDOWN',
  'PROCESS',
  'FILE',
  'GRANT OPTION',
  'REFERENCES',
  'INDEX',
  'ALTER',
  'SHOW DATABASES',
  'SUPER',
  'CREATE TEMPORARY TABLES',
  'LOCK TABLES',
  'EXECUTE',
  'REPLICATION SLAVE',
  'BINLOG MONITOR',
  'CREATE VIEW',
  'SHOW VIEW',
  'CREATE ROUTINE',
  'ALTER ROUTINE',
  'CREATE USER',
  'EVENT',
  'TRIGGER',
  'CREATE TABLESPACE',
  'DELETE HISTORY',
  'SET USER',
  'FEDERATED ADMIN',
  'CONNECTION ADMIN',
  'READ_ONLY ADMIN',
  'REPLICATION SLAVE ADMIN',
  'REPLICATION MASTER ADMIN',
  'BINLOG ADMIN',
  'BINLOG REPLAY',
  'SLAVE MONITOR',
  'SHOW CREATE ROUTINE',
];

/** The words of a mask, which is written in decimal. Bits that the server's version does not know yet are no privileges (root has all). */
export const accessWords = (mask: string, version: number): readonly string[] => {
  const access = BigInt(mask);
  const known = version >= 110_301 ? BITS : BITS.filter((word) => word !== 'SHOW CREATE ROUTINE');
  return known.filter((_, bit) => (access >> BigInt(bit)) & 1n);
};
