import type { ObjectKind } from '../model/access.ts';
import type { Part } from '../model/declared.ts';
import { accountsOn, referredAccounts, referredName } from './accounts.ts';
import { type Address, literalName, parseSelector } from './address.ts';
import type { KindKey, ObjectsEntry, Path } from './content.ts';
import { didYouMean } from './near.ts';
import { type Context, onlyDatabase } from './view.ts';

/** The objects that one selector of a grant selects, and where it stands. */
export type Selected = {
  readonly kind: ObjectKind;
  readonly database: Part | null;
  readonly schema: Part | null;
  readonly name: Part | null;
  readonly selector: string;
  readonly path: Path;
};

type KindEntry = {
  readonly kind: ObjectKind;
  /** What holds the objects. */
  readonly within: 'schema' | 'database' | 'server';
  /** Left out: PostgreSQL, MySQL and MariaDB. */
  readonly only?: 'postgres' | 'mysql';
};

/** Each key's kind. */
const KINDS: Readonly<Record<KindKey, KindEntry>> = {
  tables: { kind: 'table', within: 'schema' },
  sequences: { kind: 'sequence', within: 'schema', only: 'postgres' },
  routines: { kind: 'routine', within: 'schema' },
  functions: { kind: 'function', within: 'schema', only: 'mysql' },
  procedures: { kind: 'procedure', within: 'schema', only: 'mysql' },
  types: { kind: 'type', within: 'schema', only: 'postgres' },
  schemas: { kind: 'schema', within: 'database' },
  schema: { kind: 'schema', within: 'database' },
  languages: { kind: 'language', within: 'database', only: 'postgres' },
  foreign_data_wrappers: { kind: 'foreign_data_wrapper', within: 'database', only: 'postgres' },
  foreign_servers: { kind: 'foreign_server', within: 'database', only: 'postgres' },
  large_objects: { kind: 'large_object', within: 'database', only: 'postgres' },
  databases: { kind: 'database', within: 'server', only: 'postgres' },
  tablespaces: { kind: 'tablespace', within: 'server', only: 'postgres' },
  parameters: { kind: 'parameter', within: 'server', only: 'postgres' },
  global: { kind: 'global', within: 'server', only: 'mysql' },
  accounts: { kind: 'proxy', within: 'server', only: 'mysql' },
};
const KEYS = Object.keys(KINDS) as KindKey[];

/** The keys of an entry that name a kind of object. */
export const kindKeys = (entry: ObjectsEntry): KindKey[] => KEYS.filter((key) => entry[key] !== undefined);

/** The kind that a key names. */
export const kindOf = (key: KindKey): ObjectKind => KINDS[key].kind;

/** What the selectors under one key select on the target; what is wrong is reported. */
export const selectObjects = (
  entry: ObjectsEntry & { readonly database?: string },
  key: KindKey,
  path: Path,
  context: Context,
): Selected[] => {
  const { kind, within } = KINDS[key];
  if (kind === 'proxy') return proxied(entry, path, context);
  const database = within === 'server' ? serverWide(entry, key, path, context) : databaseOf(entry, path, context);
  if (database === undefined) return [];
  if (kind === 'global') return [{ kind, database: null, schema: null, name: null, selector: '*.*', path: [...path, key] }];
  return written(entry, key, path).flatMap(([selector, place]): Selected[] => {
    const parts = partsOf(selector, key, place, context);
    if (!parts || isEverybodys(parts[0]!, place, context)) return [];
    if (kind === 'database')
      return managed(parts[0]!, place, context) ? [{ kind, database: parts[0]!, schema: null, name: null, selector, path: place }] : [];
    if (kind === 'schema') return [{ kind, database, schema: parts[0]!, name: null, selector, path: place }];
    return [{ kind, database, schema: parts.length > 1 ? parts[0]! : null, name: parts.at(-1)!, selector, path: place }];
  });
};

