import { expect, test } from 'vitest';
import { runTransactions } from '../../src/engine/schedule.ts';
import { createStages, type Stages, stageOf } from '../../src/engine/stages.ts';
import type { Transaction } from '../../src/model/plan.ts';
import type { Outcome } from '../../src/providers/provider.ts';

const transaction = (rest: Partial<Transaction> = {}): Transaction => ({
  database: 'd',
  waitsFor: [],
  borrows: [],
  autocommit: false,
  ...rest,
});
const COMMITTED: Outcome = { status: 'committed' };
const FAILED: Outcome = { status: 'failed', step: null, message: 'no', retry: false };

/** Targets side by side; what ran, in order, is `target/index`. */
const runAll = async (
  targets: Readonly<Record<string, readonly Transaction[]>>,
  fails: readonly string[] = [],
  signal = new AbortController().signal,
) => {
  const stages = createStages(Object.keys(targets));
  const order: string[] = [];
  const results = await Promise.all(
    Object.entries(targets).map(async ([target, transactions]) => {
      const scheduled = await runTransactions(
        transactions,
        async (_, index) => {
          await new Promise((resolve) => setImmediate(resolve));
          order.push(`${target}/${index}`);
          return fails.includes(`${target}/${index}`) ? FAILED : COMMITTED;
        },
        { target, stages },
        signal,
      );
      const whole = scheduled.outcomes.every((outcome) => outcome?.status === 'committed');
      stages.end(target, whole);
      return [target, { started: scheduled.outcomes.map((outcome) => outcome?.status ?? null), behind: scheduled.behind }] as const;
    }),
  );
  return { order, results: Object.fromEntries(results) };
};

const open = (...awaits: string[]) => transaction({ stage: 2, awaits });
const flip = transaction({ stage: 3, awaits: ['iam'], waitsFor: [0] });
const close = (...awaits: string[]) => transaction({ stage: 4, awaits });

test('users come before policies, policies before flips, and policies close when everything else is done', async () => {
  const { order, results } = await runAll({
    iam: [close('a', 'b'), open('a'), open('b')],
    a: [transaction(), flip],
    b: [transaction(), flip],
  });
  const at = (name: string) => order.indexOf(name);
  expect(order).toHaveLength(7);
  expect(at('a/0')).toBeLessThan(at('iam/1'));
  expect(at('b/0')).toBeLessThan(at('iam/2'));
  expect(Math.max(at('iam/1'), at('iam/2'))).toBeLessThan(Math.min(at('a/1'), at('b/1')));
  expect(at('iam/0')).toBe(6);
  expect(Object.values(results).flatMap(({ behind }) => behind)).toEqual([]);
});

test('more transactions that wait than there are lanes hold nobody up', async () => {
  const { results } = await runAll({ iam: [...Array.from({ length: 9 }, () => close('a')), open('a')], a: [transaction(), flip] });
  expect(results.iam!.started).toEqual(Array.from({ length: 10 }, () => 'committed'));
});

test('a target that fails holds back what waits for it, by name, and nothing else', async () => {
  const { results } = await runAll({ iam: [open('a'), open('b'), close('a')], a: [transaction(), flip], b: [transaction()] }, ['a/0']);
  expect(results.iam).toEqual({ started: [null, 'committed', null], behind: ['a'] });
  expect(results.a!.started).toEqual(['failed', null]);
});

test('a policy that does not open leaves the login as it is', async () => {
  const { results } = await runAll({ iam: [open('a')], a: [transaction(), flip] }, ['iam/0']);
  expect(results.a).toEqual({ started: ['committed', null], behind: ['iam'] });
});

test('a target that is not part of the run is waited for by nobody', async () => {
  expect((await runAll({ a: [transaction(), flip] })).results.a!.started).toEqual(['committed', 'committed']);
});

test('an interruption ends the waiting', async () => {
  const controller = new AbortController();
  const stages: Stages = createStages(['a', 'iam']);
  const waiting = runTransactions(
    [transaction({ stage: 3, awaits: ['iam'] })],
    async () => COMMITTED,
    { target: 'a', stages },
    controller.signal,
  );
  controller.abort();
  expect((await waiting).outcomes).toEqual([null]);
});

const LEVELS: readonly (readonly [string, readonly Transaction[], readonly number[], number])[] = [
  ['nothing to do', [], [], 4],
  ['nothing done', [transaction(), flip], [], 0],
  ['users made', [transaction(), flip], [0], 2],
  ['everything', [transaction(), flip], [0, 1], 4],
  ['only a flip left', [flip], [], 2],
];
test.each(LEVELS)('how far a target is: %s', (_, transactions, committed, expected) => {
  expect(stageOf(transactions, (index) => committed.includes(index))).toBe(expected);
});
