// npm run bench [-- shape…]   small, ldap2pg, iam, mysql, or numbers of tables; all of them by default. Prints what the README holds between
// <!-- bench --> and <!-- /bench -->; `npm run bench -- write` measures all and writes it there.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { findBinaries } from '../test/lab/binaries.ts';
import { measureIam } from './iam.ts';
import { measureLdap2pg, measureSmall, measureStart, measureWide, type Row } from './measure.ts';
import { measureMysql, measureSmallMysql, SERVERS, type ServerRows } from './mysql.ts';

const TABLES = [10_000, 30_000, 100_000];

const asked = process.argv.slice(2).filter((shape) => shape !== 'write');
const write = process.argv.includes('write');
const wants = (shape: string): boolean => asked.length === 0 || asked.includes(shape);
const numbers = asked.map(Number).filter((number) => number > 0);
const sizes = asked.length === 0 ? TABLES : numbers;
const scratch = mkdtempSync(path.join(tmpdir(), 'rolecall-bench-'));

/** What is measured is told on stderr as it comes: it takes minutes. */
const told = (rows: readonly Row[]): readonly Row[] => {
  for (const [what, figures] of rows) process.stderr.write(`${what}: ${figures}\n`);
  return rows;
};

const load = loadavg()[0]!;
const alone = [
  ...told([measureStart()]),
  ...(wants('small') ? told([await measureSmall(scratch)]) : []),
  ...(wants('mysql') ? told([await measureSmallMysql(scratch)]) : []),
  ...(wants('ldap2pg') ? told(await measureLdap2pg(scratch)) : []),
  ...(wants('iam') ? told(await measureIam(scratch)) : []),
];
const wides: (readonly Row[])[] = [];
for (const tables of sizes) {
  process.stderr.write(`${tables} tables\n`);
  wides.push(told(await measureWide(scratch, tables)));
}
const servers: ServerRows[] = [];
for (const version of wants('mysql') ? SERVERS : []) {
  const found = await measureMysql(scratch, version);
  process.stderr.write(`${found.server}\n`);
  told(found.rows);
  servers.push(found);
}
rmSync(scratch, { recursive: true });

const line = (...cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
const columns = (heads: readonly string[], lists: readonly (readonly Row[])[]): string[] => [
  line('', ...heads),
  line('---', ...heads.map(() => '--:')),
  ...lists[0]!.map(([what], row) => line(what, ...lists.map((rows) => rows[row]![1]))),
  '',
];
const byServer = (found: readonly ServerRows[]): string[] => [
  '10,000 users who may each read 10 of 10,000 tables in 100 schemas, 100,000 rows of grants. With each time its ratio to a raw read of the grant tables, and to a process that does nothing else:',
  '',
  ...columns(
    found.map(({ server }) => server),
    found.map(({ rows }) => rows),
  ),
];
const version = findBinaries(Number(process.env.PG_MAJOR ?? 17))?.version;
const text = [
  `Measured with \`npm run bench\` on PostgreSQL ${version} and Node ${process.versions.node}, ${availableParallelism()} cores, load ${load.toFixed(1)}. With each time its ratio to a raw read of the same catalog rows in one message in the same run, and the peak of memory.`,
  '',
  ...(wides.length > 0
    ? columns(
        sizes.map((tables) => `${tables.toLocaleString('en-US')} tables`),
        wides,
      )
    : []),
  ...(servers.length > 0 ? byServer(servers) : []),
  line('', ''),
  line('---', '--:'),
  ...alone.map((row) => line(...row)),
].join('\n');
console.log(text);
if (write) {
  const readme = readFileSync('README.md', 'utf8');
  writeFileSync(
    'README.md',
    readme.replace(/(<!-- bench -->\n)[\s\S]*?(\n<!-- \/bench -->)/, (_, before, after) => before + text + after),
  );
}
