import { groupBy } from '../../core/group.ts';
import { union, wordOf } from '../../core/privileges.ts';
import type { ObjectKind, Privileges } from '../../model/access.ts';
import { patternSchema } from './patterns.ts';
import { tableRows } from './rows.ts';
import type { Scope } from './scope.ts';
import type { SnapshotGrant, TableGrants } from './snapshot.ts';
import { levelled, OPTION_ALONE } from './words.ts';

/** What rows of a grant table have in common but for their names: tables of a schema, columns of a table. */
export type Container = {
  readonly kind: Extract<ObjectKind, 'global' | 'schema' | 'pattern' | 'table' | 'column' | 'function' | 'procedure' | 'proxy'>;
  readonly schema: string | null;
  readonly relation?: string;
};

/** Values by name within a container. A hundred thousand tables are entries of a few such maps, and nothing more. */
export type Shelf<Value> = {
  readonly container: Container;
  /** By `nameIn`. */
  readonly values: Map<string, Value>;
  /** The spelling of names that count in whatever case, where it is another; most shelves have none. */
  spelled?: Map<string, string>;
  /** Columns that have rows in several spellings, as GRANT leaves them where it is given another case; most shelves have none. */
  doubled?: Set<string>;
};

/** What an account holds, by `containerKey`. */
export type Shelves<Value> = Map<string, Shelf<Value>>;

/** One key for what the server takes for one place. */
export const containerKey = (scope: Scope, { kind, schema, relation }: Container): string => {
  const fold = foldOf(scope);
  // No name holds a NUL.
  return `${kind}\0${schema === null ? '' : fold(schema)}\0${relation === undefined ? '' : fold(relation)}`;
};

/** A name as it counts: columns and routines in whatever case, accounts and patterns as they are, the rest as lower_case_table_names says. */
export const nameIn = (scope: Scope, { kind }: Container, name: string): string =>
  kind === 'column' || kind === 'function' || kind === 'procedure' ? lower(name) : kind === 'proxy' ? name : foldOf(scope)(name);

/** How names of schemas and tables count. */
export const foldOf = ({ server }: Scope): ((name: string) => string) => (server.lowerCaseTableNames === 0 ? same : lower);
const same = (name: string): string => name;
const lower = (name: string): string => name.toLowerCase();

/** The shelf of a container, made where there is none yet. */
export const shelfAt = <Value>(scope: Scope, shelves: Shelves<Value>, container: Container): Shelf<Value> => {
  const key = containerKey(scope, container);
  const found = shelves.get(key);
  if (found) return found;
  const made: Shelf<Value> = { container, values: new Map() };
  shelves.set(key, made);
  return made;
};

/** The key of a name on a shelf, whose spelling is kept. */
export const placeOn = <Value>(scope: Scope, shelf: Shelf<Value>, name: string): string => {
  const key = nameIn(scope, shelf.container, name);
  if (key === name) return key;
  shelf.spelled ??= new Map();
  if (!shelf.spelled.has(key)) shelf.spelled.set(key, name);
  return key;
};

/** The rows that an account has in the grant tables, as they were read. */
export type Held = { readonly rows: readonly SnapshotGrant[]; readonly onTables: TableGrants | undefined };

/** The rows of each account, under the name that it will have. */
export const heldBy = (scope: Scope): ((account: string) => Held) => {
  const { grants, tableGrants = [] } = scope.snapshot;
  const rows = groupBy(grants, ({ account }) => scope.rename(account));
  const tables = new Map(tableGrants.map((held) => [scope.rename(held.account), held]));
  return (account) => ({ rows: rows.get(account) ?? [], onTables: tables.get(account) });
};

/** Rows of an account put together. Equal lists are one value. */
export const heldRows = (scope: Scope): ((held: Held) => Shelves<Privileges>) => {
  const one = interning();
  return ({ rows, onTables }) => {
    const shelves: Shelves<Privileges> = new Map();
    for (const grant of rows) addRow(scope, shelves, grant, one);
    if (onTables) for (const grant of tableRows(onTables)) addRow(scope, shelves, grant, one);
    return shelves;
  };
};

const addRow = (scope: Scope, shelves: Shelves<Privileges>, grant: SnapshotGrant, one: Interning): void => {
  const { container, name } = placeOf(scope, grant);
  const option = container.kind === 'column' && grant.privileges.some((privilege) => privilege.endsWith('*'));
  add(scope, shelves, container, name, one(option ? grant.privileges.map(wordOf) : grant.privileges), one);
  // Columns have the grant option of their table, which says it itself where it holds anything.
  if (option) add(scope, shelves, { kind: 'table', schema: container.schema }, container.relation!, one([OPTION_ALONE]), one);
};

type Interning = (privileges: Privileges) => Privileges;

const interning = (): Interning => {
  const known = new Map<string, Privileges>();
  return (privileges) => {
    const text = privileges.join();
    const found = known.get(text);
    if (found) return found;
    known.set(text, privileges);
    return privileges;
  };
};

const add = (
  scope: Scope,
  shelves: Shelves<Privileges>,
  container: Container,
  name: string,
  privileges: Privileges,
  one: Interning,
): void => {
  const shelf = shelfAt(scope, shelves, container);
  const key = placeOn(scope, shelf, name);
  const known = shelf.values.get(key);
  if (known && container.kind === 'column') {
    shelf.doubled ??= new Set();
    shelf.doubled.add(key);
  }
  shelf.values.set(key, known ? one(levelled(scope, union(known, privileges))) : privileges);
};

/** Of a schema that is stored as we would write it, the schema; otherwise the pattern as it is stored. */
const placeOf = ({ server, rename }: Scope, grant: SnapshotGrant): { readonly container: Container; readonly name: string } => {
  const { level, schema, relation, name } = grant;
  switch (level) {
    case 'global':
      return { container: { kind: 'global', schema: null }, name: '*.*' };
    case 'schema': {
      const literal = patternSchema(schema!, server.partialRevokes);
      return { container: { kind: literal === null ? 'pattern' : 'schema', schema: null }, name: literal ?? schema! };
    }
    case 'table':
    case 'function':
    case 'procedure':
      return { container: { kind: level, schema }, name: name! };
    case 'column':
      return { container: { kind: 'column', schema, relation: relation! }, name: name! };
    case 'proxy':
      return { container: { kind: 'proxy', schema: null }, name: rename(name!) };
  }
};
