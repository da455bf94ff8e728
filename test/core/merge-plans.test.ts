import { expect, test } from 'vitest';
import { digest } from '../../src/core/digest.ts';
import { mergePlans } from '../../src/core/merge-plans.ts';
import type { Plan, PlanTarget } from '../../src/model/plan.ts';
import { PLANS } from '../render/plans.ts';

const leg = PLANS.mixed!;
const named = (name: string): PlanTarget => ({ ...leg.targets[0]!, name });
const plan = (targets: readonly PlanTarget[], rest: Partial<Plan> = {}): Plan => ({ ...leg, targets, digest: digest(targets), ...rest });

test('plans that were made apart are one plan, in whatever order they come', () => {
  const [a, b] = [plan([named('b')], { asOf: '2026-02-01T00:00:00Z' }), plan([named('a')], { asOf: '2026-01-01T00:00:00Z' })];
  const merged = mergePlans([a, b]);
  expect(merged).toEqual(mergePlans([b, a]));
  expect(merged.targets.map(({ name }) => name)).toEqual(['a', 'b']);
  expect(merged).toMatchObject({ asOf: '2026-01-01T00:00:00Z', digest: digest([named('a'), named('b')]) });
});

test.each([
  ['of two stacks', plan([named('b')], { stack: 'other/stack' }), 'for several stacks'],
  ['of two commands', plan([named('b')], { command: leg.command === 'plan' ? 'destroy' : 'plan' }), 'one is a plan to'],
  ['with the same target', plan([named('a')]), 'two of the plans hold target a'],
])('plans %s are no parts of one', (_, other, message) => {
  expect(() => mergePlans([plan([named('a')]), other])).toThrow(message);
});
