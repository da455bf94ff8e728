import type { Transaction } from '../model/plan.ts';
import type { Outcome } from '../providers/provider.ts';
import { type Stages, stageOf } from './stages.ts';

/** At most so many transactions of one server at once. */
const LANES = 4;

/** `outcomes`: one for each transaction, null for those that never started; `behind`: targets that these waited for in vain. */
export type Scheduled = { readonly outcomes: readonly (Outcome | null)[]; readonly behind: readonly string[] };

/** Where a target stands among others. */
export type Place = { readonly target: string; readonly stages: Stages };

/**
 * Runs transactions side by side where nothing stands between them: each starts when those that it waits for are committed, here
 * and on other targets, and none runs beside another that borrows the same role. After a failure only what does not depend on it
 * goes on; one that may be cured by another attempt is not left waiting for other targets, which may be waiting for it.
 */
export const runTransactions = async (
  transactions: readonly Transaction[],
  run: (transaction: Transaction, index: number) => Promise<Outcome>,
  { target, stages }: Place,
  signal: AbortSignal,
): Promise<Scheduled> => {
  const outcomes: (Outcome | null)[] = transactions.map(() => null);
  const running = new Map<number, Promise<void>>();
  const begun = new Set<number>();
  const isCommitted = (index: number) => outcomes[index]?.status === 'committed';
  for (;;) {
    stages.reach(target, stageOf(transactions, isCommitted));
    const lost = lostOf(transactions, outcomes, stages);
    stages.bound(
      target,
      stageOf(transactions, (index) => !lost.has(index)),
    );
    const clear = transactions.flatMap((transaction, index) =>
      !begun.has(index) && canStart(transaction, outcomes, transactions, running) ? [index] : [],
    );
    const next = clear.find((index) => stages.ready(transactions[index]!) === 'yes');
    const again = outcomes.some((outcome) => outcome?.status === 'failed' && outcome.retry);
    const waiting = !again && clear.some((index) => stages.ready(transactions[index]!) === 'wait');
    if (next !== undefined && running.size < LANES && !signal.aborted) {
      begun.add(next);
      running.set(
        next,
        run(transactions[next]!, next)
          .then((outcome) => {
            outcomes[next] = outcome;
          })
          .finally(() => running.delete(next)),
      );
    } else if (running.size > 0) await Promise.race([...running.values(), ...(waiting ? [stages.changed(signal)] : [])]);
    else if (waiting && !signal.aborted) await stages.changed(signal);
    else return { outcomes, behind: neverReady(transactions, begun, stages) };
  }
};

/** What can never be done: it failed for good, waits for such a one, or for a target that does not get there. */
const lostOf = (transactions: readonly Transaction[], outcomes: readonly (Outcome | null)[], stages: Stages): ReadonlySet<number> => {
  const lost = new Set<number>();
  for (const [index, transaction] of transactions.entries()) {
    const outcome = outcomes[index];
    const failed = outcome?.status === 'failed' && !outcome.retry;
    const never = !outcome && (transaction.waitsFor.some((earlier) => lost.has(earlier)) || typeof stages.ready(transaction) === 'object');
    if (failed || never) lost.add(index);
  }
  return lost;
};

const neverReady = (transactions: readonly Transaction[], begun: ReadonlySet<number>, stages: Stages): string[] => {
  const found = transactions.flatMap((transaction, index) => {
    const ready = stages.ready(transaction);
    return !begun.has(index) && typeof ready === 'object' ? [ready.never] : [];
  });
  return [...new Set(found)];
};

const canStart = (
  transaction: Transaction,
  outcomes: readonly (Outcome | null)[],
  all: readonly Transaction[],
  running: ReadonlyMap<number, unknown>,
): boolean => {
  const clear = transaction.waitsFor.every((index) => outcomes[index]?.status === 'committed');
  return clear && ![...running.keys()].some((index) => all[index]!.borrows.some((role) => transaction.borrows.includes(role)));
};
