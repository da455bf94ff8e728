import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { failedBody, planBody, planSummaries, removalsNeed, type Surroundings } from '../../src/action/body.ts';
import { type Context, contextOf } from '../../src/action/context.ts';
import { digest } from '../../src/core/digest.ts';
import type { Change } from '../../src/model/change.ts';
import type { Finding } from '../../src/model/finding.ts';
import type { Plan } from '../../src/model/plan.ts';
import { takesAway } from '../../src/render/lines/line.ts';
import { outline } from '../../src/render/outline.ts';
import { pullRequestEvent } from '../lab/github/events.ts';
import { anyPlan } from '../render/arbitrary.ts';
import { hostile } from '../render/hostile.ts';
import { change, grant, member, NASTY, on, PLANS, plan, role, target } from '../render/plans.ts';

const CONTEXT: Context = contextOf(
  { GITHUB_EVENT_NAME: 'pull_request', GITHUB_REPOSITORY: 'acme/access', GITHUB_SHA: '4f1c9ae0'.repeat(5), GITHUB_RUN_ID: '812' },
  pullRequestEvent({ headSha: '9f8e7d60'.repeat(5) }),
);
const AROUND: Surroundings = { detail: 'full', context: CONTEXT, pins: '', leftOut: [], foldLines: 20, preview: 'rolecall plan' };
const textOf = (of: Plan, more: Partial<Surroundings> = {}): string => planBody(of, { ...AROUND, ...more }).text;

