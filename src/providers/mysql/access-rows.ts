import { wordOf } from '../../core/privileges.ts';
import { type Grantee, isPublic, type ObjectKind, type Privileges } from '../../model/access.ts';
import type { Grant } from '../../model/state.ts';
import { patternSchema, schemaPattern } from './patterns.ts';
import type { Server, SnapshotGrant } from './snapshot.ts';

/**
 * Privileges of one row. The grant option of a level is a word of its own here, `GRANT OPTION`, since the server has one bit for it;
 * a dynamic privilege that may be granted on is there twice, as `ROLE_ADMIN` and `ROLE_ADMIN*`.
 */
export type Words = ReadonlySet<string>;

/** What an account holds on one table: on all of it, and on columns. */
export type TableRow = { readonly words: Words; readonly columns: ReadonlyMap<string, Words> };

/** All rows of one account (or role), as the server has them. Tables and routines are keyed by `tableKey` and `routineKey`. */
export type Holdings = {
  readonly name: string;
  readonly user: string;
  readonly host: string;
  readonly global: Words;
  /** By the column Db as it is stored. */
  readonly schemas: ReadonlyMap<string, Words>;
  readonly tables: ReadonlyMap<string, TableRow>;
  readonly routines: ReadonlyMap<string, Words>;
  readonly proxies: ReadonlyMap<string, Words>;
  /** By schema: what the global privileges do not give there. */
  readonly restrictions: ReadonlyMap<string, Words>;
};

/** No name holds a NUL. */
export const tableKey = (schema: string, table: string): string => `${schema}\0${table}`;
export const routineKey = (kind: 'function' | 'procedure', schema: string, name: string): string => `${kind}\0${schema}\0${name}`;

export const GRANT_OPTION = 'GRANT OPTION';
export const NO_WORDS: Words = new Set();

/** An account without a row. */
export const emptyHoldings = (name: string, user: string, host: string): Holdings => ({
  name,
  user,
  host,
  global: NO_WORDS,
  schemas: new Map(),
  tables: new Map(),
  routines: new Map(),
  proxies: new Map(),
  restrictions: new Map(),
});

/** A list of privileges as words of a row: lists come by the thousand and are few. */
export const wordsOf = (privileges: Privileges, { flavour }: Pick<Server, 'flavour'>): Words => {
  const text = `${flavour} ${privileges.join()}`;
  const words = known.get(text) ?? new Set(privileges.flatMap((privilege) => spell(privilege, flavour)));
  known.set(text, words);
  return words;
};
const known = new Map<string, Words>();

const spell = (privilege: string, flavour: Server['flavour']): string[] => {
  if (!privilege.endsWith('*')) return [privilege];
  const word = wordOf(privilege);
  // Names of dynamic privileges have underscores, those of static ones have blanks.
  return flavour === 'mysql' && word.includes('_') ? [word, privilege] : [word, GRANT_OPTION];
};

/** Holdings while they are put together. */
export type Draft = {
  readonly row: (place: RowPlace, words: Words) => void;
  readonly restrict: (schema: string, words: Words) => void;
  readonly finished: () => Holdings;
};

/** Where a row stands. `name` of a schema row is its Db. */
export type RowPlace = {
  readonly level: SnapshotGrant['level'];
  readonly schema: string;
  readonly relation: string;
  readonly name: string;
};

/** Copies the maps that it changes, once each; the holdings that it starts from stay as they are. */
export const draftOf = (start: Holdings): Draft => {
  let now: Holdings = start;
  const own = new Set<string>();
  const mine = <K extends 'schemas' | 'tables' | 'routines' | 'proxies' | 'restrictions'>(kind: K): Map<string, never> => {
    if (!own.has(kind)) now = { ...now, [kind]: new Map<string, unknown>(now[kind]) };
    own.add(kind);
    return now[kind] as unknown as Map<string, never>;
  };
  const set = <V>(map: Map<string, never>, key: string, value: V, empty: boolean): void => {
    if (empty) map.delete(key);
    else map.set(key, value as never);
  };
  return {
    row: ({ level, schema, relation, name }, words) => {
      const none = words.size === 0;
      switch (level) {
        case 'global':
          now = { ...now, global: words };
          break;
        case 'schema':
          set(mine('schemas'), name, words, none);
          break;
        case 'table':
        case 'column': {
          const key = level === 'table' ? tableKey(schema, name) : tableKey(schema, relation);
          const row = changedRow(now.tables.get(key), level === 'table' ? null : name, words);
          set(mine('tables'), key, row, row.words.size === 0 && row.columns.size === 0);
          break;
        }
        case 'function':
        case 'procedure':
          set(mine('routines'), routineKey(level, schema, name), words, none);
          break;
        case 'proxy':
          set(mine('proxies'), name, words, none);
      }
    },
    restrict: (schema, words) => set(mine('restrictions'), schema, words, words.size === 0),
    finished: () => now,
  };
};

const NO_COLUMNS: ReadonlyMap<string, Words> = new Map();

/** `column` null: the privileges on the whole table. */
const changedRow = (row: TableRow | undefined, column: string | null, words: Words): TableRow => {
  const columns = row?.columns ?? NO_COLUMNS;
  if (column === null) return { words, columns };
  const changed = new Map(columns);
  if (words.size === 0) changed.delete(column);
  else changed.set(column, words);
  return { words: row?.words ?? NO_WORDS, columns: changed };
};

/** The words of one row. */
export const rowWords = (holdings: Holdings, { level, schema, relation, name }: RowPlace): Words => {
  switch (level) {
    case 'global':
      return holdings.global;
    case 'schema':
      return holdings.schemas.get(name) ?? NO_WORDS;
    case 'table':
      return holdings.tables.get(tableKey(schema, name))?.words ?? NO_WORDS;
    case 'column':
      return holdings.tables.get(tableKey(schema, relation))?.columns.get(name) ?? NO_WORDS;
    case 'function':
    case 'procedure':
      return holdings.routines.get(routineKey(level, schema, name)) ?? NO_WORDS;
    case 'proxy':
      return holdings.proxies.get(name) ?? NO_WORDS;
  }
};

/** Where a row of a grant table stands. */
export const rowPlaceOf = ({ level, schema, relation, name }: SnapshotGrant): RowPlace => ({
  level,
  schema: schema ?? '',
  relation: relation ?? '',
  name: level === 'schema' ? (schema ?? '') : (name ?? ''),
});

/** Where the rows of a grant stand, one for each name. */
export const grantPlaces = ({ on }: Pick<Grant, 'on'>, server: Server): readonly RowPlace[] => {
  const level = LEVELS[on.kind];
  if (!level) return [];
  const stored = (name: string): string => (on.kind === 'schema' ? schemaPattern(name, server.partialRevokes) : name);
  return on.names.map((name) => ({ level, schema: on.schema ?? '', relation: on.relation ?? '', name: stored(name) }));
};

const LEVELS: Readonly<Partial<Record<ObjectKind, SnapshotGrant['level']>>> = {
  global: 'global',
  schema: 'schema',
  pattern: 'schema',
  table: 'table',
  column: 'column',
  function: 'function',
  procedure: 'procedure',
  proxy: 'proxy',
};

/** The account that MariaDB's PUBLIC is. */
export const PUBLIC_ACCOUNT = 'PUBLIC';
export const holderOf = (grantee: Grantee): string => (isPublic(grantee) ? PUBLIC_ACCOUNT : grantee);

/** The schema that a stored Db means and no other; null: a pattern. */
export const literalOf = (stored: string, server: Pick<Server, 'partialRevokes'>): string | null =>
  patternSchema(stored, server.partialRevokes);
