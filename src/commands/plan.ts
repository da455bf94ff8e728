import { writeFile } from 'node:fs/promises';
import { planOf } from '../engine/plan.ts';
import { planTargets } from '../engine/read.ts';
import { EXIT, type ExitCode, Failure, type Finding, isError } from '../model/finding.ts';
import type { Plan } from '../model/plan.ts';
import type { Console } from './console.ts';
import { type Format, renderPlan } from './format.ts';
import { progressTo } from './progress.ts';
import { type ManifestOptions, openSession, type Session } from './session.ts';
import { tell } from './tell.ts';

export type PlanOptions = ManifestOptions & {
  readonly format: Format;
  readonly out?: string;
  readonly detailedExitcode: boolean;
  readonly maxRemovals?: number;
};

/** Reads everything once and prints what would change. Exit: 0, 1 error, 2 changes (when asked), 3 refused or incomplete. */
export const planCommand = async (options: PlanOptions, console: Console): Promise<ExitCode> => {
  const session = await openSession(options, console);
  tell(session.findings, console);
  const { plan, findings } = await makePlan(session, options, console);
  console.out(await renderPlan(plan, options.format, console.outTerminal));
  if (findings.length > 0) throw new Failure(findings);
  if (options.out !== undefined) await savePlan(options.out, plan, console);
  return exitOf(plan, options.detailedExitcode);
};

export const makePlan = async (
  session: Session,
  options: { readonly maxRemovals?: number },
  console: Console,
  as: 'plan' | 'apply' = 'plan',
): Promise<{ readonly plan: Plan; readonly findings: readonly Finding[] }> => {
  const { targets, findings } = await planTargets(session.declareds, {
    as,
    maxRemovals: options.maxRemovals ?? null,
    onProgress: progressTo(console),
    now: () => performance.now(),
  });
  return { plan: planOf(session.stack, session.asOf, 'plan', targets), findings };
};

/** Nothing to do, changes, or no: an error among the findings, or a database that could not be read. */
export const exitOf = (plan: Plan, detailed: boolean): ExitCode => {
  if (plan.targets.some((target) => target.findings.some(isError) || target.unread.length > 0)) return EXIT.refused;
  return detailed && plan.targets.some((target) => target.changes.length > 0) ? EXIT.changes : EXIT.ok;
};

const savePlan = async (path: string, plan: Plan, console: Console): Promise<void> => {
  const { planJson } = await import('../render/json.ts');
  await writeFile(path, planJson(plan));
  console.err(`plan written to ${path}\n`);
};
