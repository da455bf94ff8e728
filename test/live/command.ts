import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { builtOnce } from '../lab/built.ts';
import type { Postgres } from '../lab/postgres.ts';
import { runHere } from './here.ts';
import { STACK } from './scenario.ts';

/** The command, in a folder of its own. */
export type Command = {
  readonly home: string;
  /** Writes a manifest whose target `t` is reached through `port`, and returns its path. */
  readonly manifest: (
    server: Postgres,
    body: string,
    options?: { readonly port?: number; readonly target?: string; readonly stack?: string },
  ) => string;
  /** Runs it in this process; enough for what it says and does. */
  readonly run: (args: readonly string[], env?: Readonly<Record<string, string>>) => Promise<Ended>;
  /** Starts it as a program of its own: to end it, or several at a time. */
  readonly start: (args: readonly string[], env?: Readonly<Record<string, string>>) => Running;
  readonly remove: () => void;
};
export type Running = { readonly child: ChildProcess; readonly ended: Promise<Ended> };
export type Ended = {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
};

/** From the sources as they are now; where it is started, built as for the package. */
export const makeCommand = (): Command => {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'rolecall-command-'));
  const environment = (env: Readonly<Record<string, string>> = {}) => ({ PATH: process.env.PATH ?? '', HOME: home, ...env });
  let manifests = 0;
  return {
    home,
    manifest: (server, body, { port = server.port, target = '', stack = STACK } = {}) => {
      const file = path.join(home, `access-${manifests++}.yaml`);
      const head = `version: 1\nstack: ${stack}\ntargets:\n  t:\n    engine: postgres\n    endpoint: { host: 127.0.0.1, port: ${port}, tls: disable }\n    login: { user: ${server.master.user}, password: "\${env:ROLECALL_MASTER}" }\n`;
      fs.writeFileSync(file, `${head}${target.replace(/^(?=.)/gm, '    ')}\n${body}`);
      return file;
    },
    run: async (args, env) => {
      const { code, out, err } = await runHere(args, home, environment(env));
      return { code, signal: null, stdout: out, stderr: err };
    },
    start: (args, env) => {
      const child = spawn(process.execPath, [path.join(builtOnce('build'), 'cli.js'), ...args], {
        env: environment(env),
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let [stdout, stderr] = ['', ''];
      child.stdout.on('data', (chunk) => {
        stdout += chunk;
      });
      child.stderr.on('data', (chunk) => {
        stderr += chunk;
      });
      const ended = new Promise<Ended>((resolve) => child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr })));
      return { child, ended };
    },
    remove: () => fs.rmSync(home, { recursive: true, force: true }),
  };
};
