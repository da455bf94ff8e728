import type { ObjectSet } from '../../model/access.ts';
import { type Asker, type Effective, type SchemaRow, type Source, schemaRows } from './access-asker.ts';
import { bySpecificity } from './access-order.ts';
import { literalOf, NO_WORDS, routineKey, tableKey, type Words } from './access-rows.ts';

/** Something that privileges are held on. `relation`: the table of a column. Of a proxy `name` is the account. */
export type Place =
  | { readonly kind: 'global' }
  | { readonly kind: 'schema'; readonly schema: string }
  | { readonly kind: 'table' | 'function' | 'procedure'; readonly schema: string; readonly name: string }
  | { readonly kind: 'column'; readonly schema: string; readonly relation: string; readonly name: string }
  | { readonly kind: 'proxy'; readonly name: string };

const GLOBAL: Place = { kind: 'global' };

/** The place that gives what it holds to this one. */
export const widerPlace = (place: Place): Place | null => {
  switch (place.kind) {
    case 'global':
    case 'proxy':
      return null;
    case 'schema':
      return GLOBAL;
    case 'table':
    case 'function':
    case 'procedure':
      return { kind: 'schema', schema: place.schema };
    case 'column':
      return { kind: 'table', schema: place.schema, name: place.relation };
  }
};

/** Unambiguous: no name holds a NUL. */
export const placeKey = (place: Place): string => {
  switch (place.kind) {
    case 'global':
      return 'global';
    case 'schema':
      return `schema\0${place.schema}`;
    case 'column':
      return `column\0${place.schema}\0${place.relation}\0${place.name}`;
    case 'proxy':
      return `proxy\0${place.name}`;
    default:
      return `${place.kind}\0${place.schema}\0${place.name}`;
  }
};

/** The place as plans name objects. */
export const objectOf = (place: Place): ObjectSet => {
  switch (place.kind) {
    case 'global':
      return { kind: 'global', database: null, schema: null, names: ['*.*'] };
    case 'schema':
      return { kind: 'schema', database: null, schema: null, names: [place.schema] };
    case 'proxy':
      return { kind: 'proxy', database: null, schema: null, names: [place.name] };
    case 'column':
      return { kind: 'column', database: null, schema: place.schema, relation: place.relation, names: [place.name] };
    default:
      return { kind: place.kind, database: null, schema: place.schema, names: [place.name] };
  }
};

/**
 * What somebody can do on a place, wider levels included (MySQL 8.0 manual, 6.2.7; docs/facts.md has what the manuals leave out).
 * Of several ways the narrowest row is told, the account's own before those of roles.
 */
export const effectiveAccess = (asker: Asker, place: Place): Effective => {
  // Tables, columns and routines are asked for once each; what gives to many is kept.
  if (place.kind !== 'global' && place.kind !== 'schema') return effectiveAt(asker, place);
  const key = place.kind === 'schema' ? place.schema : '';
  const found = asker.known.get(key) ?? effectiveAt(asker, place);
  asker.known.set(key, found);
  return found;
};

const effectiveAt = (asker: Asker, place: Place): Effective => {
  switch (place.kind) {
    case 'global':
      return globalAccess(asker);
    case 'schema':
      return schemaAccess(asker, place.schema);
    case 'proxy':
      return collect([[asker.own, asker.own.holdings.proxies.get(place.name)]]);
    default: {
      const rows = collect(objectRows(asker, place));
      const wider = widerPlace(place);
      return wider ? join(rows, effectiveAccess(asker, wider)) : rows;
    }
  }
};

type Found = readonly [source: Source, words: Words | undefined, stored?: string | undefined];

const collect = (found: readonly Found[]): Map<string, readonly string[]> => {
  const words = new Map<string, readonly string[]>();
  for (const [source, given, stored] of found) {
    let path: readonly string[] | undefined;
    for (const word of given ?? []) {
      if (words.has(word)) continue;
      path ??= pathOf(source, stored);
      words.set(word, path);
    }
  }
  return words;
};

