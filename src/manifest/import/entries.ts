import type { Path } from '../content.ts';
import { didYouMean } from '../near.ts';
import { isRecord } from '../source.ts';

/** Says what is wrong at a place of the JSON. */
export type Tell = (
  severity: 'error' | 'warning' | 'note',
  slug: string,
  message: string,
  path: Path,
  hint?: { readonly hint?: string },
  part?: 'key' | 'value',
) => void;

/** One user, what is left out filled in as that tool fills it in. */
export type UserEntry = {
  readonly username: string;
  readonly password: string;
  readonly groups: readonly string[];
  readonly privileges: readonly string[];
  readonly databases: readonly string[];
  readonly enabled: boolean;
  readonly description: string;
  readonly auth_method: string;
  readonly iam_role: string;
  readonly can_login: boolean;
  readonly connection_limit: number;
};

/** One group, likewise. */
export type GroupEntry = Pick<UserEntry, 'privileges' | 'databases' | 'description'> & {
  readonly name: string;
  readonly inherit: boolean;
};

/** A `switch` lets somebody in: where it is left out, that is told. */
type Kind = 'text' | 'texts' | 'flag' | 'switch' | 'count';

const USER: Readonly<Record<keyof UserEntry, Kind>> = {
  username: 'text',
  password: 'text',
  groups: 'texts',
  privileges: 'texts',
  databases: 'texts',
  enabled: 'switch',
  description: 'text',
  auth_method: 'text',
  iam_role: 'text',
  can_login: 'switch',
  connection_limit: 'count',
};

const GROUP: Readonly<Record<keyof GroupEntry, Kind>> = {
  name: 'text',
  privileges: 'texts',
  databases: 'texts',
  description: 'text',
  inherit: 'flag',
};

/** Reads the whole file: every key is known, every value has its type; null where that is not so. */
export const readEntries = (
  value: unknown,
  tell: Tell,
): { readonly users: readonly UserEntry[]; readonly groups: readonly GroupEntry[] } | null => {
  if (!isRecord(value)) {
    tell('error', 'type', `the file is ${kindOf(value)}, expected a map with users and groups`, []);
    return null;
  }
  checkKeys(value, ['users', 'groups'], 'the file', [], tell);
  if (value.users === undefined && value.groups === undefined) tell('error', 'missing', `the file has neither 'users' nor 'groups'`, []);
  return {
    users: readList<UserEntry>(value.users, 'users', USER, 'username', tell),
    groups: readList<GroupEntry>(value.groups, 'groups', GROUP, 'name', tell),
  };
};

const readList = <E extends object>(
  value: unknown,
  section: string,
  kinds: Readonly<Record<keyof E, Kind>>,
  name: keyof E & string,
  tell: Tell,
): readonly E[] => {
  // Go writes an empty list as null
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) {
    tell('error', 'type', `'${section}' is ${kindOf(value)}, expected a list`, [section]);
    return [];
  }
  return value.map((entry, index) => readEntry<E>(entry, kinds, name, [section, index], tell));
};

const readEntry = <E extends object>(
  entry: unknown,
  kinds: Readonly<Record<keyof E, Kind>>,
  name: keyof E & string,
  path: Path,
  tell: Tell,
): E => {
  const known: Readonly<Record<string, Kind>> = kinds;
  const written: Record<string, unknown> = isRecord(entry) ? entry : Object.create(null);
  const subject = `'${path[0]}[${path[1]}]'`;
  if (!isRecord(entry)) tell('error', 'type', `${subject} is ${kindOf(entry)}, expected a map`, path);
  else if (written[name] === undefined || written[name] === null || written[name] === '')
    tell('error', 'missing', `${subject} has no '${name}'`, path);
  checkKeys(written, Object.keys(known), subject, path, tell);
  const read = Object.entries(known).map(([key, kind]) => [key, readValue(written[key], kind, [...path, key], tell)]);
  return Object.fromEntries(read) as E;
};

const checkKeys = (value: Record<string, unknown>, known: readonly string[], subject: string, path: Path, tell: Tell): void => {
  for (const key of Object.keys(value)) {
    if (known.includes(key)) continue;
    const near = didYouMean(key, known);
    const hint = near.hint ? near : { hint: `known keys: ${known.join(', ')}` };
    tell('error', 'unknown-key', `unknown key '${key}' in ${subject}`, [...path, key], hint, 'key');
  }
};

/** Left out and null are empty, false and 0, as in Go. */
const EMPTY: Readonly<Record<Kind, unknown>> = { text: '', texts: [], flag: false, switch: false, count: 0 };

const EXPECTED: Readonly<Record<Kind, string>> = {
  text: 'text',
  texts: 'a list of text',
  flag: 'true or false',
  switch: 'true or false',
  count: 'a whole number',
};

const readValue = (value: unknown, kind: Kind, path: Path, tell: Tell): unknown => {
  const subject = `'${path.slice(2).join('.')}' of '${path[0]}[${path[1]}]'`;
  if (value === undefined || value === null) {
    if (kind === 'switch')
      tell('warning', 'left-out', `${subject} is left out, which postgres-user-manager reads as false: no login`, path, {
        hint: `write "${path.at(-1)}": true or false`,
      });
    return EMPTY[kind];
  }
  if (isOf(value, kind)) return value;
  const items = kind === 'texts' && Array.isArray(value) ? value : undefined;
  const index = items?.findIndex((item) => typeof item !== 'string');
  const [place, found, expected] =
    index === undefined ? [path, value, EXPECTED[kind]] : ([[...path, index], items![index], EXPECTED.text] as const);
  tell(
    'error',
    'type',
    `${index === undefined ? subject : `'${place.slice(2).join('.')}' of '${path[0]}[${path[1]}]'`} is ${kindOf(found)}, expected ${expected}`,
    place,
  );
  return EMPTY[kind];
};

const isOf = (value: unknown, kind: Kind): boolean => {
  switch (kind) {
    case 'text':
      return typeof value === 'string';
    case 'texts':
      return Array.isArray(value) && value.every((item) => typeof item === 'string');
    case 'flag':
    case 'switch':
      return typeof value === 'boolean';
    case 'count':
      return Number.isSafeInteger(value);
  }
};

const kindOf = (value: unknown): string => {
  if (value === null || value === undefined) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (isRecord(value)) return 'a map';
  return typeof value === 'string' ? 'text' : typeof value === 'boolean' ? 'true or false' : 'a number';
};
