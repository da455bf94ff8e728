import type { Client } from 'pg';

/** Name and password of somebody who logs in. */
export type Login = { readonly user: string; readonly password: string };

/** RDS's bootstrap superuser. On RDS nobody has its password; the tests do. */
export const rdsadmin: Login = { user: 'rdsadmin', password: 'rdsadmin-password' };
/** What RDS calls the master user: no superuser, member of rds_superuser. */
export const master: Login = { user: 'master', password: 'master-password' };

const ROLES = `
  CREATE ROLE rds_superuser NOLOGIN;
  CREATE ROLE rds_iam NOLOGIN;
  CREATE ROLE rds_password NOLOGIN;
  CREATE ROLE rds_replication NOLOGIN;
  CREATE ROLE rds_ad NOLOGIN;
  GRANT pg_monitor, pg_signal_backend, rds_password, rds_replication TO rds_superuser WITH ADMIN OPTION;
  CREATE ROLE ${master.user} LOGIN CREATEDB CREATEROLE PASSWORD '${master.password}';
`;

/** Before 16 CREATEROLE alone lets the master grant every role that is no superuser. */
const MEMBERSHIPS_BEFORE_16 = `GRANT rds_superuser TO ${master.user}`;

/** From 16 on it takes ADMIN OPTION, which RDS gives its master on the rds roles without making it use them. */
const MEMBERSHIPS = `
  GRANT rds_superuser TO ${master.user} WITH ADMIN OPTION;
  GRANT rds_iam TO ${master.user} WITH ADMIN OPTION, INHERIT FALSE, SET FALSE;
`;

/** Makes a fresh server's roles look like those of RDS. */
export async function createRdsRoles(superuser: Client, major: number): Promise<void> {
  await superuser.query(ROLES);
  await superuser.query(major < 16 ? MEMBERSHIPS_BEFORE_16 : MEMBERSHIPS);
}
