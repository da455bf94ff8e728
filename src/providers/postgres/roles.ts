import { withoutMarks } from '../../core/mark.ts';
import { type Orphan, orphanFindings } from '../../core/orphans.ts';
import type { DeclaredRole } from '../../model/declared.ts';
import { nameKey, pathKey } from '../../model/key.ts';
import type { Mark, Role } from '../../model/state.ts';
import type { About } from '../provider.ts';
import { canonicalInstant } from './reality.ts';
import type { Comparison, Scope } from './scope.ts';

export type Existing = Role & { readonly oid: number };

/** A lock counts for the stack whose mark it stands in. */
export const isLocked = ({ mark }: Pick<Role, 'mark'>, stack: string): boolean => mark?.locked !== undefined && mark.stack === stack;

/** Declared roles, roles that left the manifest or shall be forgotten: attributes, marks, passwords, sessions. */
export const compareRoles = (scope: Scope, compare: Comparison): void => {
  for (const declared of scope.declared.roles.values()) {
    const actual = scope.reality.roles.get(declared.name);
    if (declared.expired) expire(scope, compare, declared, actual);
    else if (!actual) create(scope, compare, declared);
    else alter(scope, compare, declared, actual);
  }
  for (const removal of scope.declared.removed) {
    const actual = scope.reality.roles.get(removal.name);
    if (!actual) {
      compare.report({
        severity: 'note',
        code: 'role/already-gone',
        message: `'${removal.name}' under removed is already gone`,
        source: removal.source,
      });
      continue;
    }
    if (removal.action === 'forget') forget(scope, compare, actual, { source: removal.source });
  }
  const orphans: Orphan[] = [];
  for (const actual of absentRoles(scope)) {
    if (actual.login || hasSessions(scope, actual)) disable(scope, compare, actual, { cause: 'absent' });
    else orphans.push({ name: actual.name, entry: `${nameKey(actual.name)}: { drop: true } or { forget: true }` });
  }
  orphanFindings(orphans).forEach(compare.report);
};

/** Roles with our mark that the manifest no longer names, but for those that nothing may alter. */
export const absentRoles = (scope: Scope): Existing[] =>
  [...scope.reality.roles.values()].filter(
    (role) =>
      role.mark?.stack === scope.declared.stack &&
      !scope.untouchable.has(role.name) &&
      !scope.declared.roles.has(role.name) &&
      !scope.declared.existing.has(role.name) &&
      !scope.declared.removed.some((removal) => removal.name === role.name),
  );

const create = (scope: Scope, compare: Comparison, declared: DeclaredRole): void => {
  const after: Role = {
    ...desiredAttributes(declared),
    name: declared.name,
    superuser: false,
    replication: false,
    bypassrls: false,
    description: declared.description ?? '',
    mark: markOf(scope, declared, null),
  };
  compare.put('role', pathKey(declared.name), null, after, { source: declared.source });
  if (declared.auth === 'password' && declared.password) putPassword(compare, declared, null);
};

const alter = (scope: Scope, compare: Comparison, declared: DeclaredRole, actual: Existing): void => {
  const about: About = { source: declared.source };
  reportOwnership(scope, compare, declared, actual);
  reportAttributes(compare, declared, actual);
  const before = bodyOf(scope, actual);
  const locked = isLocked(actual, scope.declared.stack);
  const wanted = { ...before, ...desiredAttributes(declared), name: declared.name, mark: markOf(scope, declared, actual.mark) };
  const after: Role = {
    ...wanted,
    ...(declared.manage === 'additive' ? additive(before, wanted, declared) : {}),
    ...(locked ? { login: false } : {}),
    description: declared.description ?? actual.description,
  };
  if (locked)
    compare.report({
      severity: 'note',
      code: 'role/locked',
      message: `'${actual.name}' is locked since ${actual.mark?.locked}${actual.mark?.reason ? ` (${actual.mark.reason})` : ''} and stays so until it is unlocked`,
      hint: 'rolecall unlock takes the lock off',
      source: declared.source,
    });
  compare.put('role', pathKey(declared.name), before, after, { ...about, ...blockedAlter(scope, before, after) });
  if (!after.login && (before.login || hasSessions(scope, actual)) && !scope.untouchable.has(actual.name))
    putSessions(scope, compare, actual.name, about);
  comparePassword(scope, compare, declared, actual);
};

