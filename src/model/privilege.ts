import type { ObjectKind } from './access.ts';

/** One privilege word of PostgreSQL for a kind of object; `since` is the first server_version_num that knows it. */
export type PrivilegeWord = { readonly word: string; readonly since?: number };

const words = (...names: readonly string[]): readonly PrivilegeWord[] => names.map((word) => ({ word }));

/** The privileges of each kind (PostgreSQL 18 manual, section 5.8). Order is the manual's. */
export const PRIVILEGES: Readonly<Record<ObjectKind, readonly PrivilegeWord[]>> = {
  // Of MySQL alone.
  global: [],
  pattern: [],
  function: [],
  procedure: [],
  proxy: [],
  database: words('CREATE', 'CONNECT', 'TEMPORARY'),
  schema: words('CREATE', 'USAGE'),
  table: [...words('SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER'), { word: 'MAINTAIN', since: 170000 }],
  column: words('SELECT', 'INSERT', 'UPDATE', 'REFERENCES'),
  sequence: words('USAGE', 'SELECT', 'UPDATE'),
  routine: words('EXECUTE'),
  type: words('USAGE'),
  language: words('USAGE'),
  foreign_data_wrapper: words('USAGE'),
  foreign_server: words('USAGE'),
  tablespace: words('CREATE'),
  large_object: words('SELECT', 'UPDATE'),
  parameter: [
    { word: 'SET', since: 150000 },
    { word: 'ALTER SYSTEM', since: 150000 },
  ],
};

/** Predefined roles by the first major that has them (PostgreSQL 18 manual, section 21.5). */
export const PREDEFINED_SINCE: Readonly<Record<string, number>> = {
  pg_monitor: 130000,
  pg_read_all_settings: 130000,
  pg_read_all_stats: 130000,
  pg_stat_scan_tables: 130000,
  pg_signal_backend: 130000,
  pg_read_server_files: 130000,
  pg_write_server_files: 130000,
  pg_execute_server_program: 130000,
  pg_read_all_data: 140000,
  pg_write_all_data: 140000,
  pg_database_owner: 140000,
  pg_checkpoint: 150000,
  pg_create_subscription: 160000,
  pg_use_reserved_connections: 160000,
  pg_maintain: 170000,
  pg_signal_autovacuum_worker: 180000,
};