/** What a reader of Markdown sees outside of code, and of links and HTML that are ours. */
const outsideOfCode = (markdown: string): string => {
  const kept: string[] = [];
  let fence: string | null = null;
  for (const line of markdown.split('\n')) {
    const ticks = /^`{3,}/.exec(line)?.[0];
    if (fence !== null) fence = line.trim() === fence ? null : fence;
    else if (ticks !== undefined && !line.slice(ticks.length).includes('`')) fence = ticks;
    else kept.push(line);
  }
  if (fence !== null) throw new Error('a fence is not closed');
  return kept
    .map((line) => line.replace(/<code>[^<]*<\/code>/g, '').replace(/(?<!`)(`+)(?!`)(.*?[^`])\1(?!`)/g, ''))
    .join('\n')
    .replace(/\[[a-z0-9 ]*\]\(https:\/\/github\.com\/acme\/access\/[\w/#.%-]*\)/g, '')
    .replace(/<\/?(details|summary|code|sub)( open)?>|> \[!(WARNING|IMPORTANT|CAUTION)\]/g, '');
};

const expectHarmless = (text: string): void => {
  expect(text.length).toBeLessThanOrEqual(60_000);
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(200_000);
  const outside = outsideOfCode(text);
  expect(outside).not.toMatch(/[<@]|\]\(|:\/\/|www\.|#\d|GH-\d|`/);
  expect(outside).not.toMatch(/[^\P{Cc}\n]|[\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/u);
};

/** Any subset of the changes of a plan as drift. */
const driftOfPlan = (of: Plan, seed: number) => ({
  base: NASTY[seed % NASTY.length]!,
  changes: new Map(of.targets.map(({ name, changes }) => [name, new Set([...changes.keys()].filter((index) => (index + seed) % 3 === 0))])),
});

/** Nobody begins a session by a plan, and an owner is exchanged. */
const isPossible = ({ kind, before, after }: Change): boolean =>
  kind === 'sessions' ? before !== null : kind !== 'ownership' || after !== null;

/** Many changes that take away: such a plan does not fit whole. */
const manyTargets = (of: Plan, copies: number): Plan => ({
  ...of,
  targets: of.targets.flatMap((each) => Array.from({ length: copies }, (_, copy) => ({ ...each, name: `${each.name}.${copy}` }))),
});

describe('the body of a plan', () => {
  test('fits, keeps its fences, and makes no name a mention, a link or HTML; every removal is there at each level but the last', () => {
    const levels = new Set<number>();
    const holds = (base: Plan, seed: number, copies: number): void => {
      const of = manyTargets(base, copies);
      const drift = driftOfPlan(of, seed);
      const { text, level } = planBody(of, { ...AROUND, drift });
      levels.add(level);
      expectHarmless(text);
      if (level === 4) return;
      const removals = outline(of, level === 0 ? 'fine' : 'coarse', drift.changes).targets.flatMap(({ lines }) => lines.filter(takesAway));
      expect(text.split('\n').filter((line) => line.startsWith('> - ')).length).toBe(removals.length);
    };
    fc.assert(fc.property(anyPlan, fc.nat(), fc.constant(1), holds), { numRuns: 300 });
    fc.assert(fc.property(anyPlan, fc.nat(), fc.constantFrom(12, 40), holds), { numRuns: 10 });
    // Whatever chance made: some of these are too long for one level after another.
    for (const base of fc.sample(anyPlan, { seed: 1, numRuns: 6 })) for (const copies of [6, 12, 25, 50]) holds(base, 1, copies);
    expect(levels.size).toBeGreaterThanOrEqual(3);
  }, 120_000);

  test('is the same, and has the same digest, in whatever order its changes came', () => {
    fc.assert(
      fc.property(anyPlan, fc.nat(), (of, seed) => {
        const targets = of.targets.map((each) => ({ ...each, changes: each.changes.filter(isPossible) }));
        const turned = targets.map((each) => ({ ...each, changes: [...each.changes.slice(seed % 7), ...each.changes.slice(0, seed % 7)] }));
        expect(digest(turned)).toBe(digest(targets));
      }),
      { numRuns: 200 },
    );
  });

  test('with a hostile reason for a failure is harmless too', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(hostile, hostile, fc.boolean()), { minLength: 1, maxLength: 60 }),
        fc.constantFrom('full', 'summary'),
        (texts, detail) => {
          const findings = texts.map(
            ([message, file, placed]): Finding => ({
              severity: 'error',
              code: 'plan/odd',
              message: message.repeat(placed ? 1 : 40),
              hint: file,
              ...(placed ? { source: { file, line: 3, column: 1 } } : {}),
            }),
          );
          expectHarmless(failedBody(findings, { detail, context: CONTEXT }, () => null));
        },
      ),
      { numRuns: 200 },
    );
  });

  test('says what apply will ask for before it takes access away', () => {
    const asked = (destroyPolicy: 'allow' | 'require-label' | 'deny', context = CONTEXT) =>
      textOf(PLANS.removals as Plan, removalsNeed({ inputs: { destroyPolicy, destroyLabel: 'a`b' }, context }));
    expect(asked('require-label')).toMatch(/^> \*\*.* access away\*\* — needs the label ``a`b`` from somebody else than the author$/m);
    expect(asked('deny')).toMatch(/access away\*\* — apply refuses that$/m);
    expect(asked('allow')).toMatch(/access away\*\*$/m);
    expect(asked('require-label', { ...CONTEXT, pullRequest: null })).toMatch(/access away\*\*$/m);
  });

  test('shows drift apart from what is proposed', () => {
    const of = plan(
      target('orders', [change('membership', null, member('readers', 'jane')), change('membership', null, member('readers', 'bob'))]),
    );
    const text = textOf(of, { drift: { base: 'main', changes: new Map([['orders', new Set([1])]]) } });
    expect(text).toContain('1 change is **drift**: `main` wants that already');
    expect(text.split('\n')[0]).toMatch(/\*\* · 1 of them drift$/);
    const [proposed, drifted] = text.split('Drift:');
    expect(proposed).toMatch(/^\+ member +jane/m);
    expect(drifted).toMatch(/^\+ member +bob/m);
    expect(proposed).not.toMatch(/^\+ member +bob/m);
  });

  test('says of a removal that is drift that it is', () => {
    const of = plan(target('orders', [change('membership', member('readers', 'jane'), null)]));
    const text = textOf(of, { drift: { base: 'main', changes: new Map([['orders', new Set([0])]]) } });
    expect(text).toMatch(/^> - member `jane` leaves `readers`.* · drift$/m);
  });

  test('begins with what a pull request does not decide alone, and ends with how to see it at home', () => {
    const text = textOf(PLANS.mixed!, { pins: '> [!CAUTION]\n> **pinned**' });
    const [, subtitle, , pins] = text.split('\n\n').flatMap((part) => part.split('\n'));
    expect(text.indexOf('**pinned**')).toBeLessThan(text.indexOf('| Target |'));
    expect([subtitle, pins]).not.toContain(undefined);
    expect(text).toContain('Commit `9f8e7d6` · [run 812](https://github.com/acme/access/actions/runs/812)');
    expect(text).toContain('preview locally: `rolecall plan`');
    expect(textOf(PLANS.mixed!, { pins: `> - ${'x'.repeat(60_000)}` })).toContain('read the difference of the manifest');
  });

  test('draws what changes, where that is small', () => {
    const of = plan(
      target('orders', [
        change('role', null, role('readers', { login: false })),
        change('membership', null, member('readers', 'jane')),
        change('grant', null, grant('readers', ['SELECT'], on('table', 'orders', 'sales', 'a', 'b'))),
      ]),
    );
    expect(textOf(of)).toContain('```mermaid\nflowchart LR\n');
    expect(textOf(of)).toContain('"#43; member of"');
    expect(textOf(of)).toContain('"2 #215; table in orders.sales"');
    expect(textOf(PLANS.huge!)).not.toContain('```mermaid');
  });

  test('names nothing where anybody reads it', () => {
    const of = plan(
      target('canary-target', [change('membership', member('canary-group', 'canary-user'), null)], {
        findings: [{ severity: 'warning', code: 'plan/odd', message: 'canary' }],
      }),
    );
    const more = { detail: 'summary', pins: '> - `canary.host`' } as const;
    for (const text of [textOf(of, more), ...planSummaries(of, { ...AROUND, ...more })]) {
      expect(text).not.toContain('canary');
      expect(text).toContain('0 to add, 0 to change, 1 to remove');
      expect(text).toContain('| 1 | 0 | 0 | 1 | ⚠️ takes access away |');
    }
    const findings: Finding[] = [
      { severity: 'error', code: 'connect/denied', message: 'canary', source: { file: 'canary', line: 1, column: 1 } },
    ];
    expect(failedBody(findings, { detail: 'summary', context: CONTEXT }, () => 'https://canary')).not.toContain('canary');
  });

  test('holds no secret that came by way of a name or a message', () => {
    const leak = 'postgres://jane:Canary-1x@db and password=Canary-1x';
    const of = plan(
      target('orders', [change('role', null, role('a', { description: leak }))], {
        findings: [{ severity: 'warning', code: 'plan/odd', message: leak }],
      }),
    );
    const findings: Finding[] = [{ severity: 'error', code: 'connect/denied', message: leak }];
    for (const text of [textOf(of), failedBody(findings, AROUND, () => null)]) {
      expect(text).toContain('***');
      expect(text).not.toContain('Canary');
    }
  });

  test('of a plan that changes nothing says so', () => {
    expect(textOf(PLANS.nothing!)).toContain('### ✅ Access plan · `acme/access/prod` — no changes');
  });

  test('of a plan that failed on one target says on which, and why', () => {
    const text = textOf(PLANS.failed!);
    expect(text).toContain('— failed on 1 of 3 targets');
    expect(text).toContain('- `billing-prod` ❌ `connect/denied`');
  });
});
