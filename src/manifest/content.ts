import type { AlarmSource } from '../model/alarm.ts';
import type { DatabaseEngine, DeclaredGrant, DeclaredRole, Endpoint, Manage, Rule } from '../model/declared.ts';
import type { Position, Severity } from '../model/finding.ts';
import type { IamMode } from '../model/iam.ts';

/** The way to a value of the manifest: keys and indexes from the top. */
export type Path = readonly (string | number)[];

/** Where a value stands, or its key (`part` 'key'); for what is missing, the nearest value around it. */
export type Locate = (path: Path, part?: 'key' | 'value') => Position;

/** A manifest that was validated: what is written, and where. */
export type Manifest = {
  readonly content: Content;
  readonly at: Locate;
  /** What the checks have read already; left out: it is read where it is needed. */
  readonly granted?: Granted;
};

/** What is granted on each target, by kind and name of user or group. */
export type Granted = ReadonlyMap<string, ReadonlyMap<string, readonly DeclaredGrant[]>>;

type Named<V> = Readonly<Record<string, V>>;
type Texts = readonly string[];
type OneOrMore = string | Texts;

/** The merged files, in the shape of schema/manifest.schema.json. Maps have no prototype: any name is just a key. */
export type Content = {
  readonly version: 1;
  readonly stack: string;
  readonly targets: Named<TargetEntry>;
  readonly iam?: IamEntry;
  readonly profiles?: Named<readonly GrantEntry[]>;
  readonly groups?: Named<RoleEntry>;
  readonly users?: Named<RoleEntry>;
  readonly defaults?: readonly DefaultEntry[];
  readonly public?: readonly PublicEntry[];
  readonly existing?: Texts;
  readonly removed?: Named<RemovalEntry>;
  readonly guard?: {
    readonly protected?: Texts;
    readonly max_removals?: number;
    readonly rules?: Readonly<Partial<Record<Rule, Severity | 'off'>>>;
  };
  readonly expect?: readonly ExpectEntry[];
  readonly alarms?: Named<AlarmEntry>;
  readonly alarm_regions?: Texts;
};

export type AlarmEntry = {
  readonly targets?: Texts;
  readonly source?: AlarmSource;
  readonly threshold?: number;
  readonly period?: string;
  readonly notify?: { readonly topic?: string; readonly email?: Texts };
};

export type TargetEntry = {
  readonly engine: DatabaseEngine;
  readonly rds?: RdsEntry;
  readonly endpoint?: 'env' | EndpointEntry;
  readonly proxies?: Texts;
  readonly login?: { readonly user?: string; readonly plan_user?: string; readonly auth?: 'iam' | 'password'; readonly password?: string };
  readonly databases?: Texts;
  readonly maintenance_database?: string;
  readonly defaults_for?: Named<Texts>;
  readonly manage?: Manage;
};

export type RdsEntry = {
  readonly cluster?: string;
  readonly instance?: string;
  readonly proxy?: string;
  readonly region: string;
  readonly account?: string;
  readonly assume_role?: string | { readonly arn: string; readonly external_id?: string };
  readonly via?: DialledEntry;
  readonly ca?: string;
};

export type EndpointEntry = {
  readonly host: string;
  readonly port?: number;
  readonly tls?: Extract<Endpoint, { kind: 'explicit' }>['tls'];
  readonly ca?: string;
  readonly via?: DialledEntry;
  readonly region?: string;
  readonly account?: string;
  readonly resource_id?: string;
};

type DialledEntry = { readonly host: string; readonly port: number };

export type IamEntry = {
  readonly account?: string;
  readonly path?: string;
  readonly mode?: IamMode;
  readonly roles?: Named<IamRoleEntry>;
};

export type IamRoleEntry = {
  readonly trust: TrustEntry;
  readonly boundary?: string;
  readonly path?: string;
  readonly description?: string;
  readonly max_session?: number | string;
  readonly tags?: Named<string>;
};

export type TrustEntry = {
  readonly service?: OneOrMore;
  readonly account?: string;
  readonly external_id?: string;
  readonly github?: {
    readonly repository: string;
    readonly branches?: Texts;
    readonly environments?: Texts;
    readonly subjects?: Texts;
  };
  readonly policy?: {
    readonly Statement: readonly { readonly Effect: string; readonly Principal?: string | Named<OneOrMore>; readonly Condition?: object }[];
  };
};

