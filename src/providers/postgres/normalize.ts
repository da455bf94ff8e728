import type { Declared } from '../../model/declared.ts';
import type { Finding } from '../../model/finding.ts';
import type { Bodies, Kind } from '../../model/state.ts';
import type { About, Normal, Reality } from '../provider.ts';
import { authorityOf, PER_GRANTOR_MEMBERSHIPS } from './authority.ts';
import { compareDefaults } from './defaults.ts';
import { compareDrops } from './drops.ts';
import { compareGrants } from './grants.ts';
import { withParameters } from './known-settings.ts';
import { compareMemberships } from './memberships.ts';
import { compareOwnership } from './ownership.ts';
import { realityOf } from './reality.ts';
import { compareRoles } from './roles.ts';
import { type Comparison, isProviderRole, type Scope } from './scope.ts';
import { compareSettings } from './settings.ts';
import type { Snapshot } from './snapshot.ts';

/** Puts what was read and what is declared side by side, in the same form and restricted to what the manifest is about. */
export const normalize = (snapshot: Snapshot, declared: Declared): Normal => {
  const scope = scopeOf(snapshot, declared);
  const sides = { actual: emptyState(), desired: emptyState() };
  const about = new Map<string, About>();
  const findings: Finding[] = [...declared.findings];
  const compare = comparison(sides, about, findings);
  reportRenames(scope, compare);
  compareRoles(scope, compare);
  compareMemberships(scope, compare);
  compareSettings(scope, compare);
  const reality = compareOwnership(scope, compare);
  const matches = compareGrants({ ...scope, reality }, compare);
  compareDefaults({ ...scope, reality }, compare);
  compareDrops(scope, compare, staying(scope, sides.actual, about));
  return { ...sides, about, reality: scope.reality, findings, matches };
};

const scopes = new WeakMap<Snapshot, WeakMap<Declared, Scope>>();

/** What both sides are compared with; made once for each pair, since guards and statements ask for it again. */
export const scopeOf = (snapshot: Snapshot, declared: Declared): Scope => {
  const known = scopes.get(snapshot) ?? new WeakMap<Declared, Scope>();
  scopes.set(snapshot, known);
  const found = known.get(declared) ?? makeScope(snapshot, declared);
  known.set(declared, found);
  return found;
};

const makeScope = (snapshot: Snapshot, declared: Declared): Scope => {
  const renamed = renames(snapshot, declared);
  const names = new Map([...renamed].map(([now, old]) => [old, now]));
  const reality = realityOf(withParameters(snapshot, declared), (name) => names.get(name) ?? name);
  const login = declared.target.login.user ?? snapshot.server.currentUser;
  const { version, bootstrap } = snapshot.server;
  const coming = new Set(
    [...declared.roles.values()].flatMap((role) => (!role.expired && !reality.roles.has(role.name) ? [role.name] : [])),
  );
  return {
    declared,
    snapshot,
    version,
    reality,
    authority: authorityOf(reality, { login, version, bootstrap }, coming),
    managed: managedDatabases(snapshot, declared),
    dropped: new Set(declared.removed.flatMap(({ name, action }) => (action === 'drop' && reality.roles.has(name) ? [name] : []))),
    renamed,
    exact: new Set(
      [...declared.roles.values()].flatMap((role) =>
        role.expired || role.manage === 'additive' || declared.target.manage === 'additive' ? [] : [role.name],
      ),
    ),
    untouchable: untouchableRoles(reality, declared, login, renamed),
    iam: new Set(reality.memberships.flatMap((row) => (row.role === 'rds_iam' ? [row.member] : []))),
  };
};

/** New name → old name, where only the old one exists. */
const renames = (snapshot: Snapshot, declared: Declared): ReadonlyMap<string, string> => {
  const existing = new Set(snapshot.roles.map((role) => role.name));
  return new Map(
    [...declared.roles.values()].flatMap(({ name, renamedFrom }) =>
      renamedFrom !== undefined && existing.has(renamedFrom) && !existing.has(name) ? [[name, renamedFrom] as const] : [],
    ),
  );
};

