import type { DBCluster, DBInstance, DBProxy, DBProxyTarget, GlobalCluster, RDSClient } from '@aws-sdk/client-rds';
import type { Access } from './connect.ts';
import { awsFailure } from './trouble.ts';

/** What RDS has, as one set of credentials sees it. Every list is read whole, page by page, and once: however many targets look into it. */
export type Inventory = {
  /** Of the engines that we know: the API lists those of DocumentDB and Neptune too. */
  readonly clusters: (region: string) => Promise<readonly DBCluster[]>;
  readonly instances: (region: string) => Promise<readonly DBInstance[]>;
  readonly proxies: (region: string) => Promise<readonly DBProxy[]>;
  readonly proxyTargets: (region: string, proxy: string) => Promise<readonly DBProxyTarget[]>;
  readonly globals: (region: string) => Promise<readonly GlobalCluster[]>;
  /** Regions whose clusters or instances were asked for. */
  readonly regions: () => readonly string[];
};

export const inventoryOf = (access: Access): Inventory => {
  const lists = new Map<string, Promise<unknown>>();
  const regions = new Set<string>();
  const once = <T>(action: string, region: string, read: (client: RDSClient) => Promise<readonly T[]>, of = ''): Promise<readonly T[]> => {
    const key = JSON.stringify([action, region, of]);
    const list = lists.get(key) ?? asked(access, { action: `rds:${action}`, region }, read);
    lists.set(key, list);
    return list as Promise<readonly T[]>;
  };
  return {
    clusters: (region) => {
      regions.add(region);
      return once('DescribeDBClusters', region, readClusters);
    },
    instances: (region) => {
      regions.add(region);
      return once('DescribeDBInstances', region, readInstances);
    },
    proxies: (region) => once('DescribeDBProxies', region, readProxies),
    proxyTargets: (region, proxy) => once('DescribeDBProxyTargets', region, (client) => readProxyTargets(client, proxy), proxy),
    globals: (region) => once('DescribeGlobalClusters', region, readGlobals),
    regions: () => [...regions].sort(),
  };
};

const asked = async <T>(
  access: Access,
  call: { readonly action: string; readonly region: string },
  read: (client: RDSClient) => Promise<readonly T[]>,
): Promise<readonly T[]> => {
  try {
    return await read(await access.rds(call.region));
  } catch (error) {
    throw awsFailure(error, call);
  }
};

const FOREIGN_ENGINES: ReadonlySet<string | undefined> = new Set(['docdb', 'neptune']);

const readClusters = async (client: RDSClient): Promise<readonly DBCluster[]> => {
  const { paginateDescribeDBClusters } = await import('@aws-sdk/client-rds');
  const found: DBCluster[] = [];
  for await (const page of paginateDescribeDBClusters({ client }, {})) found.push(...(page.DBClusters ?? []));
  return found.filter(({ Engine }) => !FOREIGN_ENGINES.has(Engine));
};

const readInstances = async (client: RDSClient): Promise<readonly DBInstance[]> => {
  const { paginateDescribeDBInstances } = await import('@aws-sdk/client-rds');
  const found: DBInstance[] = [];
  for await (const page of paginateDescribeDBInstances({ client }, {})) found.push(...(page.DBInstances ?? []));
  return found.filter(({ Engine }) => !FOREIGN_ENGINES.has(Engine));
};

const readProxies = async (client: RDSClient): Promise<readonly DBProxy[]> => {
  const { paginateDescribeDBProxies } = await import('@aws-sdk/client-rds');
  const found: DBProxy[] = [];
  for await (const page of paginateDescribeDBProxies({ client }, {})) found.push(...(page.DBProxies ?? []));
  return found;
};

const readProxyTargets = async (client: RDSClient, proxy: string): Promise<readonly DBProxyTarget[]> => {
  const { paginateDescribeDBProxyTargets } = await import('@aws-sdk/client-rds');
  const found: DBProxyTarget[] = [];
  for await (const page of paginateDescribeDBProxyTargets({ client }, { DBProxyName: proxy })) found.push(...(page.Targets ?? []));
  return found;
};

const readGlobals = async (client: RDSClient): Promise<readonly GlobalCluster[]> => {
  const { paginateDescribeGlobalClusters } = await import('@aws-sdk/client-rds');
  const found: GlobalCluster[] = [];
  for await (const page of paginateDescribeGlobalClusters({ client }, {})) found.push(...(page.GlobalClusters ?? []));
  return found;
};
