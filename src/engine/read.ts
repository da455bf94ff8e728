import { parseAccount } from '../core/account.ts';
import { flipsOf } from '../core/flips.ts';
import { type Locked, withoutLocked } from '../core/locked.ts';
import type { Cause, Change } from '../model/change.ts';
import { type Declared, type Engine, isServer } from '../model/declared.ts';
import { Failure, type Finding, failure } from '../model/finding.ts';
import type { PlanTarget } from '../model/plan.ts';
import type { Progress } from '../model/result.ts';
import type { Provider, Timeouts } from '../providers/provider.ts';
import { planTarget } from './plan.ts';

/** Targets that are read side by side. */
export const PARALLEL = 4;

/** The provider of an engine, loaded when it is needed. */
export const providerOf = async (engine: Engine, target: string): Promise<Provider<unknown>> => {
  if (engine === 'postgres') return (await import('../providers/postgres/index.ts')).postgres as Provider<unknown>;
  if (engine === 'mysql' || engine === 'mariadb') return (await import('../providers/mysql/index.ts')).mysql as Provider<unknown>;
  if (engine === 'iam') return (await import('../providers/iam/index.ts')).iam as Provider<unknown>;
  if (engine === 'cloudwatch') return (await import('../providers/cloudwatch/index.ts')).cloudwatch as Provider<unknown>;
  throw failure('target/engine-unsupported', `target '${target}': this version does not plan ${engine}`, {
    hint: 'choose other targets with --target',
    target,
  });
};

/** How many targets are worked on at once, and how long each server is waited for; what is left out is as ever. */
export type Pace = { readonly parallel?: number; readonly timeouts?: Timeouts };

export type ReadOptions = Pace & {
  readonly as: 'plan' | 'apply';
  readonly maxRemovals: number | null;
  /** Leaves every change out that has another cause. */
  readonly only?: Cause;
  /** What another manifest declares for the same targets: planned from the same reading. */
  readonly also?: readonly Declared[];
  readonly onProgress: (event: Progress) => void;
  readonly now: () => number;
};

/** Plans every target, several at once; what fails on one does not keep the others from being planned. */
export const planTargets = async (
  declareds: readonly Declared[],
  options: ReadOptions,
): Promise<{ readonly targets: readonly PlanTarget[]; readonly also: readonly PlanTarget[]; readonly findings: readonly Finding[] }> => {
  const servers = declareds.filter(isServer);
  const [logins, alsoLogins]: [Logins, Logins] = [new Map(), new Map()];
  const locked = new Map<string, ReadonlySet<string>>();
  const planned = sideBySide(servers, (declared) => planServer(declared, options, { logins, alsoLogins, locked }), options.parallel);
  const flips = planned.then((outcomes) =>
    flipsOf(outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value.target] : []))),
  );
  // Listened to from the start: it may well fail while servers are read.
  const accounts = sideBySide(
    declareds.filter(({ iam }) => iam !== null),
    (declared) => planAccount(declared, options, flips, { logins, alsoLogins, locked }),
  );
  const watches = sideBySide(
    declareds.filter(({ alarms }) => alarms !== undefined),
    (declared) => planServer(declared, options, { logins, alsoLogins, locked }),
  );
  const settled = [...(await planned), ...(await accounts), ...(await watches)];
  const findings: Finding[] = [];
  const targets: PlanTarget[] = [];
  const also: PlanTarget[] = [];
  for (const outcome of settled) {
    if (outcome.status === 'fulfilled') {
      targets.push(outcome.value.target);
      if (outcome.value.also) also.push(outcome.value.also);
    } else if (outcome.reason instanceof Failure) findings.push(...outcome.reason.findings);
    else throw outcome.reason;
  }
  return { targets, also, findings };
};

/** Who logs in by IAM on each target when its plan is done. */
type Logins = Map<string, ReadonlySet<string>>;

/** What the plan of the account knows of the servers; `alsoLogins`: by the other manifest. */
type Known = { readonly logins: Logins; readonly alsoLogins: Logins; readonly locked: Map<string, ReadonlySet<string>> };

/** The plan of a target; `also`: what the other manifest would do there, null where there is none, or none can be made of this reading. */
type Planned = { readonly target: PlanTarget; readonly also: PlanTarget | null };

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

/** Reads a server and plans it; who logs in by IAM there, and who is locked, is kept for the plan of the account. */
const planServer = async (declared: Declared, options: ReadOptions, { logins, alsoLogins, locked }: Known): Promise<Planned> => {
  const { provider, snapshot, told } = await readOne(declared, options);
  if (provider.locked) locked.set(declared.target.name, provider.locked(snapshot, declared));
  const planned = (wanted: Declared, into: Logins): PlanTarget => {
    const target = planTarget(provider, snapshot, wanted, limitOf(wanted, options), options.only);
    if (provider.logins)
      into.set(wanted.target.name, usersOf(wanted.target.engine, loginsAfter(provider.logins(snapshot, wanted), target.changes)));
    return target;
  };
  const also = planAlso(declared, options, (other) => planned(other, alsoLogins));
  return { target: told(planned(declared, logins)), also };
};

