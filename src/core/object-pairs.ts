import type { OwnedObjects } from '../model/access.ts';
import type { Access } from './access.ts';
import { createPlaces } from './places.ts';

/** The same objects in two states; null where they are not (or, for columns, have no ACL). */
export type Pair = { readonly before: OwnedObjects | null; readonly after: OwnedObjects | null; readonly names: readonly string[] };

/** Objects that differ, and rows that are the same value in both states. */
export type Pairs = { readonly changed: readonly Pair[]; readonly same: readonly OwnedObjects[] };

/** Puts the objects of two states side by side. Costs one pass over rows; names are compared in changed rows only. */
export const pairObjects = (before: Access, after: Access): Pairs => {
  const [old, young] = [before.reality.objects, after.reality.objects];
  const moved = databasesWithNewOwner(before, after);
  const stays = (row: OwnedObjects): boolean => !(row.database !== null && moved.has(row.database) && namesDatabaseOwner(row));
  const [wasThere, isThere] = [new Set(old), new Set(young)];
  const kept = old.filter((row) => isThere.has(row));
  const changed = pairNames(
    old.filter((row) => !isThere.has(row)),
    young.filter((row) => !wasThere.has(row)),
  );
  return {
    changed: [...changed, ...kept.filter((row) => !stays(row)).map((row) => ({ before: row, after: row, names: row.names }))],
    same: kept.filter(stays),
  };
};

const pairNames = (before: readonly OwnedObjects[], after: readonly OwnedObjects[]): Pair[] => {
  const places = createPlaces(before);
  const left = new Map<OwnedObjects, Set<string> | null>(before.map((row) => [row, null]));
  const pairs: Pair[] = [];
  for (const row of after) {
    const { portions, missing } = places.locate(row);
    for (const { row: was, names } of portions) {
      pairs.push({ before: was, after: row, names });
      if (names === was.names) left.delete(was);
      else left.set(was, without(left.get(was) ?? new Set(was.names), names));
    }
    if (missing.length > 0) pairs.push({ before: null, after: row, names: missing });
  }
  for (const [row, names] of left)
    if (!names || names.size > 0) pairs.push({ before: row, after: null, names: names ? [...names] : row.names });
  return pairs;
};

const without = (set: Set<string>, names: readonly string[]): Set<string> => {
  for (const name of names) set.delete(name);
  return set;
};

/** There, rows that did not change mean somebody else when they say pg_database_owner. */
const databasesWithNewOwner = (before: Access, after: Access): ReadonlySet<string> => {
  const holder = (access: Access, name: string): string =>
    access.holderOf('pg_database_owner', { kind: 'schema', database: name, owner: '' });
  return new Set([...before.databases.keys(), ...after.databases.keys()].filter((name) => holder(before, name) !== holder(after, name)));
};

const namesDatabaseOwner = ({ owner, acl }: OwnedObjects): boolean =>
  owner === 'pg_database_owner' || acl.some(({ grantee }) => grantee === 'pg_database_owner');
