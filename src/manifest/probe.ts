import type { ObjectKind } from '../model/access.ts';
import type { Part } from '../model/declared.ts';
import { PRIVILEGES } from '../model/privilege.ts';
import { OWN, type Probe } from '../model/proof.ts';
import { parseSelector } from './address.ts';
import type { Path } from './content.ts';
import { didYouMean } from './near.ts';
import { managed } from './objects.ts';
import { readMysqlProbe } from './probe-mysql.ts';
import type { Context } from './view.ts';

/** How SQL calls the kinds of object before their names. */
const KEYWORDS: Readonly<Record<string, ObjectKind>> = {
  table: 'table',
  view: 'table',
  sequence: 'sequence',
  function: 'routine',
  procedure: 'routine',
  routine: 'routine',
  type: 'type',
  domain: 'type',
  schema: 'schema',
  database: 'database',
  language: 'language',
  'foreign data wrapper': 'foreign_data_wrapper',
  'foreign server': 'foreign_server',
  tablespace: 'tablespace',
  'large object': 'large_object',
  parameter: 'parameter',
};
const KEYWORD = new RegExp(`^(${Object.keys(KEYWORDS).join('|').replaceAll(' ', '\\s+')})\\s+(.+)$`, 'is');
const PROBE = /^\s*([a-z]+(?:\s+(?!on\s)[a-z]+)*)\s*(?:\(([^()]*)\))?\s+on\s+(.+?)\s*$/is;

const FORM = 'PRIVILEGE on OBJECT, own on OBJECT, or login';
const WITHIN_SCHEMA: ReadonlySet<ObjectKind> = new Set(['table', 'sequence', 'routine', 'type']);

type Tried = Pick<Probe, 'privilege' | 'kind' | 'schema' | 'name' | 'columns'>;

/** `insert on public.orders`, `update (status) on public.tickets`, `usage on schema public`, `own on function s.f(integer)`. */
export const readProbe = (text: string, place: Path, context: Context): Tried | undefined => {
  if (context.entry.engine !== 'postgres') return readMysqlProbe(text, place, context);
  const { report } = context;
  const found = PROBE.exec(text);
  if (!found) {
    const hint = didYouMean(text.trim(), ['login']);
    report('expect', `'${text}' is none of ${FORM}`, place, hint.hint ? hint : { hint: 'such as: insert on public.orders' });
    return undefined;
  }
  const privilege = wordOf(found[1]!);
  const columns = (found[2] ?? '').split(',').flatMap((name) => (name.trim() === '' ? [] : [columnOf(name.trim())]));
  const [, keyword, named] = KEYWORD.exec(found[3]!) ?? [];
  const selector = named ?? found[3]!;
  const said = keyword === undefined ? undefined : KEYWORDS[keyword.toLowerCase().replace(/\s+/g, ' ')]!;
  const parts = partsOf(selector, said, privilege, place, context);
  if (!parts) return undefined;
  const kind = said ?? kindOf(privilege, selector, parts.length);
  if (!knows(privilege, columns.length > 0 ? 'column' : kind, text, place, context)) return undefined;
  if (columns.length > 0 && kind !== 'table') {
    report('expect', `'${text}': columns are of tables`, place);
    return undefined;
  }
  const expected = kind === null || WITHIN_SCHEMA.has(kind) ? 2 : 1;
  if (parts.length !== expected) {
    const form = expected === 2 ? 'schema.object' : `${(kind ?? 'object').replaceAll('_', ' ')} NAME`;
    const hint =
      parts.length > expected && expected === 2 ? { hint: `the database is written beside it: database: ${parts[0]!.text}` } : {};
    report('selector', `'${selector}' has ${parts.length} part${parts.length > 1 ? 's' : ''}, expected the form ${form}`, place, hint);
    return undefined;
  }
  if (kind === 'database' && !managed(parts[0]!, place, context)) return undefined;
  return { privilege, kind, schema: parts.length > 1 ? parts[0]! : null, name: parts.at(-1)!, columns };
};

const SYNONYMS: Readonly<Record<string, string>> = { TEMP: 'TEMPORARY' };

const wordOf = (written: string): string => {
  const upper = written.trim().replace(/\s+/g, ' ').toUpperCase();
  return SYNONYMS[upper] ?? upper;
};

const columnOf = (name: string): string => /^"((?:[^"]|"")+)"$/.exec(name)?.[1]?.replaceAll('""', '"') ?? name;

const partsOf = (
  selector: string,
  said: ObjectKind | undefined,
  privilege: string,
  place: Path,
  { report }: Context,
): readonly Part[] | undefined => {
  if (said === 'parameter' || PARAMETER.has(privilege)) return [{ text: selector, literal: true }];
  const address = parseSelector(selector, said === 'routine' || privilege === 'EXECUTE' || selector.endsWith(')'));
  if (!('problem' in address)) return address.parts;
  report('selector', `selector '${selector}': ${address.problem}`, place);
  return undefined;
};

const PARAMETER = new Set(['SET', 'ALTER SYSTEM']);

/** The kind that a privilege is usually meant for; null: a sequence or a type, whichever it is. */
const kindOf = (privilege: string, selector: string, parts: number): ObjectKind | null => {
  if (privilege === 'CONNECT' || privilege === 'TEMPORARY') return 'database';
  if (PARAMETER.has(privilege)) return 'parameter';
  if (privilege === 'EXECUTE' || selector.endsWith(')')) return 'routine';
  if (privilege === 'CREATE' || (parts === 1 && (privilege === 'USAGE' || privilege === OWN))) return 'schema';
  return privilege === 'USAGE' ? null : 'table';
};

const knows = (privilege: string, kind: ObjectKind | null, text: string, place: Path, { report }: Context): boolean => {
  if (privilege === OWN && kind !== 'column' && kind !== 'parameter') return true;
  const known = (kind === null ? ['USAGE'] : PRIVILEGES[kind].map(({ word }) => word)) as readonly string[];
  if (known.includes(privilege)) return true;
  const every = [...new Set(Object.values(PRIVILEGES).flatMap((words) => words.map(({ word }) => word)))];
  const near = every.includes(privilege) ? {} : didYouMean(privilege, [...known, ...every, OWN]);
  const what = kind === null ? 'sequence or type' : kind.replaceAll('_', ' ');
  report(
    'unknown-privilege',
    `'${text}': privilege '${privilege}' is unknown for ${what}s, expected one of ${known.join(', ')}`,
    place,
    near,
  );
  return false;
};
