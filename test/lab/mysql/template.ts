import fs from 'node:fs';
import path from 'node:path';
import { createConnection } from 'mysql2/promise';
import { renameUnlessThere, run } from '../binaries.ts';
import { cacheDir, scratchDir } from '../files.ts';
import { end, forget } from '../launch.ts';
import { type Build, buildName, placeFlags, runServer } from './builds.ts';
import { launchAt, socketIn } from './launch.ts';
import { rdsAccounts } from './rds.ts';

/** The data directory that new servers are copied from: made once for each build, then kept. */
export async function template(build: Build): Promise<string> {
  const name = path.join(cacheDir(), `template-${buildName(build.version)}-${build.release}-${RECIPE}`);
  if (fs.existsSync(name)) return name;
  const draft = scratchDir({});
  fs.mkdirSync(path.join(draft, 'tmp'));
  initialise(build, draft);
  await dressAsRds(build, draft);
  // every server shall have an identity of its own
  fs.rmSync(path.join(draft, 'data', 'auto.cnf'), { force: true });
  const copy = `${name}.${process.pid}`;
  await run('cp', ['-Rp', '--sparse=always', path.join(draft, 'data'), copy], {});
  renameUnlessThere(copy, name);
  fs.rmSync(draft, { recursive: true, force: true });
  return name;
}

/** Another number where another template is made. */
const RECIPE = 2;

function initialise(build: Build, home: string): void {
  const flags = [...placeFlags(build, home), '--innodb-use-native-aio=0', ...(build.plugins ? [`--plugin-dir=${build.plugins}`] : [])];
  if (build.flavour === 'mysql') {
    runServer(build, [...flags, '--initialize-insecure', '--innodb-redo-log-capacity=16M', '--innodb-buffer-pool-size=64M']);
    return;
  }
  fs.mkdirSync(path.join(home, 'data', 'mysql'), { recursive: true });
  const small = ['--innodb-log-file-size=16M', '--innodb-buffer-pool-size=32M', '--max-allowed-packet=8M'];
  runServer(build, [...flags, '--bootstrap', ...small], mariadbTables(build));
}

/** What mariadb-install-db does, without its shell: the tables of the schema mysql, and root without a password. */
function mariadbTables(build: Build): string {
  const read = (name: string): string => {
    const file = ['mariadb', 'mysql'].map((prefix) => path.join(build.share, `${prefix}_${name}.sql`)).find((one) => fs.existsSync(one));
    return file ? fs.readFileSync(file, 'utf8') : '';
  };
  // a root for the name of the machine that makes the template is of no use
  const data = read('system_tables_data')
    .split('\n')
    .filter((line) => !line.includes('@current_hostname'));
  return [
    'CREATE DATABASE IF NOT EXISTS mysql;\nUSE mysql;\nSET @skip_auth_root_nopasswd=NULL;\nSET @auth_root_socket=NULL;',
    read('system_tables'),
    read('performance_tables'),
    ...data,
    'FLUSH PRIVILEGES;\n',
  ].join('\n');
}

async function dressAsRds(build: Build, home: string): Promise<void> {
  const { child } = await launchAt(build, home, 0, ['--skip-networking']);
  const root = await createConnection({ socketPath: socketIn(home), user: 'root' });
  for (const sql of rdsAccounts(build)) await root.query(sql);
  await root.end();
  await end(child, 'SIGTERM');
  forget(home);
}
