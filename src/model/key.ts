/** Compares by code unit: the one order of every list that is shown, hashed or sent. */
export const byCodeUnit = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** A name as keys and messages show it: bare when it is plain (a role may be called PUBLIC, which is not), otherwise double-quoted with `"` doubled. */
export const nameKey = (name: string): string =>
  /^[A-Za-z_][A-Za-z0-9_$-]*$/.test(name) && name !== 'PUBLIC' ? name : `"${name.replaceAll('"', '""')}"`;

/** Dotted, collision-free key of a path of names: `orders.public."odd name"`. */
export const pathKey = (...names: readonly string[]): string => names.map(nameKey).join('.');

/** Sorted copy of the distinct values. */
export const distinct = (values: Iterable<string>): string[] => [...new Set(values)].sort(byCodeUnit);
