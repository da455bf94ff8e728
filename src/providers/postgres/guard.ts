import { groupBy } from '../../core/group.ts';
import type { Change } from '../../model/change.ts';
import type { Declared } from '../../model/declared.ts';
import type { Finding } from '../../model/finding.ts';
import { nameKey } from '../../model/key.ts';
import type { Role } from '../../model/state.ts';
import type { Reality } from '../provider.ts';
import { authenticationFlips } from './authentication.ts';
import { connectionFindings, readerFindings } from './exposure.ts';
import { scopeOf } from './normalize.ts';
import type { Scope } from './scope.ts';
import type { Snapshot } from './snapshot.ts';

/** What only PostgreSQL and RDS can do to a login: be locked out by rds_iam, by PUBLIC's CONNECT, or by its own change. */
export const guard = (snapshot: Snapshot, declared: Declared, before: Reality, after: Reality, changes: readonly Change[]): Finding[] => {
  const scope = scopeOf(snapshot, declared);
  return [
    ...connectionFindings(declared.target),
    ...(changes.length === 0 ? [] : readerFindings(snapshot, declared.target, 'warning')),
    ...creation(scope, changes),
    ...selfDamage(scope, changes),
    ...authenticationFlips(scope, before, after),
    ...lostConnect(scope, changes, before, after),
    ...publicConnect(scope, changes, after),
    ...passwordCommands(scope, changes),
  ];
};

/** Roles are made by who has CREATEROLE. */
const creation = (scope: Scope, changes: readonly Change[]): Finding[] => {
  const { login, superuser } = scope.authority;
  const made = changes.filter((change) => change.kind === 'role' && change.before === null && change.blocked === undefined);
  const [first] = made;
  if (!first || superuser || !scope.reality.roles.has(login) || scope.reality.roles.get(login)!.createrole) return [];
  return [
    {
      severity: 'error',
      code: 'guard/no-createrole',
      message: `'${login}' has no CREATEROLE, and ${made.length === 1 ? 'a role is' : `${made.length} roles are`} to be made: ${named(made.map(({ after }) => (after as Role).name))}`,
      hint: `have an administrator run: ALTER ROLE ${nameKey(login)} CREATEROLE; or log in as somebody who has it`,
      ...(first.source ? { source: first.source } : {}),
    },
  ];
};

const named = (names: readonly string[]): string => `${names.slice(0, 5).map(nameKey).join(', ')}${names.length > 5 ? ', …' : ''}`;

/** Rolecall's logins, the masters and the provider's roles are never altered, whatever the manifest says. */
const selfDamage = (scope: Scope, changes: readonly Change[]): Finding[] =>
  changes.flatMap((change) => {
    if (change.kind !== 'role') return [];
    const { name } = (change.before ?? change.after)!;
    if (!scope.untouchable.has(name)) return [];
    const why =
      name === scope.authority.login
        ? 'it is the login that applies this plan'
        : 'it is a master, a superuser, a provider role or protected';
    return [
      {
        severity: 'error',
        code: 'guard/self-attribute-change',
        message: `role '${name}' would be changed: ${why}`,
        hint: 'take it out of users and groups; it may be named under existing',
        ...(change.source ? { source: change.source } : {}),
      } satisfies Finding,
    ];
  });

/** Our logins, masters and protected roles keep their way into every database, be it through PUBLIC, a group, or by name. */
const lostConnect = (scope: Scope, changes: readonly Change[], before: Reality, after: Reality): Finding[] => {
  if (before === after) return [];
  const logins = [...after.roles.values()].filter(({ name, login, superuser }) => login && !superuser && scope.untouchable.has(name));
  const databases = before.objects.flatMap((row) => (row.kind === 'database' ? row.names : []));
  return logins.flatMap(({ name }) => {
    const had = connects(before, name);
    const has = connects(after, name);
    return databases.filter((database) => had(database) && !has(database)).map((database) => closedTo(scope, name, database, changes));
  });
};

const closedTo = (scope: Scope, name: string, database: string, changes: readonly Change[]): Finding => {
  const cause = changes.find(
    ({ kind, before, after }) =>
      kind === 'grant' && (before ?? after)!.on.kind === 'database' && (before ?? after)!.on.names.includes(database),
  );
  const own = [scope.authority.login, scope.declared.target.login.planUser].includes(name);
  return {
    severity: 'error',
    code: 'guard/own-connect',
    message: `'${name}', ${own ? "Rolecall's own login" : 'a master or protected role'}, could no longer connect to database '${database}'`,
    hint: `grant it first: GRANT CONNECT ON DATABASE ${nameKey(database)} TO ${nameKey(name)}`,
    ...(cause?.source ? { source: cause.source } : {}),
  };
};

