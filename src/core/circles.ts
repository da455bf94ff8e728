import type { Finding } from '../model/finding.ts';
import { nameKey } from '../model/key.ts';
import type { Membership } from '../model/state.ts';
import { groupBy } from './group.ts';

/** A membership before and after the plan. */
export type Move = { readonly before: Membership | null; readonly after: Membership | null };

/** The manifest has no circles of its own: these are closed by memberships of roles that are nobody's business here. */
export const circles = (
  memberships: readonly Membership[],
  moves: readonly Move[],
  sourceOf: (row: Membership) => Finding['source'],
): Finding[] => {
  const added = moves.flatMap(({ before, after }) => (after && !before ? [after] : []));
  if (added.length === 0) return [];
  const ended = new Set(moves.flatMap(({ before, after }) => (before && !after ? [keyOf(before)] : [])));
  const edges = groupBy(
    [...(ended.size === 0 ? memberships : memberships.filter((row) => !ended.has(keyOf(row)))), ...added],
    (row) => row.member,
  );
  return added.flatMap((row): Finding[] => {
    const paths = new Map<string, readonly string[]>([[row.role, [row.member, row.role]]]);
    for (const [role, path] of paths)
      for (const { role: next } of edges.get(role) ?? []) if (!paths.has(next)) paths.set(next, [...path, next]);
    const circle = paths.get(row.member);
    const source = sourceOf(row);
    if (!circle) return [];
    return [
      {
        severity: 'error',
        code: 'membership/cycle',
        message: `'${row.member}' in '${row.role}' closes a circle: ${circle.map(nameKey).join(' -> ')}`,
        hint: `leave it out of the manifest, or first: REVOKE ${nameKey(circle[2]!)} FROM ${nameKey(circle[1]!)}`,
        ...(source ? { source } : {}),
      },
    ];
  });
};

const keyOf = ({ role, member, grantor }: Membership): string => `${role}\0${member}\0${grantor}`;
