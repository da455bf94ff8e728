import { groupBy } from '../../../core/group.ts';
import { OWNER_KEYWORDS, objectSql } from '../catalog.ts';
import { ownerActor, type Scope } from '../scope.ts';
import { ident } from '../sql.ts';
import { chunks, type Draft, type Indexed, NAMES_PER_STATEMENT, type Use } from './draft.ts';

/** ALTER … OWNER TO for a schema that is handed over; REASSIGN OWNED for everything of a role that goes. */
export const ownershipDrafts = (scope: Scope, changes: readonly Indexed<'ownership'>[]): Draft[] => {
  const leaving = changes.filter((change) => scope.dropped.has(change.before!.owner));
  const handed = changes.filter((change) => !leaving.includes(change));
  return [...handed.flatMap((change) => alterDrafts(scope, change)), ...reassignDrafts(scope, leaving)];
};

const usesOf = (scope: Scope, roles: readonly string[]): Use[] =>
  roles.flatMap((role) => {
    const { how } = scope.authority.reach(role);
    return how === 'self' || how === 'superuser' ? [] : [{ role, how: 'inherit' as const }];
  });

const alterDrafts = (scope: Scope, change: Indexed<'ownership'>): Draft[] => {
  const { on, owner } = change.after!;
  const from = ownerActor(scope, { owner: change.before!.owner, database: on.database });
  const statements = on.names.map((name) => `ALTER ${OWNER_KEYWORDS[on.kind]} ${objectSql(on.kind, on.schema, name)} OWNER TO ${ident(owner)}`);
  return chunks(statements, NAMES_PER_STATEMENT).map((some) => ({
    database: on.database,
    phase: 'own',
    // The schema first: the new owner of a table needs CREATE in it.
    rank: on.kind === 'schema' ? 0 : 1,
    sql: some.join(';\n'),
    uses: usesOf(scope, [from, owner]),
    changes: [change.index],
    named: some.length,
  }));
};

/** Shared objects (databases) move with whichever REASSIGN OWNED runs first. */
const reassignDrafts = (scope: Scope, changes: readonly Indexed<'ownership'>[]): Draft[] =>
  [...groupBy(changes, ({ before, after }) => JSON.stringify([before!.on.database, before!.owner, after!.owner])).values()].map((group) => {
    const { before, after } = group[0]!;
    return {
      database: before!.on.database,
      phase: 'own',
      rank: 2,
      sql: `REASSIGN OWNED BY ${ident(before!.owner)} TO ${ident(after!.owner)}`,
      uses: usesOf(scope, [before!.owner, after!.owner]),
      changes: group.map((change) => change.index),
      named: 0,
    };
  });
