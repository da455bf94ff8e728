import { describe, expect, test } from 'vitest';
import type { Endpoint, Target } from '../../../src/model/declared.ts';
import {
  checkDeclared,
  checkFound,
  type Found,
  memberInstance,
  notFound,
  type Sought,
  wrongProxy,
} from '../../../src/providers/rds/check.ts';
import { clusterPlace, instancePlace, proxyPlace } from '../../../src/providers/rds/place.ts';
import { targetOf } from '../declared.ts';
import { ACCOUNT, cluster, instance, proxy, sought } from './answers.ts';

const place = clusterPlace(cluster(), { instances: [], global: [], proxies: [] });
const found = (rest: Partial<Found> = {}): Found => ({
  place,
  status: 'available',
  replicaOf: null,
  address: { host: 'orders-prod.cluster-abc123.eu-west-1.rds.amazonaws.com', port: 5432 },
  ...rest,
});

describe('a server that was found', () => {
  test('and is as the manifest says has nothing against it', () => {
    expect(checkFound(sought({ account: ACCOUNT }), found(), true)).toEqual([]);
  });

  const nothingSeen = proxyPlace(proxy({ EngineFamily: 'MYSQL' }), null);
  test.each<[string, Sought, Partial<Found>, string, string, string]>([
    [
      'another account',
      sought({ account: '210987654321' }),
      {},
      'rds/account',
      `is in account ${ACCOUNT}, and 'rds.account' is 210987654321`,
      'credentials',
    ],
    [
      'another engine',
      sought({}, { engine: 'mysql' }),
      {},
      'rds/engine',
      "runs aurora-postgresql, and the manifest says 'engine: mysql'",
      'engine: postgres',
    ],
    [
      'MariaDB as MySQL',
      sought({}, { engine: 'mysql' }),
      { place: instancePlace(instance({ Engine: 'mariadb' }), []) },
      'rds/engine',
      'runs mariadb',
      'engine: mariadb',
    ],
    ['a foreign engine', sought(), { place: { ...place, engine: 'oracle-ee' } }, 'rds/engine', 'runs oracle-ee', 'only PostgreSQL'],
    [
      'a custom engine',
      sought(),
      { place: { ...place, engine: 'custom-postgres' } },
      'rds/engine',
      'runs custom-postgres',
      'only PostgreSQL',
    ],
    [
      'a server that is stopped',
      sought(),
      { status: 'stopped' },
      'rds/not-running',
      "cluster 'orders-prod' in eu-west-1 is stopped",
      'aws rds start-db-cluster',
    ],
    ['a server in the making', sought(), { status: 'creating', address: { host: '', port: 0 } }, 'rds/not-running', 'is creating', 'wait'],
    [
      'no endpoint',
      sought(),
      { status: 'backing-up', address: { host: '', port: 5432 } },
      'rds/no-endpoint',
      'has no endpoint (it is backing-up)',
      'wait',
    ],
    [
      'a copy',
      sought(),
      { replicaOf: 'arn:aws:rds:us-east-1:1:cluster:a' },
      'rds/replica',
      'only reads: it is a copy of arn:aws:rds:us-east-1:1:cluster:a',
      'written to',
    ],
    [
      'IAM off',
      sought(),
      { place: { ...place, iamAuthentication: false } },
      'rds/iam-off',
      'is off, and logins by IAM are declared',
      '--enable-iam-database-authentication',
    ],
    [
      'IAM not yet on',
      sought(),
      { place: { ...place, iamAuthentication: false, iamPending: true } },
      'rds/iam-pending',
      'is switched on but not yet in effect',
      'maintenance window',
    ],
    [
      'a proxy without tokens',
      sought({ kind: 'proxy' }, { engine: 'mysql' }),
      { place: nothingSeen.iamAuthentication ? { ...nothingSeen, iamAuthentication: false } : nothingSeen },
      'rds/iam-off',
      'takes no tokens',
      'IAMAuth REQUIRED',
    ],
  ])('is refused for %s', (_name, target, rest, code, said, hint) => {
    const [finding, ...others] = checkFound(target, found(rest), true);
    expect(others).toEqual([]);
    expect(finding).toMatchObject({ severity: 'error', code, target: 'orders', source: target.source });
    expect(finding!.message).toMatch(/^target 'orders': /);
    expect(finding!.message).toContain(said);
    expect(finding!.hint).toContain(hint);
  });

  test('may have IAM authentication off where nobody logs in by it', () => {
    expect(checkFound(sought(), found({ place: { ...place, iamAuthentication: false } }), false)).toEqual([]);
  });

  test('is warned about where IAM authentication is about to end', () => {
    expect(checkFound(sought(), found({ place: { ...place, iamPending: true } }), true)).toMatchObject([
      { severity: 'warning', code: 'rds/iam-ending' },
    ]);
  });

  test('may be MariaDB behind a proxy that tells only the family', () => {
    expect(checkFound(sought({ kind: 'proxy' }, { engine: 'mariadb' }), found({ place: nothingSeen }), false)).toEqual([]);
  });
});

