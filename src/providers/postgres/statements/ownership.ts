import { groupBy } from '../../../core/group.ts';
import type { PostgresKind } from '../../../model/access.ts';
import { OWNER_KEYWORDS, objectSql } from '../catalog.ts';
import { ownedBy } from '../drops.ts';
import { ownerActor, type Scope } from '../scope.ts';
import { ident } from '../sql.ts';
import { chunks, type Draft, type Indexed, NAMES_PER_STATEMENT, type Use } from './draft.ts';

/** ALTER … OWNER TO for a schema that is handed over; REASSIGN OWNED for everything of a role that goes. */
export const ownershipDrafts = (scope: Scope, changes: readonly Indexed<'ownership'>[], roles: readonly Indexed<'role'>[]): Draft[] => {
  const leaving = changes.filter((change) => scope.dropped.has(change.before!.owner));
  const handed = changes.filter((change) => !leaving.includes(change));
  return [
    ...handed.flatMap((change) => alterDrafts(scope, change)),
    ...reassignDrafts(scope, [...leaving.map(handover), ...roles.flatMap((role) => unnamed(scope, role))]),
  ];
};

const usesOf = (scope: Scope, roles: readonly string[]): Use[] =>
  roles.flatMap((role) => {
    const { how } = scope.authority.reach(role);
    return how === 'self' || how === 'superuser' ? [] : [{ role, how: 'inherit' as const }];
  });

const alterDrafts = (scope: Scope, change: Indexed<'ownership'>): Draft[] => {
  const { on, owner } = change.after!;
  const from = ownerActor(scope, { owner: change.before!.owner, database: on.database });
  const statements = on.names.map(
    (name) => `ALTER ${OWNER_KEYWORDS[on.kind]} ${objectSql(on.kind as PostgresKind, on.schema, name)} OWNER TO ${ident(owner)}`,
  );
  return chunks(statements, NAMES_PER_STATEMENT).map((some) => ({
    database: on.database,
    phase: 'own',
    // The schema first: the new owner of a table needs CREATE in it.
    rank: on.kind === 'schema' ? 0 : 1,
    sql: some.join(';\n'),
    uses: usesOf(scope, [from, owner]),
    changes: [change.index],
    named: some.length,
    gains: [owner],
    loses: [change.before!.owner, from],
  }));
};

/** Everything of a role in one database, and for which change it moves. */
type Handover = { readonly database: string | null; readonly from: string; readonly to: string; readonly index: number };

const handover = ({ before, after, index }: Indexed<'ownership'>): Handover => ({
  database: before!.on.database,
  from: before!.owner,
  to: after!.owner,
  index,
});

/** Where a role that goes owns something, be it of a kind that no ownership names. */
const unnamed = (scope: Scope, { before, after, index }: Indexed<'role'>): Handover[] => {
  if (!before || after) return [];
  const to = scope.declared.removed.find(({ name }) => name === before.name)?.reassignTo;
  return to === undefined ? [] : ownedBy(scope, before.name).map(({ database }) => ({ database, from: before.name, to, index }));
};

/** Shared objects (databases) move with whichever REASSIGN OWNED runs first. */
const reassignDrafts = (scope: Scope, handovers: readonly Handover[]): Draft[] =>
  [...groupBy(handovers, ({ database, from, to }) => JSON.stringify([database, from, to])).values()].map((group) => {
    const { database, from, to } = group[0]!;
    return {
      database,
      phase: 'own',
      rank: 2,
      sql: `REASSIGN OWNED BY ${ident(from)} TO ${ident(to)}`,
      uses: usesOf(scope, [from, to]),
      changes: [...new Set(group.map(({ index }) => index))].sort((a, b) => a - b),
      named: 0,
      gains: [to],
      loses: [from],
    };
  });
