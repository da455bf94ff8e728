import { pathKey } from '../../model/key.ts';

/**
 * A key that is the same for every way to write the same argument types: `int, varchar(20)[]` and `integer, character varying[]`.
 * Types without a schema are pg_catalog's, as with search_path = pg_catalog. undefined: these are no types.
 */
export const signatureKey = (args: string): string | undefined => {
  const keys: string[] = [];
  for (const tokens of listed(tokensOf(args))) {
    const key = typeKey(tokens);
    if (key === undefined) return undefined;
    keys.push(key);
  }
  return keys.join(', ');
};

/** Words that SQL has for types, beside the names that pg_type has for them (PostgreSQL manual, "Data Types"). */
const WORDS: Readonly<Record<string, string>> = {
  int: 'int4',
  integer: 'int4',
  smallint: 'int2',
  bigint: 'int8',
  real: 'float4',
  float: 'float8',
  'double precision': 'float8',
  decimal: 'numeric',
  dec: 'numeric',
  boolean: 'bool',
  char: 'bpchar',
  character: 'bpchar',
  nchar: 'bpchar',
  'national char': 'bpchar',
  'national character': 'bpchar',
  'char varying': 'varchar',
  'character varying': 'varchar',
  'nchar varying': 'varchar',
  'national char varying': 'varchar',
  'national character varying': 'varchar',
  'bit varying': 'varbit',
  'time without time zone': 'time',
  'time with time zone': 'timetz',
  'timestamp without time zone': 'timestamp',
  'timestamp with time zone': 'timestamptz',
};

/** Precision up to which `float(n)` is a float4. */
const SINGLE = 24;

const tokensOf = (text: string): string[] => text.match(/"(?:[^"]|"")*"|[\p{L}_][\p{L}\p{N}_$]*|\d+|\S/gu) ?? [];

/** Cut at the commas that are in no parentheses. */
const listed = (tokens: readonly string[]): string[][] => {
  if (tokens.length === 0) return [];
  const items: string[][] = [[]];
  let depth = 0;
  for (const token of tokens) {
    if (token === '(') depth++;
    if (token === ')') depth--;
    if (token === ',' && depth === 0) items.push([]);
    else items.at(-1)!.push(token);
  }
  return items;
};

/** One type: names with dots, or words, with a modifier that says nothing about which routine is meant. */
const typeKey = (tokens: readonly string[]): string | undefined => {
  const text = tokens.join(' ');
  const array = /( ARRAY( \[ \d+ \])?|( \[( \d+)? \])+)$/i;
  const element = text.replace(array, '');
  const modifier = / \( ([^()]*) \)/.exec(element)?.[1];
  const key = nameKeyOf(element.replace(/ \( [^()]* \)/, ''), modifier);
  return key === undefined || element === text ? key : `${key}[]`;
};

const NAME = '("(?:[^"]|"")+"|[\\p{L}_][\\p{L}\\p{N}_$]*)';
const ALONE = new RegExp(`^${NAME}$`, 'u');
const WITHIN = new RegExp(`^${NAME} \\. ${NAME}$`, 'u');

const nameKeyOf = (text: string, modifier: string | undefined): string | undefined => {
  const [, schema, type] = WITHIN.exec(text) ?? [];
  if (type !== undefined) return pathKey(folded(schema!), folded(type));
  if (text.startsWith('"')) return ALONE.test(text) ? pathKey('pg_catalog', folded(text)) : undefined;
  const words = text.toLowerCase();
  if (words === 'float' && modifier !== undefined && Number(modifier) <= SINGLE) return pathKey('pg_catalog', 'float4');
  const known = Object.hasOwn(WORDS, words) ? WORDS[words] : /^interval\b/.test(words) ? 'interval' : undefined;
  return known === undefined && !ALONE.test(words) ? undefined : pathKey('pg_catalog', known ?? words);
};

/** As the server reads an identifier: quoted as it stands, bare in lower case (ASCII only). */
const folded = (name: string): string =>
  name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
