import { describe, expect, test } from 'vitest';
import { type Judgement, judgeConnect, parseConnect } from '../../../src/providers/iam/arn.ts';
import { ACCOUNT, dbuser, place } from './world.ts';

const known = {
  partition: 'aws' as const,
  account: ACCOUNT,
  places: new Map([
    [
      'orders',
      place('cluster-ABC', {
        members: { 'orders-1': 'db-MEMBER1' },
        proxies: [{ id: 'prx-0123', region: 'eu-west-1', name: 'orders-proxy', mode: 'standard' }],
      }),
    ],
    [
      'billing',
      place('db-XYZ', {
        kind: 'instance',
        identifier: 'billing-prod',
        region: 'us-east-1',
        resources: [{ id: 'db-XYZ', region: 'us-east-1' }],
      }),
    ],
    [
      'world',
      place('cluster-EU', {
        identifier: 'world',
        resources: [
          { id: 'cluster-EU', region: 'eu-west-1' },
          { id: 'cluster-US', region: 'us-east-1' },
        ],
      }),
    ],
  ]),
  logins: new Map([
    ['orders', new Set(['jane', 'Omar'])],
    ['billing', new Set(['billing_api'])],
  ]),
};
const right = (kind: string, target: string, arn: string | null): object => ({ kind, targets: [target], right: arn });
const swap = (from: string, to: string, user = 'jane'): string => dbuser(user).replace(from, to);

test.each<[string, string, object]>([
  ['the exact ARN', dbuser('jane'), { kind: 'exact', targets: ['orders'], user: 'jane' }],
  ['a user where nobody read the server', dbuser('any', 'cluster-EU'), { kind: 'exact', targets: ['world'], user: 'any' }],
  ['the other member of a global database', dbuser('any', 'cluster-US', 'us-east-1'), { kind: 'exact', targets: ['world'], user: 'any' }],
  [
    'a member of a global database in the region of another',
    dbuser('any', 'cluster-US'),
    right('wrong-region', 'world', dbuser('any', 'cluster-US', 'us-east-1')),
  ],
  ['any region', dbuser('jane', 'cluster-ABC', '*'), { kind: 'exact', targets: ['orders'], user: 'jane' }],
  ['a proxy', dbuser('jane', 'prx-0123'), { kind: 'proxy', targets: ['orders'], user: 'jane' }],
  ['every user', dbuser('*'), { kind: 'wildcard-user', targets: ['orders'] }],
  ['users by pattern', dbuser('app_?'), { kind: 'wildcard-user', targets: ['orders'] }],
  ['every resource', dbuser('jane', '*'), { kind: 'wildcard-resource', targets: ['orders', 'world'] }],
  ['every resource of every region', dbuser('jane', '*', '*'), { kind: 'wildcard-resource', targets: ['billing', 'orders', 'world'] }],
  ['resources by pattern', dbuser('*', 'db-*', '*'), { kind: 'wildcard-resource', targets: ['billing'] }],
  ['everything', '*', { kind: 'everything', targets: ['billing', 'orders', 'world'] }],
  ['everything of a region', dbuser('*', '*', 'us-*'), { kind: 'everything', targets: ['billing', 'world'] }],
  ['everything, cut short', 'arn:aws:rds-db:*', { kind: 'everything', targets: ['billing', 'orders', 'world'] }],
  ['a variable for the user', dbuser('${aws:username}'), { kind: 'variable', targets: ['orders'], user: '${aws:username}' }],
  [
    'a variable for the resource',
    dbuser('jane', '${aws:PrincipalTag/db}'),
    { kind: 'variable', targets: ['billing', 'orders', 'world'], user: 'jane' },
  ],
  ['another partition', swap('arn:aws:', 'arn:aws-cn:'), right('wrong-partition', 'orders', dbuser('jane'))],
  ['another account', swap(ACCOUNT, '999999999999'), right('wrong-account', 'orders', dbuser('jane'))],
  ['another region', swap('eu-west-1', 'us-east-1'), right('wrong-region', 'orders', dbuser('jane'))],
  ['the name of the cluster', dbuser('jane', 'orders-prod'), right('identifier', 'orders', dbuser('jane'))],
  ['the name of the proxy', dbuser('jane', 'orders-proxy'), right('identifier', 'orders', dbuser('jane', 'prx-0123'))],
  ['the name of an instance in the cluster', dbuser('jane', 'orders-1'), right('member', 'orders', dbuser('jane'))],
  ['the id of an instance in the cluster', dbuser('jane', 'db-MEMBER1'), right('member', 'orders', dbuser('jane'))],
  ['the id in another case', dbuser('jane', 'cluster-abc'), right('wrong-case', 'orders', dbuser('jane'))],
  ['the user in another case', dbuser('omar'), right('wrong-case', 'orders', dbuser('Omar'))],
  ['a user that is not there', dbuser('nobody'), { kind: 'unknown-user', targets: ['orders'], user: 'nobody' }],
  [
    'an id that is gone, of a user that one server has',
    dbuser('jane', 'cluster-OLD'),
    { kind: 'unknown-resource', targets: ['orders'], resource: 'cluster-OLD', right: dbuser('jane') },
  ],
  [
    'an id that nobody has',
    dbuser('other', 'cluster-OLD'),
    { kind: 'unknown-resource', targets: [], resource: 'cluster-OLD', right: null },
  ],
  [
    'an ARN of the service rds',
    `arn:aws:rds:eu-west-1:${ACCOUNT}:db:orders`,
    { kind: 'malformed', targets: [], reason: "it is an ARN of 'rds', and rds-db:connect is about 'rds-db'" },
  ],
  [
    'a cluster without a user',
    `arn:aws:rds-db:eu-west-1:${ACCOUNT}:dbuser:cluster-ABC`,
    { kind: 'malformed', targets: [], reason: "it ends in 'dbuser:cluster-ABC', and 'dbuser:RESOURCE-ID/USER' is expected" },
  ],
  [
    'a slash before the id',
    `arn:aws:rds-db:eu-west-1:${ACCOUNT}:dbuser/cluster-ABC/jane`,
    { kind: 'malformed', targets: [], reason: "it ends in 'dbuser/cluster-ABC/jane', and 'dbuser:RESOURCE-ID/USER' is expected" },
  ],
  ['plain text', 'cluster-ABC/jane', { kind: 'malformed', targets: [], reason: 'it is no ARN' }],
])('a resource with %s is recognised', (_, arn, expected) => {
  expect(judgeConnect(arn, known) satisfies Judgement).toEqual(expected);
});

describe('the parts of a resource', () => {
  test.each<[string, object | string]>([
    [dbuser('a/b'), { partition: 'aws', region: 'eu-west-1', account: ACCOUNT, resource: 'cluster-ABC', user: 'a/b' }],
    ['arn:aws:rds-db:*:*:*', { partition: 'aws', region: '*', account: '*', resource: '*', user: '*' }],
    ['arn:aws:*', { partition: 'aws', region: '*', account: '*', resource: '*', user: '*' }],
    ['arn:aws:s3:*', "it is an ARN of 's3', and rds-db:connect is about 'rds-db'"],
  ])('%s', (arn, expected) => {
    expect(parseConnect(arn)).toEqual(expected);
  });
});
