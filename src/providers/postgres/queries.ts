import { literal } from './sql.ts';

/**
 * What is read of a server, as statements for one message without parameters. They run with search_path = pg_catalog,
 * so that types are rendered with their schema, and return text that `inspect` turns into a `Snapshot`.
 */
export type Query = { readonly name: string; readonly sql: string };

/** What one database is asked for beyond the fixed part. */
export type Wish = {
  /** Large objects with an ACL; and these, with or without. Left out: none. */
  readonly largeObjects?: readonly string[];
  /** Columns to be read without an ACL of their own too; null: in any schema, of any relation. */
  readonly columns: readonly { readonly schema: string | null; readonly relation: string | null; readonly names: readonly string[] }[];
  /** Also what is in the system schemas and that nobody was granted anything on. */
  readonly systemObjects: boolean;
};

/** One snapshot for everything, and nothing but reading. Grouping by ACL needs the hash tables in memory; compiling plans never pays. */
export const BEGIN = `
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SET LOCAL work_mem = '64MB';
SET LOCAL jit = off`;

/** What all databases share. */
export const clusterQueries = (major: number): readonly Query[] => [
  { name: 'server', sql: SERVER },
  { name: 'roles', sql: ROLES },
  { name: 'memberships', sql: major >= 16 ? MEMBERSHIPS : MEMBERSHIPS_BEFORE_16 },
  { name: 'settings', sql: SETTINGS },
  { name: 'databases', sql: DATABASES },
  { name: 'tablespaces', sql: TABLESPACES },
  ...(major >= 15 ? [{ name: 'parameters', sql: PARAMETERS }] : []),
  { name: 'sessions', sql: SESSIONS },
];

/** What one database holds: the same number of statements, whatever it holds. */
export const contentQueries = (wish: Wish): readonly Query[] => [
  { name: 'schemas', sql: SCHEMAS },
  { name: 'relations', sql: relations(wish) },
  { name: 'columns', sql: columns(wish) },
  { name: 'routines', sql: routines(wish) },
  { name: 'types', sql: types(wish) },
  { name: 'languages', sql: LANGUAGES },
  { name: 'foreignDataWrappers', sql: FOREIGN_DATA_WRAPPERS },
  { name: 'foreignServers', sql: FOREIGN_SERVERS },
  { name: 'defaultAcls', sql: DEFAULT_ACLS },
  ...(wish.largeObjects ? [{ name: 'largeObjects', sql: largeObjects(wish.largeObjects) }] : []),
];

/** rds.restrict_password_commands exists on RDS alone; a role's own settings never change what `server` says. */
const SERVER = `
SELECT pg_catalog.current_setting('server_version_num'),
       pg_catalog.current_setting('server_version'),
       current_user,
       pg_catalog.pg_is_in_recovery(),
       pg_catalog.current_setting('default_transaction_read_only')::pg_catalog.bool,
       pg_catalog.pg_get_userbyid(10),
       pg_catalog.current_setting('rds.restrict_password_commands', true),
       pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')`;

/** Only to be sent where 'server' says that it may be. */
export const SYSTEM_IDENTIFIER = 'SELECT system_identifier FROM pg_catalog.pg_control_system()';

const ROLES = `
SELECT r.oid, r.rolname, r.rolsuper, r.rolinherit, r.rolcreaterole, r.rolcreatedb, r.rolcanlogin, r.rolreplication, r.rolbypassrls,
       r.rolconnlimit,
       CASE r.rolvaliduntil
         WHEN 'infinity' THEN NULL
         WHEN '-infinity' THEN '0001-01-01T00:00:00.000000Z'
         ELSE pg_catalog.to_char(r.rolvaliduntil AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
       END,
       s.description
  FROM pg_catalog.pg_roles r
  LEFT JOIN pg_catalog.pg_shdescription s ON s.objoid = r.oid AND s.classoid = 'pg_catalog.pg_authid'::pg_catalog.regclass`;

