import { setTimeout as delay } from 'node:timers/promises';
import { diff } from '../core/diff.ts';
import { operationsOf, unreviewed } from '../core/operations.ts';
import type { Cause, Change } from '../model/change.ts';
import { type Declared, isServer } from '../model/declared.ts';
import { EXIT, type ExitCode, Failure, type Finding, failure, isError } from '../model/finding.ts';
import { byCodeUnit } from '../model/key.ts';
import type { PlanTarget, Step } from '../model/plan.ts';
import type { Progress, TargetResult } from '../model/result.ts';
import type { Outcome, Provider, RunLock, Timeouts } from '../providers/provider.ts';
import { planTarget } from './plan.ts';
import { runTransactions } from './schedule.ts';
import { createStages, LAST, type Stages } from './stages.ts';

export type ApplyOptions = {
  /** What was reviewed, in one plan or in several: nothing else runs. */
  readonly approved: readonly PlanTarget[];
  readonly maxRemovals: number | null;
  /** Leaves every change out that has another cause. */
  readonly only?: Cause;
  /** true: what a passed `until` asks for runs whether or not a plan held it: it was reviewed when that was written. */
  readonly expiryToo?: boolean;
  /** Asked with what will run, under the run lock; throws a Failure to keep it from running. */
  readonly permit?: (live: PlanTarget) => Promise<void>;
  readonly lockTimeoutMs: number;
  readonly signal: AbortSignal;
  readonly onProgress: (event: Progress) => void;
  /** Clock for durations, in ms. */
  readonly now: () => number;
  readonly timeouts?: Timeouts;
  /** How far the other targets of the run are; left out: there are none. */
  readonly stages?: Stages;
};

export type Applied = { readonly result: TargetResult; readonly exitCode: ExitCode };

const ATTEMPTS = 5;
const BACKOFF_MS = 100;

/**
 * Makes one target what was reviewed: takes the run lock, plans again from a fresh reading, refuses what is not in the
 * reviewed plan, runs it, and reads once more. What fails by a race is planned again: recovery is planning.
 */
export const applyTarget = async <Snapshot>(provider: Provider<Snapshot>, declared: Declared, options: ApplyOptions): Promise<Applied> => {
  const tally: Tally = { applied: 0, statements: 0, ended: new Map() };
  const stages = options.stages ?? createStages([declared.target.name]);
  let lock: RunLock | undefined;
  let whole = false;
  try {
    lock = await provider.lock(declared, {
      timeoutMs: options.lockTimeoutMs,
      signal: options.signal,
      ...patience(options),
      onWait: (holder) => options.onProgress({ type: 'waiting-for-lock', target: declared.target.name, holder }),
    });
    const applied = await converge(provider, declared, { ...options, stages }, lock, tally);
    whole = applied.exitCode === EXIT.ok;
    return applied;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return finish(declared, tally, { findings: error.findings, exitCode: isTouched(tally) ? EXIT.partial : error.exitCode });
  } finally {
    stages.end(declared.target.name, whole);
    await lock?.release();
  }
};

type Staged = ApplyOptions & { readonly stages: Stages };

const patience = ({ timeouts }: ApplyOptions) => (timeouts ? { timeouts } : {});

type Tally = { applied: number; statements: number; readonly ended: Map<string, number> };

/** Whether anything was done, be it only a part of one change. */
export const isTouched = ({ applied, statements }: Pick<Tally, 'applied' | 'statements'>): boolean => applied + statements > 0;

const converge = async <Snapshot>(
  provider: Provider<Snapshot>,
  declared: Declared,
  options: Staged,
  lock: RunLock,
  tally: Tally,
): Promise<Applied> => {
  for (let attempt = 1; ; attempt++) {
    await lock.check();
    const { snapshot, target } = await read(provider, declared, options);
    holdServer(options.approved, target);
    await refuse(provider, snapshot, declared, target);
    hold(options.approved, target, options.expiryToo ?? false);
    // What is blocked on one target, or unread, keeps nothing of the others waiting.
    if (target.steps.length === 0) options.stages.reach(declared.target.name, LAST);
    if (target.steps.length === 0) return finish(declared, tally, { ...left(target), findings: target.findings });
    await options.permit?.(target);
    const outcome = await run(provider, snapshot, declared, target, options, lock, tally);
    const [failure] = outcome.failures;
    if (outcome.interrupted)
      return finish(declared, tally, { notStarted: outcome.notStarted, findings: [interrupted(declared)], exitCode: EXIT.interrupted });
    if (!failure && outcome.behind.length > 0)
      return finish(declared, tally, {
        notStarted: outcome.notStarted,
        findings: [leftBehind(declared, outcome.behind)],
        // What it waits for has a code of its own, which says more.
        exitCode: isTouched(tally) ? EXIT.partial : EXIT.error,
      });
    if (!failure) return await verify(provider, rotated(declared), options, tally);
    if (!failure.retry || attempt === (failure.once ? 2 : ATTEMPTS))
      return finish(declared, tally, { failure, notStarted: outcome.notStarted });
    options.onProgress({
      type: 'retry',
      target: declared.target.name,
      database: failure.step?.database ?? '',
      attempt,
      message: failure.message,
    });
    await delay(BACKOFF_MS * 2 ** attempt * (0.5 + Math.random()), undefined, { signal: options.signal }).catch(() => {});
  }
};

