import { Failure, type Finding } from '../model/finding.ts';
import { failedBody, headOf, type Surroundings } from './body.ts';
import { announce, type Told, upsert } from './comment.ts';
import { asWarnings, githubOf } from './github.ts';
import { lineLink } from './links.ts';
import type { Marker } from './marker.ts';
import type { Job } from './outcome.ts';

/** What came of telling a pull request. Trouble with it is a warning, unless the workflow says that it must be told. */
export type Telling = { readonly told: Told | null; readonly findings: readonly Finding[] };

const NOTHING: Telling = { told: null, findings: [] };

/** ■ Says on the comment that is there that its plan is being made anew. */
export const announcePlan = async (job: Job): Promise<readonly Finding[]> =>
  (
    await attempt(job, async (thread) => {
      await announce(await githubOf(job), thread, markerOf(job));
      return null;
    })
  ).findings;

/** ■ Puts the plan into the comment. Where only changes are to be told, one that says that there are none is not begun. */
export const tellPlan = async (
  job: Job,
  { text, level, digest, isEmpty }: { readonly text: string; readonly level: number; readonly digest: string; readonly isEmpty: boolean },
): Promise<Telling> =>
  await attempt(job, async (thread) => {
    const create = !(isEmpty && job.inputs.comment === 'changes-only');
    return await upsert(await githubOf(job), thread, { marker: { ...markerOf(job), digest, level }, text }, { create });
  });

/** ■ Puts in the place of the last plan why there is none now: no verdict outlives a plan that failed. */
export const tellFailure = async (
  job: Job,
  findings: readonly Finding[],
  surroundings: Pick<Surroundings, 'detail' | 'context'>,
): Promise<Telling> =>
  await attempt(job, async (thread) => {
    const text = failedBody(findings, surroundings, lineLink(job.context));
    return await upsert(await githubOf(job), thread, { marker: { ...markerOf(job), digest: null, level: 0 }, text }, { create: true });
  });

const markerOf = ({ inputs, context }: Job): Omit<Marker, 'digest' | 'level'> => ({
  key: inputs.commentKey,
  kind: 'plan',
  head: headOf(context),
  run: context.runId,
  attempt: context.runAttempt,
});

type Thread = Parameters<typeof announce>[1];

const attempt = async (job: Job, work: (thread: Thread) => Promise<Told | null>): Promise<Telling> => {
  const { context, inputs } = job;
  if (inputs.comment === 'none' || context.pullRequest === null) return NOTHING;
  try {
    const told = await work({ owner: context.owner, repositoryName: context.repositoryName, number: context.pullRequest.number });
    return { told, findings: [] };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { told: null, findings: inputs.commentRequired ? error.findings : asWarnings(error) };
  }
};
