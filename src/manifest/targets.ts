import { regionInHost } from '../model/rds-host.ts';
import type { Checks } from './checks.ts';
import type { TargetEntry } from './content.ts';
import { didYouMean } from './near.ts';
import { checkKnown } from './references.ts';
import { portOf, regionOf } from './target.ts';
import type { Context } from './view.ts';

/** Targets: where each is, how to log in, which databases. */
export const checkTargets = (checks: Checks): void => {
  for (const context of checks.contexts) {
    checkName(context);
    checkPlace(context);
    checkAws(context);
    checkLogin(context, checks.warn);
    checkDatabases(context, checks);
  }
  checkServers(checks);
};

/** What a plan calls its parts that are no servers. */
const TAKEN: ReadonlyMap<string, string> = new Map([
  ['iam', 'the IAM account'],
  ['alarms', 'what watches failed logins'],
]);

const checkName = ({ target, report }: Context): void => {
  const taken = TAKEN.get(target);
  if (taken !== undefined)
    report(
      'target',
      `target '${target}' has the name that a plan gives ${taken}`,
      ['targets', target],
      { hint: 'call it something else' },
      'key',
    );
};

/** A target is one server: as two, each would close the logins that only the other one has. */
const checkServers = ({ contexts }: Checks): void => {
  const seen = new Map<string, string>();
  for (const { target, entry, report } of contexts) {
    const server = serverOf(entry);
    if (server === undefined) continue;
    const first = seen.get(server);
    if (first === undefined) seen.set(server, target);
    else
      report(
        'same-server',
        `targets '${first}' and '${target}' are the same server, expected one target for it`,
        ['targets', target, entry.rds ? 'rds' : 'endpoint'],
        { hint: `name all its databases under one target` },
        'key',
      );
  }
};

/** What tells servers apart; undefined for `env`, which is another server in each run that chooses one target. */
const serverOf = ({ rds, endpoint, engine }: TargetEntry): string | undefined => {
  if (rds) return JSON.stringify([...RDS_KINDS.map((kind) => rds[kind]?.toLowerCase()), rds.region]);
  return typeof endpoint === 'object' ? JSON.stringify([endpoint.host.toLowerCase(), portOf(endpoint, engine)]) : undefined;
};

const RDS_KINDS = ['cluster', 'instance', 'proxy'] as const;

const checkPlace = ({ target, entry: { rds, endpoint, login, engine }, report }: Context): void => {
  const path = ['targets', target];
  if (rds && endpoint) report('target', `target '${target}' has both 'rds' and 'endpoint', expected one of them`, path, {}, 'key');
  if (!rds && !endpoint) {
    report(
      'target',
      `target '${target}' has neither 'endpoint' nor 'rds'`,
      path,
      { hint: 'add endpoint: { host: NAME }, or endpoint: env' },
      'key',
    );
  }
  const found = rds ? RDS_KINDS.filter((key) => rds[key] !== undefined) : [];
  if (rds && found.length !== 1) {
    report(
      'target',
      `'rds' of target '${target}' names ${found.length === 0 ? 'nothing' : found.join(' and ')}, expected one of cluster, instance, proxy`,
      [...path, 'rds'],
      {},
      'key',
    );
  }
  if ((rds || typeof endpoint === 'object') && login?.user === undefined) {
    report('target', `target '${target}' does not say who logs in`, path, { hint: 'add login: { user: NAME }' }, 'key');
  }
  if (endpoint === 'env' && engine !== 'postgres')
    report('target', `'endpoint: env' is for PostgreSQL, and target '${target}' is ${engine}`, [...path, 'endpoint']);
};

