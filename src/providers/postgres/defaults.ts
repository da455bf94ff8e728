import { groupBy } from '../../core/group.ts';
import { nearest } from '../../core/nearest.ts';
import { samePrivileges, union, wordOf } from '../../core/privileges.ts';
import { type Grantee, granteeKey, granteeOf, type Privileges } from '../../model/access.ts';
import type { DeclaredDefault, DeclaredGrant } from '../../model/declared.ts';
import type { Position } from '../../model/finding.ts';
import { distinct, pathKey } from '../../model/key.ts';
import type { DefaultKind, DefaultPrivilege } from '../../model/state.ts';
import type { About } from '../provider.ts';
import { defaultAcl, parseAcl } from './acl.ts';
import { actor } from './authority.ts';
import { ACL_TYPES, DEFAULT_OBJECTS, expandAll } from './catalog.ts';
import { schemasSelected } from './schemas.ts';
import { type Comparison, databaseOwner, isKnown, isProviderRole, MAKE_IT, type Scope } from './scope.ts';

type Wanted = { readonly body: DefaultPrivilege; readonly source?: Position };
const PROFILED: ReadonlySet<string> = new Set<DefaultKind>(['table', 'sequence', 'routine', 'type']);

/** Default privileges that name a declared role, those of the profiles included (rule 18), and those of roles that go. */
export const compareDefaults = (scope: Scope, compare: Comparison): void => {
  const actual = new Map([...actualDefaults(scope), ...builtIn(scope)].map((body) => [placeOf(body), body]));
  reportSchemas(scope, compare);
  const desired = desiredDefaults(scope, compare);
  for (const body of leaversDefaults(scope, actual.values())) desired.set(placeOf(body), { body });
  for (const key of new Set([...actual.keys(), ...desired.keys()])) {
    const before = actual.get(key) ?? null;
    const wanted = desired.get(key);
    const body = before ?? wanted!.body;
    const closed = closing(scope, body);
    if (!wanted && closed.length === 0 && !isExtra(scope, body)) continue;
    const held = keeps(scope, body) && !scope.dropped.has(body.creator) ? (before?.privileges ?? []) : [];
    const revoked = new Set(closed.flatMap((one) => words(scope, body.objects, one.privileges)));
    const privileges = union(
      held.filter((privilege) => !revoked.has(wordOf(privilege))),
      wanted?.body.privileges ?? [],
    );
    if (samePrivileges(before?.privileges ?? [], privileges)) continue;
    compare.put(
      'default',
      keyOf(body),
      before,
      privileges.length === 0 ? null : { ...body, privileges },
      aboutDefault(scope, body, wanted?.source ?? closed[0]?.source),
    );
  }
};

/** An entry of the manifest names one schema, and no pattern: a name that is nobody's would fail in the middle of an apply. */
const reportSchemas = (scope: Scope, compare: Comparison): void => {
  for (const { database, schema, source } of scope.declared.defaults) {
    if (schema === null || !scope.managed.has(database) || scope.snapshot.unread.some((one) => one.database === database)) continue;
    const named = (text: string, literal: boolean) => schemasSelected(scope.reality, { text: database, literal: true }, { text, literal });
    if (named(schema, true).length > 0) continue;
    const near = nearest(
      schema,
      named('*', false).map((row) => row.names[0]!),
    );
    const hint = schema.includes('*')
      ? "no pattern is taken here: leave 'schema' out, or write an entry for each"
      : near && `did you mean '${near}'?`;
    compare.report({
      severity: 'error',
      code: 'selector/no-match',
      message: `defaults for schema '${schema}': there is no such schema in database '${database}'`,
      ...(hint === undefined ? {} : { hint }),
      source,
    });
  }
};

/** The entries of the manifest that close these later objects to PUBLIC. */
const closing = (scope: Scope, { database, creator, schema, objects, grantee }: DefaultPrivilege): readonly DeclaredDefault[] =>
  typeof grantee === 'string' || !scope.managed.has(database)
    ? []
    : scope.declared.defaults.filter(
        (one) =>
          one.action === 'revoke' &&
          one.database === database &&
          one.objects === objects &&
          one.createdBy.includes(creator) &&
          (one.schema === null || one.schema === schema),
      );

/** What PUBLIC gets without any row, where the manifest speaks of it: a row for the whole database replaces it. */
const builtIn = (scope: Scope): DefaultPrivilege[] =>
  scope.declared.defaults.flatMap(({ database, schema, createdBy, objects, to }) => {
    if (schema !== null || typeof to === 'string') return [];
    const { letter } = DEFAULT_OBJECTS[objects];
    const replaced = new Set(
      (scope.snapshot.contents[database]?.defaultAcls ?? []).flatMap((row) =>
        row.schema === null && row.objects === letter ? [row.creator] : [],
      ),
    );
    return createdBy
      .filter((creator) => isKnown(scope, creator) && !replaced.has(scope.renamed.get(creator) ?? creator))
      .flatMap((creator) =>
        defaultAcl(ACL_TYPES[objects], creator, scope.version).flatMap(({ grantee, privileges }) =>
          typeof grantee === 'string' ? [] : [{ database, creator, schema, objects, grantee, privileges }],
        ),
      );
  });

