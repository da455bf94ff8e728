import fc from 'fast-check';
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
  again: readonly string[] = [],
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
          const name = `${target}/${index}`;
          return again.includes(name) ? { ...FAILED, retry: true } : fails.includes(name) ? FAILED : COMMITTED;
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

/** Transactions of lower stages on the targets that one awaits; of these, those that are among `done`. */
const earlierOf = (
  name: string,
  targets: Readonly<Record<string, readonly Transaction[]>>,
  done?: ReadonlySet<string>,
): readonly string[] => {
  const [target = '', index = ''] = name.split('/');
  const { stage = 1, awaits = [] } = targets[target]![Number(index)]!;
  const all = awaits.flatMap((other) => targets[other]!.flatMap((one, at) => ((one.stage ?? 1) < stage ? [`${other}/${at}`] : [])));
  return all.filter((other) => done?.has(other) ?? true);
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

test('targets that wait for one another end when a third one keeps one of them from going on', async () => {
  const { results } = await runAll({ iam: [open('a'), open('b'), close('a')], a: [transaction(), flip], b: [transaction()] }, ['b/0']);
  expect(results).toEqual({
    iam: { started: ['committed', null, null], behind: ['b', 'a'] },
    a: { started: ['committed', null], behind: ['iam'] },
    b: { started: ['failed'], behind: [] },
  });
});

test('a failure that is to be tried again waits for nobody who waits for it', async () => {
  const { results } = await runAll({ iam: [open('a'), close('a')], a: [transaction(), flip] }, [], ['iam/0']);
  expect(results.iam!.started).toEqual(['failed', null]);
});

test('whatever fails, for good or for now, the waiting ends and nothing starts before what it waits for', async () => {
  const server = fc
    .tuple(fc.boolean(), fc.boolean())
    .map(([flips, flipsMore]) => [transaction(), ...(flips ? [flip] : []), ...(flipsMore ? [flip] : [])]);
  const awaits = fc.subarray(['a', 'b', 'c'], { minLength: 1 });
  const account = fc
    .array(fc.tuple(fc.boolean(), awaits), { maxLength: 6 })
    .map((all) => all.map(([opens, names]) => (opens ? open(...names) : close(...names))));
  const named = fc.subarray(
    ['iam', 'a', 'b', 'c'].flatMap((name) => [0, 1, 2].map((index) => `${name}/${index}`)),
    { maxLength: 3 },
  );
  await fc.assert(
    fc.asyncProperty(fc.record({ iam: account, a: server, b: server, c: server }), named, named, async (targets, fails, again) => {
      const { order, results } = await runAll(targets, fails, again);
      const undone = Object.values(results).flatMap(({ started }) => started.filter((status) => status !== 'committed'));
      expect(order.length + undone.length).toBeGreaterThanOrEqual(Object.values(targets).flat().length);
      if (fails.length + again.length === 0) expect(undone).toEqual([]);
      const done = (position: number) => new Set(order.slice(0, position).filter((name) => ![...fails, ...again].includes(name)));
      for (const [position, name] of order.entries()) expect(earlierOf(name, targets, done(position))).toEqual(earlierOf(name, targets));
    }),
    { numRuns: 300 },
  );
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
