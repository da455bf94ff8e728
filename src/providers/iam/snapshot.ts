import type { Partition } from '../../model/place.ts';

/** A policy document as it was read: decoded and parsed JSON of whatever shape AWS or somebody else wrote. */
export type RawDocument = unknown;

/** An IAM identity. `attached`: ARNs of managed policies, AWS's own among them. */
export type IamIdentity = {
  readonly kind: 'role' | 'user' | 'group';
  readonly name: string;
  readonly path: string;
  readonly arn: string;
  /** AROA…, AIDA…, AGPA…: another id is another identity, whatever its name. */
  readonly id: string;
  readonly inline: readonly { readonly name: string; readonly document: RawDocument }[];
  readonly attached: readonly string[];
  /** ARN of the permissions boundary. */
  readonly boundary: string | null;
  /** Of a user: names of its groups. */
  readonly groups: readonly string[];
  /** Of a role. */
  readonly trust: RawDocument | null;
  readonly description: string;
  readonly maxSessionSeconds: number | null;
  readonly tags: Readonly<Record<string, string>>;
};

export type ManagedPolicy = {
  readonly name: string;
  readonly path: string;
  readonly arn: string;
  /** Of the default version; null where it was not read (AWS's own policies that nobody here has). */
  readonly document: RawDocument | null;
  /** Oldest first. */
  readonly versions: readonly { readonly id: string; readonly isDefault: boolean }[];
  readonly attachments: number;
  readonly tags: Readonly<Record<string, string>>;
};

/** Limits of the account, read live (GetAccountSummary); AWS's documented defaults where that may not be read. */
export type Quotas = {
  /** Characters of a managed policy, whitespace not counted. */
  readonly policySize: number;
  readonly versionsPerPolicy: number;
  readonly attachedPerRole: number;
  readonly attachedPerUser: number;
  readonly attachedPerGroup: number;
  readonly policies: { readonly used: number; readonly limit: number } | null;
};

/** Everything that one reading of the account returned. Identities are keyed `role/NAME`, `user/NAME`, `group/NAME`; policies by ARN. */
export type Snapshot = {
  readonly partition: Partition;
  readonly account: string;
  /** ARN of whoever asked. */
  readonly caller: string;
  /** false: only the declared identities and our own policies were read. */
  readonly whole: boolean;
  readonly identities: ReadonlyMap<string, IamIdentity>;
  readonly policies: ReadonlyMap<string, ManagedPolicy>;
  readonly quotas: Quotas;
  /** What could not be read, and why. */
  readonly unread: readonly { readonly what: string; readonly reason: string }[];
};
