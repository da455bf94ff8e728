import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { planJson } from '../../src/render/json.ts';
import { planMarkdown } from '../../src/render/markdown.ts';
import { planSql } from '../../src/render/sql.ts';
import { planText } from '../../src/render/terminal.ts';
import { PLANS } from './plans.ts';

// UPDATE_GOLDEN=1 writes what is now rendered; the difference is reviewed like code.
const UPDATE = process.env.UPDATE_GOLDEN === '1';

const RENDERERS = {
  'plan.txt': (plan) => planText(plan, { width: 120, colour: false, unicode: true }),
  'plan.md': (plan) => planMarkdown(plan).body,
  'plan.json': planJson,
  'steps.sql': planSql,
} satisfies Record<string, (plan: (typeof PLANS)[string]) => string>;

/** Thousands of changes are kept in their folded views only. */
const TOO_LARGE = new Set(['huge/plan.json', 'huge/steps.sql', 'huge/plan.md']);

describe('a plan is rendered as in fixtures/render', () => {
  for (const [name, plan] of Object.entries(PLANS)) {
    for (const [file, render] of Object.entries(RENDERERS)) {
      if (TOO_LARGE.has(`${name}/${file}`)) continue;
      it(`${name}/${file}`, () => {
        const folder = new URL(`../../fixtures/render/${name}/`, import.meta.url);
        const golden = new URL(file, folder);
        const rendered = render(plan);
        if (UPDATE) {
          mkdirSync(folder, { recursive: true });
          writeFileSync(golden, rendered);
        }
        expect(existsSync(golden)).toBe(true);
        expect(rendered).toBe(readFileSync(golden, 'utf8'));
      });
    }
  }
});
