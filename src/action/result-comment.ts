import type { Approval } from './approval.ts';
import { upsert } from './comment.ts';
import { statusOf } from './github.ts';
import type { Job } from './outcome.ts';
import { redact } from './redact.ts';
import type { GitHub } from './reviewed.ts';

/**
 * Writes what an apply came to on every pull request that it is of, in a comment of its own that later runs edit and none hides.
 * What was done is done: trouble with GitHub is told in the log, and decides nothing unless the workflow says so.
 */
export const tellPulls = async (github: GitHub, { inputs, context, log }: Job, { pulls }: Approval, body: string): Promise<void> => {
  if (inputs.comment === 'none') return;
  const marker = {
    key: inputs.commentKey,
    kind: 'apply',
    head: context.sha,
    run: context.runId,
    attempt: context.runAttempt,
    digest: null,
    level: 0,
  } as const;
  for (const { number } of pulls) {
    try {
      const { what, url } = await upsert(github, { ...context, number }, { marker, text: redact(body) }, { create: true });
      log(`pull request #${number}: comment ${what}${url === null ? '' : `: ${url}`}`);
    } catch (error) {
      if (inputs.commentRequired || statusOf(error) === null) throw error;
      log(`pull request #${number}: the comment could not be written: ${redact(String(error))}`);
    }
  }
};
