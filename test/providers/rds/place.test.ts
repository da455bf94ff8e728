import { describe, expect, test } from 'vitest';
import { clusterPlace, globalOf, instancePlace, proxyPlace, serverBehind } from '../../../src/providers/rds/place.ts';
import { ACCOUNT, cluster, clusterTargets, globalCluster, instance, member, proxy } from './answers.ts';

const ALONE = { instances: [], global: [], proxies: [] };

describe('a cluster', () => {
  test('is known by its own id, and by its instances only so that theirs are recognised as wrong', () => {
    const instances = [member(2, { CACertificateIdentifier: 'rds-ca-ecc384-g1' }), member(1), instance()];
    expect(clusterPlace(cluster(), { ...ALONE, instances })).toEqual({
      kind: 'cluster',
      identifier: 'orders-prod',
      partition: 'aws',
      region: 'eu-west-1',
      account: ACCOUNT,
      resources: [{ id: 'cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ', region: 'eu-west-1' }],
      proxies: [],
      members: { 'orders-prod-1': 'db-MEMBER1', 'orders-prod-2': 'db-MEMBER2' },
      iamAuthentication: true,
      iamPending: false,
      masterUser: 'postgres',
      masterIam: false,
      engine: 'aurora-postgresql',
      version: '17.4',
      certificates: ['rds-ca-ecc384-g1', 'rds-ca-rsa2048-g1'],
    });
  });

  test('with Multi-AZ instances is a cluster like any other', () => {
    const multi = cluster({
      Engine: 'postgres',
      DBClusterInstanceClass: 'db.m6gd.large',
      CertificateDetails: { CAIdentifier: 'rds-ca-rsa2048-g1' },
    });
    expect(clusterPlace(multi, ALONE)).toMatchObject({
      kind: 'cluster',
      engine: 'postgres',
      resources: [{ id: 'cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ' }],
      certificates: ['rds-ca-rsa2048-g1'],
    });
  });

  test('of a global database has an id in each region, its own first', () => {
    const global = [
      { id: 'cluster-US', region: 'us-east-1' },
      { id: 'cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ', region: 'eu-west-1' },
    ];
    expect(clusterPlace(cluster(), { ...ALONE, global }).resources).toEqual([global[1], global[0]]);
  });

  test.each([
    [
      'in another partition',
      { DBClusterArn: `arn:aws-us-gov:rds:us-gov-west-1:${ACCOUNT}:cluster:orders-prod` },
      'aws-us-gov',
      'us-gov-west-1',
    ],
    ['in China', { DBClusterArn: `arn:aws-cn:rds:cn-north-1:${ACCOUNT}:cluster:orders-prod` }, 'aws-cn', 'cn-north-1'],
  ])('%s is where its ARN says', (_name, rest, partition, region) => {
    const place = clusterPlace(cluster(rest), ALONE);
    expect(place).toMatchObject({ partition, region, account: ACCOUNT });
    expect(place.resources).toEqual([{ id: 'cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ', region }]);
  });

  test('has the proxies that are named, with how they log in', () => {
    const endToEnd = proxy({
      DBProxyName: 'direct',
      DBProxyArn: `arn:aws:rds:eu-west-1:${ACCOUNT}:db-proxy:prx-9`,
      DefaultAuthScheme: 'IAM_AUTH',
    });
    expect(clusterPlace(cluster(), { ...ALONE, proxies: [proxy(), endToEnd] }).proxies).toEqual([
      { name: 'direct', id: 'prx-9', region: 'eu-west-1', mode: 'end-to-end' },
      { name: 'front', id: 'prx-0123456789abcdef0', region: 'eu-west-1', mode: 'standard' },
    ]);
  });
});

test.each([
  ['on', true, undefined, undefined, true, false],
  ['off', false, undefined, undefined, false, false],
  ['being switched on', false, true, undefined, false, true],
  ['being switched off', true, false, undefined, true, true],
  ['on, and asked for again', true, true, undefined, true, false],
  ['being switched off on one instance', true, undefined, false, true, true],
  ['not said at all', undefined, undefined, undefined, false, false],
])('IAM authentication that is %s is told apart', (_name, now, pending, ofMember, iamAuthentication, iamPending) => {
  const changed = <T>(value: T) => (value === undefined ? {} : { PendingModifiedValues: { IAMDatabaseAuthenticationEnabled: value } });
  const enabled = now === undefined ? { IAMDatabaseAuthenticationEnabled: undefined } : { IAMDatabaseAuthenticationEnabled: now };
  const instances = [member(1, changed(ofMember)), member(2)];
  expect(clusterPlace(cluster({ ...enabled, ...changed(pending) }), { ...ALONE, instances })).toMatchObject({
    iamAuthentication,
    iamPending,
  });
  if (ofMember === undefined)
    expect(instancePlace(instance({ ...enabled, ...changed(pending) }), [])).toMatchObject({ iamAuthentication, iamPending });
});

