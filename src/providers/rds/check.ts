import { nearest } from '../../core/nearest.ts';
import type { DatabaseEngine, Engine, Target } from '../../model/declared.ts';
import type { Finding } from '../../model/finding.ts';
import { byCodeUnit } from '../../model/key.ts';
import type { Place, PlaceName } from '../../model/place.ts';
import { rdsHost } from '../../model/rds-host.ts';

/** A target that is to be found in RDS. */
export type Sought = Target & { readonly rds: NonNullable<Target['rds']> };

/** The writer's endpoint; host '' while there is none. */
export type Address = { readonly host: string; readonly port: number };

/** A server that was found. `status`: the API's word; '' where it gives none. `replicaOf`: what it is a read-only copy of. */
export type Found = { readonly place: Place; readonly status: string; readonly replicaOf: string | null; readonly address: Address };

const findingOf = (target: Target, severity: Finding['severity'], slug: string, message: string, hint: string): Finding => ({
  severity,
  code: `rds/${slug}`,
  message: `target '${target.name}': ${message}`,
  hint,
  target: target.name,
  source: target.source,
});

/** Trouble that AWS has with a list or with credentials, as that of a target that needs them. */
export const ofTarget = (finding: Finding, { name, source }: Target): Finding => ({
  ...finding,
  message: `target '${name}': ${finding.message}`,
  target: name,
  source,
});

/** What speaks against using a server that was found. `needsIam`: Rolecall's login or declared users log in by IAM. */
export const checkFound = (target: Sought, { place, status, replicaOf, address }: Found, needsIam: boolean): Finding[] => {
  const name = nameOf(place);
  const { account } = target.rds;
  const findings: Finding[] = [];
  if (account !== undefined && account !== place.account) {
    findings.push(
      findingOf(
        target,
        'error',
        'account',
        `${name} is in account ${place.account}, and 'rds.account' is ${account}`,
        'use credentials of the other account, or correct the account',
      ),
    );
  }
  if (!runs(place, target.engine)) findings.push(wrongEngine(target, place));
  if (IDLE.test(status)) {
    const start = `aws rds start-db-${place.kind} --db-${place.kind}-identifier ${place.identifier} --region ${place.region}`;
    findings.push(
      findingOf(
        target,
        'error',
        'not-running',
        `${name} is ${status}`,
        status === 'stopped' ? `start it: ${start}` : 'wait until it is available',
      ),
    );
  } else if (address.host === '' || address.port === 0) {
    findings.push(
      findingOf(
        target,
        'error',
        'no-endpoint',
        `${name} has no endpoint${status ? ` (it is ${status})` : ''}`,
        'wait until it is available',
      ),
    );
  }
  if (replicaOf !== null) {
    findings.push(
      findingOf(
        target,
        'error',
        'replica',
        `${name} only reads: it is a copy of ${replicaOf}`,
        'name the server that is written to: users are made there',
      ),
    );
  }
  return needsIam ? [...findings, ...checkIam(target, place)] : findings;
};

const IDLE = /^(stopped|stopping|deleting|creating|failed|restore-error|incompatible-\w+)$/;

/** `cluster 'orders-prod' in eu-west-1`. */
const nameOf = ({ kind, identifier, region }: Pick<PlaceName, 'kind' | 'identifier' | 'region'>): string =>
  `${kind} '${identifier}' in ${region}`;

const ENGINES: Readonly<Record<string, DatabaseEngine>> = {
  'aurora-postgresql': 'postgres',
  postgres: 'postgres',
  'aurora-mysql': 'mysql',
  aurora: 'mysql',
  mysql: 'mysql',
  mariadb: 'mariadb',
};

/** Our word for an engine of the API; undefined for one that is none of ours (Oracle, SQL Server, Db2, RDS Custom). */
export const engineOf = (engine: string): Engine | undefined => (Object.hasOwn(ENGINES, engine) ? ENGINES[engine] : undefined);

/** A proxy says no more than MYSQL of a MariaDB server that is not to be seen. */
const runs = (place: Place, engine: Engine): boolean =>
  engineOf(place.engine) === engine || (place.kind === 'proxy' && place.version === '' && place.engine === 'mysql' && engine === 'mariadb');

const wrongEngine = (target: Target, place: Place): Finding => {
  const ours = engineOf(place.engine);
  return findingOf(
    target,
    'error',
    'engine',
    `${nameOf(place)} runs ${place.engine || 'an unknown engine'}${ours ? `, and the manifest says 'engine: ${target.engine}'` : ''}`,
    ours ? `write engine: ${ours}` : 'only PostgreSQL, MySQL and MariaDB are managed',
  );
};

const checkIam = (target: Target, place: Place): Finding[] => {
  if (place.kind === 'proxy') return place.iamAuthentication ? [] : [proxyWithoutIam(target, place)];
  const name = nameOf(place);
  const modify = `aws rds modify-db-${place.kind} --db-${place.kind}-identifier ${place.identifier} --region ${place.region} --enable-iam-database-authentication --apply-immediately`;
  if (place.iamAuthentication && place.iamPending) {
    return [
      findingOf(
        target,
        'warning',
        'iam-ending',
        `IAM authentication of ${name} is about to be switched off: the users that need it are then locked out`,
        `keep it: ${modify}`,
      ),
    ];
  }
  if (place.iamAuthentication) return [];
  const state = place.iamPending ? 'is switched on but not yet in effect' : 'is off';
  return [
    findingOf(
      target,
      'error',
      place.iamPending ? 'iam-pending' : 'iam-off',
      `IAM authentication of ${name} ${state}, and logins by IAM are declared`,
      place.iamPending ? `wait for the maintenance window, or: ${modify}` : `switch it on: ${modify}`,
    ),
  ];
};

