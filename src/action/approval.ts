import { unreviewed } from '../core/operations.ts';
import { EXIT, failure } from '../model/finding.ts';
import type { Plan } from '../model/plan.ts';
import type { Job } from './outcome.ts';
import { type Approval as Approver, approversOf } from './permission.ts';
import type { Fresh } from './result-body.ts';
import {
  commitsOf,
  type GitHub,
  lastApplied,
  type Pull,
  planOfRun,
  pullsOf,
  type Reviewed,
  reviewedPlan,
  supersededBy,
} from './reviewed.ts';

/** What was agreed on: plans, the pull requests that they are of, and who approved the environment of this run. */
export type Approval = {
  readonly reviewed: readonly Reviewed[];
  /** Pull requests that brought the pushed commits, whether or not a plan of theirs is there. */
  readonly pulls: readonly Pull[];
  readonly approvers: readonly Approver[];
  /** The commit up to which everything was applied before; null where nobody knows, or where no pull request is asked. */
  readonly since: string | null;
};

/** The reviewed plans of everything that was pushed since it was last applied, or the plan of an earlier job of this run. */
export const approvalOf = async (github: GitHub, job: Job): Promise<Approval> =>
  job.inputs.planFrom === 'run' ? await byEnvironment(github, job) : await byPullRequests(github, job);

/** An environment's reviewers saw the plan in the run's summary before this job began. */
const byEnvironment = async (github: GitHub, { context, inputs }: Job): Promise<Approval> => {
  const approvers = await approversOf(github, context, context.runId);
  if (approvers.length === 0)
    throw failure(
      'apply/not-approved',
      'nobody approved this run: with plan-from: run the approval of an environment is the review',
      { hint: 'name an environment with required reviewers in this job' },
      EXIT.refused,
    );
  const reviewed = await planOfRun(github, context, { id: context.runId, sha: context.sha }, inputs.commentKey);
  return { reviewed: reviewed ? [reviewed] : [], pulls: [], approvers, since: null };
};

const byPullRequests = async (github: GitHub, { context, inputs, log }: Job): Promise<Approval> => {
  const newer = await supersededBy(github, context, inputs.manifest);
  if (newer !== null)
    throw failure(
      'apply/superseded',
      `'${context.defaultBranch}' has moved on to ${newer.slice(0, 7)}, with another manifest`,
      { hint: 'the run of that push applies this one too: re-run that one where it failed' },
      EXIT.stale,
    );
  // A run that waits is dropped when a newer one comes, and one may have failed: what it left undone is still reviewed.
  const before = (await lastApplied(github, context)) ?? context.push?.before ?? null;
  const commits = await commitsOf(github, context, { before, after: context.sha });
  const pulls = await pullsOf(github, context, commits);
  const reviewed: Reviewed[] = [];
  for (const pull of pulls) {
    const found = await reviewedPlan(github, context, pull, inputs.commentKey);
    if (found) reviewed.push(found);
    else log(`pull request #${pull.number}: no plan of its last commit ${pull.headSha.slice(0, 7)}`);
  }
  return { reviewed, pulls, approvers: [], since: before };
};

/** Of each target, what no reviewed plan holds. What a passed `until` asks for was reviewed when that was written. */
export const freshOf = (reviewed: readonly Reviewed[], live: Plan): readonly Fresh[] => {
  const targets = reviewed.flatMap(({ plan }) => plan.targets);
  return live.targets.flatMap((target): Fresh[] => {
    const own = targets.filter(({ name }) => name === target.name);
    const changes = unreviewed(own, target).filter(({ cause }) => cause !== 'expired');
    return changes.length > 0 ? [{ target, changes }] : [];
  });
};
