import type { Grantee, ObjectKind, Privileges } from './access.ts';
import type { DeclaredAlarms } from './alarm.ts';
import type { Finding, Position, Severity } from './finding.ts';
import type { DeclaredIam, Principal } from './iam.ts';
import type { Place, PlaceName } from './place.ts';
import type { AccountOptions, DefaultKind, MembershipOptions } from './state.ts';

/** One part of a selector. Not `literal`: `*` matches any run of characters and everything else is itself. */
export type Part = { readonly text: string; readonly literal: boolean };

export type DatabaseEngine = 'postgres' | 'mysql' | 'mariadb';
/** `iam`: no server, but the policies of an AWS account; `cloudwatch`: what watches failed logins. */
export type Engine = DatabaseEngine | 'iam' | 'cloudwatch';

/** A value that is looked up when it is needed: `${env:NAME}` or `${secret:ARN[#key]}`. `text` is the whole reference, `at` where it stands. */
export type Reference = {
  readonly source: 'env' | 'secret';
  readonly name: string;
  readonly key?: string;
  readonly text: string;
  readonly at?: Position;
};

/** The value of a secret of AWS. Throws a Failure where there is none. */
export type Lookup = (reference: Reference) => Promise<string>;

/** What is dialled instead of a server's own host, such as a tunnel. */
type Dialled = { readonly host: string; readonly port: number };

export type Endpoint =
  | {
      readonly kind: 'explicit';
      readonly host: string;
      readonly port: number;
      readonly tls: 'verify-full' | 'require' | 'disable';
      /** Path of a file; 'rds': the authorities of RDS; left out: those of Node. */
      readonly ca?: string;
      /** What is dialled instead (a tunnel): certificate and token stay those of `host` and `port`. */
      readonly via?: Dialled;
      /** Where it is in AWS, as far as the manifest says it. */
      readonly aws?: { readonly region: string; readonly account?: string; readonly resourceId?: string };
    }
  /** Found through the RDS API, by `rds`, before anything connects. */
  | { readonly kind: 'rds' }
  /** The IAM account, and the alarms: no server. */
  | { readonly kind: 'aws' }
  /** libpq's variables, DATABASE_URL and ~/.pgpass. */
  | { readonly kind: 'env' };

/** Nothing of a server: what the account and the alarms declare there, and a stack that shall be gone. */
export const NOTHING_DECLARED = {
  roles: new Map(),
  memberships: [],
  settings: [],
  grants: [],
  ownerships: [],
  defaults: [],
  publics: [],
  removed: [],
  existing: new Set(),
} as const satisfies Partial<Declared>;

/** A plan's target that is a server, and neither the account nor the alarms. */
export const isServer = ({ target }: { readonly target: Pick<Target, 'endpoint'> }): boolean => target.endpoint.kind !== 'aws';

export type Target = {
  readonly name: string;
  readonly engine: Engine;
  readonly endpoint: Endpoint;
  /** `via` and `ca` are those of the endpoint that it will be. */
  readonly rds?: PlaceName & { readonly proxies: readonly string[]; readonly via?: Dialled; readonly ca?: string };
  /** Where it is in AWS: set once it was found there, or declared beside the endpoint. */
  readonly place?: Place;
  readonly login: {
    readonly user?: string;
    readonly planUser?: string;
    readonly auth: 'password' | 'iam';
    readonly password?: Reference;
    /** A fresh token for a user, for each connection anew; set once the target was found. */
    readonly token?: (user: string) => Promise<string>;
  };
  /** Looks secrets up, each of them once for a whole run; set where the run begins. */
  readonly secrets?: Lookup;
  /** null: every database that the login may connect to, without templates and `rdsadmin`. */
  readonly databases: readonly string[] | null;
  readonly maintenanceDatabase: string;
  /** Creators of later objects, by database. */
  readonly defaultsFor: Readonly<Record<string, readonly string[]>>;
  readonly manage: Manage;
  readonly source: Position;
};

/** An account of MySQL or MariaDB; `host` is '' for a role of MariaDB, in lower case otherwise. */
export type Account = { readonly user: string; readonly host: string };
export type DeclaredOptions = Partial<Omit<AccountOptions, 'auth' | 'plugin'>>;

export type Manage = 'exact' | 'additive';

export type DeclaredRole = {
  readonly name: string;
  readonly kind: 'user' | 'group';
  readonly auth: 'iam' | 'password' | 'none';
  /** IAM identities that may log in as it. */
  readonly principals: readonly Principal[];
  /** How its clients come: to the server, or through an RDS Proxy that logs in by a secret or by IAM. */
  readonly via: 'direct' | 'proxy-secret' | 'proxy-iam';
  /** false: no login, sessions ended, grants kept. */
  readonly enabled: boolean;
  /** undefined: the comment's own text stays. */
  readonly description?: string;
  readonly inherit: boolean;
  readonly createdb: boolean;
  readonly createrole: boolean;
  readonly connectionLimit: number;
  /** RFC 3339 UTC; set from `until` of a password user. */
  readonly validUntil: string | null;
  readonly password?: Reference;
  readonly passwordVersion: number;
  /** Its password shall be set again by this run, whatever its version says. */
  readonly rotate?: true;
  /** On MySQL and MariaDB: the account that `name` stands for (core/account.ts). */
  readonly account?: Account;
  /** On MySQL and MariaDB, of a user: what is written; `require` left out keeps what is there, the rest is the server's default. */
  readonly options?: DeclaredOptions;
  readonly manage: Manage;
  readonly adoptFrom: readonly string[];
  readonly renamedFrom?: string;
  /** true: its `until` has passed at `asOf`; it is treated as absent. */
  readonly expired: boolean;
  readonly source: Position;
};