const expire = (scope: Scope, compare: Comparison, declared: DeclaredRole, actual: Existing | undefined): void => {
  if (actual && (actual.login || hasSessions(scope, actual)) && actual.mark?.stack === scope.declared.stack)
    disable(scope, compare, actual, { cause: 'expired', source: declared.source });
};

const disable = (scope: Scope, compare: Comparison, actual: Existing, about: About): void => {
  const before = bodyOf(scope, actual);
  const after = { ...before, login: false };
  compare.put('role', pathKey(actual.name), before, after, { ...about, ...blockedAlter(scope, before, after) });
  putSessions(scope, compare, actual.name, about);
};

const forget = (scope: Scope, compare: Comparison, actual: Existing, about: About): void => {
  if (actual.mark && actual.mark.stack !== scope.declared.stack) {
    compare.report({
      severity: 'error',
      code: 'role/foreign-mark',
      message: `'${actual.name}' carries the mark of stack '${actual.mark.stack}', which only that stack can take off`,
      ...(about.source ? { source: about.source } : {}),
    });
    return;
  }
  if (!actual.mark) {
    compare.report({
      severity: 'note',
      code: 'role/already-forgotten',
      message: `'${actual.name}' under removed carries no mark (any more)`,
      ...(about.source ? { source: about.source } : {}),
    });
  }
  const before = bodyOf(scope, actual);
  const after = { ...before, description: withoutMarks(before.description, scope.declared.stack), mark: null };
  compare.put('role', pathKey(actual.name), before, after, { ...about, ...blockedAlter(scope, before, after) });
};

/** The normal form without the OID, under the name that it has now. */
export const bodyOf = (scope: Scope, { oid: _, ...role }: Existing): Role => ({ ...role, name: scope.renamed.get(role.name) ?? role.name });

const desiredAttributes = (declared: DeclaredRole) => ({
  login: declared.kind === 'user' && declared.auth !== 'none' && declared.enabled,
  inherit: declared.inherit,
  createdb: declared.createdb,
  createrole: declared.createrole,
  connectionLimit: declared.connectionLimit,
  validUntil: canonicalInstant(declared.validUntil),
});

/** `manage: additive` takes nothing away that the manifest does not name: abilities only grow, limits stay unless one is written. */
const additive = (before: Role, wanted: Role, declared: DeclaredRole): Partial<Role> => ({
  login: declared.enabled && (before.login || wanted.login),
  inherit: before.inherit || wanted.inherit,
  createdb: before.createdb || wanted.createdb,
  createrole: before.createrole || wanted.createrole,
  connectionLimit: declared.connectionLimit === -1 ? before.connectionLimit : wanted.connectionLimit,
  validUntil: wanted.validUntil ?? before.validUntil,
});

const markOf = (scope: Scope, declared: DeclaredRole, actual: Mark | null): Mark => {
  const ours = actual?.stack === scope.declared.stack || (actual !== null && declared.adoptFrom.includes(actual.stack));
  const version = declared.auth === 'password' && declared.password ? passwordVersion(declared, actual) : ours ? actual?.pw : undefined;
  return {
    stack: scope.declared.stack,
    ...(version === undefined ? {} : { pw: version }),
    ...(ours && actual ? lockOf(actual) : {}),
  };
};

/** The lock stays until somebody unlocks: no plan takes it off. */
const lockOf = ({ locked, reason, wasClosed }: Mark): Partial<Mark> =>
  locked === undefined ? {} : { locked, ...(reason === undefined ? {} : { reason }), ...(wasClosed ? { wasClosed } : {}) };

/** A version is never lowered: the mark says what was set last. */
const passwordVersion = (declared: DeclaredRole, actual: Mark | null): number => Math.max(declared.passwordVersion, actual?.pw ?? 0);

