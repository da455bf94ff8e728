import { groupBy } from '../../../core/group.ts';
import { difference } from '../../../core/privileges.ts';
import {
  type Grantee,
  granteeKey,
  granteeOf,
  type ObjectKind,
  type ObjectSet,
  type OwnedObjects,
  type PostgresKind,
} from '../../../model/access.ts';
import { distinct, pathKey } from '../../../model/key.ts';
import type { Grant } from '../../../model/state.ts';
import { ALL_IN_SCHEMA, KEYWORDS, objectsSql } from '../catalog.ts';
import { blockedBy } from '../grants.ts';
import { ownerActor, type Scope } from '../scope.ts';
import { ident } from '../sql.ts';
import { chunks, type Draft, type Indexed, NAMES_PER_STATEMENT, type Use } from './draft.ts';
import { closing, opening, type Verb, verbs } from './verbs.ts';

/** One verb on one set of objects for one grantee: what a GRANT or REVOKE is made of. */
type Piece = {
  readonly verb: Verb;
  readonly words: readonly string[];
  readonly on: ObjectSet;
  readonly grantee: string;
  readonly uses: readonly Use[];
  /** Who acts by its grant option; undefined for the owner. */
  readonly grantor: string | undefined;
  readonly index: number;
  readonly narrowing: boolean;
  /** Changes of what goes with it by CASCADE. */
  readonly taken: readonly Indexed<'grant'>[];
  /** How many grants stand between the owner and the grantor: what hangs on a grant option is revoked before it. */
  readonly depth: number;
};

/** GRANT and REVOKE on objects, folded over objects first and over grantees then: few statements, whatever the number of tables. */
export const grantDrafts = (scope: Scope, changes: readonly Indexed<'grant'>[]): Draft[] => {
  const narrowed = narrowedColumns(changes);
  const cascaded = changes.filter((change) => goesAlong(scope, change));
  const pieces = changes
    .filter((change) => !cascaded.includes(change))
    .flatMap((change) => piecesOf(scope, change, narrowed, takenWith(change, cascaded)));
  const totals = totalsBySchema(scope);
  const byGrantee = groupBy(pieces, (piece) => JSON.stringify([shapeOf(piece), piece.grantee]));
  const byObjects = groupBy(byGrantee.values(), (group) =>
    JSON.stringify([
      shapeOf(group[0]!),
      group.map((piece) => [piece.on.schema, piece.on.relation, piece.on.names[0], piece.on.names.length]),
    ]),
  );
  return [...byObjects.values()].flatMap((groups) => foldedDrafts(groups, totals));
};

/** What nobody can take as its grantor goes with the grant option that it hangs on. */
const goesAlong = (scope: Scope, { before, after }: Indexed<'grant'>): boolean => {
  const { on, grantor } = (before ?? after)!;
  const row = rowOf(scope, on);
  return row !== undefined && grantor !== row.owner && blockedBy(scope, row, grantor).blocked !== undefined;
};

const takenWith = (change: Indexed<'grant'>, cascaded: readonly Indexed<'grant'>[]): Indexed<'grant'>[] => {
  const parent = (change.before ?? change.after)!;
  const direct = cascaded.filter(({ before, after }) => {
    const { on, grantor } = (before ?? after)!;
    return (
      grantor === parent.grantee &&
      placeKey(on) === placeKey(parent.on) &&
      on.relation === parent.on.relation &&
      on.names[0] === parent.on.names[0]
    );
  });
  return direct.flatMap((one) => [one, ...takenWith(one, cascaded)]);
};

const shapeOf = ({ verb, words, on, uses, grantor, narrowing, taken, depth }: Piece) => [
  verb,
  words,
  on.kind,
  on.database,
  uses,
  grantor ?? null,
  narrowing,
  taken.length > 0,
  depth,
  on.kind === 'column' ? [on.schema, on.relation] : null,
];

