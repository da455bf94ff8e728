import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Plan } from '../../src/model/plan.ts';
import { displayWidth } from '../../src/render/layout.ts';
import { planText } from '../../src/render/terminal.ts';
import { anyPlan } from './arbitrary.ts';
import { PLANS } from './plans.ts';

const show = (name: string, width: number, more: { colour?: boolean; unicode?: boolean } = {}): string =>
  planText(PLANS[name] as Plan, { width, colour: false, unicode: true, ...more });
// biome-ignore lint/suspicious/noControlCharactersInRegex: the escapes that colours are made of
const COLOURS = /\u001b\[\d+m/g;

describe('planText', () => {
  it.each([40, 60, 80, 99, 100, 120, 140])('fits into %i columns', (width) => {
    for (const name of Object.keys(PLANS)) {
      const tooWide = show(name, width)
        .split('\n')
        .filter((line) => displayWidth(line) > width);
      expect(tooWide, name).toEqual([]);
    }
  });

  it('drops file:line first', () => {
    expect(show('mixed', 100)).toContain('access/orders.yaml:41');
    expect(show('mixed', 99)).not.toContain('access/orders.yaml:41');
  });

  it('says the same with colour as without', () => {
    for (const name of Object.keys(PLANS)) expect(show(name, 100, { colour: true }).replace(COLOURS, '')).toBe(show(name, 100));
  });

  it('is ASCII where the terminal is, but for names', () => {
    for (const name of Object.keys(PLANS)) {
      if (name !== 'nasty') expect(show(name, 100, { unicode: false })).toMatch(/^[\x20-\x7e\n]*$/);
    }
  });

  it('ends with counts and what is next', () => {
    expect(show('mixed', 100)).toMatch(/\nPlan: 13 to add, 3 to change, 3 to remove\.\nDigest .*\nNext: .*\n.*--format sql\n$/);
    expect(show('nothing', 100)).toMatch(/\nNo changes\. 2 targets match the manifest\.\n$/);
    expect(planText({ ...(PLANS.nothing as Plan), command: 'destroy' }, { width: 100, colour: false, unicode: true })).toMatch(
      /\nNothing to destroy: nothing on 2 targets carries the mark of acme\/access\/prod\.\n$/,
    );
    const unmarked = (PLANS.nothing as Plan).targets.map((target) => ({ ...target, engine: 'mariadb' as const }));
    const destroy = (targets: Plan['targets']): string =>
      planText({ ...(PLANS.nothing as Plan), command: 'destroy', targets }, { width: 100, colour: false, unicode: true });
    expect(destroy(unmarked)).toMatch(/\nNothing to destroy: MariaDB keeps no marks, and nothing is known to be ours\.\n$/);
    expect(destroy([unmarked[0]!, (PLANS.nothing as Plan).targets[1]!])).toMatch(/ nothing on 1 target carries the mark of /);
    expect(show('failed', 100)).toMatch(/\nNothing can be applied: .*\n$/);
    const [barred] = (PLANS.blocked as Plan).targets;
    const stuck = { ...barred!, changes: barred!.changes.filter(({ blocked }) => blocked !== undefined) };
    expect(planText({ ...(PLANS.blocked as Plan), targets: [stuck] }, { width: 120, colour: false, unicode: true })).toMatch(
      /\nNext: mend what the reasons name\. There is nothing to apply until then, .* exit code 5\.\n$/,
    );
    expect(planText(PLANS.mixed as Plan, { width: 100, colour: false, unicode: true }, 'no-next')).toMatch(/3 to remove\.\n$/);
  });

  it('names the users again whose passwords are set because somebody asks for it', () => {
    const rotating = (name: string, rotate: readonly string[]): string =>
      planText(PLANS[name] as Plan, { width: 140, colour: false, unicode: true }, 'next', rotate);
    expect(rotating('mixed', ['jane', "o'neil", 'jane'])).toMatch(
      /\nNext: .*rolecall apply --rotate jane --rotate 'o'\\''neil' .*\n.*rolecall plan --rotate jane --rotate 'o'\\''neil' --format sql\n$/,
    );
    expect(rotating('nothing', ['jane'])).toBe(show('nothing', 140));
  });

  it('says which server it is, however narrow the terminal', () => {
    for (const width of [40, 60, 80, 120]) {
      const words = planText(PLANS.mixed as Plan, { width, colour: false, unicode: true }).split(/\s+/);
      expect(words).toContain('orders-prod.example.test:5432,');
    }
  });

  it('lets nothing of a name reach the terminal but visible characters', () => {
    fc.assert(
      fc.property(anyPlan, fc.integer({ min: 20, max: 130 }), (plan, width) => {
        const text = planText(plan, { width, colour: true, unicode: true }).replace(COLOURS, '');
        expect(text).not.toMatch(/[^\P{Cc}\n]|[\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/u);
      }),
      { numRuns: 60 },
    );
  });
});

describe('displayWidth', () => {
  it.each([
    ['abc', 3],
    ['größe', 5],
    ['日本語', 6],
    ['😀', 2],
    ['e\u0301', 1],
    ['✔ ok', 4],
  ])('%s', (text, width) => {
    expect(displayWidth(text)).toBe(width);
  });
});
