import { flipsOf } from '../core/flips.ts';
import type { Declared } from '../model/declared.ts';
import { EXIT, type ExitCode, failure } from '../model/finding.ts';
import type { Plan } from '../model/plan.ts';
import { type ApplyResult, RESULT_FORMAT } from '../model/result.ts';
import { type Applied, type ApplyOptions, applyTarget, isTouched } from './apply.ts';
import { PARALLEL, providerOf, sideBySide, strictest } from './read.ts';
import type { Session } from './session.ts';
import { createStages } from './stages.ts';

/** Applies a plan to all targets of a session, several at once; each is told of by itself, whatever becomes of the others. */
export const applyTargets = async (
  session: Pick<Session, 'stack' | 'declareds'>,
  plan: Plan,
  options: Omit<ApplyOptions, 'approved'>,
): Promise<{ readonly result: ApplyResult; readonly exitCode: ExitCode }> => {
  checkPlan(plan, session);
  const flips = flipsOf(plan.targets);
  const stages = createStages(session.declareds.map(({ target }) => target.name));
  // Targets that wait for one another cannot wait for a turn as well.
  const together = session.declareds.some(({ iam }) => iam) ? session.declareds.length : PARALLEL;
  const applyOne = async (declared: Declared): Promise<Applied> => {
    const { name, engine } = declared.target;
    const approved = plan.targets.find((target) => target.name === name)!;
    const known = declared.iam ? { ...declared, iam: { ...declared.iam, flips } } : declared;
    return await applyTarget(await providerOf(engine, name), known, {
      ...options,
      approved,
      stages,
      maxRemovals: strictest(declared.guards.maxRemovals, options.maxRemovals),
    });
  };
  const settled = await sideBySide(session.declareds, applyOne, together);
  const applied = settled.map((outcome) => {
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  });
  const targets = applied.map((one) => one.result);
  return { result: { formatVersion: RESULT_FORMAT, stack: plan.stack, digest: plan.digest, targets }, exitCode: exitOf(applied) };
};

/** A plan file belongs to a stack, and holds every target that is applied. */
export const checkPlan = (plan: Plan, session: Pick<Session, 'stack' | 'declareds'>): void => {
  if (plan.stack !== session.stack)
    throw failure('plan/other-stack', `the plan is for stack '${plan.stack}', the manifest for '${session.stack}'`, {}, EXIT.stale);
  const missing = session.declareds.find((declared) => !plan.targets.some((target) => target.name === declared.target.name));
  if (missing)
    throw failure(
      'plan/no-target',
      `the plan does not hold target '${missing.target.name}'`,
      { hint: 'choose targets with --target, or plan again' },
      EXIT.stale,
    );
};

/** From gravest to mildest. */
const ORDER: readonly ExitCode[] = [EXIT.interrupted, EXIT.partial, EXIT.stale, EXIT.locked, EXIT.refused, EXIT.error];

/** One target's code where they agree; some done and some not is "in part". */
const exitOf = (applied: readonly Applied[]): ExitCode => {
  const codes = applied.map((one) => one.exitCode);
  const gravest = ORDER.find((code) => codes.includes(code)) ?? EXIT.ok;
  const some = applied.some(({ result }) => isTouched(result));
  return some && gravest !== EXIT.ok && gravest !== EXIT.interrupted ? EXIT.partial : gravest;
};
