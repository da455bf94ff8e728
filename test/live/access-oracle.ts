import type { Client } from 'pg';
import { type AclEntry, type ObjectKind, type OwnedObjects, PUBLIC } from '../../src/model/access.ts';
import type { Reality } from '../../src/model/reality.ts';
import type { Membership, Role } from '../../src/model/state.ts';

/** One question to the server, and the answer that we would give. */
export type Probe = {
  readonly kind: ObjectKind | 'any_column' | 'role';
  readonly schema: string;
  readonly relation: string;
  readonly name: string;
  readonly role: string;
  readonly word: string;
  readonly expected: boolean;
};

/** The state of the stage, exploded by the server itself: a reading that shares no code with the program's. */
export const readReality = async (client: Client, major: number): Promise<Reality> => {
  const roles = await client.query<Role & { oid: number }>(ROLES);
  const memberships = await client.query<Membership>(MEMBERSHIPS);
  const objects = await client.query<Row>(objectsQuery(major));
  return {
    roles: new Map(roles.rows.map((role) => [role.name, { ...role, description: '', mark: null }])),
    memberships: memberships.rows,
    objects: objects.rows.map(objectOf),
  };
};

const ROLES = `
  SELECT r.oid::integer AS oid, r.rolname AS name, r.rolcanlogin AS login, r.rolinherit AS inherit, r.rolcreatedb AS createdb,
         r.rolcreaterole AS createrole, r.rolsuper AS superuser, r.rolreplication AS replication, r.rolbypassrls AS bypassrls,
         r.rolconnlimit AS "connectionLimit", NULL AS "validUntil"
    FROM pg_catalog.pg_roles r`;

const MEMBERSHIPS = `
  SELECT r.rolname AS role, m.rolname AS member, coalesce(g.rolname, '') AS grantor, a.admin_option AS admin,
         coalesce((to_jsonb(a) ->> 'inherit_option')::boolean, m.rolinherit) AS inherit,
         coalesce((to_jsonb(a) ->> 'set_option')::boolean, true) AS set
    FROM pg_catalog.pg_auth_members a
    JOIN pg_catalog.pg_roles r ON r.oid = a.roleid
    JOIN pg_catalog.pg_roles m ON m.oid = a.member
    LEFT JOIN pg_catalog.pg_roles g ON g.oid = a.grantor`;

type Row = {
  readonly kind: ObjectKind;
  readonly schema: string | null;
  readonly relation: string | null;
  readonly name: string;
  readonly owner: string;
  /** grantee (null: PUBLIC), grantor, word, grantable */
  readonly acl: readonly (readonly [string | null, string, string, boolean])[] | null;
};

const objectsQuery = (major: number): string => `
  WITH objects (kind, schema, relation, name, owner, acl) AS (
    SELECT 'database', NULL::name, NULL::name, datname::text, datdba, coalesce(datacl, acldefault('d', datdba))
      FROM pg_catalog.pg_database WHERE datname = 'postgres'
    UNION ALL
    SELECT 'schema', NULL, NULL, nspname, nspowner, coalesce(nspacl, acldefault('n', nspowner))
      FROM pg_catalog.pg_namespace WHERE nspname IN ('s0', 's1', 'public', 'pg_catalog')
    UNION ALL
    SELECT CASE relkind WHEN 'S' THEN 'sequence' ELSE 'table' END, nspname, NULL, relname, relowner,
           coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner))
      FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = relnamespace
     WHERE nspname IN ('s0', 's1') AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S') OR c.oid = 'pg_catalog.pg_class'::regclass
    UNION ALL
    SELECT 'column', nspname, relname, attname, relowner, attacl
      FROM pg_catalog.pg_attribute JOIN pg_catalog.pg_class c ON c.oid = attrelid JOIN pg_catalog.pg_namespace n ON n.oid = relnamespace
     WHERE nspname = 's0' AND relname = 't0' AND attnum > 0
    UNION ALL
    SELECT 'routine', nspname, NULL, proname || '(' || pg_get_function_identity_arguments(p.oid) || ')', proowner, coalesce(proacl, acldefault('f', proowner))
      FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = pronamespace WHERE nspname IN ('s0', 's1')
    UNION ALL
    SELECT 'type', nspname, NULL, typname, typowner, coalesce(typacl, acldefault('T', typowner))
      FROM pg_catalog.pg_type JOIN pg_catalog.pg_namespace n ON n.oid = typnamespace WHERE nspname IN ('s0', 's1') AND typtype IN ('d', 'e')
    UNION ALL
    SELECT 'language', NULL, NULL, lanname, lanowner, coalesce(lanacl, acldefault('l', lanowner)) FROM pg_catalog.pg_language WHERE lanpltrusted
    UNION ALL
    SELECT 'foreign_data_wrapper', NULL, NULL, fdwname, fdwowner, coalesce(fdwacl, acldefault('F', fdwowner)) FROM pg_catalog.pg_foreign_data_wrapper
    UNION ALL
    SELECT 'foreign_server', NULL, NULL, srvname, srvowner, coalesce(srvacl, acldefault('S', srvowner)) FROM pg_catalog.pg_foreign_server
    UNION ALL
    SELECT 'tablespace', NULL, NULL, spcname, spcowner, coalesce(spcacl, acldefault('t', spcowner)) FROM pg_catalog.pg_tablespace
    ${
      major >= 18
        ? `UNION ALL
    SELECT 'large_object', NULL, NULL, oid::text, lomowner, coalesce(lomacl, acldefault('L', lomowner)) FROM pg_catalog.pg_largeobject_metadata`
        : ''
    }
    ${
      major >= 15
        ? `UNION ALL
    SELECT 'parameter', NULL, NULL, 'work_mem', 10, coalesce((SELECT paracl FROM pg_catalog.pg_parameter_acl WHERE parname = 'work_mem'), acldefault('p', 10))`
        : ''
    }
  )
  SELECT kind, schema, relation, name, pg_get_userbyid(owner) AS owner,
         (SELECT json_agg(json_build_array(nullif(pg_get_userbyid(e.grantee), pg_get_userbyid(0)), pg_get_userbyid(e.grantor), e.privilege_type, e.is_grantable))
            FROM aclexplode(acl) e) AS acl
    FROM objects ORDER BY kind, schema, relation, name`;

