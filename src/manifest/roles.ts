import type { DeclaredGrant } from '../model/declared.ts';
import { hasAccounts } from './accounts.ts';
import { covers } from './address.ts';
import type { Checks } from './checks.ts';
import type { Granted, Path, RoleEntry, SettingsEntry } from './content.ts';
import { checkEngineKeys } from './engine-keys.ts';
import { grantsOf, oneKind, ownershipsOf } from './grants.ts';
import { authOf, checkIdentities } from './identities.ts';
import { endOf } from './instant.ts';
import { placeText } from './merge.ts';
import { didYouMean } from './near.ts';
import { checkKnown } from './references.ts';
import { checkAccount } from './roles-mysql.ts';
import { type Context, enginesOf, isList, targetNames, type View, viewsOn } from './view.ts';

/** Users and groups: attributes, settings, and what they are granted on each of their targets, which is returned. */
export const checkRoles = (checks: Checks): Granted => {
  const granted = new Map<string, Map<string, readonly DeclaredGrant[]>>();
  checkProfiles(checks);
  for (const section of ['groups', 'users'] as const) {
    for (const [name, entry] of Object.entries(checks.content[section] ?? {})) {
      checkEngineKeys(checks, entry, [section, name]);
      checkMaps(checks, entry, [section, name]);
      checkVersion(checks, entry, [section, name]);
    }
  }
  for (const context of checks.contexts) {
    const owners = new Map<string, Path>();
    const here = new Map<string, readonly DeclaredGrant[]>();
    granted.set(context.target, here);
    for (const view of viewsOn(checks.content, context.target)) {
      checkLogin(view, context);
      checkIdentities(view, context);
      checkUntil(view, context);
      checkSettings(view, context, checks);
      const grants = grantsOf(view, context);
      here.set(`${view.kind} ${view.name}`, grants);
      checkColumns(grants, context);
      if (hasAccounts(context.entry)) checkAccount(view, grants, context);
      checkOwners(view, owners, context);
    }
  }
  return granted;
};

/** Grants of a profile that nothing uses are checked as well. */
const checkProfiles = ({ content, report }: Checks): void => {
  for (const [name, grants] of Object.entries(content.profiles ?? {})) {
    if (['read', 'write', 'own'].includes(name))
      report('profile', `profile '${name}' is built in, expected another name`, ['profiles', name], {}, 'key');
    for (const [index, grant] of grants.entries()) oneKind(grant, ['profiles', name, index], { report });
  }
};

/** The version of a password stands in a mark, and MariaDB keeps none. */
const checkVersion = ({ content, warn }: Checks, entry: RoleEntry, path: Path): void => {
  if (entry.password_version === undefined || [...enginesOf(content, entry.targets)].join() !== 'mariadb') return;
  warn(
    'password-version',
    `'password_version' of '${path[1]}' does nothing on MariaDB, which keeps no mark`,
    [...path, 'password_version'],
    {
      hint: `set a new password with: rolecall apply --rotate ${path[1]}`,
    },
    'key',
  );
};

/** Maps by target name targets of the role. */
const checkMaps = ({ content, report }: Checks, entry: RoleEntry, path: Path): void => {
  const names = targetNames(content, entry.targets);
  if (enginesOf(content, entry.targets).size === 0) return;
  const maps = [
    ...(['read', 'write', 'own'] as const).map((key) => [entry[key], [...path, key]] as const),
    ...Object.entries(entry.use ?? {}).map(([profile, value]) => [value, [...path, 'use', profile]] as const),
  ];
  for (const [value, place] of maps) {
    if (value === undefined || isList(value)) continue;
    for (const target of Object.keys(value)) {
      if (!names.includes(target))
        report('unknown-target', `'${target}' is no target of '${path[1]}'`, [...place, target], didYouMean(target, names), 'key');
    }
  }
};

const checkLogin = (view: View, { report }: Context): void => {
  const { entry, name } = view;
  const auth = authOf(view);
  const together = !(view.overridden('auth') && !view.overridden('password'));
  if (entry.password !== undefined && auth !== 'password' && together) {
    report(
      'auth',
      `'${name}' has a password and 'auth: ${auth}'`,
      view.path('password'),
      { hint: 'remove the password, or write auth: password' },
      'key',
    );
  }
  if (entry.password_version !== undefined && entry.password === undefined) {
    report(
      'auth',
      `'${name}' has a 'password_version' and no 'password'`,
      view.path('password_version'),
      { hint: 'add password: ${env:NAME}, or remove the version' },
      'key',
    );
  }
};

