import type { Server } from './snapshot.ts';

/** Accounts of the server and of RDS by user name: no plan changes them, whatever the manifest says (RDS user guide; MySQL 8.4 manual, 8.2.9). */
const RESERVED: ReadonlySet<string> = new Set([
  'mysql.sys',
  'mysql.session',
  'mysql.infoschema',
  'mariadb.sys',
  'rdsadmin',
  'rdsrepladmin',
  'rds_superuser_role',
  'rdsproxyadmin',
  'rdstopmgr',
  'PUBLIC',
  'AWS_LAMBDA_ACCESS',
  'AWS_LOAD_S3_ACCESS',
  'AWS_SELECT_S3_ACCESS',
  'AWS_SAGEMAKER_ACCESS',
  'AWS_COMPREHEND_ACCESS',
  'AWS_BEDROCK_ACCESS',
]);

export const isReserved = (user: string): boolean => RESERVED.has(user);

/** Schemas of the server: no pattern matches them, and the objects in them are not read. */
export const SYSTEM_SCHEMAS: ReadonlySet<string> = new Set(['mysql', 'sys', 'performance_schema', 'information_schema']);

export const isSystemSchema = (schema: string): boolean => SYSTEM_SCHEMAS.has(schema.toLowerCase());

/** Accounts have comments and attributes, and so marks (MySQL 8.0.21). */
export const hasMarks = ({ flavour, version }: Pick<Server, 'flavour' | 'version'>): boolean => flavour === 'mysql' && version >= 80021;

/** Failed logins can lock an account for a while (MySQL 8.0.19). */
export const hasLoginTracking = ({ flavour, version }: Server): boolean => flavour === 'mysql' && version >= 80019;
