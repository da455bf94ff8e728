import { describe, expect, test } from 'vitest';
import { changedTargets } from '../../src/core/changed-targets.ts';
import { sessionOf } from '../../src/engine/session.ts';
import { readManifest } from '../../src/manifest/validate.ts';

const BASE = `version: 1
stack: acme/access
targets:
  orders: { engine: postgres, rds: { cluster: orders, region: eu-west-1 }, login: { user: rolecall, auth: iam } }
  billing: { engine: postgres, rds: { cluster: billing, region: eu-west-1 }, login: { user: rolecall, auth: iam } }
guard: { max_removals: 10 }
profiles: { support: [{ privileges: [select], tables: tickets }] }
groups:
  readers: { targets: [orders], read: [orders.public], use: { support: [orders.desk] } }
users:
  jane: { targets: [orders, billing], auth: iam, principals: [user/jane] }
  omar: { targets: [billing], auth: none }
  etl: { targets: [billing], password: "\${env:ETL}" }
alarms:
  failed: { targets: [orders], threshold: 10 }
`;

const declared = (text: string) => {
  const { manifest, findings } = readManifest([{ path: 'access.yaml', text }]);
  if (!manifest) throw new Error(JSON.stringify(findings));
  return sessionOf(manifest, [], { target: [], now: '2026-06-01T00:00:00Z' }, () => new Date());
};

describe('targets that a manifest declares otherwise than another', () => {
  test.each([
    ['none, where only lines move', `\n# a comment\n${BASE}`, []],
    ["none, where a password's line moves", BASE.replace('  omar', '\n  omar'), []],
    ['none, where only the order differs', BASE.replace(/( {2}jane.*\n)( {2}omar.*\n)/, '$2$1'), []],
    [
      'those of a user',
      BASE.replace('auth: none', 'auth: none, groups: []').replace('omar: { targets: [billing]', 'omar: { targets: [orders]'),
      ['orders', 'billing'],
    ],
    ['those of a group', BASE.replace('read: [orders.public]', 'read: [orders.sales]'), ['orders']],
    ['those that use a profile', BASE.replace('[select]', '[update]'), ['orders']],
    ['all, where a guard differs', BASE.replace('max_removals: 10', 'max_removals: 1'), ['orders', 'billing', 'iam', 'alarms']],
    [
      'one whose login differs',
      BASE.replace('billing, region: eu-west-1 }, login: { user: rolecall', 'billing, region: eu-west-1 }, login: { user: other'),
      ['billing'],
    ],
    ['one that moves, and the account, whose policies name it', BASE.replace('cluster: billing', 'cluster: billing-2'), ['billing', 'iam']],
    ['the account, where somebody else may log in', BASE.replace('[user/jane]', '[user/jane, role/jane]'), ['orders', 'billing', 'iam']],
    ['the alarms, where one differs', BASE.replace('threshold: 10', 'threshold: 11'), ['alarms']],
    ['the alarms, where another region is looked at', `${BASE}alarm_regions: [us-east-1]\n`, ['alarms']],
    ['one that moves, and the alarms that watch it', BASE.replace('cluster: orders', 'cluster: orders-2'), ['orders', 'iam', 'alarms']],
    ['one that is new', BASE.replace('guard:', '  stats: { engine: postgres, endpoint: env }\nguard:'), ['stats']],
  ])('%s', (_name, text, expected) => {
    expect(changedTargets(declared(BASE), declared(text))).toEqual(expected);
  });
});
