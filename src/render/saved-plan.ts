import { type Failure, failure } from '../model/finding.ts';
import { PLAN_FORMAT, type Plan, type PlanTarget } from '../model/plan.ts';
import { type Violation, validate } from './plan-schema.generated.js';

/**
 * A saved plan back from its text. Throws a Failure where it is truncated, no plan, of another format or inconsistent.
 * Whether its digest is that of its changes is not judged here.
 */
export const readPlan = (text: string, path: string): Plan => {
  const value = parse(text, path);
  if (value === null || typeof value !== 'object' || Array.isArray(value) || !('formatVersion' in value)) {
    throw refusal('not-a-plan', path, 'is JSON, but no plan of ours: it has no "formatVersion"', AGAIN);
  }
  checkFormat(value.formatVersion, path);
  if (!validate(value)) throw refusal('invalid', path, `is not as a plan is written: ${violation(validate.errors?.[0])}`, AGAIN);
  const plan = value as Plan;
  for (const target of plan.targets) checkTarget(target, path);
  return plan;
};

const AGAIN = 'write it again with: rolecall plan --out FILE';

const refusal = (slug: string, path: string, message: string, hint: string): Failure =>
  failure(`plan/${slug}`, `'${path}' ${message}`, { hint });

const parse = (text: string, path: string): unknown => {
  if (text.trim() === '') throw refusal('truncated', path, 'is empty', AGAIN);
  try {
    return JSON.parse(text.replace(/^\ufeff/, ''));
  } catch {
    throw endsInside(text)
      ? refusal('truncated', path, 'ends in the middle: it was not written or copied to its end', AGAIN)
      : refusal('not-a-plan', path, 'is not JSON', 'apply and show take the file that rolecall plan --out wrote');
  }
};

/** true: it begins as a plan does, and something that was opened is never closed. */
const endsInside = (text: string): boolean => {
  if (!/^\s*\{/.test(text)) return false;
  const outside = text.replace(/"(?:[^"\\]|\\.)*"/gs, '');
  const opened = (outside.match(/[[{]/g) ?? []).length;
  const closed = (outside.match(/[\]}]/g) ?? []).length;
  return outside.includes('"') || opened > closed;
};

const checkFormat = (found: unknown, path: string): void => {
  const [major] = PLAN_FORMAT.split('.');
  if (typeof found === 'string' && found.split('.')[0] === major) return;
  throw refusal(
    'unknown-format',
    path,
    `has format ${JSON.stringify(found)}, this version reads ${major}.x`,
    'apply it with the version that wrote it, or plan again',
  );
};

const violation = (found: Violation | undefined): string => {
  const place = found?.instancePath ? `at ${found.instancePath}` : 'at its top level';
  const { missingProperty, additionalProperty } = found?.params ?? {};
  if (missingProperty !== undefined) return `${place}, "${missingProperty}" is missing`;
  if (additionalProperty !== undefined) return `${place}, "${additionalProperty}" is unknown`;
  return `${place}, the ${found?.keyword ?? 'shape'} is wrong`;
};

/** What the schema cannot say: numbers that point to something, counts that count. */
const checkTarget = (target: PlanTarget, path: string): void => {
  const inconsistent = (what: string): Failure =>
    refusal('edited', path, `does not fit together: target '${target.name}' ${what}`, 'it was changed by hand; plan again');
  const keys = new Set(target.changes.map((change) => `${change.kind} ${change.key}`));
  if (keys.size < target.changes.length) throw inconsistent('names a change twice');
  if (target.changes.some((change) => change.before === null && change.after === null))
    throw inconsistent('has a change from nothing to nothing');
  for (const step of target.steps) {
    if (step.changes.some((index) => index >= target.changes.length))
      throw inconsistent(`has step ${step.id} for a change that is not there`);
    const transaction = target.transactions[step.transaction];
    if (!transaction) throw inconsistent(`has step ${step.id} in a transaction that is not there`);
    if (transaction.database !== step.database) throw inconsistent(`has step ${step.id} in another database than its transaction`);
  }
  target.transactions.forEach((transaction, number) => {
    if (transaction.waitsFor.some((earlier) => earlier >= number)) throw inconsistent(`has transaction ${number} wait for a later one`);
  });
};
