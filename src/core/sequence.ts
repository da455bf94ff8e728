/**
 * What must not come after what, between things numbered from 0; whoever adds more things (hubs) numbers on.
 * A hub stands for "all of these before all of those" without an edge for each pair.
 */
export type Sequence = {
  readonly size: () => number;
  readonly before: (first: number, then: number) => void;
  /** All of `first` before all of `then`; `strict` ones are never given up. Returns the hub. */
  readonly allBefore: (first: readonly number[], then: readonly number[], strict: boolean) => number | null;
  readonly following: (node: number, withSoft: boolean) => readonly number[];
};

/** An empty sequence of `count` things. */
export const createSequence = (count: number): Sequence => {
  const strictly: number[][] = Array.from({ length: count }, () => []);
  const softly: number[][] = Array.from({ length: count }, () => []);
  return {
    size: () => strictly.length,
    before: (first, then) => void strictly[first]!.push(then),
    allBefore: (first, then, strict) => {
      if (first.length === 0 || then.length === 0) return null;
      const hub = strictly.push([]) - 1;
      softly.push([]);
      const edges = strict ? strictly : softly;
      for (const node of first) edges[node]!.push(hub);
      for (const node of then) edges[hub]!.push(node);
      return hub;
    },
    following: (node, withSoft) => (withSoft ? [...strictly[node]!, ...softly[node]!] : strictly[node]!),
  };
};

/**
 * Groups of nodes that can only happen together (strongly connected), in an order that the edges allow.
 * Tarjan's algorithm with a stack of its own: chains of memberships may be long.
 */
export const together = (nodes: readonly number[], following: (node: number) => readonly number[]): number[][] => {
  const within = new Set(nodes);
  const index = new Map<number, number>();
  const low = new Map<number, number>();
  const open: number[] = [];
  const isOpen = new Set<number>();
  const groups: number[][] = [];
  const enter = (node: number) => {
    index.set(node, index.size);
    low.set(node, index.get(node)!);
    open.push(node);
    isOpen.add(node);
    return { node, next: following(node).filter((one) => within.has(one)), at: 0 };
  };
  const close = (node: number) => {
    if (low.get(node) !== index.get(node)) return;
    const group: number[] = [];
    for (;;) {
      const one = open.pop()!;
      isOpen.delete(one);
      group.push(one);
      if (one === node) break;
    }
    groups.push(group.reverse());
  };
  for (const start of nodes) {
    if (index.has(start)) continue;
    const path = [enter(start)];
    while (path.length > 0) {
      const frame = path.at(-1)!;
      const next = frame.next[frame.at++];
      if (next === undefined) {
        path.pop();
        const parent = path.at(-1)?.node;
        if (parent !== undefined) low.set(parent, Math.min(low.get(parent)!, low.get(frame.node)!));
        close(frame.node);
      } else if (!index.has(next)) path.push(enter(next));
      else if (isOpen.has(next)) low.set(frame.node, Math.min(low.get(frame.node)!, index.get(next)!));
    }
  }
  return groups.reverse();
};