const checkUntil = (view: View, { report }: Context): void => {
  const check = (until: string | undefined, path: () => Path): void => {
    if (until === undefined || endOf(until) !== undefined) return;
    report('until', `'${until}' is no date and no RFC 3339 instant`, path(), { hint: 'such as 2026-12-31 or 2026-12-31T18:00:00Z' });
  };
  check(view.entry.until, () => view.path('until'));
  for (const [index, entry] of (view.entry.groups ?? []).entries()) {
    if (typeof entry !== 'string') check(entry.until, () => [...view.path('groups'), index, 'until']);
  }
};

const checkSettings = (view: View, context: Context, checks: Checks): void => {
  const { entry, target, report } = context;
  if (entry.engine !== 'postgres') return;
  checkSettingNames(view.entry.settings, view.path('settings'), context, checks);
  for (const [database, settings] of Object.entries(view.entry.database_settings ?? {})) {
    const path = [...view.path('database_settings'), database];
    if (entry.databases && !entry.databases.includes(database)) {
      report(
        'unknown-database',
        `database '${database}' is none of target '${target}', which manages ${entry.databases.join(', ')}`,
        path,
        didYouMean(database, entry.databases),
        'key',
      );
    }
    checkSettingNames(settings, path, context, checks);
  }
};

const checkSettingNames = (settings: SettingsEntry | undefined, path: Path, { target, report }: Context, checks: Checks): void => {
  for (const [name, value] of Object.entries(settings ?? {})) {
    if (!/^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?$/.test(name))
      report(
        'setting',
        `'${name}' is no name of a setting, expected lower-case words such as statement_timeout`,
        [...path, name],
        didYouMean(name, [name.toLowerCase().replaceAll('-', '_')]),
        'key',
      );
    if (name === 'role' && typeof value === 'string' && value !== 'none') checkKnown(checks, value, target, [...path, name]);
  }
};

/** A column grant under a grant of the same privilege on the table, or on MySQL on anything around it, restricts nothing. */
const checkColumns = (grants: readonly DeclaredGrant[], { report }: Context): void => {
  const columns = grants.filter(({ kind }) => kind === 'column');
  if (columns.length === 0) return;
  const wider = grants.filter(({ kind, database }) => kind === 'table' || (database === null && (kind === 'schema' || kind === 'global')));
  for (const column of columns) {
    for (const table of wider) {
      const shared = column.privileges.filter((word) =>
        table.privileges.some((held) => plain(held) === plain(word) || plain(held) === 'ALL' || plain(word) === 'ALL'),
      );
      if (shared.length === 0 || !covered(table, column)) continue;
      const message = `${shared.map(plain).join(', ')} on columns of '${column.selector}' restricts nothing: '${column.grantee}' has it on the whole ${WIDER[table.kind]} at ${placeText(table.source)}`;
      report('column-grant', message, column.source, { hint: 'remove one of the two grants' });
    }
  }
};

const plain = (privilege: string): string => privilege.replace('*', '');

const WIDER: Readonly<Partial<Record<DeclaredGrant['kind'], string>>> = { table: 'table', schema: 'schema', global: 'server' };

const covered = (wide: DeclaredGrant, column: DeclaredGrant): boolean =>
  (['database', 'schema', 'name'] as const).every((part) => wide[part] === null || covers(wide[part], column[part]!));

/** One owner for each schema. */
const checkOwners = (view: View, owners: Map<string, Path>, context: Context): void => {
  for (const { database, schema, selector } of ownershipsOf(view, context)) {
    const key = JSON.stringify([database.text, schema.text]);
    const path = view.path('own');
    const first = owners.get(key);
    if (first)
      context.report(
        'own',
        `schema '${selector}' is owned by '${view.name}' and by '${first[1]}' at ${placeText(context.at(first))}, expected one owner`,
        path,
      );
    else owners.set(key, path);
  }
};