const objectOf = ({ kind, schema, relation, name, owner, acl }: Row): OwnedObjects => ({
  kind,
  database: kind === 'database' || kind === 'tablespace' || kind === 'parameter' ? null : 'postgres',
  schema,
  ...(relation === null ? {} : { relation }),
  names: [name],
  owner,
  acl: (acl ?? []).map(
    ([grantee, grantor, word, option]): AclEntry => ({ grantee: grantee ?? PUBLIC, grantor, privileges: [option ? `${word}*` : word] }),
  ),
});

/** The server's answers, in the order of the questions. */
export const askServer = async (client: Client, major: number, probes: readonly Probe[]): Promise<readonly boolean[]> => {
  const column = (key: 'kind' | 'schema' | 'relation' | 'name' | 'role' | 'word') => probes.map((probe) => probe[key]);
  const { rows } = await client.query<{ verdicts: boolean[] }>(
    `SELECT array_agg(CASE kind ${verdicts(major)} END ORDER BY at) AS verdicts
       FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
            WITH ORDINALITY AS probe (kind, schema, relation, name, role, word, at)`,
    [column('kind'), column('schema'), column('relation'), column('name'), column('role'), column('word')],
  );
  return rows[0]?.verdicts ?? [];
};

const verdicts = (major: number): string => {
  const qualified = "quote_ident(schema) || '.' || name";
  const rows: [kind: Probe['kind'], since: number, call: string][] = [
    ['database', 13, 'has_database_privilege(role, name, word)'],
    ['schema', 13, 'has_schema_privilege(role, name, word)'],
    ['table', 13, `has_table_privilege(role, ${qualified}, word)`],
    ['column', 13, "has_column_privilege(role, quote_ident(schema) || '.' || quote_ident(relation), name, word)"],
    ['any_column', 13, `has_any_column_privilege(role, ${qualified}, word)`],
    ['sequence', 13, `has_sequence_privilege(role, ${qualified}, word)`],
    ['routine', 13, `has_function_privilege(role, ${qualified}, word)`],
    ['type', 13, `has_type_privilege(role, ${qualified}, word)`],
    ['language', 13, 'has_language_privilege(role, name, word)'],
    ['foreign_data_wrapper', 13, 'has_foreign_data_wrapper_privilege(role, name, word)'],
    ['foreign_server', 13, 'has_server_privilege(role, name, word)'],
    ['tablespace', 13, 'has_tablespace_privilege(role, name, word)'],
    ['large_object', 18, 'has_largeobject_privilege(role, name::oid, word)'],
    ['parameter', 15, 'has_parameter_privilege(role, name, word)'],
    // before 16 every membership may be set
    ['role', 13, `pg_has_role(role, name, ${major >= 16 ? 'word' : "CASE word WHEN 'SET' THEN 'MEMBER' ELSE word END"})`],
  ];
  return rows.flatMap(([kind, since, call]) => (major >= since ? [`WHEN '${kind}' THEN ${call}`] : [])).join(' ');
};
