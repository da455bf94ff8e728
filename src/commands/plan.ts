import { writeFile } from 'node:fs/promises';
import { locate } from '../engine/locate.ts';
import { planOf } from '../engine/plan.ts';
import { type Pace, planTargets } from '../engine/read.ts';
import { type ManifestOptions, openSession, type Session } from '../engine/session.ts';
import { withUnplanned } from '../engine/unplanned.ts';
import type { Cause } from '../model/change.ts';
import type { Declared } from '../model/declared.ts';
import { EXIT, type ExitCode, Failure, type Finding, failure, isError } from '../model/finding.ts';
import { nameKey } from '../model/key.ts';
import type { Plan } from '../model/plan.ts';
import type { Console } from './console.ts';
import { type Format, renderPlan } from './format.ts';
import { progressTo } from './progress.ts';
import { tell } from './tell.ts';

export type PlanOptions = ManifestOptions & {
  readonly format: Format;
  readonly out?: string;
  readonly detailedExitcode: boolean;
  readonly maxRemovals?: number;
  readonly pace?: Pace;
  /** What the plan is called where it is shown. */
  readonly command?: 'plan' | 'drift';
};

/** Reads everything once and prints what would change. Exit: 0, 1 error, 2 changes (when asked), 3 refused or incomplete. */
export const planCommand = async (options: PlanOptions, console: Console): Promise<ExitCode> => {
  const session = await openSession(options, console.now);
  tell([...session.findings, ...leftOutNote(session)], console);
  const { plan, findings } = await makePlan(session, options, console);
  const shown: Plan = { ...plan, command: options.command ?? 'plan', targets: withUnplanned(session, plan.targets, findings) };
  console.out(await renderPlan(shown, options.format, console.outTerminal, 'next', options.rotate));
  if (findings.length > 0) throw new Failure(options.format === 'human' ? notSaved(options.out) : findings);
  if (options.out !== undefined) await savePlan(options.out, plan, console);
  return exitOf(plan, options.detailedExitcode);
};

export const makePlan = async (
  session: Session,
  options: { readonly maxRemovals?: number; readonly only?: Cause; readonly pace?: Pace },
  console: Console,
  as: 'plan' | 'apply' = 'plan',
): Promise<{ readonly plan: Plan; readonly declareds: readonly Declared[]; readonly findings: readonly Finding[] }> => {
  const located = await locate(session);
  const { targets, findings } = await planTargets(located.declareds, {
    as,
    maxRemovals: options.maxRemovals ?? null,
    ...(options.only === undefined ? {} : { only: options.only }),
    ...options.pace,
    onProgress: progressTo(console),
    now: () => performance.now(),
  });
  const plan = planOf(session.stack, session.asOf, 'plan', targets);
  return { plan, declareds: located.declareds, findings: [...located.findings, ...findings] };
};

/** A plan of some targets looks like one of all of them. */
const leftOutNote = ({ leftOut = [] }: Session): readonly Finding[] =>
  leftOut.length === 0
    ? []
    : [
        {
          severity: 'note',
          code: 'plan/left-out',
          message: `left out, as both manifests declare them alike: ${leftOut.map(nameKey).join(', ')}`,
        },
      ];

/** The plan has told the reasons; what is left to say is that there is no file. */
const notSaved = (out: string | undefined): readonly Finding[] =>
  out === undefined
    ? []
    : [{ severity: 'error', code: 'plan/not-saved', message: `'${out}' was not written: not every target could be planned` }];

/** Nothing to do, changes, or no: an error among the findings, or a database that could not be read. */
export const exitOf = (plan: Plan, detailed: boolean): ExitCode => {
  if (plan.targets.some((target) => target.findings.some(isError) || target.unread.length > 0)) return EXIT.refused;
  return detailed && plan.targets.some((target) => target.changes.length > 0) ? EXIT.changes : EXIT.ok;
};

const WRITE_TROUBLE: Readonly<Record<string, string>> = {
  ENOENT: 'its directory does not exist',
  EISDIR: 'it is a directory',
  EACCES: 'you may not write there',
  EPERM: 'you may not write there',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
};

const savePlan = async (path: string, plan: Plan, console: Console): Promise<void> => {
  const { planJson } = await import('../render/json.ts');
  await writeFile(path, planJson(plan)).catch((error: NodeJS.ErrnoException) => {
    throw failure('plan/not-saved', `'${path}' was not written: ${WRITE_TROUBLE[error.code ?? ''] ?? error.message}`, {
      hint: 'name another file with --out',
    });
  });
  console.err(`plan written to ${path}\n`);
};
