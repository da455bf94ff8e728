import { applyTargets } from '../engine/apply-targets.ts';
import { locate } from '../engine/locate.ts';
import { planOf } from '../engine/plan.ts';
import { planTargets } from '../engine/read.ts';
import { openSession, type Session } from '../engine/session.ts';
import type { Declared } from '../model/declared.ts';
import { EXIT, type ExitCode, Failure, isError } from '../model/finding.ts';
import type { Plan } from '../model/plan.ts';
import type { ApplyResult } from '../model/result.ts';
import { prose } from '../render/escape.ts';
import { planMarkdown } from '../render/markdown.ts';
import { permitRemovals } from './allowed.ts';
import { type Approval, approvalOf, freshOf } from './approval.ts';
import { assumeIdentity, identityOf } from './aws.ts';
import { manifestAt } from './base.ts';
import { detailOf, withoutNames } from './detail.ts';
import { reasonOf } from './failed.ts';
import { githubOf } from './github.ts';
import { withGuards } from './guards.ts';
import { leftAlone, leftAloneMarkdown, leftAloneText } from './left-alone.ts';
import type { Job, Outcome, Run } from './outcome.ts';
import { paceOf } from './pace.ts';
import { consentTo } from './permission.ts';
import { progressTo } from './progress.ts';
import { changedBody, type Fresh, resultBody, stoppedBody } from './result-body.ts';
import { tellPulls } from './result-comment.ts';
import type { GitHub } from './reviewed.ts';
import { checkMerged } from './where.ts';

/**
 * Applies what was merged: plans it again, and runs it when everything in that plan was reviewed. Labels are read under the run lock,
 * right before the first statement.
 */
export const apply: Run = async (job) => {
  const { inputs, context } = job;
  await checkMerged(context, inputs.manifest);
  const github = await githubOf(job);
  if (inputs.only === 'expired') return await applyExpired(github, job);
  const approval = await approvalOf(github, job);
  if (approval.reviewed.length === 0 && inputs.onUnreviewed === 'fail') return await nothingReviewed(github, approval, job);
  try {
    return await applyReviewed(github, approval, job);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const errors = error.findings.filter(isError);
    const messages = (detailOf(job) === 'full' ? errors : withoutNames(errors)).map(({ message, hint }) =>
      prose([message, hint].filter(Boolean).join(' · ')),
    );
    await tellPulls(github, job, approval, stoppedBody(messages, approval, context));
    throw error;
  }
};

type Live = { readonly session: Session; readonly declareds: readonly Declared[]; readonly plan: Plan };

/** The plan as it is now, of everything that was chosen. Throws a Failure where something cannot be read, or may not be. */
const planLive = async (github: GitHub, job: Job, only?: 'expired'): Promise<Live> => {
  const { inputs, context, now } = job;
  const before = context.push?.before ? await manifestAt(github, context, inputs.manifest, context.push.before) : null;
  await assumeIdentity(identityOf(job, 'apply'), job.runner);
  const opened = await openSession({ manifest: inputs.manifest, target: inputs.targets }, now);
  const { declareds, findings } = await locate(withGuards(opened, before));
  if (findings.length > 0) throw new Failure(findings);
  const planned = await planTargets(declareds, {
    as: 'apply',
    ...paceOf(job),
    maxRemovals: inputs.maxRemovals,
    ...(only === undefined ? {} : { only }),
    onProgress: progressTo(job),
    now: () => performance.now(),
  });
  if (planned.findings.length > 0) throw new Failure(planned.findings);
  const plan = planOf(opened.stack, opened.asOf, 'plan', planned.targets);
  const errors = plan.targets.flatMap((target) => target.findings.filter(isError).map((finding) => ({ ...finding, target: target.name })));
  if (errors.length > 0) throw new Failure(errors, EXIT.refused);
  return { session: opened, declareds, plan };
};

const applyReviewed = async (github: GitHub, approval: Approval, job: Job): Promise<Outcome> => {
  const live = await planLive(github, job);
  const { inputs, context } = job;
  if (approval.reviewed.length === 0) {
    if (inputs.onUnreviewed === 'plan-only') return planned(live.plan, job);
    return await run(github, approval, live, [live.plan], job);
  }
  const all = freshOf(approval.reviewed, live.plan);
  const left = await leftAlone(github, approval, all, live.session, job);
  const fresh = all.filter((one) => !left.includes(one));
  if (fresh.length > 0) {
    const body = changedBody(live.plan, fresh, approval, context, detailOf(job));
    await tellPulls(github, job, approval, body);
    return stopped('plan-changed', 'what is needed now is not what was reviewed; nothing was applied', body);
  }
  return await run(
    github,
    approval,
    live,
    approval.reviewed.map(({ plan }) => plan),
    job,
    left,
  );
};

