import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planValidatorModule, readPlanSchema } from '../../scripts/generate-plan.mjs';
import { OBJECT_KINDS } from '../../src/model/access.ts';
import { RISKS } from '../../src/model/change.ts';
import { Failure } from '../../src/model/finding.ts';
import { PHASES, type Plan } from '../../src/model/plan.ts';
import { planJson, planJsonLines } from '../../src/render/json.ts';
import { readPlan } from '../../src/render/saved-plan.ts';
import { anyPlan } from './arbitrary.ts';
import { PLANS } from './plans.ts';

const refused = (text: string): string => {
  try {
    readPlan(text, 'plan.json');
    return 'accepted';
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const [finding] = error.findings;
    return `${finding?.code}: ${finding?.message}`;
  }
};

// biome-ignore lint/suspicious/noExplicitAny: a plan that somebody edits by hand may be anything
type Loose = any;
const edited = (change: (plan: Loose) => void, name = 'mixed'): string => {
  const plan = JSON.parse(planJson(PLANS[name] as Plan));
  change(plan);
  return JSON.stringify(plan);
};

describe('planJson', () => {
  it('is read back as the same plan', () => {
    for (const plan of Object.values(PLANS)) expect(readPlan(planJson(plan), 'plan.json')).toEqual(JSON.parse(JSON.stringify(plan)));
    fc.assert(
      fc.property(anyPlan, (plan) => {
        fc.pre(plan.targets.every((target) => new Set(target.changes.map(({ key }) => key)).size === target.changes.length));
        expect(planJson(readPlan(planJson(plan), 'plan.json'))).toBe(planJson(plan));
      }),
      { numRuns: 40 },
    );
  });

  it('is the same however the object was built', () => {
    const plan = PLANS.mixed as Plan;
    expect(planJson(Object.fromEntries(Object.entries(plan).reverse()) as unknown as Plan)).toBe(planJson(plan));
  });

  it('has one event a line', () => {
    const events = planJsonLines(PLANS.mixed as Plan)
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(events[0]).toMatchObject({ type: 'plan', formatVersion: '1.0', stack: 'acme/access/prod' });
    expect(events.filter(({ type }) => type === 'change')).toHaveLength(19);
    expect(events.filter(({ type }) => type === 'step')).toHaveLength(9);
    expect(events.at(-1)).toMatchObject({ type: 'summary', counts: { add: 13, change: 3, remove: 3, blocked: 0 } });
  });
});

describe('readPlan', () => {
  const whole = planJson(PLANS.mixed as Plan);
  it.each([
    ['an empty file', '', "plan/truncated: 'plan.json' is empty"],
    [
      'a file cut in the middle',
      whole.slice(0, 2000),
      "plan/truncated: 'plan.json' ends in the middle: it was not written or copied to its end",
    ],
    [
      'a file cut after a brace',
      whole.slice(0, whole.lastIndexOf(']')),
      "plan/truncated: 'plan.json' ends in the middle: it was not written or copied to its end",
    ],
    ['a manifest', 'version: 1\nstack: a/b\n', "plan/not-a-plan: 'plan.json' is not JSON"],
    ['two documents', whole + whole, "plan/not-a-plan: 'plan.json' is not JSON"],
    ['other JSON', '[1]', 'plan/not-a-plan: \'plan.json\' is JSON, but no plan of ours: it has no "formatVersion"'],
    [
      'a format of the future',
      edited((plan) => Object.assign(plan, { formatVersion: '2.0' })),
      'plan/unknown-format: \'plan.json\' has format "2.0", this version reads 1.x',
    ],
    [
      'a format that is no text',
      edited((plan) => Object.assign(plan, { formatVersion: 1 })),
      "plan/unknown-format: 'plan.json' has format 1, this version reads 1.x",
    ],
    [
      'a missing part',
      edited((plan) => delete plan.targets[0].counts),
      'plan/invalid: \'plan.json\' is not as a plan is written: at /targets/0, "counts" is missing',
    ],
    [
      'an unknown part',
      edited((plan) => Object.assign(plan.targets[0].steps[0], { run: 1 })),
      'plan/invalid: \'plan.json\' is not as a plan is written: at /targets/0/steps/0, "run" is unknown',
    ],
    [
      'a change of an unknown kind',
      edited((plan) => Object.assign(plan.targets[0].changes[0], { kind: 'monument' })),
      "plan/invalid: 'plan.json' is not as a plan is written: at /targets/0/changes/0, the discriminator is wrong",
    ],
    [
      'a change with the body of another kind',
      edited((plan) => Object.assign(plan.targets[0].changes[0], { kind: 'grant' })),
      'plan/invalid: \'plan.json\' is not as a plan is written: at /targets/0/changes/0/before, "on" is missing',
    ],
    [
      'a digest that is none',
      edited((plan) => Object.assign(plan, { digest: 'v1:x' })),
      "plan/invalid: 'plan.json' is not as a plan is written: at /digest, the pattern is wrong",
    ],
    [
      'a step for no change',
      edited((plan) => Object.assign(plan.targets[0].steps[0], { changes: [99] })),
      "plan/edited: 'plan.json' does not fit together: target 'orders-prod' has step 0 for a change that is not there",
    ],
    [
      'a step in no transaction',
      edited((plan) => plan.targets[0].transactions.pop()),
      "plan/edited: 'plan.json' does not fit together: target 'orders-prod' has step 6 in a transaction that is not there",
    ],
    [
      'a step in another database',
      edited((plan) => Object.assign(plan.targets[0].steps[0], { database: 'x' })),
      "plan/edited: 'plan.json' does not fit together: target 'orders-prod' has step 0 in another database than its transaction",
    ],
    [
      'a change twice',
      edited((plan) => plan.targets[0].changes.push(plan.targets[0].changes[0])),
      "plan/edited: 'plan.json' does not fit together: target 'orders-prod' names a change twice",
    ],
    [
      'a transaction that waits for itself',
      edited((plan) => Object.assign(plan.targets[0].transactions[1], { waitsFor: [1] })),
      "plan/edited: 'plan.json' does not fit together: target 'orders-prod' has transaction 1 wait for a later one",
    ],
  ])('judges %s', (_, text, expected) => {
    expect(refused(text)).toBe(expected);
  });

  it('finds every cut of a plan', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: whole.length - 3 }), (end) => {
        expect(refused(whole.slice(0, end))).toMatch(/^plan\/truncated/);
      }),
    );
  });

  it('reads a later minor format', () => {
    expect(refused(edited((plan) => Object.assign(plan, { formatVersion: '1.7' })))).toBe('accepted');
  });
});

describe('schema/plan.schema.json', () => {
  const schema = readPlanSchema() as { definitions: Record<string, Loose> };
  it('lists the words that the model knows', () => {
    expect(schema.definitions.objectKind.enum).toEqual([...OBJECT_KINDS]);
    expect(schema.definitions.risk.enum).toEqual([...RISKS]);
    expect(schema.definitions.step.properties.phase.enum).toEqual([...PHASES]);
  });

  it('is what the validator was generated from', () => {
    expect(readFileSync(new URL('../../src/render/plan-schema.generated.js', import.meta.url), 'utf8')).toBe(planValidatorModule(schema));
  });
});
