import type { LoggingFacts } from './alarm.ts';
import type { Judgement } from './proof.ts';

/** Version of the shape of `Checkup`. */
export const CHECKUP_FORMAT = '1.0';

/** What one check came to. `unread`: what it needs could not be read, which is never a pass. */
export type Checked = {
  readonly target: string;
  readonly check: string;
  readonly status: 'passed' | 'failed' | 'unread';
  /** What was found. */
  readonly message: string;
  /** What to do about it. */
  readonly hint?: string;
};

/** What `doctor` found. `cause`: the first check that failed, where one login was looked into. */
export type Checkup = {
  readonly formatVersion: typeof CHECKUP_FORMAT;
  readonly user: string | null;
  readonly as: string | null;
  readonly checks: readonly Checked[];
  readonly cause: string | null;
  readonly summary: { readonly passed: number; readonly failed: number; readonly unread: number };
};

/** A part of the evidence: read; or why it could not be. */
export type Read<T> = { readonly value: T } | { readonly unread: string; readonly hint?: string };

/** The target as it was looked at. `now` is the instant by which dates are judged, ms since 1970. */
export type TargetFacts = {
  readonly name: string;
  readonly engine: string;
  readonly now: number;
  /** null: nobody was said to log in. */
  readonly login: string | null;
  /** One login is looked into, and not the target as it is. */
  readonly asked: boolean;
  readonly by: 'iam' | 'password';
  /** Somebody logs in there by IAM: Rolecall itself, or a declared user. */
  readonly tokens: boolean;
  /** The server is one of RDS. */
  readonly inAws: boolean;
  /** The manifest is about the policies of the account as well. */
  readonly withPolicies: boolean;
  readonly endpoint: { readonly host: string; readonly port: number; readonly tls: string; readonly via: string | null } | null;
};

/** A server as the RDS API has it. */
export type ServerFacts = {
  readonly kind: 'cluster' | 'instance';
  readonly identifier: string;
  readonly region: string;
  readonly status: string;
  readonly engine: string;
  readonly resourceId: string;
  /** The group that its parameters come from; left out: not said. */
  readonly parameterGroup?: string;
  readonly iam: { readonly on: boolean; readonly pending: boolean | null };
  readonly logExports: readonly string[];
  readonly securityGroups: readonly string[];
  readonly instances: readonly InstanceFacts[];
};
export type InstanceFacts = {
  readonly name: string;
  readonly class: string;
  /** CACertificateIdentifier. */
  readonly ca: string;
  /** RFC 3339; null: not said. */
  readonly certificateUntil: string | null;
  readonly iam: { readonly on: boolean; readonly pending: boolean | null };
};

/** Whose credentials they are. `expires`: RFC 3339; null: they do not. */
export type CallerFacts = {
  readonly arn: string;
  readonly account: string;
  readonly expires: string | null;
  readonly skewMs: number | null;
};

/** The way to the server. `trouble`: the code of what went wrong before anything was sent. */
export type ReachFacts = { readonly dialled: string; readonly trouble: string | null };

/** TLS as the server speaks it; null: it speaks none. `error`: why the certificate is not trusted. */
export type TlsFacts = {
  readonly protocol: string;
  readonly cipher: string;
  readonly error: string | null;
  readonly subject: string;
  readonly issuer: string;
  readonly validFrom: string;
  readonly validUntil: string;
} | null;

/** A token, taken apart. Nothing of it that is secret. */
export type TokenFacts = {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly region: string;
  readonly expiresSeconds: number;
  readonly signedAt: string;
  readonly length: number;
  readonly temporary: boolean;
};

