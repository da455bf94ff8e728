import { resolve } from 'node:path';
import type { DatabaseEngine } from '../model/declared.ts';
import { failure } from '../model/finding.ts';
import { rdsHost } from '../model/rds-host.ts';
import type { DirectOptions } from './direct.ts';
import { PRODUCTS } from './direct-server.ts';

/** Who logs in to a server that is named on the command line. `token`: by IAM alone, whatever password the environment holds. */
export type DirectLogin = { readonly user?: string; readonly token?: boolean };

/** A server that somebody named without RDS, and what was heard there. `tls`: it speaks that. */
export type NamedServer = { readonly engine: DatabaseEngine; readonly host: string; readonly port: number; readonly tls: boolean };

/** The password of a login is where the client of its engine looks for it. */
const PASSWORD_VARIABLES: Readonly<Record<DatabaseEngine, string>> = {
  postgres: 'PGPASSWORD',
  mysql: 'MYSQL_PWD',
  mariadb: 'MYSQL_PWD',
};

const DEFAULT_DATABASE = 'postgres';

/** The target of `--rds`, as a manifest would have it. */
export const rdsTarget = (engine: DatabaseEngine, rds: string, options: DirectOptions, login: DirectLogin): object => {
  const [, kind, name] = /^(cluster|instance|proxy)\/([^/]+)$/.exec(rds) ?? [];
  if (kind === undefined || name === undefined)
    throw failure('target/rds', `'${rds}' names nothing of RDS`, { hint: 'write --rds cluster/NAME, instance/NAME or proxy/NAME' });
  const { region, database, via, ca, host, port, tls } = options;
  if (host !== undefined || port !== undefined)
    throw failure('target/twice', '--rds finds the endpoint, and --host or --port names one', {
      hint: 'leave one of them out; a tunnel is --via HOST:PORT',
    });
  if (tls !== undefined)
    throw failure('target/rds', '--tls is for a server that --host names', { hint: 'with --rds TLS is always verified' });
  const { AWS_REGION, AWS_DEFAULT_REGION, PGUSER } = process.env;
  const where = region ?? AWS_REGION ?? AWS_DEFAULT_REGION;
  if (where === undefined)
    throw failure('target/region', `the region of '${rds}' is not named`, { hint: 'add --region, or set AWS_REGION' });
  const user = login.user ?? (engine === 'postgres' ? PGUSER : undefined) ?? 'rolecall';
  return {
    engine,
    rds: { [kind]: name, region: where, ...(via === undefined ? {} : { via: dialled(via) }), ...authority(ca) },
    login: { user, ...(login.token ? { auth: 'iam' } : (passwordOf(engine) ?? { auth: 'iam' })) },
    ...databaseOf(engine, database),
  };
};

/** As psql takes them: an option counts before its variable, and a host before a whole URL. */
export const libpqTarget = (options: DirectOptions, login: DirectLogin): object => {
  const { host, port, database, ca, tls } = options;
  const { env } = process;
  if (login.token) refuseToken(host ?? env.PGHOST ?? '');
  if (host !== undefined) for (const name of ['DATABASE_URL', 'POSTGRES_HOST']) delete env[name];
  for (const [name, value] of [
    ['PGHOST', host],
    ['PGPORT', port],
    ['PGUSER', login.user],
    ['PGSSLROOTCERT', ca],
    ['PGSSLMODE', tls ?? (ca === undefined ? undefined : 'verify-full')],
  ] as const)
    if (value !== undefined) env[name] = value;
  return {
    engine: 'postgres',
    endpoint: 'env',
    ...(login.user === undefined && !login.token ? {} : { login: { user: login.user, ...(login.token ? { auth: 'iam' } : {}) } }),
    maintenance_database: database ?? env.PGDATABASE ?? DEFAULT_DATABASE,
  };
};

/**
 * As the mysql client goes there: encrypted where the server speaks TLS, verified where an authority is named. An endpoint of RDS has
 * one that is known, and takes tokens.
 */
export const mysqlTarget = (server: NamedServer, options: DirectOptions, login: DirectLogin): object => {
  const { engine, host, port } = server;
  const { ca, tls, database } = options;
  if (login.token) refuseToken(host);
  const inRds = rdsHost(host);
  const { USER, USERNAME, AWS_REGION } = process.env;
  const user = login.user ?? (inRds ? 'rolecall' : (USER ?? USERNAME));
  if (user === undefined) throw failure('target/user', 'it is not said whom to log in as', { hint: 'add --user NAME' });
  const password = login.token ? undefined : passwordOf(engine);
  const byToken = password === undefined && (login.token || inRds !== undefined);
  return {
    engine,
    endpoint: {
      host,
      port,
      tls: tls ?? (byToken || inRds || ca !== undefined ? 'verify-full' : server.tls ? 'require' : 'disable'),
      ...authority(ca),
      // The name of a global database's writer says none.
      ...(inRds?.region === null && AWS_REGION ? { region: AWS_REGION } : {}),
    },
    login: { user, ...(byToken ? { auth: 'iam' } : password) },
    ...databaseOf(engine, database),
  };
};

/** What is for `--rds` alone. */
export const refuseRds = ({ region, via }: DirectOptions): void => {
  if (region !== undefined || via !== undefined)
    throw failure('target/rds', `${region === undefined ? '--via' : '--region'} is for a server that --rds names`, {
      hint: 'write --rds cluster/NAME, or give --host and --port alone',
    });
};

/** A token is for the name that RDS gave to an endpoint. */
const refuseToken = (host: string): void => {
  if (rdsHost(host) === undefined)
    throw failure('target/token', `tokens are for servers of RDS, and '${host}' is not the name of one`, {
      hint: 'write --rds cluster/NAME --region REGION, or --host with the name that RDS gave to the endpoint',
    });
};

const dialled = (via: string): object => {
  const [, host, port] = /^(.+):(\d+)$/.exec(via) ?? [];
  if (host === undefined) throw failure('target/via', `'${via}' is no address to dial`, { hint: 'write --via HOST:PORT' });
  return { host, port: Number(port) };
};

/** `rds` stands for the authorities of RDS. */
const authority = (ca: string | undefined): object => (ca === undefined ? {} : { ca: ca === 'rds' ? ca : resolve(ca) });

const passwordOf = (engine: DatabaseEngine): object | undefined => {
  const name = PASSWORD_VARIABLES[engine];
  return process.env[name] ? { password: `\${env:${name}}` } : undefined;
};

/** On MySQL and MariaDB a login enters no database. */
const databaseOf = (engine: DatabaseEngine, database: string | undefined): object => {
  if (engine === 'postgres') return { maintenance_database: database ?? DEFAULT_DATABASE };
  if (database === undefined) return {};
  throw failure('target/database', `--database is for PostgreSQL, and the server is ${PRODUCTS[engine]}`, {
    hint: 'leave it out: what is done there is for the whole server',
  });
};
