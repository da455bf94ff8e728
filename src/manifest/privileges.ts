import type { ObjectKind, Privileges } from '../model/access.ts';
import { byCodeUnit, distinct } from '../model/key.ts';
import { PRIVILEGES } from '../model/privilege.ts';
import type { Path } from './content.ts';
import { didYouMean } from './near.ts';
import { readMysqlWord } from './privileges-mysql.ts';
import type { Context } from './view.ts';

const SYNONYMS: Readonly<Record<string, string>> = { TEMP: 'TEMPORARY', 'ALL PRIVILEGES': 'ALL' };

/** A privilege word in normal form, or why it is none. */
export type ReadWord = { readonly word: string } | { readonly problem: string; readonly hint?: string };

/** Privilege words of one kind in normal form: known, upper-case, in order, `*` for the grant option. ALL swallows the rest. */
export const readPrivileges = (
  words: readonly string[],
  kind: ObjectKind,
  grantable: boolean,
  path: Path,
  { entry: { engine }, report }: Pick<Context, 'entry' | 'report'>,
): Privileges => {
  const read = words.flatMap((written, index) => {
    const found = engine === 'postgres' ? readWord(written, kind) : readMysqlWord(written, kind, engine);
    if ('word' in found) return found.word;
    const { problem, ...hint } = found;
    report('unknown-privilege', problem, [...path, index], hint);
    return [];
  });
  return (read.includes('ALL') ? ['ALL'] : distinct(read)).map((word) => (grantable ? `${word}*` : word));
};

const readWord = (written: string, kind: ObjectKind): ReadWord => {
  const known = PRIVILEGES[kind].map(({ word }) => word);
  const upper = written.trim().replace(/\s+/g, ' ').toUpperCase();
  const word = SYNONYMS[upper] ?? upper;
  if (word === 'ALL' || known.includes(word)) return { word };
  const problem = `privilege '${written}' is unknown for ${kind.replaceAll('_', ' ')}s, expected ${known.length > 1 ? 'one of ' : ''}${known.join(', ')}`;
  return { problem, ...didYouMean(upper, [...known, 'ALL']) };
};

/** Both together; a grant option on either side stays. ALL must not be mixed with words. */
export const unite = (a: Privileges, b: Privileges): Privileges => {
  const together = new Set([...a, ...b]);
  return [...together].filter((word) => !together.has(`${word}*`)).sort(byCodeUnit);
};
