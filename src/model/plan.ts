import type { ObjectKind, Privileges } from './access.ts';
import type { Change } from './change.ts';
import type { Finding, Position } from './finding.ts';

export const PLAN_FORMAT = '1.0';

/**
 * The order of kinds of step where nothing else decides: logins are closed first; what is new is granted before members move,
 * what is old is taken away after that; logins open when nothing is too much any more.
 */
export const PHASES = ['close', 'create', 'alter', 'own', 'grant', 'default', 'member', 'revoke', 'release', 'open', 'drop'] as const;
export type Phase = (typeof PHASES)[number];

/**
 * One statement, exactly as it runs. A statement with a `secret` ends with that reference; `execute` puts a value in its place.
 * Steps with the same `transaction` run in order on one connection to `database`, between BEGIN and COMMIT;
 * transaction T starts when all of `waitsFor` of its steps are committed.
 */
export type Step = {
  readonly id: number;
  readonly database: string;
  readonly transaction: number;
  readonly phase: Phase;
  readonly sql: string;
  /** The role that it runs as, when not the login. Shown; the SET ROLE is a step of its own. */
  readonly as?: string;
  /** The reference, e.g. `${env:NAME}`, that the statement ends with. */
  readonly secret?: string;
  /** What takes it back, for the one kind of step that can lock a login out after its commit: putting somebody under rds_iam. */
  readonly undo?: string;
  /** A call of an AWS API; `sql` is then the AWS CLI's command with the same effect. */
  readonly call?: { readonly operation: string; readonly input: Readonly<Record<string, unknown>>; readonly region?: string };
  /** Indexes into the target's changes. */
  readonly changes: readonly number[];
};

/** Transactions of one target in order of start; `waitsFor` holds indexes of earlier ones. */
export type Transaction = {
  readonly database: string;
  readonly waitsFor: readonly number[];
  /** Roles that it borrows: two that share one do not run side by side. */
  readonly borrows: readonly string[];
  /** true: statements run one by one, each its own commit (ending sessions). */
  readonly autocommit: boolean;
  /**
   * Across targets: it starts when `awaits` (names of targets) are through with every transaction of a lower stage.
   * 1, or left out: users are made and closed; 2: policies open; 3: logins flip to IAM; 4: policies close.
   */
  readonly stage?: 2 | 3 | 4;
  readonly awaits?: readonly string[];
};

/** What a set of users can do that they could not before, or the reverse. `count` objects, the first of them named. */
export type AccessItem = {
  readonly what: 'privileges' | 'login' | 'role' | 'ownership';
  readonly privileges: Privileges;
  readonly kind?: ObjectKind;
  readonly database?: string | null;
  readonly schema?: string | null;
  readonly relation?: string;
  readonly names: readonly string[];
  readonly count: number;
  /** How: 'direct', 'PUBLIC', 'owner', or the groups from the user to the holder. */
  readonly via: readonly string[];
};
export type AccessDelta = {
  readonly users: readonly string[];
  readonly gains: readonly AccessItem[];
  readonly loses: readonly AccessItem[];
};

/** How many objects a selector of the manifest matched. */
export type Match = {
  readonly selector: string;
  readonly database: string | null;
  readonly kind: ObjectKind;
  readonly count: number;
  readonly source?: Position;
};

export type Counts = { readonly add: number; readonly change: number; readonly remove: number; readonly blocked: number };

export type PlanTarget = {
  readonly name: string;
  readonly engine: string;
  readonly identity: {
    readonly endpoint: string;
    /** `pg_control_system().system_identifier`, null where it may not be read. */
    readonly system: string | null;
    readonly version: string;
    /** The login that apply will use; whoever read. */
    readonly login: string;
  };
  readonly counts: Counts;
  readonly access: readonly AccessDelta[];
  readonly changes: readonly Change[];
  readonly transactions: readonly Transaction[];
  readonly steps: readonly Step[];
  readonly findings: readonly Finding[];
  readonly matches: readonly Match[];
  readonly unmanaged: { readonly users: readonly string[]; readonly groups: readonly string[] };
  /** Databases that could not be read, each with the reason. */
  readonly unread: readonly { readonly database: string; readonly reason: string }[];
  /** Sizes of what was read and compared. */
  readonly read: { readonly roles: number; readonly databases: number; readonly objects: number; readonly grants: number };
  /** OIDs of the existing roles that the changes name, ids of IAM identities: another one at apply is another role. */
  readonly roles: Readonly<Record<string, number | string>>;
  /** The next `until` that will pass, RFC 3339 UTC. */
  readonly nextExpiry: string | null;
};

/** A plain JSON value without secrets: same inputs, same bytes. */
export type Plan = {
  readonly formatVersion: typeof PLAN_FORMAT;
  readonly stack: string;
  /** The instant at which `until` was judged, RFC 3339 UTC. */
  readonly asOf: string;
  readonly command: 'plan' | 'drift' | 'destroy';
  readonly targets: readonly PlanTarget[];
  /** `v1:` and the SHA-256, in hex, of the sorted operations. */
  readonly digest: string;
};
