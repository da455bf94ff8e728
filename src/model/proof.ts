import type { ObjectKind } from './access.ts';
import type { Part, Reference } from './declared.ts';
import type { Finding, Position } from './finding.ts';
import type { Principal } from './iam.ts';

/** Version of the shape of `Proofs`. */
export const PROOFS_FORMAT = '1.0';

/** The word for what only an owner may do: alter and drop. */
export const OWN = 'OWN';

/** One thing that a user shall be able to do, or not. `text` is as written. */
export type Probe = {
  readonly text: string;
  readonly can: boolean;
  /** An upper-case word of the engine, or OWN. */
  readonly privilege: string;
  /** null: what the name turns out to be on the server. */
  readonly kind: ObjectKind | null;
  readonly schema: Part | null;
  readonly name: Part;
  readonly columns: readonly string[];
  readonly source: Position;
};

/** An entry of `expect`, read for its target. */
export type Expectation = {
  readonly target: string;
  readonly user: string;
  /** The IAM identity that logs in, and its ARN where that is what was written; null: whoever runs this, or the password. */
  readonly as: (Principal & { readonly arn?: string }) | null;
  readonly by: 'iam' | 'password';
  readonly password?: Reference;
  /** The user's clients come through an RDS Proxy, and not to the server. */
  readonly proxied: boolean;
  /** null: the target's maintenance database, or none. */
  readonly database: string | null;
  readonly login: 'allowed' | 'denied';
  readonly probes: readonly Probe[];
  /** The manifest removes the user: that there is none is what is expected. */
  readonly removed: boolean;
  readonly source: Position;
  /** Where it is said whether the login must work. */
  readonly loginSource: Position;
};

/** Why a server, or what is before it, did not let somebody in; in words that every engine shares. */
export type Refusal =
  /** Token or password was refused, and the server does not say why. */
  | 'authentication'
  /** A token came, and the server wanted a password. */
  | 'password-asked'
  /** A token or a password came, and the server wanted a Kerberos ticket. */
  | 'ticket-asked'
  /** NOLOGIN, ACCOUNT LOCK. */
  | 'closed'
  | 'no-connect'
  | 'no-database'
  | 'limit'
  /** No such connection is admitted: pg_hba.conf, required TLS. */
  | 'not-admitted'
  | 'network'
  | 'tls'
  | 'certificate'
  | 'busy'
  /** The server has nothing to check tokens with. */
  | 'iam-off'
  /** Nothing was tried: a secret, a place or a setting is missing. */
  | 'untried'
  | 'other';

/** Why a proof came out as it did, where it did not come out as expected, or a login was denied. */
export type Cause =
  | 'policy'
  | 'resource-id'
  | 'iam-off'
  | 'clock'
  | 'no-user'
  | 'no-login'
  | 'no-iam-user'
  | 'iam-only'
  | 'kerberos'
  | 'password'
  | 'no-connect'
  | 'no-database'
  | 'limit'
  | 'not-admitted'
  | 'network'
  | 'tls'
  | 'certificate'
  | 'busy'
  | 'unexplained'
  | 'let-in'
  | 'not-assumed'
  | 'not-logged-in'
  | 'untried'
  | 'target'
  | 'engine'
  | 'permission'
  | 'object'
  | 'other';

/** What the server's catalog says of a user; null in place of it: it could not be read. */
export type LoginFacts = {
  readonly exists: boolean;
  /** A user of the same name in another case. */
  readonly like: string | null;
  readonly login: boolean;
  /** It is under whatever marks a login for IAM. */
  readonly iam: boolean;
  /** It is under what marks a login for Kerberos (PostgreSQL: rds_ad). */
  readonly ad?: boolean;
  /** false: the time until which its password is good has passed. */
  readonly valid: boolean;
  /** null: there is no such database. */
  readonly connect: boolean | null;
  /** What the user has to have for a login and this one did not have, such as TLS. */
  readonly lacks?: string;
};

/** What the policies of an account say, as far as they were read. `elsewhere`: ARNs of the same user that they do allow. */
export type Judgement = {
  readonly verdict: 'allowed' | 'denied' | 'not-allowed' | 'unknown';
  readonly why: readonly string[];
  readonly elsewhere: readonly string[];
  /** What was not read. */
  readonly unread: readonly string[];
};

/** What a try came to, before it is told where and for whom. */
export type Came = {
  /** unproven: it could not be tried, or why it came out so is not known. Never a pass. */
  readonly status: 'passed' | 'failed' | 'unproven';
  readonly cause: Cause | null;
  readonly message: string;
  readonly hint?: string;
};

/** One line of the result: a login, or one thing tried after it. */
export type Proof = Came & {
  readonly target: string;
  readonly database: string | null;
  readonly user: string;
  /** `role/NAME`; null: whoever ran this, or the user's password. */
  readonly as: string | null;
  /** `login`, or what is written under `can` or `cannot`. */
  readonly what: string;
  readonly expected: 'allowed' | 'denied';
  /** What the policies say of the login, where that was asked. */
  readonly judgement: Judgement | null;
  readonly source: Position;
};

/** What `prove` came to, in the order of the manifest. */
export type Proofs = {
  readonly formatVersion: typeof PROOFS_FORMAT;
  readonly stack: string;
  readonly proofs: readonly Proof[];
  readonly summary: { readonly passed: number; readonly failed: number; readonly unproven: number };
  readonly findings: readonly Finding[];
};
