import type { LoggingFacts } from '../model/alarm.ts';
import type { Cause, Change } from '../model/change.ts';
import type { ReachFacts, SessionFacts, TlsFacts, UserFacts } from '../model/checkup.ts';
import type { Declared, Target } from '../model/declared.ts';
import type { Finding } from '../model/finding.ts';
import type { LoginLock } from '../model/lock.ts';
import type { Normal, Statements } from '../model/normal.ts';
import type { AccessDelta, PlanTarget, Step, Transaction } from '../model/plan.ts';
import type { Came, LoginFacts, Probe, Refusal } from '../model/proof.ts';
import type { Reality } from '../model/reality.ts';

export type { About, Normal, Statements } from '../model/normal.ts';
export type { Reality } from '../model/reality.ts';

/** How long to wait, in ms; what is left out is up to the provider. `answerMs`: for a reply that the server owes. */
export type Timeouts = { readonly connectMs?: number; readonly lockMs?: number; readonly statementMs?: number; readonly answerMs?: number };

/** What `inspect` needs to know beyond the target. */
export type Inspection = {
  readonly declared: Declared;
  /** What another manifest declares for the same target: it is planned from the same reading. */
  readonly also?: Declared;
  readonly timeouts?: Timeouts;
  /** Log in as `plan_user` (reading) or as `user` (applying). */
  readonly as: 'plan' | 'apply';
};

/** One lock per server, held on a connection of its own for a whole run. */
export type RunLock = {
  /** Throws a Failure when the lock was lost meanwhile. */
  readonly check: () => Promise<void>;
  readonly release: () => Promise<void>;
};

export type LockOptions = {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly onWait: (holder: string) => void;
  readonly timeouts?: Timeouts;
};

/** One transaction to run. `verify` gets what the server holds before COMMIT, and says what is not as it should be. */
export type Execution<Snapshot> = {
  readonly declared: Declared;
  readonly snapshot: Snapshot;
  readonly transaction: Transaction;
  readonly steps: readonly Step[];
  readonly lock: RunLock;
  readonly signal: AbortSignal;
  readonly timeouts?: Timeouts;
  readonly onStep: (step: Step) => void;
  /** Told where a step waits for the world: what for, in a few words. */
  readonly onWait?: (reason: string) => void;
  /** Told how many rows a step returned: of one that ends sessions, how many there were. */
  readonly onEnded?: (step: Step, count: number) => void;
  readonly verify: (snapshot: Snapshot) => readonly Change[];
};

/**
 * How a transaction ended: committed, or rolled back by an error (`retry`: planning again may well succeed; `once`: if not the
 * next time, then never).
 */
export type Outcome =
  | { readonly status: 'committed' }
  | {
      readonly status: 'failed';
      readonly step: Step | null;
      readonly message: string;
      readonly sqlstate?: string;
      readonly hint?: string;
      readonly retry: boolean;
      readonly once?: true;
      /** It was committed all the same: something is done. */
      readonly committed?: true;
      /** So many of its steps are done for good, each its own commit. */
      readonly done?: number;
    };

/** A login that shall be closed at once. It is refused, by a Failure, for logins of ours, masters, and what the provider keeps. */
export type LockOrder = {
  readonly declared: Declared;
  readonly user: string;
  /** Of today, UTC: YYYY-MM-DD. */
  readonly date: string;
  readonly reason?: string;
  /** Whose mark a role without one gets; null: nobody's. */
  readonly stack: string | null;
  /** End whoever holds the run lock, first. */
  readonly breakLock: boolean;
  readonly timeouts?: Timeouts;
  /** Told who holds the run lock, before it is ended. */
  readonly onHolder: (holder: string) => void;
};

/** A login that shall be as it was before it was locked. `closed`: why it stays closed all the same, by whose mark it carries. */
export type UnlockOrder = Pick<LockOrder, 'declared' | 'user' | 'timeouts'> & { readonly closed: (stack: string | null) => string | null };

/** What is tried at a server: the target's login is that of the user. `database` null: the engine's own choice. */
export type Trial = {
  readonly target: Target;
  readonly database: string | null;
  readonly probes: readonly Probe[];
  /** The same target with Rolecall's own login, for what an engine does not show to everybody. */
  readonly own?: Target;
  readonly timeouts?: Timeouts;
};

/** Let in, and what each probe came to, in their order; or why not, in the server's words. */
export type Tried =
  | { readonly letIn: true; readonly probes: readonly Came[] }
  | { readonly letIn: false; readonly refusal: Refusal; readonly message: string; readonly hint?: string };

