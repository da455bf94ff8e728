import type { DBCluster, DBInstance } from '@aws-sdk/client-rds';
import type { CallerFacts, InstanceFacts, ServerFacts } from '../../model/checkup.ts';
import type { Target } from '../../model/declared.ts';
import { failure } from '../../model/finding.ts';
import { byCodeUnit } from '../../model/key.ts';
import { accessWith } from './connect.ts';
import { inventoryOf } from './inspect.ts';

/** ■ What RDS says of the server of a target, by its name or by its endpoint. Throws a Failure where it cannot be asked, or knows none. */
export const serverFacts = async (target: Target, region: string): Promise<ServerFacts> => {
  const inventory = inventoryOf(accessWith(target.rds?.assumeRole, region));
  const [clusters, instances] = await Promise.all([inventory.clusters(region), inventory.instances(region)]);
  const { rds, endpoint } = target;
  const host = endpoint.kind === 'explicit' ? endpoint.host.toLowerCase() : '';
  const named = (name: string | undefined): boolean => name?.toLowerCase() === rds?.identifier.toLowerCase();
  const cluster = clusters.find((one) =>
    rds
      ? rds.kind === 'cluster' && named(one.DBClusterIdentifier)
      : [one.Endpoint, one.ReaderEndpoint, ...(one.CustomEndpoints ?? [])].includes(host),
  );
  if (cluster) return ofCluster(cluster, instances, region);
  const instance = instances.find((one) =>
    rds ? rds.kind === 'instance' && named(one.DBInstanceIdentifier) : one.Endpoint?.Address?.toLowerCase() === host,
  );
  const around = clusters.find((one) => one.DBClusterIdentifier !== undefined && one.DBClusterIdentifier === instance?.DBClusterIdentifier);
  if (around) return ofCluster(around, instances, region);
  if (instance) return ofInstance(instance, region);
  throw failure(
    'rds/unknown',
    rds?.kind === 'proxy'
      ? `of proxies no more is read than their endpoint`
      : `RDS knows no server '${rds?.identifier ?? host}' in ${region}`,
    {
      hint: rds?.kind === 'proxy' ? 'name the cluster behind it as a target of its own' : 'check region and account',
    },
  );
};

/** ■ Whose credentials they are, and how far this machine's clock is off. Throws a Failure `aws/…`. */
export const callerFacts = async (target: Target, region: string): Promise<CallerFacts> => {
  const access = accessWith(target.rds?.assumeRole, region);
  const { expiration } = await access.credentials();
  const { account, arn, skewMs } = await access.caller();
  return { account, arn, skewMs, expires: expiration?.toISOString() ?? null };
};

const ofCluster = (cluster: DBCluster, instances: readonly DBInstance[], region: string): ServerFacts => {
  const identifier = cluster.DBClusterIdentifier ?? '';
  const pending = cluster.PendingModifiedValues?.IAMDatabaseAuthenticationEnabled;
  return {
    kind: 'cluster',
    identifier,
    region,
    status: cluster.Status ?? '',
    engine: cluster.Engine ?? '',
    resourceId: cluster.DbClusterResourceId ?? '',
    ...groupOf(cluster.DBClusterParameterGroup),
    iam: changing(cluster.IAMDatabaseAuthenticationEnabled, pending),
    logExports: [...(cluster.EnabledCloudwatchLogsExports ?? [])].sort(byCodeUnit),
    securityGroups: groupsOf(cluster.VpcSecurityGroups),
    instances: instances
      .filter((one) => one.DBClusterIdentifier === identifier)
      .map(instanceFacts)
      .sort((a, b) => byCodeUnit(a.name, b.name)),
  };
};

const ofInstance = (instance: DBInstance, region: string): ServerFacts => {
  const own = instanceFacts(instance);
  return {
    kind: 'instance',
    identifier: own.name,
    region,
    status: instance.DBInstanceStatus ?? '',
    engine: instance.Engine ?? '',
    resourceId: instance.DbiResourceId ?? '',
    ...groupOf(instance.DBParameterGroups?.[0]?.DBParameterGroupName),
    iam: own.iam,
    logExports: [...(instance.EnabledCloudwatchLogsExports ?? [])].sort(byCodeUnit),
    securityGroups: groupsOf(instance.VpcSecurityGroups),
    instances: [own],
  };
};

const groupOf = (name: string | undefined): Pick<ServerFacts, 'parameterGroup'> => (name ? { parameterGroup: name } : {});

const instanceFacts = (instance: DBInstance): InstanceFacts => ({
  name: instance.DBInstanceIdentifier ?? '',
  class: instance.DBInstanceClass ?? '',
  ca: instance.CACertificateIdentifier ?? '',
  certificateUntil: instance.CertificateDetails?.ValidTill?.toISOString().replace('.000', '') ?? null,
  iam: changing(instance.IAMDatabaseAuthenticationEnabled, instance.PendingModifiedValues?.IAMDatabaseAuthenticationEnabled),
});

const changing = (now: boolean | undefined, pending: boolean | undefined): ServerFacts['iam'] => {
  const on = now ?? false;
  return { on, pending: pending === undefined || pending === on ? null : pending };
};

const groupsOf = (groups: DBCluster['VpcSecurityGroups']): readonly string[] =>
  (groups ?? []).flatMap(({ VpcSecurityGroupId: id }) => (id ? [id] : [])).sort(byCodeUnit);
