import type { Target } from '../model/declared.ts';
import { distinct } from '../model/key.ts';
import { regionInHost } from '../model/rds-host.ts';
import { accountOf } from './account.ts';
import type { Content, EndpointEntry, RdsEntry, TargetEntry } from './content.ts';
import { referenceOf } from './password.ts';
import type { Context } from './view.ts';

/** Where the target is and who logs in there; what is left out is filled in. */
export const targetOf = ({ content, entry, target: name, at }: Context): Target => {
  const { rds, login, databases } = entry;
  const password = login?.password === undefined ? undefined : referenceOf(login.password, at(['targets', name, 'login', 'password']));
  return {
    name,
    engine: entry.engine,
    endpoint: endpointOf(entry, content),
    ...(rds ? { rds: rdsOf(rds, entry.proxies ?? [], content) } : {}),
    login: {
      ...(login?.user === undefined ? {} : { user: login.user }),
      ...(login?.plan_user === undefined ? {} : { planUser: login.plan_user }),
      auth: login?.auth ?? 'password',
      ...(password ? { password } : {}),
    },
    databases: databases === undefined ? null : distinct(databases),
    maintenanceDatabase: entry.maintenance_database ?? (entry.engine === 'postgres' ? 'postgres' : ''),
    defaultsFor: creatorsOf(entry),
    manage: entry.manage ?? 'exact',
    source: at(['targets', name], 'key'),
  };
};

/** What an endpoint is in AWS: only what is written, or said by the name of its host. */
export const regionOf = ({ region, host }: EndpointEntry): string | undefined => region ?? regionInHost(host);

/** Where an engine listens unless somebody says otherwise. */
const PORTS: Readonly<Record<TargetEntry['engine'], number>> = { postgres: 5432, mysql: 3306, mariadb: 3306 };

/** The port that an endpoint says, or its engine's own. */
export const portOf = ({ port }: EndpointEntry, engine: TargetEntry['engine']): number => port ?? PORTS[engine];

const endpointOf = ({ endpoint, engine }: TargetEntry, content: Content): Target['endpoint'] => {
  if (endpoint === undefined) return { kind: 'rds' };
  if (endpoint === 'env') return { kind: 'env' };
  const { host, port = portOf(endpoint, engine), tls = 'verify-full', ca, via, resource_id } = endpoint;
  const region = regionOf(endpoint);
  const account = endpoint.account ?? accountOf(content);
  const aws = {
    ...(account === undefined ? {} : { account }),
    ...(resource_id === undefined ? {} : { resourceId: resource_id }),
  };
  return {
    kind: 'explicit',
    host,
    port,
    tls,
    ...(ca === undefined ? {} : { ca }),
    ...(via === undefined ? {} : { via: { host: via.host, port: via.port } }),
    ...(region === undefined ? {} : { aws: { region, ...aws } }),
  };
};

const rdsOf = (rds: RdsEntry, proxies: readonly string[], content: Content): NonNullable<Target['rds']> => {
  const { region, assume_role: role, via, ca } = rds;
  const kind = (['cluster', 'instance', 'proxy'] as const).find((key) => rds[key] !== undefined)!;
  const account = rds.account ?? accountOf(content);
  const { arn, external_id } = typeof role === 'string' ? { arn: role, external_id: undefined } : (role ?? {});
  return {
    kind,
    identifier: rds[kind]!,
    region,
    ...(account === undefined ? {} : { account }),
    ...(arn === undefined ? {} : { assumeRole: { arn, ...(external_id === undefined ? {} : { externalId: external_id }) } }),
    proxies: distinct(proxies),
    ...(via === undefined ? {} : { via: { host: via.host, port: via.port } }),
    ...(ca === undefined ? {} : { ca }),
  };
};

/** Without a prototype: a database may be called `constructor`. */
const creatorsOf = ({ defaults_for: creators }: TargetEntry): Target['defaultsFor'] => {
  const byDatabase: Record<string, readonly string[]> = Object.create(null);
  for (const [database, roles] of Object.entries(creators ?? {})) byDatabase[database] = distinct(roles);
  return byDatabase;
};
