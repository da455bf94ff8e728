import { unreviewed } from '../core/operations.ts';
import { EXIT, type Failure, failure } from '../model/finding.ts';
import type { PlanTarget } from '../model/plan.ts';

/** Stops where the plan is for another server. Before anything else is said: what is found on another server says nothing about the plan. */
export const holdServer = (approved: readonly PlanTarget[], live: PlanTarget): void => {
  if (approved.length === 0 || approved.some((plan) => isSameServer(plan, live))) return;
  throw stale(
    live.name,
    `the plan is for another server (system identifier ${approved[0]!.identity.system}, this one is ${live.identity.system})`,
    'plan again, or correct the endpoint',
  );
};

/** Reviewed means reviewed: about the same roles, nothing that no plan held. */
export const hold = (plans: readonly PlanTarget[], live: PlanTarget, expiryToo: boolean): void => {
  const approved = plans.filter((plan) => isSameServer(plan, live));
  // Each plan is held to the roles that it named: one that was made again since is another role, whatever a later plan says.
  const replaced = approved
    .flatMap(({ roles }) => Object.entries(roles))
    .find(([name, oid]) => live.roles[name] !== undefined && live.roles[name] !== oid);
  if (replaced)
    throw stale(
      live.name,
      `${live.engine === 'iam' ? '' : 'role '}'${replaced[0]}' was dropped and made again since the plan (${typeof replaced[1] === 'number' ? 'OID ' : ''}${replaced[1]}, now ${live.roles[replaced[0]]})`,
      'plan again, and look at what it is now',
    );
  const fresh = unreviewed(approved, live).filter(({ cause }) => !(expiryToo && cause === 'expired'));
  if (fresh.length === 0) return;
  const named = fresh
    .slice(0, 5)
    .map((change) => `${change.kind} ${change.key}`)
    .join('; ');
  throw stale(
    live.name,
    `${fresh.length === 1 ? 'a change is' : `${fresh.length} changes are`} needed that ${plans.length > 1 ? 'none of the plans holds' : 'the plan does not hold'}: ${named}${fresh.length > 5 ? '; …' : ''}`,
    'plan again, and have the new plan reviewed',
  );
};

const isSameServer = (plan: PlanTarget, live: PlanTarget): boolean =>
  live.identity.system === plan.identity.system && live.engine === plan.engine;

const stale = (target: string, message: string, hint: string): Failure =>
  failure('apply/plan-stale', `target '${target}': ${message}`, { hint, target }, EXIT.stale);