/** How an engine's logins and rights are tried. Nothing of it changes anything. */
export type Prover = {
  /** ■ logs in and tries; never throws for expected trouble */
  readonly attempt: (trial: Trial) => Promise<Tried>;
  /** ■ what the catalog says of a user, as Rolecall's own login sees it; throws a Failure where it cannot log in */
  readonly examine: (target: Target, user: string, database: string | null, timeouts?: Timeouts) => Promise<LoginFacts>;
};

/** What a server says of itself, for the checks of `doctor`. Nothing of it changes anything; a Failure says why it was not said. */
export type Checker = {
  /** ■ whether anything listens */
  readonly reach: (target: Target, timeouts?: Timeouts) => Promise<ReachFacts>;
  /** ■ what TLS comes to, whoever signed the certificate */
  readonly tls: (target: Target, timeouts?: Timeouts) => Promise<TlsFacts>;
  /** ■ what Rolecall's own login finds; `roles`: names of declared roles; `groups`: those that somebody is to be put into */
  readonly session: (target: Target, roles: readonly string[], timeouts?: Timeouts, groups?: readonly string[]) => Promise<SessionFacts>;
  /** ■ what the catalog says of a user that wants into a database */
  readonly user: (target: Target, user: string, database: string, timeouts?: Timeouts) => Promise<UserFacts>;
};

/** What the engine needs of a database engine: adding one is a folder with these functions. */
export type Provider<Snapshot> = {
  /** ■ reads everything once; throws a Failure where it cannot log in. */
  readonly inspect: (inspection: Inspection) => Promise<Snapshot>;
  /** □ what was read and what is declared, side by side; with `only`, what differs for several causes may be narrowed to that one */
  readonly normalize: (snapshot: Snapshot, declared: Declared, only?: Cause) => Normal;
  /** □ refusals that only this engine knows */
  readonly guard: (
    snapshot: Snapshot,
    declared: Declared,
    before: Reality,
    after: Reality,
    changes: readonly Change[],
  ) => readonly Finding[];
  /** □ who can do what afterwards and not before, or the reverse; left out: it follows from the two realities */
  readonly access?: (snapshot: Snapshot, declared: Declared, changes: readonly Change[]) => readonly AccessDelta[];
  /** □ what tells the roles that the changes name from others of their names; left out: their OIDs */
  readonly roles?: (snapshot: Snapshot, changes: readonly Change[]) => PlanTarget['roles'];
  /** □ what runs */
  readonly statements: (changes: readonly Change[], snapshot: Snapshot, declared: Declared) => Statements;
  /** □ */
  readonly identity: (snapshot: Snapshot, target: Target) => PlanTarget['identity'];
  /** □ roles or accounts that log in by IAM, as the server has them */
  readonly logins?: (snapshot: Snapshot, declared: Declared) => ReadonlySet<string>;
  /** □ users with our mark that somebody has locked */
  readonly locked?: (snapshot: Snapshot, declared: Declared) => ReadonlySet<string>;
  /** ■ closes a login and ends its sessions, without the run lock; left out: this version cannot do that on this engine */
  readonly closeLogin?: (order: LockOrder) => Promise<LoginLock>;
  /** ■ takes the lock off again */
  readonly reopenLogin?: (order: UnlockOrder) => Promise<LoginLock>;
  /** □ databases that were not read, and how much was */
  readonly extent: (snapshot: Snapshot) => Pick<PlanTarget, 'unread' | 'read'>;
  /** ■ why these steps cannot run: a server that takes no changes, a secret that is not there; looks up what they need */
  readonly obstacles: (snapshot: Snapshot, declared: Declared, steps: readonly Step[]) => readonly Finding[] | Promise<readonly Finding[]>;
  /** ■ */
  readonly lock: (declared: Declared, options: LockOptions) => Promise<RunLock>;
  /** ■ */
  readonly execute: (execution: Execution<Snapshot>) => Promise<Outcome>;
  /** how logins and rights are tried; left out: nothing can be proven of this engine */
  readonly prove?: Prover;
  /** what the checks of `doctor` need; left out: they cannot be made on this engine */
  readonly checkup?: Checker;
  /** ■ whether the server's own log gets a line for each login that is refused; throws a Failure where it cannot log in */
  readonly logging?: (target: Target, timeouts?: Timeouts) => Promise<LoggingFacts>;
};
