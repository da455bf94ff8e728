import type { ChangeOf } from '../../../model/change.ts';
import type { Phase } from '../../../model/plan.ts';
import type { Kind } from '../../../model/state.ts';
import type { RowPlace } from '../access-rows.ts';

/** A statement before it has a place: what it does, for which changes. */
export type Draft = {
  readonly phase: Phase;
  readonly sql: string;
  readonly secret?: string;
  readonly changes: readonly number[];
  /** What follows at once, as it undoes what the statement does beyond its purpose. */
  readonly next?: readonly { readonly sql: string; readonly changes: readonly number[] }[];
  /** Within its phase: lower first. */
  readonly rank?: number;
  /** The account that holds more after it, or less. */
  readonly gains?: string;
  readonly loses?: string;
  /** What it makes of rows of grant tables. */
  readonly rows?: readonly RowTurn[];
  /** Of a row on schemas: its Db as it is stored; whether nothing of the row is left. */
  readonly stored?: string;
  readonly whole?: true;
  /** The role that the account is in after it; those that it is in no longer. */
  readonly joins?: string;
  readonly leaves?: readonly string[];
  /** The member whose roles of login it sets: after it got them, before it loses others; all of them. */
  readonly settles?: string;
  readonly standard?: readonly string[];
  /** Of these: roles that it is in before and after, and that are active at login from now on, or no longer. */
  readonly wakes?: readonly string[];
  readonly dulls?: readonly string[];
  /** true: a login by password becomes one by IAM; its policies must be open by then. */
  readonly flips?: true;
  /** What it grants is taken again later: the account has it by another. */
  readonly bridge?: true;
  /** Accounts that lack for a moment what they had and will have, as the server has no other way. */
  readonly lapses?: readonly string[];
};

/** Words that one row has from then on, or has no longer; grant options are left out. */
export type RowTurn = { readonly place: RowPlace; readonly words: readonly string[]; readonly verb: 'grant' | 'revoke' };

/** A change with its index in the plan. */
export type Indexed<K extends Kind> = ChangeOf<K> & { readonly index: number };
