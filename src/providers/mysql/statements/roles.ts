import type { AccountOptions, Role } from '../../../model/state.ts';
import type { Scope } from '../scope.ts';
import type { Server } from '../snapshot.ts';
import { requireSql } from '../sql.ts';
import { attributeSql } from './attributes.ts';
import type { Draft, Indexed } from './draft.ts';
import { isRole, nameSql, oldNameSql } from './names.ts';

type Change = {
  readonly role: Indexed<'role'> /** What sets its password, when that changes too. */;
  readonly password: Indexed<'password'> | undefined;
};

/** A user or group that comes, changes or goes, with its password. */
export const roleDrafts = (scope: Scope, { role, password }: Change): Draft[] => {
  const { before, after } = role;
  if (!before) return createDrafts(scope, role, after!, password);
  if (!after) return dropDrafts(scope, role, before);
  return alterDrafts(scope, role, before, after, password);
};

/**
 * A user is made whole, in one statement, and locked: with its mark, so that whoever finds it knows whose it is, and with its
 * password, since a server that validates passwords takes no empty one. It is unlocked when everything else stands.
 */
const createDrafts = (scope: Scope, { index }: Indexed<'role'>, after: Role, password: Indexed<'password'> | undefined): Draft[] => {
  const name = nameSql(scope, after.name);
  const attribute = attributeSql(null, after);
  if (!after.options) {
    const mark = attribute === '' ? [] : [{ sql: `ALTER USER ${name}${attribute}`, changes: [index] }];
    return [{ phase: 'create', sql: `CREATE ROLE ${name}`, next: mark, changes: [index], rank: ROLES }];
  }
  const secret = password?.after?.reference;
  const require = after.options.require === 'none' ? '' : ` REQUIRE ${requireSql(after.options.require)}`;
  const sql = `CREATE USER ${name}${identified(after.options, secret)}${require}${limitsSql(NO_LIMITS, limitsOf(after))} ACCOUNT LOCK${passwordRules(null, after.options)}${attribute}`;
  return [
    {
      phase: 'create',
      sql,
      changes: [index, ...(password ? [password.index] : [])],
      rank: USERS,
      ...(secret === undefined ? {} : { secret }),
    },
    ...(after.login ? [{ phase: 'open', sql: `ALTER USER ${name} ACCOUNT UNLOCK`, changes: [index], rank: UNLOCK } as const] : []),
  ];
};

/** Of what is made, roles come first; of what opens, passwords do. */
const [ROLES, USERS] = [0, 1];
const [PASSWORD, DISCARD, UNLOCK] = [0, 1, 2];

const IAM = " IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS'";

/** What CREATE ROLE makes of an account, the lock aside. */
const AS_ROLE = " IDENTIFIED WITH caching_sha2_password AS '' PASSWORD EXPIRE";

const identified = ({ auth }: AccountOptions, secret: string | undefined): string =>
  auth === 'iam' ? IAM : secret === undefined ? '' : ` IDENTIFIED BY ${secret}`;

const alterDrafts = (
  scope: Scope,
  change: Indexed<'role'>,
  before: Role,
  after: Role,
  password: Indexed<'password'> | undefined,
): Draft[] => {
  const name = nameSql(scope, after.name);
  const changes = [change.index];
  const switched = before.options !== undefined && after.options !== undefined && before.options.auth !== after.options.auth;
  const set = password?.after ? password : undefined;
  // The version is written with the password: were it written apart, a run that breaks off between would set the password twice.
  const versioned = set ? withVersion(after, before.mark?.pw) : after;
  const clauses = [
    ...(switched || before.options?.require === after.options?.require ? [] : [` REQUIRE ${requireSql(after.options!.require)}`]),
    limitsSql(limitsOf(before), limitsOf(after)),
    ...(after.options ? [passwordRules(before.options ?? null, after.options)] : []),
    attributeSql(before, versioned),
  ].join('');
  const opens = !before.login && after.login;
  return [
    ...(before.login && !after.login
      ? [
          {
            phase: 'close',
            sql: `ALTER USER ${oldNameSql(scope, after.name)}${after.options ? '' : AS_ROLE} ACCOUNT LOCK`,
            changes,
          } as const,
        ]
      : []),
    ...(before.name === after.name
      ? []
      : [{ phase: 'alter', sql: `RENAME USER ${oldNameSql(scope, after.name)} TO ${name}`, changes, rank: -1 } as const]),
    ...(clauses === '' ? [] : [{ phase: 'alter', sql: `ALTER USER ${name}${clauses}`, changes } as const]),
    ...(switched || set
      ? loginDrafts(scope, change, { name, before, after, versioned, switched, opens, password: set })
      : opens
        ? [{ phase: 'open', sql: `ALTER USER ${name} ACCOUNT UNLOCK`, changes, rank: UNLOCK } as const]
        : []),
  ];
};