describe('a server that is not found', () => {
  const nothing = { there: [], others: [], regions: [], account: ACCOUNT } as const;
  test.each([
    [
      'is one that is nearly called so',
      sought({ identifier: 'orders-prd' }),
      { ...nothing, there: ['billing', 'orders-prod'] },
      'rds/unknown-cluster',
      "did you mean 'orders-prod'?",
    ],
    [
      'is an instance',
      sought(),
      { ...nothing, others: ['instance' as const] },
      'rds/unknown-cluster',
      'it is an instance: write rds: { instance: orders-prod, region: eu-west-1 }',
    ],
    ['is in another region', sought(), { ...nothing, regions: ['us-east-1'] }, 'rds/unknown-cluster', 'it is in us-east-1'],
    ['is one of others', sought(), { ...nothing, there: ['z', 'a'] }, 'rds/unknown-cluster', 'eu-west-1 has: a, z'],
    ['is where nothing is', sought({ kind: 'proxy' }), nothing, 'rds/unknown-proxy', 'eu-west-1 has no proxy that these credentials see'],
    [
      'is in an account that these credentials are not for',
      sought({ account: '210987654321' }),
      nothing,
      'rds/account',
      'credentials of that account',
    ],
  ])('%s', (_name, target, missing, code, hint) => {
    const finding = notFound(target, missing);
    expect(finding).toMatchObject({ severity: 'error', code, target: 'orders' });
    expect(finding.hint).toContain(hint);
    expect(finding.message).toContain(ACCOUNT);
  });

  test('is said without an account where that is not known', () => {
    expect(notFound(sought(), { ...nothing, account: undefined }).message).toBe(
      "target 'orders': there is no cluster 'orders-prod' in eu-west-1",
    );
  });
});

test('an instance of a cluster is refused by the name of the cluster', () => {
  const finding = memberInstance(sought({ kind: 'instance', identifier: 'orders-prod-1' }), 'orders-prod');
  expect(finding).toMatchObject({
    severity: 'error',
    code: 'rds/member-instance',
    hint: 'write rds: { cluster: orders-prod, region: eu-west-1 }',
  });
});

test('a proxy that is not there, or in front of another server, is refused', () => {
  expect(wrongProxy(sought(), 'frnt', ['front'], null)).toMatchObject({ code: 'rds/unknown-proxy', hint: "did you mean 'front'?" });
  expect(wrongProxy(sought(), 'front', [], "cluster 'other'").message).toContain(
    "proxy 'front' leads to cluster 'other', and not to cluster 'orders-prod'",
  );
});

describe('a target whose address the manifest gives', () => {
  const RDS = 'orders.cluster-abc123.eu-west-1.rds.amazonaws.com';
  const at = (host: string, region?: string, auth: Target['login']['auth'] = 'iam'): Target => {
    const endpoint: Endpoint = { kind: 'explicit', host, port: 5432, tls: 'verify-full', ...(region ? { aws: { region } } : {}) };
    return targetOf({ name: 'orders', endpoint, login: { user: 'rolecall', auth } });
  };
  test.each<[string, Target, { severity: string; code: string }[]]>([
    ['by the name of an endpoint', at(RDS), []],
    ['by that and its region', at(RDS, 'eu-west-1'), []],
    ['by that and another region', at(RDS, 'us-east-1'), [{ severity: 'error', code: 'rds/region' }]],
    ['by that and another region, whoever logs in', at(RDS, 'us-east-1', 'password'), [{ severity: 'error', code: 'rds/region' }]],
    ['by a CNAME, with a login by IAM', at('db.example.com'), [{ severity: 'error', code: 'rds/cname' }]],
    ['by a CNAME, with a password', at('db.example.com', undefined, 'password'), []],
    ['by a CNAME and its region', at('db.example.com', 'eu-west-1'), [{ severity: 'warning', code: 'rds/cname' }]],
    ['on this machine', at('127.0.0.1', 'eu-west-1'), []],
    ['by a global endpoint alone', at('g.global-abc123.global.rds.amazonaws.com'), [{ severity: 'error', code: 'rds/cname' }]],
    ['by a global endpoint and a region', at('g.global-abc123.global.rds.amazonaws.com', 'eu-west-1'), []],
  ])('%s', (_name, target, expected) => {
    const findings = checkDeclared(target);
    expect(findings.map(({ severity, code }) => ({ severity, code }))).toEqual(expected);
    for (const finding of findings) expect(finding.hint).toMatch(/\w/);
  });
});
