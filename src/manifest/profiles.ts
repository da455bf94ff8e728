import type { ObjectKind } from '../model/access.ts';

/** A grant of a built-in profile: on the schema's database, the schema itself, or every object of a kind in it. */
export type ProfileGrant = {
  readonly kind: Extract<ObjectKind, 'database' | 'schema' | 'table' | 'sequence'>;
  readonly privileges: readonly string[];
};

const READ: readonly ProfileGrant[] = [
  { kind: 'database', privileges: ['CONNECT'] },
  { kind: 'schema', privileges: ['USAGE'] },
  { kind: 'table', privileges: ['SELECT'] },
  { kind: 'sequence', privileges: ['SELECT'] },
];

/** What `read`, `write` and `own` stand for on MySQL and MariaDB: privileges on the schema, objects made later included. */
export const MYSQL_PROFILES: Readonly<Record<'read' | 'write' | 'own', readonly ProfileGrant[]>> = {
  read: [{ kind: 'schema', privileges: ['SELECT', 'SHOW VIEW'] }],
  write: [{ kind: 'schema', privileges: ['DELETE', 'INSERT', 'SELECT', 'SHOW VIEW', 'UPDATE'] }],
  own: [{ kind: 'schema', privileges: ['ALL'] }],
};

/** What `read` and `write` stand for on PostgreSQL. Nothing on routines, no TRUNCATE, REFERENCES, TRIGGER, MAINTAIN or CREATE. */
export const POSTGRES_PROFILES: Readonly<Record<'read' | 'write', readonly ProfileGrant[]>> = {
  read: READ,
  write: [...READ, { kind: 'table', privileges: ['DELETE', 'INSERT', 'UPDATE'] }, { kind: 'sequence', privileges: ['USAGE'] }],
};
