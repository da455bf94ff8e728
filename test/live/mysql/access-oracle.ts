import type { Connection } from 'mysql2/promise';
import { type Asker, askerOf, isGlobalOpen, tiedRows } from '../../../src/providers/mysql/access-asker.ts';
import { effectiveAccess, type Place } from '../../../src/providers/mysql/access-effective.ts';
import type { AccessState } from '../../../src/providers/mysql/access-state.ts';

/** A statement that is refused without the privilege, and changes nothing with it. */
export type Probe = { readonly schema: string; readonly sql: string; readonly expected: boolean };

/** Codes by which a privilege is refused. */
const REFUSALS: ReadonlySet<number> = new Set([1044, 1045, 1142, 1143, 1370]);
/** What else these statements fail with: the table is there, the index is not. */
const GRANTED: ReadonlySet<number> = new Set([1050, 1091]);

const WRITES = [
  ['SELECT', (on: string, column: string) => `PREPARE s FROM 'SELECT ${column} FROM ${on}'`],
  ['INSERT', (on: string, column: string) => `PREPARE s FROM 'INSERT INTO ${on} (${column}) VALUES (1)'`],
  ['UPDATE', (on: string, column: string) => `PREPARE s FROM 'UPDATE ${on} SET ${column} = 1'`],
] as const;

/** Everything that a login can be asked, with what the simulator says. */
export const probesOf = (state: AccessState, account: string): Probe[] => {
  const asker = askerOf(state, account);
  // What the server itself leaves open is not asked.
  if (isGlobalOpen(asker)) return [];
  return state.schemas
    .filter((schema) => tiedRows(asker, schema).length === 0)
    .flatMap((schema) => [
      ...['t1', 't2'].flatMap((table) => tableProbes(asker, schema, table)),
      { schema, sql: `DROP EVENT IF EXISTS \`${schema}\`.nothing`, expected: holds(asker, { kind: 'schema', schema }, 'EVENT') },
      { schema, sql: `DO \`${schema}\`.f()`, expected: holds(asker, { kind: 'function', schema, name: 'f' }, 'EXECUTE') },
      { schema, sql: `CALL \`${schema}\`.p()`, expected: holds(asker, { kind: 'procedure', schema, name: 'p' }, 'EXECUTE') },
    ]);
};

const tableProbes = (asker: Asker, schema: string, name: string): Probe[] => {
  const on = `\`${schema}\`.${name}`;
  const table: Place = { kind: 'table', schema, name };
  const columns = ['i', 'j'].flatMap((column) =>
    WRITES.map(([word, sql]) => ({
      schema,
      sql: sql(on, column),
      expected: holds(asker, { kind: 'column', schema, relation: name, name: column }, word),
    })),
  );
  return [
    ...columns,
    { schema, sql: `PREPARE s FROM 'DELETE FROM ${on}'`, expected: holds(asker, table, 'DELETE') },
    { schema, sql: `CREATE TABLE ${on} (i int)`, expected: holds(asker, table, 'CREATE') },
    { schema, sql: `DROP INDEX nothing ON ${on}`, expected: holds(asker, table, 'INDEX') },
    { schema, sql: `GRANT DELETE ON ${on} TO victim`, expected: holds(asker, table, 'DELETE') && holds(asker, table, 'GRANT OPTION') },
  ];
};

const holds = (asker: Asker, place: Place, word: string): boolean => effectiveAccess(asker, place).has(word);

/** Whether the server lets it pass. */
export const isAllowed = async (client: Connection, sql: string): Promise<boolean> => {
  try {
    await client.query(sql);
    return true;
  } catch (error) {
    const { errno } = error as { errno?: number };
    if (REFUSALS.has(errno ?? 0)) return false;
    if (GRANTED.has(errno ?? 0)) return true;
    throw error;
  }
};
