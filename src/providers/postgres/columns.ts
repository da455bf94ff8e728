import { byWord, difference, wordOf } from '../../core/privileges.ts';
import type { AclEntry, OwnedObjects, Privileges } from '../../model/access.ts';
import { pathKey } from '../../model/key.ts';

/** A table whose columns have grants of their own, and what the plan takes on the table, by grantee and grantor. */
export type ColumnedTable = { readonly acl: readonly AclEntry[]; readonly losses: Map<string, Privileges> };
/** By place. */
export type ColumnedTables = ReadonlyMap<string, ColumnedTable>;

/**
 * The tables that have grants on columns. REVOKE on a table also takes the same words, or their grant option, from its
 * columns (manual of REVOKE); and a grant option on the table is one on each column.
 */
export const columnedTables = (objects: readonly OwnedObjects[]): ColumnedTables => {
  const wanted = new Set(objects.flatMap((row) => (row.kind === 'column' ? [placeOf(row, row.relation!)] : [])));
  const schemas = new Set(objects.flatMap((row) => (row.kind === 'column' ? [placeOf(row)] : [])));
  const tables = new Map<string, ColumnedTable>();
  for (const row of objects) {
    if (row.kind !== 'table' || !schemas.has(placeOf(row))) continue;
    for (const name of row.names) if (wanted.has(placeOf(row, name))) tables.set(placeOf(row, name), { acl: row.acl, losses: new Map() });
  }
  return tables;
};

/** The table of a row of columns. */
export const tableOf = (tables: ColumnedTables, row: OwnedObjects): ColumnedTable | undefined =>
  row.kind === 'column' ? tables.get(placeOf(row, row.relation!)) : undefined;

/** Notes what a change of a table's grant takes. */
export const noteLosses = (
  tables: ColumnedTables,
  row: OwnedObjects,
  names: readonly string[],
  side: string,
  before: Privileges,
  after: Privileges,
): void => {
  if (row.kind !== 'table' || tables.size === 0) return;
  const kept = byWord(after);
  const lost = difference(before, after).map((privilege) => (kept.has(wordOf(privilege)) ? privilege : wordOf(privilege)));
  if (lost.length === 0) return;
  for (const name of names) tables.get(placeOf(row, name))?.losses.set(side, lost);
};

/** The key of a grant among the losses of a table. */
export const sideOf = (grantee: string, grantor: string): string => `${grantee}\0${grantor}`;

/** `held` without what is lost: a bare word goes wholly, a word with `*` loses its grant option. */
export const without = (held: Privileges, lost: Privileges): Privileges =>
  lost.length === 0
    ? held
    : held.flatMap((privilege) => {
        const word = wordOf(privilege);
        if (lost.includes(word)) return [];
        return [lost.includes(`${word}*`) ? word : privilege];
      });

const placeOf = (row: OwnedObjects, ...rest: readonly string[]): string => pathKey(row.database ?? '', row.schema ?? '', ...rest);
