import type { ObjectSet, OwnedObjects } from '../model/access.ts';

/** The part of a row that a set of objects covers; `names` is the row's own list where it is all of it. */
export type Portion = { readonly row: OwnedObjects; readonly names: readonly string[] };
/** Where the objects of a set are found, and which of them are nowhere. */
export type Located = { readonly portions: readonly Portion[]; readonly missing: readonly string[] };

/** Rows of objects by their place (kind, database, schema, relation). */
export type Places = {
  readonly at: (place: Place) => readonly OwnedObjects[];
  readonly locate: (set: ObjectSet) => Located;
};
export type Place = Pick<ObjectSet, 'kind' | 'database' | 'schema' | 'relation'>;

/** Map key of a place. No name holds a NUL. */
export const placeKey = ({ kind, database, schema, relation }: Place): string =>
  `${kind}\0${database ?? '\0'}\0${schema ?? '\0'}\0${relation ?? '\0'}`;

/** Indexes rows by place when first asked; names are looked at only in places that are asked for. */
export const createPlaces = (objects: readonly OwnedObjects[]): Places => {
  let indexed: ReadonlyMap<string, readonly OwnedObjects[]> | undefined;
  const rowsAt = (key: string): readonly OwnedObjects[] => {
    indexed ??= rowsByPlace(objects);
    return indexed.get(key) ?? [];
  };
  const names = new Map<string, ReadonlyMap<string, OwnedObjects>>();
  return {
    at: (place) => rowsAt(placeKey(place)),
    locate: (set) => {
      const key = placeKey(set);
      const there = rowsAt(key);
      const whole = there.length <= FEW ? there.find((row) => sameNames(row.names, set.names)) : undefined;
      if (whole) return { portions: [{ row: whole, names: whole.names }], missing: [] };
      let byName = names.get(key);
      if (!byName) {
        byName = new Map(there.flatMap((row) => row.names.map((name) => [name, row] as const)));
        names.set(key, byName);
      }
      return portionsOf(set.names, byName);
    },
  };
};

const rowsByPlace = (objects: readonly OwnedObjects[]): ReadonlyMap<string, readonly OwnedObjects[]> => {
  const rows = new Map<string, OwnedObjects[]>();
  for (const row of objects) {
    const key = placeKey(row);
    const there = rows.get(key);
    if (there) there.push(row);
    else rows.set(key, [row]);
  }
  return rows;
};

/** Up to so many rows of a place are compared as a whole before its names are indexed. */
const FEW = 8;

const sameNames = (a: readonly string[], b: readonly string[]): boolean =>
  a === b || (a.length === b.length && a.every((name, index) => name === b[index]));

const portionsOf = (names: readonly string[], byName: ReadonlyMap<string, OwnedObjects>): Located => {
  const found = new Map<OwnedObjects, string[]>();
  const missing: string[] = [];
  for (const name of names) {
    const row = byName.get(name);
    const portion = row && found.get(row);
    if (!row) missing.push(name);
    else if (portion) portion.push(name);
    else found.set(row, [name]);
  }
  const portions = [...found].map(([row, part]) => ({ row, names: part.length === row.names.length ? row.names : part }));
  return { portions, missing };
};
