import type { ObjectKind, ObjectSet, Privileges } from '../model/access.ts';
import { byCodeUnit, distinct } from '../model/key.ts';
import { partName, roleName } from './escape.ts';
import { count, join, listed, literal, type Phrase, plain, plural, say } from './phrase.ts';

const NOUNS: Readonly<Record<ObjectKind, readonly [one: string, many: string]>> = {
  global: ['server', 'servers'],
  database: ['database', 'databases'],
  schema: ['schema', 'schemas'],
  pattern: ['schema pattern', 'schema patterns'],
  table: ['table', 'tables'],
  column: ['column', 'columns'],
  sequence: ['sequence', 'sequences'],
  routine: ['routine', 'routines'],
  function: ['function', 'functions'],
  procedure: ['procedure', 'procedures'],
  type: ['type', 'types'],
  language: ['language', 'languages'],
  foreign_data_wrapper: ['foreign-data wrapper', 'foreign-data wrappers'],
  foreign_server: ['foreign server', 'foreign servers'],
  tablespace: ['tablespace', 'tablespaces'],
  large_object: ['large object', 'large objects'],
  parameter: ['parameter', 'parameters'],
  proxy: ['account', 'accounts'],
};

/** `1 table`, `14 tables`. */
export const objectCount = (kind: ObjectKind, value: number): string => plural(value, ...NOUNS[kind]);

/** `tables`, `foreign-data wrappers`. */
export const objectNoun = (kind: ObjectKind): string => NOUNS[kind][1];

/** Path of an object as a selector would write it: `orders.sales."odd name"`. */
export const objectPath = (...parts: readonly (string | null | undefined)[]): Phrase =>
  literal(parts.flatMap((part) => (part === null || part === undefined ? [] : [partName(part)])).join('.'));

/** A routine's name comes quoted where it must be, with its argument types as the server says them; a large object's is a number. */
const namePath = (kind: ObjectKind, ...parts: readonly (string | null)[]): Phrase => {
  const last = parts.at(-1) ?? '';
  if (kind === 'proxy') return [{ name: roleName(last) }];
  const bare = kind === 'large_object' || (kind === 'routine' && last.endsWith(')'));
  if (!bare) return objectPath(...parts);
  const place = objectPath(...parts.slice(0, -1));
  return place.length > 0 && plain(place) !== '' ? say`${place}.${literal(last)}` : literal(last);
};

/** How many names are said before the rest is counted. */
const NAMED = 3;

/**
 * Sets of one kind as one phrase: `table orders.sales.items`, `14 tables in orders.sales (a, b, c, 11 more)`,
 * `140 tables in 12 schemas of orders (audit, public, sales, 9 more)`.
 */
export const objectsPhrase = (sets: readonly ObjectSet[]): Phrase => {
  const kind = sets[0]?.kind ?? 'table';
  // There is one of it, and this is what everybody calls it.
  if (kind === 'global') return literal('*.*');
  const places = placesOf(sets);
  const [first] = places;
  if (!first) return [objectNoun(kind)];
  const total = places.reduce((sum, place) => sum + place.names.length, 0);
  if (places.length === 1) return inOnePlace(kind, first, total);
  const databases = distinct(places.map((place) => place.database ?? ''));
  const schemas = distinct(places.map((place) => JSON.stringify([place.database, place.schema])));
  if (kind === 'column')
    return say`${[objectCount(kind, total)]} of ${listed(
      places.map((place) => placePath(place)),
      NAMED,
    )}`;
  if (databases.length > 1 && schemas.length > NAMED) {
    return say`${[objectCount(kind, total)]} in ${[plural(databases.length, 'database')]} (${listed(
      databases.map((name) => objectPath(name)),
      NAMED,
    )})`;
  }
  if (schemas.length <= NAMED)
    return say`${[objectCount(kind, total)]} in ${listed(
      places.map((place) => placePath(place)),
      NAMED,
    )}`;
  const names = listed(
    places.map((place) => objectPath(place.schema)),
    NAMED,
  );
  const of = first.database === null ? [] : say` of ${objectPath(first.database)}`;
  return say`${[objectCount(kind, total)]} in ${[plural(places.length, 'schema')]}${of} (${names})`;
};