const DIRECT: readonly string[] = ['direct'];

const pathOf = ({ path }: Source, pattern?: string): readonly string[] => {
  if (pattern !== undefined) return [...path, `pattern ${pattern}`];
  return path.length > 0 ? path : DIRECT;
};

const join = (narrow: Effective, wide: Effective): Effective => {
  if (narrow.size === 0) return wide;
  if (wide.size === 0) return narrow;
  const words = new Map(narrow);
  for (const [word, path] of wide) if (!words.has(word)) words.set(word, path);
  return words;
};

const globalAccess = ({ global, roles, publics }: Asker): Effective =>
  collect([global, ...roles, ...publics].map((source) => [source, source.holdings.global]));

const schemaAccess = (asker: Asker, schema: string): Effective => {
  const rows = schemaRows(asker, schema);
  const { server } = asker.state;
  const given = collect(
    rows.map(({ source, stored }) => [
      source,
      source.holdings.schemas.get(stored),
      literalOf(stored, server) === schema ? undefined : stored,
    ]),
  );
  const restricted = restrictedWords(asker, schema, rows);
  const all = join(given, globalAccess(asker));
  if (restricted.size === 0) return all;
  // With an active role a restriction takes what a row on the schema gives as well; without one it takes what is given globally only.
  return new Map([...all].filter(([word]) => !restricted.has(word) || (!asker.pooled && given.has(word))));
};

/**
 * Words that are given globally and not here: restricted for everybody who has them globally, and not given by a row whose Db is the
 * schema's name without `_` and `%` in it: that lifts it where rows are pooled.
 */
const restrictedWords = (asker: Asker, schema: string, rows: readonly SchemaRow[]): Words => {
  const { pooled, own, roles } = asker;
  const list = pooled ? [own, ...roles] : [own];
  if (list.every(({ holdings }) => holdings.restrictions.size === 0)) return NO_WORDS;
  const restricted = new Set(list.flatMap(({ holdings }) => [...(holdings.restrictions.get(schema) ?? [])]));
  if (restricted.size === 0) return restricted;
  for (const { holdings } of list) {
    const here = holdings.restrictions.get(schema);
    for (const word of holdings.global) if (!here?.has(word)) restricted.delete(word);
  }
  if (pooled && !/[_%]/.test(schema)) {
    for (const { source, stored } of rows) {
      if (stored === schema) for (const word of source.holdings.schemas.get(stored) ?? []) restricted.delete(word);
    }
  }
  return restricted;
};

/** Rows on a table, a column of it, or a routine that count; names are literal there. */
const objectRows = (asker: Asker, place: Extract<Place, { readonly schema: string; readonly name: string }>): readonly Found[] => {
  const wordsIn = ({ holdings }: Source): Words | undefined => {
    if (place.kind === 'table') return holdings.tables.get(tableKey(place.schema, place.name))?.words;
    if (place.kind === 'column') return holdings.tables.get(tableKey(place.schema, place.relation))?.columns.get(place.name);
    return holdings.routines.get(routineKey(place.kind, place.schema, place.name));
  };
  const rowIn = ({ holdings }: Source): unknown => {
    if (place.kind === 'function' || place.kind === 'procedure') return wordsIn({ holdings, path: [] });
    return holdings.tables.get(tableKey(place.schema, place.kind === 'column' ? place.relation : place.name));
  };
  const { own, others, roles, publics, pooled, state } = asker;
  const merged = [...roles, ...publics].map((source): Found => [source, wordsIn(source)]);
  if (pooled || rowIn(own)) return [[own, wordsIn(own)], ...merged];
  // The anonymous user's rows on tables and routines count for nobody else.
  const [other] = others
    .filter((source) => source.holdings.user === own.holdings.user && rowIn(source))
    .sort((a, b) => bySpecificity(state.server.flavour, 'host', a.holdings.host, b.holdings.host));
  return other ? [[other, wordsIn(other)], ...merged] : merged;
};