/** Whether the engine has the kind of object that a key names. */
export const onEngine = (key: KindKey, path: Path, { content, entry: { engine }, target, report }: Context): boolean => {
  const { only } = KINDS[key];
  if (only === undefined || (only === 'postgres') === (engine === 'postgres')) return true;
  const message = `'${key}' are for ${only === 'postgres' ? 'PostgreSQL' : 'MySQL and MariaDB'}, and target '${target}' is ${engine}`;
  report('grant-kind', key === 'global' ? message.replace(' are ', ' is ') : message, [...path, key], kindHint(key, content), 'key');
  return false;
};

const kindHint = (key: KindKey, { targets }: Context['content']): { readonly hint?: string } => {
  if (key === 'databases') return { hint: 'what MySQL calls a database is a schema here: write schemas' };
  if (key === 'functions' || key === 'procedures') return { hint: 'write routines' };
  const mixed = new Set(Object.values(targets).map(({ engine }) => engine === 'postgres')).size > 1;
  return mixed ? { hint: 'write grants for one target alone: targets: { NAME: { grants: […] } }' } : {};
};

/** Accounts that others may act as; a declared user stands for all of its accounts. */
const proxied = (entry: ObjectsEntry, path: Path, context: Context): Selected[] =>
  written(entry, 'accounts', path).flatMap(([selector, place]) =>
    (knownAccount(selector, place, context) ? referredAccounts(selector, context) : []).map((text) => ({
      kind: 'proxy',
      database: null,
      schema: null,
      name: { text, literal: true },
      selector,
      path: place,
    })),
  );

/** A declared user or group, an account of one, or one that lives on the server. */
const knownAccount = (name: string, place: Path, context: Context): boolean => {
  const { content, has, report } = context;
  const declared = [...Object.keys(content.users ?? {}), ...Object.keys(content.groups ?? {})];
  const existing = (content.existing ?? []).flatMap((one) => (one === undefined ? [] : [one]));
  const accounts = new Set([...existing.map((one) => referredName(one, context)), ...accountsOn(context)]);
  if (declared.includes(name) || has('users', name) || has('groups', name) || accounts.has(referredName(name, context))) return true;
  const near = didYouMean(name, [...declared, ...existing]);
  const hint = near.hint === undefined ? { hint: `declare it, or list it under 'existing' when it lives on the server` } : near;
  report('unknown-role', `account '${name}' is used here, and nothing declares it`, place, hint);
  return false;
};

/** Objects of a profile's grant in one schema. */
export const selectInSchema = (
  entry: ObjectsEntry,
  key: KindKey,
  path: Path,
  place: { readonly database: Part | null; readonly schema: Part },
  context: Context,
): Selected[] => {
  if (KINDS[key].kind === 'schema') return [{ kind: 'schema', ...place, name: null, selector: '', path: [...path, key] }];
  return written(entry, key, path).flatMap(([selector, at]) => {
    const address = parseAddress(selector, key, context);
    const problem =
      'problem' in address
        ? address.problem
        : address.parts.length === 1
          ? undefined
          : `it has ${address.parts.length} parts, a profile's selector has one`;
    if (problem !== undefined || 'problem' in address) {
      context.report('selector', `selector '${selector}': ${problem}`, at);
      return [];
    }
    return [{ kind: KINDS[key].kind, ...place, name: address.parts[0]!, selector, path: at }];
  });
};

/** true: the schema is one that MySQL and MariaDB grant nothing on, and that has been reported. */
export const isEverybodys = ({ text }: Part, place: Path, { entry: { engine }, report }: Context): boolean => {
  if (engine === 'postgres' || text.toLowerCase() !== 'information_schema') return false;
  report('selector', `'${text}' is everybody's: it shows each user what that user may see, and nothing can be granted on it`, place, {
    hint: 'leave it out',
  });
  return true;
};

/** The selectors under a key, each with its place. */
const written = (entry: ObjectsEntry, key: KindKey, path: Path): [selector: string, place: Path][] => {
  const value = entry[key];
  if (Array.isArray(value)) return value.map((selector, index) => [String(selector), [...path, key, index]]);
  return [[String(value), [...path, key]]];
};

