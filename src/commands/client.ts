import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { failure } from '../model/finding.ts';

/** How to get a client where there is none. */
export type Packages = { readonly debian: string; readonly brew: string };

/** The authorities of an address in a file of the folder; those that Node trusts where none are named. */
export const authorityFile = async (ca: string | undefined, folder: string): Promise<string> => {
  const file = join(folder, 'authorities.pem');
  await writeFile(file, ca ?? rootCertificates.join('\n'), { mode: 0o600 });
  return file;
};

/** Runs a client on this terminal until it ends; returns its exit code. */
export const runClient = (program: string, args: readonly string[], env: NodeJS.ProcessEnv, packages: Packages): Promise<number> => {
  // Ctrl-C is for the client: it ends a query there, and not the session.
  const signals = ['SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGHUP'] as const;
  const before = signals.map((signal) => [signal, process.listeners(signal) as NodeJS.SignalsListener[]] as const);
  return new Promise<number>((resolve, reject) => {
    const child = spawn(program, args, { env, stdio: 'inherit' });
    for (const signal of signals) {
      process.removeAllListeners(signal);
      process.on(signal, () => {
        // The terminal sends the first two to it as well.
        if (signal === 'SIGTERM' || signal === 'SIGHUP') child.kill(signal);
      });
    }
    child.on('error', (error: NodeJS.ErrnoException) => reject(missing(program, error, packages)));
    child.on('close', (code, signal) => resolve(code ?? 128 + constants.signals[signal!]));
  }).finally(() => {
    for (const [signal, listeners] of before) {
      process.removeAllListeners(signal);
      for (const listener of listeners) process.on(signal, listener);
    }
  });
};

const missing = (program: string, { code, message }: NodeJS.ErrnoException, { debian, brew }: Packages): Error =>
  code === 'ENOENT'
    ? failure('connect/no-client', `'${program}' is not on this machine`, {
        hint: `install it (Debian: ${debian}, macOS: brew install ${brew}); other clients take the user's password, or a token of rolecall token`,
      })
    : failure('connect/no-client', `'${program}' could not be started: ${code ?? message}`);
