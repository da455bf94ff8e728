import type { Change } from '../model/change.ts';
import { type Failure, failure } from '../model/finding.ts';
import type { Step } from '../model/plan.ts';
import type { Outcome } from './provider.ts';

/** An outcome that is no success. */
export type Failed = Extract<Outcome, { status: 'failed' }>;

/** Trouble that may be gone in a moment: a network that hiccups, a server that restarts or is full, grants that change meanwhile. */
export const PASSING: ReadonlySet<string> = new Set(
  ['refused', 'timeout', 'unreachable', 'too-many', 'not-ready', 'lost', 'locked', 'moving'].flatMap((slug) => [
    `connect/${slug}`,
    `inspect/${slug}`,
  ]),
);

/** Statements that ran and left these changes undone. */
export const notEffective = (left: readonly Change[]): Failure =>
  failure(
    'apply/not-effective',
    `the statements ran, but ${left.length === 1 ? 'a change' : `${left.length} changes`} had no effect: ${left
      .slice(0, 3)
      .map((change) => `${change.kind} ${change.key}`)
      .join('; ')}`,
  );

/** A step that failed for what we found ourselves: what had no effect is tried once more, and what passes as often as it takes. */
export const failedByFinding = (error: Failure, step: Step | null): Failed => {
  const [first] = error.findings;
  const code = first?.code ?? '';
  return {
    status: 'failed',
    step,
    message: error.message,
    ...(first?.hint ? { hint: first.hint } : {}),
    ...(code === 'apply/not-effective' ? { retry: true, once: true } : { retry: PASSING.has(code) }),
  };
};
