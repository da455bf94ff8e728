import { byWord, wordOf } from '../../core/privileges.ts';
import type { AclEntry, OwnedObjects, Privileges } from '../../model/access.ts';
import { type ColumnedTable, sideOf } from './columns.ts';

/** Who may have granted what: the grant options that a row of objects knows. */
export type Options = {
  /** Whether the role holds the grant option now. */
  readonly had: (role: string, word: string) => boolean;
  /** The words of an entry that go because their grantor loses its option, or goes itself. */
  readonly fallen: (entry: AclEntry) => Privileges;
};

/** What a grantee shall hold by an entry; null: whatever it holds. */
type Kept = (entry: AclEntry) => Privileges | null;

/** Who may grant without an option, as the owner and its members may, and who goes. */
type Standing = { readonly owns: (role: string) => boolean; readonly leaves: (role: string) => boolean };

/** Follows grant options to the end of the chain: what is granted by an option that goes, goes too. */
export const optionsOf = (row: OwnedObjects, table: ColumnedTable | undefined, { owns, leaves }: Standing, kept: Kept): Options => {
  const had = (role: string, word: string) =>
    role === row.owner || [...row.acl, ...(table?.acl ?? [])].some((entry) => entry.grantee === role && mayGrant(entry.privileges, word));
  if (row.acl.every((entry) => entry.grantor === row.owner)) return { had, fallen: () => [] };
  const fallen = new Map<AclEntry, string[]>();
  const keeps = (role: string, word: string): boolean =>
    row.acl.some(
      (entry) =>
        entry.grantee === role &&
        // What a role that goes had granted is granted again by the owner, to whoever shall keep it.
        (leaves(entry.grantor) || !fallen.get(entry)?.includes(word)) &&
        mayGrant(entry.privileges, word) &&
        mayGrant(kept(entry) ?? entry.privileges, word),
    ) ||
    (table?.acl ?? []).some(
      (entry) =>
        entry.grantee === role &&
        mayGrant(entry.privileges, word) &&
        !table?.losses.get(sideOf(role, entry.grantor))?.some((lost) => wordOf(lost) === word),
    );
  const falls = ({ grantor }: AclEntry, word: string): boolean =>
    grantor !== row.owner && (leaves(grantor) || (!owns(grantor) && had(grantor, word) && !keeps(grantor, word)));
  for (let size = -1, now = 0; size !== now; now = [...fallen.values()].flat().length) {
    size = now;
    for (const entry of row.acl) {
      const words = fallen.get(entry) ?? [];
      const more = entry.privileges.map(wordOf).filter((word) => !words.includes(word) && falls(entry, word));
      if (more.length > 0) fallen.set(entry, [...words, ...more]);
    }
  }
  return { had, fallen: (entry) => fallen.get(entry) ?? [] };
};

const mayGrant = (privileges: Privileges, word: string): boolean => byWord(privileges).get(word) === true;
