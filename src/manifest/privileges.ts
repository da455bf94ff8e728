import type { ObjectKind, Privileges } from '../model/access.ts';
import { byCodeUnit, distinct } from '../model/key.ts';
import { PRIVILEGES } from '../model/privilege.ts';
import type { Path } from './content.ts';
import { didYouMean } from './near.ts';
import type { Report } from './view.ts';

const SYNONYMS: Readonly<Record<string, string>> = { TEMP: 'TEMPORARY', 'ALL PRIVILEGES': 'ALL' };

/** Privilege words of one kind in normal form: known, upper-case, in order, `*` for the grant option. ALL swallows the rest. */
export const readPrivileges = (words: readonly string[], kind: ObjectKind, grantable: boolean, path: Path, report: Report): Privileges => {
  const known = PRIVILEGES[kind].map(({ word }) => word);
  const read = words.flatMap((written, index) => {
    const upper = written.trim().replace(/\s+/g, ' ').toUpperCase();
    const word = SYNONYMS[upper] ?? upper;
    if (word === 'ALL' || known.includes(word)) return word;
    const message = `privilege '${written}' is unknown for ${kind.replaceAll('_', ' ')}s, expected ${known.length > 1 ? 'one of ' : ''}${known.join(', ')}`;
    report('unknown-privilege', message, [...path, index], didYouMean(upper, [...known, 'ALL']));
    return [];
  });
  return (read.includes('ALL') ? ['ALL'] : distinct(read)).map((word) => (grantable ? `${word}*` : word));
};

/** Both together; a grant option on either side stays. ALL must not be mixed with words. */
export const unite = (a: Privileges, b: Privileges): Privileges => {
  const together = new Set([...a, ...b]);
  return [...together].filter((word) => !together.has(`${word}*`)).sort(byCodeUnit);
};