const piecesOf = (scope: Scope, change: Indexed<'grant'>, narrowed: ReadonlySet<string>, taken: readonly Indexed<'grant'>[]): Piece[] => {
  const grant = (change.before ?? change.after)!;
  const uses = usesOf(scope, grant);
  const narrowing = grant.on.kind === 'column' && narrowed.has(columnKey(grant.on, grant.on.relation!, grant.grantee));
  return verbs(change.before?.privileges ?? [], change.after?.privileges ?? []).map(({ verb, words }) => ({
    verb,
    words,
    on: grant.on,
    grantee: granteeKey(grant.grantee),
    uses,
    grantor: grant.grantor === ownerOf(scope, grant.on) ? undefined : grant.grantor,
    index: change.index,
    narrowing: narrowing && verb.startsWith('grant'),
    taken: verb.startsWith('revoke') ? taken : [],
    depth: verb.startsWith('revoke') ? depthOf(scope, grant) : 0,
  }));
};

/** Who must act: the grantor of the row, which is the owner for most. */
const usesOf = (scope: Scope, grant: Grant): Use[] => {
  const owner = ownerOf(scope, grant.on);
  if (grant.grantor !== owner) return grant.grantor === scope.authority.login ? [] : [{ role: grant.grantor, how: 'become' }];
  const role = ownerActor(scope, { owner, database: grant.on.database });
  const { how } = scope.authority.reach(role);
  return how === 'self' || how === 'superuser' || how === 'inherit' ? [] : [{ role, how: 'become' }];
};

/** 0 for the owner's grants, 1 for those of its grantees, and so on. */
const depthOf = (scope: Scope, { on, grantor }: Grant): number => {
  const row = rowOf(scope, on);
  const from = (role: string, seen: readonly string[]): number => {
    if (!row || role === row.owner || seen.includes(role)) return 0;
    return 1 + Math.max(0, ...row.acl.filter((entry) => entry.grantee === role).map((entry) => from(entry.grantor, [...seen, role])));
  };
  return from(grantor, []);
};

const places = new WeakMap<Scope, ReadonlyMap<string, readonly OwnedObjects[]>>();
const ownerOf = (scope: Scope, on: ObjectSet): string => rowOf(scope, on)?.owner ?? '';
const rowOf = (scope: Scope, on: ObjectSet): OwnedObjects | undefined => {
  let known = places.get(scope);
  if (!known) {
    known = groupBy(scope.reality.objects, placeKey);
    places.set(scope, known);
  }
  return known.get(placeKey(on))?.find((row) => row.relation === on.relation && row.names.includes(on.names[0]!));
};

/** REVOKE on a table also takes the same words from its columns: column grants that shall stay or come follow it. */
const narrowedColumns = (changes: readonly Indexed<'grant'>[]): ReadonlySet<string> =>
  new Set(
    changes.flatMap(({ before, after }) => {
      const grant = (before ?? after)!;
      if (grant.on.kind !== 'table' || difference(before?.privileges ?? [], after?.privileges ?? []).length === 0) return [];
      return grant.on.names.map((name) => columnKey(grant.on, name, grant.grantee));
    }),
  );
const columnKey = (on: ObjectSet, relation: string, grantee: Grantee): string =>
  `${pathKey(on.database ?? '', on.schema ?? '', relation)} ${granteeKey(grantee)}`;

/**
 * ALL TABLES IN SCHEMA reads pg_class from end to end five times for every schema: as long as it takes to name about one
 * table in fifty (PostgreSQL 17, 100,000 tables: 75 ms a schema, 0.04 ms a name). Only larger schemas are worth it.
 */
const SCAN_PER_NAME = 50;

/** How many objects each schema, and all of them, hold of the kinds that have an ALL form, whoever made them. */
const totalsBySchema = (scope: Scope): ReadonlyMap<string, number> => {
  const totals = new Map<string, number>();
  for (const row of scope.reality.objects) {
    if (!ALL_IN_SCHEMA[row.kind] || row.schema === null) continue;
    const key = placeKey(row);
    const everywhere = placeKey({ ...row, schema: null });
    totals.set(key, (totals.get(key) ?? 0) + row.names.length);
    totals.set(everywhere, (totals.get(everywhere) ?? 0) + row.names.length);
  }
  return totals;
};
const placeKey = (on: ObjectSet): string => `${on.kind} ${pathKey(on.database ?? '', on.schema ?? '')}`;

