import type { Mark, Role } from '../../../model/state.ts';
import { literal } from '../sql.ts';

type Described = Pick<Role, 'description' | 'mark'>;
type Patch = { readonly comment?: string | null; readonly rolecall?: unknown };

/** The clause that takes comment and mark from one to the other, as a JSON merge patch; '' when they are the same. */
export const attributeSql = (before: Described | null, after: Described): string => {
  const patch = patchOf(before ?? { description: '', mark: null }, after);
  return Object.keys(patch).length === 0 ? '' : ` ATTRIBUTE ${literal(JSON.stringify(patch))}`;
};

/** A null deletes its key, and would be stored as it is where there is no such key. */
const patchOf = (before: Described, after: Described): Patch => ({
  ...(before.description === after.description ? {} : { comment: after.description || null }),
  ...markPatch(before.mark, after.mark),
});

const FIELDS = ['stack', 'pw', 'locked', 'reason', 'wasClosed'] as const;

const markPatch = (before: Mark | null, after: Mark | null): Patch => {
  if (!after) return before ? { rolecall: null } : {};
  const fields = FIELDS.filter((field) => before?.[field] !== after[field]).map((field) => [field, after[field] ?? null]);
  return fields.length === 0 ? {} : { rolecall: Object.fromEntries(fields) };
};
