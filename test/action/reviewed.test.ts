import { describe, expect, test } from 'vitest';
import { permitRemovals, removalsOf } from '../../src/action/allowed.ts';
import { contextOf } from '../../src/action/context.ts';
import { cleanBody, driftBody, driftTitle } from '../../src/action/drift-body.ts';
import type { Consent } from '../../src/action/permission.ts';
import { changedBody, resultBody } from '../../src/action/result-body.ts';
import { planArtifact, type Reviewed } from '../../src/action/reviewed.ts';
import { checkMerged } from '../../src/action/where.ts';
import { unreviewed } from '../../src/core/operations.ts';
import { EXIT, Failure } from '../../src/model/finding.ts';
import type { Plan, PlanTarget } from '../../src/model/plan.ts';
import type { ApplyResult } from '../../src/model/result.ts';
import { NASTY, PLANS } from '../render/plans.ts';

const SHA = '4f1c9ae'.padEnd(40, '0');
const env = { GITHUB_REPOSITORY: 'acme/access', GITHUB_SHA: SHA, GITHUB_RUN_ID: '830', GITHUB_WORKSPACE: '/nowhere' };
const context = (eventName: string, ref = 'refs/heads/main') =>
  contextOf({ ...env, GITHUB_EVENT_NAME: eventName, GITHUB_REF: ref }, { repository: { id: 1, private: true, default_branch: 'main' } });

test('the artifact of a plan is named by key and commit, in letters that GitHub takes', () => {
  expect(planArtifact('./access', SHA)).toBe(`rolecall-plan-.-access-${SHA}`);
  expect(planArtifact('a "b": <c>|*?\\d', SHA)).toMatch(/^rolecall-plan-[\w.-]+$/);
});

describe('apply runs only what is merged', () => {
  test.each([
    ['push', 'refs/heads/main'],
    ['schedule', 'refs/heads/main'],
    ['workflow_dispatch', 'refs/heads/main'],
  ])('on %s to %s', async (event, ref) => {
    await expect(checkMerged(context(event, ref), [])).resolves.toBeUndefined();
  });

  test.each([
    ['pull_request', 'refs/heads/main', "does not run on the event 'pull_request'"],
    ['merge_group', 'refs/heads/main', "does not run on the event 'merge_group'"],
    ['issue_comment', 'refs/heads/main', "does not run on the event 'issue_comment'"],
    ['push', 'refs/heads/change', "runs on 'refs/heads/change', expected the default branch 'main'"],
    ['workflow_dispatch', 'refs/tags/v1', "runs on 'refs/tags/v1'"],
  ])('not on %s to %s', async (event, ref, message) => {
    const refusal = await checkMerged(context(event, ref), []).catch((error) => error);
    expect(refusal).toBeInstanceOf(Failure);
    expect(refusal).toMatchObject({ exitCode: EXIT.refused, message: expect.stringContaining(message) });
  });
});

const plan = PLANS.removals!;
const [target] = plan.targets as [PlanTarget];
const removals = removalsOf(target);
const reviewed = (number: number, part: Plan = plan): Reviewed => ({
  pull: { number, headSha: SHA, author: 'jane' },
  plan: part,
  url: 'https://example.test',
  since: 0,
});
const refusalOf = async (
  consents: Readonly<Record<number, Consent>>,
  reviews: readonly Reviewed[],
  policy: 'allow' | 'require-label' | 'deny' = 'require-label',
) =>
  await permitRemovals(
    { policy, label: 'access:allow-drop', reviewed: reviews, consent: async ({ pull }) => consents[pull!.number]! },
    target,
  ).then(
    () => null,
    (error: Failure) => ({ code: error.findings[0]!.code, message: error.message }),
  );

describe('what takes access away', () => {
  const yes: Consent = { by: 'lead' };
  const no: Consent = { refused: "it does not have the label 'access:allow-drop'" };

  test('runs when somebody consented to the plan that has it', async () => {
    expect(removals.length).toBeGreaterThan(0);
    expect(await refusalOf({ 1: yes }, [reviewed(1)])).toBeNull();
  });

  test('is refused without, and says which pull request lacks what', async () => {
    const refusal = await refusalOf({ 1: no }, [reviewed(1)]);
    expect(refusal!.code).toBe('apply/removals-not-allowed');
    expect(refusal!.message).toContain(" · pull request #1: it does not have the label 'access:allow-drop'");
  });

  test('is not allowed by a label on another pull request, whose plan does not have it', async () => {
    const other = { ...plan, targets: [{ ...target, changes: target.changes.filter((change) => !removals.includes(change)) }] };
    const refusal = await refusalOf({ 1: no, 2: yes }, [reviewed(1), reviewed(2, other)]);
    expect(refusal!.message).toContain('pull request #1');
    expect(await refusalOf({ 2: yes }, [reviewed(2, other)])).toMatchObject({
      message: expect.stringContaining('no pull request whose plan has them'),
    });
  });

  test('follows the policy where it asks nobody', async () => {
    expect(await refusalOf({}, [], 'allow')).toBeNull();
    expect(await refusalOf({ 1: yes }, [reviewed(1)], 'deny')).toMatchObject({ code: 'apply/removals-denied' });
  });

  test('needs no consent where an until has passed', async () => {
    const expired = { ...target, changes: target.changes.map((change) => ({ ...change, cause: 'expired' as const })) };
    expect(removalsOf(expired)).toEqual([]);
  });
});

