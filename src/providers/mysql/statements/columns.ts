import { groupBy } from '../../../core/group.ts';
import { wordOf } from '../../../core/privileges.ts';
import { granteeKey, type Privileges } from '../../../model/access.ts';
import { byCodeUnit, distinct, pathKey } from '../../../model/key.ts';
import type { Grant } from '../../../model/state.ts';
import type { Scope } from '../scope.ts';
import { ident } from '../sql.ts';
import type { Draft, Indexed, RowTurn } from './draft.ts';
import { nameSql } from './names.ts';

type Change = Indexed<'grant'>;

/** Changes of columns by account and table. */
export type ColumnChanges = ReadonlyMap<string, readonly Change[]>;

/** Columns by privilege, as GRANT takes them. */
type Columns = ReadonlyMap<string, readonly string[]>;

/** GRANT and REVOKE of columns, one account and one table a statement; `taken`: changes that a table's REVOKE brings along. */
export const columnDrafts = (scope: Scope, changes: readonly Change[], taken: ReadonlySet<number>): Draft[] =>
  [...groupBy(changes, tableOf).values()].flatMap((group): Draft[] => {
    const { on, grantee } = (group[0]!.before ?? group[0]!.after)!;
    const name = granteeKey(grantee);
    const draft = (verb: 'grant' | 'revoke', some: readonly Change[]): Draft[] => {
      const moved = verb === 'grant' ? comes : goes;
      const columns = columnsOf(some.map((change) => ({ names: namesOf(change), words: moved(change) })));
      if (columns.size === 0) return [];
      const changed = some.filter((change) => moved(change).length > 0);
      const own = {
        changes: changed.map(({ index }) => index),
        rows: changed.flatMap((change) => turnsOf(change, verb, moved(change))),
      };
      return verb === 'grant'
        ? [{ phase: 'grant', sql: grantSql(scope, columns, on, name), ...own, gains: name }]
        : [{ phase: 'revoke', sql: `REVOKE ${wordsSql(columns)} ON ${tableSql(on)} FROM ${nameSql(scope, name)}`, ...own, loses: name }];
    };
    return [
      ...draft(
        'grant',
        group.filter(({ index }) => !taken.has(index)),
      ),
      ...draft('revoke', group),
    ];
  });

/**
 * REVOKE on a table takes the same words from its columns (MySQL 8.0 to 9.7, MariaDB 10.11 and 11.8): those that stay, which the
 * comparison counts as coming, are granted right after it. `lapses`: somebody could use such a column all along, and for that
 * moment cannot.
 */
export const regranted = (scope: Scope, { before }: Change, removed: Privileges, columns: ColumnChanges): Regranted => {
  if (!before || removed.length === 0) return NOTHING;
  const name = granteeKey(before.grantee);
  const on = { schema: before.on.schema, relation: before.on.names[0]! };
  const here = columns.get(pathKey(name, on.schema!, on.relation)) ?? [];
  const coming = here.filter((change) => comes(change).some((word) => removed.includes(word)));
  if (coming.length === 0) return NOTHING;
  const granted = columnsOf(coming.map((change) => ({ names: namesOf(change), words: comes(change) })));
  const next = [{ sql: grantSql(scope, granted, on, name), changes: coming.map(({ index }) => index) }];
  return { next, lapses: true, rows: coming.flatMap((change) => turnsOf(change, 'grant', comes(change))) };
};

/** What follows on the REVOKE of a table. */
type Regranted = { readonly next: NonNullable<Draft['next']>; readonly lapses: boolean; readonly rows: readonly RowTurn[] };
export const NOTHING: Regranted = { next: [], lapses: false, rows: [] };

/** What a statement makes of the rows of columns. */
const turnsOf = ({ before, after }: Change, verb: RowTurn['verb'], words: readonly string[]): readonly RowTurn[] => {
  const { schema, relation, names } = (before ?? after)!.on;
  return names.map((name) => ({ place: { level: 'column', schema: schema!, relation: relation!, name }, words, verb }));
};

type Table = Pick<Grant['on'], 'schema' | 'relation'>;

/** The account and the table that a change of columns is about. */
export const tableOf = ({ before, after }: Change): string => {
  const { on, grantee } = (before ?? after)!;
  return pathKey(granteeKey(grantee), on.schema!, on.relation!);
};
const namesOf = ({ before, after }: Change): readonly string[] => (before ?? after)!.on.names;

const wordsOf = (grant: Grant | null): string[] => (grant?.privileges ?? []).map(wordOf);
const comes = ({ before, after }: Change): string[] => wordsOf(after).filter((word) => !wordsOf(before).includes(word));
const goes = ({ before, after }: Change): string[] => wordsOf(before).filter((word) => !wordsOf(after).includes(word));

const columnsOf = (rows: readonly { readonly names: readonly string[]; readonly words: readonly string[] }[]): Columns => {
  const found = new Map<string, string[]>();
  for (const { names, words } of rows) for (const word of words) found.set(word, [...(found.get(word) ?? []), ...names]);
  return new Map([...found].sort(([a], [b]) => byCodeUnit(a, b)));
};

const grantSql = (scope: Scope, columns: Columns, on: Table, name: string): string =>
  `GRANT ${wordsSql(columns)} ON ${tableSql(on)} TO ${nameSql(scope, name)}`;

const tableSql = ({ schema, relation }: Table): string => `${ident(schema!)}.${ident(relation!)}`;

const COLUMN_WORDS: ReadonlySet<string> = new Set(['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']);

const wordsSql = (columns: Columns): string =>
  [...columns]
    .map(([word, names]) => {
      if (!COLUMN_WORDS.has(word)) throw new RangeError(`not a privilege on columns: ${JSON.stringify(word)}`);
      return `${word} (${distinct(names).map(ident).join(', ')})`;
    })
    .join(', ');
