import type { PlanTarget } from '../model/plan.ts';
import { operations, operationsOf } from './operations.ts';

/**
 * Which changes of a plan the other one, of the same reading, has as well, by index: the base wants them already, so the server has
 * drifted and they are not what is proposed. A change that does more than the base wants is proposed.
 */
export const driftOf = (base: PlanTarget, head: PlanTarget): ReadonlySet<number> => {
  const known = new Set(operations(base));
  return new Set(
    head.changes.flatMap((change, index) => {
      const own = operations({ ...head, changes: [change] });
      return operationsOf(change).length > 0 && own.every((operation) => known.has(operation)) ? [index] : [];
    }),
  );
};
