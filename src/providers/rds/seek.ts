import type { DBCluster, DBInstance } from '@aws-sdk/client-rds';
import { Failure, type Finding } from '../../model/finding.ts';
import { byCodeUnit } from '../../model/key.ts';
import type { PlaceName, Resource } from '../../model/place.ts';
import { type Found, memberInstance, notFound, type Sought, wrongProxy } from './check.ts';
import type { Access } from './connect.ts';
import type { Inventory } from './inspect.ts';
import { arnParts, clusterPlace, globalOf, instancePlace, proxyPlace, serverBehind } from './place.ts';

/** One set of credentials, and what is seen with it. */
export type Desk = { readonly access: Access; readonly inventory: Inventory };

/** A server that was found, and what was noticed on the way. */
export type Hit = Found & { readonly findings: readonly Finding[] };

/** Finds one target among what there is; a finding where it is not to be had. */
export const seek = (target: Sought, desk: Desk): Promise<Hit | Finding> => {
  switch (target.rds.kind) {
    case 'cluster':
      return seekCluster(target, desk);
    case 'instance':
      return seekInstance(target, desk);
    case 'proxy':
      return seekProxy(target, desk);
  }
};

const seekCluster = async (target: Sought, desk: Desk): Promise<Hit | Finding> => {
  const { region } = target.rds;
  const { inventory } = desk;
  const cluster = named(await inventory.clusters(region), target.rds, clusterName);
  if (!cluster) return await missing(target, desk);
  const [instances, global, behind] = await Promise.all([
    inventory.instances(region),
    globalAround(cluster, region, inventory),
    proxiesOf(target, inventory),
  ]);
  return {
    place: clusterPlace(cluster, { instances, global: global.resources, proxies: behind.proxies }),
    status: cluster.Status ?? '',
    replicaOf: global.writer ?? cluster.ReplicationSourceIdentifier ?? null,
    address: { host: cluster.Endpoint ?? '', port: cluster.Port ?? 0 },
    findings: [...global.findings, ...behind.findings],
  };
};

const seekInstance = async (target: Sought, desk: Desk): Promise<Hit | Finding> => {
  const instance = named(await desk.inventory.instances(target.rds.region), target.rds, instanceName);
  if (!instance) return await missing(target, desk);
  if (instance.DBClusterIdentifier) return memberInstance(target, instance.DBClusterIdentifier);
  const behind = await proxiesOf(target, desk.inventory);
  return {
    place: instancePlace(instance, behind.proxies),
    status: instance.DBInstanceStatus ?? '',
    replicaOf: instance.ReadReplicaSourceDBInstanceIdentifier ?? instance.ReadReplicaSourceDBClusterIdentifier ?? null,
    address: { host: instance.Endpoint?.Address ?? '', port: instance.Endpoint?.Port ?? 0 },
    findings: behind.findings,
  };
};

const seekProxy = async (target: Sought, desk: Desk): Promise<Hit | Finding> => {
  const { region } = target.rds;
  const { inventory } = desk;
  const proxy = named(await inventory.proxies(region), target.rds, (one) => one.DBProxyName);
  if (!proxy) return await missing(target, desk);
  const targets = await inventory.proxyTargets(region, proxy.DBProxyName ?? '');
  const behind = serverBehind(targets);
  const [clusters, instances] = await Promise.all([inventory.clusters(region), inventory.instances(region)]);
  const cluster = behind?.kind === 'cluster' ? named(clusters, behind, clusterName) : undefined;
  const instance = behind?.kind === 'instance' ? named(instances, behind, instanceName) : undefined;
  const server = cluster ? clusterPlace(cluster, { instances, global: [], proxies: [] }) : instance ? instancePlace(instance, []) : null;
  return {
    place: proxyPlace(proxy, server),
    status: proxy.Status ?? '',
    replicaOf: null,
    // It listens at the port of the engine, whatever that of the server is.
    address: { host: proxy.Endpoint ?? '', port: PROXY_PORTS[proxy.EngineFamily ?? ''] ?? 0 },
    findings: [],
  };
};

const PROXY_PORTS: Readonly<Record<string, number>> = { POSTGRESQL: 5432, MYSQL: 3306 };

const clusterName = (cluster: DBCluster): string | undefined => cluster.DBClusterIdentifier;
const instanceName = (instance: DBInstance): string | undefined => instance.DBInstanceIdentifier;

/** RDS keeps identifiers in lower case, and takes them in any. */
const named = <T>(
  list: readonly T[],
  { identifier }: Pick<PlaceName, 'identifier'>,
  nameOf: (item: T) => string | undefined,
): T | undefined => list.find((item) => nameOf(item)?.toLowerCase() === identifier.toLowerCase());

