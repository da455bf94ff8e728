import { groupBy } from '../../../core/group.ts';
import { byWord, grantable, wordOf } from '../../../core/privileges.ts';
import { granteeKey, type ObjectSet, type Privileges } from '../../../model/access.ts';
import { distinct } from '../../../model/key.ts';
import { byRestart, bySpecificity } from '../access-order.ts';
import { grantPlaces } from '../access-rows.ts';
import { schemaPattern } from '../patterns.ts';
import type { Scope } from '../scope.ts';
import type { Snapshot } from '../snapshot.ts';
import { ident } from '../sql.ts';
import { type ColumnChanges, columnDrafts, NOTHING, regranted, tableOf } from './columns.ts';
import type { Draft, Indexed, RowTurn } from './draft.ts';
import { nameSql } from './names.ts';

type Change = Indexed<'grant'>;

/** GRANT and REVOKE, one account and one object a statement, by the exact words. */
export const grantDrafts = (scope: Scope, changes: readonly Change[]): Draft[] => {
  const [columns, others] = [changes.filter(isColumns), changes.filter((change) => !isColumns(change))];
  const byTable = groupBy(columns, tableOf);
  const drafts = others.flatMap((change) => objectsOf(change).flatMap((one) => objectDrafts(scope, one, byTable)));
  const taken = new Set(drafts.flatMap(({ next = [] }) => next.flatMap((statement) => statement.changes)));
  return [...drafts, ...columnDrafts(scope, columns, taken)];
};

const isColumns = ({ before, after }: Change): boolean => (before ?? after)!.on.kind === 'column';

/** A change of several objects as one of each. */
const objectsOf = (change: Change): Change[] => {
  const { on } = (change.before ?? change.after)!;
  const only = (name: string, side: Change['before']) => side && { ...side, on: { ...on, names: [name] } };
  return on.names.map((name) => ({ ...change, before: only(name, change.before), after: only(name, change.after) }));
};

const objectDrafts = (scope: Scope, change: Change, columns: ColumnChanges): Draft[] => {
  const { on } = (change.before ?? change.after)!;
  if (on.kind === 'proxy') return proxyDrafts(scope, change);
  if (on.kind === 'global' && scope.server.flavour === 'mysql') return globalDrafts(scope, change);
  return rowDrafts(scope, change, heldBy(change.before?.privileges), heldBy(change.after?.privileges), columns);
};

/** A row of a grant table: its words, and whether all of them may be passed on. */
type Held = { readonly words: readonly string[]; readonly option: boolean };

const OPTION = 'GRANT OPTION';
const heldBy = (privileges: Privileges = []): Held => ({
  words: privileges.map(wordOf).filter((word) => word !== OPTION),
  option: privileges.some(grantable),
});

/** What each prefix leaves is within what was and what shall be: the option of a row is for all of its words, so that it moves while they do not. */
const rowDrafts = (scope: Scope, change: Change, before: Held, after: Held, columns: ColumnChanges = new Map()): Draft[] => {
  const { on, grantee } = (change.before ?? change.after)!;
  const name = granteeKey(grantee);
  const place = `ON ${placeSql(scope, on)}`;
  const [to, from] = [`${place} TO ${nameSql(scope, name)}`, `${place} FROM ${nameSql(scope, name)}`];
  const added = after.words.filter((word) => !before.words.includes(word));
  const removed = before.words.filter((word) => !after.words.includes(word));
  const [optionComes, optionGoes] = [after.option && !before.option, before.option && !after.option];
  const own = { changes: [change.index], ...storedOf(scope, on) };
  const [comes, goes] = [turnsOf(scope, on, 'grant', added), turnsOf(scope, on, 'revoke', removed)];
  const optionFirst = optionGoes && added.length > 0;
  const grant = `GRANT ${wordsSql(added)} ${to}${optionComes && removed.length === 0 ? ' WITH GRANT OPTION' : ''}`;
  const option = { sql: `GRANT ${wordsSql(after.words)} ${to} WITH GRANT OPTION`, changes: own.changes };
  const taken = [...removed, ...(optionGoes && !optionFirst ? [OPTION] : [])];
  const again = on.kind === 'table' ? regranted(scope, change, removed, columns) : NOTHING;
  return [
    ...(optionFirst
      ? [
          {
            phase: 'grant',
            sql: `REVOKE ${OPTION} ${from}`,
            next: [{ sql: grant, changes: own.changes }],
            ...own,
            gains: name,
            rows: comes,
          } as const,
        ]
      : added.length > 0
        ? [{ phase: 'grant', sql: grant, ...own, gains: name, rows: comes } as const]
        : []),
    ...(optionComes && added.length === 0 && removed.length === 0 ? [{ phase: 'grant', ...option, ...own, gains: name } as const] : []),
    ...(taken.length > 0
      ? [
          {
            phase: 'revoke',
            sql: `REVOKE ${wordsSql(taken)} ${from}`,
            next: [...again.next, ...(optionComes && removed.length > 0 ? [option] : [])],
            ...own,
            rank: revokeRank(scope, on),
            loses: name,
            rows: [...goes, ...again.rows],
            ...(after.words.length === 0 && !after.option ? { whole: true as const } : {}),
            ...(again.lapses ? { lapses: [name] } : {}),
          } as const,
        ]
      : []),
  ];
};

