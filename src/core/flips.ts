import type { PlanTarget } from '../model/plan.ts';

/** Users whose login changes to IAM by a plan, as `target/user`: their policies have to be there before it. */
export const flipsOf = (targets: readonly PlanTarget[]): ReadonlySet<string> =>
  new Set(
    targets.flatMap(({ name, steps, transactions, changes }) =>
      steps.flatMap((step) =>
        transactions[step.transaction]!.stage === 3
          ? step.changes.flatMap((index) => {
              const change = changes[index]!;
              return change.kind === 'membership' && change.after ? [`${name}/${change.after.member}`] : [];
            })
          : [],
      ),
    ),
  );
