// npm run demo: the main job on an embedded PostgreSQL server, from a YAML directory to verified access.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isInstalled } from './binaries.ts';
import { type Postgres, startPostgres } from './postgres.ts';

const MAJOR = 17;
const ROOT = path.resolve(import.meta.dirname, '../..');
const CLI = path.join(ROOT, 'build/cli.js');
const bold = process.stdout.isTTY && !process.env.NO_COLOR ? (text: string) => `\u001b[1m${text}\u001b[0m` : (text: string) => text;

const say = (text: string): void => console.log(`\n${bold(`── ${text}`)}\n`);

/** The fixture's manifest, with the port that the server got. */
const manifestFor = ({ port }: Postgres): string => {
  const folder = path.join(mkdtempSync(path.join(tmpdir(), 'rolecall-demo-')), 'access');
  cpSync(path.join(ROOT, 'fixtures/demo/access'), folder, { recursive: true });
  for (const name of readdirSync(folder)) {
    const file = path.join(folder, name);
    writeFileSync(file, readFileSync(file, 'utf8').replace('port: 5432', `port: ${port}`));
  }
  return folder;
};

const rolecall = (server: Postgres, folder: string, expected: number, ...args: readonly string[]): void => {
  console.log(bold(`$ rolecall ${args.join(' ')}`));
  const { status } = spawnSync(process.execPath, [CLI, ...args], {
    cwd: path.dirname(folder),
    stdio: 'inherit',
    env: { ...process.env, DEMO_PASSWORD: server.master.password, CHECKOUT_PASSWORD: 'a-password-of-the-demo' },
  });
  if (status !== expected) throw new Error(`rolecall ${args[0]} ended with ${status}, not ${expected}`);
};

const story = async (server: Postgres, folder: string): Promise<void> => {
  say('what merging the manifest would do');
  rolecall(server, folder, 0, 'plan', '--out', 'plan.json');
  say('apply just that plan: it is planned again, compared with the file, executed, and read back');
  rolecall(server, folder, 0, 'apply', 'plan.json', '--auto-approve');
  say('nothing is left to do');
  rolecall(server, folder, 0, 'plan', '--detailed-exitcode');
  say('somebody helps out by hand: GRANT SELECT ON hr.salaries TO analysts');
  await server.query(server.superuser, 'shop', 'GRANT USAGE ON SCHEMA hr TO analysts; GRANT SELECT ON hr.salaries TO analysts');
  rolecall(server, folder, 2, 'drift');
  say('and it is repaired');
  rolecall(server, folder, 0, 'apply', '--auto-approve');
  rolecall(server, folder, 0, 'drift');
};

if (!isInstalled(MAJOR)) {
  console.log(
    `The demo needs an embedded PostgreSQL ${MAJOR}, and none is published for ${process.platform}-${process.arch}. Rolecall itself runs here: see the quick start in README.md.`,
  );
} else {
  const server = await startPostgres(MAJOR, { rdsLike: true });
  console.log(`PostgreSQL ${server.version}, with the roles of RDS; we are '${server.master.user}', who is no superuser.`);
  const folder = manifestFor(server);
  try {
    await server.query(server.master, 'postgres', 'CREATE DATABASE shop');
    await server.query(server.master, 'shop', readFileSync(path.join(ROOT, 'fixtures/demo/shop.sql'), 'utf8'));
    await story(server, folder);
  } finally {
    await server.stop();
    rmSync(path.dirname(folder), { recursive: true });
  }
}
