import fc from 'fast-check';
import { accountName } from '../../../src/core/account.ts';
import { byCodeUnit } from '../../../src/model/key.ts';
import type { AccountOptions } from '../../../src/model/state.ts';
import type { Server, Snapshot, SnapshotAccount, SnapshotGrant } from '../../../src/providers/mysql/snapshot.ts';

/** What a server holds, told by numbers that choose among what there is. */
export type World = {
  readonly rows: readonly Row[];
  readonly edges: readonly Edge[];
  /** Of MySQL: activate_all_roles_on_login, and a mandatory role. */
  readonly activateAll: boolean;
  readonly mandatory: number;
  readonly activateMandatory: boolean;
  /** Of MySQL: partial_revokes, with restrictions of who has something globally. */
  readonly partial: boolean;
};
type Row = {
  readonly holder: number;
  readonly level: 'global' | 'schema' | 'table' | 'column' | 'function' | 'procedure';
  readonly stored: number;
  readonly schema: number;
  readonly name: number;
  readonly words: number;
  readonly option: boolean;
};
type Edge = { readonly member: number; readonly role: number; readonly standard: boolean };

export const worlds: fc.Arbitrary<World> = fc.record({
  rows: fc.array(
    fc.record({
      holder: fc.nat(11),
      level: fc.constantFrom('global', 'schema', 'schema', 'schema', 'schema', 'table', 'table', 'column', 'function', 'procedure'),
      stored: fc.nat(40),
      schema: fc.nat(5),
      name: fc.nat(1),
      words: fc.integer({ min: 1, max: 255 }).map((bits) => bits & (bits >> 1) || bits),
      option: fc.boolean(),
    }),
    { minLength: 20, maxLength: 60 },
  ),
  edges: fc.array(fc.record({ member: fc.nat(11), role: fc.nat(3), standard: fc.constantFrom(true, true, false) }), {
    minLength: 2,
    maxLength: 12,
  }),
  activateAll: fc.boolean(),
  mandatory: fc.nat(9),
  activateMandatory: fc.boolean(),
  partial: fc.constantFrom(true, false, false),
});

