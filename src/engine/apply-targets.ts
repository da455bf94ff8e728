import { digest } from '../core/digest.ts';
import { flipsOf } from '../core/flips.ts';
import { withoutLocked } from '../core/locked.ts';
import { type Declared, isServer } from '../model/declared.ts';
import { EXIT, type ExitCode, failure } from '../model/finding.ts';
import type { Plan } from '../model/plan.ts';
import { type ApplyResult, RESULT_FORMAT } from '../model/result.ts';
import { type ApplyOptions, applyTarget } from './apply.ts';
import { type Applied, isTouched } from './ending.ts';
import { lockedOn, PARALLEL, type Pace, providerOf, sideBySide, strictest } from './read.ts';
import type { Session } from './session.ts';
import { createStages } from './stages.ts';

/** Applies what one plan or another holds to all targets of a session, several at once; each is told of by itself, whatever becomes of the others. */
export const applyTargets = async (
  session: Pick<Session, 'stack' | 'declareds'>,
  plans: readonly [Plan, ...Plan[]],
  options: Omit<ApplyOptions, 'approved'> & Pick<Pace, 'parallel'>,
): Promise<{ readonly result: ApplyResult; readonly exitCode: ExitCode }> => {
  checkPlans(plans, session);
  const flips = flipsOf(plans.flatMap(({ targets }) => targets));
  const account = session.declareds.some(({ iam }) => iam !== null);
  // Somebody may have been locked since the plan: no line of a policy comes back by it.
  const opens = session.declareds.some(({ iam }) => iam !== null && iam.connects.length > 0);
  const locked = opens ? await lockedOn(session.declareds.filter(isServer)) : new Map();
  const stages = createStages(session.declareds.map(({ target }) => target.name));
  // Targets that wait for one another cannot wait for a turn as well.
  const together = account ? session.declareds.length : (options.parallel ?? PARALLEL);
  const applyOne = async (declared: Declared): Promise<Applied> => {
    const { name, engine } = declared.target;
    const approved = plans.flatMap(({ targets }) => targets.filter((target) => target.name === name));
    const known = declared.iam ? { ...declared, iam: { ...withoutLocked(declared.iam, locked), flips } } : declared;
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
  const reviewed = plans.length === 1 ? plans[0].digest : digest(plans.flatMap((plan) => plan.targets));
  return { result: { formatVersion: RESULT_FORMAT, stack: session.stack, digest: reviewed, targets }, exitCode: exitOf(applied) };
};

/** Plan files belong to a stack, and every target that is applied stands in one of them. */
export const checkPlans = (plans: readonly Plan[], session: Pick<Session, 'stack' | 'declareds'>): void => {
  const other = plans.find(({ stack }) => stack !== session.stack);
  if (other)
    throw failure('plan/other-stack', `the plan is for stack '${other.stack}', the manifest for '${session.stack}'`, {}, EXIT.stale);
  const held = new Set(plans.flatMap(({ targets }) => targets.map(({ name }) => name)));
  const missing = session.declareds.find((declared) => !held.has(declared.target.name));
  if (missing)
    throw failure(
      'plan/no-target',
      `${plans.length === 1 ? 'the plan does not hold' : 'none of the plans holds'} target '${missing.target.name}'`,
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
