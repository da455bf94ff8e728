import { createHash } from 'node:crypto';
import { distinct } from '../model/key.ts';
import type { PlanTarget } from '../model/plan.ts';
import { operations } from './operations.ts';

/**
 * `v1:` and the SHA-256 of what the plan does: no texts, times, versions, lines or counts, so equal effects have equal digests,
 * also where several plans have the same.
 */
export const digest = (targets: readonly PlanTarget[]): string => {
  const hash = createHash('sha256');
  for (const operation of distinct(targets.flatMap(operations))) hash.update(operation).update('\n');
  return `v1:${hash.digest('hex')}`;
};
