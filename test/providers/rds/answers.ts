import type { DBCluster, DBInstance, DBProxy, DBProxyTarget, GlobalCluster } from '@aws-sdk/client-rds';
import type { Sought } from '../../../src/providers/rds/check.ts';
import { targetOf } from '../declared.ts';

export const ACCOUNT = '123456789012';

/** What DescribeDBClusters says of an Aurora PostgreSQL cluster, as far as it concerns us. */
export const cluster = (rest: DBCluster = {}): DBCluster => ({
  DBClusterIdentifier: 'orders-prod',
  DBClusterArn: `arn:aws:rds:eu-west-1:${ACCOUNT}:cluster:orders-prod`,
  DbClusterResourceId: 'cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ',
  Engine: 'aurora-postgresql',
  EngineVersion: '17.4',
  EngineMode: 'provisioned',
  Status: 'available',
  Endpoint: 'orders-prod.cluster-abc123.eu-west-1.rds.amazonaws.com',
  ReaderEndpoint: 'orders-prod.cluster-ro-abc123.eu-west-1.rds.amazonaws.com',
  Port: 5432,
  MasterUsername: 'postgres',
  IAMDatabaseAuthenticationEnabled: true,
  DBClusterMembers: [
    { DBInstanceIdentifier: 'orders-prod-1', IsClusterWriter: true },
    { DBInstanceIdentifier: 'orders-prod-2', IsClusterWriter: false },
  ],
  ...rest,
});

/** What DescribeDBInstances says of an instance that is in no cluster. */
export const instance = (rest: DBInstance = {}): DBInstance => ({
  DBInstanceIdentifier: 'billing-prod',
  DBInstanceArn: `arn:aws:rds:eu-west-1:${ACCOUNT}:db:billing-prod`,
  DbiResourceId: 'db-ABCDEFGHIJKLMNOPQRSTUVWXYZ',
  Engine: 'postgres',
  EngineVersion: '16.9',
  DBInstanceStatus: 'available',
  Endpoint: { Address: 'billing-prod.abc123.eu-west-1.rds.amazonaws.com', Port: 5433, HostedZoneId: 'Z1' },
  MasterUsername: 'dba',
  MultiAZ: true,
  IAMDatabaseAuthenticationEnabled: true,
  PendingModifiedValues: {},
  CACertificateIdentifier: 'rds-ca-rsa2048-g1',
  ...rest,
});

/** An instance of the cluster. */
export const member = (number: number, rest: DBInstance = {}): DBInstance =>
  instance({
    DBInstanceIdentifier: `orders-prod-${number}`,
    DBInstanceArn: `arn:aws:rds:eu-west-1:${ACCOUNT}:db:orders-prod-${number}`,
    DbiResourceId: `db-MEMBER${number}`,
    DBClusterIdentifier: 'orders-prod',
    Engine: 'aurora-postgresql',
    MultiAZ: false,
    ...rest,
  });

export const proxy = (rest: DBProxy = {}): DBProxy => ({
  DBProxyName: 'front',
  DBProxyArn: `arn:aws:rds:eu-west-1:${ACCOUNT}:db-proxy:prx-0123456789abcdef0`,
  Status: 'available',
  EngineFamily: 'POSTGRESQL',
  Endpoint: 'front.proxy-abc123.eu-west-1.rds.amazonaws.com',
  RequireTLS: true,
  Auth: [{ AuthScheme: 'SECRETS', SecretArn: `arn:aws:secretsmanager:eu-west-1:${ACCOUNT}:secret:app`, IAMAuth: 'REQUIRED' }],
  ...rest,
});

/** DescribeDBProxyTargets of a proxy in front of the cluster: the cluster, and each instance in it. */
export const clusterTargets: readonly DBProxyTarget[] = [
  { Type: 'TRACKED_CLUSTER', RdsResourceId: 'orders-prod', Port: 5432 },
  { Type: 'RDS_INSTANCE', RdsResourceId: 'orders-prod-1', TrackedClusterId: 'orders-prod', Role: 'READ_WRITE', Port: 5432 },
];

export const globalCluster = (rest: GlobalCluster = {}): GlobalCluster => ({
  GlobalClusterIdentifier: 'orders-world',
  Engine: 'aurora-postgresql',
  GlobalClusterMembers: [
    { DBClusterArn: `arn:aws:rds:eu-west-1:${ACCOUNT}:cluster:orders-prod`, IsWriter: true },
    { DBClusterArn: `arn:aws:rds:us-east-1:${ACCOUNT}:cluster:orders-us`, IsWriter: false },
  ],
  ...rest,
});

/** A target that is to be found in RDS; by default the cluster. */
export const sought = (rds: Partial<Sought['rds']> = {}, rest: Partial<Sought> = {}): Sought => ({
  ...targetOf({ name: 'orders', endpoint: { kind: 'rds' }, login: { user: 'rolecall', auth: 'iam' } }),
  rds: { kind: 'cluster', identifier: 'orders-prod', region: 'eu-west-1', proxies: [], ...rds },
  ...rest,
});
