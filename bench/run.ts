// npm run bench [-- shape…]   small, ldap2pg, or a number of tables; all of them by default
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Postgres, startPostgres } from '../test/lab/postgres.ts';
import { buildLdap2pg, ldap2pgManifest } from './ldap2pg.ts';
import { manifestOf, manifestWithReader, markRoles } from './manifest.ts';
import { RAW } from './raw.ts';
import { buildWide, type Wide, wideOf } from './wide.ts';

const ROUNDS = 5;
const CLI = path.resolve('build/cli.js');
const scratch = mkdtempSync(path.join(tmpdir(), 'rolecall-bench-'));
const TEXT = { getTypeParser: () => (text: string) => text };

type Run = { readonly ms: number; readonly mb: number; readonly out: string; readonly status: number | null };

/** One run of the command; the peak of its memory is told by a line that a preloaded module writes at exit. */
const rolecall = (server: Postgres, ...args: readonly string[]): Run => {
  const preload = 'data:text/javascript,process.on("exit",()=>process.stderr.write("\\npeak "+process.resourceUsage().maxRSS))';
  const began = performance.now();
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--import', preload, CLI, ...args], {
    encoding: 'utf8',
    maxBuffer: 1 << 30,
    env: { ...process.env, BENCH_PASSWORD: server.master.password, NO_COLOR: '1' },
  });
  const ms = performance.now() - began;
  if (status === null || ![0, 2].includes(status))
    throw new Error(`rolecall ${args.join(' ')} ended with ${status}\n${stdout.slice(-2000)}\n${stderr.slice(-2000)}`);
  return { ms, mb: Number(/peak (\d+)$/.exec(stderr)![1]) / 1024, out: stdout, status };
};

const raw = async (server: Postgres): Promise<number> => {
  const client = await server.connect(server.master, 'wide');
  const began = performance.now();
  await client.query({ text: RAW, rowMode: 'array', types: TEXT });
  const ms = performance.now() - began;
  await client.end();
  return ms;
};

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
const say = (what: string, ms: number, floor: number, rest = ''): void =>
  console.log(`  ${what.padEnd(62)} ${ms.toFixed(0).padStart(6)} ms  ${(ms / floor).toFixed(2).padStart(6)}× raw  ${rest}`);

const build = async (server: Postgres, wide: Wide): Promise<void> => {
  await server.query(server.superuser, 'postgres', 'CREATE DATABASE wide OWNER master');
  await server.query(server.superuser, 'postgres', 'GRANT CONNECT ON DATABASE wide TO PUBLIC');
  const client = await server.connect(server.superuser, 'wide');
  await buildWide(client, wide);
  await client.query(`GRANT app_owner TO master${server.major >= 16 ? ' WITH ADMIN TRUE, INHERIT FALSE, SET TRUE' : ''}`);
  await client.end();
};

/** Nothing to do, with some and with all roles declared; then one group that reads everything. */
const measure = async (server: Postgres, wide: Wide): Promise<void> => {
  const where = { port: server.port, user: 'master', database: 'wide' };
  const floors: number[] = [];
  for (const declared of [Math.min(200, wide.roles), wide.roles]) {
    await server.query(server.superuser, 'postgres', markRoles(declared));
    const manifest = path.join(scratch, `${wide.tables}-${declared}.yaml`);
    writeFileSync(manifest, manifestOf(wide, declared, where));
    const runs: Run[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      floors.push(await raw(server));
      runs.push(rolecall(server, 'plan', '-m', manifest, '--detailed-exitcode'));
    }
    if (runs.some((run) => run.status !== 0)) throw new Error(`something to do:\n${runs[0]!.out.slice(0, 3000)}`);
    say(
      `plan, nothing to do, ${declared} roles declared`,
      median(runs.map((run) => run.ms)),
      median(floors),
      `peak ${Math.max(...runs.map((run) => run.mb)).toFixed(0)} MB`,
    );
    const checked = [1, 2, 3].map(() => rolecall(server, 'validate', '-m', manifest).ms);
    say('  of which: validate alone (Node, YAML, schema, references)', median(checked), median(floors));
  }
  await measureGrant(server, wide, where, median(floors));
};

