import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Plan } from '../../src/model/plan.ts';
import { takesAway } from '../../src/render/lines/line.ts';
import { planMarkdown } from '../../src/render/markdown.ts';
import { outline } from '../../src/render/outline.ts';
import { anyPlan } from './arbitrary.ts';
import { NASTY, PLANS } from './plans.ts';

const body = (name: string, maxChars = Number.POSITIVE_INFINITY) => planMarkdown(PLANS[name] as Plan, { maxChars });

/** What a reader of Markdown sees outside of code: fenced blocks and code spans taken out as CommonMark does. */
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
  return kept.map((line) => line.replace(/(?<!`)(`+)(?!`)(.*?[^`])\1(?!`)/g, '')).join('\n');
};

const OURS = /<\/?(details|summary|code|sub)( open)?>|> \[!(WARNING|IMPORTANT)\]/g;

/** Text in HTML of ours is code too: `<code>…</code>`, its entities escaped. */
const foreign = (markdown: string): string => outsideOfCode(markdown.replace(/<code>[^<]*<\/code>/g, '')).replace(OURS, '');

describe('planMarkdown', () => {
  it('lets no mention, HTML, link or reference of a name outside of code', () => {
    fc.assert(
      fc.property(anyPlan, (plan) => {
        const text = foreign(planMarkdown(plan, { foldLines: 5, leftOut: NASTY }).body);
        expect(text).not.toMatch(/[<@]|\]\(|:\/\/|www\.|#\d|GH-\d|`/);
        expect(text).not.toMatch(/[^\P{Cc}\n]|[\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/u);
      }),
      { numRuns: 60 },
    );
  });

  it('keeps every row of the table whole', () => {
    const plan = PLANS.nasty as Plan;
    const targets = NASTY.map((name) => ({ ...(plan.targets[0] as Plan['targets'][number]), name, changes: [], steps: [], access: [] }));
    const rows = planMarkdown({ ...plan, targets: [...targets, ...(PLANS.mixed as Plan).targets] })
      .body.split('\n')
      .filter((line) => line.startsWith('| '));
    expect(rows).toHaveLength(NASTY.length + 2);
    for (const row of rows) expect(row.split('|')).toHaveLength(8);
  });

  it('stays within any budget that holds a heading', () => {
    fc.assert(
      fc.property(anyPlan, fc.integer({ min: 150, max: 20_000 }), (plan, maxChars) => {
        expect(planMarkdown(plan, { maxChars }).body.length).toBeLessThanOrEqual(maxChars);
        const bytes = new TextEncoder().encode(planMarkdown(plan, { maxBytes: maxChars }).body).length;
        expect(bytes).toBeLessThanOrEqual(maxChars);
      }),
      { numRuns: 60 },
    );
  });

  it('shows every removal at each level but the last', () => {
    const levels = new Set<number>();
    for (const [name, plan] of Object.entries(PLANS)) {
      const removals = outline(plan).targets.flatMap((target) => target.lines.filter(takesAway).map((line) => ({ target, line })));
      for (let maxChars = 60_000; maxChars > 500; maxChars = Math.floor(maxChars * 0.7)) {
        const { body, level } = planMarkdown(plan, { maxChars });
        levels.add(level);
        if (level === 4) break;
        const listed = body.split('\n').filter((line) => line.startsWith('> - '));
        expect(listed.length, `${name} at ${level}`).toBe(removals.length);
        for (const { line } of removals) {
          for (const piece of [...line.subjects, ...line.text.flatMap((part) => (typeof part === 'string' ? [] : [part.name]))]) {
            expect(body).toContain(piece);
          }
        }
      }
    }
    expect([...levels].sort()).toEqual([0, 1, 2, 3, 4]);
  });

  it('says at the last level how many removals are missing', () => {
    const { body: text, level } = body('removals', 2000);
    expect(level).toBe(4);
    const listed = text.split('\n').filter((line) => line.startsWith('> - ') && !line.includes('not listed')).length;
    expect(text).toContain(`and ${48 - listed} more that are not listed here`);
  });

  it('leaves out statements first, then folds, then counts', () => {
    const full = body('failed').body.length;
    expect(body('failed').level).toBe(0);
    expect(body('failed', full - 1).body).not.toContain('Exact statements');
    expect(body('failed', 3000).body).toContain('`orders-prod` details left out: ');
    expect(body('huge', 1000).body).toContain('details left out: 40 × grant, 1,200 × user, 1,200 × member');
  });

  it('replaces the verdict when a target fails, and says so when nothing changes', () => {
    expect(body('failed').body).toMatch(/^### ❌ .* — failed on 1 of 3 targets\n/);
    expect(body('nothing').body).toMatch(/^### ✅ .* — no changes\n\nNo changes\. 2 targets match the manifest\.\n/);
  });

  it('says where it is drift', () => {
    const { mixed, nothing } = PLANS as Readonly<Record<string, Plan>>;
    expect(planMarkdown({ ...mixed!, command: 'drift' }).body).toMatch(/^### . Access drift · `[^`]+` — \*\*/u);
    expect(planMarkdown({ ...nothing!, command: 'drift' }).body).toMatch(/^### ✅ Access drift · `[^`]+` — none\n[\s\S]*No drift\./);
  });

  it('names what it left out, also where nothing changes', () => {
    const { mixed, nothing } = PLANS as Readonly<Record<string, Plan>>;
    for (const plan of [mixed!, nothing!, { ...nothing!, targets: [] }])
      expect(planMarkdown(plan, { leftOut: ['a b', 'c'] }).body).toContain('**Left out**, as nothing about them was changed: `a b`, `c`.');
  });

  it('takes words of the caller as they are', () => {
    const text = planMarkdown(PLANS.mixed as Plan, { subtitle: 'Commit `abc`', links: '[plan.json](https://example.test)' }).body;
    expect(text).toContain('\n\nCommit `abc`\n\n');
    expect(text).toContain(' · [plan.json](https://example.test)</sub>');
  });
});
