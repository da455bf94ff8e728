import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { planOf, planTarget } from '../../src/engine/plan.ts';
import { declare } from '../../src/manifest/declare.ts';
import { readManifest } from '../../src/manifest/validate.ts';
import { Failure } from '../../src/model/finding.ts';
import type { Plan } from '../../src/model/plan.ts';
import { cloudwatch } from '../../src/providers/cloudwatch/index.ts';
import { iam } from '../../src/providers/iam/index.ts';
import { mysql } from '../../src/providers/mysql/index.ts';
import { postgres } from '../../src/providers/postgres/index.ts';
import type { Provider } from '../../src/providers/provider.ts';
import { findingsText } from '../../src/render/findings.ts';
import { planJson } from '../../src/render/json.ts';
import { planMarkdown } from '../../src/render/markdown.ts';
import { readPlan } from '../../src/render/saved-plan.ts';
import { planSql } from '../../src/render/sql.ts';
import { planText } from '../../src/render/terminal.ts';
import { accountOf, snapshotFrom } from './account.ts';
import { alarmsFrom, watchOf } from './alarms.ts';

// UPDATE_GOLDEN=1 writes what is now planned; the difference is reviewed like code.
const UPDATE = process.env.UPDATE_GOLDEN === '1';
const FOLDER = path.resolve(import.meta.dirname, '../../fixtures/plan');
const TERMINAL = { width: 120, colour: false, unicode: true };

const RENDERERS: Readonly<Record<string, (plan: Plan) => string>> = {
  'plan.txt': (plan) => planText(plan, TERMINAL),
  'plan.md': (plan) => planMarkdown(plan).body,
  'plan.json': planJson,
  'steps.sql': planSql,
  'findings.txt': (plan) => findingsText(plan.targets[0]!.findings, { ...TERMINAL, width: 1000 }),
};

/** From the files alone to a plan: no server, no clock. */
const planIn = (name: string, reverse = false): Plan => {
  const read = (file: string) => fs.readFileSync(path.join(FOLDER, name, file), 'utf8');
  if (fs.existsSync(path.join(FOLDER, name, 'iam.snapshot.json'))) {
    const account = accountOf(read('manifest.yaml'));
    return planOf(account.stack, account.asOf, 'plan', [planTarget(iam, snapshotFrom(read('iam.snapshot.json'), reverse), account)]);
  }
  if (fs.existsSync(path.join(FOLDER, name, 'alarms.snapshot.json'))) {
    const watch = watchOf(read('manifest.yaml'));
    return planOf(watch.stack, watch.asOf, 'plan', [planTarget(cloudwatch, alarmsFrom(read('alarms.snapshot.json'), reverse), watch)]);
  }
  const { manifest, findings } = readManifest([{ path: 'access.yaml', text: read('manifest.yaml') }]);
  if (!manifest) throw new Failure(findings);
  const declared = declare(manifest, 't', { asOf: '2026-06-01T09:00:00Z' });
  const snapshot = JSON.parse(read('t.snapshot.json'), reverse ? backwards : undefined) as unknown;
  const provider = (declared.target.engine === 'postgres' ? postgres : mysql) as Provider<unknown>;
  return planOf(declared.stack, declared.asOf, 'plan', [planTarget(provider, snapshot, declared)]);
};

/** The same value with the keys of its maps the other way round. */
const backwards = (_key: string, value: unknown): unknown =>
  value !== null && typeof value === 'object' && !Array.isArray(value) ? Object.fromEntries(Object.entries(value).reverse()) : value;

describe.each(fs.readdirSync(FOLDER).sort())('the plan of %s', (name) => {
  const plan = planIn(name);

  test.each(Object.entries(RENDERERS))('is rendered as in its %s', (file, render) => {
    const golden = path.join(FOLDER, name, file);
    const rendered = render(plan);
    if (UPDATE) fs.writeFileSync(golden, rendered);
    expect(rendered).toBe(fs.readFileSync(golden, 'utf8'));
  });

  test('is the same bytes whenever it is made, in whatever order keys were read', () => {
    for (const again of [planIn(name), planIn(name, true)]) {
      for (const render of Object.values(RENDERERS)) expect(render(again)).toBe(render(plan));
    }
  });

  test('comes back from its file', () => {
    expect(readPlan(planJson(plan), 'plan.json')).toEqual(JSON.parse(planJson(plan)));
  });
});
