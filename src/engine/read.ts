import type { Declared, Engine } from '../model/declared.ts';
import { Failure, type Finding, failure } from '../model/finding.ts';
import type { PlanTarget } from '../model/plan.ts';
import type { Progress } from '../model/result.ts';
import type { Provider } from '../providers/provider.ts';
import { planTarget } from './plan.ts';

/** Targets that are read side by side. */
export const PARALLEL = 4;

/** The provider of an engine, loaded when it is needed. */
export const providerOf = async (engine: Engine, target: string): Promise<Provider<unknown>> => {
  if (engine === 'postgres') return (await import('../providers/postgres/index.ts')).postgres as Provider<unknown>;
  throw failure('target/engine-unsupported', `target '${target}': this version does not plan ${engine}`, {
    hint: 'choose other targets with --target',
    target,
  });
};

export type ReadOptions = {
  readonly as: 'plan' | 'apply';
  readonly maxRemovals: number | null;
  readonly onProgress: (event: Progress) => void;
  readonly now: () => number;
};

/** Plans every target, several at once; what fails on one does not keep the others from being planned. */
export const planTargets = async (
  declareds: readonly Declared[],
  options: ReadOptions,
): Promise<{ readonly targets: readonly PlanTarget[]; readonly findings: readonly Finding[] }> => {
  const settled = await sideBySide(declareds, (declared) => planOne(declared, options));
  const findings: Finding[] = [];
  const targets: PlanTarget[] = [];
  for (const outcome of settled) {
    if (outcome.status === 'fulfilled') targets.push(outcome.value);
    else if (outcome.reason instanceof Failure) findings.push(...outcome.reason.findings);
    else throw outcome.reason;
  }
  return { targets, findings };
};

/** Several at once, all of them to their end. */
export const sideBySide = async <T, R>(
  items: readonly T[],
  work: (item: T) => Promise<R>,
  parallel = PARALLEL,
): Promise<PromiseSettledResult<R>[]> => {
  const { default: limited } = await import('p-limit');
  const lane = limited(Math.max(1, parallel));
  return await Promise.allSettled(items.map((item) => lane(() => work(item))));
};

const planOne = async (declared: Declared, { as, maxRemovals, onProgress, now }: ReadOptions): Promise<PlanTarget> => {
  const { name, engine, endpoint } = declared.target;
  const provider = await providerOf(engine, name);
  const started = now();
  onProgress({ type: 'target-start', target: name, endpoint: endpoint.kind === 'explicit' ? `${endpoint.host}:${endpoint.port}` : '' });
  const snapshot = await provider.inspect({ declared, as });
  const target = planTarget(provider, snapshot, declared, strictest(declared.guards.maxRemovals, maxRemovals));
  onProgress({ type: 'target-read', target: name, databases: target.read.databases, objects: target.read.objects, ms: now() - started });
  return target;
};

/** Of two limits the lower; null is none. */
export const strictest = (a: number | null, b: number | null): number | null => (a === null ? b : b === null ? a : Math.min(a, b));