/** Tens of thousands are compared and few are shown: no name holds a NUL. */
const placeOf = ({ database, creator, schema, objects, grantee }: DefaultPrivilege): string =>
  `${database}\0${schema ?? '\0'}\0${objects}\0${creator}\0${granteeKey(grantee)}`;

const keyOf = ({ database, creator, schema, objects, grantee }: DefaultPrivilege): string =>
  `${pathKey(database, ...(schema === null ? [] : [schema]))} ${objects}s by ${pathKey(creator)} to ${granteeKey(grantee) === '' ? 'PUBLIC' : pathKey(granteeKey(grantee))}`;

const keeps = (scope: Scope, body: DefaultPrivilege): boolean => {
  const role = scope.declared.roles.get(granteeKey(body.grantee));
  return typeof body.grantee !== 'string' || role?.manage === 'additive' || scope.declared.target.manage === 'additive';
};

const isExtra = (scope: Scope, body: DefaultPrivilege): boolean => {
  if (typeof body.grantee !== 'string' || body.grantee === body.creator) return scope.dropped.has(body.creator);
  if (scope.dropped.has(body.grantee) || scope.dropped.has(body.creator)) return true;
  return scope.exact.has(body.grantee) && scope.managed.has(body.database) && !keeps(scope, body);
};

const actualDefaults = (scope: Scope): DefaultPrivilege[] => {
  const renamed = new Map([...scope.renamed].map(([now, old]) => [old, now]));
  const named = (grantee: Grantee): Grantee => (typeof grantee === 'string' ? (renamed.get(grantee) ?? grantee) : grantee);
  return Object.entries(scope.snapshot.contents).flatMap(([database, contents]) =>
    contents.defaultAcls.flatMap((row) => {
      const objects = (Object.keys(DEFAULT_OBJECTS) as DefaultKind[]).find((kind) => DEFAULT_OBJECTS[kind].letter === row.objects)!;
      const creator = renamed.get(row.creator) ?? row.creator;
      const byGrantee = groupBy(parseAcl(row.acl), (entry) => granteeKey(named(entry.grantee)));
      return [...byGrantee].map(([grantee, entries]) => ({
        database,
        creator,
        schema: row.schema,
        objects,
        grantee: granteeOf(grantee),
        privileges: entries.map((entry) => entry.privileges).reduce(union),
      }));
    }),
  );
};

const desiredDefaults = (scope: Scope, compare: Comparison): Map<string, Wanted> => {
  const desired = new Map<string, Wanted>();
  const add = (body: DefaultPrivilege, source: Position) => {
    const key = placeOf(body);
    const known = desired.get(key);
    desired.set(key, { body: known ? { ...body, privileges: union(known.body.privileges, body.privileges) } : body, source });
  };
  for (const { action, database, schema, createdBy, to, objects, privileges, source } of scope.declared.defaults) {
    if (action === 'revoke' || !scope.managed.has(database)) continue;
    for (const creator of createdBy)
      if (isKnown(scope, creator))
        add({ database, creator, schema, objects, grantee: to, privileges: words(scope, objects, privileges) }, source);
  }
  const missing = new Map(missingCreators(scope));
  const skipped = new Map<string, Position>();
  const unnamed = new Map<string, Position>();
  const owners = ownersInSchemas(scope);
  for (const grant of scope.declared.grants) {
    if (grant.profile === undefined || !PROFILED.has(grant.kind) || (grant.name && !isWholeKind(grant))) continue;
    for (const [database, schema, owner] of schemasOf(scope, grant)) {
      for (const other of othersIn(scope, owners, database, schema, owner))
        if (other !== grant.grantee) unnamed.set(`${pathKey(database, schema)}\0${other}`, grant.source);
      for (const creator of creatorsOf(scope, database, owner)) {
        if (!isKnown(scope, creator)) missing.set(creator, grant.source);
        else if (isUnfit(scope, creator)) skipped.set(`${pathKey(database, schema)}\0${creator}`, grant.source);
        else if (creator !== grant.grantee)
          add(
            {
              database,
              creator,
              schema,
              objects: grant.kind as DefaultKind,
              grantee: grant.grantee,
              privileges: words(scope, grant.kind as DefaultKind, grant.privileges),
            },
            grant.source,
          );
      }
    }
  }
  reportMissing(missing, compare);
  reportCreators(skipped, compare, 'default/creator-skipped');
  reportCreators(unnamed, compare, 'default/creator-unnamed');
  return desired;
};

const words = (scope: Scope, objects: DefaultKind, privileges: Privileges): Privileges => expandAll(privileges, objects, scope.version);

/** Default privileges know no names: only a grant on everything of a schema has a future half. */
const isWholeKind = (grant: DeclaredGrant): boolean => grant.name !== null && !grant.name.literal && grant.name.text === '*';

