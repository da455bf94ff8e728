import type { Phase } from '../../../model/plan.ts';

/** A step before it is numbered. `changes`: indexes into the target's changes. */
export type Draft = {
  readonly operation: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly phase: Phase;
  readonly changes: readonly number[];
};

/** What is done for one principal: `opening` gives and makes, `closing` takes. */
export type Drafts = { readonly opening: readonly Draft[]; readonly closing: readonly Draft[] };
