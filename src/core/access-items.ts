import { OBJECT_KINDS, type ObjectKind, type ObjectSet } from '../model/access.ts';
import { byCodeUnit } from '../model/key.ts';
import type { AccessItem } from '../model/plan.ts';

/** The two halves of a difference in access. */
export type Sides = { readonly gains: readonly AccessItem[]; readonly loses: readonly AccessItem[] };

/**
 * Collects what was found object row by object row: rows of one place, with the same privileges by the same path, become
 * one item; from so many places on (`MANY`) all of a database do, and only their number is told (`names` is empty then).
 */
export type Items = {
  /** `place` is `placeOf(on)`. */
  readonly add: (
    what: 'privileges' | 'ownership',
    on: ObjectSet,
    place: string,
    names: readonly string[],
    privileges: readonly string[],
    via: readonly string[],
  ) => void;
  readonly list: () => readonly AccessItem[];
};

/** So many objects of an item are named. */
const NAMED = 3;

/** From so many schemas (or tables, for columns) on, they are no longer told apart. */
const MANY = 20;

type Collected = { readonly item: AccessItem; readonly names: readonly string[]; readonly count: number };
/** Items that differ by place only. */
type Alike = { readonly on: ObjectSet; readonly places: Map<string, Collected> };

/** An empty collection. */
export const createItems = (): Items => {
  const found = new Map<string, Alike>();
  return {
    add: (what, on, place, names, privileges, via) => {
      const words = privileges.length > 1 ? [...privileges].sort(byCodeUnit) : privileges;
      const key = `${what}\0${on.database ?? ''}\0${KIND_ORDER[on.kind]}\0${words.join()}\0${via.join('\0')}`;
      const alike = found.get(key) ?? { on, places: new Map<string, Collected>() };
      found.set(key, alike);
      const known = alike.places.get(place);
      const first = firstOf(names);
      alike.places.set(place, {
        item: known?.item ?? itemOf(what, on, words, via),
        names: known ? firstOf([...known.names, ...first]) : first,
        count: (known?.count ?? 0) + names.length,
      });
    },
    list: () =>
      [...found]
        .flatMap(([key, alike]) =>
          [...(alike.places.size < MANY ? alike.places : together(alike))].map(([place, collected]) => ({ key, place, ...collected })),
        )
        .sort((a, b) => byCodeUnit(orderOf(a.item), orderOf(b.item)) || byCodeUnit(a.place, b.place) || byCodeUnit(a.key, b.key))
        .map(({ item, names, count }) => ({ ...item, names, count })),
  };
};

/** The place within a database, as a key that sorts. */
export const placeOf = (on: Pick<ObjectSet, 'schema' | 'relation'> | null): string => `${on?.schema ?? ''}\0${on?.relation ?? ''}`;

const together = ({ places }: Alike): readonly (readonly [place: string, collected: Collected])[] => {
  const all = [...places.values()];
  return all
    .slice(0, 1)
    .map(
      ({ item: { relation: _, ...item } }) =>
        ['', { item: { ...item, schema: null }, names: [], count: all.reduce((sum, { count }) => sum + count, 0) }] as const,
    );
};

/** Ownership before privileges; databases, and kinds within them, together. */
const orderOf = ({ what, database, kind }: AccessItem): string => `${what}\0${database ?? ''}\0${kind ? KIND_ORDER[kind] : ''}`;

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