/** As `objectsPhrase`, where only the first names and the number are known. */
export const countedPhrase = (set: ObjectSet, total: number): Phrase =>
  total <= set.names.length ? objectsPhrase([set]) : inOnePlace(set.kind, { ...set, schema: set.schema, names: set.names }, total);

type Place = Pick<ObjectSet, 'database' | 'schema' | 'relation' | 'names'>;

const placesOf = (sets: readonly ObjectSet[]): Place[] => {
  const places = new Map<string, { place: ObjectSet; names: Set<string> }>();
  for (const set of sets) {
    const key = JSON.stringify([set.database, set.schema, set.relation ?? null]);
    const known = places.get(key);
    if (known) for (const name of set.names) known.names.add(name);
    else places.set(key, { place: set, names: new Set(set.names) });
  }
  return [...places.entries()]
    .sort(([a], [b]) => byCodeUnit(a, b))
    .map(([, { place, names }]) => ({ ...place, names: [...names].sort(byCodeUnit) }));
};

const placePath = (place: Place): Phrase => objectPath(place.database, place.schema, place.relation);

const inOnePlace = (kind: ObjectKind, place: Place, total: number): Phrase => {
  const [noun] = NOUNS[kind];
  const [only] = place.names;
  const nowhere = place.database === null && place.schema === null;
  if (kind === 'column' && total <= NAMED) {
    const columns = join(
      place.names.map((name) => objectPath(name)),
      ', ',
    );
    return say`${[total === 1 ? 'column' : 'columns']} ${columns} of ${placePath(place)}`;
  }
  if (total === 1 && only !== undefined) return say`${[noun]} ${namePath(kind, place.database, place.schema, only)}`;
  const shown = place.names.slice(0, total <= NAMED + 1 ? total : NAMED).map((name) => namePath(kind, name));
  const rest = total - shown.length;
  const names = [...join(shown, ', '), ...(rest > 0 ? [`${shown.length > 0 ? ', ' : ''}${count(rest)} more`] : [])];
  if (nowhere) return say`${[objectCount(kind, total)]} (${names})`;
  return say`${[objectCount(kind, total)]} ${[kind === 'column' ? 'of' : 'in']} ${placePath(place)} (${names})`;
};

/** `SELECT, UPDATE`, `SELECT with grant option`, `grant option for SELECT`; words with `*` carry the grant option. */
export const privilegesPhrase = (privileges: Privileges): Phrase => {
  const options = privileges.filter((word) => word.endsWith('*')).map((word) => word.slice(0, -1));
  const words = privileges.filter((word) => !word.endsWith('*'));
  const both = words.filter((word) => options.includes(word));
  const without = words.filter((word) => !options.includes(word));
  const only = options.filter((word) => !words.includes(word));
  const parts: Phrase[] = [];
  // A row of MySQL that holds the option and nothing that it could be for.
  if (words.length === 1 && words[0] === OPTION_ALONE && options.length === 0) return ['the grant option'];
  if (without.length > 0) parts.push(literal(without.join(', ')));
  if (both.length > 0) parts.push(say`${literal(both.join(', '))} with grant option`);
  if (only.length > 0) parts.push(say`the grant option for ${literal(only.join(', '))}`);
  return join(parts, ' and ');
};

const OPTION_ALONE = 'GRANT OPTION';

/** The atoms of a list of privileges: `SELECT*` is SELECT and its grant option. */
export const atoms = (privileges: Privileges): string[] =>
  distinct(
    privileges.flatMap((word) => (word === `${OPTION_ALONE}*` ? [OPTION_ALONE] : word.endsWith('*') ? [word.slice(0, -1), word] : [word])),
  );
