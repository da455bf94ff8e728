import type { Session } from '../engine/session.ts';
import type { Finding } from '../model/finding.ts';
import { nameKey } from '../model/key.ts';

/**
 * A session without the targets that are withheld. Policies name targets, and alarms watch them, by logging in to them: where one of
 * them is withheld, the account or the alarms wait with it.
 */
export const withhold = (
  session: Session,
  names: ReadonlySet<string>,
): { readonly session: Session; readonly findings: readonly Finding[] } => {
  const { account, watch } = session;
  const named = account?.iam.connects.find(({ target }) => names.has(target));
  const watched = watch?.alarms.alarms.find(({ target }) => names.has(target));
  const finding = (subject: string, target: string, withheld: string): Finding => ({
    severity: 'error',
    code: 'pin/withheld',
    message: `${subject} ${nameKey(withheld)}, which is withheld`,
    hint: 'merge that target by itself first',
    target,
  });
  return {
    session: {
      ...session,
      declareds: session.declareds.filter(({ target }) => !names.has(target.name)),
      elsewhere: session.elsewhere.filter(({ name }) => !names.has(name)),
      ...(named ? { account: null } : {}),
      ...(watched ? { watch: null } : {}),
    },
    findings: [
      ...(account && named ? [finding('the account is not planned here: its policies name', account.target.name, named.target)] : []),
      ...(watch && watched ? [finding('the alarms are not planned here: they watch', watch.target.name, watched.target)] : []),
    ],
  };
};
