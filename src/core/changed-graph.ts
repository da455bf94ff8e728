import { type Grantee, isPublic, type ObjectSet } from '../model/access.ts';
import { actionOf, type Change } from '../model/change.ts';
import type { Graph, GraphEdge, GraphNode, NodeKind } from '../model/graph.ts';
import { byCodeUnit, pathKey } from '../model/key.ts';
import type { Plan, PlanTarget } from '../model/plan.ts';

/** More than this is no picture any more. */
const NODES = 24;
const EDGES = 24;

/** The part of the access graph that a plan changes: edges that come (`+`) and go (`−`). null: there is none, or it is too large to be looked at. */
export const changedGraph = (plan: Plan): Graph | null => {
  const parts = plan.targets.map(targetGraph);
  const nodes = new Map(parts.flatMap((part) => part.nodes).map((node) => [node.id, node]));
  const edges = parts.flatMap((part) => part.edges);
  if (edges.length === 0 || edges.length > EDGES || nodes.size > NODES) return null;
  return { nodes: [...nodes.values()].sort((a, b) => byCodeUnit(a.id, b.id)), edges };
};

const targetGraph = (target: PlanTarget): Graph => {
  const links = target.changes.filter(({ blocked }) => blocked === undefined).flatMap((change) => linkOf(target, change));
  if (links.length === 0) return { nodes: [], edges: [] };
  const own: GraphNode = { id: serverId(target), kind: 'target', label: target.name, target: null };
  return { nodes: [own, ...links.flatMap(({ ends }) => ends)], edges: links.map(({ edge }) => edge) };
};

const serverId = ({ name }: PlanTarget): string => `target:${pathKey(name)}`;

type Link = { readonly ends: readonly [GraphNode, GraphNode]; readonly edge: GraphEdge };

const linkOf = (target: PlanTarget, change: Change): readonly Link[] => {
  const node = (kind: NodeKind, label: string): GraphNode => ({
    id: `${kind}:${pathKey(target.name, label)}`,
    kind,
    label,
    target: serverId(target),
  });
  const role = (name: string): GraphNode => node(kindOf(target, name), name);
  const holder = (grantee: Grantee): GraphNode => (isPublic(grantee) ? node('existing', 'PUBLIC') : role(grantee));
  const sign = actionOf(change) === 'remove' ? '−' : actionOf(change) === 'add' ? '+' : '~';
  const link = (from: GraphNode, to: GraphNode, kind: GraphEdge['kind'], label: string): readonly Link[] => [
    { ends: [from, to], edge: { from: from.id, to: to.id, kind, label } },
  ];
  switch (change.kind) {
    case 'membership': {
      const { role: group, member } = (change.before ?? change.after)!;
      return link(role(member), role(group), 'member-of', `${sign} member of`);
    }
    case 'grant': {
      const { on, grantee } = (change.before ?? change.after)!;
      const [before, after] = [change.before?.privileges ?? [], change.after?.privileges ?? []];
      const words = [
        ...before.filter((word) => !after.includes(word)).map((word) => `− ${word}`),
        ...after.filter((word) => !before.includes(word)).map((word) => `+ ${word}`),
      ];
      return link(holder(grantee), node('objects', objectsLabel(on)), 'grants-on', words.join(', ') || `${sign} may use`);
    }
    case 'ownership': {
      const { on, owner } = (change.after ?? change.before)!;
      return link(role(owner), node('objects', objectsLabel(on)), 'owns', `${sign} owns`);
    }
    case 'attachment': {
      const { policy, principal } = (change.before ?? change.after)!;
      return link(node('policy', policy), node('principal', principal), 'attached-to', `${sign} attached to`);
    }
    default:
      return [];
  }
};

/** What the plan knows of a role: roles that it makes, drops or alters say what they are, others are drawn as groups where they have members. */
const kindOf = ({ changes }: PlanTarget, name: string): NodeKind => {
  for (const change of changes) {
    if (change.kind === 'role') {
      const { name: own, login } = (change.after ?? change.before)!;
      if (own === name) return login ? 'user' : 'group';
    }
  }
  return changes.some((change) => change.kind === 'membership' && (change.before ?? change.after)!.role === name) ? 'group' : 'user';
};

const objectsLabel = ({ kind, database, schema, relation, names }: ObjectSet): string => {
  const [first = ''] = names;
  const where = [database, schema, relation ?? null].filter((part) => part !== null && part !== '').join('.');
  if (names.length === 1) return `${kind} ${[where, first].filter((part) => part !== '').join('.')}`;
  return `${names.length} × ${kind} in ${where}`;
};
