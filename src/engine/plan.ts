import { assemble } from '../core/assemble.ts';
import { diff } from '../core/diff.ts';
import { digest } from '../core/digest.ts';
import { flipsApart } from '../core/flips.ts';
import { guard } from '../core/guard.ts';
import { momentFindings } from '../core/moments.ts';
import { applyChanges } from '../core/overlay.ts';
import type { Cause } from '../model/change.ts';
import type { Declared } from '../model/declared.ts';
import { PLAN_FORMAT, type Plan, type PlanTarget } from '../model/plan.ts';
import type { Provider } from '../providers/provider.ts';

/** From what was read and what is declared to the plan of one target, of changes with one cause `only`. Pure: the same two give the same plan. */
export const planTarget = <Snapshot>(
  provider: Provider<Snapshot>,
  snapshot: Snapshot,
  declared: Declared,
  maxRemovals: number | null = declared.guards.maxRemovals,
  only?: Cause,
): PlanTarget => {
  const normal = provider.normalize(snapshot, declared, only);
  const changes = diff(normal).filter(({ cause }) => only === undefined || cause === only);
  const statements = provider.statements(changes, snapshot, declared);
  const after =
    changes.length === 0
      ? normal.reality
      : applyChanges(
          normal.reality,
          changes.filter((change) => change.blocked === undefined),
        );
  return assemble({
    declared,
    normal,
    changes,
    after,
    findings: [
      ...normal.findings,
      ...guard(declared, normal.reality, changes, maxRemovals),
      ...provider.guard(snapshot, declared, normal.reality, after, changes),
      ...momentFindings(declared.target, statements),
      ...(declared.apart ? flipsApart({ name: declared.target.name, changes, ...statements }) : []),
    ],
    ...(provider.access ? { access: provider.access(snapshot, declared, changes) } : {}),
    ...(provider.roles ? { roles: provider.roles(snapshot, changes) } : {}),
    statements,
    identity: provider.identity(snapshot, declared.target),
    extent: provider.extent(snapshot),
  });
};

/** The plan of several targets. */
export const planOf = (stack: string, asOf: string, command: Plan['command'], targets: readonly PlanTarget[]): Plan => ({
  formatVersion: PLAN_FORMAT,
  stack,
  asOf,
  command,
  targets,
  digest: digest(targets),
});