const APPROVAL = {
  reviewed: [reviewed(348)],
  pulls: [{ number: 348, headSha: SHA, author: 'jane' }],
  approvers: [{ by: 'lead', environments: ['db-prod'] }],
  since: null,
};
const RESULT: ApplyResult = {
  formatVersion: '1.0',
  stack: plan.stack,
  digest: plan.digest,
  targets: [
    {
      name: target.name,
      status: 'partial',
      applied: 2,
      statements: 3,
      residue: target.changes,
      notStarted: 1,
      findings: [],
      failed: { sql: 'REVOKE x', message: 'no' },
    },
  ],
};

describe('what is told of an apply', () => {
  test('names what it was of, who approved it, and what is left', () => {
    const body = resultBody(RESULT, APPROVAL, context('push'), 'full');
    expect(body).toContain('### ⚠️ Access apply');
    expect(body).toContain('#348 · commit `4f1c9ae` · reviewed [');
    expect(body).toContain('✔ matched · gate `db-prod` approved by `lead` · [run 830](https://github.com/acme/access/actions/runs/830)');
    expect(body).toContain('Fix the cause, then run apply again');
  });

  test('is numbers alone where it would be too long, and without a name on a public repository', () => {
    const long = { ...RESULT, targets: [{ ...RESULT.targets[0]!, failed: { sql: 'x'.repeat(70_000), message: 'no' } }] };
    for (const [detail, body, name] of [
      ['summary', resultBody(RESULT, APPROVAL, context('push'), 'summary'), '1'],
      ['full', resultBody(long, APPROVAL, context('push'), 'full'), `\`${target.name}\``],
    ] as const) {
      expect(body).toContain(`| ${name} | 2 | 1 | 1 |`);
      if (detail === 'summary') expect(body).not.toContain(target.name);
      expect(body).not.toContain('```');
      expect(body.length).toBeLessThan(60_000);
    }
  });

  test('sets the plan of now against the reviewed one', () => {
    const half = { ...plan, targets: [{ ...target, changes: target.changes.slice(1) }] };
    const changes = unreviewed(half.targets, target);
    expect(changes).toEqual([target.changes[0]]);
    const body = changedBody(plan, [{ target, changes }], APPROVAL, context('push'), 'full');
    expect(body).toContain('stopped, nothing was applied');
    expect(body).toContain(`| \`${target.name}\` | ${target.changes.length} | ${target.changes.length - 1} | 1 |`);
    expect(body).toContain(`@@ ${target.name}: in no reviewed plan @@`);
    expect(body).toContain(`@@ ${target.name}: as reviewed @@`);
    const hidden = changedBody(plan, [{ target, changes }], APPROVAL, context('push'), 'summary');
    expect(hidden).not.toContain('```');
    for (const name of [target.name, plan.stack]) expect(hidden).not.toContain(name);
  });
});

describe('what is told of drift', () => {
  test('is the difference, what to do about it, and when it was looked for', () => {
    const body = driftBody(target, context('schedule'), 'full');
    expect(body).toContain(`**Access drift: \`${target.name}\`**`);
    expect(body).toContain('```diff');
    expect(body).toContain('Keep it: write it into the manifest');
    expect(body).toContain('[run 830](https://github.com/acme/access/actions/runs/830)');
    expect(cleanBody(target.name, context('schedule'), 'full')).toContain(`**Access drift: \`${target.name}\`** — none any more`);
  });

  test('names nothing where anybody reads it', () => {
    const nowhere = [
      driftTitle(target.name, 'summary'),
      driftBody(target, context('schedule'), 'summary'),
      cleanBody(target.name, context('schedule'), 'summary'),
    ];
    for (const text of nowhere) expect(text).not.toContain(target.name);
    expect(nowhere[1]).not.toContain('```');
  });

  test.each(NASTY.map((name) => [name]))('mentions nobody and links nothing, whatever a name is: %j', (name) => {
    const [nasty] = PLANS.nasty!.targets as [PlanTarget];
    expect(driftTitle(name, 'full')).not.toMatch(/[@#]\w|\n/);
    const body = driftBody({ ...nasty, name }, context('schedule'), 'full');
    const fences = body.match(/^`{3,}/gm) ?? [];
    expect(fences[0]).toBe(fences.at(-1));
    const outside = body.replace(/^(`{3,})diff\n[\s\S]*?\n\1$/m, '').replace(/(`+)[^`][\s\S]*?\1/g, '');
    expect(outside).not.toMatch(/@\w|<script|<!--/);
  });
});
