import type { ObjectKind, Privileges } from '../model/access.ts';
import type { DeclaredGrant, DeclaredOwnership, Part } from '../model/declared.ts';
import { byCodeUnit, distinct } from '../model/key.ts';
import { hasAccounts } from './accounts.ts';
import { parseSelector } from './address.ts';
import type { GrantEntry, Path, SchemasEntry } from './content.ts';
import { didYouMean } from './near.ts';
import { isEverybodys, kindKeys, kindOf, managed, onEngine, type Selected, selectInSchema, selectObjects } from './objects.ts';
import { readPrivileges, unite } from './privileges.ts';
import { MYSQL_PROFILES, POSTGRES_PROFILES } from './profiles.ts';
import { type Context, enginesOf, isList, type View } from './view.ts';

/** Everything that a role is granted on the target, profiles expanded; what is wrong is reported. */
export const grantsOf = (view: View, context: Context): readonly DeclaredGrant[] => {
  const { read, write, own, use, grants } = view.entry;
  // Most roles are granted nothing but memberships.
  if (!(read || write || own || use || grants)) return [];
  return [
    ...(hasAccounts(context.entry) ? (['read', 'write', 'own'] as const) : (['read', 'write'] as const)).flatMap((profile) =>
      builtIn(view, profile, context),
    ),
    ...ownProfiles(view, context),
    ...direct(view, context),
  ];
};

/** The schemas that a group owns on the target; MySQL has no owners. */
export const ownershipsOf = (view: View, context: Context): readonly DeclaredOwnership[] =>
  hasAccounts(context.entry)
    ? []
    : schemasOf(view.entry.own, view, 'own', view.path('own'), context).map(({ database, schema, selector, path }) => ({
        owner: view.name,
        database: database!,
        schema,
        selector,
        source: context.at(path),
      }));

/** Grants of one grantee on the same objects as one grant with all the privileges, so that nothing is said twice; sorted by what they are about. */
export const mergeGrants = (grants: readonly DeclaredGrant[]): DeclaredGrant[] => {
  if (grants.length < 2) return [...grants];
  const keyed = grants.map((grant) => ({ key: grantKey(grant), grant })).sort((a, b) => byCodeUnit(a.key, b.key));
  const merged: DeclaredGrant[] = [];
  let last = '';
  for (const { key, grant } of keyed) {
    if (key === last) merged.push(together(merged.pop()!, grant));
    else merged.push(grant);
    last = key;
  }
  return merged;
};

/** The lesser text stands for both, so that the order in the file decides nothing. */
const together = (a: DeclaredGrant, b: DeclaredGrant): DeclaredGrant => ({
  ...(byCodeUnit(a.selector, b.selector) <= 0 ? a : b),
  privileges: unite(a.privileges, b.privileges),
});

/**
 * What a grant is about, its privileges aside, as JSON in JSON. ALL stands alone: the server's version decides what it is. Put
 * together by hand, since there may be a hundred thousand of them.
 */
const grantKey = ({ grantee, kind, database, schema, name, columns, profile = '', privileges }: DeclaredGrant): string =>
  `[${quoted(grantee)},${quoted(kind)},[${partKey(database)},${partKey(schema)},${partKey(name)}],${columns === undefined ? '[]' : quoted(columns)},${quoted(profile)},${privileges[0]?.startsWith('ALL') ?? false}]`;

const partKey = (part: Part | null): string =>
  part === null ? 'null' : `[${quoted(part.text)},${part.literal || !part.text.includes('*')}]`;

const quoted = (value: string | readonly string[]): string =>
  typeof value === 'string' && /^[\w.*-]*$/.test(value) ? `\\"${value}\\"` : JSON.stringify(JSON.stringify(value)).slice(1, -1);

/** MySQL and MariaDB address alike. */
const addressForms = (engines: ReadonlySet<string>): ReadonlySet<string> =>
  new Set([...engines].map((engine) => (engine === 'postgres' ? 'database.schema' : 'schema')));

type SchemaPlace = { readonly database: Part | null; readonly schema: Part; readonly selector: string; readonly path: Path };

/** Schemas that a profile is used on, for this target. */
const schemasOf = (
  entry: SchemasEntry | undefined,
  view: View,
  key: 'read' | 'write' | 'own' | 'use',
  path: Path,
  context: Context,
): SchemaPlace[] => {
  if (entry === undefined) return [];
  const { content, target, report } = context;
  if (isList(entry) && !view.overridden(key) && addressForms(enginesOf(content, view.entry.targets)).size > 1) {
    report('engines', `'${key}' of '${view.name}' is a list, but its targets differ in engine`, path, {
      hint: `write a map by target: ${key}: { ${target}: […] }`,
    });
    return [];
  }
  const own = isList(entry) ? entry : (entry[target] ?? []);
  return own.flatMap((selector, index) => schemaPlace(selector, [...path, ...(isList(entry) ? [] : [target]), index], context));
};

