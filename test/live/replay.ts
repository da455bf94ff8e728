import type { Client } from 'pg';
import type { PlanTarget, Step } from '../../src/model/plan.ts';
import type { Postgres } from '../lab/postgres.ts';

/** Runs the transactions of a plan by hand as the login, in an order that `choose` takes from those that may start. */
export const replay = async (
  server: Postgres,
  plan: PlanTarget,
  hooks: {
    readonly choose?: (ready: readonly number[]) => number;
    readonly afterStep?: (client: Client, step: Step) => Promise<void>;
    readonly afterCommit?: (transaction: number) => Promise<void>;
  },
): Promise<void> => {
  const done = new Set<number>();
  while (done.size < plan.transactions.length) {
    const ready = plan.transactions.flatMap(({ waitsFor }, index) =>
      !done.has(index) && waitsFor.every((one) => done.has(one)) ? [index] : [],
    );
    const next = hooks.choose?.(ready) ?? ready[0]!;
    await runTransaction(server, plan, next, hooks.afterStep);
    done.add(next);
    await hooks.afterCommit?.(next);
  }
};

const runTransaction = async (
  server: Postgres,
  plan: PlanTarget,
  index: number,
  afterStep?: (client: Client, step: Step) => Promise<void>,
): Promise<void> => {
  const { database, autocommit } = plan.transactions[index]!;
  const client = await server.connect(server.master, database);
  try {
    await client.query('SET search_path = pg_catalog; SET client_min_messages = error');
    if (!autocommit) await client.query('BEGIN');
    for (const step of plan.steps.filter(({ transaction }) => transaction === index)) {
      await client.query(step.secret === undefined ? step.sql : `${step.sql.slice(0, -step.secret.length)}'replayed'`);
      await afterStep?.(client, step);
    }
    if (!autocommit) await client.query('COMMIT');
  } finally {
    await client.end();
  }
};
