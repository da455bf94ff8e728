// npx esbuild bench/inspect.ts --bundle --platform=node --format=esm --packages=external | node --expose-gc --input-type=module - [tables] [major]
import type { Client } from 'pg';
import { inspect } from '../src/providers/postgres/inspect.ts';
import type { Snapshot } from '../src/providers/postgres/snapshot.ts';
import { type Postgres, startPostgres } from '../test/lab/postgres.ts';
import { declaredOf, targetOf } from '../test/providers/declared.ts';
import { buildWide, wideOf } from './wide.ts';

/** The catalog rows that a plan rests on, as they are: the floor that reading is measured against. */
const RAW = [
  'SELECT oid, rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls, rolconnlimit, rolvaliduntil FROM pg_roles',
  'SELECT roleid, member, grantor, admin_option FROM pg_auth_members',
  'SELECT oid, nspname, nspowner, nspacl::text FROM pg_namespace',
  "SELECT oid, relname, relnamespace, relkind, relowner, relacl::text FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S')",
  'SELECT attrelid, attname, attacl::text FROM pg_attribute WHERE attacl IS NOT NULL',
  'SELECT oid, proname, pronamespace, proowner, proargtypes, proacl::text FROM pg_proc WHERE oid >= 16384',
  'SELECT defaclrole, defaclnamespace, defaclobjtype, defaclacl::text FROM pg_default_acl',
].join(';');

const TEXT = { getTypeParser: () => (text: string) => text };
const ROUNDS = 7;

const tables = Number(process.argv[2] ?? 100_000);
const major = Number(process.argv[3] ?? 17);

async function build({ connect, superuser, version }: Postgres): Promise<void> {
  const began = performance.now();
  await (await closing(connect(superuser, 'postgres'))).run((client) => client.query('CREATE DATABASE wide'));
  await (await closing(connect(superuser, 'wide'))).run((client) => buildWide(client, wideOf(tables)));
  console.log(`PostgreSQL ${version}, ${tables} tables built in ${((performance.now() - began) / 1000).toFixed(0)} s`);
}

async function measure({ connect, master, port }: Postgres): Promise<void> {
  const target = targetOf({ endpoint: { kind: 'explicit', host: '127.0.0.1', port, tls: 'disable' }, databases: ['wide'] });
  const inspectOnce = () => inspect({ declared: declaredOf(target), as: 'plan' }, { env: { LAB_PASSWORD: master.password } });
  const rawOnce = async () =>
    (await closing(connect(master, 'wide'))).run((client) => client.query({ text: RAW, rowMode: 'array', types: TEXT }));
  const raw: number[] = [];
  const ours: number[] = [];
  const before = resident();
  let snapshot: Snapshot | undefined;
  for (let round = 0; round < ROUNDS; round++) {
    ours.push(await timed(async () => (snapshot = await inspectOnce())));
    if (round === 0)
      console.log(
        `memory: ${before} MB before, ${resident()} MB after one inspect (peak ${Math.round(process.resourceUsage().maxRSS / 1024)} MB)`,
      );
    raw.push(await timed(rawOnce));
  }
  console.log(`raw read     median ${median(raw)} ms, best ${Math.min(...raw)} ms`);
  console.log(`inspect      median ${median(ours)} ms, best ${Math.min(...ours)} ms   ratio ${(median(ours) / median(raw)).toFixed(2)}`);
  if (snapshot) console.log(sizes(snapshot));
}

function sizes({ roles, memberships, contents }: Snapshot): string {
  const wide = contents.wide!;
  const relations = wide.relations.reduce((sum, { names }) => sum + names.length, 0);
  const routines = wide.routines.reduce((sum, { names }) => sum + names.length, 0);
  return `${roles.length} roles, ${memberships.length} memberships, ${relations} relations in ${wide.relations.length} rows, ${routines} routines in ${wide.routines.length} rows`;
}

const resident = (): number => {
  globalThis.gc?.();
  return Math.round(process.memoryUsage().rss / 1e6);
};

const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const began = performance.now();
  await work();
  return Math.round(performance.now() - began);
};

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

async function closing(opening: Promise<Client>): Promise<{ run: <T>(work: (client: Client) => Promise<T>) => Promise<T> }> {
  const client = await opening;
  return { run: (work) => work(client).finally(() => client.end()) };
}

const server = await startPostgres(major, {
  rdsLike: true,
  settings: { shared_buffers: '1GB', max_wal_size: '8GB', autovacuum: 'off', maintenance_work_mem: '512MB' },
});
try {
  await build(server);
  await measure(server);
} finally {
  await server.stop();
}