const proxyWithoutIam = (target: Target, place: Place): Finding =>
  findingOf(
    target,
    'error',
    'iam-off',
    `${nameOf(place)} takes no tokens, or the server behind it takes none, and logins by IAM are declared`,
    `let a secret of the proxy have IAMAuth REQUIRED, or the proxy DefaultAuthScheme IAM_AUTH (and the server IAM authentication)`,
  );

/** What was looked for, and where else it might be. */
export type Missing = {
  /** Identifiers of the same kind in the region, and of the other kinds. */
  readonly there: readonly string[];
  readonly others: readonly PlaceName['kind'][];
  /** Other regions that were read and have it. */
  readonly regions: readonly string[];
  /** Of the credentials; undefined: not known. */
  readonly account: string | undefined;
};

/** Nothing by that name: what else it may be that was meant, by what is there. */
export const notFound = (target: Sought, { there, others, regions, account }: Missing): Finding => {
  const { kind, identifier, region } = target.rds;
  const where = account === undefined ? '' : `, in account ${account}`;
  const message = `there is no ${nameOf(target.rds)}${where}`;
  if (account !== undefined && target.rds.account !== undefined && account !== target.rds.account) {
    return findingOf(
      target,
      'error',
      'account',
      `the credentials are for account ${account}, and 'rds.account' is ${target.rds.account}`,
      'use credentials of that account, or name a role of it: rds: { …, assume_role: ARN }',
    );
  }
  const meant = nearest(identifier, there);
  const hint =
    others.length > 0
      ? `it is ${article(others[0]!)}: write rds: { ${others[0]}: ${identifier}, region: ${region} }`
      : regions.length > 0
        ? `it is in ${regions.join(', ')}: correct 'rds.region'`
        : meant !== undefined
          ? `did you mean '${meant}'?`
          : there.length > 0
            ? `${region} has: ${listed(there)}`
            : `${region} has no ${kind} that these credentials see: check region and account`;
  return findingOf(target, 'error', `unknown-${kind}`, message, hint);
};

/** An instance of a cluster has an id that looks right, and authorises nothing. */
export const memberInstance = (target: Sought, cluster: string): Finding =>
  findingOf(
    target,
    'error',
    'member-instance',
    `instance '${target.rds.identifier}' belongs to cluster '${cluster}', whose id alone lets anybody log in, and whose writer may be another instance tomorrow`,
    `write rds: { cluster: ${cluster}, region: ${target.rds.region} }`,
  );

/** A proxy that the manifest names beside a cluster or instance, and that is not there or leads elsewhere. */
export const wrongProxy = (target: Sought, proxy: string, there: readonly string[], leadsTo: string | null): Finding => {
  const meant = nearest(proxy, there);
  if (leadsTo !== null) {
    return findingOf(
      target,
      'error',
      'proxy-elsewhere',
      `proxy '${proxy}' leads to ${leadsTo}, and not to ${target.rds.kind} '${target.rds.identifier}'`,
      "take it out of 'rds.proxies', or name the right one",
    );
  }
  return findingOf(
    target,
    'error',
    'unknown-proxy',
    `there is no proxy '${proxy}' in ${target.rds.region}`,
    meant !== undefined
      ? `did you mean '${meant}'?`
      : there.length > 0
        ? `${target.rds.region} has: ${listed(there)}`
        : "take it out of 'rds.proxies'",
  );
};

/** A target whose address the manifest gives: do its name and what is declared of its place agree, and can tokens be signed for it? */
export const checkDeclared = (target: Target): Finding[] => {
  const { endpoint, login } = target;
  if (endpoint.kind !== 'explicit') return [];
  const known = rdsHost(endpoint.host);
  const said = declaredRegion(target);
  if (known?.region && said !== undefined && known.region !== said) {
    return [
      findingOf(
        target,
        'error',
        'region',
        `'${endpoint.host}' is in ${known.region}, and 'endpoint.region' is ${said}`,
        `write region: ${known.region}: with another one every token is refused`,
      ),
    ];
  }
  if (login.auth !== 'iam') return [];
  if (said === undefined && !known?.region) {
    return [
      findingOf(
        target,
        'error',
        'cname',
        `its login is by IAM, and '${endpoint.host}' is not the name that RDS gave to an endpoint, from which the region could be told`,
        "write the endpoint's own name as endpoint.host and the address to dial as endpoint.via, or add endpoint.region, endpoint.account and endpoint.resource_id",
      ),
    ];
  }
  if (known || isLoopback(endpoint.host)) return [];
  return [
    findingOf(
      target,
      'warning',
      'cname',
      `tokens are signed for '${endpoint.host}', which is not the name that RDS gave to the endpoint: RDS refuses tokens for any other name`,
      "write the endpoint's own name as endpoint.host and the address to dial as endpoint.via",
    ),
  ];
};

/** The region that the manifest says an endpoint is in. */
export const declaredRegion = ({ endpoint, place }: Target): string | undefined =>
  (endpoint.kind === 'explicit' ? endpoint.aws?.region : undefined) ?? place?.region;

const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || host.startsWith('127.');

const article = (kind: PlaceName['kind']): string => (kind === 'instance' ? 'an instance' : `a ${kind}`);

const LISTED = 5;
const listed = (names: readonly string[]): string => {
  const sorted = [...names].sort(byCodeUnit);
  return `${sorted.slice(0, LISTED).join(', ')}${sorted.length > LISTED ? `, … (${sorted.length})` : ''}`;
};
