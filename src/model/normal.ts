import type { ObjectSet, Privileges } from './access.ts';
import type { Cause } from './change.ts';
import type { Finding, Position } from './finding.ts';
import type { Match, Step, Transaction } from './plan.ts';
import type { Reality } from './reality.ts';
import type { Bodies, Kind } from './state.ts';

/** A set of facts in normal form, restricted to what the manifest is about; a plane has some of the kinds. */
export type State = { readonly [K in Kind]?: ReadonlyMap<string, Bodies[K]> };

/** What a plan says of a change beyond the change itself. */
export type About = {
  readonly cause?: Cause;
  readonly source?: Position;
  readonly blocked?: string;
  readonly until?: string;
  readonly reason?: string;
};

/** The two sides of a target, ready to be subtracted, and what was noticed while comparing. `about` is keyed `kind key`. */
export type Normal = {
  readonly actual: State;
  readonly desired: State;
  readonly about: ReadonlyMap<string, About>;
  readonly reality: Reality;
  readonly findings: readonly Finding[];
  readonly matches: readonly Match[];
};

/** What runs, in transactions. `lapses`: roles that for a moment lack what they had and will have, as there is no other order. */
export type Statements = {
  readonly steps: readonly Step[];
  readonly transactions: readonly Transaction[];
  readonly lapses: readonly string[];
  /** What is known of lapses, and what else is otherwise for a moment. */
  readonly moments?: readonly Moment[];
};

/**
 * A role misses something that it had and will have (`lapse`), has what it neither had nor will have (`excess`), or is granted itself
 * what it has by another (`bridge`). `on` null: it may, there is too much to say where. `pattern`: one that matches the schema, as it is stored.
 */
export type Moment = {
  readonly role: string;
  readonly kind: 'lapse' | 'excess' | 'bridge';
  readonly on: ObjectSet | null;
  readonly privileges: Privileges;
  readonly pattern: string | null;
};
