import { expect, test } from 'vitest';
import { rdsHost } from '../../src/model/rds-host.ts';

test.each([
  ['a cluster', 'orders.cluster-abc123.eu-west-1.rds.amazonaws.com', { region: 'eu-west-1', proxy: false }],
  ['a reader', 'orders.cluster-ro-abc123.eu-west-1.rds.amazonaws.com', { region: 'eu-west-1', proxy: false }],
  ['an instance', 'billing.abc123.us-gov-west-1.rds.amazonaws.com', { region: 'us-gov-west-1', proxy: false }],
  ['an instance in upper case', 'BILLING.abc123.EU-WEST-1.RDS.amazonaws.com', { region: 'eu-west-1', proxy: false }],
  ['a proxy', 'front.proxy-abc123.eu-west-1.rds.amazonaws.com', { region: 'eu-west-1', proxy: true }],
  ["a proxy's own endpoint", 'read.endpoint.proxy-abc123.eu-west-1.rds.amazonaws.com', { region: 'eu-west-1', proxy: true }],
  ['a server in China', 'billing.abc123.rds.cn-north-1.amazonaws.com.cn', { region: 'cn-north-1', proxy: false }],
  [
    'a server in China, in the other order',
    'billing.abc123.cn-northwest-1.rds.amazonaws.com.cn',
    { region: 'cn-northwest-1', proxy: false },
  ],
  ['a global writer', 'g.global-abc123.global.rds.amazonaws.com', { region: null, proxy: false }],
  ['a CNAME', 'db.example.com', undefined],
  ['an address', '10.0.0.1', undefined],
  ['a name that only looks like one', 'billing.abc123.eu-west-1.rds.amazonaws.com.example.com', undefined],
])('the region of %s is read from its name', (_name, host, expected) => {
  expect(rdsHost(host)).toEqual(expected);
});