/** Targets of an entry: a list, or a map with what differs there. */
export type EntryTargets<Override> = Texts | Named<Override>;

/** Users and groups; the schema says which keys each of them has. */
export type RoleEntry = RoleOverride & { readonly targets?: EntryTargets<RoleOverride>; readonly renamed_from?: string };

export type RoleOverride = {
  readonly description?: string;
  readonly auth?: 'iam' | 'password' | 'none';
  readonly password?: string;
  readonly password_version?: number;
  readonly enabled?: boolean;
  readonly principals?: Texts;
  readonly via?: DeclaredRole['via'];
  readonly hosts?: Texts;
  readonly require?: RequireEntry;
  readonly limits?: LimitsEntry;
  readonly password_expire?: 'never' | 'default' | number;
  readonly failed_login_attempts?: number;
  readonly password_lock_time?: 'unbounded' | number;
  readonly groups?: readonly MembershipEntry[];
  readonly read?: SchemasEntry;
  readonly write?: SchemasEntry;
  readonly own?: SchemasEntry;
  readonly use?: Named<SchemasEntry>;
  readonly grants?: readonly GrantEntry[];
  readonly settings?: SettingsEntry;
  readonly database_settings?: Named<SettingsEntry>;
  readonly inherit?: boolean;
  readonly createdb?: boolean;
  readonly createrole?: boolean;
  readonly connection_limit?: number;
  readonly until?: string;
  readonly manage?: Manage;
  readonly adopt_from?: Texts;
};

export type RequireEntry = string | { readonly subject?: string; readonly issuer?: string; readonly cipher?: string };
export type LimitsEntry = {
  readonly queries_per_hour?: number;
  readonly updates_per_hour?: number;
  readonly connections_per_hour?: number;
};

export type MembershipEntry =
  | string
  | {
      readonly name: string;
      readonly until?: string;
      readonly reason?: string;
      readonly admin?: boolean;
      readonly inherit?: boolean;
      readonly set?: boolean;
    };

/** Schemas, or schemas by target. */
export type SchemasEntry = Texts | Named<Texts>;
export type SettingValue = string | number | boolean | readonly (string | number)[];
export type SettingsEntry = Named<SettingValue>;

/** The keys that name a kind of object, as plural words. */
export type KindKey =
  | 'tables'
  | 'sequences'
  | 'routines'
  | 'functions'
  | 'procedures'
  | 'schemas'
  | 'databases'
  | 'types'
  | 'languages'
  | 'foreign_data_wrappers'
  | 'foreign_servers'
  | 'tablespaces'
  | 'large_objects'
  | 'parameters'
  | 'global'
  | 'schema'
  | 'accounts';
export type ObjectsEntry = { readonly [K in KindKey]?: OneOrMore | number | true | readonly (string | number)[] };

export type GrantEntry = ObjectsEntry & {
  readonly privileges: Texts;
  readonly columns?: Texts;
  readonly database?: string;
  readonly grantable?: boolean;
};

export type PublicEntry = ObjectsEntry & {
  readonly target?: string;
  readonly database?: string;
  readonly grant?: Texts;
  readonly revoke?: Texts;
};

export type ExpectEntry = {
  readonly as?: string;
  readonly user: string;
  readonly target?: string;
  readonly database?: string;
  readonly can?: Texts;
  readonly cannot?: Texts;
  readonly login?: 'allowed' | 'denied';
};

export type DefaultEntry = {
  readonly target?: string;
  readonly database?: string;
  readonly schema?: string;
  readonly created_by?: Texts;
  readonly to?: string;
  readonly from?: 'public';
  readonly privileges: Texts;
  readonly objects: 'tables' | 'sequences' | 'routines' | 'types' | 'schemas' | 'large_objects';
};

export type RemovalOverride = {
  readonly drop?: boolean;
  readonly forget?: boolean;
  readonly reassign_to?: string;
  readonly sessions?: 'end' | 'keep';
  readonly hosts?: Texts;
};
export type RemovalEntry = RemovalOverride & { readonly targets?: EntryTargets<RemovalOverride> };
