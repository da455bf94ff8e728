import { type AclEntry, type Grantee, type ObjectSet, type OwnedObjects, PUBLIC } from '../../src/model/access.ts';
import type { Change, ChangeOf } from '../../src/model/change.ts';
import type { Reality } from '../../src/model/reality.ts';
import type { Bodies, Kind, Membership, Role } from '../../src/model/state.ts';

/** A role with the engine's defaults. */
export const role = (name: string, attributes: Partial<Role> = {}): Role & { readonly oid: number } => ({
  oid: 0,
  name,
  login: false,
  inherit: true,
  createdb: false,
  createrole: false,
  superuser: false,
  replication: false,
  bypassrls: false,
  connectionLimit: -1,
  validUntil: null,
  description: '',
  mark: null,
  ...attributes,
});

export const user = (name: string, attributes: Partial<Role> = {}) => role(name, { login: true, ...attributes });

/** `member('a', 'b')`: a is in b. */
export const member = (who: string, of: string, options: Partial<Membership> = {}): Membership => ({
  role: of,
  member: who,
  grantor: 'postgres',
  admin: false,
  inherit: true,
  set: true,
  ...options,
});

/** `entry('=r…')` in words: who, what, by whom. '' is PUBLIC. */
export const entry = (grantee: string, privileges: string, grantor = 'owner'): AclEntry => ({
  grantee: granteeNamed(grantee),
  grantor,
  privileges: privileges.split(' '),
});
export const granteeNamed = (name: string): Grantee => (name === '' ? PUBLIC : name);

/** Tables of d.s; other kinds and places by `rest`. */
export const objects = (names: string, acl: readonly AclEntry[], rest: Partial<OwnedObjects> = {}): OwnedObjects => ({
  kind: 'table',
  database: 'd',
  schema: 's',
  names: names.split(' '),
  owner: 'owner',
  acl,
  ...rest,
});

/** The set of a row, or of some of its objects. */
export const setOf = ({ kind, database, schema, relation, names }: OwnedObjects, only: readonly string[] = names): ObjectSet => ({
  kind,
  database,
  schema,
  ...(relation === undefined ? {} : { relation }),
  names: only,
});

export const state = (
  roles: readonly (Role & { readonly oid: number })[],
  memberships: readonly Membership[] = [],
  rows: readonly OwnedObjects[] = [],
): Reality => ({ roles: new Map(roles.map((each) => [each.name, each])), memberships, objects: rows });

export const change = <K extends Kind>(
  kind: K,
  before: Bodies[K] | null,
  after: Bodies[K] | null,
  rest: Partial<ChangeOf<K>> = {},
): Change => ({ kind, key: '', before, after, risk: 'safe', cause: 'declared', ...rest }) as ChangeOf<Kind> as Change;

/** A change of the privileges of one grantee; '' before or after: none. */
export const grant = (on: ObjectSet, grantee: string, before: string, after: string, grantor = 'owner'): Change => {
  const body = (privileges: string) =>
    privileges === '' ? null : { on, grantee: granteeNamed(grantee), grantor, privileges: privileges.split(' ') };
  return change('grant', body(before), body(after));
};
