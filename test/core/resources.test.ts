import { describe, expect, it } from 'vitest';
import { resourceGraph } from '../../src/core/resources.ts';
import type { AlarmSource } from '../../src/model/alarm.ts';
import type { Declared, DeclaredRole } from '../../src/model/declared.ts';
import type { DeclaredIamRole } from '../../src/model/iam.ts';

const source = { file: 'access.yaml', line: 1, column: 1 };
const role = (name: string, kind: 'user' | 'group', rest: Partial<DeclaredRole> = {}) =>
  ({ name, kind, enabled: true, expired: false, via: 'direct', principals: [], source, ...rest }) as unknown as DeclaredRole;
const part = (text: string) => ({ text, literal: false });
const options = { admin: false, inherit: true, set: true };

const declared = {
  target: { name: 'orders-prod', engine: 'postgres', endpoint: { kind: 'rds' } },
  roles: new Map([role('jane', 'user'), role('reader', 'group'), role('gone', 'user', { expired: true })].map((each) => [each.name, each])),
  memberships: [
    { role: 'reader', member: 'jane', options, expired: false, source },
    { role: 'pg_monitor', member: 'jane', options, expired: false, source },
    { role: 'writer', member: 'jane', options, expired: true, source },
  ],
  grants: [
    {
      grantee: 'reader',
      kind: 'table',
      privileges: ['SELECT'],
      database: part('orders'),
      schema: part('public'),
      name: part('*'),
      profile: 'read',
      selector: 'orders.public',
      source,
    },
    {
      grantee: 'reader',
      kind: 'schema',
      privileges: ['USAGE'],
      database: part('orders'),
      schema: part('public'),
      name: null,
      profile: 'read',
      selector: 'orders.public',
      source,
    },
    {
      grantee: 'jane',
      kind: 'table',
      privileges: ['INSERT', 'SELECT*'],
      database: part('orders'),
      schema: part('public'),
      name: part('t'),
      selector: 'public.t',
      source,
    },
  ],
  ownerships: [{ owner: 'reader', database: part('orders'), schema: part('public'), selector: 'orders.public', source }],
} as unknown as Declared;

