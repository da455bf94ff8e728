import type { ObjectKind } from '../model/access.ts';
import { dynamicWords, type Flavour, type MysqlLevel, mysqlLevel, mysqlWord, mysqlWords } from '../model/privilege-mysql.ts';
import { didYouMean } from './near.ts';
import type { ReadWord } from './privileges.ts';

const NAMES: Readonly<Record<MysqlLevel, string>> = {
  global: 'the whole server',
  schema: 'schemas',
  table: 'tables',
  column: 'columns',
  routine: 'routines',
  proxy: 'accounts',
};

/** What is around a level, from near to far. */
const WIDER: Readonly<Record<MysqlLevel, readonly MysqlLevel[]>> = {
  column: ['table', 'schema', 'global'],
  table: ['schema', 'global'],
  routine: ['schema', 'global'],
  schema: ['global'],
  global: [],
  proxy: [],
};

const ENGINES: Readonly<Record<Flavour, string>> = { mysql: 'MySQL', mariadb: 'MariaDB' };

/**
 * A privilege word of MySQL or MariaDB for a kind of object. In quotes it is a dynamic privilege that a plugin brings, which only
 * the server knows.
 */
export const readMysqlWord = (written: string, kind: ObjectKind, flavour: Flavour): ReadWord => {
  const level = mysqlLevel(kind) ?? 'table';
  const own = /^"([A-Za-z][A-Za-z_]*)"$/.exec(written.trim())?.[1];
  if (own !== undefined && level === 'global' && flavour === 'mysql') return { word: own.toUpperCase() };
  const word = mysqlWord(written, flavour);
  if (word === 'ALL') return all(level);
  const known = wordsOf(level, flavour);
  if (known.includes(word)) return { word };
  return { problem: problem(written, word, level, flavour, known), ...hint(word, level, flavour, known) };
};

const wordsOf = (level: MysqlLevel, flavour: Flavour): readonly string[] => [
  ...mysqlWords(level, flavour),
  ...(level === 'global' && flavour === 'mysql' ? dynamicWords() : []),
];

const all = (level: MysqlLevel): ReadWord => {
  if (level === 'proxy') return { problem: `privilege 'all' is unknown for accounts, expected PROXY` };
  if (level !== 'global') return { word: 'ALL' };
  return {
    problem: `'all' for the whole server is another set of privileges on each version, SUPER and FILE among them`,
    hint: 'write the privileges, or grant all on schemas',
  };
};

const problem = (written: string, word: string, level: MysqlLevel, flavour: Flavour, known: readonly string[]): string => {
  if (word === 'GRANT OPTION') return `'${written}' is no privilege of its own here, expected 'grantable: true'`;
  if (word === 'USAGE') return `privilege '${written}' means none at all on ${ENGINES[flavour]}`;
  const expected = level === 'global' ? '' : `, expected ${known.length > 1 ? 'one of ' : ''}${known.join(', ')}`;
  return `privilege '${written}' is unknown for ${NAMES[level]} (${flavour})${expected}`;
};

const hint = (word: string, level: MysqlLevel, flavour: Flavour, known: readonly string[]): { readonly hint?: string } => {
  if (word === 'GRANT OPTION') return { hint: 'it holds for all privileges of the grant together' };
  if (word === 'USAGE') return { hint: 'leave it out' };
  const wider = WIDER[level].find((one) => wordsOf(one, flavour).includes(word));
  if (wider !== undefined) return { hint: `it is a privilege on ${NAMES[wider]}${wider === 'global' ? ': global: true' : ''}` };
  const other = flavour === 'mysql' ? 'mariadb' : 'mysql';
  if (wordsOf(level, other).includes(word)) return { hint: `it is a privilege of ${ENGINES[other]}` };
  const near = didYouMean(word, [...known, ...(level === 'global' || level === 'proxy' ? [] : ['ALL'])]);
  if (near.hint !== undefined) return near;
  return level === 'global' && flavour === 'mysql' ? { hint: `one that a plugin brings is written in quotes: '"${word}"'` } : {};
};
