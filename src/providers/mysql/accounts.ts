import { groupBy } from '../../core/group.ts';
import type { DeclaredRole } from '../../model/declared.ts';
import { distinct, nameKey, pathKey } from '../../model/key.ts';
import { bySpecificity } from './access-order.ts';
import { FLAVOURS } from './flavour.ts';
import { coversSchema } from './patterns.ts';
import { tableRows } from './rows.ts';
import type { Comparison, Scope } from './scope.ts';
import { accountSql } from './sql.ts';

/** What is odd about the accounts of the server, as far as it concerns the declared ones: the server picks one row for a login, and that may be another. */
export const reportAccounts = (scope: Scope, compare: Comparison): void => {
  const users = [...scope.declared.roles.values()].filter(({ kind, expired, account }) => kind === 'user' && !expired && account);
  reportAnonymous(scope, compare, users);
  reportOtherHosts(scope, compare, users);
  reportCase(scope, compare);
  reportIam(scope, compare, users);
  reportOpen(scope, compare);
  reportPublic(scope, compare);
};

/** A host with `_` or `%` is a pattern; an address with a mask is taken as it is. */
const coversHost = (pattern: string, host: string): boolean => pattern === host || coversSchema(pattern, host, false);

/** Hosts are sorted before users: an account without a name takes the logins from every host that is more specific than theirs. */
const reportAnonymous = ({ snapshot, server }: Scope, compare: Comparison, users: readonly DeclaredRole[]): void => {
  for (const { host } of snapshot.accounts.filter(({ user, kind }) => user === '' && kind === 'user')) {
    const beaten = users.filter(
      ({ account }) =>
        coversHost(account!.host, host) &&
        bySpecificity(server.flavour, 'host', host, account!.host) < 0 &&
        !snapshot.accounts.some((other) => other.user === account!.user && other.host === host),
    );
    const [first] = beaten;
    if (!first) continue;
    compare.report({
      severity: 'warning',
      code: 'account/anonymous',
      message: `an anonymous account ''@'${host}' takes the logins from there of ${named(beaten.map(({ name }) => name))}: they fail, or have its rights`,
      hint: `have it dropped: DROP USER ${accountSql({ user: '', host })}`,
      source: first.source,
    });
  }
};

const named = (names: readonly string[]): string =>
  `${names.slice(0, 5).map(nameKey).join(', ')}${names.length > 5 ? `, and ${names.length - 5} more` : ''}`;

/** Accounts of a declared user with hosts that nobody declared: never touched. One with a more specific host takes logins away. */
const reportOtherHosts = (scope: Scope, compare: Comparison, users: readonly DeclaredRole[]): void => {
  const declared = groupBy(users, ({ account }) => account!.user);
  const { stack } = scope.declared;
  for (const { name, user, host, kind } of scope.snapshot.accounts) {
    const others = declared.get(user);
    if (!others || kind !== 'user' || user === '' || scope.declared.roles.has(scope.rename(name))) continue;
    if (scope.reality.roles.get(scope.rename(name))?.mark?.stack === stack || scope.dropped.has(name)) continue;
    const hidden = others.find(
      ({ account }) => coversHost(account!.host, host) && bySpecificity(scope.server.flavour, 'host', host, account!.host) < 0,
    );
    compare.report({
      severity: hidden ? 'warning' : 'note',
      code: 'account/other-host',
      message: hidden
        ? `'${user}'@'${host}' is an account that nobody declared: whoever logs in as '${user}' from there gets its rights, not those of ${nameKey(hidden.name)}`
        : `'${user}'@'${host}' is an account that nobody declared: it is left as it is`,
      hint: `name the host under hosts of '${user}', or have the account dropped: DROP USER ${accountSql({ user, host })}`,
      source: others[0]!.source,
    });
  }
};

