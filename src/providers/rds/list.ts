import type { DBCluster, DBInstance } from '@aws-sdk/client-rds';
import { Failure, type Finding } from '../../model/finding.ts';
import { byCodeUnit } from '../../model/key.ts';
import type { PlaceName } from '../../model/place.ts';
import { engineOf } from './check.ts';
import { accessWith, ownRegion } from './connect.ts';
import { type Inventory, inventoryOf } from './inspect.ts';
import { clusterPlace, instancePlace } from './place.ts';

/** A database server of the account, whether a manifest names it or not. */
export type ListedDatabase = {
  readonly kind: 'cluster' | 'instance';
  readonly identifier: string;
  readonly region: string;
  readonly account: string;
  /** As the API says them, e.g. 'aurora-postgresql' and '17.4'. */
  readonly engine: string;
  readonly version: string;
  readonly status: string;
  /** null: it has none (yet). */
  readonly endpoint: { readonly host: string; readonly port: number } | null;
  /** What `rds-db:connect` names. */
  readonly resourceId: string;
  readonly iam: 'on' | 'off' | 'switching-on' | 'switching-off';
  /** Instances of the cluster; they are not listed on their own. */
  readonly members: readonly string[];
};

export type ListOptions = { readonly assumeRole?: NonNullable<PlaceName['assumeRole']> };

/**
 * Every cluster and stand-alone instance of PostgreSQL, MySQL and MariaDB in these regions, by default the one of the environment or the
 * profile; a region that cannot be read is a finding. Throws a Failure without region or credentials.
 */
export const listDatabases = async (
  regions: readonly string[],
  { assumeRole }: ListOptions = {},
): Promise<{ readonly databases: readonly ListedDatabase[]; readonly findings: readonly Finding[] }> => {
  const all = regions.length > 0 ? [...new Set(regions)].sort(byCodeUnit) : [await ownRegion()];
  const access = accessWith(assumeRole, all[0]!);
  await access.credentials();
  const inventory = inventoryOf(access);
  const read = await Promise.all(all.map((region) => listRegion(inventory, region)));
  return { databases: read.flatMap(({ databases }) => databases), findings: read.flatMap(({ findings }) => findings) };
};

const listRegion = async (inventory: Inventory, region: string) => {
  try {
    const [clusters, instances] = await Promise.all([inventory.clusters(region), inventory.instances(region)]);
    const found = [
      ...clusters.map((cluster) => listedCluster(cluster, instances)),
      ...instances.filter(({ DBClusterIdentifier }) => !DBClusterIdentifier).map(listedInstance),
    ];
    const databases = found.filter(({ engine }) => engineOf(engine) !== undefined);
    return { databases: databases.sort((a, b) => byCodeUnit(a.identifier, b.identifier) || byCodeUnit(a.kind, b.kind)), findings: [] };
  } catch (error) {
    if (error instanceof Failure) return { databases: [], findings: error.findings };
    throw error;
  }
};

const listedCluster = (cluster: DBCluster, instances: readonly DBInstance[]): ListedDatabase => {
  const place = clusterPlace(cluster, { instances, global: [], proxies: [] });
  const endpoint = cluster.Endpoint && cluster.Port ? { host: cluster.Endpoint, port: cluster.Port } : null;
  return { ...listed(place), kind: 'cluster', status: cluster.Status ?? '', endpoint };
};

const listedInstance = (instance: DBInstance): ListedDatabase => {
  const { Address, Port } = instance.Endpoint ?? {};
  const endpoint = Address && Port ? { host: Address, port: Port } : null;
  return { ...listed(instancePlace(instance, [])), kind: 'instance', status: instance.DBInstanceStatus ?? '', endpoint };
};

const listed = ({
  identifier,
  region,
  account,
  engine,
  version,
  resources,
  members,
  iamAuthentication,
  iamPending,
}: ReturnType<typeof clusterPlace>) => ({
  identifier,
  region,
  account,
  engine,
  version,
  resourceId: resources[0]!.id,
  iam: iamAuthentication
    ? iamPending
      ? ('switching-off' as const)
      : ('on' as const)
    : iamPending
      ? ('switching-on' as const)
      : ('off' as const),
  members: Object.keys(members),
});
