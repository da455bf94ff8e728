import type { Client } from 'pg';
import type { Where } from './manifest.ts';

/** The shape of ldap2pg's large fixture: four databases, 256 schemas each, three groups a schema, a thousand users. */
const DATABASES = ['nominal0', 'nominal1', 'nominal2', 'nominal3'];
const SCHEMAS = 256;
const USERS = 1000;
const LEVELS = ['reader', 'writer', 'owner'] as const;

/** Fills the server: `connect` gives a superuser's connection to a database. */
export async function buildLdap2pg(connect: (database: string) => Promise<Client>): Promise<void> {
  const first = await connect('postgres');
  await first.query('CREATE ROLE app_owner');
  await first.query('GRANT app_owner TO master WITH ADMIN TRUE, INHERIT FALSE, SET TRUE');
  for (const database of DATABASES) await first.query(`CREATE DATABASE ${database} OWNER master`);
  await first.end();
  for (const database of DATABASES) {
    const client = await connect(database);
    await client.query(`GRANT CREATE ON DATABASE ${database} TO app_owner; SET ROLE app_owner`);
    for (let schema = 0; schema < SCHEMAS; schema++) await client.query(oneSchema(schema));
    await client.end();
  }
}

const oneSchema = (schema: number): string =>
  [
    `CREATE SCHEMA s${schema}`,
    ...[0, 1, 2, 3].map(
      (table) => `CREATE TABLE s${schema}.t${table} (a int, b int); CREATE VIEW s${schema}.v${table} AS SELECT a FROM s${schema}.t${table}`,
    ),
    ...(schema % 2 === 0 ? [`CREATE FUNCTION s${schema}.f(int) RETURNS int LANGUAGE sql AS 'SELECT 1'`] : []),
  ].join(';\n');

/** Reader, writer and owner groups of every schema in all four databases, and users who are in three of them each. */
export const ldap2pgManifest = ({ port, user }: Omit<Where, 'database'>): string =>
  [
    'version: 1',
    'stack: bench/ldap2pg',
    'targets:',
    '  big:',
    '    engine: postgres',
    `    endpoint: { host: 127.0.0.1, port: ${port}, tls: disable }`,
    `    login: { user: ${user}, password: "\${env:BENCH_PASSWORD}" }`,
    `    databases: [${DATABASES.join(', ')}]`,
    'groups:',
    ...Array.from({ length: SCHEMAS }, (_, schema) => LEVELS.flatMap((level) => groupLines(level, schema))).flat(),
    'users:',
    ...Array.from(
      { length: USERS },
      (_, one) =>
        `  u${one}: { auth: password, groups: [g${one % SCHEMAS}_reader, g${(one * 7 + 1) % SCHEMAS}_writer, g${(one * 3 + 2) % SCHEMAS}_owner] }`,
    ),
  ].join('\n');

const groupLines = (level: (typeof LEVELS)[number], schema: number): string[] => {
  const places = DATABASES.map((database) => `${database}.s${schema}`).join(', ');
  if (level === 'reader') return [`  g${schema}_reader: { read: [${places}] }`];
  if (level === 'writer') return [`  g${schema}_writer: { groups: [g${schema}_reader], write: [${places}] }`];
  return [`  g${schema}_owner: { groups: [g${schema}_writer] }`];
};