const schemasOf = (scope: Scope, { database, schema }: DeclaredGrant): (readonly [database: string, schema: string, owner: string])[] =>
  database && schema
    ? schemasSelected(scope.reality, database, schema).flatMap((row) =>
        scope.managed.has(row.database!) ? [[row.database!, row.names[0]!, row.owner] as const] : [],
      )
    : [];

const creatorsOf = (scope: Scope, database: string, owner: string): readonly string[] =>
  scope.declared.target.defaultsFor[database] ?? [actor(owner, databaseOwner(scope, database))];

/** Where the owner of a schema stands for its creators: who else owns objects there may well make more of them. */
const othersIn = (scope: Scope, owners: Owners, database: string, schema: string, owner: string): readonly string[] => {
  if (scope.declared.target.defaultsFor[database] !== undefined) return [];
  const covered = actor(owner, databaseOwner(scope, database));
  return [...(owners.get(`${database}\0${schema}`) ?? [])].filter(
    (other) => other !== covered && !scope.dropped.has(other) && !isUnfit(scope, other),
  );
};

type Owners = ReadonlyMap<string, ReadonlySet<string>>;

/** Who owns tables in each schema, by database and schema; no name holds a NUL. */
const ownersInSchemas = (scope: Scope): Owners => {
  const owners = new Map<string, Set<string>>();
  for (const { kind, database, schema, owner, origin } of scope.reality.objects) {
    if (kind !== 'table' || database === null || schema === null || origin !== undefined) continue;
    const key = `${database}\0${schema}`;
    owners.set(key, (owners.get(key) ?? new Set()).add(actor(owner, databaseOwner(scope, database))));
  }
  return owners;
};

const isUnfit = (scope: Scope, creator: string): boolean =>
  isProviderRole(creator) || (scope.reality.roles.get(creator)?.superuser ?? false);

/** Those whom entries of the manifest name as creators, and who are not there: their first statement would fail. */
const missingCreators = (scope: Scope): (readonly [creator: string, source: Position])[] =>
  scope.declared.defaults.flatMap(({ database, createdBy, source }) =>
    scope.managed.has(database) ? createdBy.flatMap((creator) => (isKnown(scope, creator) ? [] : [[creator, source] as const])) : [],
  );

const reportMissing = (missing: ReadonlyMap<string, Position>, compare: Comparison): void => {
  for (const [creator, source] of missing)
    compare.report({
      severity: 'error',
      code: 'default/unknown-creator',
      message: `default privileges for what '${creator}' will create: the server has no role '${creator}'`,
      hint: MAKE_IT,
      source,
    });
};

/** Why later objects of somebody are not covered, and what to write. */
const UNCOVERED = {
  'default/creator-skipped': {
    why: 'no default privileges are set for a superuser or provider role',
    hint: 'name who creates objects there, who is no superuser, under defaults_for of the target',
  },
  'default/creator-unnamed': {
    why: 'it owns tables there, and those of the owner of the schema alone are',
    hint: 'name everybody who creates objects there under defaults_for of the target',
  },
} as const;

const reportCreators = (found: ReadonlyMap<string, Position>, compare: Comparison, code: keyof typeof UNCOVERED): void => {
  const { why, hint } = UNCOVERED[code];
  const byCreator = groupBy(found, ([key]) => key.split('\0')[1]!);
  for (const [creator, entries] of byCreator) {
    const places = distinct(entries.map(([key]) => key.split('\0')[0]!));
    compare.report({
      severity: 'warning',
      code,
      message: `objects that '${creator}' will create in ${places.slice(0, 3).join(', ')}${places.length > 3 ? ` and ${places.length - 3} more schemas` : ''} are not covered: ${why}`,
      hint,
      source: entries[0]![1],
    });
  }
};

const aboutDefault = (scope: Scope, body: DefaultPrivilege, source: Position | undefined): About => {
  const removal = scope.declared.removed.find((one) => one.name === granteeKey(body.grantee) || one.name === body.creator);
  const from = source ?? scope.declared.roles.get(granteeKey(body.grantee))?.source;
  const reach = scope.authority.reach(body.creator);
  return {
    ...(removal ? { cause: 'removed' as const, source: removal.source } : from ? { source: from } : {}),
    ...(reach.how === 'none' ? { blocked: `default privileges of '${body.creator}': ${reach.reason}` } : {}),
  };
};

/** A global row (schema null) replaces the built-in default, and is gone once it equals it: that is how a leaver's row is taken away. */
const leaversDefaults = (scope: Scope, actual: Iterable<DefaultPrivilege>): DefaultPrivilege[] =>
  [...actual].flatMap(({ database, creator, schema, objects }) => {
    if (schema !== null || !scope.dropped.has(creator)) return [];
    return defaultAcl(ACL_TYPES[objects], creator, scope.version).map(({ grantee, privileges }) => ({
      database,
      creator,
      schema,
      objects,
      grantee,
      privileges,
    }));
  });
