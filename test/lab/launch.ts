import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { type Binaries, serverEnvironment } from './binaries.ts';
import { account } from './files.ts';

/** A server process that accepts connections. */
export type Launched = { readonly child: ChildProcess; readonly port: number; readonly log: () => string };
/** By name, e.g. `{ fsync: 'off' }`. */
export type Settings = Readonly<Record<string, string | number>>;

/** A port that was free a moment ago can be taken: then try another. */
export async function launchAtFreePort(launch: (port: number) => Promise<Launched>): Promise<Launched> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await launch(await freePort());
    } catch (error) {
      if (attempt === 3 || !String(error).includes('could not bind')) throw error;
    }
  }
}

/** Resolves when the server accepts connections. */
export function launchOnce(binaries: Binaries, home: string, settings: Settings & { readonly port: number }): Promise<Launched> {
  const fixed = { listen_addresses: '127.0.0.1', unix_socket_directories: home, shared_buffers: '32MB', max_wal_size: '256MB' };
  const flags = Object.entries({ ...fixed, ...settings }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const [command = '', ...args] = [...diesWithUs(), path.join(binaries.bin, 'postgres'), '-D', path.join(home, 'data'), ...flags];
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...account(), cwd: '/', stdio: ['ignore', 'ignore', 'pipe'], env: serverEnvironment() });
    let text = '';
    child.stderr.on('data', (chunk) => {
      text += chunk;
      if (text.includes('ready to accept connections')) resolve({ child, port: settings.port, log: () => text });
    });
    child.on('error', reject);
    child.on('close', (code, signal) => reject(new Error(`postgres ${binaries.major} ended with ${code ?? signal}\n${text}`)));
    keepTrack(home, child);
  });
}

/** Resolves when the server and all its sessions are gone. */
export function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.on('close', () => resolve());
    child.kill(signal);
  });
}

/** Linux can end the server with the process that started it, however that one dies. */
function diesWithUs(): string[] {
  setpriv ??= process.platform === 'linux' && programRuns('setpriv');
  return setpriv ? ['setpriv', '--pdeathsig', 'QUIT'] : [];
}
let setpriv: boolean | undefined;

function programRuns(program: string): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Says that a folder needs no cleaning up any more. */
export function forget(home: string): void {
  scratch.delete(home);
}

/** Folders of this process and the servers in them, ended and removed when it exits. */
const scratch = new Map<string, ChildProcess>();

function keepTrack(home: string, child: ChildProcess): void {
  if (!watching) {
    process.once('exit', endAll);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => endBySignal(signal));
  }
  watching = true;
  scratch.set(home, child);
}
let watching = false;

/** A signal that nobody else answers ends the process without its exit event: end the servers, then let it. */
function endBySignal(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 0) return;
  endAll();
  process.kill(process.pid, signal);
}

function endAll(): void {
  for (const [home, child] of scratch) {
    child.kill('SIGQUIT');
    fs.rmSync(home, { recursive: true, force: true });
  }
}

/** What a server that is thrown away need not do. */
export const UNSAFE = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = net.createServer();
    probe.on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as net.AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}