const schemaPlace = (selector: string, path: Path, context: Context): SchemaPlace[] => {
  const { entry, report } = context;
  const address = parseSelector(selector);
  const form = entry.engine === 'postgres' ? 'database.schema' : 'schema';
  if ('problem' in address) {
    report('selector', `selector '${selector}': ${address.problem}`, path);
    return [];
  }
  if (address.parts.length !== form.split('.').length) {
    report(
      'selector',
      `selector '${selector}' has ${address.parts.length} part${address.parts.length > 1 ? 's' : ''}, expected the form ${form}`,
      path,
    );
    return [];
  }
  if (hasAccounts(entry))
    return isEverybodys(address.parts[0]!, path, context) ? [] : [{ database: null, schema: address.parts[0]!, selector, path }];
  const [database, schema] = address.parts as [Part, Part];
  return managed(database, path, context) ? [{ database, schema, selector, path }] : [];
};

const EVERY: Part = { text: '*', literal: false };

const builtIn = (view: View, profile: 'read' | 'write' | 'own', context: Context): DeclaredGrant[] =>
  schemasOf(view.entry[profile], view, profile, view.path(profile), context).flatMap(({ database, schema, selector, path }) => {
    const source = context.at(path);
    const grants = hasAccounts(context.entry) ? MYSQL_PROFILES[profile] : POSTGRES_PROFILES[profile as 'read' | 'write'];
    return grants.map(({ kind, privileges }) => ({
      grantee: view.name,
      kind,
      privileges,
      database,
      schema: kind === 'database' ? null : schema,
      name: kind === 'database' || kind === 'schema' ? null : EVERY,
      profile,
      selector,
      source,
    }));
  });

const ownProfiles = (view: View, context: Context): DeclaredGrant[] =>
  Object.entries(view.entry.use ?? {}).flatMap(([profile, schemas]) => {
    const path = [...view.path('use'), profile];
    const entries = context.content.profiles?.[profile];
    if (entries === undefined) {
      if (context.has('profiles', profile)) return [];
      const hint = didYouMean(profile, [...Object.keys(context.content.profiles ?? {}), 'read', 'write', 'own']);
      context.report('unknown-profile', `profile '${profile}' is used by '${view.name}', and nothing declares it`, path, hint, 'key');
      return [];
    }
    return schemasOf(schemas, view, 'use', path, context).flatMap((place) =>
      entries.flatMap((entry, index) => useGrant(view, profile, entry, ['profiles', profile, index], place, context)),
    );
  });

/** A grant of a profile, as if it were written out for the schema. */
const useGrant = (view: View, profile: string, entry: GrantEntry, path: Path, place: SchemaPlace, context: Context): DeclaredGrant[] => {
  const [key, ...others] = kindKeys(entry);
  if (key === undefined || others.length > 0 || !onEngine(key, path, context)) return [];
  const kind = entry.columns ? 'column' : kindOf(key);
  const privileges = readPrivileges(entry.privileges, kind, entry.grantable ?? false, [...path, 'privileges'], context);
  return selectInSchema(entry, key, path, { database: place.database, schema: place.schema }, context).map((selected) => ({
    ...grant(view, kind, privileges, entry.columns, { ...selected, path: place.path }, context),
    profile,
    selector: selected.selector === '' ? place.selector : `${place.selector}.${selected.selector}`,
  }));
};

const direct = (view: View, context: Context): DeclaredGrant[] =>
  (view.entry.grants ?? []).flatMap((entry, index) => {
    const path = [...view.path('grants'), index];
    const [key] = kindKeys(entry);
    if (!oneKind(entry, path, context) || key === undefined || !onEngine(key, path, context)) return [];
    const selected = selectObjects(entry, key, path, context);
    const kind = entry.columns ? 'column' : kindOf(key);
    const privileges = readPrivileges(entry.privileges, kind, entry.grantable ?? false, [...path, 'privileges'], context);
    return selected.map((one) => grant(view, kind, privileges, entry.columns, one, context));
  });

const grant = (
  view: View,
  kind: ObjectKind,
  privileges: Privileges,
  columns: readonly string[] | undefined,
  selected: Selected,
  context: Context,
): DeclaredGrant => ({
  grantee: view.name,
  kind,
  privileges,
  database: selected.database,
  schema: selected.schema,
  name: selected.name,
  ...(columns ? { columns: distinct(columns) } : {}),
  selector: selected.selector,
  source: context.at(selected.path),
});

/** Exactly one kind of object, and columns only of tables. */
export const oneKind = (entry: GrantEntry, path: Path, { report }: Pick<Context, 'report'>): boolean => {
  const keys = kindKeys(entry);
  if (keys.length === 0) {
    report('grant-kind', 'the grant names no kind of object', path, {
      hint: 'add tables, sequences, routines, schemas, databases or another kind',
    });
    return false;
  }
  if (keys.length > 1) {
    report(
      'grant-kind',
      `the grant names ${keys.join(' and ')}, expected one kind of object`,
      [...path, keys[1]!],
      { hint: 'write one grant for each' },
      'key',
    );
    return false;
  }
  if (entry.columns === undefined || keys[0] === 'tables') return true;
  report('grant-kind', `'columns' are of tables, found ${keys[0]}`, [...path, 'columns'], {}, 'key');
  return false;
};