/** Names of users count in their case, so that two may be taken for one. */
const reportCase = ({ snapshot, declared }: Scope, compare: Comparison): void => {
  const roles = [...declared.roles.values()].flatMap(({ account, name, source }) =>
    account ? [{ user: account.user, name, source }] : [],
  );
  const alike = groupBy(roles, ({ user }) => user.toLowerCase());
  const others = groupBy(
    snapshot.accounts.filter(({ user }) => alike.has(user.toLowerCase())),
    ({ user }) => user.toLowerCase(),
  );
  for (const [user, named] of alike) {
    const there = others.get(user) ?? [];
    const spellings = distinct([...there, ...named].map((one) => one.user));
    if (spellings.length < 2) continue;
    const source = there.map(({ name }) => declared.roles.get(name)?.source).find((one) => one !== undefined) ?? named[0]!.source;
    compare.report({
      severity: 'warning',
      code: 'account/case',
      message: `${spellings.map((user) => `'${user}'`).join(' and ')} differ by case alone: the server takes them for different users`,
      source,
    });
  }
};

/** Without the plugin no account can be made that logs in by IAM (error 1524), and none that is there can log in. */
const reportIam = ({ server, declared }: Scope, compare: Comparison, users: readonly DeclaredRole[]): void => {
  const byIam = users.filter(({ auth }) => auth === 'iam');
  const [first] = byIam;
  if (!first || server.iamPlugin) return;
  const { place } = declared.target;
  compare.report({
    severity: 'error',
    code: 'account/no-iam-plugin',
    message: `${named(byIam.map(({ name }) => name))} ${byIam.length === 1 ? 'has' : 'have'} auth: iam, but the server has no plugin AWSAuthenticationPlugin loaded: IAM authentication is not enabled${place ? ` on ${place.kind} '${place.identifier}'` : ' there'}`,
    hint: `switch it on (aws rds modify-db-${place?.kind === 'cluster' ? 'cluster --db-cluster-identifier' : 'instance --db-instance-identifier'} ${place?.identifier ?? 'NAME'} --enable-iam-database-authentication); ${FLAVOURS[server.flavour]} outside of RDS has no such plugin`,
    source: first.source,
  });
};

/** Accounts that nobody declared and that send their tokens in clear, if the client lets them. */
const reportOpen = (scope: Scope, compare: Comparison): void => {
  const others = scope.snapshot.accounts.filter(
    ({ name, kind, locked }) => kind === 'user' && !locked && !scope.declared.roles.has(scope.rename(name)) && !scope.dropped.has(name),
  );
  const tokens = others.filter(({ options }) => options.auth === 'iam' && options.require === 'none').map(({ name }) => name);
  if (tokens.length > 0)
    compare.report({
      severity: 'warning',
      code: 'account/iam-without-tls',
      message: `${named(tokens)} ${tokens.length === 1 ? 'logs' : 'log'} in by IAM and ${tokens.length === 1 ? 'does' : 'do'} not require TLS: a token may be sent in clear`,
      hint: 'declare them, or have it required: ALTER USER … REQUIRE SSL',
    });
};

/** What MariaDB grants to PUBLIC everybody has; no manifest speaks of it. */
const reportPublic = ({ snapshot: { grants, tableGrants = [] }, server }: Scope, compare: Comparison): void => {
  if (server.flavour !== 'mariadb') return;
  const isPublic = ({ account }: { readonly account: string }): boolean => account === 'PUBLIC';
  const held = [...grants.filter(isPublic), ...tableGrants.filter(isPublic).flatMap(tableRows)];
  const places = held.map(({ level, schema, name, privileges }) => {
    const place =
      level === 'global' ? '*.*' : level === 'schema' ? nameKey(schema!) : pathKey(...[schema, name].filter((part) => part !== null));
    return `${privileges.join(', ')} on ${place}`;
  });
  if (places.length > 0)
    compare.report({
      severity: 'note',
      code: 'account/public',
      message: `every account of the server has what is granted to PUBLIC: ${places.slice(0, 3).join('; ')}${places.length > 3 ? `; and ${places.length - 3} more` : ''}`,
      hint: 'the manifest leaves PUBLIC alone on MariaDB: REVOKE … FROM PUBLIC takes it away',
    });
};