const run = async (
  github: GitHub,
  approval: Approval,
  live: Live,
  plans: readonly Plan[],
  job: Job,
  left: readonly Fresh[] = [],
): Promise<Outcome> => {
  const { inputs, context } = job;
  const gate = {
    policy: inputs.planFrom === 'run' && inputs.destroyPolicy === 'require-label' ? ('allow' as const) : inputs.destroyPolicy,
    label: inputs.destroyLabel,
    reviewed: approval.reviewed,
    consent: async ({ pull, since }: Approval['reviewed'][number]) =>
      pull === null ? { refused: 'it is of no pull request' } : await consentTo(github, context, pull, inputs.destroyLabel, since),
  };
  const { result, exitCode } = await execute(live, plans, job, { expiryToo: true, permit: (target) => permitRemovals(gate, target) });
  if (detailOf(job) === 'full') job.log(leftAloneText(left));
  const body = resultBody(result, approval, context, detailOf(job)) + leftAloneMarkdown(left, detailOf(job));
  await tellPulls(github, job, approval, body);
  return outcomeOf(result, exitCode, body);
};

/** What a passed `until` asks for was reviewed when that was written. */
const applyExpired = async (github: GitHub, job: Job): Promise<Outcome> => {
  const live = await planLive(github, job, 'expired');
  const { result, exitCode } = await execute(live, [live.plan], job, { only: 'expired' });
  return outcomeOf(result, exitCode, resultBody(result, NOBODY, job.context, detailOf(job)));
};

const NOBODY: Approval = { reviewed: [], pulls: [], approvers: [], since: null };

type Rules = Pick<Parameters<typeof applyTargets>[2], 'only' | 'expiryToo' | 'permit'>;

/** Targets that no reviewed plan holds need nothing, or it would have been said. */
const execute = async ({ session, declareds }: Live, plans: readonly Plan[], job: Job, rules: Rules) => {
  const [first, ...others] = plans;
  const held = new Set(plans.flatMap(({ targets }) => targets.map(({ name }) => name)));
  return await applyTargets(
    { stack: session.stack, declareds: declareds.filter(({ target }) => held.has(target.name)) },
    [first!, ...others],
    {
      maxRemovals: job.inputs.maxRemovals,
      ...paceOf(job),
      lockTimeoutMs: job.inputs.lockWaitMs,
      signal: job.signal,
      onProgress: progressTo(job),
      now: () => performance.now(),
      ...rules,
    },
  );
};

const outcomeOf = (result: ApplyResult, exitCode: ExitCode, body: string): Outcome => {
  const findings = result.targets.flatMap((target) => target.findings.map((finding) => ({ ...finding, target: target.name })));
  const sum = (of: (target: ApplyResult['targets'][number]) => number): number =>
    result.targets.reduce((total, target) => total + of(target), 0);
  const outputs = {
    applied: sum(({ applied }) => applied),
    failed: sum(({ status }) => (status === 'failed' || status === 'partial' ? 1 : 0)),
    skipped: sum(({ notStarted }) => notStarted),
    'plan-digest': result.digest,
  };
  if (exitCode === EXIT.ok) return { failure: null, findings, summary: [body], outputs };
  const reason = exitCode === EXIT.error ? 'apply-partial' : reasonOf(new Failure(findings, exitCode));
  return { failure: { reason, message: 'not everything was applied' }, findings, summary: [body], outputs };
};

const NONE = { applied: 0, failed: 0, skipped: 0 } as const;

const planned = (plan: Plan, job: Job): Outcome => ({
  failure: null,
  findings: [],
  summary: [
    `${detailOf(job) === 'full' ? planMarkdown(plan).body : ''}\n> [!NOTE]\n> Nothing was applied: no reviewed plan was found, and \`on-unreviewed\` is \`plan-only\`.\n`,
  ],
  outputs: { ...NONE, 'plan-digest': plan.digest },
});

const stopped = (reason: 'plan-changed' | 'plan-missing', message: string, body: string): Outcome => ({
  failure: { reason, message },
  findings: [],
  summary: [body],
  outputs: NONE,
});

const nothingReviewed = async (github: GitHub, approval: Approval, job: Job): Promise<Outcome> => {
  const why =
    job.inputs.planFrom === 'run'
      ? 'no earlier job of this run made a plan with this comment-key'
      : approval.pulls.length === 0
        ? 'no merged pull request brought these commits'
        : `no plan is there of ${approval.pulls.map(({ number, headSha }) => `#${number} at ${headSha.slice(0, 7)}`).join(', ')}`;
  const body = stoppedBody([prose(`there is no reviewed plan: ${why}`)], approval, job.context);
  await tellPulls(github, job, approval, body);
  return stopped('plan-missing', `there is no reviewed plan: ${why}`, body);
};
