import type { Others } from '../../model/reality.ts';
import type { AccountOptions } from '../../model/state.ts';

/**
 * What one reading of a MySQL or MariaDB server returns: plain JSON, rows of the grant tables in one form for both. Accounts are
 * written as core/account.ts does (`app`, `app@10.%`); a user of MariaDB that has the name of a role is written with its host.
 */
export type Snapshot = {
  readonly engine: 'mysql';
  readonly server: Server;
  readonly accounts: readonly SnapshotAccount[];
  /** Accounts that the plan cannot depend on (concern.ts), where they were left out of `accounts`. */
  readonly others?: Others;
  /** Rows of role_edges or roles_mapping. `mapping` of MariaDB's that only says who made the role (its creator, with ADMIN) is there too. */
  readonly edges: readonly { readonly role: string; readonly member: string; readonly admin: boolean }[];
  /** Default roles, dangling ones (of MariaDB) too: `role` need not exist. */
  readonly defaultRoles: readonly { readonly member: string; readonly role: string }[];
  /** All of them, but for those of `tableGrants`, and what is only of those in `others`: rows on tables, columns and `*.*`. */
  readonly grants: readonly SnapshotGrant[];
  /** What accounts hold on whole tables, where they hold nothing on columns of them; of those in `others` nothing is known. */
  readonly tableGrants?: readonly TableGrants[];
  /** On kinds of object that no manifest names: they are reported, and left as they are. */
  readonly otherGrants?: readonly OtherGrant[];
  /** Negative grants (partial revokes): privileges that global ones do not give on a schema. */
  readonly restrictions: readonly { readonly account: string; readonly schema: string; readonly privileges: readonly string[] }[];
  /** Every schema but those of the system, sorted. */
  readonly schemas: readonly string[];
  /** Tables and views by schema, names sorted. Schemas of the system are left out. */
  readonly tables: readonly { readonly schema: string; readonly names: readonly string[] }[];
  /** Columns of the tables that a grant on columns names, in the manifest or on the server. */
  readonly columns: readonly { readonly schema: string; readonly table: string; readonly names: readonly string[] }[];
  readonly routines: readonly { readonly schema: string; readonly kind: 'function' | 'procedure'; readonly names: readonly string[] }[];
  /** Objects that run as an account of `removed` (or of an absent user): what breaks when it is dropped. `kind`: view, trigger, event, function, procedure. */
  readonly definers: readonly { readonly account: string; readonly kind: string; readonly schema: string; readonly name: string }[];
  /** Live sessions of accounts that lose their login or go (process list matched to account), our own left out. */
  readonly sessions: readonly { readonly account: string; readonly count: number }[];
  /** What the login may not see all of: kinds of definers, sessions. Nothing there is not known to be nothing. */
  readonly unseen: readonly Unseen[];
};

export type Unseen = 'event' | 'routine' | 'session' | 'trigger' | 'view';

/** MySQL below 8.0 and MariaDB below 10.6 are refused when they are connected to. */
export type Server = {
  readonly flavour: 'mysql' | 'mariadb';
  /** major * 10000 + minor * 100 + patch: 80045, 90700, 101114. */
  readonly version: number;
  readonly versionText: string;
  /** @@server_uuid, @@server_uid; null where there is none. */
  readonly uuid: string | null;
  /** CURRENT_USER() as an account. */
  readonly currentUser: string;
  readonly readOnly: boolean;
  /** @@innodb_read_only: a reader of Aurora. */
  readonly innodbReadOnly: boolean;
  readonly lowerCaseTableNames: 0 | 1 | 2;
  readonly partialRevokes: boolean;
  readonly activateAllRoles: boolean;
  /** Accounts of @@mandatory_roles; none on MariaDB. */
  readonly mandatoryRoles: readonly string[];
  /** @@activate_mandatory_roles: they are active from login on. Left out where the server has no such variable (8.0): they are not. */
  readonly activateMandatoryRoles?: boolean;
  /** AWSAuthenticationPlugin: whether it is loaded. */
  readonly iamPlugin: boolean;
  /** Of MySQL: the plugin of new accounts that log in by a password; left out: caching_sha2_password. */
  readonly passwordPlugin?: string;
  /** mysql.rds_kill exists. */
  readonly rds: boolean;
  /** What the apply login may grant at `*.*`, dynamic privileges included (its own with grant option, through its roles too); null: it was not read. */
  readonly grantable: readonly string[] | null;
};

export type SnapshotAccount = {
  readonly name: string;
  readonly user: string;
  /** '' for a role of MariaDB. */
  readonly host: string;
  /**
   * `role`: MariaDB's roles; of MySQL an account that is as CREATE ROLE makes it: locked, expired, without a password.
   */
  readonly kind: 'user' | 'role';
  readonly locked: boolean;
  readonly options: AccountOptions;
  /** max_user_connections; 0: the server's default. */
  readonly connectionLimit: number;
  /** The comment of the attribute; null on MariaDB and before 8.0.21. */
  readonly comment: string | null;
  /** The attribute `rolecall`, as it stands there: JSON. */
  readonly mark: string | null;
  /** What else the attribute holds but comment and mark: there to be kept. */
  readonly attributes: boolean;
  /** SUPER, SYSTEM_USER or an account of the server or of RDS: nothing may change it. */
  readonly system: boolean;
};

/**
 * One row of a grant table. `level` decides what is there: global (user, global_grants), schema (db: `schema` is the column Db as it is
 * stored, wildcards and backslashes included), table, column (one row a table and column), function and procedure, proxy (`name` is the account).
 * `privileges`: upper-case words as GRANT takes them, `*` for the grant option; USAGE is no word. A row that holds the grant option alone has ['GRANT OPTION*'].
 */
export type SnapshotGrant = {
  readonly account: string;
  readonly level: 'global' | 'schema' | 'table' | 'column' | 'function' | 'procedure' | 'proxy';
  readonly schema: string | null;
  /** Table of columns. */
  readonly relation?: string;
  readonly name: string | null;
  readonly privileges: readonly string[];
};

/** What an account holds on a package of MariaDB (`package`, `package body`) or a library of MySQL 9 (`library`). */
export type OtherGrant = Pick<SnapshotGrant, 'account' | 'privileges'> & {
  readonly kind: string;
  readonly schema: string;
  readonly name: string;
};

/**
 * The rows of one account on tables. `rows`: of each its schema, its table and the column Table_priv, every one of them ended by
 * a NUL, which no name holds; `tableRows` reads it. Most accounts are nobody's business, and their rows stay as they came.
 */
export type TableGrants = { readonly account: string; readonly count: number; readonly rows: string };
