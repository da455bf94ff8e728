import type { Change } from '../../model/change.ts';
import type { Declared } from '../../model/declared.ts';
import type { Finding } from '../../model/finding.ts';
import type { AccessDelta } from '../../model/plan.ts';
import { askerOf, schemaRows } from './access-asker.ts';
import { accessDelta } from './access-delta.ts';
import { stillEffectiveFindings } from './access-left.ts';
import { literalOf } from './access-rows.ts';
import { shadowFindings } from './access-shadows.ts';
import { type AccessState, stateAfter, stateOf } from './access-state.ts';
import { scopeOf } from './scope.ts';
import type { Snapshot } from './snapshot.ts';

/** Who can do what after the changes and not before, or the reverse, as the server decides it: first match and all. */
export const access = (snapshot: Snapshot, declared: Declared, changes: readonly Change[]): readonly AccessDelta[] => {
  const before = stateFor(snapshot, declared);
  return accessDelta(before, stateAfter(before, changes));
};

/** Access that an added row hides, rows that give nothing as another one counts, and removals that leave what they took in force. */
export const accessFindings = (snapshot: Snapshot, declared: Declared, changes: readonly Change[]): readonly Finding[] => {
  const before = stateFor(snapshot, declared);
  const after = stateAfter(before, changes);
  return [...shadowFindings(before, after, changes), ...stillEffectiveFindings(before, after, changes, scopeOf(snapshot, declared).exact)];
};

/**
 * What the row that counts for an account on a schema gives there, when that is a pattern: privileges as a grant holds them. Empty
 * where a row of the schema's own counts, or none. A row of its own that is added must give it as well, or takes it away.
 */
export const whatPatternsGive = (snapshot: Snapshot, account: string, schema: string): readonly string[] => {
  const state = stateFor(snapshot);
  const holder = { ...askerOf(state, account), roles: [], others: [], publics: [], pooled: false };
  const [row] = schemaRows(holder, schema);
  if (!row || literalOf(row.stored, state.server) === schema) return [];
  return (
    snapshot.grants.find((grant) => grant.level === 'schema' && grant.account === account && grant.schema === row.stored)?.privileges ?? []
  );
};

const states = new WeakMap<Snapshot, AccessState>();

/** What was read, put in order once; under the names that accounts will have where some are renamed. */
const stateFor = (snapshot: Snapshot, declared?: Declared): AccessState => {
  const scope = declared && scopeOf(snapshot, declared);
  if (scope && scope.renamed.size > 0) return stateOf(snapshot, scope.rename);
  const known = states.get(snapshot) ?? stateOf(snapshot);
  states.set(snapshot, known);
  return known;
};