const limitOf = (declared: Declared, { maxRemovals }: ReadOptions): number | null => strictest(declared.guards.maxRemovals, maxRemovals);

/** What the other manifest declares for the same target. */
const otherOf = ({ target: { name } }: Declared, { also = [] }: ReadOptions): Declared | undefined =>
  also.find(({ target }) => target.name === name);

/** The other manifest may want what was not read for this one: then there is nothing to compare. */
const planAlso = (declared: Declared, options: ReadOptions, plan: (other: Declared) => PlanTarget): PlanTarget | null => {
  const other = otherOf(declared, options);
  if (other === undefined) return null;
  try {
    return plan(other);
  } catch (error) {
    if (error instanceof Failure) return null;
    throw error;
  }
};

/** A token names the user alone, from whatever host it comes. */
const usersOf = (engine: Engine, logins: ReadonlySet<string>): ReadonlySet<string> =>
  engine === 'postgres' ? logins : new Set([...logins].map((name) => parseAccount(name).user));

/** Who logs in by IAM when the plan is done: roles of PostgreSQL, accounts of MySQL and MariaDB. */
const loginsAfter = (before: ReadonlySet<string>, changes: readonly Change[]): ReadonlySet<string> => {
  const after = new Set(before);
  for (const change of changes) {
    if (change.blocked !== undefined) continue;
    if (change.kind === 'membership' && (change.before ?? change.after)!.role === 'rds_iam') {
      const { member } = (change.before ?? change.after)!;
      if (change.after) after.add(member);
      else after.delete(member);
    }
    if (change.kind !== 'role') continue;
    if (change.before && !change.after?.login) after.delete(change.before.name);
    const auth = change.after?.options?.auth;
    if (auth === 'iam' && change.after!.login) after.add(change.after!.name);
    else if (auth !== undefined) after.delete(change.after!.name);
  }
  return after;
};

/** Reads the account beside the servers; it is planned when they are. */
const planAccount = async (
  declared: Declared,
  options: ReadOptions,
  flips: Promise<ReadonlySet<string>>,
  { logins, alsoLogins, locked }: Known,
): Promise<Planned> => {
  const { provider, snapshot, told } = await readOne(declared, options);
  const flipping = await flips;
  const planned = (wanted: Declared, known: Logins): PlanTarget =>
    planTarget(
      provider,
      snapshot,
      { ...wanted, iam: { ...withoutLocked(wanted.iam!, locked), flips: flipping, logins: known } },
      limitOf(wanted, options),
      options.only,
    );
  const also = planAlso(declared, options, (other) => planned(other, alsoLogins));
  return { target: told(planned(declared, logins)), also };
};

/** ■ Who is locked on each server at this moment; one that cannot be read says nothing of it, and is told of where it is applied. */
export const lockedOn = async (declareds: readonly Declared[]): Promise<Locked> => {
  const read = await sideBySide(declareds, async (declared) => {
    const provider = await providerOf(declared.target.engine, declared.target.name);
    if (!provider.locked) return [];
    const nothing = { ...declared, target: { ...declared.target, databases: [] } };
    return [[declared.target.name, provider.locked(await provider.inspect({ declared: nothing, as: 'apply' }), nothing)] as const];
  });
  return new Map(read.flatMap((one) => (one.status === 'fulfilled' ? one.value : [])));
};

const readOne = async (declared: Declared, options: ReadOptions) => {
  const { as, onProgress, now, timeouts } = options;
  const also = otherOf(declared, options);
  const { name, engine, endpoint } = declared.target;
  const provider = await providerOf(engine, name);
  const started = now();
  onProgress({ type: 'target-start', target: name, endpoint: endpoint.kind === 'explicit' ? `${endpoint.host}:${endpoint.port}` : '' });
  const snapshot = await provider.inspect({ declared, as, ...(also ? { also } : {}), ...(timeouts === undefined ? {} : { timeouts }) });
  const told = (target: PlanTarget): PlanTarget => {
    onProgress({ type: 'target-read', target: name, databases: target.read.databases, objects: target.read.objects, ms: now() - started });
    return target;
  };
  return { provider, snapshot, told };
};

/** Of two limits the lower; null is none. */
export const strictest = (a: number | null, b: number | null): number | null => (a === null ? b : b === null ? a : Math.min(a, b));
