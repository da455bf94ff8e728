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
import type { Content, Manifest } from './content.ts';
import { defaultsOn, publicsOn } from './elsewhere.ts';
import { grantKey, grantsOf, mergeGrants, ownershipsOf } from './grants.ts';
import { asOfOf, instantText } from './instant.ts';
import { endsOf, membershipsOf, roleOf, settingsOf } from './members.ts';
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

/** Where a target is, whatever its engine: policies are about all of them. */
export const targetNamed = ({ content, at }: Manifest, target: string): Target =>
  targetOf(validated({ content, at }, target, content.targets[target]!));

const contextOf = ({ content, at }: Manifest, target: string): Context => {
  const entry = content.targets[target];
  if (entry === undefined)
    throw failure('manifest/unknown-target', `target '${target}' is not in the manifest`, {
      hint: `its targets: ${distinct(Object.keys(content.targets)).join(', ')}`,
    });
  if (entry.engine !== 'postgres')
    throw failure('manifest/later', `target '${target}' runs ${entry.engine}, which this version only validates`, {
      target,
      source: at(['targets', target], 'key'),
    });
  return validated({ content, at }, target, entry);
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