const foldedDrafts = (groups: readonly (readonly Piece[])[], totals: ReadonlyMap<string, number>): Draft[] => {
  const [first] = groups[0]!;
  const { verb, words, on, uses, grantor, narrowing, depth } = first!;
  const taken = groups.flat().flatMap((piece) => piece.taken);
  const indexes = [...new Set([...groups.flat(), ...taken].map(({ index }) => index))].sort((a, b) => a - b);
  const grantees = groups.map((group) => granteeOf(group[0]!.grantee));
  const revoking = verb.startsWith('revoke');
  return objectLists(groups[0]!, totals).flatMap(({ list, named }) =>
    chunks(grantees, NAMES_PER_STATEMENT).map(
      (some): Draft => ({
        database: on.database,
        phase: revoking || narrowing ? 'revoke' : 'grant',
        rank: narrowing ? 1 : revoking ? (OUTER[on.kind] ?? 0) - depth : 0,
        sql: `${grantSql(verb, columnWords(words, groups[0]!), list, some)}${taken.length > 0 ? ' CASCADE' : ''}`,
        uses,
        changes: indexes,
        named,
        ...(grantor === undefined ? {} : { grantor }),
        ...(revoking
          ? { loses: [...some, ...taken.map((change) => (change.before ?? change.after)!.grantee)].map(granteeKey) }
          : { gains: some.map(granteeKey) }),
      }),
    ),
  );
};

/** Whoever revokes on an object must still be able to use its schema: those go after what is in them, and databases last. */
const OUTER: Readonly<Partial<Record<ObjectKind, number>>> = { schema: 1000, database: 2000 };

const grantSql = (verb: Verb, words: readonly string[], list: string, grantees: readonly Grantee[]): string =>
  `${opening(verb)} ${words.join(', ')} ON ${list} ${closing(verb, grantees)}`;

/** `SELECT ("a", "b")` for columns, the word alone for everything else. */
const columnWords = (words: readonly string[], pieces: readonly Piece[]): readonly string[] => {
  if (pieces[0]!.on.kind !== 'column') return words;
  const columns = distinct(pieces.flatMap((piece) => piece.on.names))
    .map(ident)
    .join(', ');
  return words.map((word) => `${word} (${columns})`);
};

/**
 * The objects as lists of names, or as ALL … IN SCHEMA where there are more than one statement's worth, the schema holds
 * nothing else and is a large part of the database: naming 30,000 tables exhausts the lock table of PostgreSQL 18.
 */
const objectLists = (
  pieces: readonly Piece[],
  totals: ReadonlyMap<string, number>,
): { readonly list: string; readonly named: number }[] => {
  const { kind } = pieces[0]!.on;
  const count = pieces.reduce((sum, piece) => sum + piece.on.names.length, 0);
  const all = ALL_IN_SCHEMA[kind];
  if (!all || count <= NAMES_PER_STATEMENT) return namedLists(kind, pieces);
  const [whole, rest] = partition([...groupBy(pieces, (piece) => placeKey(piece.on)).entries()], ([place, group]) => {
    const total = totals.get(place)!;
    const exact = total === group.reduce((sum, piece) => sum + piece.on.names.length, 0);
    return exact && total * SCAN_PER_NAME >= totals.get(placeKey({ ...group[0]!.on, schema: null }))!;
  });
  const schemas = whole.map(([, group]) => ident(group[0]!.on.schema!));
  return [
    ...chunks(schemas, NAMES_PER_STATEMENT).map((some) => ({ list: `${all} IN SCHEMA ${some.join(', ')}`, named: 0 })),
    ...namedLists(
      kind,
      rest.flatMap(([, group]) => group),
    ),
  ];
};

const namedLists = (kind: ObjectKind, pieces: readonly Piece[]) =>
  chunks([...new Set(pieces.flatMap((piece) => objectsSql(piece.on)))], NAMES_PER_STATEMENT).map((some) => ({
    list: `${KEYWORDS[kind as PostgresKind]} ${some.join(', ')}`,
    named: some.length,
  }));

const partition = <T>(values: readonly T[], test: (value: T) => boolean): readonly [T[], T[]] => [
  values.filter(test),
  values.filter((value) => !test(value)),
];
