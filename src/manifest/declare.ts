import { accountName } from '../model/account.ts';
import type {
  Declared,
  DeclaredDefault,
  DeclaredMembership,
  DeclaredPublic,
  DeclaredRemoval,
  DeclaredRole,
  DeclaredSetting,
  Guards,
  Target,
} from '../model/declared.ts';
import { failure } from '../model/finding.ts';
import { byCodeUnit, distinct } from '../model/key.ts';
import { accountRoles, forAccounts, hasAccounts, hostsOf, referredName } from './accounts.ts';
import type { Content, Manifest } from './content.ts';
import { defaultsOn, publicsOn } from './elsewhere.ts';
import { grantsOf, mergeGrants, ownershipsOf } from './grants.ts';
import { asOfOf, instantText } from './instant.ts';
import { endsOf, isPast, membershipsOf, roleOf, settingsOf } from './members.ts';
import { targetOf } from './target.ts';
import { type Context, isOn, overrideOn, type View, validated, viewsOn } from './view.ts';

/**
 * What shall be true on one target: groups intersected, profiles expanded, overrides and defaults applied, `until` judged at
 * `asOf` (RFC 3339). Takes a manifest that `readManifest` found no error in; every list is in code-unit order.
 */
export const declare = (manifest: Manifest, target: string, { asOf }: { readonly asOf: string }): Declared => {
  const asOfMs = asOfOf(asOf);
  const context = contextOf(manifest, target);
  const { content } = manifest;
  const views = viewsOn(content, target);
  const roles = views.flatMap((view) => rolesOf(view, asOfMs, context)).sort((a, b) => byCodeUnit(a.name, b.name));
  const lasting = views.filter((view) => !isPast(view.entry.until, asOfMs));
  const ends = views.flatMap((view) => endsOf(view, asOfMs, context));
  return {
    stack: content.stack,
    asOf: instantText(asOfMs),
    target: targetOf(context),
    roles: new Map(roles.map((role) => [role.name, role])),
    memberships: memberships(views, asOfMs, context),
    settings: settings(lasting, context),
    grants: grants(lasting, context, manifest.granted?.get(target)),
    ownerships: lasting
      .flatMap((view) => ownershipsOf(view, context))
      .sort(byText(({ owner, database, schema }) => [owner, database.text, schema.text])),
    defaults: [...defaultsOn(context)].sort(byText(defaultKey)),
    publics: [...publicsOn(context)].sort(byText(publicKey)),
    removed: removals(context),
    existing: new Set(distinct((content.existing ?? []).map((name) => referredName(name, context)))),
    iam: null,
    guards: guardsOf(content),
    nextExpiry: ends.length === 0 ? null : instantText(ends.reduce((a, b) => Math.min(a, b))),
    findings: [],
  };
};

/** Where a target is, whatever its engine: policies are about all of them. */
export const targetNamed = ({ content, at }: Manifest, target: string): Target =>
  targetOf(validated({ content, at }, target, content.targets[target]!));

const contextOf = ({ content, at }: Manifest, target: string): Context => {
  const entry = content.targets[target];
  if (entry === undefined)
    throw failure('manifest/unknown-target', `target '${target}' is not in the manifest`, {
      hint: `its targets: ${distinct(Object.keys(content.targets)).join(', ')}`,
    });
  return validated({ content, at }, target, entry);
};

const rolesOf = (view: View, asOfMs: number, context: Context): readonly DeclaredRole[] => {
  const role = roleOf(view, asOfMs, context);
  return hasAccounts(context.entry) ? accountRoles(role, view, context) : [role];
};

/** By role, then member. Views come by name, so that mostly only the roles are left to be sorted: fifty thousand rows are usual. */
const memberships = (views: readonly View[], asOfMs: number, context: Context): DeclaredMembership[] => {
  const byRole = new Map<string, DeclaredMembership[]>();
  for (const view of views) {
    for (const membership of forAccounts(membershipsOf(view, asOfMs, context), view, context, (one, member) => ({ ...one, member }))) {
      const members = byRole.get(membership.role);
      if (members) members.push(membership);
      else byRole.set(membership.role, [membership]);
    }
  }
  if (hasAccounts(context.entry)) for (const members of byRole.values()) members.sort((a, b) => byCodeUnit(a.member, b.member));
  return distinct(byRole.keys()).flatMap((role) => byRole.get(role)!);
};

const settings = (views: readonly View[], context: Context): DeclaredSetting[] =>
  (context.entry.engine === 'postgres' ? views : [])
    .flatMap((view) => settingsOf(view, context))
    .sort((a, b) => byCodeUnit(a.role, b.role) || byCodeUnit(a.database ?? '', b.database ?? '') || byCodeUnit(a.name, b.name));

const grants = (
  views: readonly View[],
  context: Context,
  granted: ReadonlyMap<string, Declared['grants']> | undefined,
): Declared['grants'] => {
  const byView = views.flatMap((view) => {
    const own = granted?.get(`${view.kind} ${view.name}`) ?? grantsOf(view, context);
    return forAccounts(mergeGrants(own), view, context, (grant, grantee) => ({ ...grant, grantee }));
  });
  return hasAccounts(context.entry) ? byView.sort((a, b) => byCodeUnit(a.grantee, b.grantee)) : byView;
};

/** What becomes of roles that go from one target. */
export const removals = ({ content, target, at, entry: server }: Context): DeclaredRemoval[] =>
  Object.entries(content.removed ?? {})
    .filter(([, entry]) => isOn(content, entry.targets, target))
    .flatMap(([name, entry]): DeclaredRemoval[] => {
      const { forget, reassign_to, sessions, hosts } = { ...entry, ...overrideOn(entry.targets, target) };
      const names = hasAccounts(server) ? hostsOf(hosts).map((host) => accountName({ user: name, host })) : [name];
      return names.map((one) => ({
        name: one,
        action: forget ? 'forget' : 'drop',
        ...(reassign_to === undefined || hasAccounts(server) ? {} : { reassignTo: reassign_to }),
        sessions: sessions ?? 'end',
        ...(hasAccounts(server) && hosts === undefined ? { hostAssumed: true as const } : {}),
        source: at(['removed', name], 'key'),
      }));
    })
    .sort((a, b) => byCodeUnit(a.name, b.name));

/** What no run may do. */
export const guardsOf = ({ guard }: Content): Guards => ({
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
