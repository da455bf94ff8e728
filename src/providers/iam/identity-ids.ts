import type { Change } from '../../model/change.ts';
import { distinct } from '../../model/key.ts';
import type { PlanTarget } from '../../model/plan.ts';
import type { Snapshot } from './snapshot.ts';

/** The ids of the identities that changes are about: one that is made anew under the same name has another, and another trust. */
export const identityIds = ({ identities }: Snapshot, changes: readonly Change[]): PlanTarget['roles'] =>
  Object.fromEntries(
    distinct(changes.flatMap(principalsOf)).flatMap((key) => {
      const id = identities.get(key)?.id;
      return id ? [[key, id] as const] : [];
    }),
  );

const principalsOf = (change: Change): string[] => {
  switch (change.kind) {
    case 'policy':
    case 'attachment':
      return [(change.after ?? change.before)!.principal];
    case 'iam_role':
      return [`role/${change.key}`];
    default:
      return [];
  }
};
