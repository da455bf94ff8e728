import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from 'node:child_process';
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
      if (attempt === 3 || !/could not bind|Bind on TCP\/IP port/.test(String(error))) throw error;
    }
  }
}

/** Resolves when the server accepts connections. */
export async function launchOnce(binaries: Binaries, home: string, settings: Settings & { readonly port: number }): Promise<Launched> {
  const fixed = { listen_addresses: '127.0.0.1', unix_socket_directories: home, shared_buffers: '32MB', max_wal_size: '256MB' };
  const flags = Object.entries({ ...fixed, ...settings }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const { child, log } = await launchProgram({
    name: `postgres ${binaries.major}`,
    home,
    command: [path.join(binaries.bin, 'postgres'), '-D', path.join(home, 'data'), ...flags],
    options: { ...account(), env: serverEnvironment() },
    endBy: 'SIGQUIT',
    ready: /ready to accept connections/,
  });
  return { child, port: settings.port, log };
}

/** A program that serves until it is ended. */
export type Program = {
  readonly name: string;
  /** Its own folder, removed when this process exits. */
  readonly home: string;
  readonly command: readonly string[];
  readonly options: SpawnOptions;
  readonly endBy: 'SIGQUIT' | 'SIGTERM' | 'SIGKILL';
  /** What it writes to its standard error once it accepts connections. */
  readonly ready: RegExp;
};

/** Resolves when the program is ready, with what it wrote so far; it ends with this process, however that one dies. */
export function launchProgram(program: Program): Promise<Omit<Launched, 'port'>> {
  const [command = '', ...args] = [...diesWithUs(program.endBy), ...program.command];
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: '/', ...program.options, stdio: ['ignore', 'ignore', 'pipe'] });
    let text = '';
    child.stderr?.on('data', (chunk) => {
      text += chunk;
      if (program.ready.test(text)) resolve({ child, log: () => text });
    });
    child.on('error', reject);
    child.on('close', (code, signal) => reject(new Error(`${program.name} ended with ${code ?? signal}\n${text}`)));
    keepTrack(program, child);
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
function diesWithUs(signal: Program['endBy']): string[] {
  setpriv ??= process.platform === 'linux' && programRuns('setpriv');
  return setpriv ? ['setpriv', '--pdeathsig', signal.slice('SIG'.length)] : [];
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
const scratch = new Map<string, { readonly child: ChildProcess; readonly endBy: Program['endBy'] }>();

function keepTrack({ home, endBy }: Program, child: ChildProcess): void {
  if (!watching) {
    process.once('exit', endAll);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => endBySignal(signal));
  }
  watching = true;
  scratch.set(home, { child, endBy });
}
let watching = false;

/** A signal that nobody else answers ends the process without its exit event: end the servers, then let it. */
function endBySignal(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 0) return;
  endAll();
  process.kill(process.pid, signal);
}

function endAll(): void {
  for (const [home, { child, endBy }] of scratch) {
    child.kill(endBy);
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
