import { digest } from '../core/digest.ts';
import { locate } from '../engine/locate.ts';
import { planOf } from '../engine/plan.ts';
import { planTargets } from '../engine/read.ts';
import { openSession } from '../engine/session.ts';
import { EXIT, Failure, type Finding, failure, isError } from '../model/finding.ts';
import type { Plan, PlanTarget } from '../model/plan.ts';
import { planMarkdown } from '../render/markdown.ts';
import { plural } from '../render/phrase.ts';
import { assumeIdentity, identityOf } from './aws.ts';
import { isDefaultBranch } from './context.ts';
import { detailOf } from './detail.ts';
import { cleanBody, driftBody, driftTitle } from './drift-body.ts';
import { reasonOf } from './failed.ts';
import { githubOf } from './github.ts';
import { type DriftIssue, upsertIssue } from './issue.ts';
import type { Job, Outcome, Run } from './outcome.ts';
import { paceOf } from './pace.ts';
import { progressTo } from './progress.ts';
import { redact } from './redact.ts';

/** Compares what is merged with what is there: one issue for each target that differs, closed when it does not. */
export const drift: Run = async (job) => {
  const { inputs, context } = job;
  if (context.pullRequest !== null || context.mergeGroup !== null) throw unmerged(context.eventName);
  await assumeIdentity(identityOf(job, 'plan'), job.runner);
  const session = await openSession({ manifest: inputs.manifest, target: inputs.targets }, job.now);
  const located = await locate(session);
  const { targets, findings } = await planTargets(located.declareds, {
    as: 'plan',
    ...paceOf(job),
    maxRemovals: null,
    onProgress: progressTo(job),
    now: () => performance.now(),
  });
  const plan = planOf(session.stack, session.asOf, 'drift', targets);
  const trouble = [...located.findings, ...findings];
  // Of what was not read nobody knows whether it differs: its issue stays as it is.
  const known = targets.filter(({ changes, unread }) => changes.length > 0 || unread.length === 0);
  if (inputs.driftIssue && isDefaultBranch(context)) for (const target of known) await tell(target, job);
  return outcomeOf(plan, trouble, job);
};

/** Drift is against what is merged; and the manifest of a pull request says where credentials go, which only `plan` holds against the base. */
const unmerged = (eventName: string): Failure =>
  failure(
    'action/not-here',
    `'drift' does not run on the event '${eventName}', expected schedule, workflow_dispatch or push`,
    {
      hint: "use command: plan there, which tells drift apart; 'fail-on: drift' turns it red",
    },
    EXIT.refused,
  );

/** The issue is how people hear of drift, not what decides: trouble with it is told, and the check goes on. */
const tell = async (target: PlanTarget, job: Job): Promise<void> => {
  try {
    const github = await githubOf(job);
    const { what, url } = await upsertIssue(github, job.context, issueOf(target, job));
    if (url !== null) job.log(`target ${JSON.stringify(target.name)}: issue ${what}: ${url}`);
  } catch (error) {
    if (job.inputs.commentRequired) throw error;
    job.log(`target ${JSON.stringify(target.name)}: the issue could not be written: ${redact(String(error))}`);
  }
};

const issueOf = (target: PlanTarget, job: Job): DriftIssue => {
  const { context, inputs } = job;
  const differs = target.changes.length > 0;
  return {
    marker: {
      key: JSON.stringify([inputs.commentKey, target.name]),
      kind: 'drift',
      head: context.sha,
      run: context.runId,
      attempt: context.runAttempt,
      digest: digest([target]),
      level: 0,
    },
    title: redact(driftTitle(target.name, detailOf(job))),
    body: redact(differs ? driftBody(target, context, detailOf(job)) : cleanBody(target.name, context, detailOf(job))),
    state: differs ? 'open' : 'closed',
  };
};

const outcomeOf = (plan: Plan, trouble: readonly Finding[], job: Job): Outcome => {
  const differing = plan.targets.filter(({ changes }) => changes.length > 0);
  const outputs = { drift: differing.length > 0, 'has-changes': differing.length > 0, 'plan-digest': plan.digest };
  const summary = detailOf(job) === 'full' ? [planMarkdown(plan).body, planMarkdown(plan, { maxBytes: 900_000 }).body] : [];
  const found = `${plural(differing.length, 'target')} ${differing.length === 1 ? 'differs' : 'differ'} from what is declared`;
  const errors = trouble.filter(isError);
  const failure =
    errors.length > 0
      ? { reason: reasonOf(new Failure(errors, EXIT.error)), message: 'not every target could be compared' }
      : differing.length > 0 && (job.inputs.failOn === 'drift' || job.inputs.failOn === 'changes')
        ? { reason: 'policy' as const, message: found }
        : null;
  const verdict =
    differing.length > 0
      ? `### ⚠️ Access drift: ${found}`
      : errors.length > 0
        ? '### ❌ Access drift: not known'
        : '### ✅ Access drift: none';
  return { failure, findings: trouble, summary: [...summary.map((body) => `${verdict}\n\n${body}`), verdict], outputs };
};
