import type {
  Declared,
  DeclaredDefault,
  DeclaredMembership,
  DeclaredPublic,
  DeclaredRemoval,
  DeclaredSetting,
  Guards,
  Target,
} from '../model/declared.ts';
import { failure } from '../model/finding.ts';
import { byCodeUnit, distinct } from '../model/key.ts';
import type { Content, Manifest, TargetEntry } from './content.ts';
import { defaultsOn, publicsOn } from './elsewhere.ts';
import { grantKey, grantsOf, mergeGrants, ownershipsOf } from './grants.ts';
import { instantOf, instantText } from './instant.ts';
import { endsOf, membershipsOf, roleOf, settingsOf } from './members.ts';
import { referenceOf } from './password.ts';
import { type Context, isOn, overrideOn, type View, viewsOn } from './view.ts';

/**
 * What shall be true on one target: groups intersected, profiles expanded, overrides and defaults applied, `until` judged at
 * `asOf` (RFC 3339). Takes a manifest that `readManifest` found no error in; every list is in code-unit order.
 */
export const declare = (manifest: Manifest, target: string, { asOf }: { readonly asOf: string }): Declared => {
  const asOfMs = instantOf(asOf);
  if (asOfMs === undefined) throw failure('manifest/as-of', `'${asOf}' is no RFC 3339 instant`, { hint: 'such as 2026-12-31T18:00:00Z' });
  const context = contextOf(manifest, target);
  const { content } = manifest;
  const views = viewsOn(content, target);
  const roles = new Map(views.map((view) => [view.name, roleOf(view, asOfMs, context)]));
  const lasting = views.filter((view) => !roles.get(view.name)!.expired);
  const ends = views.flatMap((view) => endsOf(view, asOfMs, context));
  return {
    stack: content.stack,
    asOf: instantText(asOfMs),
    target: targetOf(context),
    roles,
    memberships: memberships(views, asOfMs, context),
    settings: settings(lasting, context),
    grants: grants(lasting, context),
    ownerships: lasting
      .flatMap((view) => ownershipsOf(view, context))
      .sort(byText(({ owner, database, schema }) => [owner, database.text, schema.text])),
    defaults: [...defaultsOn(context)].sort(byText(defaultKey)),
    publics: [...publicsOn(context)].sort(byText(publicKey)),
    removed: removals(context),
    existing: new Set(content.existing ?? []),
    iam: null,
    guards: guardsOf(content),
    nextExpiry: ends.length === 0 ? null : instantText(ends.reduce((a, b) => Math.min(a, b))),
    findings: [],
  };
};

const contextOf = ({ content, at }: Manifest, target: string): Context => {
  const entry = content.targets[target];
  if (entry === undefined)
    throw failure('manifest/unknown-target', `target '${target}' is not in the manifest`, {
      hint: `its targets: ${distinct(Object.keys(content.targets)).join(', ')}`,
    });
  if (entry.engine !== 'postgres' || entry.endpoint === undefined) {
    const what = entry.engine === 'postgres' ? 'is found through RDS' : `runs ${entry.engine}`;
    throw failure('manifest/later', `target '${target}' ${what}, which this version only validates`, {
      target,
      source: at(['targets', target], 'key'),
    });
  }
  const report: Context['report'] = (slug, message) => {
    throw new Error(`the manifest was not validated: ${slug}: ${message}`);
  };
  return { content, target, entry, at, report, has: () => true };
};

const targetOf = ({ entry, target: name, at }: Context): Target => {
  const { endpoint, login, databases } = entry;
  const password = login?.password === undefined ? undefined : referenceOf(login.password);
  return {
    name,
    engine: entry.engine,
    endpoint: endpointOf(endpoint!),
    login: {
      ...(login?.user === undefined ? {} : { user: login.user }),
      ...(login?.plan_user === undefined ? {} : { planUser: login.plan_user }),
      auth: login?.auth ?? 'password',
      ...(password ? { password } : {}),
    },
    databases: databases === undefined ? null : distinct(databases),
    maintenanceDatabase: entry.maintenance_database ?? 'postgres',
    defaultsFor: creatorsOf(entry),
    manage: entry.manage ?? 'exact',
    source: at(['targets', name], 'key'),
  };
};

const endpointOf = (endpoint: NonNullable<TargetEntry['endpoint']>): Target['endpoint'] => {
  if (endpoint === 'env') return { kind: 'env' };
  const { host, port = 5432, tls = 'verify-full', ca } = endpoint;
  return { kind: 'explicit', host, port, tls, ...(ca === undefined ? {} : { ca }) };
};

/** Without a prototype: a database may be called `constructor`. */
const creatorsOf = ({ defaults_for: creators }: TargetEntry): Target['defaultsFor'] => {
  const byDatabase: Record<string, readonly string[]> = Object.create(null);
  for (const [database, roles] of Object.entries(creators ?? {})) byDatabase[database] = distinct(roles);
  return byDatabase;
};

/** By role, then member. Views come by name, so that only the roles are left to be sorted: fifty thousand rows are usual. */
const memberships = (views: readonly View[], asOfMs: number, context: Context): DeclaredMembership[] => {
  const byRole = new Map<string, DeclaredMembership[]>();
  for (const view of views) {
    for (const membership of membershipsOf(view, asOfMs, context)) {
      const members = byRole.get(membership.role);
      if (members) members.push(membership);
      else byRole.set(membership.role, [membership]);
    }
  }
  return distinct(byRole.keys()).flatMap((role) => byRole.get(role)!);
};

const settings = (views: readonly View[], context: Context): DeclaredSetting[] =>
  views
    .flatMap((view) => settingsOf(view, context))
    .sort((a, b) => byCodeUnit(a.role, b.role) || byCodeUnit(a.database ?? '', b.database ?? '') || byCodeUnit(a.name, b.name));

const grants = (views: readonly View[], context: Context): Declared['grants'] =>
  views.flatMap((view) => mergeGrants(grantsOf(view, context)).sort(byText(grantKey)));

const removals = ({ content, target, at }: Context): DeclaredRemoval[] =>
  Object.entries(content.removed ?? {})
    .filter(([, entry]) => isOn(content, entry.targets, target))
    .map(([name, entry]): DeclaredRemoval => {
      const { forget, reassign_to, sessions } = { ...entry, ...overrideOn(entry.targets, target) };
      return {
        name,
        action: forget ? 'forget' : 'drop',
        ...(reassign_to === undefined ? {} : { reassignTo: reassign_to }),
        sessions: sessions ?? 'end',
        source: at(['removed', name], 'key'),
      };
    })
    .sort((a, b) => byCodeUnit(a.name, b.name));

const guardsOf = ({ guard }: Content): Guards => ({
  protected: distinct(guard?.protected ?? []),
  maxRemovals: guard?.max_removals ?? null,
  rules: guard?.rules ?? {},
});

const defaultKey = ({ source: _, ...rest }: DeclaredDefault): unknown => rest;
const publicKey = ({ source: _, ...rest }: DeclaredPublic): unknown => rest;

/** Sorts by the text of a key that is made once for each value. */
const byText = <T extends object>(keyOf: (value: T) => unknown): ((a: T, b: T) => number) => {
  const known = new Map<T, string>();
  const text = (value: T): string => {
    const key = known.get(value) ?? JSON.stringify(keyOf(value));
    known.set(value, key);
    return key;
  };
  return (a, b) => byCodeUnit(text(a), text(b));
};
