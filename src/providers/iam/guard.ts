import type { Change } from '../../model/change.ts';
import type { Declared } from '../../model/declared.ts';
import type { Finding } from '../../model/finding.ts';
import { distinct } from '../../model/key.ts';
import type { Reality } from '../../model/reality.ts';
import { stillAllowed } from './access.ts';
import { lintAccount } from './lint.ts';
import type { Snapshot } from './snapshot.ts';

/** What is wrong with the account, by whomever, and what our changes do not achieve. */
export const guard = (
  snapshot: Snapshot,
  declared: Declared,
  _before: Reality,
  _after: Reality,
  changes: readonly Change[],
): readonly Finding[] =>
  declared.iam ? [...lintAccount(snapshot, declared), ...stillAllowed(snapshot, declared, changes), ...openSessions(changes)] : [];

/** A policy is asked when somebody connects, and by servers that learn of changes a little later. */
const openSessions = (changes: readonly Change[]): readonly Finding[] => {
  const lost = changes.flatMap((change) => {
    if (change.kind !== 'policy' || change.blocked !== undefined) return [];
    const kept = new Set(change.after?.entries.map(({ arn }) => arn));
    return (change.before?.entries ?? []).flatMap(({ arn, login }) => (kept.has(arn) ? [] : [login ?? arn]));
  });
  const users = distinct(lost);
  if (users.length === 0) return [];
  return [
    {
      severity: 'note',
      code: 'iam/open-sessions',
      message: `what a policy no longer allows ends no session that is open, and servers may let new ones in for some seconds more: ${users.slice(0, 5).join(', ')}${users.length > 5 ? `, … (${users.length})` : ''}`,
      hint: 'who has to be out at once is disabled or removed on the server: that ends its sessions',
    },
  ];
};
