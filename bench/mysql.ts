import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Connection } from 'mysql2/promise';
import type { Version } from '../test/lab/mysql/builds.ts';
import { type Mysql, startMysql } from '../test/lab/mysql/server.ts';
import type { Row } from './measure.ts';
import { CLI, inTurn, median, nodeMs, type Run, rolecall } from './time.ts';

/** Users `u0`, `u1`, …; tables `t0`, … in each schema `d0`, …; each user may read so many tables in as many schemas. */
type Shape = { readonly users: number; readonly schemas: number; readonly tables: number; readonly grants: number };

const WIDE: Shape = { users: 10_000, schemas: 100, tables: 100, grants: 10 };
const SMALL: Shape = { users: 10, schemas: 1, tables: 20, grants: 10 };

/** Servers that are measured. */
export const SERVERS: readonly Version[] = ['9.7', '11.8'];
const STACK = 'bench/mysql';
const ROUNDS = 5;
/** How many users a manifest declares that is about a part of a server. */
const SOME = 200;

/** What was measured on one server. */
export type ServerRows = { readonly server: string; readonly rows: readonly Row[] };

/** Plans and applies on so many grants, each figure beside a raw read of the grant tables in the same run. */
export const measureMysql = async (scratch: string, version: Version): Promise<ServerRows> =>
  await onServer(version, WIDE, async (server) => ({
    server: `${server.flavour === 'mysql' ? 'MySQL' : 'MariaDB'} ${server.release}`,
    rows: await measureWide(server, scratch),
  }));

/** What the program itself adds to a server's answers: one schema, twenty tables, ten users. */
export const measureSmallMysql = async (scratch: string): Promise<Row> =>
  await onServer('9.7', SMALL, async (server) => {
    await declareOurs(server, SMALL.users);
    const manifest = written(scratch, 'small-mysql', manifestOf(server, SMALL, SMALL.users));
    const [bare, plan] = inTurn(
      15,
      () => nodeMs(['-e', '0']),
      () => nodeMs([CLI, 'plan', '-m', manifest], { BENCH_PASSWORD: server.master.password }),
    );
    return [
      '`plan` of one schema of MySQL with 20 tables and 10 users, beyond bare Node, the server included',
      `${(plan! - bare!).toFixed(0)} ms`,
    ];
  });

const measureWide = async (server: Mysql, scratch: string): Promise<readonly Row[]> => {
  const [floors, processes]: [number[], number[]] = [[], []];
  const unchanged = async (declared: number): Promise<readonly Run[]> => {
    await declareOurs(server, declared);
    const manifest = written(scratch, `${server.version}-${declared}`, manifestOf(server, WIDE, declared));
    const runs: Run[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      floors.push(await raw(server));
      processes.push(rawProcess(server));
      runs.push(nothingToDo(server, manifest));
    }
    return runs;
  };
  const all = await unchanged(WIDE.users);
  const yaml = median(Array.from({ length: ROUNDS }, () => nodeMs([RAW_YAML, path.join(scratch, `${server.version}-${WIDE.users}.yaml`)])));
  const some = await unchanged(SOME);
  const readerOf = (tables: string): string =>
    written(scratch, `${server.version}-reader`, manifestOf(server, WIDE, SOME, readerGroup(tables)));
  const planned = rolecall(server, 'plan', '-m', readerOf('d*.*'));
  // With as many users a server takes thirty grants in a second, and each is for one table.
  const one = readerOf('d0.*');
  const applied = rolecall(server, 'apply', '-m', one, '--auto-approve', '--json');
  const again = rolecall(server, 'apply', '-m', one, '--auto-approve', '--json');
  if (statementsOf(again) > 0) throw new Error(`the second apply ran ${statementsOf(again)} statements`);
  const [floor, process] = [median(floors), median(processes)];
  const shown = (...runs: readonly Run[]): string => {
    const ms = median(runs.map((run) => run.ms));
    const ratios = [floor, process].map((one) => `${(ms / one).toFixed(1)}×`);
    return [`${(ms / 1000).toFixed(2)} s`, ...ratios, `${Math.max(...runs.map(({ mb }) => mb)).toFixed(0)} MB`].join(' · ');
  };
  return [
    ['raw read of the grant tables, over a connection that is open', `${(floor / 1000).toFixed(2)} s`],
    ["the same as a process of its own, with Node's start, the driver and a login", `${(process / 1000).toFixed(2)} s`],
    ['a process that reads a manifest of all users with the package `yaml`, and nothing else', `${(yaml / 1000).toFixed(2)} s`],
    [`\`plan\`, nothing to do, ${SOME} users declared`, shown(...some)],
    ['`plan`, nothing to do, all users declared, each table by its name', shown(...all)],
    ['`plan`, one group granted SELECT on all tables', shown(planned)],
    [
      '`apply` of one group granted SELECT on the tables of one schema: planned, and read back',
      `${shown(applied)}, ${statementsOf(applied).toLocaleString('en-US')} statements`,
    ],
    ['second `apply`, 0 statements', shown(again)],
  ];
};

const onServer = async <T>(version: Version, shape: Shape, measure: (server: Mysql) => Promise<T>): Promise<T> => {
  const server = await startMysql(version, { tls: 'none' });
  try {
    await build(server, shape);
    return await measure(server);
  } finally {
    await server.stop();
  }
};

