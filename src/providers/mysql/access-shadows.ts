import { groupBy } from '../../core/group.ts';
import type { Change } from '../../model/change.ts';
import type { Finding } from '../../model/finding.ts';
import { byCodeUnit, nameKey } from '../../model/key.ts';
import { type Asker, askerOf, type SchemaRow, schemaRows } from './access-asker.ts';
import { concernedUsers } from './access-delta.ts';
import { effectiveAccess } from './access-effective.ts';
import { GRANT_OPTION, grantPlaces, holderOf, literalOf } from './access-rows.ts';
import type { AccessState } from './access-state.ts';

/**
 * Of the rows that match a schema the server looks at one (or, for the roles of a login, at one Db) only. So a grant that is added can
 * take access away, and can give nothing at all: both are said, by account, schema and row.
 */
export const shadowFindings = (before: AccessState, after: AccessState, changes: readonly Change[]): readonly Finding[] => {
  const added = changes.filter(
    (change) => change.kind === 'grant' && change.after && !change.blocked && /^(schema|pattern)$/.test(change.after.on.kind),
  );
  const joined = changes.some((change) => change.kind === 'membership' && change.after && !change.blocked);
  if (added.length === 0 && !joined) return [];
  const blocked = blockedRows(changes, after);
  const rows = changedRows(added, after);
  const found = concernedUsers(before, after).flatMap((user): readonly Shadow[] => {
    const [was, is] = [askerOf(before, user), askerOf(after, user)];
    const schemas = new Set([...comingSchemas(was, is, rows)]);
    return [...schemas].flatMap((schema) => [...lostOn(user, was, is, schema), ...uselessOn(user, is, schema, rows)]);
  });
  const alike = groupBy(found, ({ kind, schema, words, hidden, counts }) => JSON.stringify([kind, schema, words, hidden, counts]));
  return [...alike.values()].flatMap(([first, ...rest]) =>
    first
      ? [
          findingOf(
            first,
            [first, ...rest].map(({ user }) => user),
            blocked.has(rowKey(first.hidden)) || first.foreign,
          ),
        ]
      : [],
  );
};

/** A row by its holder and its Db, as text and as the schema that it names (null: a pattern). */
type Row = { readonly holder: string; readonly stored: string; readonly schema: string | null };
type Shadow = {
  readonly kind: 'lost' | 'useless';
  readonly user: string;
  readonly schema: string;
  readonly words: readonly string[];
  /** The row that gives the words and does not count. */
  readonly hidden: Row;
  readonly counts: readonly Row[];
  /** The hidden row is another account's: of another host, or the anonymous user's. */
  readonly foreign: boolean;
};

const rowKey = ({ holder, stored }: Pick<Row, 'holder' | 'stored'>): string => `${holder}\0${stored}`;

const rowOf = ({ state }: Asker, { source, stored }: SchemaRow): Row => ({
  holder: source.holdings.name,
  stored,
  schema: literalOf(stored, state.server),
});

/** Rows on schemas that the changes add or add to, by holder and Db. */
const changedRows = (changes: readonly Change[], { server }: AccessState): ReadonlySet<string> =>
  new Set(
    changes.flatMap((change) =>
      change.kind === 'grant' && change.after
        ? grantPlaces(change.after, server).map(({ name }) => rowKey({ holder: holderOf(change.after?.grantee ?? ''), stored: name }))
        : [],
    ),
  );

/** Rows that a plan would remove and cannot. */
const blockedRows = (changes: readonly Change[], { server }: AccessState): ReadonlySet<string> =>
  new Set(
    changes.flatMap((change) =>
      change.kind === 'grant' && change.before && change.blocked !== undefined
        ? grantPlaces(change.before, server).map(({ name }) => rowKey({ holder: holderOf(change.before?.grantee ?? ''), stored: name }))
        : [],
    ),
  );

/** Schemas on which a row counts that is new for the user: changed, or of a role that became active. */
const comingSchemas = (was: Asker, is: Asker, rows: ReadonlySet<string>): readonly string[] => {
  const had = new Set([was.own, ...was.roles, ...was.others].map(({ holdings }) => holdings.name));
  const sources = [is.own, ...is.roles, ...is.others, ...is.publics];
  const mode = was.pooled !== is.pooled;
  // With a role MySQL looks at no other account's rows.
  const foreign = mode && was.others.length > 0 ? was.state.schemas.filter((schema) => schemaRows(was, schema).length > 0) : [];
  const coming = sources.flatMap(({ holdings }) =>
    [...holdings.schemas.keys()].flatMap((stored) => {
      if (!mode && had.has(holdings.name) && !rows.has(rowKey({ holder: holdings.name, stored }))) return [];
      const literal = literalOf(stored, is.state.server);
      return literal === null
        ? is.state.schemas.filter((schema) => schemaRows(is, schema).some((row) => row.stored === stored))
        : [literal];
    }),
  );
  return [...foreign, ...coming];
};

