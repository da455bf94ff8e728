import type { Cause, Change } from '../model/change.ts';
import type { Declared, Target } from '../model/declared.ts';
import type { Finding, Position } from '../model/finding.ts';
import type { OwnedObjects } from '../model/access.ts';
import type { Match, PlanTarget, Step, Transaction } from '../model/plan.ts';
import type { Bodies, Kind, Membership, Role } from '../model/state.ts';

/** A set of facts in normal form, restricted to what the manifest is about. Keys are `pathKey`s. */
export type State = { readonly [K in Kind]: ReadonlyMap<string, Bodies[K]> };

/** The whole of what was read, in normal form: what effective access is computed from. */
export type Reality = {
  readonly roles: ReadonlyMap<string, Role & { readonly oid: number }>;
  readonly memberships: readonly Membership[];
  readonly objects: readonly OwnedObjects[];
};

/** What a plan says of a change beyond the change itself. Keyed `kind key`. */
export type About = { readonly cause?: Cause; readonly source?: Position; readonly blocked?: string };

/** The target's two sides, ready to be subtracted, and what was noticed while comparing. */
export type Normal = {
  readonly actual: State;
  readonly desired: State;
  readonly about: ReadonlyMap<string, About>;
  readonly reality: Reality;
  readonly findings: readonly Finding[];
  readonly matches: readonly Match[];
};

export type Connection = { close(): Promise<void> };

/** What `inspect` needs to know beyond the target. */
export type Inspection = {
  readonly declared: Declared;
  /** Log in as `plan_user` (reading) or as `user` (applying). */
  readonly as: 'plan' | 'apply';
};

export type Statements = {
  readonly steps: readonly Step[];
  readonly transactions: readonly Transaction[];
  readonly changes: readonly Change[];
  readonly findings: readonly Finding[];
};

/** What the engine needs of a database engine: adding one is a folder with these functions. */
export type Provider<Snapshot> = {
  /** ■ reads everything once; throws a Failure where it cannot log in. */
  readonly inspect: (inspection: Inspection) => Promise<Snapshot>;
  /** □ */
  readonly normalize: (snapshot: Snapshot, declared: Declared) => Normal;
  /** □ */
  readonly statements: (changes: readonly Change[], snapshot: Snapshot, declared: Declared) => Statements;
  /** □ */
  readonly identity: (snapshot: Snapshot, target: Target) => PlanTarget['identity'];
};
