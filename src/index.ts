import { applyTargets } from './engine/apply-targets.ts';
import { locate } from './engine/locate.ts';
import { planOf } from './engine/plan.ts';
import { proveManifest } from './engine/prove.ts';
import { planTargets } from './engine/read.ts';
import { openSession } from './engine/session.ts';
import { Failure } from './model/finding.ts';
import type { Plan } from './model/plan.ts';
import type { Proofs } from './model/proof.ts';
import type { ApplyResult, Progress } from './model/result.ts';

/** Where the manifest is (default: ./access, else ./rolecall.yaml), which targets are meant (default: all), the instant for `until` (RFC 3339, default: now). */
export type Options = {
  readonly manifest?: readonly string[];
  readonly targets?: readonly string[];
  readonly now?: string;
  readonly onProgress?: (event: Progress) => void;
};

/** Throws a Failure with everything that could not be found. */
const open = async (options: Options) => {
  const session = await read(options);
  const { declareds, findings } = await locate(session);
  if (findings.length > 0) throw new Failure(findings);
  return { ...session, declareds };
};

const read = ({ manifest = [], targets = [], now }: Options) =>
  openSession({ manifest, target: targets, ...(now === undefined ? {} : { now }) }, () => new Date());

/** Reads every target once and returns what would change. Throws a Failure with all findings when something cannot be read. */
export const plan = async (options: Options = {}): Promise<Plan> => {
  const session = await open(options);
  const { targets, findings } = await planTargets(session.declareds, {
    as: 'plan',
    maxRemovals: null,
    onProgress: options.onProgress ?? (() => {}),
    now: () => performance.now(),
  });
  if (findings.length > 0) throw new Failure(findings);
  return planOf(session.stack, session.asOf, 'plan', targets);
};

export type ApplyOptions = Options & {
  /** How long to wait for another run, in ms; default 0. */
  readonly lockTimeoutMs?: number;
  readonly maxRemovals?: number;
  readonly signal?: AbortSignal;
};

/** Plans again and applies what the reviewed plan holds, and nothing else. Guards and stale plans are told in the result. */
export const apply = async (reviewed: Plan, options: ApplyOptions = {}): Promise<ApplyResult> => {
  const session = await open({ ...options, now: options.now ?? reviewed.asOf });
  const { result } = await applyTargets(session, [reviewed], {
    maxRemovals: options.maxRemovals ?? null,
    lockTimeoutMs: options.lockTimeoutMs ?? 0,
    signal: options.signal ?? new AbortController().signal,
    onProgress: options.onProgress ?? (() => {}),
    now: () => performance.now(),
  });
  return result;
};

export type ProveOptions = Omit<Options, 'onProgress'> & { readonly signal?: AbortSignal };

/** Really logs in, as `expect` says, and tries what it names; changes nothing. Throws a Failure for a manifest that is not valid, or expects nothing. */
export const prove = async ({ manifest = [], targets = [], now, signal }: ProveOptions = {}): Promise<Proofs> =>
  await proveManifest(
    { manifest, target: targets, ...(now === undefined ? {} : { now }), signal: signal ?? new AbortController().signal },
    () => new Date(),
  );

export { Failure, type Finding } from './model/finding.ts';
export type { AccessDelta, PlanTarget } from './model/plan.ts';
export type { Proof } from './model/proof.ts';
export { planJson } from './render/json.ts';
export { proofsJunit } from './render/junit.ts';
export { planMarkdown } from './render/markdown.ts';
export { proofsMarkdown, proofsText } from './render/proofs.ts';
export { readPlan } from './render/saved-plan.ts';
export { planSql } from './render/sql.ts';
export { planText } from './render/terminal.ts';
export type { ApplyResult, Plan, Progress, Proofs };
