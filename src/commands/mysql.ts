import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Target } from '../model/declared.ts';
import { failure } from '../model/finding.ts';
import { addressOf } from '../providers/mysql/address.ts';
import { clientArguments, clientEnvironment, clientOf } from '../providers/mysql/client.ts';
import { authorityFile, runClient } from './client.ts';

/**
 * Runs mysql or mariadb on this terminal until it ends; returns its exit code. `known`: the target's secret is that of its user;
 * otherwise the client asks for one.
 */
export const openMysql = async (target: Target, database: string | undefined, args: readonly string[], known: boolean): Promise<number> => {
  const found = await addressOf(target, 'apply', process.env);
  const address = known ? found : { ...found, password: undefined };
  if (address.via && address.tls === 'verify-full')
    throw failure('connect/via', `target '${target.name}' is dialled through ${address.via.host}:${address.via.port}`, {
      hint: `mysql checks the certificate for the name that it dials: give ${address.host} the tunnel's address in /etc/hosts, and leave 'via' out`,
      source: target.source,
    });
  const { program, client } = installed(target.engine);
  const folder = await mkdtemp(join(tmpdir(), 'rolecall-'));
  try {
    const ca = address.tls === 'verify-full' ? { ca: await authorityFile(address.ca, folder) } : {};
    const options = clientArguments(client, address, { ...ca, token: target.login.auth === 'iam' });
    const operands = database === undefined ? [] : [`--database=${database}`];
    return await runClient(program, [...options, ...operands, ...args], clientEnvironment(address, process.env), PACKAGES);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

const PACKAGES = { debian: 'mariadb-client or mysql-client', brew: 'mysql-client' };

/** The client of the engine's own people first; either speaks to both. */
const installed = (engine: Target['engine']) => {
  const programs = engine === 'mariadb' ? (['mariadb', 'mysql'] as const) : (['mysql', 'mariadb'] as const);
  for (const program of programs) {
    const { stdout, error } = spawnSync(program, ['--version'], { encoding: 'utf8' });
    if (error === undefined) return { program, client: clientOf(stdout) };
  }
  return { program: programs[0], client: programs[0] };
};
