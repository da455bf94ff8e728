import type { ObjectKind } from '../model/access.ts';
import type { Part } from '../model/declared.ts';
import { mysqlWord, mysqlWords } from '../model/privilege-mysql.ts';
import { OWN, type Probe } from '../model/proof.ts';
import { parseSelector } from './address.ts';
import type { Path } from './content.ts';
import { didYouMean } from './near.ts';
import { readMysqlWord } from './privileges-mysql.ts';
import type { Context } from './view.ts';

type Tried = Pick<Probe, 'privilege' | 'kind' | 'schema' | 'name' | 'columns'>;

const PROBE =
  /^\s*([a-z_]+(?:\s+(?!on\s)[a-z_]+)*)\s*(?:\(([^()]*)\))?\s+on\s+(?:(table|view|function|procedure|routine|schema|database)\s+)?(\S.*?)\s*$/is;

const KINDS: Readonly<Record<string, ObjectKind>> = {
  table: 'table',
  view: 'table',
  function: 'function',
  procedure: 'procedure',
  routine: 'routine',
  schema: 'schema',
  database: 'schema',
};

const FORM = 'PRIVILEGE on OBJECT, own on OBJECT, or login';

/** `insert on shop.orders`, `update (status) on shop.orders`, `create on shop`, `execute on shop.refund`, `process on *.*`. */
export const readMysqlProbe = (text: string, place: Path, { entry, report }: Context): Tried | undefined => {
  const flavour = entry.engine === 'mariadb' ? 'mariadb' : 'mysql';
  const found = PROBE.exec(text);
  if (!found) {
    const hint = didYouMean(text.trim(), ['login']);
    report('expect', `'${text}' is none of ${FORM}`, place, hint.hint ? hint : { hint: 'such as: insert on shop.orders' });
    return undefined;
  }
  const [, words = '', list = '', keyword, selector = ''] = found;
  const columns = list.split(',').flatMap((name) => (name.trim() === '' ? [] : [columnOf(name.trim())]));
  const address = parseSelector(selector);
  if ('problem' in address) {
    report('selector', `selector '${selector}': ${address.problem}`, place);
    return undefined;
  }
  const { parts } = address;
  const word = mysqlWord(words, flavour);
  const kind = keyword === undefined ? kindOf(word, parts, flavour) : KINDS[keyword.toLowerCase()]!;
  const expected = kind === 'schema' ? 1 : 2;
  if (parts.length !== expected) {
    const form = kind === 'schema' ? 'SCHEMA' : 'schema.object';
    report('selector', `'${selector}' has ${parts.length} part${parts.length > 1 ? 's' : ''}, expected the form ${form}`, place);
    return undefined;
  }
  if (columns.length > 0 && kind !== 'table') {
    report('expect', `'${text}': columns are of tables`, place);
    return undefined;
  }
  if (word !== OWN || columns.length > 0) {
    const read = readMysqlWord(word === OWN ? 'OWN' : words, columns.length > 0 ? 'column' : kind, flavour);
    if ('problem' in read || read.word === 'ALL') {
      const problem = 'problem' in read ? read.problem : "'all' is many privileges, of which each is tried for itself";
      const hint = 'problem' in read && read.hint !== undefined ? { hint: read.hint } : {};
      report('unknown-privilege', `'${text}': ${problem}`, place, hint);
      return undefined;
    }
  }
  return { privilege: word, kind, schema: parts.length > 1 ? parts[0]! : null, name: parts.at(-1)!, columns };
};

/** `*.*` is the whole server, as in SQL; a name alone is a schema. */
const kindOf = (word: string, parts: readonly Part[], flavour: 'mysql' | 'mariadb'): ObjectKind => {
  if (parts.length === 2 && parts.every(({ text, literal }) => text === '*' && !literal)) return 'global';
  if (parts.length === 1) return 'schema';
  return mysqlWords('routine', flavour).includes(word) ? 'routine' : 'table';
};

const columnOf = (name: string): string => /^(["`])(.+)\1$/s.exec(name)?.[2] ?? name;
