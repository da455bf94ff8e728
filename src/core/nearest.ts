import { byCodeUnit } from '../model/key.ts';

/** The candidate that a mistyped word was meant to be: at most a third of its letters away; undefined when none is that near. */
export const nearest = (word: string, candidates: Iterable<string>): string | undefined => {
  const limit = Math.max(1, Math.floor(word.length / 3));
  const sought = word.toLowerCase();
  return [...candidates]
    .filter((name) => Math.abs(name.length - word.length) <= limit)
    .map((name) => ({ name, edits: editsBetween(sought, name.toLowerCase()) }))
    .filter(({ edits }) => edits <= limit)
    .sort((a, b) => a.edits - b.edits || byCodeUnit(a.name, b.name))[0]?.name;
};

/** Letters to insert, delete, replace or swap with their neighbour to get from one word to the other. */
const editsBetween = (from: string, to: string): number => {
  let before: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = last[j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1);
      const swapped =
        i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1] ? before[j - 2]! + 1 : Number.POSITIVE_INFINITY;
      row.push(Math.min(last[j]! + 1, row[j - 1]! + 1, replaced, swapped));
    }
    [before, last] = [last, row];
  }
  return last[to.length]!;
};
