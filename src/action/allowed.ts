import { unreviewed } from '../core/operations.ts';
import type { Change } from '../model/change.ts';
import { EXIT, failure } from '../model/finding.ts';
import type { PlanTarget } from '../model/plan.ts';
import { takesAway } from '../render/lines/line.ts';
import { linesOf, whatGoes } from '../render/outline.ts';
import type { Consent } from './permission.ts';
import type { Reviewed } from './reviewed.ts';

/** Changes that take access away, as the comment lists them; what a passed `until` takes was agreed on when that was written. */
export const removalsOf = (target: PlanTarget): readonly Change[] => {
  const lines = linesOf(target.changes).filter((line) => line.blocked === null && takesAway(line));
  return [...new Set(lines.flatMap((line) => line.changes))]
    .sort((a, b) => a - b)
    .map((index) => target.changes[index]!)
    .filter(({ cause }) => cause !== 'expired');
};

/** Whether what takes access away may run. */
export type DestroyPolicy = {
  readonly policy: 'allow' | 'require-label' | 'deny';
  readonly label: string;
  readonly reviewed: readonly Reviewed[];
  /** Asked for each pull request whose plan removes something, every time anew. */
  readonly consent: (reviewed: Reviewed) => Promise<Consent>;
};

/** Throws a Failure unless every removal of the target stands in the plan of a pull request that somebody consented to. */
export const permitRemovals = async ({ policy, label, reviewed, consent }: DestroyPolicy, live: PlanTarget): Promise<void> => {
  const removals = removalsOf(live);
  if (removals.length === 0 || policy === 'allow') return;
  const told = removals
    .slice(0, 5)
    .map(({ kind, key }) => `${kind} ${key}`)
    .join('; ');
  const what = `target '${live.name}': ${removals.length === 1 ? 'a change takes' : `${removals.length} changes take`} ${whatGoes([live])} away: ${told}${removals.length > 5 ? '; …' : ''}`;
  if (policy === 'deny')
    throw failure('apply/removals-denied', what, { hint: "the input destroy-policy is 'deny'", target: live.name }, EXIT.refused);
  const refusals: string[] = [];
  const consented: PlanTarget[] = [];
  for (const one of reviewed) {
    const own = one.plan.targets.filter(({ name }) => name === live.name);
    if (unreviewed(own, { ...live, changes: removals }).length === removals.length) continue;
    const answer = await consent(one);
    if ('by' in answer) consented.push(...own);
    else refusals.push(one.pull ? `pull request #${one.pull.number}: ${answer.refused}` : answer.refused);
  }
  if (unreviewed(consented, { ...live, changes: removals }).length === 0) return;
  const why = refusals.length > 0 ? refusals.join('; ') : 'no pull request whose plan has them';
  throw failure(
    'apply/removals-not-allowed',
    `${what} · ${why}`,
    { hint: `somebody other than the author puts the label '${label}' on it, then run this again`, target: live.name },
    EXIT.refused,
  );
};