export type DeclaredMembership = {
  /** May be a predefined, provider or `existing` role. */
  readonly role: string;
  readonly member: string;
  readonly options: MembershipOptions;
  /** true: its `until` has passed at `asOf`: not wanted, and its removal is an expiry. */
  readonly expired: boolean;
  /** As written, for those who read the plan. */
  readonly until?: string;
  readonly reason?: string;
  readonly source: Position;
};

export type DeclaredSetting = {
  readonly role: string;
  readonly database: string | null;
  readonly name: string;
  readonly value: string | readonly string[];
  readonly source: Position;
};

/** `grantee` shall hold `privileges` on the objects that the parts select. */
export type DeclaredGrant = {
  readonly grantee: string;
  readonly kind: ObjectKind;
  /** Upper-case words of the engine, `*` marks the grant option; ['ALL'] stays to be expanded by server version. */
  readonly privileges: Privileges;
  /** Selects among the managed databases; null for kinds shared by the whole server other than `database`. */
  readonly database: Part | null;
  readonly schema: Part | null;
  /** The object; for kind `column` the table. A routine's name may carry `(types)`. */
  readonly name: Part | null;
  readonly columns?: readonly string[];
  /** The built-in or own profile that it comes from: such grants also plan default privileges (rule 18). */
  readonly profile?: string;
  /** As written, for messages. */
  readonly selector: string;
  readonly source: Position;
};

/** The group owns the schema and everything in it that no extension made (rule 16). */
export type DeclaredOwnership = {
  readonly owner: string;
  readonly database: Part;
  readonly schema: Part;
  readonly selector: string;
  readonly source: Position;
};

/** What `to` shall get on objects made later by the creators, or, for `revoke`, shall not: PUBLIC, in any schema where none is named. */
export type DeclaredDefault = {
  readonly action: 'grant' | 'revoke';
  readonly database: string;
  /** null: every schema of the database. */
  readonly schema: string | null;
  readonly createdBy: readonly string[];
  readonly to: Grantee;
  readonly objects: DefaultKind;
  readonly privileges: Privileges;
  readonly source: Position;
};

/** A privilege of PUBLIC that shall be there or not; everything else of PUBLIC is left alone. */
export type DeclaredPublic = {
  readonly action: 'grant' | 'revoke';
  readonly kind: ObjectKind;
  readonly privileges: Privileges;
  readonly database: Part | null;
  readonly schema: Part | null;
  readonly name: Part | null;
  readonly selector: string;
  readonly source: Position;
};

export type DeclaredRemoval = {
  readonly name: string;
  readonly action: 'drop' | 'forget';
  readonly reassignTo?: string;
  readonly sessions: 'end' | 'keep';
  /** On MySQL and MariaDB: no host is written, and '%' was taken. */
  readonly hostAssumed?: true;
  readonly source: Position;
};

export type Rule = 'no-superuser' | 'no-direct-user-grants' | 'no-wildcard-connect';
export type Guards = {
  readonly protected: readonly string[];
  readonly maxRemovals: number | null;
  readonly rules: Readonly<Partial<Record<Rule, Severity | 'off'>>>;
};

/** The manifest, for one target, after groups, profiles and overrides: what shall be true there. */
export type Declared = {
  readonly stack: string;
  /** RFC 3339 UTC. */
  readonly asOf: string;
  readonly target: Target;
  readonly roles: ReadonlyMap<string, DeclaredRole>;
  readonly memberships: readonly DeclaredMembership[];
  readonly settings: readonly DeclaredSetting[];
  readonly grants: readonly DeclaredGrant[];
  readonly ownerships: readonly DeclaredOwnership[];
  readonly defaults: readonly DeclaredDefault[];
  readonly publics: readonly DeclaredPublic[];
  readonly removed: readonly DeclaredRemoval[];
  /** Roles of the server that are referenced and never changed. */
  readonly existing: ReadonlySet<string>;
  /** Of the IAM account alone; null for a server. */
  readonly iam: DeclaredIam | null;
  /** Of the alarms alone. */
  readonly alarms?: DeclaredAlarms;
  /** Of a server: the manifest has an account, which is not part of this run, so that policies stay as they are. */
  readonly apart?: true;
  readonly guards: Guards;
  /** The next `until` after `asOf`, RFC 3339 UTC. */
  readonly nextExpiry: string | null;
  /** What was noticed on the way (warnings; errors stop earlier). */
  readonly findings: readonly Finding[];
};
