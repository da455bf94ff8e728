import type { OwnedObjects } from '../../model/access.ts';
import type { Declared } from '../../model/declared.ts';
import type { Finding } from '../../model/finding.ts';
import type { Bodies, Kind } from '../../model/state.ts';
import type { About, Reality } from '../provider.ts';
import { type Authority, actor } from './authority.ts';
import type { Snapshot } from './snapshot.ts';

/** Everything that comparing one target needs: both sides, and what the apply login may do. */
export type Scope = {
  readonly declared: Declared;
  readonly snapshot: Snapshot;
  readonly version: number;
  readonly reality: Reality;
  readonly authority: Authority;
  /** Databases whose objects are managed and were read. */
  readonly managed: ReadonlySet<string>;
  /** Existing roles that `removed` drops. */
  readonly dropped: ReadonlySet<string>;
  /** Old names of the roles that get a new one, by the new name; everything else here uses the new name. */
  readonly renamed: ReadonlyMap<string, string>;
  /** Roles compared exactly (not additive, not expired, not to be dropped). */
  readonly exact: ReadonlySet<string>;
  /** Roles that are never altered: the logins of ours, masters, `protected`, superusers and provider roles. */
  readonly untouchable: ReadonlySet<string>;
  /** Direct members of rds_iam. */
  readonly iam: ReadonlySet<string>;
};

/** A side-by-side of one kind, as it grows: only what may differ needs to be put in. */
export type Comparison = {
  put<K extends Kind>(kind: K, key: string, before: Bodies[K] | null, after: Bodies[K] | null, about?: About): void;
  report(finding: Finding): void;
};

/** Whether the server has a role, or gets it by the manifest. */
export const isKnown = ({ reality, declared }: Pick<Scope, 'reality' | 'declared'>, role: string): boolean =>
  reality.roles.has(role) || declared.roles.has(role);

/** What to do about a role that is not known. */
export const MAKE_IT = 'correct the name, or make the role first: what is listed under existing is not created';

export const isProviderRole = (name: string): boolean => /^(pg_|rds)/.test(name);

/** The role that acts for the owner of these objects. */
export const ownerActor = (scope: Scope, objects: Pick<OwnedObjects, 'owner' | 'database'>): string =>
  actor(objects.owner, databaseOwner(scope, objects.database));

export const databaseOwner = ({ reality: { objects } }: Scope, database: string | null): string => {
  let owners = databaseOwners.get(objects);
  if (!owners) {
    owners = new Map(objects.flatMap((row) => (row.kind === 'database' ? [[row.names[0]!, row.owner] as const] : [])));
    databaseOwners.set(objects, owners);
  }
  return owners.get(database ?? '') ?? '';
};

/** Asked for every grant, and so remembered. */
const databaseOwners = new WeakMap<Reality['objects'], ReadonlyMap<string, string>>();