type Around = { readonly resources: readonly Resource[]; readonly writer: string | null; readonly findings: readonly Finding[] };
const ALONE: Around = { resources: [], writer: null, findings: [] };

/** Ids of the other clusters of its global database, each asked for in its own region; `writer`: the cluster that is written to, when it is not this one. */
const globalAround = async (cluster: DBCluster, region: string, inventory: Inventory): Promise<Around> => {
  if (!cluster.Engine?.startsWith('aurora')) return ALONE;
  const globals = await inventory.globals(region).catch((error: unknown) => unreadGlobals(error, cluster));
  if ('unread' in globals) return { ...ALONE, findings: globals.unread };
  const members = globalOf(cluster, globals)?.GlobalClusterMembers ?? [];
  const resources = await Promise.all(
    members.map(async ({ DBClusterArn = '' }) => {
      const place = arnParts(DBClusterArn);
      const found = (await inventory.clusters(place.region)).find((one) => one.DBClusterArn === DBClusterArn);
      return { id: found?.DbClusterResourceId ?? '', region: place.region };
    }),
  );
  const writer = members.find(({ IsWriter }) => IsWriter)?.DBClusterArn ?? null;
  const sorted = resources.filter(({ id }) => id !== '').sort((a, b) => byCodeUnit(a.region, b.region) || byCodeUnit(a.id, b.id));
  return { resources: sorted, writer: writer === cluster.DBClusterArn ? null : writer, findings: [] };
};

/** Whoever may not ask for global databases most likely has none: then only a cluster that says it is in one cannot be planned. */
const unreadGlobals = (error: unknown, cluster: DBCluster): { readonly unread: readonly Finding[] } => {
  if (!(error instanceof Failure) || cluster.GlobalClusterIdentifier || !error.findings.every(({ code }) => code === 'aws/access-denied'))
    throw error;
  return { unread: error.findings.map((finding) => ({ ...finding, severity: 'warning' as const })) };
};

/** The proxies that the manifest names in front of the target. */
const proxiesOf = async (target: Sought, inventory: Inventory) => {
  const { proxies: names, region, kind, identifier } = target.rds;
  if (names.length === 0) return { proxies: [], findings: [] };
  const all = await inventory.proxies(region);
  const looked = await Promise.all(
    names.map(async (name) => {
      const proxy = named(all, { identifier: name }, (one) => one.DBProxyName);
      if (!proxy)
        return wrongProxy(
          target,
          name,
          all.map((one) => one.DBProxyName ?? ''),
          null,
        );
      const behind = serverBehind(await inventory.proxyTargets(region, proxy.DBProxyName ?? ''));
      const same = behind?.kind === kind && behind.identifier.toLowerCase() === identifier.toLowerCase();
      return same ? proxy : wrongProxy(target, name, [], behind ? `${behind.kind} '${behind.identifier}'` : 'nothing');
    }),
  );
  return {
    proxies: looked.flatMap((one) => ('severity' in one ? [] : [one])),
    findings: looked.flatMap((one) => ('severity' in one ? [one] : [])),
  };
};

/** What there is instead, for the finding. Regions that other targets are in have been read anyway. */
const missing = async (target: Sought, { inventory, access }: Desk): Promise<Finding> => {
  const { kind, region } = target.rds;
  const identifiers = async (of: PlaceName['kind'], where: string): Promise<readonly string[]> => {
    if (of === 'cluster') return (await inventory.clusters(where)).map((one) => one.DBClusterIdentifier ?? '');
    if (of === 'instance') return (await inventory.instances(where)).map((one) => one.DBInstanceIdentifier ?? '');
    return (await inventory.proxies(where)).map((one) => one.DBProxyName ?? '');
  };
  const has = async (of: PlaceName['kind'], where: string): Promise<boolean> =>
    (await identifiers(of, where).catch(nothing)).some((name) => name.toLowerCase() === target.rds.identifier.toLowerCase());
  const others = (['cluster', 'instance'] as const).filter((other) => other !== kind);
  const elsewhere = inventory.regions().filter((other) => other !== region);
  const [there, kinds, regions] = await Promise.all([
    identifiers(kind, region),
    Promise.all(others.map(async (other) => ((await has(other, region)) ? [other] : []))),
    Promise.all(elsewhere.map(async (other) => ((await has(kind, other)) ? [other] : []))),
  ]);
  const account = await access.caller().then(
    (caller) => caller.account,
    () => undefined,
  );
  return notFound(target, { there, others: kinds.flat(), regions: regions.flat(), account });
};

/** What cannot be read there is said by the target that is there. */
const nothing = (error: unknown): readonly string[] => {
  if (error instanceof Failure) return [];
  throw error;
};
