import { losers } from '../core/guard.ts';
import { applyTargets, checkPlan } from '../engine/apply-targets.ts';
import { locate } from '../engine/locate.ts';
import { type ManifestOptions, openSession, type Session } from '../engine/session.ts';
import type { Declared } from '../model/declared.ts';
import { EXIT, type ExitCode, Failure, failure, isError } from '../model/finding.ts';
import type { Plan, PlanTarget } from '../model/plan.ts';
import type { ApplyResult } from '../model/result.ts';
import { resultJson, resultJsonLines, resultMarkdown, resultText } from '../render/result.ts';
import type { Console } from './console.ts';
import { renderPlan } from './format.ts';
import { makePlan } from './plan.ts';
import { progressTo } from './progress.ts';
import { openPlan } from './show.ts';
import { tell } from './tell.ts';

export type ApplyCommandOptions = ManifestOptions & {
  readonly plan?: string;
  readonly autoApprove: boolean;
  readonly format: 'human' | 'json' | 'jsonl' | 'markdown';
  readonly lockTimeoutMs: number;
  readonly maxRemovals?: number;
};

/** Plans (or takes a saved plan), asks when anybody loses access, applies, reads back. */
export const applyCommand = async (options: ApplyCommandOptions, console: Console): Promise<ExitCode> => {
  const saved = options.plan === undefined ? undefined : await openPlan(options.plan);
  const session = await openSession(saved && options.now === undefined ? { ...options, now: saved.asOf } : options, console.now);
  tell(session.findings, console);
  const { plan, declareds } = saved ? await located(session, saved) : await freshPlan(session, options, console);
  const { stack } = session;
  checkPlan(plan, { stack, declareds });
  return await applyPlan({ stack, declareds }, plan, options, console);
};

/** Everything after the plan is there: `destroy` shares it. */
export const applyPlan = async (
  session: Pick<Session, 'stack' | 'declareds'>,
  plan: Plan,
  options: ApplyCommandOptions,
  console: Console,
): Promise<ExitCode> => {
  if (options.format === 'human') console.out(await renderPlan(plan, 'human', console.outTerminal, 'no-next'));
  const errors = plan.targets.flatMap((target) => target.findings.filter(isError));
  if (errors.length > 0) throw new Failure(options.format === 'human' ? [refused(errors.length)] : errors, EXIT.refused);
  await confirm(plan, options, console);
  const { result, exitCode } = await applyTargets(session, plan, {
    maxRemovals: options.maxRemovals ?? null,
    lockTimeoutMs: options.lockTimeoutMs,
    signal: console.signal,
    onProgress: progressTo(console),
    now: () => performance.now(),
  });
  console.out(rendered(result, options.format, console));
  return exitCode;
};

const refused = (count: number) => ({
  severity: 'error' as const,
  code: 'apply/refused',
  message: `the plan has ${count === 1 ? 'an error' : `${count} errors`}; nothing was changed`,
});

type Planned = { readonly plan: Plan; readonly declareds: readonly Declared[] };

const freshPlan = async (session: Session, options: ApplyCommandOptions, console: Console): Promise<Planned> => {
  const { findings, ...planned } = await makePlan(session, options, console, 'apply');
  if (findings.length > 0) throw new Failure(findings);
  return planned;
};

const located = async (session: Session, plan: Plan): Promise<Planned> => {
  const { declareds, findings } = await locate(session);
  if (findings.length > 0) throw new Failure(findings);
  return { plan, declareds };
};

/** Once, by typing the stack's name, when anybody loses access; with nobody to ask only --auto-approve will do. */
const confirm = async (plan: Plan, options: ApplyCommandOptions, console: Console): Promise<void> => {
  if (options.autoApprove || plan.targets.every((target) => target.steps.length === 0)) return;
  const lost = plan.targets.reduce((sum, target) => sum + losing(target), 0);
  if (!console.interactive)
    throw failure(
      'apply/not-approved',
      'there is no terminal to confirm on',
      { hint: 'pass --auto-approve to apply without being asked' },
      EXIT.refused,
    );
  if (lost === 0) return;
  const answer = await console.ask(
    `${lost === 1 ? 'One role loses' : `${lost} roles lose`} access. Type the stack's name (${plan.stack}) to ${plan.command === 'destroy' ? 'destroy' : 'apply'}: `,
  );
  if (answer?.trim() !== plan.stack) throw failure('apply/not-approved', 'not confirmed; nothing was changed', {}, EXIT.refused);
};

const losing = (target: PlanTarget): number => losers(target.changes).length;

const rendered = (result: ApplyResult, format: ApplyCommandOptions['format'], console: Console): string => {
  switch (format) {
    case 'human':
      return resultText(result, console.outTerminal);
    case 'json':
      return resultJson(result);
    case 'jsonl':
      return resultJsonLines(result);
    case 'markdown':
      return resultMarkdown(result);
  }
};
