import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { builtOnce } from '../lab/built.ts';
import type { Postgres } from '../lab/postgres.ts';
import { runHere } from './here.ts';

export type Ended = { readonly code: number | null; readonly out: string; readonly err: string };
export type RunOptions = {
  readonly env?: Readonly<Record<string, string>>;
  /** Stops reading what the command prints, as `head` does. */
  readonly deaf?: true;
  /** Gets all that was said so far, whenever more is said. */
  readonly onOutput?: (
    text: string,
    child: { readonly kill: (signal: NodeJS.Signals) => void; readonly type: (line: string) => void },
  ) => void;
};

/** A folder to run the command in, as somebody would who installed the package. */
export type Cli = {
  readonly folder: string;
  /** The built command, for whoever runs it elsewhere. */
  readonly command: string;
  readonly file: (name: string) => string;
  readonly write: (name: string, text: string) => void;
  readonly read: (name: string) => string;
  /** In this process; enough for what it says and does. */
  readonly run: (args: readonly string[], options?: Pick<RunOptions, 'env'>) => Promise<Ended>;
  /** As a program of its own without a terminal, as in CI: how it starts, ends and shares its streams is part of the test. */
  readonly runApart: (args: readonly string[], options?: RunOptions) => Promise<Ended>;
  /** On a terminal: what it shows is `out`. */
  readonly runOnTerminal: (args: readonly string[], options?: RunOptions) => Promise<Ended>;
  readonly remove: () => void;
};

/** A command that nobody starts as a program. */
export type CliHere = Omit<Cli, 'command' | 'runApart' | 'runOnTerminal'>;

/** The package's command, built from the sources as they are now. */
export const buildCli = (): Cli => {
  const command = path.join(builtOnce('build'), 'cli.js');
  const here = cliHere();
  return {
    ...here,
    command,
    runApart: (args, options = {}) => runProgram(process.execPath, [command, ...args], here.folder, options),
    runOnTerminal: (args, options = {}) => {
      const line = [process.execPath, command, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
      return runProgram('script', ['--quiet', '--return', '--command', line, '/dev/null'], here.folder, options);
    },
  };
};

/** The command in this process, and a folder to run it in. */
export const cliHere = (): CliHere => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'rolecall-cli-'));
  const file = (name: string) => path.join(folder, name);
  return {
    folder,
    file,
    write: (name, text) => {
      fs.mkdirSync(path.dirname(file(name)), { recursive: true });
      fs.writeFileSync(file(name), text);
    },
    read: (name) => fs.readFileSync(file(name), 'utf8'),
    run: (args, { env = {} } = {}) => runHere(args, folder, { ...ENV, HOME: folder, ...env }),
    remove: () => fs.rmSync(folder, { recursive: true, force: true }),
  };
};

/** Whether the `script` of util-linux is here, which makes a terminal for a program. */
export const hasTerminal = (): boolean => spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux') ?? false;

/** Nothing of the environment of whoever runs the tests reaches the command. */
const ENV = { PATH: process.env.PATH ?? '', LC_ALL: 'C.UTF-8', COLUMNS: '120' };

const runProgram = (program: string, args: readonly string[], cwd: string, { env = {}, deaf, onOutput }: RunOptions): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env: { ...ENV, HOME: cwd, ...env }, stdio: [onOutput ? 'pipe' : 'ignore', 'pipe', 'pipe'] });
    let [out, err] = ['', ''];
    const tell = () =>
      onOutput?.(out + err, { kill: (signal) => child.kill(signal), type: (line) => void child.stdin?.write(`${line}\n`) });
    child.stdout?.on('data', (chunk) => {
      out += chunk;
      tell();
    });
    child.stderr?.on('data', (chunk) => {
      err += chunk;
      tell();
    });
    if (deaf) child.stdout?.destroy();
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out, err }));
  });

export const STACK = 'acme/access/test';

export type HeadOptions = {
  readonly port?: number;
  readonly target?: string;
  readonly tls?: string;
  readonly host?: string;
  readonly login?: string;
  readonly stack?: string;
};

/** The first lines of a manifest whose target `t` is the server. */
export const headOf = (server: Postgres, options: HeadOptions = {}): string => `version: 1
stack: ${options.stack ?? STACK}
targets:
  t:
    engine: postgres
    endpoint: { host: ${options.host ?? '127.0.0.1'}, port: ${options.port ?? server.port}, ${options.tls ?? 'tls: disable'} }
    login: ${options.login ?? `{ user: ${server.master.user}, password: "\${env:MASTER}" }`}
    ${options.target ?? 'databases: [app]'}
`;