const read = async <Snapshot>(
  provider: Provider<Snapshot>,
  declared: Declared,
  options: ApplyOptions,
): Promise<{ readonly snapshot: Snapshot; readonly target: PlanTarget }> => {
  const { name } = declared.target;
  const started = options.now();
  const snapshot = await provider.inspect({ declared, as: 'apply', ...patience(options) });
  const target = planTarget(provider, snapshot, declared, options.maxRemovals, options.only);
  options.onProgress({
    type: 'target-read',
    target: name,
    databases: target.read.databases,
    objects: target.read.objects,
    ms: options.now() - started,
  });
  return { snapshot, target };
};

/** A reader takes no changes; a guard that says no holds whoever approved the plan. */
const refuse = async <Snapshot>(
  provider: Provider<Snapshot>,
  snapshot: Snapshot,
  declared: Declared,
  target: PlanTarget,
): Promise<void> => {
  const errors = target.findings.filter(isError);
  if (errors.length > 0) throw new Failure(errors, EXIT.refused);
  const obstacles = target.steps.length > 0 ? await provider.obstacles(snapshot, declared, target.steps) : [];
  if (obstacles.length > 0) throw new Failure(obstacles);
};

const stale = (target: string, message: string, hint: string): Failure =>
  failure('apply/plan-stale', `target '${target}': ${message}`, { hint, target }, EXIT.stale);

/** Before anything else is said: what is found on another server says nothing about the plan. */
const holdServer = (approved: readonly PlanTarget[], live: PlanTarget): void => {
  if (approved.length === 0 || approved.some((plan) => isSameServer(plan, live))) return;
  throw stale(
    live.name,
    `the plan is for another server (system identifier ${approved[0]!.identity.system}, this one is ${live.identity.system})`,
    'plan again, or correct the endpoint',
  );
};

const isSameServer = (plan: PlanTarget, live: PlanTarget): boolean =>
  live.identity.system === plan.identity.system && live.engine === plan.engine;

/** Reviewed means reviewed: about the same roles, nothing that no plan held. */
const hold = (plans: readonly PlanTarget[], live: PlanTarget, expiryToo: boolean): void => {
  const approved = plans.filter((plan) => isSameServer(plan, live));
  // Each plan is held to the roles that it named: one that was made again since is another role, whatever a later plan says.
  const replaced = approved
    .flatMap(({ roles }) => Object.entries(roles))
    .find(([name, oid]) => live.roles[name] !== undefined && live.roles[name] !== oid);
  if (replaced)
    throw stale(
      live.name,
      `${live.engine === 'iam' ? '' : 'role '}'${replaced[0]}' was dropped and made again since the plan (${typeof replaced[1] === 'number' ? 'OID ' : ''}${replaced[1]}, now ${live.roles[replaced[0]]})`,
      'plan again, and look at what it is now',
    );
  const fresh = unreviewed(approved, live).filter(({ cause }) => !(expiryToo && cause === 'expired'));
  if (fresh.length === 0) return;
  const named = fresh
    .slice(0, 5)
    .map((change) => `${change.kind} ${change.key}`)
    .join('; ');
  throw stale(
    live.name,
    `${fresh.length === 1 ? 'a change is' : `${fresh.length} changes are`} needed that ${plans.length > 1 ? 'none of the plans holds' : 'the plan does not hold'}: ${named}${fresh.length > 5 ? '; …' : ''}`,
    'plan again, and have the new plan reviewed',
  );
};

type Ran = {
  readonly failures: readonly Failed[];
  readonly notStarted: number;
  readonly interrupted: boolean;
  readonly behind: readonly string[];
};
type Failed = Extract<Outcome, { status: 'failed' }>;

