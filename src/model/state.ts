import type { Grantee, ObjectKind, ObjectSet, Privileges } from './access.ts';
import type { Alarm, LogFilter, Subscription, Topic } from './alarm.ts';
import type { Attachment, IamRole, Policy } from './iam.ts';

/**
 * Our ownership mark in a role's comment. `pw` is the password version; `locked` the date of an emergency lock, `reason` what for, and
 * `wasClosed` that the role could not log in before it either.
 */
export type Mark = {
  readonly stack: string;
  readonly pw?: number;
  readonly locked?: string;
  readonly reason?: string;
  readonly wasClosed?: true;
};

/** A database principal in normal form. `validUntil`: UTC RFC 3339, null = never expires. `connectionLimit`: -1 = none. */
export type Role = {
  readonly name: string;
  readonly login: boolean;
  readonly inherit: boolean;
  readonly createdb: boolean;
  readonly createrole: boolean;
  readonly superuser: boolean;
  readonly replication: boolean;
  readonly bypassrls: boolean;
  readonly connectionLimit: number;
  readonly validUntil: string | null;
  /** The comment without our mark. */
  readonly description: string;
  readonly mark: Mark | null;
  /** Of an account of MySQL or MariaDB that is no role: what else it is made with. */
  readonly options?: AccountOptions;
};

/**
 * How an account of MySQL or MariaDB proves who it is, and its limits; names are those of the manifest, `null` and 0 are the
 * server's default. An option that the server lacks is left out.
 */
export type AccountOptions = {
  /** `other`: a plugin that no manifest asks for; its name is in `plugin`. */
  readonly auth: 'iam' | 'password' | 'none' | 'other';
  readonly plugin?: string;
  /** `none`, `ssl`, `x509`, or the clauses after REQUIRE, in the order SUBJECT, ISSUER, CIPHER. */
  readonly require: string;
  readonly queriesPerHour: number;
  readonly updatesPerHour: number;
  readonly connectionsPerHour: number;
  /** null: the server's default; 0: never. */
  readonly passwordExpireDays: number | null;
  readonly failedLoginAttempts?: number;
  /** Days; -1: until somebody unlocks it. */
  readonly passwordLockDays?: number;
};

/**
 * Options of a membership; `inherit` and `set` are true where the engine knows none. On MySQL and MariaDB `inherit` of a user
 * says that the role is active from login on: a default role, or every role is (activate_all_roles_on_login).
 */
export type MembershipOptions = { readonly admin: boolean; readonly inherit: boolean; readonly set: boolean };
/** `member` is in `role`, granted by `grantor`. */
export type Membership = { readonly role: string; readonly member: string; readonly grantor: string } & MembershipOptions;

/** A setting of a role (database null) or of a role in one database. Lists keep their elements apart. */
export type Setting = {
  readonly role: string;
  readonly database: string | null;
  readonly name: string;
  readonly value: string | readonly string[];
};

/** What `grantee` holds on every object of the set, by one grantor. */
export type Grant = { readonly on: ObjectSet; readonly grantee: Grantee; readonly grantor: string; readonly privileges: Privileges };

/** Privileges that objects made later by `creator` get (schema null: anywhere in the database). */
export type DefaultPrivilege = {
  readonly database: string;
  readonly creator: string;
  readonly schema: string | null;
  readonly objects: DefaultKind;
  readonly grantee: Grantee;
  readonly privileges: Privileges;
};
export type DefaultKind = Extract<ObjectKind, 'table' | 'sequence' | 'routine' | 'type' | 'schema' | 'large_object'>;

export type Ownership = { readonly on: ObjectSet; readonly owner: string };

/** A stored password cannot be read back: only the version in the mark is compared. */
export type Password = { readonly role: string; readonly version: number; readonly reference: string };

/** Sessions of a role that shall end; `count` is how many there were when it was read, left out where there were none. */
export type Sessions = { readonly role: string; readonly count?: number };

/** The kinds of thing that a plan changes, each with its normal form. Adding one adds a line here and the compiler names the rest. */
export type Bodies = {
  role: Role;
  password: Password;
  membership: Membership;
  setting: Setting;
  ownership: Ownership;
  grant: Grant;
  default: DefaultPrivilege;
  sessions: Sessions;
  iam_role: IamRole;
  policy: Policy;
  attachment: Attachment;
  topic: Topic;
  subscription: Subscription;
  log_filter: LogFilter;
  alarm: Alarm;
};
export type Kind = keyof Bodies;
