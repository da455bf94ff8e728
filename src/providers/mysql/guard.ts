import { groupBy } from '../../core/group.ts';
import { difference, wordOf } from '../../core/privileges.ts';
import type { Change } from '../../model/change.ts';
import type { Declared } from '../../model/declared.ts';
import type { Finding } from '../../model/finding.ts';
import { distinct, nameKey } from '../../model/key.ts';
import type { Membership } from '../../model/state.ts';
import { unverifiedLogin } from '../login.ts';
import type { Reality } from '../provider.ts';
import { accessFindings } from './access.ts';
import { readerFindings } from './exposure.ts';
import { type Scope, scopeOf } from './scope.ts';
import type { Snapshot } from './snapshot.ts';
import { unkeptRoutines } from './unkept.ts';

/** What only MySQL and MariaDB can do to a login: lock itself, take its own rights to make accounts, leave sessions with what was revoked. */
export const guard = (snapshot: Snapshot, declared: Declared, before: Reality, _after: Reality, changes: readonly Change[]): Finding[] => {
  const scope = scopeOf(snapshot, declared);
  return [
    ...unverifiedLogin(declared.target, 'is sent to a server that nobody verified'),
    ...(changes.length === 0 ? [] : readerFindings(snapshot, declared.target, 'warning')),
    ...creation(scope, changes),
    ...selfDamage(scope, changes),
    ...ownRoles(scope, changes),
    ...lastingSessions(scope, before, changes),
    ...comingSuperusers(scope, changes),
    ...unkeptRoutines(changes),
    ...(changes.length === 0 ? [] : accessFindings(snapshot, declared, changes)),
  ];
};

/** Accounts are made, altered and dropped by who has CREATE USER. */
const creation = ({ loginWords, login }: Scope, changes: readonly Change[]): Finding[] => {
  if (loginWords === null || loginWords.has('CREATE USER')) return [];
  const first = changes.find((change) => (change.kind === 'role' || change.kind === 'password') && change.blocked === undefined);
  if (!first) return [];
  return [
    {
      severity: 'error',
      code: 'guard/no-create-user',
      message: `'${login}' has no CREATE USER, and accounts are to be made or changed: ${first.key}${changes.filter(({ kind }) => kind === 'role').length > 1 ? ', …' : ''}`,
      hint: `have an administrator run: GRANT CREATE USER ON *.* TO ${nameKey(login)}; or log in as somebody who has it`,
      ...(first.source ? { source: first.source } : {}),
    },
  ];
};

/** Rolecall's logins, the master, protected accounts and the server's own are never changed, whatever the manifest says. */
const selfDamage = (scope: Scope, changes: readonly Change[]): Finding[] => {
  const told = new Set<string>();
  return changes.flatMap((change): Finding[] => {
    const name = change.blocked === undefined ? subjectOf(change) : undefined;
    if (name === undefined || !scope.untouchable.has(name) || told.has(name)) return [];
    told.add(name);
    const why =
      name === scope.login
        ? 'it is the login that applies this plan'
        : "it is a login of Rolecall's, a master, protected, or the server's own";
    return [
      {
        severity: 'error',
        code: 'guard/self-attribute-change',
        message: `account '${name}' would be changed (${change.kind} ${change.key}): ${why}`,
        hint: 'take it out of users and groups; it may be named under existing',
        ...(change.source ? { source: change.source } : {}),
      },
    ];
  });
};

/** Whom a change is about: who holds more or less after it. */
const subjectOf = (change: Change): string | undefined => {
  switch (change.kind) {
    case 'role':
      return (change.before ?? change.after)!.name;
    case 'password':
    case 'sessions':
      return (change.before ?? change.after)!.role;
    case 'membership':
      return (change.before ?? change.after)!.member;
    case 'grant': {
      const { grantee } = (change.before ?? change.after)!;
      return typeof grantee === 'string' ? grantee : undefined;
    }
    default:
      return undefined;
  }
};

