import { isPattern } from '../../core/selector.ts';
import type { PostgresKind } from '../../model/access.ts';
import type { Part } from '../../model/declared.ts';
import { OWN, type Probe } from '../../model/proof.ts';

/** Where the catalog keeps a kind of object, and the function that says what the present login holds on one. */
type Source = {
  readonly from: string;
  readonly name: string;
  readonly owner: string;
  /** The column with the schema; left out: it stands in none. */
  readonly schema?: string;
  readonly where?: string;
  readonly has: string;
  readonly since?: number;
};

const SOURCES: Readonly<Record<Exclude<PostgresKind, 'column' | 'parameter'>, Source>> = {
  table: {
    from: 'pg_catalog.pg_class o',
    name: 'o.relname',
    owner: 'o.relowner',
    schema: 'o.relnamespace',
    where: `o.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')`,
    has: 'has_table_privilege',
  },
  sequence: {
    from: 'pg_catalog.pg_class o',
    name: 'o.relname',
    owner: 'o.relowner',
    schema: 'o.relnamespace',
    where: `o.relkind = 'S'`,
    has: 'has_sequence_privilege',
  },
  routine: {
    from: 'pg_catalog.pg_proc o',
    name: 'o.proname',
    owner: 'o.proowner',
    schema: 'o.pronamespace',
    has: 'has_function_privilege',
  },
  type: {
    from: 'pg_catalog.pg_type o',
    name: 'o.typname',
    owner: 'o.typowner',
    schema: 'o.typnamespace',
    where: `o.typrelid = 0 AND o.typcategory <> 'A' OR EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = o.typrelid AND c.relkind = 'c')`,
    has: 'has_type_privilege',
  },
  schema: { from: 'pg_catalog.pg_namespace o', name: 'o.nspname', owner: 'o.nspowner', has: 'has_schema_privilege' },
  database: { from: 'pg_catalog.pg_database o', name: 'o.datname', owner: 'o.datdba', has: 'has_database_privilege' },
  language: { from: 'pg_catalog.pg_language o', name: 'o.lanname', owner: 'o.lanowner', has: 'has_language_privilege' },
  foreign_data_wrapper: {
    from: 'pg_catalog.pg_foreign_data_wrapper o',
    name: 'o.fdwname',
    owner: 'o.fdwowner',
    has: 'has_foreign_data_wrapper_privilege',
  },
  foreign_server: { from: 'pg_catalog.pg_foreign_server o', name: 'o.srvname', owner: 'o.srvowner', has: 'has_server_privilege' },
  tablespace: { from: 'pg_catalog.pg_tablespace o', name: 'o.spcname', owner: 'o.spcowner', has: 'has_tablespace_privilege' },
  large_object: {
    from: 'pg_catalog.pg_largeobject_metadata o',
    name: 'o.oid',
    owner: 'o.lomowner',
    has: 'has_largeobject_privilege',
    since: 180000,
  },
};

/** An object that a probe names, and what the present login is to it. */
export type Found = {
  readonly oid: string;
  readonly schema: string | null;
  readonly name: string;
  /** Of a routine: the types of its arguments; of a relation: `relkind`. */
  readonly detail: string;
  /** The privilege is held; null: only trying tells. */
  readonly held: boolean | null;
  /** The schema may be used; true where there is none. */
  readonly reachable: boolean;
  readonly owned: boolean;
  /** Who owns a schema may drop what is in it. */
  readonly schemaOwned: boolean;
};

/** More than these are not looked at one by one. */
export const MOST = 1000;

type Query = { readonly text: string; readonly values: readonly string[] };

