import type { Finding } from '../model/finding.ts';
import type { Job } from './outcome.ts';

/** `full`: with names; `summary`: numbers alone, for whoever may read a public repository. */
export type Detail = 'full' | 'summary';

/** What is asked for; where nothing is, a public repository tells no names. */
export const detailOf = ({ inputs, context }: Pick<Job, 'inputs' | 'context'>): Detail =>
  inputs.commentDetail === 'auto' ? (context.isPublic ? 'summary' : 'full') : inputs.commentDetail;

/** Findings of these speak of files of the repository, of the workflow and of GitHub; all others may name what is on a server. */
const PUBLIC = /^(manifest|action|github|report)\/|^plan\/(failed|no-artifact|digest|artifact)$/;

/** The same findings without the names that they hold: what kind each is of, and where it stands. */
export const withoutNames = (findings: readonly Finding[]): readonly Finding[] =>
  findings.map((finding) => {
    const { severity, code, source } = finding;
    if (PUBLIC.test(code)) return finding;
    return { severity, code, message: 'run the same command on your machine to see what it is about', ...(source ? { source } : {}) };
  });
