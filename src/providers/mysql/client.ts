import type { Address } from './address.ts';

/** Whose client it is: their options of TLS differ. */
export type Client = 'mysql' | 'mariadb';

/** Whose client printed this for `--version`. */
export const clientOf = (version: string): Client => (/mariadb/i.test(version) ? 'mariadb' : 'mysql');

/**
 * The client's arguments for an address, without its secret. No option file is read: a password in one would stand before the
 * one in the environment (MySQL 8.4 manual, 6.2.2). `ca` is the path of a file; `token`: the server asks for it in clear.
 */
export const clientArguments = (
  client: Client,
  { host, port, user, tls, password }: Address,
  { ca, token }: { readonly ca?: string; readonly token: boolean },
): readonly string[] => [
  '--no-defaults',
  '--protocol=TCP',
  `--host=${host}`,
  `--port=${port}`,
  `--user=${user}`,
  ...(client === 'mysql' ? mysqlTls(tls) : mariadbTls(tls)),
  ...(ca === undefined ? [] : [`--ssl-ca=${ca}`]),
  ...(token && client === 'mysql' ? ['--enable-cleartext-plugin'] : []),
  ...(password === undefined ? ['--password'] : []),
];

const MYSQL_MODES: Readonly<Record<Address['tls'], string>> = {
  'verify-full': 'VERIFY_IDENTITY',
  require: 'REQUIRED',
  disable: 'DISABLED',
};
const mysqlTls = (tls: Address['tls']): readonly string[] => [`--ssl-mode=${MYSQL_MODES[tls]}`];

const mariadbTls = (tls: Address['tls']): readonly string[] =>
  tls === 'verify-full'
    ? ['--ssl', '--ssl-verify-server-cert']
    : tls === 'require'
      ? ['--ssl', '--skip-ssl-verify-server-cert']
      : ['--skip-ssl'];

/** The environment with the secret in it, and nothing of another login. */
export const clientEnvironment = ({ password }: Address, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv => {
  const { MYSQL_PWD: _, ...rest } = env;
  return password === undefined ? rest : { ...rest, MYSQL_PWD: password };
};
