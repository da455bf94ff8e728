import type { Change } from '../../../model/change.ts';
import type { Phase } from '../../../model/plan.ts';

/** A step before it is numbered. `changes`: indexes into the target's changes. */
export type Draft = {
  readonly operation: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly region: string;
  readonly phase: Phase;
  readonly changes: readonly number[];
};

/** What is done for one topic (`key`: its ARN) or one alarm: `opening` makes and changes, `closing` takes away. */
export type Unit = {
  readonly key: string;
  readonly region: string;
  readonly opening: readonly Draft[];
  readonly closing: readonly Draft[];
  /** ARNs of topics that have to be there first. */
  readonly tells: readonly string[];
};

/** A change that is done, with its index. */
export type Indexed = { readonly change: Change; readonly index: number };
