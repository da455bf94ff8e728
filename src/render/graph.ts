import type { EdgeKind, Graph, GraphEdge, GraphNode, NodeKind } from '../model/graph.ts';
import { dotString, mermaidLabel } from './escape.ts';

/** The graph as a Mermaid flowchart: targets are subgraphs, node ids are numbers so that no name can be syntax. */
export const graphMermaid = (graph: Graph): string => {
  const ids = numbered(graph);
  const node = ({ id, kind, label }: GraphNode): string => {
    const [open, close] = MERMAID_SHAPES[kind];
    return `${ids.get(id)}${open}"${mermaidLabel(label)}"${close}`;
  };
  const blocks = graph.nodes
    .filter(({ kind }) => kind === 'target')
    .flatMap((target) => [
      `  subgraph ${ids.get(target.id)}["${mermaidLabel(target.label)}"]`,
      ...graph.nodes.filter((inner) => inner.target === target.id).map((inner) => `    ${node(inner)}`),
      '  end',
    ]);
  const free = graph.nodes.filter(({ kind, target }) => target === null && kind !== 'target').map((outer) => `  ${node(outer)}`);
  const edges = drawable(graph, ids).map(
    (edge) => `  ${ids.get(edge.from)} ${MERMAID_ARROWS[edge.kind]}|"${mermaidLabel(edgeText(edge))}"| ${ids.get(edge.to)}`,
  );
  return `${['flowchart LR', ...blocks, ...free, ...edges].join('\n')}\n`;
};

/** The graph in Graphviz's DOT: targets are clusters. */
export const graphDot = (graph: Graph): string => {
  const ids = numbered(graph);
  const node = ({ id, kind, label }: GraphNode): string => `${ids.get(id)} [label="${dotString(label)}", shape=${DOT_SHAPES[kind]}];`;
  const blocks = graph.nodes
    .filter(({ kind }) => kind === 'target')
    .flatMap((target) => [
      `  subgraph cluster_${ids.get(target.id)} {`,
      `    label="${dotString(target.label)}";`,
      ...graph.nodes.filter((inner) => inner.target === target.id).map((inner) => `    ${node(inner)}`),
      '  }',
    ]);
  const free = graph.nodes.filter(({ kind, target }) => target === null && kind !== 'target').map((outer) => `  ${node(outer)}`);
  const edges = drawable(graph, ids).map(
    (edge) => `  ${ids.get(edge.from)} -> ${ids.get(edge.to)} [label="${dotString(edgeText(edge))}", style=${DOT_STYLES[edge.kind]}];`,
  );
  return `${['digraph rolecall {', '  rankdir=LR;', '  node [fontname="sans-serif"];', '  edge [fontname="sans-serif", fontsize=10];', ...blocks, ...free, ...edges, '}'].join('\n')}\n`;
};

const numbered = (graph: Graph): ReadonlyMap<string, string> => new Map(graph.nodes.map(({ id }, index) => [id, `n${index}`]));

const drawable = (graph: Graph, ids: ReadonlyMap<string, string>): GraphEdge[] =>
  graph.edges.filter(({ from, to }) => ids.has(from) && ids.has(to));

const edgeText = (edge: GraphEdge): string => edge.label ?? EDGE_WORDS[edge.kind];

const EDGE_WORDS: Readonly<Record<EdgeKind, string>> = {
  'member-of': 'member of',
  'grants-on': 'may use',
  owns: 'owns',
  'may-log-in-as': 'may log in as',
  'attached-to': 'attached to',
  watches: 'watches',
  tells: 'tells',
};

const MERMAID_SHAPES: Readonly<Record<NodeKind, readonly [open: string, close: string]>> = {
  target: ['[', ']'],
  principal: ['{{', '}}'],
  policy: ['[/', '\\]'],
  user: ['([', '])'],
  group: ['[[', ']]'],
  existing: ['[/', '/]'],
  objects: ['[(', ')]'],
  alarm: ['>', ']'],
  topic: ['((', '))'],
  address: ['(', ')'],
};
const MERMAID_ARROWS: Readonly<Record<EdgeKind, string>> = {
  'member-of': '-->',
  'grants-on': '-.->',
  owns: '==>',
  'may-log-in-as': '-->',
  'attached-to': '-.->',
  watches: '-.->',
  tells: '-->',
};
const DOT_SHAPES: Readonly<Record<NodeKind, string>> = {
  target: 'box',
  principal: 'hexagon',
  policy: 'note',
  user: 'oval',
  group: 'box',
  existing: 'parallelogram',
  objects: 'cylinder',
  alarm: 'cds',
  topic: 'circle',
  address: 'plaintext',
};
const DOT_STYLES: Readonly<Record<EdgeKind, string>> = {
  'member-of': 'solid',
  'grants-on': 'dashed',
  owns: 'bold',
  'may-log-in-as': 'solid',
  'attached-to': 'dashed',
  watches: 'dashed',
  tells: 'solid',
};
