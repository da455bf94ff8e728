import type { OwnedObjects } from './access.ts';
import type { Membership, Role } from './state.ts';

/** The whole of what was read, in normal form: what effective access is computed from. */
export type Reality = {
  readonly roles: ReadonlyMap<string, Role & { readonly oid: number }>;
  readonly memberships: readonly Membership[];
  readonly objects: readonly OwnedObjects[];
};