const MEMBERSHIPS = `
SELECT pg_catalog.pg_get_userbyid(a.roleid), pg_catalog.pg_get_userbyid(g.oid), a.admin_option, a.inherit_option, a.set_option,
       pg_catalog.json_agg(pg_catalog.pg_get_userbyid(a.member))
  FROM pg_catalog.pg_auth_members a
  LEFT JOIN pg_catalog.pg_roles g ON g.oid = a.grantor
 GROUP BY a.roleid, g.oid, a.admin_option, a.inherit_option, a.set_option`;

/** Before 16 the member's own attribute says whether it inherits, and a grantor may be gone. */
const MEMBERSHIPS_BEFORE_16 = `
SELECT pg_catalog.pg_get_userbyid(a.roleid), pg_catalog.pg_get_userbyid(g.oid), a.admin_option, m.rolinherit, true,
       pg_catalog.json_agg(m.rolname)
  FROM pg_catalog.pg_auth_members a
  JOIN pg_catalog.pg_roles m ON m.oid = a.member
  LEFT JOIN pg_catalog.pg_roles g ON g.oid = a.grantor
 GROUP BY a.roleid, g.oid, a.admin_option, m.rolinherit`;

const SETTINGS = `
SELECT r.rolname, d.datname, pg_catalog.to_json(s.setconfig)
  FROM pg_catalog.pg_db_role_setting s
  LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
  LEFT JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
 WHERE s.setconfig IS NOT NULL`;

/** datconnlimit -2 is a database whose DROP was interrupted. */
const DATABASES = `
SELECT d.oid, d.datname, pg_catalog.pg_get_userbyid(d.datdba), d.datacl::text, d.datallowconn AND d.datconnlimit <> -2, d.datistemplate,
       d.datallowconn AND d.datconnlimit <> -2 AND pg_catalog.has_database_privilege(d.oid, 'CONNECT')
  FROM pg_catalog.pg_database d`;

const TABLESPACES = 'SELECT spcname, pg_catalog.pg_get_userbyid(spcowner), spcacl::text FROM pg_catalog.pg_tablespace';

const PARAMETERS = 'SELECT parname, paracl::text FROM pg_catalog.pg_parameter_acl';

/** Who may not see what others do still sees whose sessions they are, but not of what type. */
const SESSIONS = `
SELECT r.rolname, pg_catalog.count(*)
  FROM pg_catalog.pg_stat_activity a
  JOIN pg_catalog.pg_roles r ON r.oid = a.usesysid
 WHERE a.pid <> pg_catalog.pg_backend_pid() AND (a.backend_type IS NULL OR a.backend_type IN ('client backend', 'walsender'))
 GROUP BY r.rolname`;

/** Where the roles $1 are referenced; a dbid of 0 is what all databases share. */
export const DEPENDENTS = `
SELECT r.rolname, d.datname, s.dbid,
       CASE s.deptype WHEN 'o' THEN 'owner' WHEN 'a' THEN 'acl' WHEN 'r' THEN 'policy' ELSE 'other' END,
       s.classid::pg_catalog.regclass::text, pg_catalog.count(*)
  FROM pg_catalog.pg_roles r
  JOIN pg_catalog.pg_shdepend s ON s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND s.refobjid = r.oid
  LEFT JOIN pg_catalog.pg_database d ON d.oid = s.dbid
 WHERE r.rolname = ANY ($1::pg_catalog.text[])
 GROUP BY 1, 2, 3, 4, 5`;

/** What the server knows of the settings $1 (lower case), and whether the role $2 holds SET on them. */
export const knownSettings = (major: number) => `
SELECT w.name, s.context,
       EXISTS (SELECT FROM pg_catalog.pg_roles r
                WHERE r.rolname = $2 AND ${major >= 15 ? "pg_catalog.has_parameter_privilege(r.oid, w.name, 'SET')" : 'false'})
  FROM pg_catalog.unnest($1::pg_catalog.text[]) w (name)
  LEFT JOIN pg_catalog.pg_settings s ON pg_catalog.lower(s.name) = w.name`;

/** All of them that are shown: what a mistyped one was meant to be is among these. */
export const SETTING_NAMES = 'SELECT pg_catalog.lower(name) FROM pg_catalog.pg_settings';

/** Schemas whose objects are nobody's: temporary ones and the TOAST tables'. */
const HIDDEN = "'^pg_(toast|temp_|toast_temp_)'";

