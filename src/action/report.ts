import { mergePlans } from '../core/merge-plans.ts';
import type { Session } from '../engine/session.ts';
import { withUnplanned } from '../engine/unplanned.ts';
import { EXIT, Failure, type Finding, failure, isError } from '../model/finding.ts';
import type { Plan } from '../model/plan.ts';
import { totalCounts } from '../render/outline.ts';
import { headOf, planBody, planSummaries, removalsNeed } from './body.ts';
import { type Compared, comparedWithBase } from './compared.ts';
import { detailOf } from './detail.ts';
import { reasonOf } from './failed.ts';
import { githubOf } from './github.ts';
import { openedManifest } from './opened.ts';
import type { Job, Outcome, Run } from './outcome.ts';
import { tellFailure, tellPlan } from './plan-comment.ts';
import { keepPlan, writePlan } from './plan-files.ts';
import { plansOfRun } from './reviewed.ts';

/** The plans of this run's other jobs, such as those of a matrix, as one: in one comment, one summary, and one artifact for apply. */
export const report: Run = async (job) => {
  try {
    const { manifest, session } = await openedManifest(job);
    return await tell(await mergedPlan(job), await comparedWithBase(job, manifest, session), job);
  } catch (error) {
    if (error instanceof Failure) await tellFailure(job, error.findings, { detail: detailOf(job), context: job.context });
    throw error;
  }
};

const mergedPlan = async (job: Job): Promise<Plan> => {
  const { context, inputs } = job;
  const run = { id: context.runId, sha: headOf(context) };
  const [first, ...others] = await plansOfRun(await githubOf(job), context, run, inputs.commentKey);
  if (first === undefined)
    throw failure('report/none', 'no job of this run kept a plan', {
      hint: "plan in jobs that this one 'needs', each with a comment-key of its own",
    });
  return mergePlans([first, ...others]);
};

/** A target that no job planned failed in one of them, or was forgotten: in no case it is as declared. */
const missingFrom = (plan: Plan, { declareds, account, watch }: Session): readonly Finding[] => {
  const planned = new Set(plan.targets.map(({ name }) => name));
  const names = [...declareds, ...(account ? [account] : []), ...(watch ? [watch] : [])]
    .map(({ target }) => target.name)
    .filter((name) => !planned.has(name));
  return names.map((name) => ({
    severity: 'error',
    code: 'report/missing-target',
    message: `target '${name}': no job of this run has a plan of it`,
    hint: 'look at the job that plans it',
    target: name,
  }));
};

const tell = async (plan: Plan, { chosen, pins, findings }: Compared, job: Job): Promise<Outcome> => {
  const { context, inputs } = job;
  const missing = missingFrom(plan, chosen);
  const shown: Plan = { ...plan, targets: withUnplanned(chosen, plan.targets, missing) };
  const leftOut = chosen.leftOut ?? [];
  const surroundings = {
    detail: detailOf(job),
    context,
    pins,
    foldLines: inputs.foldLines,
    preview: 'rolecall plan',
    leftOut,
    ...removalsNeed(job),
  };
  const files = await writePlan(plan, job);
  const kept = missing.length > 0 ? { id: null, findings: [] } : await keepPlan(files, job);
  const { text, level } = planBody(shown, { ...surroundings, artifactId: kept.id });
  const isEmpty = missing.length === 0 && shown.targets.every(({ changes }) => changes.length === 0);
  const telling = await tellPlan(job, { text, level, digest: plan.digest, isEmpty });
  const counts = totalCounts(shown.targets);
  return {
    failure: missing.length > 0 ? { reason: reasonOf(new Failure(missing, EXIT.error)), message: 'not every target was planned' } : null,
    findings: [...findings.filter((finding) => !isError(finding)), ...missing, ...kept.findings, ...telling.findings],
    summary: planSummaries(shown, surroundings),
    outputs: {
      'has-changes': !isEmpty,
      'to-add': counts.add,
      'to-change': counts.change,
      'to-remove': counts.remove,
      'plan-digest': plan.digest,
      'plan-path': files.json,
      'plan-markdown-path': files.markdown,
      'plan-sql-path': files.sql,
      'artifact-id': kept.id,
      'comment-id': telling.told?.id ?? null,
      'comment-url': telling.told?.url ?? null,
    },
  };
};
