import { byCodeUnit } from '../../model/key.ts';
import { routineName } from './routine.ts';
import type {
  Contents,
  Origin,
  RelationKind,
  Server,
  SharedObject,
  Snapshot,
  SnapshotDatabase,
  SnapshotMembership,
  SnapshotRole,
} from './snapshot.ts';

/** One row as the server sent it: every column its text, or null. */
export type Row = readonly (string | null)[];
/** The rows of each named query. */
export type Rows = ReadonlyMap<string, readonly Row[]>;

/** The columns of `queries.ts`, in their order, turned into the shapes of `snapshot.ts`; every list sorted by code unit. */
export const clusterOf = (
  rows: Rows,
): Pick<Snapshot, 'roles' | 'memberships' | 'settings' | 'databases' | 'tablespaces' | 'parameters'> => ({
  roles: sorted(of(rows, 'roles').map(roleOf), (role) => [role.name]),
  memberships: sorted(of(rows, 'memberships').flatMap(membershipsOf), (row) => [row.role, row.member, row.grantor]),
  settings: sorted(
    of(rows, 'settings').map(([role, database, config]) => ({ role: role!, database: database!, config: list(config!) })),
    (row) => [row.role, row.database],
  ),
  databases: sorted(of(rows, 'databases').map(databaseOf), (database) => [database.name]),
  tablespaces: sharedOf(rows, 'tablespaces'),
  parameters: sorted(
    of(rows, 'parameters').map(([name, acl]) => ({ name: name!, acl: acl! })),
    (parameter) => [parameter.name],
  ),
});

export const serverOf = (row: Row, systemIdentifier: string | null): Server => ({
  version: Number(row[0]),
  versionText: row[1]!,
  systemIdentifier,
  currentUser: row[2]!,
  inRecovery: yes(row[3]!),
  readOnly: yes(row[4]!),
  bootstrap: row[5]!,
  restrictPasswordCommands: row[6] ? /^(on|1|true|yes)$/i.test(row[6]) : null,
});
/** Column of `server`: may pg_control_system() be called? */
export const mayReadControl = (row: Row): boolean => yes(row[7]!);

export const contentsOf = (rows: Rows): Contents => ({
  schemas: sorted(
    of(rows, 'schemas').map(([name, owner, acl, origin]) => ({ name: name!, owner: owner!, acl: acl!, origin: origin as Origin })),
    (schema) => [schema.name],
  ),
  relations: sorted(
    of(rows, 'relations').map(([schema, kind, owner, acl, origin, link, names]) => ({
      schema: schema!,
      kind: kind as RelationKind,
      linked: link !== null,
      owner: owner!,
      acl: acl!,
      origin: (origin ?? (link === 'i' ? 'i' : null)) as Origin,
      names: list(names!).sort(),
    })),
    (row) => [row.schema, row.kind, row.owner, row.acl, row.origin, String(row.linked)],
  ),
  columns: sorted(
    of(rows, 'columns').map(([schema, relation, owner, origin, acl, names]) => ({
      schema: schema!,
      relation: relation!,
      owner: owner!,
      origin: origin as Origin,
      acl: acl!,
      names: list(names!).sort(),
    })),
    (row) => [row.schema, row.relation, row.acl],
  ),
  routines: grouped(rows, 'routines', (names) =>
    (JSON.parse(names) as [string, string | null][]).map(([name, args]) => routineName({ name, args: args ?? '' })),
  ),
  types: grouped(rows, 'types', list),
  languages: sorted(
    of(rows, 'languages').map(([name, owner, acl, trusted]) => ({ name: name!, owner: owner!, acl: acl!, trusted: yes(trusted!) })),
    (language) => [language.name],
  ),
  foreignDataWrappers: sharedOf(rows, 'foreignDataWrappers'),
  foreignServers: sharedOf(rows, 'foreignServers'),
  largeObjects: sharedOf(rows, 'largeObjects'),
  defaultAcls: sorted(
    of(rows, 'defaultAcls').map(([creator, schema, objects, acl]) => ({
      creator: creator!,
      schema: schema!,
      objects: objects as Contents['defaultAcls'][number]['objects'],
      acl: acl!,
    })),
    (row) => [row.creator, row.schema, row.objects],
  ),
});

const of = (rows: Rows, name: string): readonly Row[] => rows.get(name) ?? [];
const yes = (text: string): boolean => text === 't';
const list = (json: string): string[] => JSON.parse(json);

const roleOf = (row: Row): SnapshotRole => ({
  oid: Number(row[0]),
  name: row[1]!,
  superuser: yes(row[2]!),
  inherit: yes(row[3]!),
  createrole: yes(row[4]!),
  createdb: yes(row[5]!),
  login: yes(row[6]!),
  replication: yes(row[7]!),
  bypassrls: yes(row[8]!),
  connectionLimit: Number(row[9]),
  validUntil: row[10]!,
  comment: row[11]!,
});

const membershipsOf = ([role, grantor, admin, inherit, set, members]: Row): SnapshotMembership[] => {
  const options = { admin: yes(admin!), inherit: yes(inherit!), set: yes(set!) };
  return list(members!).map((member) => ({ role: role!, member, grantor: grantor!, ...options }));
};

const databaseOf = ([oid, name, owner, acl, allowed, template, connectable]: Row): SnapshotDatabase => ({
  oid: Number(oid),
  name: name!,
  owner: owner!,
  acl: acl!,
  allowConnections: yes(allowed!),
  template: yes(template!),
  connectable: yes(connectable!),
});

const sharedOf = (rows: Rows, query: string): SharedObject[] =>
  sorted(
    of(rows, query).map(([name, owner, acl]) => ({ name: name!, owner: owner!, acl: acl! })),
    (object) => [object.name],
  );

const grouped = (rows: Rows, query: string, names: (json: string) => string[]) =>
  sorted(
    of(rows, query).map(([schema, owner, acl, origin, json]) => ({
      schema: schema!,
      owner: owner!,
      acl: acl!,
      origin: origin as Origin,
      names: names(json!).sort(),
    })),
    (row) => [row.schema, row.owner, row.acl, row.origin],
  );

/** By the parts of a key, each by code unit, null first: the order that rows come in says nothing. */
const sorted = <T>(items: T[], key: (item: T) => readonly (string | null)[]): T[] =>
  items
    .map((item) => ({ item, parts: key(item) }))
    .sort((a, b) => compareParts(a.parts, b.parts))
    .map(({ item }) => item);

const compareParts = (a: readonly (string | null)[], b: readonly (string | null)[]): number => {
  for (let index = 0; index < a.length; index++) {
    const difference = byCodeUnit(a[index] ?? '', b[index] ?? '');
    if (difference !== 0) return difference;
  }
  return 0;
};