/** What the server says to a login of Rolecall's own. */
export type SessionFacts = {
  readonly user: string;
  readonly version: string;
  readonly tls: string | null;
  readonly readOnly: boolean;
  readonly superuser: boolean;
  readonly createrole: boolean;
  /** What makes the server ask for a token, from the login on: groups up to rds_iam, or the plugin of RDS; null: it asks for a password. */
  readonly iamPath: readonly string[] | null;
  /** rds_iam is there; the plugin of RDS is loaded. */
  readonly hasIamRole: boolean;
  /** Declared roles that are there, and that it may not administer. */
  readonly notAdministered: readonly string[];
  readonly perGrantor: boolean;
  /** The account that it got, as SQL (MySQL and MariaDB). */
  readonly account?: string;
  /** What it lacks besides, as the SQL that gives it (MySQL and MariaDB). */
  readonly lacking?: readonly string[];
  /** How many sessions there are but its own, and how many there may be of whoever has none reserved; left out: not asked. */
  readonly connections?: { readonly open: number; readonly room: number };
  /** By how much this machine's clock is ahead of the server's. */
  readonly skewMs?: number;
};

/** Lines of policies about database logins, by what they turn out to be. */
export type PolicyFacts = {
  readonly whole: boolean;
  readonly lines: readonly { readonly policy: string; readonly resource: string; readonly kind: string; readonly right: string | null }[];
};

/** A user that somebody wants to log in as. */
export type UserFacts = {
  readonly exists: boolean;
  readonly like: string | null;
  readonly login: boolean;
  /** The date of a lock in its mark. */
  readonly locked: string | null;
  readonly iamPath: readonly string[] | null;
  readonly hasIamRole: boolean;
  readonly adPath: boolean;
  /** The time for which its password is good has passed; left out: not known. */
  readonly passwordOver?: boolean;
  readonly connectionLimit: number;
  /** null: the login does not see the sessions of others. */
  readonly sessions: number | null;
  readonly database: string;
  /** null: there is no such database. */
  readonly connect: boolean | null;
  /** The account that a login from here gets, as SQL (MySQL and MariaDB). */
  readonly account?: string;
  /** What a login from here lacks to be admitted; null: nothing. */
  readonly lacks?: string | null;
};

/** What the policies say of whoever is to log in as the user. */
export type WayFacts = { readonly principal: string; readonly arn: string; readonly judgement: Judgement };

/** Whether a login as the user was let in; `told` is why not. */
export type LoginFact = { readonly letIn: boolean; readonly cause: string; readonly told: string; readonly hint?: string };

/** What `doctor --save` wrote: `--from` judges it again, wherever that is. */
export type SavedEvidence = {
  readonly formatVersion: typeof CHECKUP_FORMAT;
  readonly user: string | null;
  readonly as: string | null;
  readonly evidence: readonly Evidence[];
  /** Of targets that could not be found. */
  readonly lost: readonly Checked[];
};

/** Everything that checks look at; a part that does not apply is left out. */
export type Evidence = {
  readonly target: TargetFacts;
  readonly server?: Read<ServerFacts>;
  readonly caller?: Read<CallerFacts>;
  readonly reach?: Read<ReachFacts>;
  readonly tls?: Read<TlsFacts>;
  readonly token?: Read<TokenFacts>;
  readonly session?: Read<SessionFacts>;
  readonly logging?: Read<LoggingFacts>;
  readonly policies?: Read<PolicyFacts>;
  readonly user?: Read<UserFacts>;
  readonly ways?: Read<readonly WayFacts[]>;
  readonly login?: Read<LoginFact>;
};

/** Version of the shape of `FixReport`. */
export const FIX_FORMAT = '1.0';

/** What Rolecall's login lacks on a target, as SQL without its end. `login`: null where it could not be asked. */
export type Fix = {
  readonly target: string;
  readonly engine: string;
  readonly login: string | null;
  readonly statements: readonly { readonly sql: string; readonly notes: readonly string[] }[];
};
export type FixReport = {
  readonly formatVersion: typeof FIX_FORMAT;
  readonly targets: readonly Fix[];
  readonly unread: readonly { readonly target: string; readonly message: string; readonly hint?: string }[];
};
