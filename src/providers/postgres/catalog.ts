import { privilegesOf } from '../../core/privileges.ts';
import type { ObjectKind, ObjectSet, PostgresKind, Privileges } from '../../model/access.ts';
import { PRIVILEGES } from '../../model/privilege.ts';
import type { DefaultKind } from '../../model/state.ts';
import type { AclType } from './acl.ts';
import { splitRoutine } from './routine.ts';
import { ident, qualified } from './sql.ts';

/** The type that `acldefault()` knows each kind by. */
export const ACL_TYPES: Readonly<Record<PostgresKind, AclType>> = {
  database: 'd',
  schema: 'n',
  table: 'r',
  column: 'c',
  sequence: 's',
  routine: 'f',
  type: 'T',
  language: 'l',
  foreign_data_wrapper: 'F',
  foreign_server: 'S',
  tablespace: 't',
  large_object: 'L',
  parameter: 'p',
};

/** What follows ON in GRANT and REVOKE. ROUTINE covers all four kinds of routine, TYPE covers domains. */
export const KEYWORDS: Readonly<Record<PostgresKind, string>> = {
  database: 'DATABASE',
  schema: 'SCHEMA',
  table: 'TABLE',
  column: 'TABLE',
  sequence: 'SEQUENCE',
  routine: 'ROUTINE',
  type: 'TYPE',
  language: 'LANGUAGE',
  foreign_data_wrapper: 'FOREIGN DATA WRAPPER',
  foreign_server: 'FOREIGN SERVER',
  tablespace: 'TABLESPACE',
  large_object: 'LARGE OBJECT',
  parameter: 'PARAMETER',
};

/** Kinds with an `… ALL … IN SCHEMA` form that is exactly the kind (not FUNCTIONS, which leaves procedures out). */
export const ALL_IN_SCHEMA: Readonly<Partial<Record<ObjectKind, string>>> = {
  table: 'ALL TABLES',
  sequence: 'ALL SEQUENCES',
  routine: 'ALL ROUTINES',
};

/** The words of ALTER DEFAULT PRIVILEGES, and the letters of pg_default_acl.defaclobjtype. */
export const DEFAULT_OBJECTS: Readonly<Record<DefaultKind, { readonly keyword: string; readonly letter: string }>> = {
  table: { keyword: 'TABLES', letter: 'r' },
  sequence: { keyword: 'SEQUENCES', letter: 'S' },
  routine: { keyword: 'ROUTINES', letter: 'f' },
  type: { keyword: 'TYPES', letter: 'T' },
  schema: { keyword: 'SCHEMAS', letter: 'n' },
  large_object: { keyword: 'LARGE OBJECTS', letter: 'L' },
};

/** What ALTER … OWNER TO calls each kind: ALTER TABLE takes every relation. */
export const OWNER_KEYWORDS: Readonly<Partial<Record<ObjectKind, string>>> = {
  database: 'DATABASE',
  schema: 'SCHEMA',
  table: 'TABLE',
  sequence: 'SEQUENCE',
  routine: 'ROUTINE',
  type: 'TYPE',
  foreign_data_wrapper: 'FOREIGN DATA WRAPPER',
  foreign_server: 'SERVER',
  large_object: 'LARGE OBJECT',
};

/** The words of a kind that a server of this version knows. */
export const wordsOf = (kind: ObjectKind, version: number): readonly string[] =>
  PRIVILEGES[kind].filter(({ since }) => since === undefined || since <= version).map(({ word }) => word);

/** `ALL` spelled out for a server version, grant options kept. */
export const expandAll = (privileges: Privileges, kind: ObjectKind, version: number): Privileges => {
  const all = privileges.find((privilege) => privilege === 'ALL' || privilege === 'ALL*');
  if (!all) return privileges;
  return privilegesOf(wordsOf(kind, version).map((word) => [word, all.endsWith('*')] as const));
};

/** The object as it stands after ON: routines carry their arguments, parameters are dotted words, large objects are numbers. */
export const objectSql = (kind: PostgresKind, schema: string | null, name: string): string => {
  switch (kind) {
    case 'routine': {
      const routine = splitRoutine(name);
      if (!routine) throw new RangeError(`not a routine: ${JSON.stringify(name)}`);
      return `${qualified(schema, routine.name)}(${routine.args})`;
    }
    case 'parameter':
      return name.split('.').map(ident).join('.');
    case 'large_object':
      if (!/^\d+$/.test(name)) throw new RangeError(`not a large object: ${JSON.stringify(name)}`);
      return name;
    case 'database':
    case 'schema':
    case 'table':
    case 'column':
    case 'sequence':
    case 'type':
    case 'language':
    case 'foreign_data_wrapper':
    case 'foreign_server':
    case 'tablespace':
      return qualified(schema, name);
  }
};

/** The objects of a set, in the order of their names. */
export const objectsSql = (set: ObjectSet): string[] =>
  set.kind === 'column'
    ? [objectSql('column', set.schema, set.relation!)]
    : set.names.map((name) => objectSql(set.kind as PostgresKind, set.schema, name));