/** Where it is in AWS, and which proxies are in front of it. */
const checkAws = ({ target, entry: { rds, endpoint, proxies }, report }: Context): void => {
  const path = ['targets', target];
  if (proxies && rds?.cluster === undefined && rds?.instance === undefined) {
    const message = `'proxies' of target '${target}' are found through RDS, and it is ${rds?.proxy === undefined ? 'not' : 'a proxy itself'}`;
    report('target', message, [...path, 'proxies'], { hint: 'write rds: { cluster: NAME, region: REGION }, or remove them' }, 'key');
  }
  for (const [index, name] of (proxies ?? []).entries()) {
    if (proxies!.indexOf(name) < index) report('declared-twice', `proxy '${name}' is listed twice`, [...path, 'proxies', index]);
  }
  if (typeof endpoint !== 'object') return;
  const named = regionInHost(endpoint.host);
  if (endpoint.region !== undefined && named !== undefined && endpoint.region !== named)
    report('region', `target '${target}' has region '${endpoint.region}', and its host is in ${named}`, [...path, 'endpoint', 'region'], {
      hint: `write region: ${named}, or leave it out`,
    });
};

const checkLogin = ({ target, entry, report }: Context, warn: Checks['warn']): void => {
  const { login, endpoint } = entry;
  const path = ['targets', target, 'login'];
  const iam = login?.auth === 'iam';
  if (iam && login.password !== undefined)
    report(
      'target',
      `the login of target '${target}' has a password and 'auth: iam'`,
      [...path, 'password'],
      { hint: 'remove one of them' },
      'key',
    );
  if (iam && typeof endpoint === 'object' && regionOf(endpoint) === undefined)
    report('region', `the login of target '${target}' is by IAM, and its region is not said`, [...path, 'auth'], {
      hint: 'add region: REGION to the endpoint',
    });
  if (login?.plan_user !== undefined && login.password?.startsWith('${secret:'))
    warn(
      'plan-user',
      `the login of target '${target}' has a 'plan_user' and one secret: whoever plans looks up what 'user' logs in with`,
      [...path, 'password'],
      { hint: 'write auth: iam, or ${env:NAME} with another value in each job' },
    );
  if (typeof endpoint !== 'object' || endpoint.tls === undefined || endpoint.tls === 'verify-full') return;
  const place = ['targets', target, 'endpoint', 'tls'];
  if (iam)
    report('tls', `target '${target}' has 'tls: ${endpoint.tls}', and a login by IAM needs verified TLS`, place, {
      hint: `write tls: verify-full, or leave 'tls' out`,
    });
  else if (!isLoopback(endpoint))
    warn('tls', `target '${target}' sends a password with 'tls: ${endpoint.tls}', which does not verify the server`, place, {
      hint: 'write tls: verify-full, with ca: PATH for an authority of your own',
    });
};

const isLoopback = ({ host }: Extract<TargetEntry['endpoint'], { host: string }>): boolean =>
  host === 'localhost' || host === '::1' || host.startsWith('127.') || host.startsWith('/');

const checkDatabases = (context: Context, checks: Checks): void => {
  const { target, entry, report } = context;
  const { databases, defaults_for: creators, maintenance_database: maintenance, engine } = entry;
  const path = ['targets', target];
  for (const [index, name] of (databases ?? []).entries()) {
    const place = [...path, 'databases', index];
    if (name === '') report('name', 'a name is empty', place);
    else if (databases!.indexOf(name) < index) report('declared-twice', `database '${name}' is listed twice`, place);
  }
  for (const [database, roles] of Object.entries(creators ?? {})) {
    const place = [...path, 'defaults_for', database];
    if (databases && !databases.includes(database)) {
      report(
        'unknown-database',
        `database '${database}' is none of target '${target}', which manages ${databases.join(', ')}`,
        place,
        didYouMean(database, databases),
        'key',
      );
    }
    for (const [index, role] of roles.entries()) checkKnown(checks, role, target, [...place, index]);
  }
  if (engine !== 'postgres' && (databases ?? maintenance ?? creators)) {
    const key = databases ? 'databases' : maintenance ? 'maintenance_database' : 'defaults_for';
    report('target', `'${key}' is for PostgreSQL, and target '${target}' is ${engine}`, [...path, key], {}, 'key');
  }
};
