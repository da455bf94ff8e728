import { withoutMarks } from '../../core/mark.ts';
import { type Orphan, orphanFindings } from '../../core/orphans.ts';
import type { Account, DeclaredRole } from '../../model/declared.ts';
import { nameKey, pathKey } from '../../model/key.ts';
import type { AccountOptions, Mark, Role } from '../../model/state.ts';
import type { About } from '../provider.ts';
import { hasLoginTracking, hasMarks } from './catalog.ts';
import { FLAVOURS } from './flavour.ts';
import { comparePassword, putPassword } from './passwords.ts';
import type { Comparison, Scope } from './scope.ts';
import { isLocked, lockedUsers, lockIn } from './user-locks.ts';

/** Declared accounts, and accounts that left the manifest or shall be forgotten: options, marks, passwords, sessions. */
export const compareRoles = (scope: Scope, compare: Comparison): void => {
  for (const declared of scope.declared.roles.values()) {
    const actual = existing(scope, declared);
    if (actual && reportKind(scope, compare, declared, actual)) continue;
    if (declared.expired) expire(scope, compare, declared, actual);
    else if (!actual) create(scope, compare, declared);
    else alter(scope, compare, declared, actual);
  }
  for (const removal of scope.declared.removed) {
    const actual = scope.reality.roles.get(removal.name);
    if (!actual) reportGone(compare, removal);
    else if (removal.action === 'forget') forget(scope, compare, bodyOf(scope, removal.name)!, { source: removal.source });
  }
  const orphans: Orphan[] = [];
  for (const { name, login } of absentRoles(scope)) {
    if (login || hasSessions(scope, name)) disable(scope, compare, name, { cause: 'absent' });
    else orphans.push({ name, entry: removalOf(scope.accounts.get(name)!) });
  }
  orphanFindings(orphans).forEach(compare.report);
};

/** Accounts with our mark that the manifest no longer names, but for those that nothing may alter. */
export const absentRoles = (scope: Scope): Role[] =>
  [...scope.reality.roles.values()].filter(
    (role) =>
      role.mark?.stack === scope.declared.stack &&
      !scope.untouchable.has(role.name) &&
      !scope.declared.roles.has(role.name) &&
      !scope.declared.existing.has(role.name) &&
      !scope.declared.removed.some((removal) => removal.name === role.name),
  );

/** The account as it was read, under the name that it has now. */
export const bodyOf = (scope: Scope, name: string): Role | undefined => {
  const found = scope.reality.roles.get(name);
  if (!found) return undefined;
  const { oid: _, name: now, ...role } = found;
  return { name: scope.renamed.get(now) ?? now, ...role };
};

/** Sessions of an account that may not log in (any more) end, those included that an interrupted run left. */
export const putSessions = (compare: Comparison, role: string, about: About): void =>
  compare.put('sessions', pathKey(role), { role }, null, about);

export const hasSessions = (scope: Scope, name: string): boolean => {
  const now = scope.renamed.get(name) ?? name;
  return scope.snapshot.sessions.some(({ account, count }) => account === now && count > 0);
};

/** Why the server would refuse every change of the account; undefined: it would not. */
export const outOfReach = (scope: Scope, name: string): string | undefined =>
  scope.beyond.has(name) ? `'${name}' holds SYSTEM_USER and '${scope.login}' does not: the server lets nobody else change it` : undefined;

/**
 * MySQL stores a role as a locked account without a password: one that nobody was granted yet looks like a user, and one that was
 * unlocked is a user. With our mark it is the group that it was made as, or becomes one, and its login is closed.
 */
const existing = (scope: Scope, declared: DeclaredRole): Role | undefined => {
  const actual = bodyOf(scope, declared.name);
  if (declared.kind !== 'group' || !actual?.options || scope.server.flavour !== 'mysql') return actual;
  const closed = !actual.login && actual.options.auth === 'none';
  if (!closed && actual.mark?.stack !== scope.declared.stack) return actual;
  const { options: _, ...role } = actual;
  return { ...role, connectionLimit: -1 };
};

