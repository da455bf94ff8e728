import type { DeclaredAlarms } from '../model/alarm.ts';
import { type Declared, type DeclaredGrant, type DeclaredRole, isServer } from '../model/declared.ts';
import type { Graph, GraphEdge, GraphNode, NodeKind } from '../model/graph.ts';
import { type DeclaredIam, type Principal, principalKey } from '../model/iam.ts';
import { byCodeUnit, pathKey } from '../model/key.ts';

/** What the graph shows of the IAM account: the roles that we create in it. */
type Account = { readonly iam: Pick<DeclaredIam, 'account' | 'roles'> };

/** What the graph shows of the alarms. */
type Watch = { readonly alarms: Pick<DeclaredAlarms, 'alarms' | 'subscriptions'> };

/** The resources of a manifest: principals, roles, objects as selectors, and who logs in as, is in, may use, owns, watches what. Offline: nothing is read. */
export const resourceGraph = (declareds: readonly Declared[], account: Account | null = null, watch: Watch | null = null): Graph => {
  const servers = declareds.filter(isServer);
  const parts = [...servers.map(targetResources), accountResources(servers, account), watchResources(servers, watch)];
  const nodes = new Map(parts.flatMap((part) => part.nodes).map((node) => [node.id, node]));
  const edges = new Map(parts.flatMap((part) => part.edges).map((edge) => [edgeKey(edge), edge]));
  return {
    nodes: [...nodes.values()].sort((a, b) => byCodeUnit(a.id, b.id)),
    edges: [...edges.entries()].sort(([a], [b]) => byCodeUnit(a, b)).map(([, edge]) => edge),
  };
};

const edgeKey = (edge: GraphEdge): string => JSON.stringify([edge.from, edge.to, edge.kind, edge.label ?? '']);

const ACCOUNT = 'target:iam';

/** The account holds our policies, one for each principal that may log in, and the roles that we create; other principals stand beside it. */
const accountResources = (servers: readonly Declared[], account: Account | null): Graph => {
  const ours = new Set((account?.iam.roles ?? []).map(({ name }) => `role/${name}`));
  const principalNode = (key: string): GraphNode => ({
    id: `principal:${key}`,
    kind: 'principal',
    label: key,
    target: ours.has(key) ? ACCOUNT : null,
  });
  const logins = servers.flatMap(({ target, roles }) =>
    [...roles.values()].filter(mayLogIn).flatMap((role) => role.principals.map((principal) => ({ target: target.name, role, principal }))),
  );
  const named = [...new Set(logins.map(({ principal }) => principalKey(principal)))];
  if (named.length + ours.size === 0) return { nodes: [], edges: [] };
  const policies = named.map((key): GraphNode => ({ id: `policy:${key}`, kind: 'policy', label: `policy of ${key}`, target: ACCOUNT }));
  return {
    nodes: [
      { id: ACCOUNT, kind: 'target', label: account?.iam.account ? `iam (${account.iam.account})` : 'iam', target: null },
      ...policies,
      ...[...ours, ...named].map(principalNode),
    ],
    edges: [
      ...named.map((key): GraphEdge => ({ from: `policy:${key}`, to: `principal:${key}`, kind: 'attached-to' })),
      ...logins.map((login) => loginEdge(login.principal, login.role, login.target)),
    ],
  };
};

const WATCH = 'target:alarms';

/** Alarms with the topics that we keep; whom they tell stands beside them, and what they count in the server that is shown. */
const watchResources = (servers: readonly Declared[], watch: Watch | null): Graph => {
  const { alarms, subscriptions } = watch?.alarms ?? { alarms: [], subscriptions: [] };
  if (alarms.length === 0) return { nodes: [], edges: [] };
  const shown = new Set(servers.map(({ target }) => target.name));
  const alarmNode = (name: string): GraphNode => ({ id: `alarm:${pathKey(name)}`, kind: 'alarm', label: name, target: WATCH });
  const topicNode = (name: string): GraphNode => ({
    id: `topic:${pathKey(name)}`,
    kind: 'topic',
    label: name,
    target: name.startsWith('arn:') ? null : WATCH,
  });
  const addressNode = (label: string): GraphNode => ({ id: `address:${pathKey(label)}`, kind: 'address', label, target: null });
  const countedNode = ({ of, target }: DeclaredAlarms['alarms'][number]): GraphNode => {
    const label = of === 'log' ? 'failed logins' : 'refused tokens';
    return { id: `objects:${pathKey(target, label)}`, kind: 'objects', label, target: `target:${pathKey(target)}` };
  };
  const links = [
    ...alarms
      .filter(({ target }) => shown.has(target))
      .map((alarm) => ({ from: alarmNode(alarm.name), to: countedNode(alarm), kind: 'watches' as const })),
    ...alarms.flatMap(({ name, topic }) =>
      topic === null ? [] : [{ from: alarmNode(name), to: topicNode(topic), kind: 'tells' as const }],
    ),
    ...subscriptions.map(({ topic, address }) => ({ from: topicNode(topic), to: addressNode(address), kind: 'tells' as const })),
  ];
  return {
    nodes: [
      { id: WATCH, kind: 'target', label: 'alarms', target: null },
      ...alarms.map(({ name }) => alarmNode(name)),
      ...links.flatMap(({ from, to }) => [from, to]),
    ],
    edges: links.map(({ from, to, kind }) => ({ from: from.id, to: to.id, kind })),
  };
};

const mayLogIn = ({ enabled, expired }: DeclaredRole): boolean => enabled && !expired;

const loginEdge = (principal: Principal, { name, account, kind, via }: DeclaredRole, target: string): GraphEdge => ({
  from: `principal:${principalKey(principal)}`,
  to: `${kind}:${pathKey(target, account?.user ?? name)}`,
  kind: 'may-log-in-as',
  ...(via === 'direct' ? {} : { label: 'may log in, through a proxy, as' }),
});

const targetResources = (declared: Declared): Graph => {
  const target = `target:${pathKey(declared.target.name)}`;
  const nodeOf = (kind: NodeKind, label: string, key: string): GraphNode => ({
    id: `${kind}:${pathKey(declared.target.name, key)}`,
    kind,
    label,
    target,
  });
  /** The accounts of a user, one for each host, have the same grants: they are one node. */
  const roleNode = (name: string): GraphNode => {
    const role = declared.roles.get(name);
    const shown = role?.account?.user ?? name;
    return nodeOf(role?.kind ?? 'existing', shown, shown);
  };
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
