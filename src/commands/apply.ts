import { losers, unwatched } from '../core/guard.ts';
import { applyTargets, checkPlans } from '../engine/apply-targets.ts';
import { locate } from '../engine/locate.ts';
import type { Pace } from '../engine/read.ts';
import { type ManifestOptions, openSession, type Session } from '../engine/session.ts';
import type { Declared } from '../model/declared.ts';
import { EXIT, type ExitCode, Failure, failure, isError } from '../model/finding.ts';
import { byCodeUnit } from '../model/key.ts';
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
  /** Saved plans: only what one of them holds runs. */
  readonly plans?: readonly string[];
  readonly autoApprove: boolean;
  readonly format: 'human' | 'json' | 'jsonl' | 'markdown';
  readonly lockTimeoutMs: number;
  readonly maxRemovals?: number;
  readonly pace?: Pace;
  /** Only what a passed `until` asks for: it was reviewed when that was written. */
  readonly only?: 'expired';
};

/** Plans (or takes saved plans), asks when anybody loses access or an alarm goes, applies, reads back. */
export const applyCommand = async (options: ApplyCommandOptions, console: Console): Promise<ExitCode> => {
  const saved = await Promise.all((options.plans ?? []).map(openPlan));
  // An expiry between review and now changes nothing of what was reviewed.
  const [asOf] = saved.map((plan) => plan.asOf).sort(byCodeUnit);
  const session = await openSession(asOf !== undefined && options.now === undefined ? { ...options, now: asOf } : options, console.now);
  tell(session.findings, console);
  const [first, ...others] = saved;
  const { plans, declareds } = first ? await located(session, [first, ...others]) : await freshPlan(session, options, console);
  const { stack } = session;
  checkPlans(plans, { stack, declareds });
  return await applyPlans({ stack, declareds }, plans, options, console);
};

/** Everything after the plan is there: `destroy` shares it. */
export const applyPlans = async (
  session: Pick<Session, 'stack' | 'declareds'>,
  plans: Plans,
  options: ApplyCommandOptions,
  console: Console,
): Promise<ExitCode> => {
  if (options.format === 'human') for (const plan of plans) console.out(await renderPlan(plan, 'human', console.outTerminal, 'no-next'));
  const targets = plans.flatMap((plan) => plan.targets);
  const errors = targets.flatMap((target) => target.findings.filter(isError));
  if (errors.length > 0) throw new Failure(options.format === 'human' ? [refused(errors.length)] : errors, EXIT.refused);
  await confirm(plans[0], targets, options, console);
  const { result, exitCode } = await applyTargets(session, plans, {
    maxRemovals: options.maxRemovals ?? null,
    ...(options.only === undefined ? {} : { only: options.only }),
    ...options.pace,
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

type Plans = readonly [Plan, ...Plan[]];
type Planned = { readonly plans: Plans; readonly declareds: readonly Declared[] };

const freshPlan = async (session: Session, options: ApplyCommandOptions, console: Console): Promise<Planned> => {
  const { plan, declareds, findings } = await makePlan(session, options, console, 'apply');
  if (findings.length > 0) throw new Failure(findings);
  return { plans: [plan], declareds };
};

const located = async (session: Session, plans: Plans): Promise<Planned> => {
  const { declareds, findings } = await locate(session);
  if (findings.length > 0) throw new Failure(findings);
  return { plans, declareds };
};

/** Once, by typing the stack's name, when anybody loses access or an alarm goes; with nobody to ask only --auto-approve will do. */
const confirm = async (
  { stack, command }: Pick<Plan, 'stack' | 'command'>,
  targets: readonly PlanTarget[],
  options: ApplyCommandOptions,
  console: Console,
): Promise<void> => {
  if (options.autoApprove || targets.every((target) => target.steps.length === 0)) return;
  const lost = lossesOf(targets);
  if (!console.interactive)
    throw failure(
      'apply/not-approved',
      'there is no terminal to confirm on',
      { hint: 'pass --auto-approve to apply without being asked' },
      EXIT.refused,
    );
  if (lost === '') return;
  const answer = await console.ask(`${lost} Type the stack's name (${stack}) to ${command === 'destroy' ? 'destroy' : 'apply'}: `);
  if (answer?.trim() !== stack) throw failure('apply/not-approved', 'not confirmed; nothing was changed', {}, EXIT.refused);
};

/** What is lost, in a sentence or two; '' where nothing is. */
const lossesOf = (targets: readonly PlanTarget[]): string => {
  const sum = (count: (target: PlanTarget) => number): number => targets.reduce((all, target) => all + count(target), 0);
  const roles = sum(({ changes }) => losers(changes).length);
  const alarms = sum(({ changes }) => unwatched(changes));
  return [
    ...(roles === 0 ? [] : [`${roles === 1 ? 'One role loses' : `${roles} roles lose`} access.`]),
    ...(alarms === 0 ? [] : [`${alarms === 1 ? 'One change takes' : `${alarms} changes take`} alarms away.`]),
  ].join(' ');
};

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
