import { describe, expect, test } from 'vitest';
import { applyPlans } from '../../src/commands/apply.ts';
import type { Alarm } from '../../src/model/alarm.ts';
import { Failure } from '../../src/model/finding.ts';
import type { PlanTarget } from '../../src/model/plan.ts';
import { change, plan, role, target } from '../render/plans.ts';

const ALARM = { name: 'failed', actions: [] } as unknown as Alarm;
const STEP = { id: 0, database: '', transaction: 0, phase: 'drop', sql: 'x', changes: [0] } as const;
const withStep = (one: PlanTarget): PlanTarget => ({ ...one, steps: [STEP] });
const jane = withStep(target('billing', [change('role', role('jane'), null, { risk: 'destructive' })]));
const joe = withStep(target('orders', [change('role', role('joe'), null, { risk: 'destructive' })]));
const alarms = withStep({ ...target('alarms', [change('alarm', ALARM, null), change('alarm', ALARM, null)]), engine: 'cloudwatch' });
const one = withStep({ ...target('alarms', [change('alarm', ALARM, null)]), engine: 'cloudwatch' });

/** What is asked of somebody who then says no. */
const asked = async (...targets: PlanTarget[]): Promise<readonly string[]> => {
  const questions: string[] = [];
  const terminal = { width: 120, colour: false, unicode: true };
  const ended = applyPlans(
    { stack: 'acme/access/prod', declareds: [] },
    [plan(...targets)],
    { manifest: [], target: [], autoApprove: false, format: 'json', lockTimeoutMs: 0 },
    {
      out: () => {},
      err: () => {},
      outTerminal: terminal,
      errTerminal: terminal,
      interactive: true,
      ask: async (question) => {
        questions.push(question);
        return 'no';
      },
      now: () => new Date(0),
      signal: new AbortController().signal,
    },
  );
  await expect(ended).rejects.toThrow(Failure);
  return questions;
};

describe('apply asks once, with what is lost', () => {
  const type = "Type the stack's name (acme/access/prod) to apply: ";
  test.each<[string, PlanTarget[], string]>([
    ['by a role', [jane], `One role loses access. ${type}`],
    ['by several', [jane, joe], `2 roles lose access. ${type}`],
    ['of alarms', [alarms], `2 changes take alarms away. ${type}`],
    ['of both', [jane, one], `One role loses access. One change takes alarms away. ${type}`],
  ])('%s', async (_, targets, question) => {
    expect(await asked(...targets)).toEqual([question]);
  });
});
