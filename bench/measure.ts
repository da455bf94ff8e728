import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Postgres, startPostgres } from '../test/lab/postgres.ts';
import { buildLdap2pg, ldap2pgManifest } from './ldap2pg.ts';
import { manifestOf, manifestWithReader, markRoles } from './manifest.ts';
import { RAW } from './raw.ts';
import { CLI, inTurn, median, nodeMs, type Run, rolecall } from './time.ts';
import { buildWide, type Wide, wideOf } from './wide.ts';

/** What was measured: its words, and the figures as they are printed. */
export type Row = readonly [what: string, figures: string];

const MAJOR = Number(process.env.PG_MAJOR ?? 17);
const ROUNDS = 5;
const TEXT = { getTypeParser: () => (text: string) => text };

const seconds = (ms: number): string => `${(ms / 1000).toFixed(ms < 9950 ? 1 : 0)} s`;
const more = (ms: number): string => `${ms.toFixed(0)} ms`;
const count = (number: number): string => number.toLocaleString('en-US');

/** What `--version` takes beyond bare Node. */
export const measureStart = (): Row => {
  const [bare, version] = inTurn(
    15,
    () => nodeMs(['-e', '0']),
    () => nodeMs([CLI, '--version']),
  );
  return ['`rolecall --version`, beyond bare Node', more(version! - bare!)];
};

/** What the program itself adds to a server's answers: one database, twenty tables, ten roles. */
export const measureSmall = async (scratch: string): Promise<Row> => {
  const small: Wide = { schemas: 1, tables: 20, roles: 10, grantees: 10, routines: 1 };
  const server = await startPostgres(MAJOR, { rdsLike: true });
  try {
    await build(server, small);
    await server.query(server.superuser, 'postgres', markRoles(10));
    const manifest = path.join(scratch, 'small.yaml');
    writeFileSync(manifest, manifestOf(small, 10, { port: server.port, user: 'master', database: 'wide' }));
    const [bare, plan] = inTurn(
      15,
      () => nodeMs(['-e', '0']),
      () => nodeMs([CLI, 'plan', '-m', manifest], { BENCH_PASSWORD: server.master.password }),
    );
    return ['`plan` of one database with 20 tables and 10 roles, beyond bare Node, the server included', more(plan! - bare!)];
  } finally {
    await server.stop();
  }
};

/** The first plan of everything, its apply, and a plan with nothing to do. */
export const measureLdap2pg = async (scratch: string): Promise<readonly Row[]> => {
  const server = await startPostgres(MAJOR, { rdsLike: true });
  try {
    await buildLdap2pg((database) => server.connect(server.superuser, database));
    const manifest = path.join(scratch, 'ldap2pg.yaml');
    writeFileSync(manifest, ldap2pgManifest({ port: server.port, user: 'master' }));
    const shown = (ms: number, mb: number): string => `${seconds(ms)} · ${mb.toFixed(0)} MB`;
    const first = rolecall(server, 'plan', '-m', manifest);
    const applied = rolecall(server, 'apply', '-m', manifest, '--auto-approve', '--json');
    const again = Array.from({ length: ROUNDS }, () => nothingToDo(server, manifest));
    return [
      [
        '`plan`, nothing to do, of 768 groups and 1,000 users over 4 databases with 1,024 schemas and 8,192 tables and views',
        shown(median(again.map(({ ms }) => ms)), Math.max(...again.map(({ mb }) => mb))),
      ],
      ['the same, everything to do', shown(first.ms, first.mb)],
      [`its \`apply\`, planned twice and read back, ${count(statementsOf(applied))} statements`, shown(applied.ms, applied.mb)],
    ];
  } finally {
    await server.stop();
  }
};