/** true: what exists under the name is of another kind, and the difference has been reported. */
const reportKind = ({ server }: Scope, compare: Comparison, { kind, name, source }: DeclaredRole, actual: Role): boolean => {
  const found = actual.options === undefined ? 'group' : 'user';
  if (found === kind) return false;
  compare.report({
    severity: 'error',
    code: kind === 'user' ? 'role/is-a-role' : 'role/is-a-user',
    message:
      kind === 'user'
        ? `user '${name}' is a role on the server, which cannot log in`
        : `group '${name}' is a user on the server, with a login of its own`,
    hint:
      server.flavour === 'mariadb' && kind === 'user'
        ? 'declare it under groups, or give the user another name'
        : `declare it under ${kind === 'user' ? 'groups' : 'users'}, or take another name`,
    source,
  });
  return true;
};

const create = (scope: Scope, compare: Comparison, declared: DeclaredRole): void => {
  const lock = lockOfUser(scope, declared);
  const mark = markOf(scope, declared, null);
  const after: Role = {
    name: declared.name,
    login: wantsLogin(declared) && lock.locked === undefined,
    inherit: true,
    createdb: false,
    createrole: false,
    superuser: false,
    replication: false,
    bypassrls: false,
    connectionLimit: declared.kind === 'user' ? declared.connectionLimit : -1,
    validUntil: null,
    description: hasMarks(scope.server) ? (declared.description ?? '') : '',
    mark: mark && { ...mark, ...lock },
    ...(declared.kind === 'user' ? { options: desiredOptions(scope, declared, null) } : {}),
  };
  compare.put('role', pathKey(declared.name), null, after, { source: declared.source });
  if (declared.auth === 'password') putPassword(compare, declared, null);
};

const alter = (scope: Scope, compare: Comparison, declared: DeclaredRole, before: Role): void => {
  const about: About = { source: declared.source };
  reportStack(scope, compare, declared, before);
  const locked = isLocked(before, scope.declared.stack);
  const additive = !scope.exact.has(declared.name);
  const after: Role = {
    ...before,
    name: declared.name,
    login: !locked && (wantsLogin(declared) || (additive && declared.enabled && before.login)),
    connectionLimit: additive && declared.connectionLimit === -1 ? before.connectionLimit : declared.connectionLimit,
    description: hasMarks(scope.server) ? (declared.description ?? before.description) : before.description,
    mark: markOf(scope, declared, before.mark),
    ...(before.options ? { options: desiredOptions(scope, declared, before) } : {}),
  };
  if (locked)
    compare.report({
      severity: 'note',
      code: 'role/locked',
      message: `'${before.name}' is locked since ${before.mark?.locked}${before.mark?.reason ? ` (${before.mark.reason})` : ''} and stays so until it is unlocked`,
      hint: 'rolecall unlock takes the lock off',
      source: declared.source,
    });
  compare.put('role', pathKey(declared.name), before, after, { ...about, ...blockedAlter(scope, before, after) });
  if (!after.login && (before.login || hasSessions(scope, declared.name)) && !scope.untouchable.has(declared.name))
    putSessions(compare, declared.name, about);
  if (declared.kind === 'user') comparePassword(scope, compare, declared, before);
};

const wantsLogin = (declared: DeclaredRole): boolean => declared.kind === 'user' && declared.auth !== 'none' && declared.enabled;

/**
 * What is left out is the server's default; a requirement of TLS is taken off only where that is written, and IAM always has one,
 * since its token is sent as it is. A user that shall not log in keeps what it has: the lock is enough.
 */
const desiredOptions = (scope: Scope, declared: DeclaredRole, before: Role | null): AccountOptions => {
  const { auth, options: written = {} } = declared;
  const held = before?.options;
  const fallback: Partial<AccountOptions> = held && !scope.exact.has(declared.name) ? held : {};
  const kept = auth === 'none' && held ? held : { auth };
  const require = written.require ?? held?.require ?? 'none';
  return {
    auth: kept.auth,
    ...('plugin' in kept && kept.plugin !== undefined ? { plugin: kept.plugin } : {}),
    require: auth === 'iam' && require === 'none' ? 'ssl' : require,
    queriesPerHour: written.queriesPerHour ?? fallback.queriesPerHour ?? 0,
    updatesPerHour: written.updatesPerHour ?? fallback.updatesPerHour ?? 0,
    connectionsPerHour: written.connectionsPerHour ?? fallback.connectionsPerHour ?? 0,
    passwordExpireDays: written.passwordExpireDays === undefined ? (fallback.passwordExpireDays ?? null) : written.passwordExpireDays,
    ...(hasLoginTracking(scope.server)
      ? {
          failedLoginAttempts: written.failedLoginAttempts ?? fallback.failedLoginAttempts ?? 0,
          passwordLockDays: written.passwordLockDays ?? fallback.passwordLockDays ?? 0,
        }
      : {}),
  };
};

