import { OBJECT_KINDS, type ObjectSet } from '../model/access.ts';
import { byCodeUnit } from '../model/key.ts';
import type { AccessItem } from '../model/plan.ts';
import { placeKey } from './places.ts';

/** The two halves of a difference in access. */
export type Sides = { readonly gains: readonly AccessItem[]; readonly loses: readonly AccessItem[] };

/** Collects what was found object row by object row: rows of one place, with the same privileges by the same path, become one item. */
export type Items = {
  readonly add: (
    what: 'privileges' | 'ownership',
    on: ObjectSet,
    names: readonly string[],
    privileges: readonly string[],
    via: readonly string[],
  ) => void;
  readonly list: () => readonly AccessItem[];
};

/** So many objects of an item are named. */
const NAMED = 3;

/** An empty collection. */
export const createItems = (): Items => {
  const found = new Map<string, { item: AccessItem; names: string[]; count: number }>();
  return {
    add: (what, on, names, privileges, via) => {
      const sorted = [...privileges].sort(byCodeUnit);
      const key = `${what}\n${placeKey(on)}\n${sorted.join()}\n${via.join('\0')}`;
      const known = found.get(key);
      const first = firstOf(names);
      if (known) {
        known.names = firstOf([...known.names, ...first]);
        known.count += names.length;
      } else found.set(key, { item: itemOf(what, on, sorted, via), names: first, count: names.length });
    },
    list: () => [...found.values()].map(({ item, names, count }) => ({ ...item, names, count })).sort(byWeight),
  };
};

/** Login and roles before objects; then by place. */
export const byWeight = (a: AccessItem, b: AccessItem): number => byCodeUnit(weightOf(a), weightOf(b));

const weightOf = ({ what, kind, database, schema, relation, names, privileges, via }: AccessItem): string =>
  [
    ['login', 'role', 'ownership', 'privileges'].indexOf(what),
    database ?? '',
    String.fromCharCode(0x61 + (kind ? OBJECT_KINDS.indexOf(kind) : 0)),
    schema ?? '',
    relation ?? '',
    privileges.join(),
    via.join('\0'),
    names.join('\0'),
  ].join('\u0001');

const itemOf = (
  what: AccessItem['what'],
  { kind, database, schema, relation }: ObjectSet,
  privileges: readonly string[],
  via: readonly string[],
): AccessItem => ({
  what,
  privileges,
  kind,
  database,
  schema,
  ...(relation === undefined ? {} : { relation }),
  names: [],
  count: 0,
  via,
});

/** The first names by code unit, without sorting all of a long list. */
const firstOf = (names: readonly string[]): string[] => {
  if (names.length <= NAMED) return [...names].sort(byCodeUnit);
  let first = names.slice(0, NAMED).sort(byCodeUnit);
  for (const name of names.slice(NAMED)) if (name < (first.at(-1) ?? '')) first = [...first.slice(0, -1), name].sort(byCodeUnit);
  return first;
};
