import type { Change } from '../../model/change.ts';
import type { Declared } from '../../model/declared.ts';
import type { Finding } from '../../model/finding.ts';
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
): readonly Finding[] => (declared.iam ? [...lintAccount(snapshot, declared), ...stillAllowed(snapshot, declared, changes)] : []);