/** Routines of PostgreSQL may carry argument types; MySQL has one of a name. */
const parseAddress = (selector: string, key: KindKey, { content, entry: { engine } }: Context): Address => {
  if (KINDS[key].within === 'schema' && engine !== 'postgres' && key !== 'tables' && selector.endsWith(')'))
    return { problem: `${engine} has no argument types, expected the name alone` };
  return parseOnce(selector, key === 'routines', content);
};

const known = new WeakMap<Context['content'], Map<string, Address>>();

/** Ten thousand users are granted the same tables: what one selector says is one value. */
const parseOnce = (selector: string, routine: boolean, content: Context['content']): Address => {
  const addresses = known.get(content) ?? new Map<string, Address>();
  known.set(content, addresses);
  const key = routine ? `${selector}()` : selector;
  const found = addresses.get(key) ?? parseSelector(selector, routine);
  addresses.set(key, found);
  return found;
};

const partsOf = (selector: string, key: KindKey, place: Path, context: Context): readonly Part[] | undefined => {
  const { report, entry: server } = context;
  // their names have no case, and the catalog keeps them in lower case
  if (key === 'parameters') return [{ text: selector.toLowerCase(), literal: true }];
  const address = parseAddress(selector, key, context);
  if ('problem' in address) {
    report('selector', `selector '${selector}': ${address.problem}`, place);
    return undefined;
  }
  const expected = KINDS[key].within === 'schema' ? 2 : 1;
  if (address.parts.length === expected) return address.parts;
  const form = expected === 2 ? `schema.${KINDS[key].kind}` : KINDS[key].kind.replaceAll('_', ' ');
  const hint =
    address.parts.length > expected && expected === 2 && server.engine === 'postgres'
      ? { hint: `the database is written beside it: database: ${address.parts[0]!.text}` }
      : {};
  report(
    'selector',
    `selector '${selector}' has ${address.parts.length} part${address.parts.length > 1 ? 's' : ''}, expected the form ${form}`,
    place,
    hint,
  );
  return undefined;
};

/** Null where the kind belongs to the whole server; undefined where a database is written none the less. */
const serverWide = (entry: { readonly database?: string }, key: KindKey, path: Path, { report }: Context): null | undefined => {
  if (entry.database === undefined) return null;
  report('database', `'${key}' belong to the whole server, found database '${entry.database}'`, [...path, 'database'], {
    hint: `leave 'database' out`,
  });
  return undefined;
};

/** The database of an entry: written, or the only one of the target; null where the engine has none, undefined for a mistake. */
export const databaseOf = (entry: { readonly database?: string }, path: Path, context: Context): Part | null | undefined => {
  const { target, report } = context;
  if (context.entry.engine !== 'postgres') {
    if (entry.database === undefined) return null;
    report('database', `'database' is for PostgreSQL, and target '${target}' is ${context.entry.engine}`, [...path, 'database'], {
      hint: 'MySQL addresses are schema.object',
    });
    return undefined;
  }
  const name = entry.database ?? onlyDatabase(context.entry);
  if (name === undefined) {
    report(
      'database',
      `no 'database' is given, and target '${target}' manages ${context.entry.databases ? 'several' : 'every one'}`,
      path,
      { hint: 'add database: NAME' },
    );
    return undefined;
  }
  const address = parseSelector(name);
  const place = entry.database === undefined ? path : [...path, 'database'];
  if ('problem' in address || address.parts.length !== 1) {
    report('selector', `'${name}' is no database: ${'problem' in address ? address.problem : 'it has several parts'}`, place, {
      hint: `a name with a dot is written '"${name}"'`,
    });
    return undefined;
  }
  return managed(address.parts[0]!, place, context) ? address.parts[0] : undefined;
};

/** Whether the target manages the database that a part names; a pattern is matched when the server is read. */
export const managed = (part: Part, place: Path, { entry: { databases }, target, report }: Context): boolean => {
  const name = literalName(part);
  if (name === undefined || databases === undefined || databases.includes(name)) return true;
  report(
    'unknown-database',
    `database '${name}' is none of target '${target}', which manages ${databases.join(', ')}`,
    place,
    didYouMean(name, databases),
  );
  return false;
};
