import type { Asker, Source } from './access-asker.ts';
import type { Place } from './access-effective.ts';
import { placeKey } from './access-effective.ts';
import { type Holdings, literalOf, NO_WORDS, type TableRow, type Words } from './access-rows.ts';
import type { AccessState } from './access-state.ts';
import { coversSchema } from './patterns.ts';

/** Places on which something may differ between two holdings (null: nothing there), each once. */
export const touchedPlaces = (states: readonly AccessState[], before: Holdings | null, after: Holdings | null): readonly Place[] => {
  if (before === after) return [];
  const found = new Map<string, Place>();
  const add = (place: Place): void => {
    found.set(placeKey(place), place);
  };
  if (!alike(before?.global, after?.global)) {
    add({ kind: 'global' });
    // What is restricted differs there.
    for (const schema of [...(before?.restrictions.keys() ?? []), ...(after?.restrictions.keys() ?? [])]) add({ kind: 'schema', schema });
  }
  for (const stored of differing(before?.schemas, after?.schemas, alike))
    for (const schema of coveredSchemas(states, stored)) add({ kind: 'schema', schema });
  for (const schema of differing(before?.restrictions, after?.restrictions, alike)) add({ kind: 'schema', schema });
  for (const key of differing(before?.tables, after?.tables, alikeRows)) {
    for (const place of tablePlaces(key, before?.tables.get(key), after?.tables.get(key))) add(place);
  }
  for (const key of differing(before?.routines, after?.routines, alike)) add(routinePlace(key));
  for (const name of differing(before?.proxies, after?.proxies, alike)) add({ kind: 'proxy', name });
  return [...found.values()];
};

/** Every place that a row of the account is on: all may differ when rows are put together in another way. */
export const ownPlaces = (states: readonly AccessState[], { own, others }: Asker): readonly Place[] => {
  const list: readonly Source[] = [own, ...others];
  const rows = list.reduce((sum, { holdings }) => sum + holdings.schemas.size, 0);
  const found: Place[] = [];
  // One row on schemas, and no other account's, counts either way.
  if (rows > 1 || own.holdings.restrictions.size > 0)
    for (const { holdings } of list) found.push(...touchedPlaces(states, null, { ...holdings, tables: new Map(), routines: new Map() }));
  for (const { holdings } of others) found.push(...touchedPlaces(states, null, { ...holdings, schemas: new Map() }));
  return found;
};

const alike = (a: Words = NO_WORDS, b: Words = NO_WORDS): boolean => a === b || (a.size === b.size && [...a].every((word) => b.has(word)));
const alikeRows = (a?: TableRow, b?: TableRow): boolean =>
  a === b || (alike(a?.words, b?.words) && differing(a?.columns, b?.columns, alike).length === 0);

const differing = <V>(
  before: ReadonlyMap<string, V> | undefined,
  after: ReadonlyMap<string, V> | undefined,
  same: (a?: V, b?: V) => boolean,
): string[] => {
  if (before === after) return [];
  const keys = [...(before?.keys() ?? [])].filter((key) => !same(before?.get(key), after?.get(key)));
  return [...keys, ...[...(after?.keys() ?? [])].filter((key) => !before?.has(key))];
};

/** Existing schemas that a Db covers; the one that it names, existing or not. */
const coveredSchemas = ([state, other]: readonly AccessState[], stored: string): readonly string[] => {
  if (!state) return [];
  const literal = literalOf(stored, state.server);
  if (literal !== null) return [literal];
  return (other ?? state).schemas.filter((schema) => coversSchema(stored, schema, state.server.partialRevokes));
};

const tablePlaces = (key: string, before?: TableRow, after?: TableRow): readonly Place[] => {
  const [schema = '', name = ''] = key.split('\0');
  const columns = differing(before?.columns, after?.columns, alike);
  return [
    ...(alike(before?.words, after?.words) ? [] : [{ kind: 'table', schema, name } as const]),
    ...columns.map((column) => ({ kind: 'column', schema, relation: name, name: column }) as const),
  ];
};

const routinePlace = (key: string): Place => {
  const [kind, schema = '', name = ''] = key.split('\0');
  return { kind: kind === 'function' ? 'function' : 'procedure', schema, name };
};