/** Which databases a role may connect to: by an entry for it, for PUBLIC, or for what it inherits from. */
const connects = ({ memberships, objects }: Reality, name: string): ((database: string) => boolean) => {
  const held = new Set([name]);
  const above = groupBy(
    memberships.filter((edge) => edge.inherit),
    (edge) => edge.member,
  );
  for (const role of held) for (const edge of above.get(role) ?? []) held.add(edge.role);
  const open = objects.filter(
    ({ kind, acl }) =>
      kind === 'database' &&
      acl.some(
        ({ grantee, privileges }) =>
          (typeof grantee !== 'string' || held.has(grantee)) && privileges.some((privilege) => privilege.startsWith('CONNECT')),
      ),
  );
  const names = new Set(open.flatMap((row) => row.names));
  return (database) => names.has(database);
};

/** CONNECT taken from PUBLIC: who had it no other way can no longer log in there. */
const publicConnect = (scope: Scope, changes: readonly Change[], after: Reality): Finding[] =>
  changes.flatMap((change): Finding[] => {
    if (change.kind !== 'grant' || change.blocked !== undefined) return [];
    const { on, grantee } = (change.before ?? change.after)!;
    if (on.kind !== 'database' || typeof grantee === 'string') return [];
    const [had, has] = [change.before, change.after].map(
      (side) => side?.privileges.some((privilege) => privilege.startsWith('CONNECT')) ?? false,
    );
    return had && !has ? on.names.flatMap((database) => connectFindings(scope, database, after, change)) : [];
  });

const connectFindings = (scope: Scope, database: string, after: Reality, change: Change): Finding[] => {
  const able = connectors(database, after);
  const stranded = [...after.roles.values()]
    .filter((role) => role.login && !role.superuser && !able.has(role.name))
    .map((role) => role.name);
  const foreign = stranded.filter((name) => !scope.declared.roles.has(name) && !scope.untouchable.has(name));
  const source = change.source ? { source: change.source } : {};
  if (foreign.length === 0) return [];
  return [
    {
      severity: 'warning',
      code: 'guard/public-connect',
      message: `${foreign.length === 1 ? 'a login' : `${foreign.length} logins`} that nobody declared could no longer connect to database '${database}': ${foreign.slice(0, 5).map(nameKey).join(', ')}${foreign.length > 5 ? ', …' : ''}`,
      hint: 'declare them, or grant them CONNECT first',
      ...source,
    },
  ];
};

/** Roles that hold CONNECT on the database themselves or by inheritance, owners included. */
const connectors = (database: string, reality: Reality): ReadonlySet<string> => {
  const row = reality.objects.find((objects) => objects.kind === 'database' && objects.names.includes(database));
  const holders = (row?.acl ?? []).filter((entry) => entry.privileges.some((privilege) => privilege.startsWith('CONNECT')));
  if (holders.some((entry) => typeof entry.grantee !== 'string')) return new Set(reality.roles.keys());
  const able = new Set(holders.flatMap((entry) => (typeof entry.grantee === 'string' ? [entry.grantee] : [])));
  for (const role of able) for (const edge of reality.memberships) if (edge.inherit && edge.role === role) able.add(edge.member);
  return able;
};

/** RDS may reserve passwords for members of rds_password. */
const passwordCommands = (scope: Scope, changes: readonly Change[]): Finding[] => {
  const restricted =
    scope.snapshot.server.restrictPasswordCommands === true &&
    !scope.authority.superuser &&
    !scope.authority.inherits(scope.authority.login, 'rds_password');
  const first = changes.find((change) => change.kind === 'password');
  if (!restricted || !first) return [];
  return [
    {
      severity: 'error',
      code: 'guard/password-commands',
      message: `rds.restrict_password_commands is on, and '${scope.authority.login}' is no member of rds_password: it may set no password`,
      hint: `have the master run: GRANT rds_password TO ${nameKey(scope.authority.login)}`,
      ...(first.source ? { source: first.source } : {}),
    },
  ];
};