describe('resourceGraph', () => {
  const graph = resourceGraph([declared]);

  it('has a node for the target, each role that is wanted or referenced, and each selector', () => {
    expect(graph.nodes.map(({ kind, label }) => `${kind} ${label}`)).toEqual([
      'existing pg_monitor',
      'group reader',
      'objects orders.public',
      'objects table public.t',
      'target orders-prod (postgres)',
      'user jane',
    ]);
    expect(graph.nodes.filter(({ kind }) => kind !== 'target').map(({ target }) => target)).toEqual(Array(5).fill('target:orders-prod'));
  });

  it('tells who is in what, uses what and owns what; a profile once', () => {
    const label = new Map(graph.nodes.map((node) => [node.id, node.label]));
    expect(graph.edges.map((edge) => `${label.get(edge.from)} ${edge.kind} ${label.get(edge.to)} ${edge.label ?? ''}`.trim())).toEqual([
      'reader grants-on orders.public read',
      'reader owns orders.public',
      'jane member-of pg_monitor',
      'jane member-of reader',
      'jane grants-on table public.t INSERT, SELECT with grant option',
    ]);
  });

  it('keeps targets apart and does not depend on their order', () => {
    const other = { ...declared, target: { ...declared.target, name: 'other' } };
    expect(resourceGraph([declared, other])).toEqual(resourceGraph([other, declared]));
    expect(resourceGraph([declared, other]).nodes).toHaveLength(12);
  });

  it('draws the accounts of a user, one for each host, as one', () => {
    const jane = { kind: 'user', name: 'jane' } as const;
    const accounts = ['%', '10.%'].map((host) =>
      role(host === '%' ? 'app' : `app@${host}`, 'user', { account: { user: 'app', host }, principals: [jane] }),
    );
    const drawn = resourceGraph([
      {
        ...declared,
        roles: new Map(accounts.map((each) => [each.name, each])),
        memberships: accounts.map(({ name }) => ({ role: 'reader', member: name, options, expired: false, source })),
        grants: accounts.map(({ name }) => ({ ...declared.grants[2]!, grantee: name })),
        ownerships: [],
      },
    ]);
    expect(drawn.nodes.filter(({ kind }) => kind === 'user').map(({ label }) => label)).toEqual(['app']);
    expect(drawn.edges.map(({ kind, to }) => `${kind} ${to}`)).toEqual([
      'attached-to principal:user/jane',
      'may-log-in-as user:orders-prod.app',
      'member-of existing:orders-prod.reader',
      'grants-on objects:orders-prod."table table public.t"',
    ]);
  });

  it('draws what alarms count and whom they tell; topics that we keep inside, others beside', () => {
    const arn = 'arn:aws:sns:eu-central-1:123456789012:security';
    const alarm = (name: string, target: string, of: AlarmSource, topic: string | null) =>
      ({ name, target, of, topic, threshold: 1, periodSeconds: 60, source }) as const;
    const drawn = resourceGraph([{ ...declared, roles: new Map(), memberships: [], grants: [], ownerships: [] }], null, {
      alarms: {
        alarms: [
          alarm('failed', 'orders-prod', 'log', 'dba'),
          alarm('failed', 'not-chosen', 'log', 'dba'),
          alarm('quiet', 'not-chosen', 'log', null),
          alarm('tokens', 'orders-prod', 'iam', arn),
        ],
        subscriptions: [{ topic: 'dba', address: 'dba@example.com', source }],
      },
    });
    const label = new Map(drawn.nodes.map((node) => [node.id, node.label]));
    expect(drawn.nodes.map(({ kind, label: text, target }) => `${kind} ${text} in ${target}`)).toEqual([
      'address dba@example.com in null',
      'alarm failed in target:alarms',
      'alarm quiet in target:alarms',
      'alarm tokens in target:alarms',
      'objects failed logins in target:orders-prod',
      'objects refused tokens in target:orders-prod',
      'target alarms in null',
      'target orders-prod (postgres) in null',
      `topic ${arn} in null`,
      'topic dba in target:alarms',
    ]);
    expect(drawn.edges.map(({ from, to, kind }) => `${label.get(from)} ${kind} ${label.get(to)}`)).toEqual([
      'failed watches failed logins',
      'failed tells dba',
      'tokens watches refused tokens',
      `tokens tells ${arn}`,
      'dba tells dba@example.com',
    ]);
  });

  it('draws who may log in through IAM, with the policy of each, and the roles that we create inside the account', () => {
    const jane = { kind: 'user', name: 'jane' } as const;
    const app = { kind: 'role', name: 'app' } as const;
    const users = [
      role('jane', 'user', { principals: [app, jane] }),
      role('proxied', 'user', { principals: [app], via: 'proxy-secret' }),
      role('off', 'user', { principals: [jane], enabled: false }),
      role('gone', 'user', { principals: [jane], expired: true }),
    ];
    const server = { ...declared, memberships: [], grants: [], ownerships: [], roles: new Map(users.map((each) => [each.name, each])) };
    const ours = ['app', 'unused'].map((name) => ({ name }) as DeclaredIamRole);
    const drawn = resourceGraph([server], { iam: { account: '123456789012', roles: ours } });
    expect(drawn.nodes.map(({ id, label, target }) => `${id} "${label}" in ${target}`)).toEqual([
      'policy:role/app "policy of role/app" in target:iam',
      'policy:user/jane "policy of user/jane" in target:iam',
      'principal:role/app "role/app" in target:iam',
      'principal:role/unused "role/unused" in target:iam',
      'principal:user/jane "user/jane" in null',
      'target:iam "iam (123456789012)" in null',
      'target:orders-prod "orders-prod (postgres)" in null',
      'user:orders-prod.jane "jane" in target:orders-prod',
      'user:orders-prod.off "off" in target:orders-prod',
      'user:orders-prod.proxied "proxied" in target:orders-prod',
    ]);
    expect(drawn.edges.map(({ from, to, kind, label }) => `${from} ${kind} ${to}${label ? ` (${label})` : ''}`)).toEqual([
      'policy:role/app attached-to principal:role/app',
      'policy:user/jane attached-to principal:user/jane',
      'principal:role/app may-log-in-as user:orders-prod.jane',
      'principal:role/app may-log-in-as user:orders-prod.proxied (may log in, through a proxy, as)',
      'principal:user/jane may-log-in-as user:orders-prod.jane',
    ]);
  });
});
