import type { Change } from '../../model/change.ts';
import type { Declared } from '../../model/declared.ts';
import type { Finding } from '../../model/finding.ts';
import type { AccessDelta } from '../../model/plan.ts';
import { accessDelta } from './access-delta.ts';
import { stillEffectiveFindings } from './access-left.ts';
import { shadowFindings } from './access-shadows.ts';
import { type AccessState, stateAfter, stateOf } from './access-state.ts';
import { tieFindings } from './access-ties.ts';
import { scopeOf } from './scope.ts';
import type { Snapshot } from './snapshot.ts';

/** Who can do what after the changes and not before, or the reverse, as the server decides it: first match and all. */
export const access = (snapshot: Snapshot, declared: Declared, changes: readonly Change[]): readonly AccessDelta[] => {
  const before = stateFor(snapshot, declared);
  return accessDelta(before, stateAfter(before, changes));
};

/** Access that an added row hides, rows that give nothing as another one counts, rows of equal rank, and removals that leave in force what they took. */
export const accessFindings = (snapshot: Snapshot, declared: Declared, changes: readonly Change[]): readonly Finding[] => {
  const before = stateFor(snapshot, declared);
  const after = stateAfter(before, changes);
  return [
    ...shadowFindings(before, after, changes),
    ...tieFindings(after, new Set(declared.roles.keys())),
    ...stillEffectiveFindings(before, after, changes, scopeOf(snapshot, declared).exact),
  ];
};

const states = new WeakMap<Snapshot, AccessState>();

/** What was read, put in order once; under the names that accounts will have where some are renamed. */
const stateFor = (snapshot: Snapshot, declared: Declared): AccessState => {
  const { renamed, rename } = scopeOf(snapshot, declared);
  if (renamed.size > 0) return stateOf(snapshot, rename);
  const known = states.get(snapshot) ?? stateOf(snapshot);
  states.set(snapshot, known);
  return known;
};