const withVersion = (role: Role, version: number | undefined): Role => {
  if (!role.mark) return role;
  const { pw: _, ...mark } = role.mark;
  return { ...role, mark: version === undefined ? mark : { ...mark, pw: version } };
};

type Login = {
  readonly name: string;
  readonly before: Role;
  readonly after: Role;
  readonly versioned: Role;
  readonly switched: boolean;
  readonly opens: boolean;
  readonly password: Indexed<'password'> | undefined;
};

/** How the account proves who it is, its password or both: one statement with all that belongs together, the unlocking included. */
const loginDrafts = (scope: Scope, { index }: Indexed<'role'>, login: Login): Draft[] => {
  const { name, before, after, versioned, switched, opens, password } = login;
  const { auth, require } = after.options!;
  const demand = switched ? ` REQUIRE ${requireSql(require)}` : '';
  const rest = `${demand}${opens ? ' ACCOUNT UNLOCK' : ''}${attributeSql(versioned, after)}`;
  const changes = [index, ...(password ? [password.index] : [])];
  if (auth === 'iam') {
    const flips = before.login && after.login && (scope.declared.roles.get(after.name)?.principals.length ?? 0) > 0;
    return [{ phase: 'open', sql: `ALTER USER ${name}${IAM}${rest}`, changes, rank: PASSWORD, ...(flips ? { flips: true as const } : {}) }];
  }
  if (!password?.after) return opens ? [{ phase: 'open', sql: `ALTER USER ${name}${rest}`, changes, rank: UNLOCK }] : [];
  const secret = password.after.reference;
  const by = ` IDENTIFIED${pluginSql(scope, before, switched)} BY ${secret}${retains(scope, login) ? ' RETAIN CURRENT PASSWORD' : ''}`;
  return [
    { phase: 'open', sql: `ALTER USER ${name}${by}${rest}`, changes, secret, rank: PASSWORD },
    ...(discards(scope, after.name)
      ? [{ phase: 'open', sql: `ALTER USER ${name} DISCARD OLD PASSWORD`, changes, rank: DISCARD } as const]
      : []),
  ];
};

/** A new password of an account that stays as it is otherwise. */
export const passwordDrafts = (scope: Scope, change: Indexed<'password'>): Draft[] => {
  const { before, after } = change;
  if (!after) return [];
  const name = nameSql(scope, after.role);
  const changes = [change.index];
  const role = scope.reality.roles.get(after.role);
  const kept = before !== null && role?.login === true && !discards(scope, after.role) && hasDualPasswords(scope.server);
  return [
    {
      phase: 'open',
      sql: `ALTER USER ${name} IDENTIFIED BY ${after.reference}${kept ? ' RETAIN CURRENT PASSWORD' : ''}`,
      changes,
      secret: after.reference,
      rank: PASSWORD,
    },
    ...(discards(scope, after.role)
      ? [{ phase: 'open', sql: `ALTER USER ${name} DISCARD OLD PASSWORD`, changes, rank: DISCARD } as const]
      : []),
  ];
};

/** An account may have two passwords at once (MySQL 8.0.14). */
const hasDualPasswords = ({ flavour, version }: Server): boolean => flavour === 'mysql' && version >= 80014;

