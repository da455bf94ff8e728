import type { DBCluster, DBInstance, DBProxy, DBProxyTarget, GlobalCluster } from '@aws-sdk/client-rds';
import { byCodeUnit } from '../../model/key.ts';
import type { Partition, Place, Resource } from '../../model/place.ts';

/** What stands around a cluster: the instances of its region, the other clusters of its global database, the proxies that are named. */
export type Surroundings = {
  readonly instances: readonly DBInstance[];
  readonly global: readonly Resource[];
  readonly proxies: readonly DBProxy[];
};

/** MasterUserAuthenticationType can be set through the API, but no answer holds it: the server's own memberships tell. */
const NOT_ANSWERED = false;

/** An Aurora or Multi-AZ cluster: its `cluster-…` authorises, an id of an instance in it never does. */
export const clusterPlace = (cluster: DBCluster, { instances, global, proxies }: Surroundings): Place => {
  const identifier = cluster.DBClusterIdentifier ?? '';
  const members = instances.filter((instance) => instance.DBClusterIdentifier === identifier);
  const own = { id: cluster.DbClusterResourceId ?? '', region: arnParts(cluster.DBClusterArn).region };
  const on = cluster.IAMDatabaseAuthenticationEnabled ?? false;
  return {
    kind: 'cluster',
    identifier,
    ...arnParts(cluster.DBClusterArn),
    resources: [own, ...global.filter(({ id }) => id !== own.id)],
    proxies: proxies.map(proxyEntry).sort((a, b) => byCodeUnit(a.name, b.name)),
    members: membersOf(members),
    iamAuthentication: on,
    iamPending: [cluster, ...members].some((part) => isChanging(part.PendingModifiedValues?.IAMDatabaseAuthenticationEnabled, on)),
    masterUser: cluster.MasterUsername ?? null,
    masterIam: NOT_ANSWERED,
    engine: cluster.Engine ?? '',
    version: cluster.EngineVersion ?? '',
    certificates: distinct([cluster.CertificateDetails?.CAIdentifier, ...members.map((member) => member.CACertificateIdentifier)]),
  };
};

/** An instance that is in no cluster, Multi-AZ or not. */
export const instancePlace = (instance: DBInstance, proxies: readonly DBProxy[]): Place => {
  const parts = arnParts(instance.DBInstanceArn);
  const on = instance.IAMDatabaseAuthenticationEnabled ?? false;
  return {
    kind: 'instance',
    identifier: instance.DBInstanceIdentifier ?? '',
    ...parts,
    resources: [{ id: instance.DbiResourceId ?? '', region: parts.region }],
    proxies: proxies.map(proxyEntry).sort((a, b) => byCodeUnit(a.name, b.name)),
    members: {},
    iamAuthentication: on,
    iamPending: isChanging(instance.PendingModifiedValues?.IAMDatabaseAuthenticationEnabled, on),
    masterUser: instance.MasterUsername ?? null,
    masterIam: NOT_ANSWERED,
    engine: instance.Engine ?? '',
    version: instance.EngineVersion ?? '',
    certificates: distinct([instance.CACertificateIdentifier]),
  };
};

/** A proxy: its `prx-…` authorises; who logs in behind it is known by `server`, null where that is not to be seen. */
export const proxyPlace = (proxy: DBProxy, server: Place | null): Place => {
  const parts = arnParts(proxy.DBProxyArn);
  const entry = proxyEntry(proxy);
  return {
    kind: 'proxy',
    identifier: proxy.DBProxyName ?? '',
    ...parts,
    resources: [{ id: entry.id, region: entry.region }],
    proxies: [entry],
    members: server?.members ?? {},
    iamAuthentication: takesTokens(proxy) && (entry.mode === 'standard' || server === null || server.iamAuthentication !== false),
    iamPending: entry.mode === 'end-to-end' && (server?.iamPending ?? false),
    masterUser: server?.masterUser ?? null,
    masterIam: NOT_ANSWERED,
    engine: server?.engine ?? FAMILIES[proxy.EngineFamily ?? ''] ?? '',
    version: server?.version ?? '',
    certificates: [],
  };
};

const FAMILIES: Readonly<Record<string, string>> = { POSTGRESQL: 'postgres', MYSQL: 'mysql' };

/** The cluster or instance that a proxy leads to; undefined where it leads to none yet. */
export const serverBehind = (targets: readonly DBProxyTarget[]): { kind: 'cluster' | 'instance'; identifier: string } | undefined => {
  const tracked = targets.find(({ TrackedClusterId, Type }) => TrackedClusterId || Type === 'TRACKED_CLUSTER');
  const cluster = tracked?.TrackedClusterId || (tracked?.Type === 'TRACKED_CLUSTER' ? tracked.RdsResourceId : undefined);
  if (cluster) return { kind: 'cluster', identifier: cluster };
  const instance = targets.find(({ RdsResourceId }) => RdsResourceId)?.RdsResourceId;
  return instance ? { kind: 'instance', identifier: instance } : undefined;
};

/** The global database that a cluster is in. */
export const globalOf = (cluster: DBCluster, globals: readonly GlobalCluster[]): GlobalCluster | undefined =>
  globals.find(({ GlobalClusterMembers }) => GlobalClusterMembers?.some(({ DBClusterArn }) => DBClusterArn === cluster.DBClusterArn));

/** Parts of `arn:PARTITION:rds:REGION:ACCOUNT:…`. */
export const arnParts = (arn: string | undefined): { partition: Partition; region: string; account: string } => {
  const [, partition = 'aws', , region = '', account = ''] = (arn ?? '').split(':');
  return { partition: partition as Partition, region, account };
};

/** `DefaultAuthScheme: IAM_AUTH`: the proxy itself logs in by IAM; else by passwords from Secrets Manager. */
const proxyEntry = (proxy: DBProxy): Place['proxies'][number] => ({
  name: proxy.DBProxyName ?? '',
  id: proxy.DBProxyArn?.split(':').at(-1) ?? '',
  region: arnParts(proxy.DBProxyArn).region,
  mode: proxy.DefaultAuthScheme === 'IAM_AUTH' ? 'end-to-end' : 'standard',
});

/** Clients may come with a token: always end to end, else where a secret of the proxy allows or requires it. */
const takesTokens = (proxy: DBProxy): boolean =>
  proxy.DefaultAuthScheme === 'IAM_AUTH' || (proxy.Auth ?? []).some(({ IAMAuth }) => IAMAuth === 'REQUIRED' || IAMAuth === 'ENABLED');

const isChanging = (pending: boolean | undefined, now: boolean): boolean => pending !== undefined && pending !== now;

const membersOf = (instances: readonly DBInstance[]): Readonly<Record<string, string>> =>
  Object.fromEntries(
    instances
      .map(({ DBInstanceIdentifier = '', DbiResourceId = '' }) => [DBInstanceIdentifier, DbiResourceId] as const)
      .sort(([a], [b]) => byCodeUnit(a, b)),
  );

const distinct = (names: readonly (string | undefined)[]): string[] =>
  [...new Set(names.filter((name): name is string => Boolean(name)))].sort(byCodeUnit);