/** A group that the login itself is in may be what lets it work: what it loses there it may need for the next statement. */
const ownRoles = (scope: Scope, changes: readonly Change[]): Finding[] =>
  changes.flatMap((change): Finding[] => {
    const name = change.blocked === undefined ? subjectOf(change) : undefined;
    if (name === undefined || name === scope.login || !scope.loginRoles.has(name)) return [];
    if (!takesAway(change)) return [];
    return [
      {
        severity: 'error',
        code: 'guard/own-rights',
        message: `'${name}', which '${scope.login}' is in, would lose something that the login may need to apply this plan: ${change.kind} ${change.key}`,
        hint: `take '${name}' out of the manifest, or '${scope.login}' out of it`,
        ...(change.source ? { source: change.source } : {}),
      },
    ];
  });

const takesAway = (change: Change): boolean => {
  if (change.kind === 'grant') return difference(change.before?.privileges ?? [], change.after?.privileges ?? []).length > 0;
  if (change.kind === 'role') return change.after === null;
  return change.kind === 'membership' && (change.after === null || change.risk === 'removes');
};

/**
 * Open sessions keep global privileges until they end, those on a schema until their next USE, and roles that they have set
 * (MySQL 8.4 manual, 8.2.13).
 */
const lastingSessions = ({ server, login }: Scope, before: Reality, changes: readonly Change[]): Finding[] => {
  const ended = new Set(changes.flatMap((change) => (change.kind === 'sessions' ? [change.before!.role] : [])));
  const losing = new Set(
    changes.flatMap((change) => {
      if (change.blocked !== undefined || !takesAway(change)) return [];
      if (change.kind === 'membership') return [change.before!.member];
      if (change.kind === 'role') return [change.before!.name];
      if (change.kind !== 'grant') return [];
      const { on, grantee } = change.before!;
      return ['global', 'schema', 'pattern'].includes(on.kind) && typeof grantee === 'string' ? [grantee] : [];
    }),
  );
  if (losing.size === 0) return [];
  const users = distinct(below(losing, before.memberships)).filter(
    (name) => before.roles.get(name)?.login && !ended.has(name) && name !== login,
  );
  if (users.length === 0) return [];
  return [
    {
      severity: 'note',
      code: 'guard/open-sessions',
      message: `open sessions of ${users.slice(0, 5).map(nameKey).join(', ')}${users.length > 5 ? `, and ${users.length - 5} more` : ''} keep what is taken away for a while: on the whole server until they end, on a schema until their next USE, roles until they set others`,
      hint: `to end one: ${server.rds ? 'CALL mysql.rds_kill(ID)' : 'KILL ID'}`,
    },
  ];
};

/** These accounts and everybody who is in them, over whatever roles. */
const below = (names: ReadonlySet<string>, memberships: readonly Membership[]): ReadonlySet<string> => {
  const members = groupBy(memberships, ({ role }) => role);
  const found = new Set(names);
  for (const role of found) for (const { member } of members.get(role) ?? []) found.add(member);
  return found;
};

/** The rule `no-superuser` speaks of what is there; here of what the manifest would make. */
const comingSuperusers = ({ declared }: Scope, changes: readonly Change[]): Finding[] => {
  const severity = declared.guards.rules['no-superuser'];
  if (severity === undefined || severity === 'off') return [];
  return changes.flatMap((change): Finding[] => {
    if (change.kind !== 'grant' || change.after?.on.kind !== 'global' || typeof change.after.grantee !== 'string') return [];
    const words = difference(change.after.privileges, change.before?.privileges ?? []).map(wordOf);
    const [word] = words.filter((one) => one === 'SUPER' || one === 'SYSTEM_USER');
    if (word === undefined) return [];
    return [
      {
        severity,
        code: 'rule/no-superuser',
        message: `'${change.after.grantee}' would hold ${word}`,
        ...(change.source ? { source: change.source } : {}),
      },
    ];
  });
};
