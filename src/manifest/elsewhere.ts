import { type Grantee, type ObjectKind, PUBLIC } from '../model/access.ts';
import type { DeclaredDefault, DeclaredPublic } from '../model/declared.ts';
import { distinct } from '../model/key.ts';
import type { DefaultKind } from '../model/state.ts';
import type { DefaultEntry, Path, PublicEntry } from './content.ts';
import { didYouMean } from './near.ts';
import { databaseOf, kindKeys, kindOf, type Selected, selectObjects } from './objects.ts';
import { readPrivileges } from './privileges.ts';
import { type Context, isOn, onlyDatabase } from './view.ts';

const DEFAULT_KINDS: Readonly<Record<DefaultEntry['objects'], DefaultKind>> = {
  tables: 'table',
  sequences: 'sequence',
  routines: 'routine',
  types: 'type',
  schemas: 'schema',
  large_objects: 'large_object',
};

/** Privileges of later objects on the target; what is wrong is reported. */
export const defaultsOn = (context: Context): DeclaredDefault[] =>
  here(context.content.defaults, context).flatMap(([entry, index]) => {
    const path: Path = ['defaults', index];
    const objects = DEFAULT_KINDS[entry.objects];
    const database = defaultDatabase(entry, path, context);
    const createdBy = creators(entry, database, path, context);
    const privileges = readPrivileges(entry.privileges, objects, false, [...path, 'privileges'], context);
    checkSchema(entry, path, context);
    if ((entry.to === undefined) === (entry.from === undefined)) {
      const found = entry.to === undefined ? `neither 'to' nor 'from'` : `both 'to' and 'from'`;
      context.report('default-grantee', `the entry has ${found}, expected one of them`, path);
      return [];
    }
    if (database === undefined || createdBy === undefined) return [];
    const [action, to] = entry.to === undefined ? (['revoke', PUBLIC] as const) : (['grant', granteeOf(entry.to)] as const);
    return [{ action, database, schema: entry.schema ?? null, createdBy, to, objects, privileges, source: context.at(path) }];
  });

/** Kinds whose objects PUBLIC may use as the engine makes them; that is given for the database, not schema by schema. */
const OPEN: ReadonlySet<DefaultEntry['objects']> = new Set(['routines', 'types']);

const checkSchema = ({ schema, objects, from }: DefaultEntry, path: Path, { report }: Context): void => {
  if (schema === undefined) return;
  if (objects === 'schemas' || objects === 'large_objects') {
    report('default-schema', `${objects} stand in no schema, found schema '${schema}'`, [...path, 'schema'], {
      hint: `leave 'schema' out`,
    });
  } else if (from !== undefined && OPEN.has(objects)) {
    const message = `later ${objects} of schema '${schema}' alone cannot be closed to PUBLIC: it gets them for the whole database`;
    report('default-schema', message, [...path, 'schema'], { hint: `leave 'schema' out: that closes them in every schema` });
  }
};

/** Privileges of PUBLIC that are named for the target; what is wrong is reported. */
export const publicsOn = (context: Context): DeclaredPublic[] => {
  const known = new Map<string, DeclaredPublic>();
  return here(context.content.public, context).flatMap(([entry, index]) => {
    const path: Path = ['public', index];
    const selected = publicObjects(entry, path, context);
    const action = entry.grant ? ('grant' as const) : ('revoke' as const);
    if ((entry.grant === undefined) === (entry.revoke === undefined)) {
      context.report(
        'public-action',
        `the entry has ${entry.grant ? 'both' : 'neither'} 'grant' ${entry.grant ? 'and' : 'nor'} 'revoke', expected one of them`,
        path,
      );
      return [];
    }
    if (!selected) return [];
    const privileges = readPrivileges(entry[action]!, selected.kind, false, [...path, action], context);
    return selected.objects.map(({ path: place, ...objects }) => {
      const { kind, database, schema, name, selector } = objects;
      const made = { action, kind, privileges, database, schema, name, selector, source: context.at(place) };
      checkOpposite(made, known, path, context);
      return made;
    });
  });
};

