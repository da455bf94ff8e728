import { distinct } from '../model/key.ts';

/** The first few of a list, sorted, and how many more: `'a', 'b' and 3 more`. */
export const named = (names: Iterable<string>, first = 3): string => {
  const sorted = distinct(names).map((name) => `'${name}'`);
  const more = sorted.length - first;
  if (more > 1) return `${sorted.slice(0, first).join(', ')} and ${more} more`;
  return sorted.length < 2 ? sorted.join('') : `${sorted.slice(0, -1).join(', ')} and ${sorted.at(-1)}`;
};
