import type { DeclaredMembership, DeclaredRole, DeclaredSetting } from '../model/declared.ts';
import { distinct } from '../model/key.ts';
import { referredName } from './accounts.ts';
import type { MembershipEntry, Path, SettingsEntry, SettingValue } from './content.ts';
import { authOf, principalsOf, viaOf } from './identities.ts';
import { endOf, instantText } from './instant.ts';
import { referenceOf } from './password.ts';
import { type Context, isOn, type View } from './view.ts';

/** An entry of `groups`, its options filled in. */
export type MemberOf = {
  readonly name: string;
  readonly until?: string;
  readonly reason?: string;
  readonly admin: boolean;
  readonly inherit: boolean;
  readonly set: boolean;
  readonly path: Path;
};

/** The groups that a role is in, as written for the target. */
export const groupsOf = (entries: readonly MembershipEntry[] | undefined, path: Path): MemberOf[] =>
  (entries ?? []).map((entry, index) => {
    const place = [...path, index];
    return typeof entry === 'string'
      ? { name: entry, admin: false, inherit: true, set: true, path: place }
      : { admin: false, inherit: true, set: true, ...entry, path: place };
  });

/** Whether an `until` has passed at the instant. */
export const isPast = (until: string | undefined, asOfMs: number): boolean => until !== undefined && endOf(until)! <= asOfMs;

/** The role on the target; what is left out is the engine's default. */
export const roleOf = (view: View, asOfMs: number, context: Context): DeclaredRole => {
  const { entry, kind, name } = view;
  const auth = authOf(view);
  const password =
    auth === 'password' && entry.password !== undefined ? referenceOf(entry.password, context.at(view.path('password'))) : undefined;
  return {
    name,
    kind,
    auth,
    principals: principalsOf(view).map(({ principal }) => principal),
    via: kind === 'user' ? viaOf(view) : 'direct',
    enabled: entry.enabled ?? true,
    ...(entry.description === undefined ? {} : { description: entry.description }),
    inherit: entry.inherit ?? true,
    createdb: entry.createdb ?? false,
    createrole: entry.createrole ?? false,
    connectionLimit: entry.connection_limit ?? -1,
    validUntil: auth === 'password' && entry.until !== undefined ? instantText(endOf(entry.until)!) : null,
    ...(password ? { password } : {}),
    passwordVersion: password ? (entry.password_version ?? 1) : 0,
    manage: entry.manage ?? context.entry.manage ?? 'exact',
    adoptFrom: distinct(entry.adopt_from ?? []),
    ...(entry.renamed_from === undefined ? {} : { renamedFrom: entry.renamed_from }),
    expired: isPast(entry.until, asOfMs),
    source: context.at(view.top, 'key'),
  };
};

/** Memberships of the role on the target, in groups that are there too; with `auth: iam` on PostgreSQL also in rds_iam. */
export const membershipsOf = (view: View, asOfMs: number, context: Context): DeclaredMembership[] => {
  const groups = context.content.groups ?? {};
  const gone = isPast(view.entry.until, asOfMs);
  const written = groupsOf(view.entry.groups, view.path('groups')).flatMap(({ name, until, reason, path, admin, inherit, set }) => {
    const group = groups[name];
    if (group !== undefined && !isOn(context.content, group.targets, context.target)) return [];
    if (group === undefined && context.entry.engine !== 'postgres' && name.startsWith('pg_')) return [];
    return [
      {
        role: referredName(name, context),
        member: view.name,
        options: { admin, inherit, set },
        expired: gone || isPast(until, asOfMs),
        ...(until === undefined ? {} : { until }),
        ...(reason === undefined ? {} : { reason }),
        source: context.at(path),
      },
    ];
  });
  // An expired user keeps rds_iam, as an absent one does: it cannot log in, and its kind of login is not flipped.
  if (context.entry.engine !== 'postgres' || authOf(view) !== 'iam' || gone) return written;
  const source = context.at(view.overridden('auth') ? view.path('auth') : view.top, 'key');
  return [...written, { role: 'rds_iam', member: view.name, options: { admin: false, inherit: true, set: false }, expired: false, source }];
};

/** The ends, in milliseconds, that lie ahead for the role and its memberships. */
export const endsOf = (view: View, asOfMs: number, context: Context): number[] => {
  const groups = context.content.groups ?? {};
  const written = (view.entry.groups ?? []).flatMap((entry) => {
    if (typeof entry === 'string' || entry.until === undefined) return [];
    const group = groups[entry.name];
    return group === undefined || isOn(context.content, group.targets, context.target) ? [entry.until] : [];
  });
  return [...written, ...(view.entry.until === undefined ? [] : [view.entry.until])]
    .map((until) => endOf(until)!)
    .filter((end) => end > asOfMs);
};

/** Settings of the role, everywhere and in single databases. */
export const settingsOf = (view: View, { at }: Context): DeclaredSetting[] => {
  const read = (entry: SettingsEntry | undefined, database: string | null, path: Path): DeclaredSetting[] =>
    Object.entries(entry ?? {}).map(([name, value]) => ({
      role: view.name,
      database,
      name,
      value: settingText(value),
      source: at([...path, name], 'key'),
    }));
  const perDatabase = Object.entries(view.entry.database_settings ?? {});
  return [
    ...read(view.entry.settings, null, view.path('settings')),
    ...perDatabase.flatMap(([database, entry]) => read(entry, database, [...view.path('database_settings'), database])),
  ];
};

/** Settings are compared as text: `true` is on, a list keeps its elements apart. */
const settingText = (value: SettingValue): string | string[] => {
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  return typeof value === 'object' ? value.map(String) : String(value);
};
