import fs from 'node:fs';
import path from 'node:path';
import { type Binaries, renameUnlessThere, run } from './binaries.ts';
import { opened } from './client.ts';
import { account, cacheDir, giveTo, scratchDir, writeFor } from './files.ts';
import { end, forget, launchAtFreePort, launchOnce, UNSAFE } from './launch.ts';
import { createRdsRoles, type Login, rdsadmin } from './rds.ts';

/** The superuser of a server that is not RDS-like. */
export const plainSuperuser: Login = { user: 'postgres', password: 'postgres-password' };

/** The data directory that new servers are copied from: made once for each build, then kept. */
export async function template(binaries: Binaries, rdsLike: boolean): Promise<string> {
  const name = path.join(cacheDir(), `template-${binaries.version}-${rdsLike ? 'rds' : 'plain'}-${RECIPE}`);
  if (fs.existsSync(name)) return name;
  const owner = account();
  const draft = scratchDir(owner);
  const superuser = rdsLike ? rdsadmin : plainSuperuser;
  await initialise(binaries, draft, superuser);
  if (rdsLike) await dressAsRds(binaries, draft);
  const copy = `${name}.${process.pid}`;
  fs.mkdirSync(copy, { mode: 0o700 });
  giveTo(owner, copy);
  await run('cp', ['-Rp', `${draft}/data/.`, copy], owner);
  renameUnlessThere(copy, name);
  fs.rmSync(draft, { recursive: true, force: true });
  return name;
}

/** Another number where another template is made. */
const RECIPE = 2;

async function initialise(binaries: Binaries, home: string, superuser: Login): Promise<void> {
  const owner = account();
  const passwordFile = path.join(home, 'password');
  writeFor(owner, passwordFile, superuser.password);
  // a server of the tests fills a few of the segments, and each copy has them all
  const flags = ['--auth=scram-sha-256', '--encoding=UTF8', '--locale=C', '--no-sync', '--wal-segsize=1'];
  const args = ['-D', path.join(home, 'data'), '-U', superuser.user, `--pwfile=${passwordFile}`, ...flags];
  await run(path.join(binaries.bin, 'initdb'), args, owner);
  // 13 would otherwise store the master's password as MD5
  fs.appendFileSync(path.join(home, 'data', 'postgresql.conf'), "password_encryption = 'scram-sha-256'\n");
}

async function dressAsRds(binaries: Binaries, home: string): Promise<void> {
  writeFor(account(), path.join(home, 'data', 'pg_hba.conf'), hbaText('', rdsadmin));
  const { child, port } = await launchAtFreePort((free) => launchOnce(binaries, home, { ...UNSAFE, port: free }));
  const client = await opened({ host: home, port, user: rdsadmin.user, database: 'postgres' });
  await createRdsRoles(client, binaries.major);
  await client.end();
  await end(child, 'SIGINT');
  forget(home);
}

/** The lab's pg_hba.conf: passwords for everybody, `first` before that; the superuser needs none on the socket. */
export function hbaText(first: string, superuser: Login): string {
  const lines = [`local all ${superuser.user} trust`, first, 'local all all scram-sha-256', 'host all all 127.0.0.1/32 scram-sha-256'];
  return `${lines.join('\n')}\n`;
}
