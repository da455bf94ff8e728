import type { ChangeOf } from '../../../model/change.ts';
import type { Phase } from '../../../model/plan.ts';
import type { Kind, Membership } from '../../../model/state.ts';

/** How a statement uses another role: SET ROLE to it, or only its rights while staying the login. */
export type Use = { readonly role: string; readonly how: 'become' | 'inherit' };

/** A membership that a statement makes, changes or ends. */
export type Move = { readonly before: Membership | null; readonly after: Membership | null };

/** A statement before it has a place: what it does, where, as whom, for which changes. */
export type Draft = {
  /** null: cluster-wide, runs anywhere. */
  readonly database: string | null;
  readonly phase: Phase;
  readonly sql: string;
  readonly secret?: string;
  readonly uses: readonly Use[];
  readonly changes: readonly number[];
  /** Objects that it names: PostgreSQL 18 locks each. */
  readonly named: number;
  /** Within its phase: lower first. */
  readonly rank?: number;
  /** Who holds more after it, and who holds less; '' is PUBLIC. */
  readonly gains?: readonly string[];
  readonly loses?: readonly string[];
  /** Who grants or revokes by its grant option; an owner needs none. */
  readonly grantor?: string;
  readonly moves?: readonly Move[];
  /** What takes it back, where a commit may turn out to lock a login out. */
  readonly undo?: string;
  /** true: users who log in by a password until now do so by IAM after it; their policies must be open by then. */
  readonly flips?: true;
  /** The role that it drops. */
  readonly drops?: string;
  /** true: it ends sessions, which no ROLLBACK brings back. */
  readonly ends?: true;
};

/** A change with its index in the plan. */
export type Indexed<K extends Kind> = ChangeOf<K> & { readonly index: number };

/** Slices of at most `size`. */
export const chunks = <T>(values: readonly T[], size: number): T[][] => {
  const found: T[][] = [];
  for (let at = 0; at < values.length; at += size) found.push(values.slice(at, at + size));
  return found;
};

/** Names in one statement: long enough to be few, short enough for the lock table of PostgreSQL 18 (64 a connection by default). */
export const NAMES_PER_STATEMENT = 500;