const reportRenames = (scope: Scope, compare: Comparison): void => {
  for (const { name, renamedFrom, kind, source } of scope.declared.roles.values()) {
    if (renamedFrom === undefined || !scope.reality.roles.has(renamedFrom) || scope.renamed.has(name)) continue;
    compare.report({
      severity: 'error',
      code: 'role/rename-collision',
      message: `${kind} '${name}' is renamed from '${renamedFrom}', but both exist on the server`,
      hint: `drop renamed_from, and put '${renamedFrom}' under removed if it shall go`,
      source,
    });
  }
};

const managedDatabases = (snapshot: Snapshot, declared: Declared): ReadonlySet<string> => {
  const { databases } = declared.target;
  const wanted =
    databases ??
    snapshot.databases.filter((database) => !database.template && database.name !== 'rdsadmin').map((database) => database.name);
  return new Set(wanted.filter((name) => snapshot.contents[name]));
};

/** Rolecall's logins, the masters (direct members of rds_superuser), superusers, provider roles and the `protected` ones. */
const untouchableRoles = (
  reality: Reality,
  declared: Declared,
  login: string,
  renamed: ReadonlyMap<string, string>,
): ReadonlySet<string> => {
  const masters = reality.memberships.filter((row) => row.role === 'rds_superuser').map((row) => row.member);
  const system = [...reality.roles.values()].filter((role) => role.superuser || isProviderRole(role.name)).map((role) => role.name);
  const { planUser } = declared.target.login;
  const named = new Set([login, ...(planUser === undefined ? [] : [planUser]), ...masters, ...system, ...declared.guards.protected]);
  // A new name does not make another role of it.
  for (const [now, old] of renamed) if (named.has(now) || named.has(old) || isProviderRole(old)) named.add(now).add(old);
  return named;
};

/** The roles to be dropped that something keeps, each with the first of what cannot be taken from it. */
const staying = (scope: Scope, actual: MutableState, about: ReadonlyMap<string, About>): ReadonlyMap<string, string> => {
  const found = new Map<string, string>();
  if (scope.dropped.size === 0) return found;
  const keep = <K extends Kind>(kind: K, rolesOf: (body: Bodies[K]) => readonly unknown[]) => {
    for (const [key, body] of actual[kind]) {
      const blocked = about.get(`${kind} ${key}`)?.blocked;
      if (blocked === undefined) continue;
      for (const role of rolesOf(body))
        if (typeof role === 'string' && scope.dropped.has(role) && !found.has(role))
          found.set(role, `'${role}' cannot lose ${kind} ${key}: ${blocked}`);
    }
  };
  keep('ownership', ({ owner }) => [owner]);
  keep('grant', ({ grantee, grantor }) => [grantee, grantor]);
  keep('default', ({ grantee, creator }) => [grantee, creator]);
  if (scope.version >= PER_GRANTOR_MEMBERSHIPS) keep('membership', ({ grantor }) => [grantor]);
  return found;
};

const KINDS: readonly Kind[] = ['role', 'password', 'membership', 'setting', 'ownership', 'grant', 'default', 'sessions'];
type MutableState = { [K in Kind]: Map<string, Bodies[K]> };
const emptyState = (): MutableState => Object.fromEntries(KINDS.map((kind) => [kind, new Map()])) as unknown as MutableState;

const comparison = (
  sides: { actual: MutableState; desired: MutableState },
  about: Map<string, About>,
  findings: Finding[],
): Comparison => ({
  put: (kind, key, before, after, note) => {
    if (before) (sides.actual[kind] as Map<string, typeof before>).set(key, before);
    if (after) (sides.desired[kind] as Map<string, typeof after>).set(key, after);
    if (note) about.set(`${kind} ${key}`, note);
  },
  report: (finding) => findings.push(finding),
});
