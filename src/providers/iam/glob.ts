/** Any run of characters, and any one character. */
export const ANY = 0;
export const ONE = 1;
/** A pattern, taken apart: single characters that stand for themselves, and the two that do not. */
export type Glob = readonly (string | typeof ANY | typeof ONE)[];

/** `*` and `?` as IAM reads them in actions, resources and conditions. */
export const globOf = (pattern: string): Glob =>
  Array.from(pattern, (character) => (character === '*' ? ANY : character === '?' ? ONE : character));

/** Whether a pattern covers a text; the time it takes does not explode with the number of stars. */
export const covers = (pattern: string | Glob, text: string): boolean => {
  const glob = typeof pattern === 'string' ? globOf(pattern) : pattern;
  let [g, t, star, resume] = [0, 0, -1, 0];
  while (t < text.length) {
    if (glob[g] === ANY) [star, resume, g] = [g, t, g + 1];
    else if (g < glob.length && (glob[g] === ONE || glob[g] === text[t])) [g, t] = [g + 1, t + 1];
    else if (star >= 0) [g, resume, t] = [star + 1, resume + 1, resume + 1];
    else return false;
  }
  while (glob[g] === ANY) g++;
  return g === glob.length;
};

/** Whether a text is a pattern, and so may cover more than one. */
export const isPattern = (text: string): boolean => /[*?]/.test(text);
