import type { Declared } from '../../model/declared.ts';
import type { Finding } from '../../model/finding.ts';
import { distinct, nameKey } from '../../model/key.ts';
import type { Setting } from '../../model/state.ts';
import type { About } from '../provider.ts';
import type { Scope } from './scope.ts';
import type { Snapshot } from './snapshot.ts';

/** The settings that a plan is about, lower case: those that the manifest names and those that its roles have. */
export const settingsInPlay = (declared: Declared, settings: Snapshot['settings']): string[] => {
  const names = new Set(
    [...declared.roles.values()].flatMap(({ name, renamedFrom }) => (renamedFrom === undefined ? [name] : [name, renamedFrom])),
  );
  const held = settings.flatMap(({ role, config }) =>
    role !== null && names.has(role) ? config.map((entry) => entry.slice(0, entry.indexOf('='))) : [],
  );
  return distinct([...declared.settings.map(({ name }) => name), ...held, ...parametersIn(declared)].map((name) => name.toLowerCase()));
};

const parametersIn = ({ grants, publics }: Declared): string[] =>
  [...grants, ...publics].flatMap(({ kind, name }) => (kind === 'parameter' && name ? [name.text] : []));

/** The catalog lists a parameter from its first grant on; until then the server knows it, or takes any with a dot in it. */
export const withParameters = (snapshot: Snapshot, declared: Declared): Snapshot => {
  const listed = new Set(snapshot.parameters.map(({ name }) => name));
  const known = new Set(snapshot.knownSettings.flatMap(({ name, context }) => (context === null ? [] : [name])));
  const more = distinct(parametersIn(declared)).filter((name) => !listed.has(name) && (known.has(name) || name.includes('.')));
  if (snapshot.server.version < 150000 || more.length === 0) return snapshot;
  return { ...snapshot, parameters: [...snapshot.parameters, ...more.map((name) => ({ name, acl: null }))] };
};

/** Why a role cannot get the setting, as far as that is known before it is tried; null: nothing speaks against it. */
export const problemOf = (scope: Scope, { role, name }: Setting): Finding | null => {
  const context = contextOf(scope, name);
  const login = scope.authority.login;
  if (context === null && !name.includes('.')) {
    const near = scope.snapshot.knownSettings.find((setting) => setting.name === name)?.near;
    return {
      severity: 'error',
      code: 'setting/unknown',
      message: `'${role}' shall have the setting '${name}', which the server does not know`,
      hint:
        near === undefined
          ? `PostgreSQL ${scope.snapshot.server.versionText} lists its settings in pg_settings`
          : `did you mean '${near}'?`,
    };
  }
  const fixed = context === null ? undefined : FIXED[context];
  if (fixed !== undefined)
    return {
      severity: 'error',
      code: 'setting/not-of-a-role',
      message: `'${role}' shall have the setting '${name}', which no role can have: ${fixed}`,
      hint: 'take it out of the manifest, and set it at the server',
    };
  if (maySet(scope, name)) return null;
  const why =
    context === null ? 'no library on the server defines it, and then only a superuser may set it' : 'only a superuser may set it';
  if (isRds(scope))
    return {
      severity: 'warning',
      code: 'setting/superuser',
      message: `'${role}' shall have the setting '${name}': ${why}, but RDS lets its master set some of these`,
      hint: 'if the server refuses it, apply rolls back and says so',
    };
  return {
    severity: 'error',
    code: 'setting/not-permitted',
    message: `'${role}' shall have the setting '${name}', which '${login}' may not set: ${why}`,
    hint:
      scope.version >= 150000
        ? `have a superuser run: GRANT SET ON PARAMETER ${name.split('.').map(nameKey).join('.')} TO ${nameKey(login)}`
        : 'have a superuser set it, with the value of the manifest',
  };
};

/** A setting that somebody mightier made for a role stays. */
export const blockedReset = (scope: Scope, { name }: Setting): About =>
  maySet(scope, name) || isRds(scope) ? {} : { blocked: `'${scope.authority.login}' may not reset '${name}': only a superuser may` };

/** Contexts of what pg_settings does not show: `role` and its like to nobody, the others to few (GUC_SUPERUSER_ONLY). */
const UNLISTED: Readonly<Record<string, string>> = {
  role: 'user',
  session_authorization: 'user',
  is_superuser: 'internal',
  dynamic_library_path: 'superuser',
  extension_control_path: 'superuser',
  session_preload_libraries: 'superuser',
};

/** Why no role can have the setting, by its context (PostgreSQL 18 manual, 53.25); the others are a matter of rights. */
const FIXED: Readonly<Record<string, string>> = {
  internal: 'it is fixed in the server',
  postmaster: 'it is read when the server starts',
  sighup: 'it is set for the whole server',
  backend: 'it is fixed when a session starts',
  'superuser-backend': 'it is fixed when a session starts',
};

const contextOf = (scope: Scope, name: string): string | null =>
  scope.snapshot.knownSettings.find((setting) => setting.name === name)?.context ?? UNLISTED[name] ?? null;

/** Whether the login may set it for a role: PostgreSQL lets only a superuser do so where it does not know the setting. */
const maySet = (scope: Scope, name: string): boolean =>
  scope.authority.superuser ||
  contextOf(scope, name) === 'user' ||
  scope.snapshot.knownSettings.some((setting) => setting.name === name && setting.settable);

/** RDS lets its master set some settings that are for superusers elsewhere, and does not say which. */
const isRds = (scope: Scope): boolean => scope.snapshot.server.restrictPasswordCommands !== null;
