import type { Checks } from './checks.ts';
import type { Path } from './content.ts';
import { groupsOf, type MemberOf } from './members.ts';
import { viewsOn } from './view.ts';

/** No group is in itself, directly or through others, on any target. */
export const checkCycles = ({ contexts, content, report }: Checks): void => {
  for (const { target } of contexts) {
    const edges = new Map(
      viewsOn(content, target, ['groups']).map((view) => [view.name, groupsOf(view.entry.groups, view.path('groups'))]),
    );
    for (let cyclic = withoutEnds(edges); cyclic.size > 0; cyclic = withoutEnds(cyclic)) {
      const cycle = walk(cyclic);
      report('cycle', `membership cycle: ${[...cycle.names, cycle.names[0]].join(' → ')}`, cycle.path, {
        hint: 'take one of these groups out of the other',
      });
      for (const name of cycle.names) cyclic.delete(name);
    }
  }
};

type Edges = Map<string, readonly MemberOf[]>;

/** The groups from which a walk along memberships can go on for ever: ends are taken off until none is left. */
const withoutEnds = (edges: Edges): Edges => {
  const left = new Map(edges);
  const open = new Map([...left].map(([name, groups]) => [name, groups.filter((group) => left.has(group.name)).length]));
  const members = new Map<string, string[]>();
  for (const [name, groups] of left) {
    for (const group of groups) {
      const known = members.get(group.name);
      if (known) known.push(name);
      else members.set(group.name, [name]);
    }
  }
  const ends = [...open].flatMap(([name, count]) => (count === 0 ? [name] : []));
  for (let end = ends.pop(); end !== undefined; end = ends.pop()) {
    left.delete(end);
    for (const member of members.get(end) ?? []) {
      const count = open.get(member)! - 1;
      open.set(member, count);
      if (count === 0) ends.push(member);
    }
  }
  return left;
};

const walk = (cyclic: Edges): { readonly names: readonly string[]; readonly path: Path } => {
  const [start] = cyclic.keys();
  const steps: { readonly name: string; readonly path: Path }[] = [];
  let name = start!;
  while (!steps.some((step) => step.name === name)) {
    const next = cyclic.get(name)!.find((group) => cyclic.has(group.name))!;
    steps.push({ name, path: next.path });
    name = next.name;
  }
  const cycle = steps.slice(steps.findIndex((step) => step.name === name));
  return { names: cycle.map((step) => step.name), path: cycle.at(-1)!.path };
};
