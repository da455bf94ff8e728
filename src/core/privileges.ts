import type { Privileges } from '../model/access.ts';
import { byCodeUnit } from '../model/key.ts';

/** The word without its grant option. */
export const wordOf = (privilege: string): string => (privilege.endsWith('*') ? privilege.slice(0, -1) : privilege);
export const grantable = (privilege: string): boolean => privilege.endsWith('*');

/** Privileges by word, each with its grant option. */
export const byWord = (privileges: Privileges): Map<string, boolean> =>
  new Map(privileges.map((privilege) => [wordOf(privilege), grantable(privilege)]));

/** The canonical form of words with grant options. */
export const privilegesOf = (words: Iterable<readonly [word: string, grantable: boolean]>): Privileges =>
  [...words].map(([word, option]) => (option ? `${word}*` : word)).sort(byCodeUnit);

/** Both together; a grant option on either side stays. */
export const union = (a: Privileges, b: Privileges): Privileges => {
  if (a.length === 0) return b;
  if (b.length === 0) return a;
  const words = byWord(a);
  for (const privilege of b) words.set(wordOf(privilege), grantable(privilege) || words.get(wordOf(privilege)) === true);
  return privilegesOf(words);
};

/** What of `a` is within `b`, word and option alike. */
export const intersection = (a: Privileges, b: Privileges): Privileges => {
  const allowed = byWord(b);
  return privilegesOf(
    [...byWord(a)].filter(([word]) => allowed.has(word)).map(([word, option]) => [word, option && allowed.get(word) === true] as const),
  );
};

/** What of `a` is beyond `b`: words that `b` lacks, and words whose grant option `b` lacks. */
export const difference = (a: Privileges, b: Privileges): Privileges => {
  const held = byWord(b);
  return a.filter((privilege) => !held.has(wordOf(privilege)) || (grantable(privilege) && held.get(wordOf(privilege)) === false));
};

export const samePrivileges = (a: Privileges, b: Privileges): boolean =>
  a.length === b.length && a.every((privilege, index) => privilege === b[index]);
