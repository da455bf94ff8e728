import { actionOf } from '../model/change.ts';
import type { Plan, PlanTarget } from '../model/plan.ts';
import { canonicalJson } from './escape.ts';
import { countsSentence, totalCounts } from './outline.ts';

/** Any value of ours as JSON: sorted keys, two spaces, a line end; invisible characters as `\u` escapes. */
export const toJson = (value: unknown): string => `${canonicalJson(value, 2)}\n`;

/** One JSON value a line. */
export const toJsonLines = (values: readonly unknown[]): string => values.map((value) => `${canonicalJson(value)}\n`).join('');

/** The plan as the file of `--out`: schema/plan.schema.json. */
export const planJson = (plan: Plan): string => toJson(plan);

/** The plan as events, one a line: plan, then per target its header, changes, steps and findings, then a summary. */
export const planJsonLines = (plan: Plan): string => {
  const { targets, ...head } = plan;
  const counts = totalCounts(targets);
  return toJsonLines([
    { type: 'plan', ...head },
    ...targets.flatMap(targetEvents),
    { type: 'summary', counts, digest: plan.digest, message: countsSentence(counts) },
  ]);
};

const targetEvents = ({ changes, steps, findings, access, ...target }: PlanTarget): unknown[] => [
  { type: 'target', ...target, target: target.name },
  ...access.map((delta) => ({ type: 'access', target: target.name, access: delta })),
  ...changes.map((change) => ({ type: 'change', target: target.name, action: actionOf(change), change })),
  ...steps.map((step) => ({ type: 'step', target: target.name, step })),
  ...findings.map((finding) => ({ type: 'finding', target: target.name, finding })),
];