/** Plans and applies on so many tables, each figure beside a raw read of the same run. */
export const measureWide = async (scratch: string, tables: number): Promise<readonly Row[]> => {
  const wide = wideOf(tables);
  const settings = { shared_buffers: '1GB', max_wal_size: '8GB', autovacuum: 'off' };
  const server = await startPostgres(MAJOR, { rdsLike: true, settings });
  try {
    await build(server, wide);
    const floors: number[] = [];
    const where = { port: server.port, user: 'master', database: 'wide' };
    const written = (name: string, text: string): string => {
      writeFileSync(path.join(scratch, name), text);
      return path.join(scratch, name);
    };
    const unchanged = async (declared: number): Promise<readonly Run[]> => {
      await server.query(server.superuser, 'postgres', markRoles(declared));
      const manifest = written(`${tables}-${declared}.yaml`, manifestOf(wide, declared, where));
      const runs: Run[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        floors.push(await raw(server));
        runs.push(nothingToDo(server, manifest));
      }
      return runs;
    };
    const some = await unchanged(SOME);
    const all = await unchanged(wide.roles);
    const reader = written(`${tables}-reader.yaml`, manifestWithReader(wide, SOME, where));
    const saved = path.join(scratch, 'plan.json');
    const planned = rolecall(server, 'plan', '-m', reader, '--out', saved);
    const applied = rolecall(server, 'apply', saved, '-m', reader, '--auto-approve', '--json');
    const again = rolecall(server, 'apply', '-m', reader, '--auto-approve', '--json');
    if (statementsOf(again) > 0) throw new Error(`the second apply ran ${statementsOf(again)} statements`);
    const floor = median(floors);
    const shown = (...runs: readonly Run[]): string => {
      const ms = median(runs.map((run) => run.ms));
      return `${seconds(ms)} · ${(ms / floor).toFixed(1)}× · ${Math.max(...runs.map(({ mb }) => mb)).toFixed(0)} MB`;
    };
    return [
      ['roles and memberships', `${count(wide.roles)} and ${count(await memberships(server))}`],
      ['ACL entries', count(tables * (wide.grantees + 1))],
      ['raw read in one message', `${(floor / 1000).toFixed(2)} s`],
      [`\`plan\`, nothing to do, ${SOME} roles declared`, shown(...some)],
      ['`plan`, nothing to do, all roles declared', shown(...all)],
      ['`plan`, one group granted SELECT on all tables', shown(planned)],
      ['`apply` of that: planned again, read back twice', `${shown(applied)}, ${count(statementsOf(applied))} statements`],
      ['second `apply`, 0 statements', shown(again)],
    ];
  } finally {
    await server.stop();
  }
};

const memberships = async (server: Postgres): Promise<number> => {
  const rows = await server.query(server.superuser, 'wide', "SELECT count(*) FROM pg_auth_members WHERE member::regrole::text ~ '^r[0-9]'");
  return Number(rows[0]!.count);
};

/** How many roles a manifest declares that is about a part of a server. */
const SOME = 200;

const statementsOf = ({ out }: Run): number => (JSON.parse(out) as { targets: { statements: number }[] }).targets[0]!.statements;

const nothingToDo = (server: Postgres, manifest: string): Run => {
  const run = rolecall(server, 'plan', '-m', manifest, '--detailed-exitcode');
  if (run.status !== 0) throw new Error(`something to do:\n${run.out.slice(0, 3000)}`);
  return run;
};

const raw = async (server: Postgres): Promise<number> => {
  const client = await server.connect(server.master, 'wide');
  const began = performance.now();
  await client.query({ text: RAW, rowMode: 'array', types: TEXT });
  const ms = performance.now() - began;
  await client.end();
  return ms;
};

const build = async (server: Postgres, wide: Wide): Promise<void> => {
  await server.query(server.superuser, 'postgres', 'CREATE DATABASE wide OWNER master');
  await server.query(server.superuser, 'postgres', 'GRANT CONNECT ON DATABASE wide TO PUBLIC');
  const client = await server.connect(server.superuser, 'wide');
  await buildWide(client, wide);
  await client.query(`GRANT app_owner TO master${server.major >= 16 ? ' WITH ADMIN TRUE, INHERIT FALSE, SET TRUE' : ''}`);
  await client.end();
};
