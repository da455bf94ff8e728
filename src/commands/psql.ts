import { spawn } from 'node:child_process';
import { lookup } from 'node:dns/promises';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { failure } from '../model/finding.ts';
import type { Address } from '../providers/postgres/address.ts';
import { psqlEnvironment } from '../providers/postgres/psql.ts';

/** Runs psql on this terminal until it ends; returns its exit code. The secret is in its environment and nowhere else. */
export const openPsql = async (address: Address, args: readonly string[]): Promise<number> => {
  const folder = await mkdtemp(join(tmpdir(), 'rolecall-'));
  try {
    const place = { ...(await authorityFile(address, folder)), ...(await dialled(address)) };
    return await run('psql', args, psqlEnvironment(address, process.env, place));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

/** libpq before 16 knows no authorities of its own: those that Node trusts are written out for it. */
const authorityFile = async ({ tls, ca }: Address, folder: string): Promise<{ readonly ca?: string }> => {
  if (!tls.startsWith('verify')) return {};
  const file = join(folder, 'authorities.pem');
  await writeFile(file, ca ?? rootCertificates.join('\n'), { mode: 0o600 });
  return { ca: file };
};

const dialled = async ({ via }: Address): Promise<{ readonly dialled?: string }> => {
  if (via === undefined) return {};
  try {
    return { dialled: (await lookup(via.host)).address };
  } catch {
    throw failure('connect/unknown-host', `the host '${via.host}' of 'via' is not known`, { hint: 'correct it, or open the tunnel first' });
  }
};

const run = (program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> => {
  // Ctrl-C is for psql: it ends a query there, and not the session.
  const signals = ['SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGHUP'] as const;
  const before = signals.map((signal) => [signal, process.listeners(signal) as NodeJS.SignalsListener[]] as const);
  return new Promise<number>((resolve, reject) => {
    const child = spawn(program, args, { env, stdio: 'inherit' });
    for (const signal of signals) {
      process.removeAllListeners(signal);
      process.on(signal, () => {
        // The terminal sends the first two to psql as well.
        if (signal === 'SIGTERM' || signal === 'SIGHUP') child.kill(signal);
      });
    }
    child.on('error', (error: NodeJS.ErrnoException) => reject(missing(program, error)));
    child.on('close', (code, signal) => resolve(code ?? 128 + constants.signals[signal!]));
  }).finally(() => {
    for (const [signal, listeners] of before) {
      process.removeAllListeners(signal);
      for (const listener of listeners) process.on(signal, listener);
    }
  });
};

const missing = (program: string, { code, message }: NodeJS.ErrnoException): Error =>
  code === 'ENOENT'
    ? failure('connect/no-client', `'${program}' is not on this machine`, {
        hint: 'install it (Debian: postgresql-client, macOS: brew install libpq), or take a token with rolecall token',
      })
    : failure('connect/no-client', `'${program}' could not be started: ${code ?? message}`);
