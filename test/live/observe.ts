import type { Client } from 'pg';
import type { Postgres } from '../lab/postgres.ts';

/** What a role may do: `role`, NUL, `database: kind object word`, one line each, by the server's own verdict. */
export type Verdicts = ReadonlySet<string>;

/** Databases of the test, each with the objects of every kind that was made by hand. */
const OBJECTS = `
  SELECT 'schema' AS kind, n.oid, n.nspname::text AS name, ARRAY['USAGE', 'CREATE'] AS words FROM pg_namespace n WHERE n.nspname !~ '^(pg_|information_schema)'
  UNION ALL SELECT CASE c.relkind WHEN 'S' THEN 'sequence' ELSE 'table' END, c.oid, n.nspname || '.' || c.relname,
         CASE c.relkind WHEN 'S' THEN ARRAY['USAGE', 'SELECT', 'UPDATE'] ELSE ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER'] END
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname !~ '^(pg_|information_schema)' AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
  UNION ALL SELECT 'routine', p.oid, n.nspname || '.' || p.proname, ARRAY['EXECUTE'] FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname !~ '^(pg_|information_schema)'
  UNION ALL SELECT 'type', t.oid, n.nspname || '.' || t.typname, ARRAY['USAGE'] FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
    WHERE n.nspname !~ '^(pg_|information_schema)' AND t.typtype IN ('d', 'e')
  UNION ALL SELECT 'database', d.oid, d.datname::text, ARRAY['CONNECT', 'CREATE', 'TEMPORARY'] FROM pg_database d WHERE d.datname = current_database()`;

const VERDICTS = `
  WITH r AS (SELECT oid, rolname::text AS role FROM pg_roles WHERE oid >= 16384 AND NOT rolsuper),
       o AS (SELECT kind, oid, name, unnest(words) AS word FROM (${OBJECTS}) objects)
  SELECT r.role, concat_ws(' ', o.kind, o.name, o.word) AS line FROM r CROSS JOIN o
   WHERE CASE o.kind WHEN 'schema' THEN has_schema_privilege(r.oid, o.oid, o.word) WHEN 'table' THEN has_table_privilege(r.oid, o.oid, o.word)
         WHEN 'sequence' THEN has_sequence_privilege(r.oid, o.oid, o.word) WHEN 'routine' THEN has_function_privilege(r.oid, o.oid, o.word)
         WHEN 'type' THEN has_type_privilege(r.oid, o.oid, o.word) ELSE has_database_privilege(r.oid, o.oid, o.word) END
  UNION ALL
  SELECT r.role, concat_ws(' ', 'column', c.oid::regclass, a.attname, word) FROM r CROSS JOIN pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
   CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']) AS word
   WHERE n.nspname !~ '^(pg_|information_schema)' AND c.relkind IN ('r', 'v') AND a.attnum > 0 AND has_column_privilege(r.oid, c.oid, a.attnum, word)
  UNION ALL SELECT r.role, concat_ws(' ', 'may become', g.rolname) FROM r CROSS JOIN pg_roles g WHERE r.oid <> g.oid AND pg_has_role(r.oid, g.oid, 'MEMBER')
  UNION ALL SELECT r.role, concat_ws(' ', 'has the rights of', g.rolname) FROM r CROSS JOIN pg_roles g WHERE r.oid <> g.oid AND pg_has_role(r.oid, g.oid, 'USAGE')
  UNION ALL SELECT rolname, 'logs in' FROM pg_roles WHERE oid >= 16384 AND rolcanlogin`;

/** What everybody may do in the given databases; the master, who makes roles and thereby joins them, is left out. */
export const verdictsOf = async (server: Postgres, databases: readonly string[]): Promise<Verdicts> => {
  const found = new Set<string>();
  for (const database of databases) {
    const rows = (await server.query(server.superuser, database, VERDICTS)) as { role: string; line: string }[];
    for (const { role, line } of rows) if (role !== 'master') found.add(`${role}\0${database}: ${line}`);
  }
  return found;
};

/** A role that is in nothing and was granted nothing: what it may do is what PUBLIC may. */
export const NOBODY = 'nobody';

/** What the first state allows and neither of the others does; roles that come or go have meanwhile what PUBLIC had or will have. */
export const beyond = (state: Verdicts, old: Verdicts, now: Verdicts): string[] => {
  const open = (side: Verdicts) => {
    const known = new Set([...side].map((line) => line.split('\0')[0]!));
    return (role: string, what: string) => !known.has(role) && side.has(`${NOBODY}\0${what}`);
  };
  const [before, after] = [open(old), open(now)];
  return [...state].filter((line) => {
    const [role, what] = line.split('\0') as [string, string];
    return !old.has(line) && !now.has(line) && !before(role, what) && !after(role, what);
  });
};

