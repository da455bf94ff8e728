import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { type Account, cacheDir, reachable } from './files.ts';

/** One installed build of PostgreSQL. */
export type Binaries = {
  readonly major: number;
  /** As the build says, e.g. '17.10'. */
  readonly version: string;
  /** The folder that holds `initdb` and `postgres`. */
  readonly bin: string;
};

const require = createRequire(import.meta.url);

/** The build of this major for this platform, or null where npm installed none. */
export function findBinaries(major: number): Binaries | null {
  const known = found.get(major);
  if (known) return known;
  const binaries = askBinaries(major);
  if (binaries) found.set(major, binaries);
  return binaries;
}
const found = new Map<number, Binaries>();

function askBinaries(major: number): Binaries | null {
  const native = nativeDir(major);
  if (native === null) return null;
  linkLibraries(native);
  const bin = path.join(reachable(native) ? native : copyToCache(native, major), 'bin');
  const banner = execFileSync(path.join(bin, 'postgres'), ['--version'], { encoding: 'utf8' });
  return { major, version: /\d+(\.\d+)*/.exec(banner)?.[0] ?? banner.trim(), bin };
}

/** Is this major installed? Cheaper than `findBinaries`: it runs nothing. */
export function isInstalled(major: number): boolean {
  return nativeDir(major) !== null;
}

/** Runs a program to its end as the server's account; rejects with its output when it fails. */
export function run(command: string, args: readonly string[], as: Account): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...as, cwd: '/', stdio: ['ignore', 'pipe', 'pipe'], env: serverEnvironment() });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`${command} ended with ${code}\n${output}`))));
  });
}

/** The environment of a server: English messages, UTC, and none of the PG* variables of whoever runs the tests. */
export function serverEnvironment(): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('PG'));
  return { ...Object.fromEntries(inherited), TZ: 'UTC', LC_ALL: 'C' };
}

function nativeDir(major: number): string | null {
  const name = `postgres${major}-${process.platform}-${process.arch}`;
  const folders = require.resolve.paths(name) ?? [];
  const installed = folders.map((folder) => path.join(folder, name, 'native')).find((native) => fs.existsSync(native));
  return installed ?? null;
}

/** npm packages hold no symbolic links. The build lists those it needs; its own install script may be switched off. */
function linkLibraries(native: string): void {
  const list = path.join(native, 'pg-symlinks.json');
  if (!fs.existsSync(list)) return;
  const base = path.dirname(native);
  for (const { source, target } of JSON.parse(fs.readFileSync(list, 'utf8')) as { source: string; target: string }[]) {
    try {
      fs.symlinkSync(path.relative(path.dirname(target), source), path.join(base, target));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/** In a place that the server's account can read; made under another name first, so that nobody meets half a copy. */
function copyToCache(native: string, major: number): string {
  const { version } = JSON.parse(fs.readFileSync(path.join(native, '..', 'package.json'), 'utf8')) as { version: string };
  const copy = path.join(cacheDir(), `native-${major}-${version}`);
  if (fs.existsSync(copy)) return copy;
  const draft = `${copy}.${process.pid}`;
  fs.cpSync(native, draft, { recursive: true, verbatimSymlinks: true });
  renameUnlessThere(draft, copy);
  return copy;
}

/** Gives the finished draft its name; when another process was faster, its result is as good. */
export function renameUnlessThere(draft: string, name: string): void {
  try {
    fs.renameSync(draft, name);
  } catch (error) {
    if (!['EEXIST', 'ENOTEMPTY'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    fs.rmSync(draft, { recursive: true, force: true });
  }
}
