/** One step of the making of a random state; numbers choose among what there is. */
export type Move = {
  readonly act: 'member' | 'predefined' | 'own' | 'grant' | 'revoke' | 'attribute';
  readonly role: number;
  /** 8 is PUBLIC. */
  readonly other: number;
  readonly object: number;
  readonly word: number;
  /** Who does it: a role, else the superuser. */
  readonly as: number;
  readonly flags: number;
};

/** One object of every kind, made by the superuser, and eight roles. */
export const STAGE = `
  CREATE ROLE r0 LOGIN; CREATE ROLE r1 LOGIN; CREATE ROLE r2 LOGIN NOINHERIT; CREATE ROLE r3;
  CREATE ROLE r4; CREATE ROLE r5; CREATE ROLE r6 NOINHERIT; CREATE ROLE "r 7,{}=" LOGIN;
  CREATE SCHEMA s0; CREATE SCHEMA s1;
  CREATE TABLE s0.t0 (a integer, b text, c date); CREATE TABLE s0.t1 (a integer) PARTITION BY LIST (a);
  CREATE VIEW s0.v AS SELECT 1 AS one; CREATE MATERIALIZED VIEW s1.m AS SELECT 1 AS one;
  CREATE SEQUENCE s1.q;
  CREATE FUNCTION s0.f(integer) RETURNS integer LANGUAGE sql AS 'SELECT 1'; CREATE PROCEDURE s1.p() LANGUAGE sql AS 'SELECT 1';
  CREATE TYPE s0.e AS ENUM ('x'); CREATE DOMAIN s1.d AS integer;
  CREATE FOREIGN DATA WRAPPER w; CREATE SERVER v FOREIGN DATA WRAPPER w;
  CREATE FOREIGN TABLE s1.x (a integer) SERVER v;
  SELECT pg_catalog.lo_create(4711);
`;

const ROLES = ['r0', 'r1', 'r2', 'r3', 'r4', 'r5', 'r6', '"r 7,{}="', 'PUBLIC'];
const PREDEFINED = ['pg_read_all_data', 'pg_write_all_data', 'pg_maintain', 'pg_monitor'];

const TABLE = ['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER', 'MAINTAIN'];
const COLUMN = ['SELECT', 'INSERT', 'UPDATE', 'REFERENCES'];
/** `everywhere`: seen from every database, so that pg_database_owner would be somebody else in each. */
type Target = {
  readonly on: string;
  readonly words: readonly string[];
  readonly column?: string;
  readonly owner?: string;
  readonly everywhere?: true;
};
const OBJECTS: readonly Target[] = [
  { on: 'DATABASE postgres', words: ['CREATE', 'CONNECT', 'TEMPORARY'], owner: 'DATABASE postgres' },
  { on: 'SCHEMA s0', words: ['CREATE', 'USAGE'], owner: 'SCHEMA s0' },
  { on: 'SCHEMA s1', words: ['CREATE', 'USAGE'], owner: 'SCHEMA s1' },
  { on: 'SCHEMA public', words: ['CREATE', 'USAGE'] },
  { on: 's0.t0', words: TABLE, owner: 'TABLE s0.t0' },
  { on: 's0.t1', words: TABLE, owner: 'TABLE s0.t1' },
  { on: 's0.v', words: TABLE, owner: 'VIEW s0.v' },
  { on: 's1.m', words: TABLE, owner: 'MATERIALIZED VIEW s1.m' },
  { on: 's1.x', words: TABLE, owner: 'FOREIGN TABLE s1.x' },
  { on: 's0.t0', words: COLUMN, column: 'a' },
  { on: 's0.t0', words: COLUMN, column: 'b' },
  { on: 'SEQUENCE s1.q', words: ['USAGE', 'SELECT', 'UPDATE'], owner: 'SEQUENCE s1.q' },
  { on: 'ROUTINE s0.f(integer)', words: ['EXECUTE'], owner: 'ROUTINE s0.f(integer)' },
  { on: 'ROUTINE s1.p()', words: ['EXECUTE'], owner: 'ROUTINE s1.p()' },
  { on: 'TYPE s0.e', words: ['USAGE'], owner: 'TYPE s0.e' },
  { on: 'TYPE s1.d', words: ['USAGE'], owner: 'DOMAIN s1.d' },
  { on: 'LANGUAGE plpgsql', words: ['USAGE'], owner: 'LANGUAGE plpgsql' },
  { on: 'FOREIGN DATA WRAPPER w', words: ['USAGE'] },
  { on: 'FOREIGN SERVER v', words: ['USAGE'], owner: 'SERVER v' },
  { on: 'TABLESPACE pg_default', words: ['CREATE'], everywhere: true },
  { on: 'LARGE OBJECT 4711', words: ['SELECT', 'UPDATE'], owner: 'LARGE OBJECT 4711' },
  { on: 'PARAMETER work_mem', words: ['SET', 'ALTER SYSTEM'], everywhere: true },
];

/** One statement that makes all moves that the server allows (cycles and missing rights are refused, and that is fine). */
export const inhabit = (moves: readonly Move[], major: number): string => {
  const attempts = moves.map((move) => {
    const sql = statementOf(move, major).replaceAll("'", "''");
    const as = ROLES[move.as];
    const actor = as !== undefined && as !== 'PUBLIC' ? `SET LOCAL ROLE ${as}` : 'RESET ROLE';
    return `BEGIN EXECUTE '${actor}'; EXECUTE '${sql}'; EXCEPTION WHEN OTHERS THEN NULL; END; RESET ROLE;`;
  });
  return `DO $moves$ BEGIN ${attempts.join('\n')} END $moves$`;
};

const statementOf = ({ act, role, other, object, word, flags }: Move, major: number): string => {
  const [who, to] = [ROLES[role], ROLES[other]];
  const on = OBJECTS[object % OBJECTS.length]!;
  const privilege = on.words[word % on.words.length]! + (on.column ? ` (${on.column})` : '');
  const option = (flags & 1) === 1;
  switch (act) {
    case 'member':
      return major >= 16
        ? `GRANT ${who} TO ${to} WITH ADMIN ${option}, INHERIT ${(flags & 6) !== 0}, SET ${(flags & 8) === 0}`
        : `GRANT ${who} TO ${to}${option ? ' WITH ADMIN OPTION' : ''}`;
    case 'predefined':
      return flags < 4 ? `GRANT ${PREDEFINED[word % PREDEFINED.length]} TO ${to}` : `ALTER ROLE ${who} INHERIT`;
    case 'own':
      return on.owner ? `ALTER ${on.owner} OWNER TO ${flags === 0 ? 'pg_database_owner' : who}` : 'SELECT 1';
    case 'grant':
      return `GRANT ${privilege} ON ${on.on} TO ${flags === 15 && !on.everywhere ? 'pg_database_owner' : to}${option ? ' WITH GRANT OPTION' : ''}`;
    case 'revoke':
      return `REVOKE ${option ? 'GRANT OPTION FOR ' : ''}${privilege} ON ${on.on} FROM ${(flags & 2) === 0 ? who : to} CASCADE`;
    case 'attribute':
      return `ALTER ROLE ${who} ${flags === 0 ? 'SUPERUSER' : option ? 'NOINHERIT' : 'INHERIT'}`;
  }
};
