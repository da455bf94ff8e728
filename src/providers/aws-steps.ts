import { setTimeout as delay } from 'node:timers/promises';
import { Failure, failure } from '../model/finding.ts';
import type { Step } from '../model/plan.ts';
import { LostReply } from './aws-calls.ts';
import { codeOf } from './aws-trouble.ts';
import type { Execution, Outcome } from './provider.ts';

/** How long is waited for what AWS has not yet heard of itself: it speaks of seconds, and sometimes of minutes. */
const WAIT = { attempts: 12, baseMs: 100, capMs: 10_000 } as const;

/** What sending the steps of a transaction takes, of one part of AWS. */
export type Sender<Snapshot> = {
  /** As people call it. */
  readonly title: string;
  readonly send: (step: Step) => Promise<unknown>;
  /** What a call that was answered by an error has to wait for; null: nothing would help. */
  readonly waitsFor: (error: unknown, step: Step) => string | null;
  /** Whether all is already as the call would make it; a Failure: it is not ours to touch, or another run made it otherwise. */
  readonly isDone: (step: Step) => Promise<boolean>;
  /** What the steps were about, read again. */
  readonly reread: () => Promise<Snapshot>;
  /** Whether planning again may cure it, as somebody else may have changed it meanwhile. */
  readonly isStale: (code: string, finding: string) => boolean;
};

/** Sends the calls in order, each its own commit, and reads until all of them show. */
export const sendSteps = async <Snapshot>(execution: Execution<Snapshot>, open: () => Promise<Sender<Snapshot>>): Promise<Outcome> => {
  const progress: { step: Step | null; done: number } = { step: null, done: 0 };
  let isStale: Sender<Snapshot>['isStale'] = () => false;
  try {
    const sender = await open();
    isStale = sender.isStale;
    for (const step of execution.steps) {
      stopIfAsked(execution);
      progress.step = step;
      execution.onStep(step);
      await run(execution, sender, step);
      progress.done++;
    }
    progress.step = null;
    await readBack(execution, sender);
    return { status: 'committed' };
  } catch (error) {
    return { ...failed(error, progress.step, isStale), done: progress.done };
  }
};

type Run = Pick<Execution<unknown>, 'signal' | 'onWait'>;

const stopIfAsked = ({ signal }: Run): void => {
  if (signal.aborted) throw failure('apply/interrupted', 'interrupted; the calls that were answered stay');
};

/** Sends one call until it is done: what was lost is looked for, what is not yet known is waited for. */
const run = async (execution: Run, sender: Sender<unknown>, step: Step): Promise<void> => {
  for (let attempt = 1; ; attempt++) {
    try {
      await sender.send(step);
      return;
    } catch (error) {
      const reason = error instanceof LostReply ? lookingFor(step) : sender.waitsFor(error, step);
      if (reason === null) throw error;
      if (await sender.isDone(step)) return;
      if (attempt >= WAIT.attempts) throw error;
      await pause(execution, reason, attempt);
    }
  }
};

const lookingFor = ({ call }: Step): string => `the answer to ${call!.operation} was lost: looking whether it was done`;

const pause = async ({ signal, onWait }: Run, reason: string, attempt: number): Promise<void> => {
  onWait?.(reason);
  await delay(Math.min(WAIT.capMs, WAIT.baseMs * 2 ** (attempt - 1)) * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => {});
  if (signal.aborted) throw failure('apply/interrupted', `interrupted while ${reason}`);
};

/** AWS tells of a change a moment later: it counts when a reading shows it. */
const readBack = async <Snapshot>(execution: Execution<Snapshot>, sender: Sender<Snapshot>): Promise<void> => {
  for (let attempt = 1; ; attempt++) {
    const left = execution.verify(await sender.reread());
    if (left.length === 0) return;
    const named = left
      .slice(0, 3)
      .map((change) => `${change.kind} ${change.key}`)
      .join('; ');
    if (attempt >= WAIT.attempts)
      throw failure(
        'apply/not-effective',
        `the calls were answered, but ${left.length === 1 ? 'a change does' : `${left.length} changes do`} not show: ${named}`,
        { hint: 'run it again: what is done drops out' },
      );
    await pause(execution, `waiting until ${sender.title} shows ${named}`, attempt);
  }
};

const failed = (error: unknown, step: Step | null, isStale: Sender<unknown>['isStale']): Extract<Outcome, { status: 'failed' }> => {
  if (error instanceof LostReply)
    return { status: 'failed', step, message: error.message, hint: 'whether it was done will show', retry: true };
  if (!(error instanceof Failure)) throw error;
  const [finding] = error.findings;
  const code = codeOf(error);
  const stale = isStale(code, finding!.code);
  return {
    status: 'failed',
    step,
    message: finding!.message,
    ...(code === '' ? {} : { sqlstate: code }),
    ...(finding!.hint === undefined ? {} : { hint: finding!.hint }),
    retry: stale,
    ...(stale && code !== '' ? { once: true as const } : {}),
  };
};
