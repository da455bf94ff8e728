import { describe, expect, it } from 'vitest';
import { resourceGraph } from '../../src/core/resources.ts';
import type { Declared, DeclaredRole } from '../../src/model/declared.ts';

const source = { file: 'access.yaml', line: 1, column: 1 };
const role = (name: string, kind: 'user' | 'group', expired = false) => ({ name, kind, expired, source }) as DeclaredRole;
const part = (text: string) => ({ text, literal: false });
const options = { admin: false, inherit: true, set: true };

const declared = {
  target: { name: 'orders-prod', engine: 'postgres' },
  roles: new Map([role('jane', 'user'), role('reader', 'group'), role('gone', 'user', true)].map((each) => [each.name, each])),
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
});
