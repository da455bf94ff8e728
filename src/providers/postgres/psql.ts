import type { Environment } from '../login.ts';
import type { Address } from './address.ts';

/** Variables of libpq that say how psql shows things, and where passwords are filed, but not where it goes or as whom. */
const HARMLESS: ReadonlySet<string> = new Set(['PGAPPNAME', 'PGCLIENTENCODING', 'PGCONNECT_TIMEOUT', 'PGDATESTYLE', 'PGPASSFILE', 'PGTZ']);

/** What psql is given besides its arguments. `ca`: path of a PEM file; `dialled`: address of a tunnel. */
export type PsqlPlace = { readonly ca?: string; readonly dialled?: string };

/**
 * The environment in which psql logs in to an address. Everything is said by variables, which libpq takes literally: a database that
 * is called `host=elsewhere` or `postgres://…` is a name like any other, which it would not be as an argument.
 */
export const psqlEnvironment = (address: Address, own: Environment, { ca, dialled }: PsqlPlace): Environment => {
  const kept = Object.entries(own).filter(([name]) => !/^PG[A-Z]/.test(name) || HARMLESS.has(name));
  return {
    ...Object.fromEntries(kept),
    PGHOST: address.host,
    PGPORT: String(address.via?.port ?? address.port),
    ...(dialled === undefined ? {} : { PGHOSTADDR: dialled }),
    PGUSER: address.user,
    PGDATABASE: address.database,
    ...(address.password === undefined ? {} : { PGPASSWORD: address.password }),
    PGSSLMODE: address.tls,
    ...(ca === undefined ? {} : { PGSSLROOTCERT: ca }),
    // Kerberos would go before TLS.
    PGGSSENCMODE: 'disable',
  };
};
