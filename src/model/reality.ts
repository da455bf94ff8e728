import type { OwnedObjects } from './access.ts';
import type { Membership, Role } from './state.ts';

/** Names of users, and of those that cannot log in. */
export type Others = { readonly users: readonly string[]; readonly groups: readonly string[] };

/** The whole of what was read, in normal form: what effective access is computed from. */
export type Reality = {
  readonly roles: ReadonlyMap<string, Role & { readonly oid: number }>;
  /** Accounts that the manifest cannot concern, and that are not among `roles`: their names alone, by whether they can log in. */
  readonly others?: Others;
  readonly memberships: readonly Membership[];
  readonly objects: readonly OwnedObjects[];
};
