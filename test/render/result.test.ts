import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Plan } from '../../src/model/plan.ts';
import type { ApplyResult, Progress, TargetResult } from '../../src/model/result.ts';
import { displayWidth } from '../../src/render/layout.ts';
import { progressText, statementText } from '../../src/render/progress.ts';
import { resultJson, resultJsonLines, resultMarkdown, resultText } from '../../src/render/result.ts';
import { hostile } from './hostile.ts';
import { PLANS } from './plans.ts';

const residue = (PLANS.blocked as Plan).targets[0]?.changes.slice(0, 1) ?? [];
const target = (name: string, more: Partial<TargetResult> = {}): TargetResult => ({
  name,
  status: 'applied',
  applied: 9,
  statements: 6,
  residue: [],
  notStarted: 0,
  findings: [],
  ...more,
});
const result = (...targets: TargetResult[]): ApplyResult => ({
  formatVersion: '1.0',
  stack: 'acme/access',
  digest: `v1:${'7'.repeat(64)}`,
  targets,
});
const failed = result(
  target('orders'),
  target('billing', {
    status: 'partial',
    applied: 2,
    statements: 2,
    notStarted: 4,
    failed: { sql: 'GRANT SELECT\n  ON TABLE "a" TO "maria"', message: 'permission denied for table a', sqlstate: '42501' },
  }),
  target('scratch', { status: 'skipped', applied: 0, statements: 0, notStarted: 3 }),
);
const terminal = { width: 100, colour: false, unicode: true };

it('tells how many sessions were ended, of which roles', () => {
  const one = result(target('orders', { sessions: [{ role: 'j\u202edoe', before: 3, after: 0 }] }));
  expect(resultText(one, terminal)).toContain('    sessions of "j\\u202edoe": 3 before, none now\n');
  expect(resultMarkdown(one)).toContain('- `orders` sessions of `j\\u202edoe`: 3 before, none now\n');
});

describe('resultText', () => {
  it('says that all is done', () => {
    expect(resultText(result(target('orders')), terminal)).toBe(
      [
        '✔ orders  applied, read back   9 changes, 6 statements',
        '',
        '9 changes applied in 6 statements.',
        'Read back: all is as planned.',
        '',
      ].join('\n'),
    );
  });

  it('says that nothing was to do', () => {
    expect(resultText(result(target('orders', { status: 'unchanged', applied: 0, statements: 0 })), terminal)).toContain(
      '\nNothing to do.\n',
    );
  });

  it('does not send anybody to apply a stale plan again', () => {
    const findings = [{ severity: 'error', code: 'apply/plan-stale', message: 'a change is needed that the plan does not hold' }] as const;
    const text = resultText(result(target('orders', { status: 'failed', applied: 0, statements: 0, findings })), terminal);
    expect(text.split('\n').at(-2)).toBe('Plan again, and have the new plan reviewed: only what the plan holds is run.');
  });

  it('shows the statement that failed, what was not started, and the way on', () => {
    expect(resultText(failed, terminal)).toBe(
      [
        '✔ orders   applied, read back   9 changes, 6 statements',
        '● billing  applied in part   2 changes, 2 statements, 4 not started',
        '    permission denied for table a (42501)',
        '    GRANT SELECT ON TABLE "a" TO "maria"',
        '○ scratch  skipped',
        '',
        '11 changes applied in 8 statements, 1 failed, 7 not started.',
        'Fix the cause, then run apply again: what is done drops out of the plan, the rest continues.',
        '',
      ].join('\n'),
    );
  });

  it('names what is left over and why', () => {
    const text = resultText(result(target('orders', { status: 'partial', residue })), { ...terminal, width: 300 });
    expect(text).toContain("left over: - grant jane SELECT on table orders.hr.salaries: 'SELECT' was granted by 'postgres'");
    expect(text).toContain('1 left over.\nWhat is left over needs what its reason names');
  });
});

describe('resultMarkdown', () => {
  it('is a table and what failed', () => {
    const text = resultMarkdown(failed, { subtitle: 'PR #348' });
    expect(text).toMatch(/^### ⚠️ Access apply · `acme\/access` — 11 changes applied in 8 statements, 1 failed, 7 not started\.\nPR #348\n/);
    expect(text).toContain('| `billing` | 2 | 1 | 4 | applied in part |');
    expect(text).toContain('❌ `billing` permission denied for table a `(42501)`');
  });
});

describe('machine output', () => {
  it('has the format version and sums', () => {
    expect(JSON.parse(resultJson(failed))).toEqual(failed);
    const events = resultJsonLines(failed)
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(events.map(({ type }) => type)).toEqual(['target-result', 'target-result', 'target-result', 'result']);
    expect(events[3]).toMatchObject({ formatVersion: '1.0', applied: 11, statements: 8, failed: 1, notStarted: 7, residue: 0 });
  });
});

describe('progressText', () => {
  it.each([
    [{ type: 'target-start', target: 'orders', endpoint: 'localhost:5432' }, '  orders: connecting to localhost:5432'],
    [{ type: 'target-read', target: 'orders', databases: 2, objects: 1200, ms: 90 }, '  orders: read 1,200 objects in 2 databases, 90 ms'],
    [
      { type: 'waiting-for-lock', target: 'orders', holder: 'pid 12 of rolecall' },
      '~ orders: waiting for the run lock, held by pid 12 of rolecall',
    ],
    [
      { type: 'transaction-done', target: 'orders', database: 'sales', of: 'statement', statements: 1, ms: 1234 },
      '  orders: database sales: 1 statement committed, 1.2 s',
    ],
    [
      { type: 'transaction-failed', target: 'orders', database: 'sales', message: 'deadlock detected', sqlstate: '40P01' },
      '! orders: database sales: rolled back: deadlock detected (40P01)',
    ],
    [
      { type: 'retry', target: 'orders', database: 'sales', attempt: 2, message: 'deadlock detected' },
      '~ orders: database sales: attempt 2, after: deadlock detected',
    ],
    [{ type: 'target-read', target: 'iam', databases: 0, objects: 3, ms: 90 }, '  iam: read 3 objects, 90 ms'],
    [{ type: 'waiting', target: 'iam', reason: 'waiting until IAM shows policy x' }, '~ iam: waiting until IAM shows policy x'],
    [{ type: 'transaction-failed', target: 'iam', database: '', message: 'denied' }, '! iam: stopped: denied'],
    [{ type: 'transaction-start', target: 'orders', database: 'sales', statements: 3 }, null],
  ] as [Progress, string | null][])('%j', (event, text) => {
    expect(progressText(event, terminal)).toBe(text);
  });

  it('is one line within the width, whatever the names', () => {
    fc.assert(
      fc.property(hostile, fc.integer({ min: 60, max: 120 }), (name, width) => {
        const event: Progress = { type: 'transaction-failed', target: 'orders', database: name, message: name };
        const text = progressText(event, { ...terminal, width }) ?? '';
        expect(text).not.toMatch(/[\p{Cc}\p{Cf}]/u);
        expect(displayWidth(text)).toBeLessThanOrEqual(width);
        const statement = statementText(
          { type: 'statement', target: 'orders', database: name, sql: `CREATE ROLE "${name}"`, number: 1, of: 2 },
          width,
        );
        expect(statement).not.toMatch(/[\p{Cc}\p{Cf}]/u);
        expect(displayWidth(statement)).toBeLessThanOrEqual(width);
      }),
    );
  });
});
