import { driftOf } from '../core/drift.ts';
import { locate } from '../engine/locate.ts';
import { planOf } from '../engine/plan.ts';
import { planTargets } from '../engine/read.ts';
import { withUnplanned } from '../engine/unplanned.ts';
import { EXIT, Failure, type Finding, isError } from '../model/finding.ts';
import type { Plan, PlanTarget } from '../model/plan.ts';
import { type Drift, totalCounts } from '../render/outline.ts';
import { planText } from '../render/terminal.ts';
import { assumeIdentity, identityOf } from './aws.ts';
import { planBody, planSummaries, removalsNeed, type Surroundings } from './body.ts';
import { type Compared, comparedWithBase } from './compared.ts';
import { detailOf } from './detail.ts';
import { reasonOf } from './failed.ts';
import { labelPull, type PlanLabel } from './labels.ts';
import { openedManifest } from './opened.ts';
import type { Job, Outcome, Outputs, Run } from './outcome.ts';
import { paceOf } from './pace.ts';
import { announcePlan, tellFailure, tellPlan } from './plan-comment.ts';
import { keepPlan, writePlan } from './plan-files.ts';
import { progressTo } from './progress.ts';

/** Plans everything once, and tells it: on the pull request, on the run's page, in files and as an artifact. */
export const plan: Run = async (job) => {
  const announced = await announcePlan(job);
  try {
    return withFindings(await tell(await make(job), job), announced);
  } catch (error) {
    const findings = error instanceof Failure ? error.findings : [OUR_FAULT];
    const telling = await tellFailure(job, findings, { detail: detailOf(job), context: job.context });
    const labelled = await labelPull(job, null);
    for (const { message } of [...telling.findings, ...labelled]) job.log(`the pull request could not be told: ${message}`);
    throw error;
  }
};

const OUR_FAULT: Finding = {
  severity: 'error',
  code: 'plan/failed',
  message: 'the plan could not be made: the log of the run has the details',
};

/** What was planned, and what it is compared with. */
type Made = {
  /** Of the targets that could be planned: what is kept for apply. */
  readonly plan: Plan;
  /** With those that could not be, each with the reason. */
  readonly shown: Plan;
  readonly compared: Compared;
  readonly drift: Drift;
  /** What the base wants is not so: on some target something has drifted. */
  readonly hasDrifted: boolean;
  readonly findings: readonly Finding[];
};

const make = async (job: Job): Promise<Made> => {
  const { session, manifest } = await openedManifest(job);
  const compared = await comparedWithBase(job, manifest, session);
  await assumeIdentity(identityOf(job, 'plan'), job.runner);
  const located = await locate(compared.session, compared.base ?? undefined);
  const { targets, also, findings } = await planTargets(located.declareds, {
    as: 'plan',
    ...paceOf(job),
    maxRemovals: job.inputs.maxRemovals,
    also: located.also,
    onProgress: progressTo(job),
    now: () => performance.now(),
  });
  const trouble = [...compared.findings, ...located.findings, ...findings];
  const drift = new Map(
    targets.flatMap((target) => {
      const base = also.find(({ name }) => name === target.name);
      return base ? [[target.name, driftOf(base, target)] as const] : [];
    }),
  );
  const made = planOf(session.stack, session.asOf, 'plan', targets);
  return {
    plan: made,
    shown: { ...made, targets: withUnplanned(compared.chosen, targets, trouble.filter(isError)) },
    compared,
    drift,
    hasDrifted: (compared.base ? also : targets).some(({ changes }) => changes.length > 0),
    findings: trouble,
  };
};

const tell = async (made: Made, job: Job): Promise<Outcome> => {
  const { inputs, context } = job;
  const { shown, compared, drift } = made;
  const detail = detailOf(job);
  const surroundings: Surroundings = {
    detail,
    context,
    pins: compared.pins,
    ...(compared.base ? { drift: { base: compared.baseName, changes: drift } } : {}),
    foldLines: inputs.foldLines,
    preview: previewOf(job, compared),
    ...removalsNeed(job),
    leftOut: compared.chosen.leftOut ?? [],
  };
  if (detail === 'full') job.log(planText(shown, { width: 160, colour: false, unicode: true }, 'no-next'));
  const files = await writePlan(made.plan, job);
  const errors = errorsOf(made);
  const kept = errors.length > 0 ? { id: null, findings: [] } : await keepPlan(files, job);
  const { text, level } = planBody(shown, { ...surroundings, artifactId: kept.id });
  const isEmpty = errors.length === 0 && shown.targets.every(({ changes }) => changes.length === 0);
  const telling = await tellPlan(job, { text, level, digest: shown.digest, isEmpty });
  const labelled = await labelPull(job, errors.length > 0 ? null : labelOf(shown));
  return {
    failure: failureOf(made, telling.findings, job),
    findings: [...told(made, job), ...kept.findings, ...telling.findings, ...labelled],
    summary: planSummaries(shown, surroundings),
    outputs: {
      ...countsOf(made),
      'plan-path': files.json,
      'plan-markdown-path': files.markdown,
      'plan-sql-path': files.sql,
      'artifact-id': kept.id,
      'comment-id': telling.told?.id ?? null,
      'comment-url': telling.told?.url ?? null,
      'targets-json': targetsJson(made, job),
    },
  };
};

