/**
 * What one reading of a PostgreSQL server returns: plain JSON, names instead of OIDs where the server prints names,
 * ACLs as the server's own text. Like objects are one row (schema, owner, kind, ACL text), whatever their number.
 */
export type Snapshot = {
  readonly engine: 'postgres';
  readonly server: Server;
  readonly roles: readonly SnapshotRole[];
  readonly memberships: readonly SnapshotMembership[];
  readonly settings: readonly SnapshotSetting[];
  readonly databases: readonly SnapshotDatabase[];
  readonly tablespaces: readonly SharedObject[];
  /** PostgreSQL 15 and later. */
  readonly parameters: readonly { readonly name: string; readonly acl: string | null }[];
  /** The settings that the manifest names, and those that its roles have. */
  readonly knownSettings: readonly KnownSetting[];
  /** By name, the databases that were entered, sorted. */
  readonly contents: Readonly<Record<string, Contents>>;
  /** Asked for, but not read. */
  readonly unread: readonly { readonly database: string; readonly reason: string }[];
  /** For the roles that shall be dropped: where they are referenced (pg_shdepend). `database` null: shared objects. */
  readonly dependents: readonly {
    readonly role: string;
    readonly database: string | null;
    readonly type: 'owner' | 'acl' | 'policy' | 'other';
    /** The catalog of what references it, e.g. 'pg_class'. */
    readonly catalog: string;
    readonly count: number;
  }[];
  /** Live sessions by role, for the roles that lose their login or go. */
  readonly sessions: readonly { readonly role: string; readonly count: number }[];
};

export type Server = {
  /** server_version_num, e.g. 170010 */
  readonly version: number;
  /** server_version, e.g. '17.10' */
  readonly versionText: string;
  readonly systemIdentifier: string | null;
  readonly currentUser: string;
  readonly inRecovery: boolean;
  readonly readOnly: boolean;
  /** Name of the bootstrap superuser (OID 10): the grantor that a superuser's grants of membership record. */
  readonly bootstrap: string;
  /** rds.restrict_password_commands; null where the server has no such setting. */
  readonly restrictPasswordCommands: boolean | null;
  /** host:port that was dialled, where only the environment names it. */
  readonly address?: string;
};

export type SnapshotRole = {
  readonly oid: number;
  readonly name: string;
  readonly superuser: boolean;
  readonly inherit: boolean;
  readonly createrole: boolean;
  readonly createdb: boolean;
  readonly login: boolean;
  readonly replication: boolean;
  readonly bypassrls: boolean;
  readonly connectionLimit: number;
  /** UTC RFC 3339 with microseconds; null: none or 'infinity'. */
  readonly validUntil: string | null;
  readonly comment: string | null;
};

/** `grantor` null: unknown (before 16 it may dangle). Before 16 `inherit` is the member's attribute and `set` true. */
export type SnapshotMembership = {
  readonly role: string;
  readonly member: string;
  readonly grantor: string | null;
  readonly admin: boolean;
  readonly inherit: boolean;
  readonly set: boolean;
};

/** `config` holds `name=value` as pg_db_role_setting stores it. role null: ALTER ROLE ALL or ALTER DATABASE. */
export type SnapshotSetting = { readonly role: string | null; readonly database: string | null; readonly config: readonly string[] };

/**
 * What the server says of one setting (lower case). `context` is that of pg_settings, null: the server has no such setting
 * (`near`: the one that was meant); `settable`: the apply login holds SET on it, from 15 on.
 */
export type KnownSetting = { readonly name: string; readonly context: string | null; readonly settable: boolean; readonly near?: string };

export type SharedObject = { readonly name: string; readonly owner: string; readonly acl: string | null };
export type SnapshotDatabase = SharedObject & {
  readonly oid: number;
  readonly allowConnections: boolean;
  readonly template: boolean /** May the login connect? */;
  readonly connectable: boolean;
};

/** relkind: r table, p partitioned, v view, m materialized view, f foreign table, S sequence. */
export type RelationKind = 'r' | 'p' | 'v' | 'm' | 'f' | 'S';
/** deptype e (extension member), i (made by the system), or null. */
export type Origin = 'e' | 'i' | null;

/** What one database holds. Rows of alike objects carry their `names`, sorted. `acl` null: the built-in default. */
export type Contents = {
  readonly schemas: readonly { readonly name: string; readonly owner: string; readonly acl: string | null; readonly origin: Origin }[];
  readonly relations: readonly {
    readonly schema: string;
    readonly kind: RelationKind;
    /** true: a sequence that belongs to a table's column (serial, identity): its owner follows the table's. */
    readonly linked: boolean;
    readonly owner: string;
    readonly acl: string | null;
    readonly origin: Origin;
    readonly names: readonly string[];
  }[];
  /** Columns with an ACL of their own, system columns included, and those that a grant of the manifest names. */
  readonly columns: readonly {
    readonly schema: string;
    readonly relation: string;
    readonly owner: string;
    readonly origin: Origin;
    readonly acl: string | null;
    readonly names: readonly string[];
  }[];
  /** `names` with identity arguments: `f(integer, text)`, types rendered with an empty search_path. */
  readonly routines: readonly {
    readonly schema: string;
    readonly owner: string;
    readonly acl: string | null;
    readonly origin: Origin;
    readonly names: readonly string[];
  }[];
  /** Base, composite (free-standing), domain, enum, range; no arrays, row types, multiranges. */
  readonly types: readonly {
    readonly schema: string;
    readonly owner: string;
    readonly acl: string | null;
    readonly origin: Origin;
    readonly names: readonly string[];
  }[];
  readonly languages: readonly (SharedObject & { readonly trusted: boolean })[];
  readonly foreignDataWrappers: readonly SharedObject[];
  readonly foreignServers: readonly SharedObject[];
  /** On request only (a manifest that names large objects, or a role to be dropped): those with an ACL, name = OID. */
  readonly largeObjects: readonly SharedObject[];
  /** objects: r tables, S sequences, f routines, T types, n schemas, L large objects. schema null: the global row. */
  readonly defaultAcls: readonly {
    readonly creator: string;
    readonly schema: string | null;
    readonly objects: 'r' | 'S' | 'f' | 'T' | 'n' | 'L';
    readonly acl: string;
  }[];
};
