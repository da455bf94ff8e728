import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The account that runs the servers; empty unless we are root, which PostgreSQL refuses to run as. */
export type Account = { readonly uid?: number; readonly gid?: number };

const repository = fileURLToPath(new URL('../../', import.meta.url));

/** `postgres` or `nobody` when we are root: initdb needs an account that is in the passwd database. */
export function account(): Account {
  owner ??= findAccount();
  return owner;
}
let owner: Account | undefined;

function findAccount(): Account {
  if (process.getuid?.() !== 0) return {};
  for (const name of ['postgres', 'nobody']) {
    try {
      const [, , uid, gid] = execFileSync('getent', ['passwd', name], { encoding: 'utf8' }).split(':');
      return { uid: Number(uid), gid: Number(gid) };
    } catch {
      // no such account: try the next one
    }
  }
  return { uid: 65534, gid: 65534 };
}

/** Where templates are kept: `.cache/lab`, or the system's temporary folder when the server's account cannot get there. */
export function cacheDir(): string {
  const dir = reachable(repository) ? path.join(repository, '.cache', 'lab') : path.join(os.tmpdir(), 'rolecall-lab');
  fs.mkdirSync(dir, { recursive: true });
  return dir;
}

/** May the server's account enter this folder? A clone in /root is closed to everybody else. */
export function reachable(dir: string): boolean {
  if (process.getuid?.() !== 0) return true;
  for (let at = fs.realpathSync(dir); ; at = path.dirname(at)) {
    if ((fs.statSync(at).mode & 0o001) === 0) return false;
    if (at === path.dirname(at)) return true;
  }
}

/** A new private folder of the server's account. Its name holds our pid, by which `sweepScratch` knows what nobody uses. */
export function scratchDir(owner: Account): string {
  const dir = fs.mkdtempSync(path.join(hasRoom(MEMORY) ? MEMORY : os.tmpdir(), `rolecall-${process.pid}-`));
  giveTo(owner, dir);
  return dir;
}

/** Removes the scratch folders of processes that were killed before they could. */
export function sweepScratch(): void {
  for (const root of [os.tmpdir(), MEMORY].filter((dir) => fs.existsSync(dir))) {
    for (const name of fs.readdirSync(root)) {
      const pid = /^rolecall-(\d+)-\w{6}$/.exec(name)?.[1];
      if (pid !== undefined && !alive(Number(pid))) fs.rmSync(path.join(root, name), { recursive: true, force: true });
    }
  }
}

/**
 * Linux's file system in memory. A server and each of its databases are a thousand small files: ext4 puts no file in the place of one
 * that was deleted within the last minute, and looks at all of those for each file that it makes, which took most of the time.
 */
const MEMORY = '/dev/shm';
const ENOUGH_BYTES = 4 * 2 ** 30;

function hasRoom(dir: string): boolean {
  if (process.platform !== 'linux' || process.availableMemory() < ENOUGH_BYTES) return false;
  try {
    const { bavail, bsize } = fs.statfsSync(dir);
    fs.accessSync(dir, fs.constants.W_OK);
    return bavail * bsize >= ENOUGH_BYTES;
  } catch {
    return false;
  }
}

/** Writes a file that the server's account owns, private to it. */
export function writeFor(owner: Account, file: string, text: string): void {
  fs.writeFileSync(file, text, { mode: 0o600 });
  giveTo(owner, file);
}

/** Hands a file or folder over to the server's account. */
export function giveTo(owner: Account, file: string): void {
  if (owner.uid !== undefined && owner.gid !== undefined) fs.chownSync(file, owner.uid, owner.gid);
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
