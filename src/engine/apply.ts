import { setTimeout as delay } from 'node:timers/promises';
import { diff } from '../core/diff.ts';
import { operationsOf } from '../core/operations.ts';
import type { Cause, Change } from '../model/change.ts';
import { type Declared, isServer } from '../model/declared.ts';
import { EXIT, Failure, isError } from '../model/finding.ts';
import type { PlanTarget, Step } from '../model/plan.ts';
import type { Progress } from '../model/result.ts';
import type { Failed } from '../providers/failed.ts';
import type { Provider, RunLock, Timeouts } from '../providers/provider.ts';
import { type Applied, finish, interrupted, isTouched, left, leftBehind, noteEnded, type Tally } from './ending.ts';
import { hold, holdServer } from './hold.ts';
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

type Ran = {
  readonly failures: readonly Failed[];
  readonly notStarted: number;
  readonly interrupted: boolean;
  readonly behind: readonly string[];
};

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