const run = async <Snapshot>(
  provider: Provider<Snapshot>,
  snapshot: Snapshot,
  declared: Declared,
  target: PlanTarget,
  options: Staged,
  lock: RunLock,
  tally: Tally,
): Promise<Ran> => {
  const { name } = declared.target;
  const finished = finishedBy(target);
  const { outcomes, behind } = await runTransactions(
    target.transactions,
    async (transaction, index) => {
      const steps = target.steps.filter((step) => step.transaction === index);
      const { database } = transaction;
      const started = options.now();
      options.onProgress({ type: 'transaction-start', target: name, database, statements: steps.length });
      const outcome = await provider.execute({
        declared,
        snapshot,
        transaction,
        steps,
        lock,
        signal: options.signal,
        ...patience(options),
        onWait: (reason: string) => options.onProgress({ type: 'waiting', target: name, reason }),
        onEnded: (step, count) => count > 0 && noteEnded(tally.ended, target, step, count),
        onStep: (step: Step) =>
          options.onProgress({
            type: 'statement',
            target: name,
            database,
            sql: step.sql,
            number: steps.indexOf(step) + 1,
            of: steps.length,
          }),
        verify: (read) =>
          remaining(
            provider,
            rotated(declared),
            read,
            finished[index]!.map((change) => target.changes[change]!),
          ),
      });
      if (outcome.status === 'committed') {
        tally.applied += finished[index]!.length;
        tally.statements += steps.length;
        options.onProgress({
          type: 'transaction-done',
          target: name,
          database,
          of: isServer(declared) ? 'statement' : 'call',
          statements: steps.length,
          ms: options.now() - started,
        });
      } else {
        const { done = 0, committed = false } = outcome;
        const whole = finished[index]!.filter((change) => steps.slice(done).every(({ changes }) => !changes.includes(change))).length;
        tally.applied += done > 0 ? whole : committed ? 1 : 0;
        tally.statements += done;
        options.onProgress({
          type: 'transaction-failed',
          target: name,
          database,
          message: outcome.message,
          ...(outcome.sqlstate === undefined ? {} : { sqlstate: outcome.sqlstate }),
        });
      }
      return outcome;
    },
    { target: name, stages: options.stages },
    options.signal,
  );
  const failures = outcomes.flatMap((outcome) => (outcome?.status === 'failed' ? [outcome] : []));
  const notStarted = outcomes.flatMap((outcome, index) => (outcome === null ? finished[index]! : [])).length;
  return { failures, notStarted, interrupted: options.signal.aborted, behind };
};

/** By role: an attempt that failed may have ended some of them before. */
const noteEnded = (ended: Map<string, number>, { changes }: PlanTarget, step: Step, count: number): void => {
  for (const index of step.changes) {
    const change = changes[index]!;
    if (change.kind === 'sessions') ended.set(change.before!.role, (ended.get(change.before!.role) ?? 0) + count);
  }
};

/** Which changes are complete once each transaction has committed: those whose last step it holds. */
const finishedBy = (target: PlanTarget): readonly (readonly number[])[] => {
  const last = new Map<number, number>();
  for (const step of target.steps) for (const change of step.changes) last.set(change, Math.max(last.get(change) ?? 0, step.transaction));
  return target.transactions.map((_, index) => [...last].filter(([, transaction]) => transaction === index).map(([change]) => change));
};

/** A password that was set again is not read back: nobody can tell it from the one before. */
const rotated = (declared: Declared): Declared => ({
  ...declared,
  roles: new Map([...declared.roles].map(([name, { rotate: _, ...role }]) => [name, role])),
});

/** Of the changes that should be done, those that a reading still finds undone. */
const remaining = <Snapshot>(
  provider: Provider<Snapshot>,
  declared: Declared,
  snapshot: Snapshot,
  done: readonly Change[],
): readonly Change[] => {
  const expected = new Set(done.flatMap(operationsOf));
  return diff(provider.normalize(snapshot, declared)).filter((change) => operationsOf(change).some((operation) => expected.has(operation)));
};

const verify = async <Snapshot>(
  provider: Provider<Snapshot>,
  declared: Declared,
  options: ApplyOptions,
  tally: Tally,
): Promise<Applied> => {
  const { target } = await read(provider, declared, options);
  return finish(declared, tally, { ...left(target), findings: target.findings.filter((finding) => finding.severity !== 'note') });
};

/** What still differs, and whether there are databases of which nobody knows. */
const left = ({ changes, unread }: PlanTarget): Pick<Ending, 'residue' | 'unread'> => ({ residue: changes, unread: unread.length > 0 });

type Ending = {
  readonly residue?: readonly Change[];
  /** A database that the manifest is about was not read. */
  readonly unread?: boolean;
  readonly findings?: readonly Finding[];
  readonly failure?: Failed;
  readonly notStarted?: number;
  readonly exitCode?: ExitCode;
};

const finish = (
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

const leftBehind = (declared: Declared, behind: readonly string[]): Finding => ({
  severity: 'error',
  code: 'apply/waits',
  message: `target '${declared.target.name}': some of it waits for ${behind.map((name) => `'${name}'`).join(', ')}, which was not applied whole`,
  hint: `mend ${behind.length === 1 ? 'that target' : 'those targets'} and run it again: what is done drops out`,
  target: declared.target.name,
});

const interrupted = (declared: Declared): Finding => ({
  severity: 'error',
  code: 'apply/interrupted',
  message: `target '${declared.target.name}': interrupted; what was committed stays, ${declared.target.engine === 'postgres' ? 'the open transaction was rolled back' : 'and nothing more was begun'}`,
  hint: 'run it again: what is done drops out',
  target: declared.target.name,
});
