import type { Position } from './finding.ts';
import type { Place } from './place.ts';

/** An IAM identity of the account: `role/NAME`, `user/NAME` or `group/NAME`. Names are unique in an account, whatever their path. */
export type Principal = { readonly kind: 'role' | 'user' | 'group'; readonly name: string };

/** `role/orders-api-task`. */
export const principalKey = ({ kind, name }: Principal): string => `${kind}/${name}`;

/** May log in as a user of a target. `arns`: exactly what `rds-db:connect` shall be allowed on; one for each resource. */
export type DeclaredConnect = {
  readonly principal: Principal;
  readonly target: string;
  readonly user: string;
  readonly arns: readonly string[];
  readonly source: Position;
};

/** Who may assume a role that we create. */
export type Trust =
  | { readonly kind: 'service'; readonly services: readonly string[] }
  | { readonly kind: 'account'; readonly account: string; readonly externalId: string }
  /** `subjects`: e.g. repo:acme/access:ref:refs/heads/main; never a wildcard over repositories. */
  | { readonly kind: 'github'; readonly subjects: readonly string[] }
  /** Verbatim: the policy document as it is written. */
  | { readonly kind: 'policy'; readonly document: object };

/** An IAM role that we create. */
export type DeclaredIamRole = {
  readonly name: string;
  readonly trust: Trust;
  /** ARN of a permissions boundary. */
  readonly boundary: string | null;
  readonly path: string;
  readonly description: string;
  readonly maxSessionSeconds: number;
  readonly tags: Readonly<Record<string, string>>;
  readonly source: Position;
};

/** manage: change IAM; emit: print the policies for others to apply; verify: only compare. */
export type IamMode = 'manage' | 'emit' | 'verify';

/** The manifest, for the IAM account. */
export type DeclaredIam = {
  /** null: whichever the credentials are for. */
  readonly account: string | null;
  readonly path: string;
  readonly mode: IamMode;
  readonly roles: readonly DeclaredIamRole[];
  readonly connects: readonly DeclaredConnect[];
  /** Logins whose `until` has passed: no policy holds them any more, and each of them was agreed on when that was written. */
  readonly expired: readonly Omit<DeclaredConnect, 'arns'>[];
  /** Users that `removed` forgets: what policies of ours let in as them stays as it is. */
  readonly forgotten?: readonly { readonly target: string; readonly user: string; readonly source: Position }[];
  /** Every target that lives in AWS, by name: what foreign policies are judged by. */
  readonly places: ReadonlyMap<string, Place>;
  /** Users of each target that log in by IAM, as the servers have them; null where no server was read. */
  readonly logins: ReadonlyMap<string, ReadonlySet<string>> | null;
  /** Users, as `target/user`, whose login changes to IAM in the same plan. */
  readonly flips: ReadonlySet<string>;
};

/** One line of a policy of ours: this ARN may be connected to. `login`: `target/user`, null where it is none that is declared. */
export type PolicyEntry = { readonly arn: string; readonly login: string | null };

/** A customer-managed policy of ours: it belongs to one principal, and allows `rds-db:connect` on its entries, sorted by ARN. */
export type Policy = {
  readonly name: string;
  readonly path: string;
  readonly principal: string;
  readonly entries: readonly PolicyEntry[];
  /** Canonical JSON of every statement that somebody else put into it; null in what we write. */
  readonly foreign: string | null;
};

/** A policy of ours on a principal. */
export type Attachment = { readonly policy: string; readonly principal: string };

/** An IAM role of ours. `trust`: canonical JSON of its trust policy. */
export type IamRole = {
  readonly name: string;
  readonly path: string;
  readonly trust: string;
  readonly boundary: string | null;
  readonly description: string;
  readonly maxSessionSeconds: number;
  readonly tags: Readonly<Record<string, string>>;
};