const ACCOUNTS = ['u1@%', 'u1@127.0.0.1', 'u2@%', 'u3@127.%', 'u3@%', 'u4@%', '@%'];
/** Users that log in; `u1` has two accounts, of which the server chooses one. */
export const USERS = ['u1', 'u2', 'u3', 'u4'];
const ROLES = ['r1', 'r2', 'r3', 'r4'];
const SCHEMAS = ['my', 'my_db', 'myxdb', 'o_x', 'orders', 'ox%'];
const PATTERNS = ['%', 'my%', 'my_db', 'm_%', 'my\\_%', '%db', 'o%', '_rders', 'o_x', 'or%s', 'o\\_%', 'my__b', 'm%b', 'ox%', 'o_%'];
const TABLES = ['t1', 't2'];
const COLUMNS = ['i', 'j'];
const WORDS = ['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'CREATE', 'EXECUTE', 'INDEX', 'EVENT'];
const LEGAL: Readonly<Record<Row['level'], readonly string[]>> = {
  global: WORDS,
  schema: WORDS,
  table: ['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'CREATE', 'INDEX'],
  column: ['SELECT', 'INSERT', 'UPDATE'],
  function: ['EXECUTE'],
  procedure: ['EXECUTE'],
};

const id = (name: string): string => `\`${name.replaceAll('`', '``')}\``;
const mysqlName = (account: string): string => {
  const at = account.lastIndexOf('@');
  return at < 0 ? id(account) : `${id(account.slice(0, at))}@${id(account.slice(at + 1))}`;
};

/** Schemas, tables and routines that every world is about; the account that others are granted to. */
export const STAGE: readonly string[] = [
  ...SCHEMAS.flatMap((schema) => [
    `CREATE DATABASE ${id(schema)}`,
    ...TABLES.map((table) => `CREATE TABLE ${id(schema)}.${table} (i int, j int)`),
    `CREATE FUNCTION ${id(schema)}.f() RETURNS int DETERMINISTIC RETURN 1`,
    `CREATE PROCEDURE ${id(schema)}.p() DO 1`,
  ]),
  'CREATE USER victim',
];

/** How to make a world, and what reading it would return. */
export type Made = { readonly statements: readonly string[]; readonly snapshot: Snapshot };

const OPTIONS: AccountOptions = {
  auth: 'password',
  require: 'none',
  queriesPerHour: 0,
  updatesPerHour: 0,
  connectionsPerHour: 0,
  passwordExpireDays: null,
};

/** Statements that empty the server of the last world's accounts; PUBLIC stays, without a grant. */
export const clean = (flavour: Server['flavour']): readonly string[] => [
  ...(flavour === 'mysql' ? ["SET GLOBAL mandatory_roles = ''"] : []),
  ...ACCOUNTS.map((user) => `DROP USER IF EXISTS ${mysqlName(user)}`),
  ...ROLES.map((role) => `DROP ROLE IF EXISTS ${id(role)}`),
  ...(flavour === 'mariadb' ? ['GRANT SELECT ON `my`.* TO PUBLIC', 'REVOKE ALL PRIVILEGES, GRANT OPTION FROM PUBLIC'] : []),
];

/** `since9`: the server can leave mandatory roles inactive. */
export const makeWorld = (world: World, flavour: Server['flavour'], since9: boolean): Made => {
  const maria = flavour === 'mariadb';
  const partial = !maria && world.partial;
  const holders = [...ACCOUNTS, ...ROLES, ...(maria ? ['PUBLIC'] : [])];
  const holderOf = (index: number): string => holders[index % holders.length] ?? '';
  const grants = grantsOf(world.rows, holderOf, partial);
  const edges = edgesOf(world.edges, holderOf);
  const defaults = defaultsOf(edges, maria);
  const mandatory = !maria && world.mandatory < 2 ? [ROLES[3] ?? ''] : [];
  const restrictions = partial ? restrictionsOf(grants) : [];
  const accounts = [...ACCOUNTS, ...ROLES, ...(maria ? ['PUBLIC'] : [])].map((name) => accountOf(name, maria));
  const statements = [
    ...(maria
      ? []
      : [
          `SET GLOBAL partial_revokes = ${partial ? 'ON' : 'OFF'}`,
          `SET GLOBAL activate_all_roles_on_login = ${world.activateAll ? 'ON' : 'OFF'}`,
          `SET GLOBAL mandatory_roles = '${mandatory.join()}'`,
          ...(since9 ? [`SET GLOBAL activate_mandatory_roles = ${world.activateMandatory ? 'ON' : 'OFF'}`] : []),
        ]),
    ...ACCOUNTS.map((user) => `CREATE USER ${mysqlName(user)}`),
    ...ROLES.map((role) => `CREATE ROLE ${id(role)}`),
    ...grants.map(grantSql),
    ...restrictions.map(
      ({ account, schema, privileges }) => `REVOKE ${privileges.join(', ')} ON ${id(schema)}.* FROM ${granteeSql(account)}`,
    ),
    ...edges.map(({ role, member }) => `GRANT ${id(role)} TO ${granteeSql(member)}`),
    ...defaults.map(({ member, roles }) =>
      maria
        ? `SET DEFAULT ROLE ${id(roles[0] ?? '')} FOR ${mysqlName(member)}`
        : `SET DEFAULT ROLE ${roles.map(id).join(', ')} TO ${mysqlName(member)}`,
    ),
    // What MySQL leaves to the order of grants it now decides as after a restart. MariaDB forgets what roles have by roles of roles then.
    ...(maria ? [] : ['FLUSH PRIVILEGES']),
  ];
  const snapshot: Snapshot = {
    engine: 'mysql',
    server: {
      ...serverOf(flavour, partial, !maria && world.activateAll, mandatory),
      activateMandatoryRoles: since9 && world.activateMandatory,
    },
    accounts,
    edges: edges.map((edge) => ({ ...edge, admin: false })),
    defaultRoles: defaults.flatMap(({ member, roles }) => roles.map((role) => ({ member, role }))),
    grants,
    restrictions,
    schemas: SCHEMAS,
    tables: SCHEMAS.map((schema) => ({ schema, names: TABLES })),
    columns: [],
    routines: [],
    definers: [],
    unseen: [],
    sessions: [],
  };
  return { statements, snapshot };
};

const serverOf = (
  flavour: Server['flavour'],
  partialRevokes: boolean,
  activateAllRoles: boolean,
  mandatoryRoles: readonly string[],
): Server =>
  ({
    flavour,
    version: flavour === 'mysql' ? 80045 : 101114,
    versionText: '',
    uuid: null,
    currentUser: 'root@localhost',
    readOnly: false,
    innodbReadOnly: false,
    lowerCaseTableNames: 0,
    partialRevokes,
    activateAllRoles,
    mandatoryRoles,
    iamPlugin: false,
    rds: false,
    grantable: null,
  }) as Server;

const accountOf = (name: string, maria: boolean): SnapshotAccount => {
  const at = name.lastIndexOf('@');
  const isRole = at < 0;
  const account = { user: isRole ? name : name.slice(0, at), host: isRole ? (maria ? '' : '%') : name.slice(at + 1) };
  return {
    name: accountName(account),
    ...account,
    kind: isRole ? 'role' : 'user',
    locked: isRole,
    options: OPTIONS,
    connectionLimit: 0,
    comment: null,
    mark: null,
    attributes: false,
    system: false,
  };
};

const nameOf = (holder: string): string => {
  const at = holder.lastIndexOf('@');
  return at < 0 ? holder : accountName({ user: holder.slice(0, at), host: holder.slice(at + 1) });
};

const grantsOf = (rows: readonly Row[], holderOf: (index: number) => string, partial: boolean): SnapshotGrant[] => {
  const found = new Map<string, SnapshotGrant>();
  for (const row of rows) {
    const account = nameOf(holderOf(row.holder));
    const legal = LEGAL[row.level];
    const words = legal.filter((_, index) => row.words & (1 << index));
    if (words.length === 0) words.push(legal[0] ?? 'SELECT');
    const option = row.option && row.level !== 'column';
    const privileges = words.map((word) => (option ? `${word}*` : word)).sort(byCodeUnit);
    const grant: SnapshotGrant = { account, ...placeOf(row, partial), privileges };
    const key = JSON.stringify([grant.account, grant.level, grant.schema, grant.relation, grant.name]);
    if (!found.has(key)) found.set(key, grant);
  }
  return [...found.values()];
};

const placeOf = (
  { level, stored, schema: index, name }: Row,
  partial: boolean,
): Pick<SnapshotGrant, 'level' | 'schema' | 'relation' | 'name'> => {
  const schema = SCHEMAS[index] ?? '';
  switch (level) {
    case 'global':
      return { level, schema: null, name: null };
    case 'schema': {
      const literal = partial ? schema : schema.replaceAll(/[_%]/g, '\\$&');
      return { level, schema: stored < PATTERNS.length ? (PATTERNS[stored] ?? '') : literal, name: null };
    }
    case 'table':
      return { level, schema, name: TABLES[name] ?? '' };
    case 'column':
      return { level, schema, relation: TABLES[stored % 2] ?? '', name: COLUMNS[name] ?? '' };
    default:
      return { level, schema, name: level === 'function' ? 'f' : 'p' };
  }
};

const userOf = (account: string): string => (account.includes('@') ? account.slice(0, account.lastIndexOf('@')) : account);

const granteeSql = (name: string): string =>
  name === 'PUBLIC' ? 'PUBLIC' : ROLES.includes(name) ? id(name) : mysqlName(name.includes('@') ? name : `${name}@%`);

const grantSql = ({ account, level, schema, relation, name, privileges }: SnapshotGrant): string => {
  const words = privileges.map((word) => word.replace('*', ''));
  const to = ` TO ${granteeSql(account)}${privileges.some((word) => word.endsWith('*')) ? ' WITH GRANT OPTION' : ''}`;
  const place = `${id(schema ?? '')}.${id(name ?? '')}`;
  switch (level) {
    case 'global':
      return `GRANT ${words.join(', ')} ON *.*${to}`;
    case 'schema':
      return `GRANT ${words.join(', ')} ON ${id(schema ?? '')}.*${to}`;
    case 'column':
      return `GRANT ${words.map((word) => `${word} (${id(name ?? '')})`).join(', ')} ON ${id(schema ?? '')}.${id(relation ?? '')}${to}`;
    case 'table':
      return `GRANT ${words.join(', ')} ON ${place}${to}`;
    default:
      return `GRANT EXECUTE ON ${level} ${place}${to}`;
  }
};

/** Roles are in later roles only: no circles. */
const edgesOf = (edges: readonly Edge[], holderOf: (index: number) => string): { role: string; member: string; standard: boolean }[] => {
  const found = new Map<string, { role: string; member: string; standard: boolean }>();
  for (const { member: index, role: number, standard } of edges) {
    const [member, role] = [nameOf(holderOf(index)), ROLES[number] ?? ''];
    if (member.startsWith('@') || (ROLES.includes(member) && ROLES.indexOf(member) >= number)) continue;
    if (!found.has(`${member} ${role}`)) found.set(`${member} ${role}`, { role, member, standard });
  }
  return [...found.values()];
};

const defaultsOf = (edges: ReturnType<typeof edgesOf>, maria: boolean): { member: string; roles: string[] }[] => {
  const found = new Map<string, string[]>();
  for (const { role, member, standard } of edges) {
    if (!standard || ROLES.includes(member) || member === 'PUBLIC' || member.startsWith('@')) continue;
    found.set(member, maria ? [role] : [...(found.get(member) ?? []), role]);
  }
  return [...found].map(([member, roles]) => ({ member: member.includes('@') ? member : `${member}`, roles }));
};

/** Some who have a privilege globally, and no row on a schema, lack it on that schema. */
const restrictionsOf = (grants: readonly SnapshotGrant[]): { account: string; schema: string; privileges: string[] }[] =>
  grants.flatMap(({ account, level, privileges }, index) => {
    if (level !== 'global') return [];
    return SCHEMAS.filter((_, at) => (at + index) % 3 === 0).flatMap((schema) => {
      // Refused where a row of anybody counts that gives it on the schema.
      if (
        grants.some((grant) => grant.level === 'schema' && grant.schema === schema && [userOf(account), ''].includes(userOf(grant.account)))
      )
        return [];
      return [{ account, schema, privileges: privileges.slice(0, 2).map((word) => word.replace('*', '')) }];
    });
  });