const comparePassword = (scope: Scope, compare: Comparison, declared: DeclaredRole, actual: Existing): void => {
  const iam = scope.iam.has(actual.name);
  if (declared.auth === 'iam' && !iam && actual.login) {
    compare.put('password', pathKey(declared.name), { role: declared.name, version: actual.mark?.pw ?? 0, reference: 'stored' }, null, {
      source: declared.source,
    });
    return;
  }
  if (declared.auth !== 'password' || !declared.password) return;
  // Adoption leaves the password alone, unless its login was by IAM until now: a stored password may then be anybody's.
  const adopting = actual.mark?.stack !== scope.declared.stack;
  const bumped = !adopting && declared.passwordVersion > (actual.mark?.pw ?? 0);
  if (bumped || iam || declared.rotate) putPassword(compare, declared, actual.mark?.pw ?? 0);
  else if (!adopting && declared.passwordVersion < (actual.mark?.pw ?? 0)) reportVersion(compare, declared, actual.mark!.pw!);
};

/** Whoever writes a lower version may expect a new password. */
const reportVersion = (compare: Comparison, { name, passwordVersion, source }: DeclaredRole, stored: number): void =>
  compare.report({
    severity: 'warning',
    code: 'role/password-version',
    message: `user '${name}' has password_version ${passwordVersion}, but version ${stored} was set already: its password stays`,
    hint: `to set the password again, write password_version: ${stored + 1}`,
    source,
  });

const putPassword = (compare: Comparison, declared: DeclaredRole, stored: number | null): void => {
  const before = stored === null ? null : { role: declared.name, version: stored, reference: 'stored' };
  compare.put(
    'password',
    pathKey(declared.name),
    before,
    { role: declared.name, version: declared.passwordVersion, reference: declared.password!.text },
    { source: declared.source },
  );
};

/** Sessions of a role that may not log in (any more) end, those included that an interrupted run left. */
export const putSessions = (scope: Scope, compare: Comparison, role: string, about: About): void => {
  const count = sessionsOf(scope, role);
  compare.put('sessions', pathKey(role), { role, ...(count === 0 ? {} : { count }) }, null, about);
};

export const hasSessions = (scope: Scope, { name }: Role): boolean => sessionsOf(scope, name) > 0;

const sessionsOf = (scope: Scope, name: string): number =>
  scope.snapshot.sessions.find(({ role }) => role === (scope.renamed.get(name) ?? name))?.count ?? 0;

/** Whose role it is: another stack's is an error; nobody's is adopted, which needs the right to comment on it. */
const reportOwnership = (scope: Scope, compare: Comparison, declared: DeclaredRole, actual: Existing): void => {
  const { stack } = scope.declared;
  if (actual.mark && actual.mark.stack !== stack && !declared.adoptFrom.includes(actual.mark.stack)) {
    compare.report({
      severity: 'error',
      code: 'role/foreign-mark',
      message: `${declared.kind} '${actual.name}' belongs to stack '${actual.mark.stack}'`,
      hint: `take it over with adopt_from: [${actual.mark.stack}], or have that stack forget it`,
      source: declared.source,
    });
  }
  if (actual.mark?.stack === stack || scope.authority.alter(actual.name)) return;
  compare.report({
    severity: 'error',
    code: 'role/cannot-adopt',
    message: `${declared.kind} '${actual.name}' exists and '${scope.authority.login}' may not alter it`,
    hint: `have its administrator run: GRANT ${nameKey(actual.name)} TO ${nameKey(scope.authority.login)} WITH ADMIN OPTION`,
    source: declared.source,
  });
};

/** SUPERUSER, REPLICATION and BYPASSRLS are reported, never changed. */
const reportAttributes = (compare: Comparison, declared: DeclaredRole, actual: Existing): void => {
  for (const attribute of ['superuser', 'replication', 'bypassrls'] as const) {
    if (!actual[attribute]) continue;
    compare.report({
      severity: 'warning',
      code: `role/${attribute}`,
      message: `${declared.kind} '${actual.name}' has the attribute ${attribute.toUpperCase()}, which is left as it is`,
      source: declared.source,
    });
  }
};

const blockedAlter = (scope: Scope, before: Role, after: Role): About => {
  if (JSON.stringify(before) === JSON.stringify(after) || scope.authority.alter(after.name)) return {};
  return { blocked: `'${scope.authority.login}' may not alter role '${before.name}': it needs ADMIN OPTION on it` };
};
