import type { OwnedObjects } from '../../model/access.ts';
import { pathKey } from '../../model/key.ts';
import type { Reality } from '../provider.ts';
import { databaseOwner, type Scope } from './scope.ts';

type Place = { readonly kind: 'database' | 'schema'; readonly database: string | null; readonly name: string };
const known = new WeakMap<Reality['objects'], ReadonlyMap<string, OwnedObjects>>();

/**
 * Whether a role holds a privilege on a database or schema: by an entry for it, for PUBLIC, or for what it inherits from.
 * An owner whose own right was revoked lacks it like anybody else.
 */
export const holds = (scope: Scope, role: string, word: 'CREATE' | 'USAGE', { kind, database, name }: Place): boolean => {
  if (scope.reality.roles.get(role)?.superuser) return true;
  const row = placesOf(scope.reality).get(placeKey(kind, database, name));
  return (row?.acl ?? []).some(({ grantee, privileges }) => {
    if (!privileges.some((privilege) => privilege === word || privilege === `${word}*`)) return false;
    if (typeof grantee !== 'string') return true;
    return scope.authority.inherits(role, grantee === 'pg_database_owner' ? databaseOwner(scope, database) : grantee);
  });
};

const placesOf = ({ objects }: Reality): ReadonlyMap<string, OwnedObjects> => {
  let places = known.get(objects);
  if (!places) {
    const rows = objects.filter(({ kind }) => kind === 'database' || kind === 'schema');
    places = new Map(rows.flatMap((row) => row.names.map((name) => [placeKey(row.kind, row.database, name), row] as const)));
    known.set(objects, places);
  }
  return places;
};

const placeKey = (kind: string, database: string | null, name: string): string => `${kind} ${pathKey(database ?? '', name)}`;