/** Whoever logs in keeps the old password until the next rotation, so that nobody is locked out while the new one spreads. */
const retains = (scope: Scope, { before, after, switched, opens, password }: Login): boolean =>
  hasDualPasswords(scope.server) &&
  !switched &&
  !opens &&
  after.login &&
  password!.before !== null &&
  before.options?.auth === 'password' &&
  !discards(scope, after.name);

/** Asked for by name (`--rotate`), a password may have leaked: no older one opens then. */
const discards = ({ declared, server }: Scope, name: string): boolean =>
  hasDualPasswords(server) && declared.roles.get(name)?.rotate === true;

/** MySQL hashes a new password by the plugin that the account has: one that knows no passwords has to give way. MariaDB takes its own. */
const pluginSql = ({ server }: Scope, before: Role, switched: boolean): string => {
  if (!switched || server.flavour !== 'mysql' || before.options?.auth === 'none') return '';
  const plugin = server.passwordPlugin ?? '';
  return ` WITH ${/^\w+$/.test(plugin) ? plugin : 'caching_sha2_password'}`;
};

/** A login is closed before anything else happens: should the drop be refused, it stays closed. */
const dropDrafts = (scope: Scope, { index }: Indexed<'role'>, before: Role): Draft[] => {
  const name = oldNameSql(scope, before.name);
  return [
    ...(before.login ? [{ phase: 'close', sql: `ALTER USER ${name} ACCOUNT LOCK`, changes: [index] } as const] : []),
    { phase: 'drop', sql: `DROP ${isRole(scope, before.name) ? 'ROLE' : 'USER'} ${name}`, changes: [index] },
  ];
};

type Limits = Readonly<
  Record<'MAX_QUERIES_PER_HOUR' | 'MAX_UPDATES_PER_HOUR' | 'MAX_CONNECTIONS_PER_HOUR' | 'MAX_USER_CONNECTIONS', number>
>;
const NO_LIMITS: Limits = { MAX_QUERIES_PER_HOUR: 0, MAX_UPDATES_PER_HOUR: 0, MAX_CONNECTIONS_PER_HOUR: 0, MAX_USER_CONNECTIONS: 0 };

const limitsOf = ({ options, connectionLimit }: Role): Limits =>
  options
    ? {
        MAX_QUERIES_PER_HOUR: options.queriesPerHour,
        MAX_UPDATES_PER_HOUR: options.updatesPerHour,
        MAX_CONNECTIONS_PER_HOUR: options.connectionsPerHour,
        MAX_USER_CONNECTIONS: Math.max(0, connectionLimit),
      }
    : NO_LIMITS;

/** What is not named stays as it is. */
const limitsSql = (before: Limits, after: Limits): string => {
  const changed = (Object.keys(NO_LIMITS) as (keyof Limits)[]).filter((limit) => before[limit] !== after[limit]);
  return changed.length === 0 ? '' : ` WITH ${changed.map((limit) => `${limit} ${after[limit]}`).join(' ')}`;
};

/** Expiry and the locking of guessers: on both servers these stand after everything else that is said of an account. */
const passwordRules = (before: AccountOptions | null, after: AccountOptions): string => {
  const days = after.passwordExpireDays;
  const [attempts, lockDays] = [after.failedLoginAttempts ?? 0, after.passwordLockDays ?? 0];
  return [
    ...((before?.passwordExpireDays ?? null) === days
      ? []
      : [` PASSWORD EXPIRE ${days === null ? 'DEFAULT' : days === 0 ? 'NEVER' : `INTERVAL ${days} DAY`}`]),
    ...((before?.failedLoginAttempts ?? 0) === attempts ? [] : [` FAILED_LOGIN_ATTEMPTS ${attempts}`]),
    ...((before?.passwordLockDays ?? 0) === lockDays ? [] : [` PASSWORD_LOCK_TIME ${lockDays === -1 ? 'UNBOUNDED' : lockDays}`]),
  ].join('');
};
