import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Graph } from '../../src/model/graph.ts';
import { graphDot, graphMermaid } from '../../src/render/graph.ts';
import { hostile } from './hostile.ts';

const graph = (name: string): Graph => ({
  nodes: [
    { id: 't', kind: 'target', label: name, target: null },
    { id: 'u', kind: 'user', label: name, target: 't' },
    { id: 'g', kind: 'group', label: `${name}2`, target: 't' },
    { id: 'o', kind: 'objects', label: 'orders.*', target: 't' },
    { id: 'p', kind: 'principal', label: 'role/x', target: null },
    { id: 'q', kind: 'policy', label: name, target: null },
    { id: 'a', kind: 'alarm', label: name, target: 't' },
    { id: 'w', kind: 'topic', label: name, target: 't' },
    { id: 'm', kind: 'address', label: name, target: null },
  ],
  edges: [
    { from: 'u', to: 'g', kind: 'member-of' },
    { from: 'g', to: 'o', kind: 'grants-on', label: name },
    { from: 'p', to: 'u', kind: 'may-log-in-as' },
    { from: 'q', to: 'p', kind: 'attached-to' },
    { from: 'u', to: 'gone', kind: 'owns' },
    { from: 'a', to: 'o', kind: 'watches' },
    { from: 'a', to: 'w', kind: 'tells' },
    { from: 'w', to: 'm', kind: 'tells' },
  ],
});

describe('graphMermaid', () => {
  it('draws targets as subgraphs and edges with their words', () => {
    expect(graphMermaid(graph('jane'))).toBe(
      [
        'flowchart LR',
        '  subgraph n0["jane"]',
        '    n1(["jane"])',
        '    n2[["jane2"]]',
        '    n3[("orders.*")]',
        '    n6>"jane"]',
        '    n7(("jane"))',
        '  end',
        '  n4{{"role/x"}}',
        '  n5[/"jane"\\]',
        '  n8("jane")',
        '  n1 -->|"member of"| n2',
        '  n2 -.->|"jane"| n3',
        '  n4 -->|"may log in as"| n1',
        '  n5 -.->|"attached to"| n4',
        '  n6 -.->|"watches"| n3',
        '  n6 -->|"tells"| n7',
        '  n7 -->|"tells"| n8',
        '',
      ].join('\n'),
    );
  });

  it('lets no name be syntax', () => {
    fc.assert(
      fc.property(hostile, (name) => {
        const lines = graphMermaid(graph(name)).split('\n');
        expect(lines).toHaveLength(19);
        const label = '"[A-Za-z0-9 ._,:/()*@$=#;-]*"';
        const shape = new RegExp(
          `^(flowchart LR|  end|  subgraph n\\d\\[${label}\\]| +n\\d[[({/>]+${label}[\\])}/\\\\]+|  n\\d [-=.>]+\\|${label}\\| n\\d|)$`,
        );
        for (const line of lines) expect(line).toMatch(shape);
        expect(lines.join('').replace(/#\d+;/g, '')).not.toMatch(/[#;<&]/);
      }),
    );
  });
});

describe('graphDot', () => {
  it('lets no name be syntax', () => {
    fc.assert(
      fc.property(hostile, (name) => {
        const lines = graphDot(graph(name)).split('\n');
        expect(lines).toHaveLength(24);
        const withoutStrings = lines.join('\n').replace(/"(?:[^"\\]|\\.)*"/g, '""');
        expect(withoutStrings).toBe(graphDot(graph('x')).replace(/"(?:[^"\\]|\\.)*"/g, '""'));
      }),
    );
  });
});