/** Lines that all the others have and the state lacks. */
export const missing = (state: Verdicts, a: Verdicts, b: Verdicts): string[] => [...a].filter((line) => b.has(line) && !state.has(line));

const CATALOGS = [
  'pg_authid',
  'pg_auth_members',
  'pg_db_role_setting',
  'pg_shdescription',
  'pg_database',
  'pg_class',
  'pg_namespace',
  'pg_proc',
  'pg_attribute',
  'pg_type',
  'pg_default_acl',
  'pg_language',
  'pg_shdepend',
];

/** Place and transaction of every row that access consists of: an apply with nothing to do moves none. */
export const fingerprint = async (server: Postgres, databases: readonly string[]): Promise<readonly string[]> => {
  const query = CATALOGS.map(
    (name) => `SELECT '${name} ' || md5(string_agg(ctid::text || xmin::text, ',' ORDER BY ctid)) AS line FROM pg_catalog.${name}`,
  ).join(' UNION ALL ');
  const found: string[] = [];
  for (const database of databases)
    found.push(
      ...((await server.query(server.superuser, database, query)) as { line: string }[]).map(({ line }) => `${database}: ${line}`),
    );
  return found;
};

/** Everything about access that the server stores, without what differs from one making to the next (OIDs, password salts). */
export const stateOf = async (server: Postgres, databases: readonly string[]): Promise<readonly string[]> => {
  const found: string[] = [];
  for (const database of databases) {
    const rows = (await server.query(server.superuser, database, STATE)) as { line: string }[];
    found.push(...rows.map(({ line }) => `${database}: ${line}`));
  }
  return found;
};
const items = (acl: string): string => `(SELECT string_agg(item::text, ' ' ORDER BY item::text COLLATE "C") FROM unnest(${acl}) item)`;
const STATE = `
  SELECT line FROM (
    SELECT concat_ws(' ', 'role', rolname, rolcanlogin, rolinherit, rolcreatedb, rolcreaterole, rolconnlimit, rolvaliduntil, rolpassword IS NOT NULL, shobj_description(oid, 'pg_authid')) AS line FROM pg_authid WHERE oid >= 16384
    UNION ALL SELECT concat_ws(' ', 'member', m.member::regrole, 'in', m.roleid::regrole, 'by', m.grantor::regrole, admin_option, to_jsonb(m) ->> 'inherit_option', to_jsonb(m) ->> 'set_option') FROM pg_auth_members m
    UNION ALL SELECT concat_ws(' ', 'setting', setrole::regrole, (SELECT datname FROM pg_database d WHERE d.oid = setdatabase), setconfig::text) FROM pg_db_role_setting
    UNION ALL SELECT concat_ws(' ', 'database', datname, datdba::regrole, ${items("coalesce(datacl, acldefault('d', datdba))")}) FROM pg_database
    UNION ALL SELECT concat_ws(' ', 'schema', nspname, nspowner::regrole, ${items("coalesce(nspacl, acldefault('n', nspowner))")}) FROM pg_namespace WHERE nspname !~ '^pg_(toast|temp)'
    UNION ALL SELECT concat_ws(' ', 'relation', c.oid::regclass, relowner::regrole, ${items("coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::\"char\", relowner))")}) FROM pg_class c WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND c.oid >= 16384
    UNION ALL SELECT concat_ws(' ', 'column', attrelid::regclass, attname, ${items('attacl')}) FROM pg_attribute WHERE attacl IS NOT NULL AND attrelid >= 16384
    UNION ALL SELECT concat_ws(' ', 'routine', p.oid::regprocedure, proowner::regrole, ${items("coalesce(proacl, acldefault('f', proowner))")}) FROM pg_proc p WHERE p.oid >= 16384
    UNION ALL SELECT concat_ws(' ', 'type', t.oid::regtype, typowner::regrole, ${items("coalesce(typacl, acldefault('T', typowner))")}) FROM pg_type t WHERE t.oid >= 16384 AND typtype IN ('d', 'e')
    UNION ALL SELECT concat_ws(' ', 'default', defaclrole::regrole, defaclnamespace::regnamespace, defaclobjtype, ${items('defaclacl')}) FROM pg_default_acl
  ) lines ORDER BY line COLLATE "C"`;

/** Logins of ours, masters and whoever has a password that the server sees as having the rights of rds_iam. */
export const underIam = async (client: Client): Promise<string[]> => {
  const { rows } = await client.query(
    "SELECT rolname::text AS name FROM pg_roles r WHERE NOT rolsuper AND pg_has_role(r.oid, 'rds_iam', 'USAGE') AND rolname <> 'rds_iam' ORDER BY 1",
  );
  return rows.map(({ name }) => name as string);
};