/** Finds the objects of a probe; null: a server of this version has no way to ask. Extensions' and system objects are named, never matched. */
export const findQuery = (
  { privilege, schema, name }: Probe,
  kind: Exclude<PostgresKind, 'column' | 'parameter'>,
  version: number,
): Query | null => {
  const { from, name: column, owner, schema: within, where, has, since = 0 } = SOURCES[kind];
  if (privilege !== OWN && version < since) return null;
  const values: string[] = [];
  const bound = (value: string): string => `$${values.push(value)}`;
  const held = privilege === OWN ? 'NULL::boolean' : `pg_catalog.${has}(o.oid, ${bound(privilege)})`;
  const conditions = [
    ...(where === undefined ? [] : [`(${where})`]),
    selects(`${column}::text`, routineless(name, kind), bound),
    ...(within === undefined || schema === null ? [] : [selects('n.nspname::text', schema, bound)]),
    ...([name, ...(schema ? [schema] : [])].some(isPattern) ? OF_USERS(within) : []),
  ];
  const detail =
    kind === 'routine' ? 'pg_catalog.oidvectortypes(o.proargtypes)' : /^pg_catalog.pg_class/.test(from) ? 'o.relkind::text' : `''`;
  return {
    text: `
SELECT o.oid::text AS oid, ${within === undefined ? 'NULL' : 'n.nspname::text'} AS schema, ${column}::text AS name, ${detail} AS detail,
       ${held} AS held, ${within === undefined ? 'true' : `pg_catalog.has_schema_privilege(n.oid, 'USAGE')`} AS reachable,
       pg_catalog.pg_has_role(${owner}, 'USAGE') AS owned,
       ${within === undefined ? 'false' : `pg_catalog.pg_has_role(n.nspowner, 'USAGE')`} AS "schemaOwned"
FROM ${from}${within === undefined ? '' : ` JOIN pg_catalog.pg_namespace n ON n.oid = ${within}`}
WHERE ${conditions.join(' AND ')}
ORDER BY 2, 3, 4
LIMIT ${MOST + 1}`,
    values,
  };
};

/** Without the types of its arguments, which are compared by meaning. */
const routineless = (name: Part, kind: PostgresKind): Part => {
  if (kind !== 'routine' || !name.literal) return name;
  const [, quoted, plain] = /^(?:"((?:[^"]|"")+)"|([^"(]+))\(.*\)$/s.exec(name.text) ?? [];
  return quoted === undefined && plain === undefined ? name : { text: quoted?.replaceAll('""', '"') ?? plain!, literal: true };
};

const OF_USERS = (within: string | undefined): string[] => [
  `o.oid >= 16384`,
  `NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.objid = o.oid AND d.classid = o.tableoid AND d.deptype IN ('e', 'i'))`,
  ...(within === undefined ? [] : [`n.nspname !~ '^pg_(toast|temp)'`]),
];

const selects = (column: string, part: Part, bound: (value: string) => string): string =>
  isPattern(part)
    ? `${column} LIKE ${bound(part.text.replaceAll(/[\\%_]/g, '\\$&').replaceAll('*', '%'))}`
    : `${column} = ${bound(part.text)}`;

/** The columns that can be named in an INSERT or UPDATE, in order. $1: oid of the table, $2: a privilege. */
export const COLUMNS = `
SELECT a.attname::text AS name, pg_catalog.has_column_privilege(a.attrelid, a.attnum, $2) AS held
FROM pg_catalog.pg_attribute a
WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum`;

/**
 * Sequences that defaults of columns take numbers from, and which the login may not use. $1: oid of the table, $2: columns that a value
 * is given for. CASE: else the planner asks about the table too, which is no sequence.
 */
export const UNUSABLE_SEQUENCES = `
SELECT DISTINCT n.nspname::text AS schema, s.relname::text AS name
FROM pg_catalog.pg_attrdef f
JOIN pg_catalog.pg_attribute a ON a.attrelid = f.adrelid AND a.attnum = f.adnum
JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_attrdef'::regclass AND d.objid = f.oid AND d.refclassid = 'pg_catalog.pg_class'::regclass
JOIN pg_catalog.pg_class s ON s.oid = d.refobjid AND s.relkind = 'S'
JOIN pg_catalog.pg_namespace n ON n.oid = s.relnamespace
WHERE f.adrelid = $1 AND a.attname::text <> ALL ($2::text[])
  AND CASE WHEN s.relkind = 'S' THEN NOT pg_catalog.has_sequence_privilege(s.oid, 'USAGE, UPDATE') END
ORDER BY 1, 2`;
