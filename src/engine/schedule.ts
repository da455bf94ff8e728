import type { Transaction } from '../model/plan.ts';
import type { Outcome } from '../providers/provider.ts';

/** At most so many transactions of one server at once. */
const LANES = 4;

/**
 * Runs transactions side by side where nothing stands between them: each starts when those that it waits for are committed,
 * and none runs beside another that borrows the same role. After a failure only what does not depend on it goes on.
 * Returns an outcome for each, null for those that never started.
 */
export const runTransactions = async (
  transactions: readonly Transaction[],
  run: (transaction: Transaction, index: number) => Promise<Outcome>,
  signal: AbortSignal,
): Promise<(Outcome | null)[]> => {
  const outcomes: (Outcome | null)[] = transactions.map(() => null);
  const running = new Map<number, Promise<void>>();
  const begun = new Set<number>();
  for (;;) {
    const ready = transactions.flatMap((transaction, index) =>
      !begun.has(index) && canStart(transaction, outcomes, transactions, running) ? [index] : [],
    );
    const [next] = ready;
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
    } else if (running.size > 0) await Promise.race(running.values());
    else return outcomes;
  }
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
