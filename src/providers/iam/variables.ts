import { ANY, type Glob, globOf, ONE } from './glob.ts';

/** What can be said from here: `maybe` hangs on something that only the request itself knows. */
export type Truth = 'yes' | 'no' | 'maybe';

/** Keys of a request about an identity: a value, null where the request has none, undefined where that cannot be known. Keys have no case. */
export type Context = (key: string) => string | null | undefined;

/** All of them. */
export const and = (truths: readonly Truth[]): Truth => (truths.includes('no') ? 'no' : truths.includes('maybe') ? 'maybe' : 'yes');

/** At least one of them. */
export const or = (truths: readonly Truth[]): Truth => (truths.includes('yes') ? 'yes' : truths.includes('maybe') ? 'maybe' : 'no');

/** The opposite; what is not known stays so. */
export const not = (truth: Truth): Truth => (truth === 'yes' ? 'no' : truth === 'no' ? 'yes' : 'maybe');

/**
 * A text with `${key}`, `${key, 'default'}`, `${*}`, `${?}` and `${$}` put in: what stands in a value is never a pattern.
 * 'unset': a key has no value, so that it matches nothing; 'unknown': its value is not known here. Without `variables`
 * (a document of 2008) `${` is text.
 */
export const resolve = (text: string, variables: boolean, context: Context): Glob | 'unset' | 'unknown' => {
  if (!variables || !text.includes('${')) return globOf(text);
  const glob: Glob[number][] = [];
  let unset = false;
  let unknown = false;
  // every second piece is the inside of a variable
  for (const [index, piece] of text.split(/\$\{([^}]*)\}/).entries()) {
    const value = index % 2 === 0 ? globOf(piece) : resolvedTo(piece, context);
    if (value === null) unset = true;
    else if (value === undefined) unknown = true;
    else glob.push(...value);
  }
  return unset ? 'unset' : unknown ? 'unknown' : glob;
};

/** The text itself, where no character of it is a pattern. */
export const literal = (glob: Glob): string => glob.map((token) => (token === ANY ? '*' : token === ONE ? '?' : token)).join('');

const resolvedTo = (inside: string, context: Context): Iterable<string> | null | undefined => {
  if (/^[*?$]$/.test(inside)) return inside;
  const [key = '', fallback] = inside.split(/, (?='.*'$)/s);
  const value = context(key.trim());
  return value === null && fallback !== undefined ? fallback.slice(1, -1) : value;
};
