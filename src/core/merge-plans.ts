import { failure } from '../model/finding.ts';
import { byCodeUnit, nameKey } from '../model/key.ts';
import type { Plan } from '../model/plan.ts';
import { digest } from './digest.ts';

/**
 * Plans of one stack that were made apart, as the one plan that they are together, in the order of their targets' names.
 * Throws a Failure where two hold the same target, or they are of several stacks: then they are not parts of one.
 */
export const mergePlans = (plans: readonly [Plan, ...Plan[]]): Plan => {
  const [first] = plans;
  const other = plans.find(({ stack }) => stack !== first.stack);
  if (other)
    throw failure('report/stacks', `the plans are for several stacks: '${first.stack}' and '${other.stack}'`, {
      hint: 'report the plans of one stack together',
    });
  const kinds = plans.find(({ command }) => command !== first.command);
  if (kinds) throw failure('report/commands', `one is a plan to ${first.command}, another one to ${kinds.command}`);
  const targets = plans.flatMap((plan) => plan.targets).sort((a, b) => byCodeUnit(a.name, b.name));
  const twice = targets.find(({ name }, index) => targets[index + 1]?.name === name);
  if (twice)
    throw failure('report/target-twice', `two of the plans hold target ${nameKey(twice.name)}`, {
      hint: 'give each leg targets of its own, and report the plans of one run',
    });
  const asOf = plans.map((plan) => plan.asOf).sort(byCodeUnit)[0]!;
  return { ...first, asOf, targets, digest: digest(targets) };
};
