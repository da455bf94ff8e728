import { lookup } from 'node:dns/promises';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { failure } from '../model/finding.ts';
import type { Address } from '../providers/postgres/address.ts';
import { psqlEnvironment } from '../providers/postgres/psql.ts';
import { authorityFile, runClient } from './client.ts';

/** Runs psql on this terminal until it ends; returns its exit code. The secret is in its environment and nowhere else. */
export const openPsql = async (address: Address, args: readonly string[]): Promise<number> => {
  const folder = await mkdtemp(join(tmpdir(), 'rolecall-'));
  try {
    // libpq before 16 knows no authorities of its own: those that Node trusts are written out for it.
    const ca = address.tls.startsWith('verify') ? { ca: await authorityFile(address.ca, folder) } : {};
    const place = { ...ca, ...(await dialled(address)) };
    return await runClient('psql', args, psqlEnvironment(address, process.env, place), { debian: 'postgresql-client', brew: 'libpq' });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

const dialled = async ({ via }: Address): Promise<{ readonly dialled?: string }> => {
  if (via === undefined) return {};
  try {
    return { dialled: (await lookup(via.host)).address };
  } catch {
    throw failure('connect/unknown-host', `the host '${via.host}' of 'via' is not known`, { hint: 'correct it, or open the tunnel first' });
  }
};
