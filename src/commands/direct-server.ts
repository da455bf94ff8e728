import { setTimeout as delay } from 'node:timers/promises';
import { type Heard, heardAt } from '../engine/listen.ts';
import type { DatabaseEngine } from '../model/declared.ts';
import { type Failure, failure } from '../model/finding.ts';
import { explainNetwork } from '../providers/network.ts';
import type { DirectOptions } from './direct.ts';
import type { NamedServer } from './direct-target.ts';

/** Variables by which libpq, and postgres-user-manager, name a server. */
const LIBPQ = ['PGHOST', 'DATABASE_URL', 'POSTGRES_HOST'] as const;
/** The mysql client's own (MySQL 8.4 manual, 6.9; MariaDB's reads it too). */
const MYSQL = 'MYSQL_HOST';

/** The variable that names a server; undefined: none does. */
export const naming = (env: NodeJS.ProcessEnv): string | undefined => [...LIBPQ, MYSQL].find((name) => env[name]);

/** Engines as people call them. */
export const PRODUCTS = { postgres: 'PostgreSQL', mysql: 'MySQL', mariadb: 'MariaDB' } as const satisfies Readonly<
  Record<DatabaseEngine, string>
>;
const WHICH = '--engine postgres, mysql or mariadb';
/** How much longer the other port has when one has answered. */
const OTHER_MS = 1000;

/**
 * ■ The server of `--host` or MYSQL_HOST, and what it runs: as `--engine` says, else as it is heard there. null: libpq's variables say
 * where it is, and it is PostgreSQL.
 */
export const namedServer = async ({ engine, host, port }: DirectOptions): Promise<NamedServer | null> => {
  const { env } = process;
  if (host === undefined && !isMysql(engine, env)) return null;
  const where = host ?? env[MYSQL] ?? 'localhost';
  if (where.startsWith('/')) return ofSocket(where, engine);
  const ports = port === undefined ? usualPorts(engine, env) : [portOf(port, '--port')];
  return { host: where, ...judged(where, await listened(where, ports), engine, port !== undefined) };
};

/** Without `--host`: which client's variables count. */
const isMysql = (engine: DatabaseEngine | undefined, env: NodeJS.ProcessEnv): boolean => {
  if (engine !== undefined) return engine !== 'postgres';
  const other = LIBPQ.find((name) => env[name]);
  if (env[MYSQL] && other)
    throw failure('target/twice', `${other} and ${MYSQL} both name a server`, { hint: `say which is meant: ${WHICH}` });
  return Boolean(env[MYSQL]);
};

const ofSocket = (where: string, engine: DatabaseEngine | undefined): null => {
  if (engine === undefined || engine === 'postgres') return null;
  throw failure('target/socket', `'${where}' is a socket, and ${PRODUCTS[engine]} is reached by a host and a port`, {
    hint: 'write --host localhost',
  });
};

/** Where their clients go when no port is named. */
const usualPorts = (engine: DatabaseEngine | undefined, { PGPORT, MYSQL_TCP_PORT }: NodeJS.ProcessEnv): readonly number[] => [
  ...new Set([
    ...(engine === undefined || engine === 'postgres' ? [portOf(PGPORT || '5432', 'PGPORT')] : []),
    ...(engine === 'postgres' ? [] : [portOf(MYSQL_TCP_PORT || '3306', 'MYSQL_TCP_PORT')]),
  ]),
];

const portOf = (text: string, named: string): number => {
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65536) return port;
  throw failure('target/port', `'${text}' is not a port (1 to 65535)`, { hint: `correct ${named}` });
};

/** All ports at once; one that drops what comes is not waited for when another has answered. */
const listened = async (host: string, ports: readonly number[]): Promise<readonly Heard[]> => {
  const patience = new AbortController();
  const all = ports.map((port) => heardAt(host, port, patience.signal));
  const answered = all.map(async (one) =>
    (await one).engine === null ? await Promise.all(all) : await delay(OTHER_MS, undefined, { ref: false }),
  );
  await Promise.race([Promise.all(all), ...answered]);
  patience.abort();
  return await Promise.all(all);
};

type Known = Omit<NamedServer, 'host'>;

/** What was heard beside what was said. Where nobody was reached the command itself says so, with what it knows to do about it. */
const judged = (host: string, heard: readonly Heard[], engine: DatabaseEngine | undefined, isNamed: boolean): Known => {
  const known = heard.flatMap((one) => (one.engine === null ? [] : [one]));
  const [one, other] = known;
  if (one && other)
    throw failure(
      'target/engine',
      `${known.map((each) => `${PRODUCTS[each.engine]} listens on port ${each.port}`).join(', and ')} of '${host}'`,
      {
        hint: `say which is meant: --port, or ${WHICH}`,
      },
    );
  if (one && engine !== undefined && (one.engine === 'postgres') !== (engine === 'postgres'))
    throw failure('target/engine', `${PRODUCTS[one.engine]} listens on port ${one.port} of '${host}', and --engine says ${engine}`, {
      hint: `write --engine ${one.engine}, or leave it out`,
    });
  // Which of MySQL and MariaDB it is, a proxy may get wrong.
  if (one) return { port: one.port, engine: engine ?? one.engine, tls: one.tls };
  const [{ port } = { port: 0 }] = heard;
  if (engine !== undefined) return { port, engine, tls: true };
  const silent = heard.find((each) => each.engine === null && each.trouble === null);
  if (silent) throw unknown(host, silent.port);
  if (isNamed) return { port, engine: port === 3306 ? 'mysql' : 'postgres', tls: true };
  throw unreached(host, heard);
};

const unknown = (host: string, port: number): Failure =>
  failure(
    'target/engine',
    `what listens on port ${port} of '${host}' neither greets as MySQL and MariaDB do nor answers as PostgreSQL does`,
    {
      hint: `check --host and --port, or say what it is: ${WHICH}`,
    },
  );

const unreached = (host: string, heard: readonly Heard[]): Failure => {
  const troubles = heard.map((one) => (one.engine === null ? (one.trouble ?? '') : ''));
  const code = troubles.find((trouble) => trouble !== 'ECONNREFUSED') ?? 'ECONNREFUSED';
  const ports = heard.map(({ port }) => port).join(' and ');
  const address = { host, port: 0, user: '', password: undefined, tls: '' };
  const told = explainNetwork(code, address, code === 'ENOTFOUND' ? '--host' : '--host and --port');
  const what =
    code === 'ECONNREFUSED' ? `nothing listens on ports ${ports} of '${host}'` : (told?.what ?? `'${host}' cannot be reached (${code})`);
  return failure(`connect/${told?.slug ?? 'unreachable'}`, what, { hint: told?.hint ?? 'check --host and --port' });
};