test('an instance is known by its own id', () => {
  expect(instancePlace(instance(), [])).toEqual({
    kind: 'instance',
    identifier: 'billing-prod',
    partition: 'aws',
    region: 'eu-west-1',
    account: ACCOUNT,
    resources: [{ id: 'db-ABCDEFGHIJKLMNOPQRSTUVWXYZ', region: 'eu-west-1' }],
    proxies: [],
    members: {},
    iamAuthentication: true,
    iamPending: false,
    masterUser: 'dba',
    masterIam: false,
    engine: 'postgres',
    version: '16.9',
    certificates: ['rds-ca-rsa2048-g1'],
  });
});

describe('a proxy', () => {
  const server = clusterPlace(cluster(), { ...ALONE, instances: [member(1)] });

  test('is known by the end of its ARN; its engine, master and instances are those behind it', () => {
    expect(proxyPlace(proxy(), server)).toMatchObject({
      kind: 'proxy',
      identifier: 'front',
      resources: [{ id: 'prx-0123456789abcdef0', region: 'eu-west-1' }],
      proxies: [{ name: 'front', id: 'prx-0123456789abcdef0', mode: 'standard' }],
      members: { 'orders-prod-1': 'db-MEMBER1' },
      masterUser: 'postgres',
      engine: 'aurora-postgresql',
      version: '17.4',
    });
  });

  test('whose server is not to be seen has the engine of its family', () => {
    expect(proxyPlace(proxy({ EngineFamily: 'MYSQL' }), null)).toMatchObject({
      engine: 'mysql',
      version: '',
      masterUser: null,
      members: {},
    });
  });

  const off = { ...server, iamAuthentication: false };
  const secret = (IAMAuth: 'DISABLED' | 'REQUIRED' | 'ENABLED') => proxy({ Auth: [{ AuthScheme: 'SECRETS', IAMAuth }] });
  test.each([
    ['a secret that requires them', secret('REQUIRED'), off, true],
    ['a secret that allows them', secret('ENABLED'), off, true],
    ['a secret that does not', secret('DISABLED'), server, false],
    ['neither secret nor scheme', proxy({ Auth: [] }), server, false],
    ['end to end, to a server that takes them', proxy({ Auth: [], DefaultAuthScheme: 'IAM_AUTH' }), server, true],
    ['end to end, to a server that does not', proxy({ Auth: [], DefaultAuthScheme: 'IAM_AUTH' }), off, false],
    ['no scheme by name', proxy({ Auth: [], DefaultAuthScheme: 'NONE' }), server, false],
  ])('takes tokens or not: %s', (_name, one, behind, expected) => {
    expect(proxyPlace(one, behind).iamAuthentication).toBe(expected);
  });

  test.each([
    ['a cluster', clusterTargets, { kind: 'cluster', identifier: 'orders-prod' }],
    ['a cluster of which only instances are listed', [clusterTargets[1]!], { kind: 'cluster', identifier: 'orders-prod' }],
    ['an instance', [{ Type: 'RDS_INSTANCE' as const, RdsResourceId: 'billing-prod' }], { kind: 'instance', identifier: 'billing-prod' }],
    ['nothing', [], undefined],
  ])('leads to %s', (_name, targets, expected) => {
    expect(serverBehind(targets)).toEqual(expected);
  });
});

test('a cluster is in the global database that has its ARN among the members', () => {
  const other = globalCluster({ GlobalClusterMembers: [{ DBClusterArn: `arn:aws:rds:eu-west-1:${ACCOUNT}:cluster:orders` }] });
  expect(globalOf(cluster(), [other, globalCluster()])?.GlobalClusterIdentifier).toBe('orders-world');
  expect(globalOf(cluster(), [other])).toBeUndefined();
});
