import type { Position } from './finding.ts';
import type { Bodies, Kind } from './state.ts';

/** From harmless to grave. `authentication` flips how a login proves who it is. */
export const RISKS = ['safe', 'grants', 'removes', 'authentication', 'destructive'] as const;
export type Risk = (typeof RISKS)[number];

/**
 * Why a change is there: written in the manifest; its role left the manifest; named under `removed`;
 * its `until` has passed; a whole stack is destroyed.
 */
export type Cause = 'declared' | 'absent' | 'removed' | 'expired' | 'destroyed';

/** One thing that differs. `before` null: it is made; `after` null: it goes. */
export type ChangeOf<K extends Kind> = {
  readonly kind: K;
  /** Readable, collision-free; with the kind unique within the plan of a target. */
  readonly key: string;
  readonly before: Bodies[K] | null;
  readonly after: Bodies[K] | null;
  readonly risk: Risk;
  readonly cause: Cause;
  readonly source?: Position;
  /** Set where it cannot be done: one sentence that names what stands in the way. It has no steps then. */
  readonly blocked?: string;
  /** Of a time-bound membership, as written: the date or instant that it lasts through. */
  readonly until?: string;
  /** Of a membership: what for, e.g. a ticket. */
  readonly reason?: string;
};
export type Change = { [K in Kind]: ChangeOf<K> }[Kind];

export type Action = 'add' | 'change' | 'remove';
export const actionOf = (change: Change): Action => (change.before === null ? 'add' : change.after === null ? 'remove' : 'change');
