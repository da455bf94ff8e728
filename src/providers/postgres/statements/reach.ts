import { append } from '../../../core/group.ts';
import { pathKey } from '../../../model/key.ts';
import type { Membership } from '../../../model/state.ts';
import type { Draft } from './draft.ts';

/** Memberships as they will be once every draft ran. */
export const rowsAfter = (rows: readonly Membership[], drafts: readonly Draft[]): readonly Membership[] => {
  const found = new Map(rows.map((row) => [rowKey(row), row]));
  for (const { before, after } of drafts.flatMap((draft) => draft.moves ?? [])) {
    if (before) found.delete(rowKey(before));
    if (after) found.set(rowKey(after), after);
  }
  return [...found.values()];
};
const rowKey = (row: Membership): string => pathKey(row.role, row.member, row.grantor);

/** Roles that a role is in, itself included; every answer is kept. */
export const walker = (rows: readonly Membership[]): ((role: string) => ReadonlySet<string>) => {
  const edges = new Map<string, string[]>();
  for (const row of rows) append(edges, row.member, row.role);
  const known = new Map<string, ReadonlySet<string>>();
  return (role) => {
    const before = known.get(role);
    if (before) return before;
    const found = new Set([role]);
    for (const one of found) for (const next of edges.get(one) ?? []) found.add(next);
    known.set(role, found);
    return found;
  };
};