/** Extension members of one catalog: few, and found through the index on what is referenced. */
const members = (catalog: string) => `
       (SELECT objid FROM pg_catalog.pg_depend
         WHERE refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
           AND classid = 'pg_catalog.${catalog}'::pg_catalog.regclass AND deptype = 'e')`;

/** Asked row by row, for the few rows that can be one: a range's constructor. */
const isInternal = (catalog: string, oid: string) => `
       EXISTS (SELECT FROM pg_catalog.pg_depend i
                WHERE i.classid = 'pg_catalog.${catalog}'::pg_catalog.regclass AND i.objid = ${oid} AND i.deptype = 'i' OFFSET 0)`;

const SCHEMAS = `
SELECT n.nspname, pg_catalog.pg_get_userbyid(n.nspowner), n.nspacl::text, CASE WHEN e.objid IS NOT NULL THEN 'e' END
  FROM pg_catalog.pg_namespace n
  LEFT JOIN ${members('pg_namespace')} e ON e.objid = n.oid
 WHERE n.nspname !~ ${HIDDEN}`;

const SYSTEM = "(SELECT oid FROM pg_catalog.pg_namespace WHERE nspname IN ('pg_catalog', 'information_schema'))";

/** Of the system schemas only what a role that somebody made (OID 16384 and up) holds something on: it is extra, or stands in the way of a drop. */
const isWorthReading = ({ systemObjects }: Wish, schema: string, acl: string) =>
  systemObjects
    ? 'true'
    : `(${schema} <> ALL (ARRAY${SYSTEM}) OR EXISTS (SELECT FROM pg_catalog.aclexplode(${acl}) x WHERE x.grantee >= 16384))`;

/** The dependency of a sequence on its column: `a` for serial and OWNED BY, `i` for an identity column. Asked sequence by sequence. */
const LINK = `
       (SELECT i.deptype FROM pg_catalog.pg_depend i
         WHERE i.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND i.objid = c.oid AND i.objsubid = 0
           AND i.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND i.refobjsubid > 0 AND i.deptype IN ('a', 'i') LIMIT 1)`;

/** ACLs are grouped as they are stored and rendered once a group: with names in the text, that is what costs. */
const relations = (wish: Wish) => `
SELECT n.nspname, g.relkind, pg_catalog.pg_get_userbyid(g.relowner), g.relacl::text, g.origin, g.link, g.names
  FROM (SELECT c.relnamespace, c.relkind, c.relowner, c.relacl,
               CASE WHEN e.objid IS NOT NULL THEN 'e' END AS origin,
               CASE WHEN c.relkind = 'S' THEN ${LINK} END AS link,
               pg_catalog.json_agg(c.relname) AS names
          FROM pg_catalog.pg_class c
          LEFT JOIN ${members('pg_class')} e ON e.objid = c.oid
         WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND ${isWorthReading(wish, 'c.relnamespace', 'c.relacl')}
         GROUP BY 1, 2, 3, 4, 5, 6) g
  JOIN pg_catalog.pg_namespace n ON n.oid = g.relnamespace AND n.nspname !~ ${HIDDEN}`;

/** System columns (attnum below 0) can carry ACLs too. */
const columns = (wish: Wish) => `
SELECT n.nspname, c.relname, pg_catalog.pg_get_userbyid(c.relowner), CASE WHEN e.objid IS NOT NULL THEN 'e' END, a.attacl::text,
       pg_catalog.json_agg(a.attname)
  FROM pg_catalog.pg_attribute a
  JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN ${members('pg_class')} e ON e.objid = c.oid
 WHERE (a.attacl IS NOT NULL AND ${isWorthReading(wish, 'c.relnamespace', 'a.attacl')}${wish.columns.map(isNamed).join('')})
   AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ ${HIDDEN}
 GROUP BY 1, 2, 3, 4, 5`;

const isNamed = ({ schema, relation, names }: Wish['columns'][number]) => `
     OR a.attname IN (${names.map(literal).join(', ')})${schema === null ? '' : ` AND n.nspname = ${literal(schema)}`}${relation === null ? '' : ` AND c.relname = ${literal(relation)}`}`;