/** What a row still gives, and the user has no more, as other rows count. */
const lostOn = (user: string, was: Asker, is: Asker, schema: string): readonly Shadow[] => {
  const [had, has] = [effectiveAccess(was, { kind: 'schema', schema }), effectiveAccess(is, { kind: 'schema', schema })];
  const counting = schemaRows(is, schema);
  const names = new Set([is.own, ...is.roles, ...is.others, ...is.publics].map(({ holdings }) => holdings.name));
  return schemaRows(was, schema).flatMap((row): Shadow[] => {
    const holder = row.source.holdings.name;
    if (!names.has(holder) || counting.some((one) => one.stored === row.stored && one.source.holdings.name === holder)) return [];
    const words = [...(is.state.holdings.get(holder)?.schemas.get(row.stored) ?? [])].filter((word) => had.has(word) && !has.has(word));
    return words.length > 0 ? [shadow('lost', user, schema, words, rowOf(was, row), is, counting)] : [];
  });
};

/** What a row that is added gives, and the user does not get. */
const uselessOn = (user: string, is: Asker, schema: string, rows: ReadonlySet<string>): readonly Shadow[] => {
  const counting = schemaRows(is, schema);
  const has = effectiveAccess(is, { kind: 'schema', schema });
  return [is.own, ...is.roles].flatMap((source): Shadow[] =>
    [...source.holdings.schemas].flatMap(([stored, given]) => {
      const holder = source.holdings.name;
      if (literalOf(stored, is.state.server) !== schema || !rows.has(rowKey({ holder, stored }))) return [];
      if (counting.some((one) => one.stored === stored && one.source.holdings.name === holder)) return [];
      const words = [...given].filter((word) => !has.has(word));
      return words.length > 0 ? [shadow('useless', user, schema, words, { holder, stored, schema }, is, counting)] : [];
    }),
  );
};

const shadow = (
  kind: Shadow['kind'],
  user: string,
  schema: string,
  words: readonly string[],
  hidden: Row,
  is: Asker,
  counting: readonly SchemaRow[],
): Shadow => ({
  kind,
  user,
  schema,
  words: [...words].map((word) => (word === GRANT_OPTION ? 'the grant option' : word)).sort(byCodeUnit),
  hidden,
  counts: counting.map((row) => rowOf(is, row)),
  foreign: is.others.some(({ holdings }) => holdings.name === hidden.holder),
});

/** So many users are named. */
const SHOWN = 3;

const findingOf = ({ kind, schema, words, hidden, counts }: Shadow, users: readonly string[], stuck: boolean): Finding => {
  const named = users.slice(0, SHOWN).map((user) => `'${user}'`);
  const who = `${named.join(', ')}${users.length > SHOWN ? ` and ${users.length - SHOWN} more` : ''}`;
  const what = `${words.join(', ')} on schema ${nameKey(schema)}`;
  const other = counts.map(rowText).join(' and ');
  if (kind === 'useless')
    return {
      severity: 'warning',
      code: 'access/shadowed',
      message: `${who} would not get ${what}: of the grants that match the schema ${other} counts, and not ${rowText(hidden)}`,
      hint: `take ${other} away, or grant the same there`,
    };
  return {
    severity: stuck ? 'warning' : 'error',
    code: 'access/shadowed',
    message:
      counts.length === 0
        ? `${who} would lose ${what}: with an active role grants to other accounts do not count, such as ${rowText(hidden)}`
        : `${who} would lose ${what}: of the grants that match the schema ${other} counts then, and no longer ${rowText(hidden)}`,
    hint: `grant ${words.join(', ')} on schema ${nameKey(schema)} as well${counts.length === 0 ? '' : `, or take ${rowText(hidden)} away`}`,
  };
};

const rowText = ({ holder, stored, schema }: Row): string =>
  schema === null ? `the one on pattern \`${stored}\` to '${holder}'` : `the one on ${nameKey(schema)} to '${holder}'`;