/** What a statement makes of the row of an object. */
const turnsOf = ({ server }: Scope, on: ObjectSet, verb: RowTurn['verb'], words: readonly string[]): readonly RowTurn[] =>
  words.length === 0 ? [] : grantPlaces({ on }, server).map((place) => ({ place, words, verb }));

/**
 * Of the rows that match a schema the first counts, the most specific one: were that taken first, a wider one would come to light.
 * Columns go before their table, whose REVOKE takes them along.
 */
const revokeRank = (scope: Scope, { kind, names }: ObjectSet): number => {
  if (kind !== 'pattern') return kind === 'table' ? TABLES : 0;
  return (patternsOf(scope).get(names[0]!) ?? 0) - patternsOf(scope).size;
};
const TABLES = 1;

const patterns = new WeakMap<Snapshot, ReadonlyMap<string, number>>();

/** The place of each stored pattern among all, the widest first. */
const patternsOf = ({ snapshot, server }: Scope): ReadonlyMap<string, number> => {
  let found = patterns.get(snapshot);
  if (!found) {
    const stored = distinct(snapshot.grants.flatMap(({ level, schema }) => (level === 'schema' && schema !== null ? [schema] : [])));
    const widest = stored.sort((a, b) => bySpecificity(server.flavour, 'schema', b, a) || byRestart(b, a));
    found = new Map(widest.map((pattern, place) => [pattern, place]));
    patterns.set(snapshot, found);
  }
  return found;
};

/**
 * On *.* the static privileges share one option and each dynamic one has its own. GRANT OPTION by itself is for all of them:
 * `REVOKE GRANT OPTION ON *.*` takes the dynamic ones' options from the table, and leaves them in the server's memory until it
 * restarts (MySQL 8.0.45, 9.7), so that nothing with such an option is there when it runs.
 */
const globalDrafts = (scope: Scope, change: Change): Draft[] => {
  const { on, grantee } = (change.before ?? change.after)!;
  const [before, after] = [change.before?.privileges ?? [], change.after?.privileges ?? []];
  const statics = rowDrafts(scope, change, heldBy(before.filter(isStatic)), heldBy(after.filter(isStatic)));
  const name = granteeKey(grantee);
  const account = nameSql(scope, name);
  const [held, wanted] = [byWord(before.filter(isDynamic)), byWord(after.filter(isDynamic))];
  const optionGoes = heldBy(before.filter(isStatic)).option && !heldBy(after.filter(isStatic)).option;
  const endangered = optionGoes ? [...held].filter(([, option]) => option).map(([word]) => word) : [];
  const lowered = [...held]
    .filter(([word, option]) => option && wanted.get(word) === false && !endangered.includes(word))
    .map(([word]) => word);
  const removed = [...held.keys()].filter((word) => !wanted.has(word) && !endangered.includes(word));
  const coming = (option: boolean) => [...wanted].filter(([word, wants]) => wants === option && !held.has(word)).map(([word]) => word);
  const raised = [...wanted].filter(([word, option]) => option && held.get(word) === false).map(([word]) => word);
  const own = { changes: [change.index] };
  const turns = (verb: RowTurn['verb'], words: readonly string[]) => turnsOf(scope, on, verb, words);
  const grant = (words: readonly string[], option: boolean) => ({
    sql: `GRANT ${wordsSql(words)} ON *.* TO ${account}${option ? ' WITH GRANT OPTION' : ''}`,
    ...own,
  });
  const revoke = (words: readonly string[]) => ({ sql: `REVOKE ${wordsSql(words)} ON *.* FROM ${account}`, ...own });
  const back = [true, false].flatMap((option) => {
    const words = endangered.filter((word) => wanted.get(word) === option);
    return words.length > 0 ? [grant(words, option)] : [];
  });
  const [plain, optional] = [coming(false), [...coming(true), ...raised]];
  const gone = endangered.filter((word) => !wanted.has(word));
  // It would lose its option at once.
  const late = optionGoes && optional.length > 0 ? [grant(optional, true)] : [];
  return [
    ...(plain.length > 0 ? [{ phase: 'grant', ...grant(plain, false), gains: name, rows: turns('grant', plain) } as const] : []),
    ...(optional.length > 0 && !optionGoes
      ? [{ phase: 'grant', ...grant(optional, true), gains: name, rows: turns('grant', optional) } as const]
      : []),
    ...statics.map((draft): Draft => {
      if (endangered.length + late.length === 0 || !takesOption(draft.sql)) return draft;
      const { sql, next = [], changes, ...rest } = draft;
      const [first, ...then] = [...(endangered.length > 0 ? [revoke(endangered)] : []), { sql, changes }, ...next, ...back, ...late];
      return {
        ...rest,
        ...first!,
        next: then,
        rows: [...(rest.rows ?? []), ...turns('revoke', gone), ...turns('grant', late.length > 0 ? optional : [])],
        ...(late.length > 0 ? { gains: name } : {}),
        ...(back.length > 0 ? { lapses: [name] } : {}),
      };
    }),
    ...(removed.length > 0 ? [{ phase: 'revoke', ...revoke(removed), loses: name, rows: turns('revoke', removed) } as const] : []),
    ...(lowered.length > 0
      ? [{ phase: 'revoke', ...revoke(lowered), next: [grant(lowered, false)], loses: name, lapses: [name] } as const]
      : []),
  ];
};

