import type { Job } from './outcome.ts';

/** `full`: with names; `summary`: numbers alone, for whoever may read a public repository. */
export type Detail = 'full' | 'summary';

/** What is asked for; where nothing is, a public repository tells no names. */
export const detailOf = ({ inputs, context }: Pick<Job, 'inputs' | 'context'>): Detail =>
  inputs.commentDetail === 'auto' ? (context.isPublic ? 'summary' : 'full') : inputs.commentDetail;
