import { mergePlans } from '../core/merge-plans.ts';
import { type ExitCode, failure } from '../model/finding.ts';
import type { Plan } from '../model/plan.ts';
import type { Console } from './console.ts';
import { type Format, renderPlan } from './format.ts';
import { exitOf } from './plan.ts';
import { openPlan } from './show.ts';

/** Plans that were saved apart, such as those of a matrix, as one report. Exit: 0, 2 changes (when asked), 3 an error in one of them. */
export const reportCommand = async (
  paths: readonly string[],
  options: { readonly format: Format; readonly detailedExitcode: boolean },
  console: Console,
): Promise<ExitCode> => {
  const [first, ...others] = await Promise.all(paths.map(openPlan));
  if (first === undefined) throw failure('report/none', 'there is no plan to report on', { hint: 'name plan files' });
  const plan: Plan = mergePlans([first, ...others]);
  console.out(await renderPlan(plan, options.format, console.outTerminal, 'no-next'));
  return exitOf(plan, options.detailedExitcode);
};