const measureGrant = async (server: Postgres, wide: Wide, where: Parameters<typeof manifestOf>[2], floor: number): Promise<void> => {
  const manifest = path.join(scratch, `${wide.tables}-reader.yaml`);
  const saved = path.join(scratch, 'plan.json');
  writeFileSync(manifest, manifestWithReader(wide, Math.min(200, wide.roles), where));
  const planned = rolecall(server, 'plan', '-m', manifest, '--out', saved);
  say('plan, one group granted SELECT on all tables', planned.ms, floor, `peak ${planned.mb.toFixed(0)} MB`);
  const applied = rolecall(server, 'apply', saved, '-m', manifest, '--auto-approve', '--json');
  const { statements } = (JSON.parse(applied.out) as { targets: { statements: number }[] }).targets[0]!;
  say(`apply of it, read back included, ${statements} statements`, applied.ms, floor, `peak ${applied.mb.toFixed(0)} MB`);
  const again = rolecall(server, 'apply', '-m', manifest, '--auto-approve', '--json');
  say(
    `second apply, ${(JSON.parse(again.out) as { targets: { statements: number }[] }).targets[0]!.statements} statements`,
    again.ms,
    floor,
  );
};

const timeOf = (args: readonly string[]): number =>
  median(
    Array.from({ length: 15 }, () => {
      const began = performance.now();
      spawnSync(process.execPath, args);
      return performance.now() - began;
    }),
  );
const bareNode = (): number => timeOf(['-e', '0']);

const startUp = (): void => {
  const bare = bareNode();
  const version = timeOf([CLI, '--version']);
  console.log(
    `start-up: bare Node ${bare.toFixed(0)} ms, rolecall --version ${version.toFixed(0)} ms (+${(version - bare).toFixed(0)} ms)`,
  );
};

/** The first plan of everything, its apply, and a plan with nothing to do. */
const measureLdap2pg = async (): Promise<void> => {
  const server = await startPostgres(MAJOR, { rdsLike: true });
  try {
    await buildLdap2pg((database) => server.connect(server.superuser, database));
    const manifest = path.join(scratch, 'ldap2pg.yaml');
    writeFileSync(manifest, ldap2pgManifest({ port: server.port, user: 'master' }));
    const shown = (what: string, { ms, mb }: Run) =>
      console.log(`  ${what.padEnd(62)} ${ms.toFixed(0).padStart(6)} ms  peak ${mb.toFixed(0)} MB`);
    console.log(`PostgreSQL ${server.version}, ldap2pg-big: 4 databases, 1,024 schemas, 8,192 tables and views, 768 groups, 1,000 users`);
    shown('first plan, everything to do', rolecall(server, 'plan', '-m', manifest));
    shown('apply', rolecall(server, 'apply', '-m', manifest, '--auto-approve', '--json'));
    shown('plan, nothing to do', rolecall(server, 'plan', '-m', manifest, '--detailed-exitcode'));
  } finally {
    await server.stop();
  }
};

/** What the program itself adds to a server's answers: one database, twenty tables, ten roles. */
const measureSmall = async (): Promise<void> => {
  const small: Wide = { schemas: 1, tables: 20, roles: 10, grantees: 10, routines: 1 };
  const server = await startPostgres(MAJOR, { rdsLike: true });
  try {
    await build(server, small);
    await server.query(server.superuser, 'postgres', markRoles(10));
    const manifest = path.join(scratch, 'small.yaml');
    writeFileSync(manifest, manifestOf(small, 10, { port: server.port, user: 'master', database: 'wide' }));
    const runs = Array.from({ length: 9 }, () => rolecall(server, 'plan', '-m', manifest, '--detailed-exitcode'));
    const bare = bareNode();
    const ms = median(runs.map((run) => run.ms));
    console.log(`PostgreSQL ${server.version}, small: plan ${ms.toFixed(0)} ms, of which bare Node ${bare.toFixed(0)} ms`);
  } finally {
    await server.stop();
  }
};

const MAJOR = Number(process.env.PG_MAJOR ?? 17);
startUp();
const shapes = process.argv.slice(2);
if (shapes.length === 0 || shapes.includes('small')) await measureSmall();
if (shapes.length === 0 || shapes.includes('ldap2pg')) await measureLdap2pg();
for (const tables of shapes.length === 0 ? [10_000, 30_000, 100_000] : shapes.map(Number).filter((number) => number > 0)) {
  const wide = wideOf(tables);
  const server = await startPostgres(MAJOR, { rdsLike: true, settings: { shared_buffers: '1GB', max_wal_size: '8GB', autovacuum: 'off' } });
  try {
    await build(server, wide);
    const floor = median(
      await [1, 2, 3, 4, 5].reduce<Promise<number[]>>(async (sum) => [...(await sum), await raw(server)], Promise.resolve([])),
    );
    console.log(`PostgreSQL ${server.version}, ${tables} tables, ${wide.roles} roles: raw one-message read ${floor.toFixed(0)} ms`);
    await measure(server, wide);
  } finally {
    await server.stop();
  }
}
rmSync(scratch, { recursive: true });