/** Where there are no marks, that the manifest names it is what makes it ours. */
const expire = (scope: Scope, compare: Comparison, declared: DeclaredRole, actual: Role | undefined): void => {
  const ours = !hasMarks(scope.server) || actual?.mark?.stack === scope.declared.stack;
  if (actual && ours && (actual.login || hasSessions(scope, declared.name)))
    disable(scope, compare, declared.name, { cause: 'expired', source: declared.source });
};

const disable = (scope: Scope, compare: Comparison, name: string, about: About): void => {
  const before = bodyOf(scope, name)!;
  const after = { ...before, login: false };
  compare.put('role', pathKey(name), before, after, { ...about, ...blockedAlter(scope, before, after) });
  putSessions(compare, name, about);
};

const forget = (scope: Scope, compare: Comparison, before: Role, about: About): void => {
  const source = about.source ? { source: about.source } : {};
  if (before.mark && before.mark.stack !== scope.declared.stack) {
    compare.report({
      severity: 'error',
      code: 'role/foreign-mark',
      message: `'${before.name}' carries the mark of stack '${before.mark.stack}', which only that stack can take off`,
      ...source,
    });
    return;
  }
  if (!before.mark) {
    const why = hasMarks(scope.server)
      ? '(any more)'
      : `: ${FLAVOURS[scope.server.flavour]}${scope.server.flavour === 'mysql' ? ` ${scope.server.versionText}` : ''} keeps none, and there is nothing to forget`;
    compare.report({
      severity: 'note',
      code: 'role/already-forgotten',
      message: `'${before.name}' under removed carries no mark${hasMarks(scope.server) ? ' ' : ''}${why}`,
      ...source,
    });
  }
  const after = { ...before, description: withoutMarks(before.description, scope.declared.stack), mark: null };
  compare.put('role', pathKey(before.name), before, after, { ...about, ...blockedAlter(scope, before, after) });
};

/** MariaDB, and MySQL before 8.0.21, keep no marks. A version is never lowered: the mark says what was set last. */
const markOf = (scope: Scope, declared: DeclaredRole, actual: Mark | null): Mark | null => {
  if (!hasMarks(scope.server)) return actual;
  const ours = actual?.stack === scope.declared.stack || (actual !== null && declared.adoptFrom.includes(actual.stack));
  const version =
    declared.auth === 'password' && declared.password ? Math.max(declared.passwordVersion, actual?.pw ?? 0) : ours ? actual?.pw : undefined;
  return {
    stack: scope.declared.stack,
    ...(version === undefined ? {} : { pw: version }),
    ...(ours ? lockIn(actual) : {}),
  };
};

/** An account that a locked user gets meanwhile opens nothing. */
const lockOfUser = (scope: Scope, { account }: DeclaredRole): Pick<Mark, 'locked' | 'reason'> => {
  const { wasClosed: _, ...lock } = lockIn((account && lockedUsers(scope).get(account.user)) ?? null);
  return lock;
};

/** Whose account it is: another stack's is an error, nobody's is adopted. */
const reportStack = (scope: Scope, compare: Comparison, declared: DeclaredRole, { name, mark }: Role): void => {
  if (!mark || mark.stack === scope.declared.stack || declared.adoptFrom.includes(mark.stack)) return;
  compare.report({
    severity: 'error',
    code: 'role/foreign-mark',
    message: `${declared.kind} '${name}' belongs to stack '${mark.stack}'`,
    hint: `take it over with adopt_from: [${mark.stack}], or have that stack forget it`,
    source: declared.source,
  });
};

const reportGone = (compare: Comparison, { name, source }: Scope['declared']['removed'][number]): void =>
  compare.report({ severity: 'note', code: 'role/already-gone', message: `'${name}' under removed is already gone`, source });

const removalOf = ({ user, host }: Account): string =>
  `${nameKey(user)}: { drop: true${hostsOf(host)} } or { forget: true${hostsOf(host)} }`;

/** As an entry under removed names another host than the usual one. */
const hostsOf = (host: string): string => (host === '%' || host === '' ? '' : `, hosts: [${JSON.stringify(host)}]`);

const blockedAlter = (scope: Scope, before: Role, after: Role): About => {
  const reason = outOfReach(scope, after.name);
  return reason === undefined || JSON.stringify(before) === JSON.stringify(after) ? {} : { blocked: reason };
};