/** Tables in memory and rows written straight into the grant table: GRANT takes minutes for as many. */
const build = async (server: Mysql, { users, schemas, tables, grants }: Shape): Promise<void> => {
  const connection = await server.connect(server.superuser, { multipleStatements: true });
  for (let schema = 0; schema < schemas; schema++) {
    const made = Array.from({ length: tables }, (_, table) => `CREATE TABLE d${schema}.t${table} (a int, b int) ENGINE = MEMORY`);
    await connection.query([`CREATE DATABASE d${schema}`, ...made].join(';'));
  }
  for (const some of batches(users)) {
    await connection.query(`CREATE USER ${some.map((user) => `u${user}`).join(', ')} ACCOUNT LOCK`);
    const rows = some.flatMap((user) =>
      tablesOf({ schemas, tables, grants }, user).map(([schema, table]) => `('%', '${schema}', 'u${user}', '${table}', 'Select')`),
    );
    await connection.query(`INSERT INTO mysql.tables_priv (Host, Db, User, Table_name, Table_priv) VALUES ${rows.join(', ')}`);
  }
  await connection.query('FLUSH PRIVILEGES');
  await connection.end();
};

const batches = (users: number): readonly (readonly number[])[] =>
  Array.from({ length: Math.ceil(users / 500) }, (_, batch) =>
    Array.from({ length: Math.min(500, users - batch * 500) }, (_, index) => batch * 500 + index),
  );

/** Tables that a user may read, each once; spread so that hardly two users have the same. */
const tablesOf = ({ schemas, tables, grants }: Omit<Shape, 'users'>, user: number): readonly (readonly [string, string])[] => {
  const numbers = Array.from({ length: grants }, (_, index) => (user * grants + index * 7919) % (schemas * tables));
  return [...new Set(numbers)].map((number) => [`d${number % schemas}`, `t${Math.floor(number / schemas)}`]);
};

/** Marks the first users as ours, and no others. MariaDB has no marks. */
const declareOurs = async (server: Mysql, declared: number): Promise<void> => {
  if (server.flavour === 'mariadb') return;
  const mark = `{"metadata": {"rolecall": {"stack": "${STACK}"}}}`;
  await server.query(
    server.superuser,
    `UPDATE mysql.user SET User_attributes = IF(SUBSTR(User, 2) + 0 < ${declared}, '${mark}', NULL) WHERE User REGEXP '^u[0-9]+$'`,
    'FLUSH PRIVILEGES',
  );
};

/** A group that may read these tables. */
const readerGroup = (tables: string): readonly string[] => [
  'groups:',
  '  reader_of_all:',
  `    grants: [{ privileges: [select], tables: "${tables}" }]`,
];

/** A manifest that says of the first `declared` users just what is so, with these groups besides. */
const manifestOf = (server: Mysql, shape: Shape, declared: number, groups: readonly string[] = []): string =>
  [
    'version: 1',
    `stack: ${STACK}`,
    'targets:',
    '  wide:',
    `    engine: ${server.flavour}`,
    `    endpoint: { host: 127.0.0.1, port: ${server.port}, tls: disable }`,
    `    login: { user: ${server.master.user}, password: "\${env:BENCH_PASSWORD}" }`,
    ...groups,
    'users:',
    ...Array.from({ length: declared }, (_, user) => {
      const tables = tablesOf(shape, user).map(([schema, table]) => `${schema}.${table}`);
      return `  u${user}: { auth: none, grants: [{ privileges: [select], tables: [${tables.join(', ')}] }] }`;
    }),
  ].join('\n');

const written = (scratch: string, name: string, text: string): string => {
  const file = path.join(scratch, `${name}.yaml`);
  writeFileSync(file, text);
  return file;
};

const statementsOf = ({ out }: Run): number => (JSON.parse(out) as { targets: { statements: number }[] }).targets[0]!.statements;

const nothingToDo = (server: Mysql, manifest: string): Run => {
  const run = rolecall(server, 'plan', '-m', manifest, '--detailed-exitcode');
  if (run.status !== 0) throw new Error(`something to do:\n${run.out.slice(0, 3000)}`);
  return run;
};

/** What a plan rests on. */
const tablesRead = ({ flavour }: Mysql): readonly string[] => [flavour === 'mysql' ? 'user' : 'global_priv', 'db', 'tables_priv'];

/** The rows of these tables as they are. */
const raw = async (server: Mysql): Promise<number> => {
  const connection = await server.connect(server.master);
  const began = performance.now();
  for (const table of tablesRead(server)) await rowsOf(connection, table);
  const ms = performance.now() - began;
  await connection.end();
  return ms;
};

/** Nothing that is a process can read them sooner. */
const rawProcess = (server: Mysql): number =>
  nodeMs([RAW, String(server.port), server.master.user, ...tablesRead(server)], { BENCH_PASSWORD: server.master.password });
const RAW = path.resolve('bench/raw-mysql.mjs');
const RAW_YAML = path.resolve('bench/raw-yaml.mjs');

const rowsOf = async (connection: Connection, table: string): Promise<void> => {
  await connection.query({ sql: `SELECT * FROM mysql.${table}`, rowsAsArray: true });
};
