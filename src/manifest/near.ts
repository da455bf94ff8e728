/** The candidate that the word was probably meant to be, if one is near. */
export const nearest = (word: string, candidates: Iterable<string | undefined>): string | undefined => {
  let best: string | undefined;
  let least = Math.min(Math.max(1, Math.floor(word.length / 3)) + 1, word.length);
  for (const candidate of candidates) {
    if (candidate === undefined || Math.abs(candidate.length - word.length) >= least) continue;
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase(), least);
    if (distance >= least) continue;
    best = candidate;
    least = distance;
    if (distance === 0) break;
  }
  return best;
};

/** `did you mean 'x'?`, as the hint of a finding; nothing where no candidate is near. */
export const didYouMean = (word: string, candidates: Iterable<string | undefined>): { readonly hint?: string } => {
  const near = nearest(word, candidates);
  return near === undefined ? {} : { hint: `did you mean '${near}'?` };
};

/** Insertions, deletions, replacements and swaps of neighbours between two words; gives up at `limit`. */
const editDistance = (a: string, b: string, limit: number): number => {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? before[j - 2]! + 1 : replaced;
      row.push(Math.min(replaced, swapped, last[j]! + 1, row[j - 1]! + 1));
    }
    if (Math.min(...row) >= limit) return limit;
    before = last;
    last = row;
  }
  return last[b.length]!;
};
