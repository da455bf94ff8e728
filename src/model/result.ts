import type { Change } from './change.ts';
import type { Finding } from './finding.ts';

export const RESULT_FORMAT = '1.0';

/**
 * What became of one target. `unchanged`: there was nothing to do. `applied`: everything, and read back.
 * `partial`: something is left. `failed`: nothing was done. `skipped`: it was not begun.
 */
export type TargetStatus = 'applied' | 'unchanged' | 'partial' | 'failed' | 'skipped';

export type TargetResult = {
  readonly name: string;
  readonly status: TargetStatus;
  /** Changes that are done and committed. */
  readonly applied: number;
  /** Statements that ran and are committed. */
  readonly statements: number;
  /** What still differs afterwards. */
  readonly residue: readonly Change[];
  /** The statement that failed. `sql` holds no secrets. */
  readonly failed?: { readonly sql: string; readonly message: string; readonly sqlstate?: string };
  /** Changes whose statements never ran. */
  readonly notStarted: number;
  /** Roles whose sessions were ended: how many there were, and how many are left. Left out where none were. */
  readonly sessions?: readonly { readonly role: string; readonly before: number; readonly after: number }[];
  readonly findings: readonly Finding[];
};

/** What an apply did, target by target in the order of the plan. */
export type ApplyResult = {
  readonly formatVersion: typeof RESULT_FORMAT;
  readonly stack: string;
  /** Of the plan that was applied. */
  readonly digest: string;
  readonly targets: readonly TargetResult[];
};

/** What the engine tells while it works. `ms` is how long it took. */
export type Progress =
  | { readonly type: 'target-start'; readonly target: string; readonly endpoint: string }
  | { readonly type: 'target-read'; readonly target: string; readonly databases: number; readonly objects: number; readonly ms: number }
  | { readonly type: 'waiting-for-lock'; readonly target: string; readonly holder: string }
  | { readonly type: 'transaction-start'; readonly target: string; readonly database: string; readonly statements: number }
  | {
      readonly type: 'statement';
      readonly target: string;
      readonly database: string;
      readonly sql: string;
      readonly number: number;
      readonly of: number;
    }
  | {
      readonly type: 'transaction-done';
      readonly target: string;
      /** '': none, and each statement or call was its own commit. */
      readonly database: string;
      readonly of: 'statement' | 'call';
      readonly statements: number;
      readonly ms: number;
    }
  | {
      readonly type: 'transaction-failed';
      readonly target: string;
      readonly database: string;
      readonly message: string;
      readonly sqlstate?: string;
    }
  /** What a step waits for before it can be done, or shows. */
  | { readonly type: 'waiting'; readonly target: string; readonly reason: string }
  | { readonly type: 'retry'; readonly target: string; readonly database: string; readonly attempt: number; readonly message: string };
