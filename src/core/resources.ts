import type { Declared, DeclaredGrant } from '../model/declared.ts';
import type { Graph, GraphEdge, GraphNode, NodeKind } from '../model/graph.ts';
import { byCodeUnit, pathKey } from '../model/key.ts';

/** The resources of a manifest: roles, objects as selectors, and who is in, may use, owns what. Offline: nothing is read. */
export const resourceGraph = (declareds: readonly Declared[]): Graph => {
  const parts = declareds.map(targetResources);
  const nodes = new Map(parts.flatMap((part) => part.nodes).map((node) => [node.id, node]));
  const edges = new Map(parts.flatMap((part) => part.edges).map((edge) => [edgeKey(edge), edge]));
  return {
    nodes: [...nodes.values()].sort((a, b) => byCodeUnit(a.id, b.id)),
    edges: [...edges.entries()].sort(([a], [b]) => byCodeUnit(a, b)).map(([, edge]) => edge),
  };
};

const edgeKey = (edge: GraphEdge): string => JSON.stringify([edge.from, edge.to, edge.kind, edge.label ?? '']);

const targetResources = (declared: Declared): Graph => {
  const target = `target:${pathKey(declared.target.name)}`;
  const nodeOf = (kind: NodeKind, label: string, key: string): GraphNode => ({
    id: `${kind}:${pathKey(declared.target.name, key)}`,
    kind,
    label,
    target,
  });
  const roleNode = (name: string): GraphNode => nodeOf(declared.roles.get(name)?.kind ?? 'existing', name, name);
  const objects = (label: string, kind: string): GraphNode => nodeOf('objects', label, `${kind} ${label}`);

  const grants = declared.grants.map((grant) => ({
    from: roleNode(grant.grantee),
    to: grantedObjects(grant, objects),
    kind: 'grants-on' as const,
    label: grantLabel(grant),
  }));
  const owned = declared.ownerships.map((own) => ({
    from: roleNode(own.owner),
    to: objects(own.selector, 'schema'),
    kind: 'owns' as const,
  }));
  const members = declared.memberships
    .filter((membership) => !membership.expired)
    .map((membership) => ({ from: roleNode(membership.member), to: roleNode(membership.role), kind: 'member-of' as const }));
  const links = [...grants, ...owned, ...members];
  return {
    nodes: [
      { id: target, kind: 'target', label: `${declared.target.name} (${declared.target.engine})`, target: null },
      ...[...declared.roles.values()].filter((role) => !role.expired).map((role) => roleNode(role.name)),
      ...links.flatMap(({ from, to }) => [from, to]),
    ],
    edges: links.map(({ from, to, ...edge }) => ({ ...edge, from: from.id, to: to.id })),
  };
};

/** Everything that a profile gives on one schema is one node; so is what a grant selects. */
const grantedObjects = (grant: DeclaredGrant, objects: (label: string, kind: string) => GraphNode): GraphNode =>
  grant.profile === undefined ? objects(`${grant.kind} ${grant.selector}`, grant.kind) : objects(grant.selector, 'schema');

const grantLabel = (grant: DeclaredGrant): string =>
  grant.profile ?? grant.privileges.map((word) => (word.endsWith('*') ? `${word.slice(0, -1)} with grant option` : word)).join(', ');
