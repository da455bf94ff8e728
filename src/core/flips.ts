import type { Finding } from '../model/finding.ts';
import type { PlanTarget } from '../model/plan.ts';

type Flipping = Pick<PlanTarget, 'name' | 'steps' | 'transactions' | 'changes'>;

/** Users whose login changes to IAM by a plan, as `target/user`: their policies have to be there before it. */
export const flipsOf = (targets: readonly Flipping[]): ReadonlySet<string> =>
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

/** In a run without the account nobody knows whether the policies are there that a login needs once it is one of IAM. */
export const flipsApart = (target: Flipping): readonly Finding[] => {
  const users = [...flipsOf([target])].map((login) => login.slice(target.name.length + 1));
  if (users.length === 0) return [];
  return [
    {
      severity: 'error',
      code: 'guard/flip-without-policy',
      message: `${users
        .slice(0, 5)
        .map((user) => `'${user}'`)
        .join(
          ', ',
        )}${users.length > 5 ? ', …' : ''} would log in by IAM alone, and the account, whose policies let somebody in, is not part of this run`,
      hint: 'choose it too: --target iam',
    },
  ];
};
