import { setTimeout as delay } from 'node:timers/promises';
import { Failure, failure } from '../../model/finding.ts';
import type { Step } from '../../model/plan.ts';
import type { Execution, Outcome } from '../provider.ts';
import { type Connected, LostReply } from './connect.ts';
import { isDone } from './done.ts';
import { clientsOf } from './lock.ts';
import { refreshed } from './refresh.ts';
import type { Snapshot } from './snapshot.ts';
import { codeOf } from './trouble.ts';

/** How long is waited for what IAM has not yet heard of itself: AWS speaks of seconds, and sometimes of minutes. */
const WAIT = { attempts: 12, baseMs: 100, capMs: 10_000 } as const;

/** Sends the calls in order, each its own commit, and reads until all of them show. */
export const execute = async (execution: Execution<Snapshot>): Promise<Outcome> => {
  const progress: { step: Step | null; done: number } = { step: null, done: 0 };
  try {
    const connected = await clientsOf(execution.lock);
    for (const step of execution.steps) {
      stopIfAsked(execution);
      progress.step = step;
      execution.onStep(step);
      await run(execution, connected, step);
      progress.done++;
    }
    progress.step = null;
    await readBack(execution, connected);
    return { status: 'committed' };
  } catch (error) {
    return { ...failed(error, progress.step), done: progress.done };
  }
};

const stopIfAsked = ({ signal }: Execution<Snapshot>): void => {
  if (signal.aborted) throw failure('apply/interrupted', 'interrupted; the calls that were answered stay');
};

/** Sends one call until it is done: what was lost is looked for, what is not yet known is waited for. */
const run = async (execution: Execution<Snapshot>, connected: Connected, step: Step): Promise<void> => {
  const { operation, input } = step.call!;
  for (let attempt = 1; ; attempt++) {
    try {
      await connected.call(operation, input);
      return;
    } catch (error) {
      const reason = waitsFor(error, step, execution);
      if (reason === null) throw error;
      if (await isDone(connected, step, execution.declared)) return;
      if (attempt >= WAIT.attempts) throw error;
      await pause(execution, reason, attempt);
    }
  }
};

/** What a call that failed has to wait for; null: nothing would help. */
const waitsFor = (error: unknown, step: Step, { steps, declared }: Execution<Snapshot>): string | null => {
  const { operation, input } = step.call!;
  if (error instanceof LostReply) return `the answer to ${operation} was lost: looking whether it was done`;
  const before = steps.slice(0, steps.indexOf(step)).map(({ call }) => call!.operation);
  switch (codeOf(error)) {
    case 'EntityAlreadyExists':
      return /^Create(Policy|Role)$/.test(operation) ? 'looking whose it is that exists' : null;
    case 'NoSuchEntity': {
      if (/^(Delete|Detach)/.test(operation)) return 'looking whether it is gone';
      return before.some((earlier) => /^Create/.test(earlier)) ? `waiting until IAM knows what was just made (${operation})` : null;
    }
    case 'DeleteConflict':
      // What is not of this run's making goes by no waiting.
      if (/instance profile/i.test((error as Error).message)) return null;
      return before.some((earlier) => /^(Detach|Delete)/.test(earlier))
        ? `waiting until IAM has heard of what was detached (${operation})`
        : null;
    case 'MalformedPolicyDocument': {
      const trust = String(input.AssumeRolePolicyDocument ?? input.PolicyDocument ?? '');
      const names = declared.iam!.roles.some(({ name }) => trust.includes(`/${name}"`));
      return names && /principal/i.test((error as Error).message) ? 'waiting until IAM knows the role that the trust policy names' : null;
    }
  }
  return null;
};

const pause = async ({ signal, onWait }: Execution<Snapshot>, reason: string, attempt: number): Promise<void> => {
  onWait?.(reason);
  await delay(Math.min(WAIT.capMs, WAIT.baseMs * 2 ** (attempt - 1)) * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => {});
  if (signal.aborted) throw failure('apply/interrupted', `interrupted while ${reason}`);
};

/** IAM tells of a change a moment later: it counts when a reading shows it. */
const readBack = async (execution: Execution<Snapshot>, connected: Connected): Promise<void> => {
  for (let attempt = 1; ; attempt++) {
    const left = execution.verify(await refreshed(connected, execution));
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
    await pause(execution, `waiting until IAM shows ${named}`, attempt);
  }
};

/** What planning again may cure, as somebody else may have changed it meanwhile. */
const STALE = new Set(['NoSuchEntity', 'EntityAlreadyExists', 'DeleteConflict', 'LimitExceeded']);

const failed = (error: unknown, step: Step | null): Extract<Outcome, { status: 'failed' }> => {
  if (error instanceof LostReply)
    return { status: 'failed', step, message: error.message, hint: 'whether it was done will show', retry: true };
  if (!(error instanceof Failure)) throw error;
  const [finding] = error.findings;
  const code = codeOf(error);
  return {
    status: 'failed',
    step,
    message: finding!.message,
    ...(code === '' ? {} : { sqlstate: code }),
    ...(finding!.hint === undefined ? {} : { hint: finding!.hint }),
    retry: STALE.has(code) || finding!.code === 'iam/changed-meanwhile',
    ...(STALE.has(code) ? { once: true as const } : {}),
  };
};
