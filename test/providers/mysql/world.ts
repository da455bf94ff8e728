import { parseAccount } from '../../../src/core/account.ts';
import type { Change } from '../../../src/model/change.ts';
import type { Declared, DeclaredRole } from '../../../src/model/declared.ts';
import type { AccountOptions, Bodies, Grant, Kind, Membership, Role } from '../../../src/model/state.ts';
import type { Server, Snapshot, SnapshotAccount } from '../../../src/providers/mysql/snapshot.ts';
import { declaredOf as declared, targetOf } from '../declared.ts';

const SOURCE = { file: 'access.yaml', line: 1, column: 1 };

/** A server that was read, with what a test says of it. */
export const snapshotOf = (server: Partial<Server> = {}, rest: Partial<Snapshot> = {}): Snapshot => ({
  engine: 'mysql',
  server: {
    flavour: 'mysql',
    version: 80400,
    versionText: '8.4.0',
    uuid: null,
    currentUser: 'master',
    readOnly: false,
    innodbReadOnly: false,
    lowerCaseTableNames: 0,
    partialRevokes: false,
    activateAllRoles: false,
    activateMandatoryRoles: true,
    mandatoryRoles: [],
    iamPlugin: true,
    rds: false,
    grantable: null,
    ...server,
  },
  accounts: [],
  edges: [],
  defaultRoles: [],
  grants: [],
  restrictions: [],
  schemas: [],
  tables: [],
  columns: [],
  routines: [],
  definers: [],
  sessions: [],
  unseen: [],
  ...rest,
});

const OPTIONS: AccountOptions = {
  auth: 'password',
  require: 'none',
  queriesPerHour: 0,
  updatesPerHour: 0,
  connectionsPerHour: 0,
  passwordExpireDays: null,
};

/** An account that was read. */
export const accountOf = (name: string, rest: Partial<SnapshotAccount> = {}): SnapshotAccount => ({
  name,
  ...parseAccount(name),
  kind: 'user',
  locked: false,
  options: OPTIONS,
  connectionLimit: 0,
  comment: null,
  mark: null,
  attributes: false,
  system: false,
  ...rest,
});

/** A user; without options it is a group. */
export const userOf = (name: string, rest: Partial<Role> = {}, options: Partial<AccountOptions> = {}): Role => ({
  ...groupOf(name, { login: true, options: { ...OPTIONS, ...options } }),
  ...rest,
});

export const groupOf = (name: string, rest: Partial<Role> = {}): Role => ({
  name,
  login: false,
  inherit: true,
  createdb: false,
  createrole: false,
  superuser: false,
  replication: false,
  bypassrls: false,
  connectionLimit: -1,
  validUntil: null,
  description: '',
  mark: null,
  ...rest,
});

export const declaredRole = (name: string, rest: Partial<DeclaredRole> = {}): DeclaredRole => ({
  name,
  kind: 'user',
  auth: 'password',
  principals: [],
  via: 'direct',
  enabled: true,
  inherit: true,
  createdb: false,
  createrole: false,
  connectionLimit: -1,
  validUntil: null,
  passwordVersion: 1,
  account: parseAccount(name),
  manage: 'exact',
  adoptFrom: [],
  expired: false,
  source: SOURCE,
  ...rest,
});

const TARGET = targetOf({
  name: 't',
  engine: 'mysql',
  endpoint: { kind: 'explicit', host: '127.0.0.1', port: 3306, tls: 'disable' },
  login: { user: 'master', auth: 'password' },
  maintenanceDatabase: '',
});

/** A manifest that declares these roles on a MySQL server, and nothing else. */
export const declaredOf = (...roles: readonly DeclaredRole[]): Declared =>
  declared(TARGET, { roles: new Map(roles.map((role) => [role.name, role])) });

/** A change of a kind; what it is called matters to nobody here but passwords, which go with their role. */
export const changeOf = <K extends Kind>(kind: K, before: Bodies[K] | null, after: Bodies[K] | null): Change => {
  const body = (after ?? before) as unknown as { readonly name?: string; readonly role?: string };
  return {
    kind,
    key: kind === 'role' ? body.name : kind === 'password' ? body.role : JSON.stringify(body),
    before,
    after,
    risk: 'safe',
    cause: 'declared',
  } as unknown as Change;
};

export const membershipOf = (member: string, role: string, rest: Partial<Membership> = {}): Membership => ({
  role,
  member,
  grantor: '',
  admin: false,
  inherit: true,
  set: true,
  ...rest,
});

type On = Partial<Grant['on']> & Pick<Grant['on'], 'kind' | 'names'>;

export const grantOf = (grantee: string, privileges: readonly string[], on: On): Grant => ({
  grantee,
  grantor: '',
  privileges,
  on: { database: null, schema: null, ...on },
});