/** One entry grants what another takes from the same objects; where patterns overlap, what is taken is taken. */
const checkOpposite = (made: DeclaredPublic, known: Map<string, DeclaredPublic>, path: Path, { report }: Context): void => {
  const { action, kind, database, schema, name, privileges, selector } = made;
  for (const privilege of privileges) {
    const opposite = action === 'grant' ? 'revoke' : 'grant';
    const place = [kind, database, schema, name, privilege];
    const other = known.get(JSON.stringify([opposite, ...place]));
    known.set(JSON.stringify([action, ...place]), made);
    if (other === undefined) continue;
    const { file, line, column } = other.source;
    report(
      'public-action',
      `${privilege} on '${selector}' is to be ${action === 'grant' ? 'granted to PUBLIC' : 'taken from PUBLIC'} here, and at ${file}:${line}:${column} the other way round`,
      path,
      { hint: 'take one of the two out' },
    );
  }
};

/** What MySQL and MariaDB lack: later objects are covered by privileges on their schema, and nothing here is PUBLIC's. */
export const checkElsewhere = (context: Context): void => {
  const { target, entry: server, report } = context;
  for (const [, index] of here(context.content.defaults, context)) {
    report('engines', `'defaults' are for PostgreSQL, and target '${target}' is ${server.engine}`, ['defaults', index], {
      hint: 'privileges on a schema are for later objects too: grants: [{ privileges: […], schemas: NAME }]',
    });
  }
  for (const [, index] of here(context.content.public, context))
    report('engines', `'public' is for PostgreSQL, and target '${target}' is ${server.engine}`, ['public', index], {
      hint: 'grant to a group instead',
    });
};

/** Whether a role name of `to` means everybody: no role can be called so. */
const granteeOf = (to: string): Grantee => (to === 'public' ? PUBLIC : to);

/** Entries for the target, with their places. */
const here = <E extends { readonly target?: string }>(
  entries: readonly (E | undefined)[] | undefined,
  { content, target }: Context,
): [E, number][] =>
  (entries ?? []).flatMap((entry, index): [E, number][] => {
    const on = entry && isOn(content, entry.target === undefined ? undefined : [entry.target], target);
    return on ? [[entry, index]] : [];
  });

/** Default privileges are kept by database: a pattern names none. */
const defaultDatabase = (entry: DefaultEntry, path: Path, context: Context): string | undefined => {
  if (entry.database === undefined && onlyDatabase(context.entry) !== undefined) return onlyDatabase(context.entry);
  const known = context.entry.databases;
  if (entry.database === undefined) databaseOf(entry, path, context);
  else if (known === undefined || known.includes(entry.database)) return entry.database;
  else {
    const message = `database '${entry.database}' is none of target '${context.target}', which manages ${known.join(', ')}`;
    context.report('unknown-database', message, [...path, 'database'], didYouMean(entry.database, known));
  }
  return undefined;
};

const creators = (entry: DefaultEntry, database: string | undefined, path: Path, context: Context): readonly string[] | undefined => {
  if (entry.created_by) return distinct(entry.created_by);
  if (database === undefined) return undefined;
  const creators = context.entry.defaults_for?.[database];
  if (creators) return distinct(creators);
  const message = `the entry has no 'created_by', and 'defaults_for' of target '${context.target}' says nothing of database '${database}'`;
  context.report('missing', message, path, { hint: 'add created_by: [ROLE]' });
  return undefined;
};

/** Without a kind of object, an entry is about the database itself. */
const publicObjects = (
  entry: PublicEntry,
  path: Path,
  context: Context,
): { readonly kind: ObjectKind; readonly objects: readonly Selected[] } | undefined => {
  const [key, ...others] = kindKeys(entry);
  if (others.length > 0) {
    context.report(
      'grant-kind',
      `the entry names ${[key, ...others].join(' and ')}, expected one kind of object`,
      [...path, others[0]!],
      {},
      'key',
    );
    return undefined;
  }
  if (key !== undefined) return { kind: kindOf(key), objects: selectObjects(entry, key, path, context) };
  const database = databaseOf(entry, path, context);
  if (!database) return undefined;
  return { kind: 'database', objects: [{ kind: 'database', database, schema: null, name: null, selector: database.text, path }] };
};