const takesOption = (sql: string): boolean => sql.startsWith('REVOKE ') && sql.split(' ON *.* ')[0]!.endsWith(OPTION);

/** Only dynamic privileges of MySQL have an underscore in their words. */
const isDynamic = (privilege: string): boolean => privilege.includes('_');
const isStatic = (privilege: string): boolean => !isDynamic(privilege);

/** GRANT without the option takes it away here. */
const proxyDrafts = (scope: Scope, { before, after, index }: Change): Draft[] => {
  const { on, grantee } = (before ?? after)!;
  const name = granteeKey(grantee);
  const [proxied, account] = [nameSql(scope, on.names[0]!), nameSql(scope, name)];
  const own = { changes: [index] };
  const rows = turnsOf(scope, on, after ? 'grant' : 'revoke', ['PROXY']);
  if (!after) return [{ phase: 'revoke', sql: `REVOKE PROXY ON ${proxied} FROM ${account}`, ...own, loses: name, rows }];
  const option = heldBy(after.privileges).option;
  const sql = `GRANT PROXY ON ${proxied} TO ${account}${option ? ' WITH GRANT OPTION' : ''}`;
  return before && !option ? [{ phase: 'revoke', sql, ...own, loses: name }] : [{ phase: 'grant', sql, ...own, gains: name, rows }];
};

/** Words come from the server's tables and from closed lists; anything else never reaches a statement. */
export const wordsSql = (words: readonly string[]): string => {
  const strange = words.find((word) => !/^[A-Z][A-Z_ ]*$/.test(word));
  if (strange !== undefined) throw new RangeError(`not a privilege: ${JSON.stringify(strange)}`);
  return distinct(words.filter((word) => word !== OPTION))
    .concat(words.includes(OPTION) ? [OPTION] : [])
    .join(', ');
};

/** The Db of a row on schemas. */
const storedOf = ({ server }: Scope, { kind, names }: ObjectSet): Pick<Draft, 'stored'> =>
  kind === 'schema' ? { stored: schemaPattern(names[0]!, server.partialRevokes) } : kind === 'pattern' ? { stored: names[0]! } : {};

/** At the level of schemas the name is a pattern, below it is itself. */
const placeSql = ({ server }: Scope, { kind, schema, names }: ObjectSet): string => {
  const name = names[0]!;
  switch (kind) {
    case 'global':
      return '*.*';
    case 'schema':
      return `${ident(schemaPattern(name, server.partialRevokes))}.*`;
    case 'pattern':
      return `${ident(name)}.*`;
    case 'table':
      return `${ident(schema!)}.${ident(name)}`;
    case 'function':
    case 'procedure':
      return `${kind.toUpperCase()} ${ident(schema!)}.${ident(name)}`;
    default:
      throw new Error(`nothing is granted on a ${kind} here`);
  }
};
