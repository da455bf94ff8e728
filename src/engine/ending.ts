import type { Change } from '../model/change.ts';
import type { Declared } from '../model/declared.ts';
import { EXIT, type ExitCode, type Finding } from '../model/finding.ts';
import { byCodeUnit } from '../model/key.ts';
import type { PlanTarget, Step } from '../model/plan.ts';
import type { TargetResult } from '../model/result.ts';
import type { Failed } from '../providers/failed.ts';

/** What became of one target, and the exit code that it asks for. */
export type Applied = { readonly result: TargetResult; readonly exitCode: ExitCode };

/** How much is done so far; `ended`: sessions by role. */
export type Tally = { applied: number; statements: number; readonly ended: Map<string, number> };

/** Whether anything was done, be it only a part of one change. */
export const isTouched = ({ applied, statements }: Pick<Tally, 'applied' | 'statements'>): boolean => applied + statements > 0;

/** Counts sessions that ended, by role: an attempt that failed may have ended some of them before. */
export const noteEnded = (ended: Map<string, number>, { changes }: PlanTarget, step: Step, count: number): void => {
  for (const index of step.changes) {
    const change = changes[index]!;
    if (change.kind === 'sessions') ended.set(change.before!.role, (ended.get(change.before!.role) ?? 0) + count);
  }
};

/** What still differs, and whether there are databases of which nobody knows. */
export const left = ({ changes, unread }: PlanTarget): Pick<Ending, 'residue' | 'unread'> => ({
  residue: changes,
  unread: unread.length > 0,
});

/** How it ended, but for what was counted. */
export type Ending = {
  readonly residue?: readonly Change[];
  /** A database that the manifest is about was not read. */
  readonly unread?: boolean;
  readonly findings?: readonly Finding[];
  readonly failure?: Failed;
  readonly notStarted?: number;
  readonly exitCode?: ExitCode;
};

/** The result of a target, by how it ended and what was done before. */
export const finish = (
  declared: Declared,
  tally: Tally,
  { residue = [], unread = false, findings = [], failure, notStarted = 0, exitCode }: Ending,
): Applied => {
  const trouble = failure !== undefined || exitCode !== undefined;
  const status = trouble
    ? isTouched(tally)
      ? 'partial'
      : 'failed'
    : residue.length > 0 || (unread && isTouched(tally))
      ? 'partial'
      : isTouched(tally)
        ? 'applied'
        : 'unchanged';
  const failed = failure && {
    sql: failure.step?.sql ?? '',
    message: failure.hint ? `${failure.message} · ${failure.hint}` : failure.message,
    ...(failure.sqlstate === undefined ? {} : { sqlstate: failure.sqlstate }),
  };
  return {
    result: {
      name: declared.target.name,
      status,
      applied: tally.applied,
      statements: tally.statements,
      residue,
      ...(failed ? { failed } : {}),
      notStarted,
      ...(tally.ended.size === 0
        ? {}
        : { sessions: [...tally.ended].sort(([a], [b]) => byCodeUnit(a, b)).map(([role, before]) => ({ role, before, after: 0 })) }),
      findings,
    },
    exitCode: exitCode ?? (status === 'partial' ? EXIT.partial : failure ? EXIT.error : unread ? EXIT.refused : EXIT.ok),
  };
};

/** Why a target stopped: another one that it waits for. */
export const leftBehind = (declared: Declared, behind: readonly string[]): Finding => ({
  severity: 'error',
  code: 'apply/waits',
  message: `target '${declared.target.name}': some of it waits for ${behind.map((name) => `'${name}'`).join(', ')}, which was not applied whole`,
  hint: `mend ${behind.length === 1 ? 'that target' : 'those targets'} and run it again: what is done drops out`,
  target: declared.target.name,
});

/** Why a target stopped: somebody asked. */
export const interrupted = (declared: Declared): Finding => ({
  severity: 'error',
  code: 'apply/interrupted',
  message: `target '${declared.target.name}': interrupted; what was committed stays, ${declared.target.engine === 'postgres' ? 'the open transaction was rolled back' : 'and nothing more was begun'}`,
  hint: 'run it again: what is done drops out',
  target: declared.target.name,
});
