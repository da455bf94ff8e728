import { destroyed } from '../core/destroyed.ts';
import { locate } from '../engine/locate.ts';
import { planOf } from '../engine/plan.ts';
import { planTargets, providerOf } from '../engine/read.ts';
import { openSession, type Session } from '../engine/session.ts';
import type { Change } from '../model/change.ts';
import { isServer } from '../model/declared.ts';
import { type ExitCode, Failure } from '../model/finding.ts';
import type { PlanTarget } from '../model/plan.ts';
import type { Reality } from '../model/reality.ts';
import { type ApplyCommandOptions, applyPlans } from './apply.ts';
import type { Console } from './console.ts';
import { progressTo } from './progress.ts';
import { tell } from './tell.ts';

/** Removes all that carries our mark on the chosen targets and in IAM, in the safe order; asks for the stack's name first. */
export const destroyCommand = async (
  options: ApplyCommandOptions & { readonly reassignTo?: string },
  console: Console,
): Promise<ExitCode> => {
  const session = await openSession(options, console.now);
  tell(session.findings, console);
  const located = await locate(withoutLogins(session));
  if (located.findings.length > 0) throw new Failure(located.findings);
  const declareds = await Promise.all(
    located.declareds.map(async (declared) => {
      if (!isServer(declared)) return destroyed(declared, NOBODY);
      const provider = await providerOf(declared.target.engine, declared.target.name);
      const nothing = { ...declared, target: { ...declared.target, databases: [] } };
      const { reality } = provider.normalize(await provider.inspect({ declared: nothing, as: 'apply' }), nothing);
      return destroyed(declared, reality, options.reassignTo);
    }),
  );
  const { targets, findings } = await planTargets(declareds, {
    as: 'apply',
    maxRemovals: options.maxRemovals ?? null,
    ...options.pace,
    onProgress: progressTo(console),
    now: () => performance.now(),
  });
  if (findings.length > 0) throw new Failure(findings);
  const plan = planOf(session.stack, session.asOf, 'destroy', targets.map(asDestroyed).map(withUnmarked));
  return await applyPlans({ stack: session.stack, declareds }, [plan], options, console);
};

/** What takes policies and alarms away need not know what they are for: the server may be gone. */
const withoutLogins = (session: Session): Session => ({
  ...session,
  elsewhere: [],
  account: session.account && { ...session.account, iam: { ...session.account.iam, connects: [], expired: [], forgotten: [] } },
  ...(session.watch && { watch: { ...session.watch, alarms: { ...session.watch.alarms, alarms: [], subscriptions: [] } } }),
});

/** The account and the alarms have no database roles. */
const NOBODY: Reality = { roles: new Map(), memberships: [], objects: [] };

/** Nobody named these roles under `removed`, and no policy left the manifest: the stack as a whole goes. */
const asDestroyed = (target: PlanTarget): PlanTarget => ({
  ...target,
  changes: target.changes.map((change): Change => (GOES.has(change.cause) ? { ...change, cause: 'destroyed' } : change)),
});
const GOES: ReadonlySet<Change['cause']> = new Set(['removed', 'absent']);

/** On MariaDB nothing tells what is ours: a reader would take silence for an end. */
const withUnmarked = (target: PlanTarget): PlanTarget =>
  target.engine === 'mariadb'
    ? {
        ...target,
        findings: [
          ...target.findings,
          {
            severity: 'warning',
            code: 'destroy/no-marks',
            message: 'MariaDB keeps no marks: what this stack made there is not known, and all of it stays',
            hint: 'write under removed what shall go (removed: { NAME: { drop: true } }), and apply that',
            target: target.name,
          },
        ],
      }
    : target;
