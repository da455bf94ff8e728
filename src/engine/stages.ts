import type { Transaction } from '../model/plan.ts';

/** Where targets wait for one another: a policy opens when the user is made, a login flips when its policy is open. */
export type Stages = {
  /** Every transaction of the target up to this stage is committed. */
  readonly reach: (target: string, stage: number) => void;
  /** The target will not get beyond this stage: something of a higher one cannot be done. */
  readonly bound: (target: string, stage: number) => void;
  /** Nothing more comes from the target; what it has not reached by now it never will, unless it is `whole`. */
  readonly end: (target: string, whole: boolean) => void;
  /** 'never' names the target that ended too early. */
  readonly ready: (transaction: Transaction) => 'yes' | 'wait' | { readonly never: string };
  /** Resolves when any target gets further, or the signal is raised. */
  readonly changed: (signal: AbortSignal) => Promise<void>;
};

/** How far each target of a run is; targets that are not part of it are waited for by nobody. */
export const createStages = (targets: readonly string[]): Stages => {
  const reached = new Map<string, number>(targets.map((name) => [name, 0]));
  /** How far each can still get. */
  const bounds = new Map<string, number>(targets.map((name) => [name, LAST]));
  let waiting: (() => void)[] = [];
  const tell = () => {
    const all = waiting;
    waiting = [];
    for (const wake of all) wake();
  };
  return {
    reach: (target, stage) => {
      if (stage <= reached.get(target)!) return;
      reached.set(target, stage);
      tell();
    },
    bound: (target, stage) => {
      if (stage >= bounds.get(target)!) return;
      bounds.set(target, stage);
      tell();
    },
    end: (target, whole) => {
      if (whole) reached.set(target, LAST);
      else bounds.set(target, 0);
      tell();
    },
    ready: ({ stage = 1, awaits = [] }) => {
      const behind = awaits.filter((target) => (reached.get(target) ?? stage) < stage - 1);
      const never = behind.find((target) => bounds.get(target)! < stage - 1);
      return never !== undefined ? { never } : behind.length > 0 ? 'wait' : 'yes';
    },
    changed: (signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve();
        const wake = () => {
          signal.removeEventListener('abort', wake);
          resolve();
        };
        signal.addEventListener('abort', wake);
        waiting.push(wake);
      }),
  };
};

/** The stage of a target that has nothing left to do. */
export const LAST = 4;

/** The highest stage up to which everything is committed. */
export const stageOf = (transactions: readonly Transaction[], isCommitted: (index: number) => boolean): number =>
  Math.min(...transactions.map(({ stage = 1 }, index) => (isCommitted(index) ? LAST : stage - 1)), LAST);