const labelOf = ({ targets }: Plan): PlanLabel => {
  if (targets.some(takesAny)) return 'access:drop';
  return targets.some(({ changes }) => changes.length > 0) ? 'access:change' : 'access:no-change';
};

const takesAny = ({ counts, changes }: PlanTarget): boolean => counts.remove > 0 || changes.some(({ risk }) => risk === 'destructive');

const withFindings = (outcome: Outcome, findings: readonly Finding[]): Outcome => ({
  ...outcome,
  findings: [...outcome.findings, ...findings.filter(({ code }) => !outcome.findings.some((other) => other.code === code))],
});

/** Targets that were chosen by what changed are named: whoever repeats the command has no base at hand. */
const previewOf = ({ inputs }: Job, { chosen: { declareds, account, watch, leftOut } }: Compared): string => {
  const chosen = leftOut?.length
    ? [...declareds, ...(account ? [account] : []), ...(watch ? [watch] : [])].map(({ target }) => target.name)
    : inputs.targets;
  return ['rolecall plan', ...inputs.manifest.map((path) => `--manifest ${path}`), ...chosen.map((name) => `--target ${name}`)].join(' ');
};

const errorsOf = ({ plan: { targets }, findings }: Made): readonly Finding[] => [
  ...findings.filter(isError),
  ...targets.flatMap((target) => target.findings.filter(isError)),
];

/** Findings for annotations; where nobody may read names, what kind they are of and where they stand. */
const told = ({ plan: { targets }, findings }: Made, job: Job): readonly Finding[] => {
  const all = [...findings, ...targets.flatMap((target) => target.findings)];
  if (detailOf(job) === 'full') return all;
  return all.map(({ severity, code, source }) => ({
    severity,
    code,
    message: `${code}: rolecall plan says on your machine what it is about`,
    ...(source ? { source } : {}),
  }));
};

const countsOf = ({ shown, hasDrifted }: Made): Outputs => {
  const counts = totalCounts(shown.targets);
  return {
    'has-changes': shown.targets.some(({ changes }) => changes.length > 0),
    'has-destructive': shown.targets.some(takesAny),
    'to-add': counts.add,
    'to-change': counts.change,
    'to-remove': counts.remove,
    'plan-digest': shown.digest,
    drift: hasDrifted,
  };
};

const targetsJson = ({ shown }: Made, job: Job): string =>
  JSON.stringify(
    shown.targets.map(({ name, counts, changes, findings }, index) => ({
      name: detailOf(job) === 'full' ? name : String(index + 1),
      status: findings.some(isError) ? 'failed' : changes.length > 0 ? 'changes' : 'unchanged',
      ...counts,
    })),
  );

/** Whether the step is red: by errors always, by more as `fail-on` says. */
const failureOf = (made: Made, telling: readonly Finding[], { inputs }: Job): Outcome['failure'] => {
  const errors = errorsOf(made);
  if (errors.length > 0)
    return { reason: reasonOf(new Failure(errors, EXIT.error)), message: 'the plan has errors: nothing of it can be applied' };
  if (telling.some(isError)) return { reason: 'github-api', message: 'the pull request could not be told' };
  const changes = made.shown.targets.flatMap((target) => target.changes);
  if (inputs.failOn === 'changes' && changes.length > 0)
    return { reason: 'policy', message: "there are changes, and 'fail-on' is 'changes'" };
  if (inputs.failOn === 'drift' && made.hasDrifted) return { reason: 'policy', message: "there is drift, and 'fail-on' is 'drift'" };
  const isGuarded = made.shown.targets.some(({ findings }) =>
    findings.some(({ severity, code }) => severity === 'warning' && code.startsWith('guard/')),
  );
  if (inputs.failOn === 'policy' && isGuarded) return { reason: 'policy', message: "a guard warns, and 'fail-on' is 'policy'" };
  return null;
};
