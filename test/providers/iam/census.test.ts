import { expect, test } from 'vitest';
import type { Place } from '../../../src/model/place.ts';
import { connectLines } from '../../../src/providers/iam/census.ts';
import { ACCOUNT, account, identity, managed, policyArn } from './world.ts';

const arn = (resource: string, user = 'jane', region = 'eu-west-1') => `arn:aws:rds-db:${region}:${ACCOUNT}:dbuser:${resource}/${user}`;
const PLACE = {
  kind: 'cluster',
  identifier: 'orders',
  partition: 'aws',
  region: 'eu-west-1',
  account: ACCOUNT,
  resources: [{ id: 'cluster-ABC', region: 'eu-west-1' }],
  proxies: [],
  members: { 'orders-1': 'db-ONE' },
} as unknown as Place;
const declared = { iam: { places: new Map([['orders', PLACE]]), logins: null } } as never;
const document = (...Resource: string[]) => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: 'rds-db:connect', Resource }],
});

test('every attached line about database logins is told by what it is, once for each policy', () => {
  const snapshot = account(
    [
      identity('role/api', { attached: [policyArn('good'), policyArn('bad')] }),
      identity('role/other', { attached: [policyArn('good')], inline: [{ name: 'own', document: document(arn('cluster-ABC', '*')) }] }),
      identity('role/admin', { inline: [{ name: 'all', document: { Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] } }] }),
    ],
    [
      managed('good', document(arn('cluster-ABC'))),
      managed('bad', document(arn('db-ONE'), arn('orders'), arn('cluster-ABC', 'jane', 'us-east-1'))),
      managed('nobody-has-it', document(arn('cluster-ABC', 'kim'))),
    ],
  );
  expect(connectLines(snapshot, declared).lines.map(({ policy, kind, right }) => [policy, kind, right])).toEqual([
    ["inline policy 'own' of role/other", 'wildcard-user', null],
    ["policy 'bad'", 'member', arn('cluster-ABC')],
    ["policy 'bad'", 'identifier', arn('cluster-ABC')],
    ["policy 'bad'", 'wrong-region', arn('cluster-ABC')],
    ["policy 'good'", 'exact', null],
  ]);
});
