import { destroyed } from '../core/destroyed.ts';
import { planOf } from '../engine/plan.ts';
import { planTargets, providerOf } from '../engine/read.ts';
import { openSession } from '../engine/session.ts';
import type { Change } from '../model/change.ts';
import { type ExitCode, Failure } from '../model/finding.ts';
import type { PlanTarget } from '../model/plan.ts';
import { type ApplyCommandOptions, applyPlan } from './apply.ts';
import type { Console } from './console.ts';
import { progressTo } from './progress.ts';
import { tell } from './tell.ts';

/** Removes all roles that carry our mark on the chosen targets, in the safe order; asks for the stack's name first. */
export const destroyCommand = async (
  options: ApplyCommandOptions & { readonly reassignTo?: string },
  console: Console,
): Promise<ExitCode> => {
  const session = await openSession(options, console.now);
  tell(session.findings, console);
  const declareds = await Promise.all(
    session.declareds.map(async (declared) => {
      const provider = await providerOf(declared.target.engine, declared.target.name);
      const nothing = { ...declared, target: { ...declared.target, databases: [] } };
      const { reality } = provider.normalize(await provider.inspect({ declared: nothing, as: 'apply' }), nothing);
      return destroyed(declared, reality, options.reassignTo);
    }),
  );
  const { targets, findings } = await planTargets(declareds, {
    as: 'apply',
    maxRemovals: options.maxRemovals ?? null,
    onProgress: progressTo(console),
    now: () => performance.now(),
  });
  if (findings.length > 0) throw new Failure(findings);
  const plan = planOf(session.stack, session.asOf, 'destroy', targets.map(asDestroyed));
  return await applyPlan({ ...session, declareds }, plan, options, console);
};

/** Nobody named these roles under `removed`: the stack as a whole goes. */
const asDestroyed = (target: PlanTarget): PlanTarget => ({
  ...target,
  changes: target.changes.map((change): Change => (change.cause === 'removed' ? { ...change, cause: 'destroyed' } : change)),
});
