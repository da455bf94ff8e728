import type { Client } from 'pg';

/** How much of everything; tables, routines and default privileges are spread evenly over the schemas. */
export type Wide = {
  readonly schemas: number;
  readonly tables: number;
  /** Roles `r0`, `r1`, …; the first hundred are groups. */
  readonly roles: number;
  /** Roles that each schema's tables are granted to. */
  readonly grantees: number;
  readonly routines: number;
};

/** 1.1 million ACL entries, 49,500 memberships. */
export const WIDE: Wide = { schemas: 1000, tables: 100_000, roles: 10_000, grantees: 10, routines: 10_000 };

/** The same shape with fewer tables; roles shrink along. */
export const wideOf = (tables: number): Wide => {
  const part = tables / WIDE.tables;
  const some = (count: number) => Math.max(1, Math.round(count * part));
  return { ...WIDE, schemas: some(WIDE.schemas), tables, roles: Math.max(200, some(WIDE.roles)), routines: some(WIDE.routines) };
};

/** Who owns the schemas and everything in them: no superuser. */
export const OWNER = 'app_owner';

/** Fills the database that a superuser is connected to. Roles that are there already stay. */
export async function buildWide(client: Client, wide: Wide = WIDE): Promise<void> {
  await client.query('SET client_min_messages = error');
  await client.query(
    inLoop(
      'i',
      wide.roles,
      "IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'r' || i) THEN EXECUTE format('CREATE ROLE %I', 'r' || i); END IF",
    ),
  );
  await client.query(
    `DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${OWNER}') THEN CREATE ROLE ${OWNER}; END IF; END $$`,
  );
  await client.query(memberships(wide.roles));
  await client.query(`GRANT CREATE ON DATABASE ${client.escapeIdentifier(client.database ?? '')} TO ${OWNER}`);
  await client.query(`SET ROLE ${OWNER}`);
  for (let schema = 0; schema < wide.schemas; schema++) await client.query(oneSchema(wide, schema));
  await client.query('RESET ROLE');
  for (const catalog of CATALOGS) await client.query(`VACUUM (FULL, ANALYZE) pg_catalog.${catalog}`);
}

/** What bulk DDL leaves dead rows in: a bench of reading shall not read those. */
const CATALOGS = [
  'pg_class',
  'pg_attribute',
  'pg_type',
  'pg_depend',
  'pg_shdepend',
  'pg_namespace',
  'pg_proc',
  'pg_default_acl',
  'pg_authid',
  'pg_auth_members',
];

/** Five groups for everybody who is not one: pairwise prime numbers of them, so that hardly two have the same five. */
const memberships = (roles: number): string =>
  inLoop(
    'i',
    roles,
    "CONTINUE WHEN i < 100; EXECUTE format('GRANT r%s, r%s, r%s, r%s, r%s TO r%s', i % 97, i % 89, i % 83, i % 79, i % 73, i)",
  );

const oneSchema = (wide: Wide, schema: number): string => {
  const tables = Math.ceil(wide.tables / wide.schemas);
  const routines = Math.ceil(wide.routines / wide.schemas);
  const grantees = Array.from({ length: wide.grantees }, (_, index) => `r${(schema * wide.grantees + index) % wide.roles}`).join(', ');
  return [
    `CREATE SCHEMA s${schema}`,
    inLoop('i', tables, `EXECUTE format('CREATE TABLE s${schema}.t%s (a int, b int)', i)`),
    inLoop('i', routines, `EXECUTE format('CREATE FUNCTION s${schema}.f%s(int) RETURNS int LANGUAGE sql AS ''SELECT 1''', i)`),
    `GRANT USAGE ON SCHEMA s${schema} TO ${grantees}`,
    `GRANT SELECT ON ALL TABLES IN SCHEMA s${schema} TO ${grantees}`,
    `ALTER DEFAULT PRIVILEGES IN SCHEMA s${schema} GRANT SELECT ON TABLES TO ${grantees}`,
  ].join(';\n');
};

const inLoop = (variable: string, times: number, statement: string): string =>
  `DO $$ BEGIN FOR ${variable} IN 0..${times - 1} LOOP ${statement}; END LOOP; END $$`;
