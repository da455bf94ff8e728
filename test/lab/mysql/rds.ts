import type { Login } from '../rds.ts';
import type { Build } from './builds.ts';

/** RDS's own superuser: it logs in through the socket. */
export const rdsadmin: Login = { user: 'rdsadmin', password: 'rdsadmin-password' };
/** What RDS calls the master user: no SUPER, no FILE, no SHUTDOWN. */
export const master: Login = { user: 'master', password: 'master-password' };

/** What the master of RDS may do everywhere, and grant (RDS user guide, "Master user account privileges"). */
const STATIC = `SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, PROCESS, REFERENCES, INDEX, ALTER, SHOW DATABASES, CREATE TEMPORARY TABLES,
  LOCK TABLES, EXECUTE, REPLICATION SLAVE, REPLICATION CLIENT, CREATE VIEW, SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE, CREATE USER, EVENT, TRIGGER`;

/** Stands in for the procedure of RDS: there the master may not KILL, and this ends sessions for it. */
export const RDS_KILL = `CREATE DEFINER = '${rdsadmin.user}'@'localhost' PROCEDURE mysql.rds_kill(IN thread BIGINT) KILL thread`;

/** Statements that make a fresh server's accounts look like those of RDS; they run as root. */
export function rdsAccounts({ flavour, version }: Build): readonly string[] {
  return [
    `CREATE USER '${rdsadmin.user}'@'localhost' IDENTIFIED BY '${rdsadmin.password}'`,
    `GRANT ALL PRIVILEGES ON *.* TO '${rdsadmin.user}'@'localhost' WITH GRANT OPTION`,
    `GRANT PROXY ON ''@'' TO '${rdsadmin.user}'@'localhost' WITH GRANT OPTION`,
    `CREATE USER '${master.user}'@'%' IDENTIFIED BY '${master.password}'`,
    `GRANT ${STATIC}${flavour === 'mysql' ? ', CREATE ROLE, DROP ROLE' : ', SLAVE MONITOR'} ON *.* TO '${master.user}'@'%' WITH GRANT OPTION`,
    ...(flavour === 'mysql' ? roleOfMaster(version === '8.0' ? 'SET_USER_ID' : 'SET_ANY_DEFINER') : []),
    RDS_KILL,
    ...(flavour === 'mysql'
      ? ["DROP USER 'root'@'localhost'"]
      : ['root@localhost', 'root@127.0.0.1', 'root@`::1`'].map((name) => `DROP USER ${name}`)),
  ];
}

const roleOfMaster = (definer: string): readonly string[] => [
  "CREATE ROLE 'rds_superuser_role'@'%'",
  `GRANT APPLICATION_PASSWORD_ADMIN, ROLE_ADMIN, SHOW_ROUTINE, ${definer}, XA_RECOVER_ADMIN ON *.* TO 'rds_superuser_role'@'%' WITH GRANT OPTION`,
  `GRANT 'rds_superuser_role'@'%' TO '${master.user}'@'%'`,
  `SET DEFAULT ROLE 'rds_superuser_role'@'%' TO '${master.user}'@'%'`,
];