/** Names come as [name, arguments]. proargtypes holds the input arguments of all four kinds. */
const routines = (wish: Wish) => `
SELECT n.nspname, pg_catalog.pg_get_userbyid(g.proowner), g.proacl::text, g.origin, g.names
  FROM (SELECT p.pronamespace, p.proowner, p.proacl,
               CASE WHEN e.objid IS NOT NULL THEN 'e' WHEN ${isInternal('pg_proc', 'p.oid')} THEN 'i' END AS origin,
               pg_catalog.json_agg(pg_catalog.json_build_array(p.proname, (
                 SELECT pg_catalog.string_agg(pg_catalog.format_type(t.oid, NULL), ', ' ORDER BY t.place)
                   FROM pg_catalog.unnest(p.proargtypes) WITH ORDINALITY t (oid, place)))) AS names
          FROM pg_catalog.pg_proc p
          LEFT JOIN ${members('pg_proc')} e ON e.objid = p.oid
         WHERE ${isWorthReading(wish, 'p.pronamespace', 'p.proacl')}
         GROUP BY 1, 2, 3, 4) g
  JOIN pg_catalog.pg_namespace n ON n.oid = g.pronamespace AND n.nspname !~ ${HIDDEN}`;

/**
 * Not arrays (typlen -1 with elements) nor multiranges (typtype m): GRANT refuses or ignores them. Composite types come by way
 * of their own relation: all other relations have a row type too.
 */
const types = (wish: Wish) => `
SELECT n.nspname, pg_catalog.pg_get_userbyid(g.typowner), g.typacl::text, g.origin, g.names
  FROM (SELECT t.typnamespace, t.typowner, t.typacl, CASE WHEN e.objid IS NOT NULL THEN 'e' END AS origin,
               pg_catalog.json_agg(t.typname) AS names
          FROM (SELECT oid, typname, typnamespace, typowner, typacl FROM pg_catalog.pg_type
                 WHERE typrelid = 0 AND (typelem = 0 OR typlen <> -1) AND typtype IN ('b', 'd', 'e', 'r')
                 UNION ALL
                SELECT y.oid, y.typname, y.typnamespace, y.typowner, y.typacl
                  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_type y ON y.oid = c.reltype WHERE c.relkind = 'c') t
          LEFT JOIN ${members('pg_type')} e ON e.objid = t.oid
         WHERE ${isWorthReading(wish, 't.typnamespace', 't.typacl')}
         GROUP BY 1, 2, 3, 4) g
  JOIN pg_catalog.pg_namespace n ON n.oid = g.typnamespace AND n.nspname !~ ${HIDDEN}`;

/** Without the built-in internal and C, which cannot be granted. */
const LANGUAGES = `
SELECT lanname, pg_catalog.pg_get_userbyid(lanowner), lanacl::text, lanpltrusted
  FROM pg_catalog.pg_language WHERE lanispl OR lanpltrusted OR lanacl IS NOT NULL`;

const FOREIGN_DATA_WRAPPERS = 'SELECT fdwname, pg_catalog.pg_get_userbyid(fdwowner), fdwacl::text FROM pg_catalog.pg_foreign_data_wrapper';

const FOREIGN_SERVERS = 'SELECT srvname, pg_catalog.pg_get_userbyid(srvowner), srvacl::text FROM pg_catalog.pg_foreign_server';

const DEFAULT_ACLS = `
SELECT pg_catalog.pg_get_userbyid(d.defaclrole), n.nspname, d.defaclobjtype, d.defaclacl::text
  FROM pg_catalog.pg_default_acl d
  LEFT JOIN pg_catalog.pg_namespace n ON n.oid = d.defaclnamespace`;

/** There may be millions, nearly all without an ACL. */
const largeObjects = (named: readonly string[]) => {
  const oids = named.filter((oid) => /^\d{1,10}$/.test(oid));
  const alsoNamed = oids.length > 0 ? ` OR oid IN (${oids.join(', ')})` : '';
  return `
SELECT oid, pg_catalog.pg_get_userbyid(lomowner), lomacl::text
  FROM pg_catalog.pg_largeobject_metadata WHERE lomacl IS NOT NULL${alsoNamed}`;
};
