/**
 * Privileges held together: upper-case words in code-unit order, a trailing `*` marks the grant option
 * (as an aclitem writes it): ['INSERT', 'SELECT*'].
 */
export type Privileges = readonly string[];

/**
 * Kinds of grantable object, by the word of the manifest's singular. `table` covers views, materialized views, foreign tables and
 * partitions. Of MySQL and MariaDB alone: `global` (its one name is `*.*`), `pattern` (schemas by a pattern with wildcards, as the
 * server stores it), `function` and `procedure` (PostgreSQL has them under `routine`), `proxy` (an account that others may act as).
 */
export const OBJECT_KINDS = [
  'global',
  'database',
  'schema',
  'pattern',
  'table',
  'column',
  'sequence',
  'routine',
  'function',
  'procedure',
  'type',
  'language',
  'foreign_data_wrapper',
  'foreign_server',
  'tablespace',
  'large_object',
  'parameter',
  'proxy',
] as const;
export type ObjectKind = (typeof OBJECT_KINDS)[number];
/** Kinds that PostgreSQL has. */
export type PostgresKind = Exclude<ObjectKind, 'global' | 'pattern' | 'function' | 'procedure' | 'proxy'>;

/** The grantee PUBLIC. A role may be called "PUBLIC": that is why this is no string. */
export const PUBLIC = { public: true } as const;
export type Grantee = string | typeof PUBLIC;
export const isPublic = (grantee: Grantee): grantee is typeof PUBLIC => typeof grantee !== 'string';
/** Unambiguous map key of a grantee: '' is PUBLIC (no role has an empty name). */
export const granteeKey = (grantee: Grantee): string => (isPublic(grantee) ? '' : grantee);
export const granteeOf = (key: string): Grantee => (key === '' ? PUBLIC : key);

/**
 * A set of objects that are alike: one kind, one place, one owner, one ACL. 100,000 tables are a few hundred of these.
 * `schema` is null for what has none; `relation` is the table of columns (then `names` are columns).
 * A routine's name carries its argument types, as the server renders them: `refund(integer, text)`.
 */
export type ObjectSet = {
  readonly kind: ObjectKind;
  /** null: shared by the whole server (database, tablespace, parameter). */
  readonly database: string | null;
  readonly schema: string | null;
  readonly relation?: string;
  readonly names: readonly string[];
};

/** One row of an ACL. `grantor` is '' where the engine has none. */
export type AclEntry = { readonly grantee: Grantee; readonly grantor: string; readonly privileges: Privileges };

/** Objects as they are on the server: with owner ('' where the engine has none) and ACL (defaults filled in). */
export type OwnedObjects = ObjectSet & {
  readonly owner: string;
  readonly acl: readonly AclEntry[];
  /** Who made them, when it was not a user: such objects are matched by no pattern. */
  readonly origin?: 'extension' | 'internal' | 'system';
  /** Sequences that belong to a table's column: their owner follows the table's. */
  readonly linked?: boolean;
};
