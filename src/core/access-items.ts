import { OBJECT_KINDS, type ObjectKind, type ObjectSet } from '../model/access.ts';
import { byCodeUnit } from '../model/key.ts';
import type { AccessItem } from '../model/plan.ts';

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
  const found = new Map<string, { item: AccessItem; names: readonly string[]; count: number }>();
  return {
    add: (what, on, names, privileges, via) => {
      const words = [...privileges].sort(byCodeUnit);
      const key = weightOf(what, on, words, via);
      const known = found.get(key);
      const first = firstOf(names);
      if (known) {
        known.names = firstOf([...known.names, ...first]);
        known.count += names.length;
      } else found.set(key, { item: itemOf(what, on, words, via), names: first, count: names.length });
    },
    list: () => [...found].sort(([a], [b]) => byCodeUnit(a, b)).map(([, { item, names, count }]) => ({ ...item, names, count })),
  };
};

/** Ownership before privileges; then by place. Also what tells items apart. */
const weightOf = (
  what: AccessItem['what'],
  { kind, database, schema, relation }: ObjectSet,
  words: readonly string[],
  via: readonly string[],
): string => `${what}\0${database ?? ''}\0${KIND_ORDER[kind]}\0${schema ?? ''}\0${relation ?? ''}\0${words.join()}\0${via.join('\0')}`;

const KIND_ORDER = Object.fromEntries(OBJECT_KINDS.map((kind, index) => [kind, String.fromCharCode(0x61 + index)])) as Record<
  ObjectKind,
  string
>;

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

/** The first names by code unit. Lists of names are shared by everybody concerned: each is looked through once. */
const firstOf = (names: readonly string[]): readonly string[] => {
  let first = firsts.get(names);
  if (!first) {
    first = names.length <= NAMED ? [...names].sort(byCodeUnit) : names.reduce(withName, [] as readonly string[]);
    firsts.set(names, first);
  }
  return first;
};
const firsts = new WeakMap<readonly string[], readonly string[]>();

const withName = (first: readonly string[], name: string): readonly string[] =>
  first.length === NAMED && name >= (first[NAMED - 1] ?? '') ? first : [...first, name].sort(byCodeUnit).slice(0, NAMED);
