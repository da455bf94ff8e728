import type { Change } from '../model/change.ts';
import type { Finding } from '../model/finding.ts';
import type { PlanTarget } from '../model/plan.ts';
import { parseAccount } from './account.ts';

type Flipping = Pick<PlanTarget, 'name' | 'steps' | 'transactions' | 'changes'>;

/** Users whose login changes to IAM by a plan, as `target/user`: their policies have to be there before it. */
export const flipsOf = (targets: readonly Flipping[]): ReadonlySet<string> =>
  new Set(
    targets.flatMap(({ name, steps, transactions, changes }) =>
      steps.flatMap((step) =>
        transactions[step.transaction]!.stage === 3
          ? step.changes.flatMap((index) => {
              const user = flippedBy(changes[index]!);
              return user === null ? [] : [`${name}/${user}`];
            })
          : [],
      ),
    ),
  );

/** PostgreSQL flips by a membership (of rds_iam), MySQL and MariaDB by the plugin of an account; a policy names the user without its host. */
const flippedBy = (change: Change): string | null => {
  if (change.kind === 'membership') return change.after?.member ?? null;
  return change.kind === 'role' && change.after?.options?.auth === 'iam' ? parseAccount(change.after.name).user : null;
};

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
