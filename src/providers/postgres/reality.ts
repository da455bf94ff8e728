import { parseComment } from '../../core/mark.ts';
import type { AclEntry, OwnedObjects, PostgresKind } from '../../model/access.ts';
import type { Membership, Role } from '../../model/state.ts';
import type { Reality } from '../provider.ts';
import { type AclType, defaultAcl, parseAcl } from './acl.ts';
import { ACL_TYPES } from './catalog.ts';
import type { Contents, Origin, SharedObject, Snapshot, SnapshotRole } from './snapshot.ts';

/** The whole snapshot in normal form. `rename` gives the name that a role will have (identity for all but renamed ones). */
export const realityOf = (snapshot: Snapshot, rename: (name: string) => string): Reality => ({
  roles: new Map(snapshot.roles.map((role) => [rename(role.name), roleOf(role, rename(role.name))])),
  memberships: snapshot.memberships.map(
    (row): Membership => ({ ...row, role: rename(row.role), member: rename(row.member), grantor: rename(row.grantor ?? '') }),
  ),
  objects: [
    ...sharedObjects(snapshot, rename),
    ...Object.entries(snapshot.contents).flatMap(([database, contents]) =>
      databaseObjects(database, contents, snapshot.server.version, rename),
    ),
  ],
});

const roleOf = (role: SnapshotRole, name: string = role.name): Role & { readonly oid: number } => {
  const { comment, oid, ...attributes } = role;
  return { oid, ...attributes, name, validUntil: canonicalInstant(role.validUntil), ...parseComment(comment) };
};

/** One text for each instant: without trailing zeros of the second's fraction. */
export const canonicalInstant = (instant: string | null): string | null =>
  instant?.replace(/\.(\d*?)0*Z$/, (_, digits: string) => (digits ? `.${digits}Z` : 'Z')) ?? null;

/** Reads ACL texts, each distinct one once: a hundred thousand tables have a few hundred. */
const aclReader = (version: number, rename: (name: string) => string) => {
  const known = new Map<string, readonly AclEntry[]>();
  return (text: string | null, type: AclType, owner: string): readonly AclEntry[] => {
    const key = text === null ? `${type}${owner}` : text;
    let acl = known.get(key);
    if (!acl) {
      acl = text === null ? defaultAcl(type, owner, version) : renamed(parseAcl(text), rename);
      known.set(key, acl);
    }
    return acl;
  };
};

const renamed = (acl: readonly AclEntry[], rename: (name: string) => string): readonly AclEntry[] =>
  acl.map((entry) => ({
    ...entry,
    grantee: typeof entry.grantee === 'string' ? rename(entry.grantee) : entry.grantee,
    grantor: rename(entry.grantor),
  }));

const ORIGINS = { e: 'extension', i: 'internal' } as const;
const originOf = (origin: Origin): Pick<OwnedObjects, 'origin'> => (origin ? { origin: ORIGINS[origin] } : {});

/** Schemas that no pattern matches. */
const isSystemSchema = (name: string): boolean => name.startsWith('pg_') || name === 'information_schema';

const sharedObjects = (snapshot: Snapshot, rename: (name: string) => string): OwnedObjects[] => {
  const read = aclReader(snapshot.server.version, rename);
  const shared = (kind: PostgresKind, { name, owner, acl }: SharedObject): OwnedObjects => ({
    kind,
    database: null,
    schema: null,
    names: [name],
    owner: rename(owner),
    acl: read(acl, ACL_TYPES[kind], rename(owner)),
  });
  return [
    ...snapshot.databases.map((database) => shared('database', database)),
    ...snapshot.tablespaces.map((tablespace) => shared('tablespace', tablespace)),
    ...snapshot.parameters.map((parameter) => shared('parameter', { ...parameter, owner: snapshot.server.bootstrap })),
  ];
};

const databaseObjects = (database: string, contents: Contents, version: number, rename: (name: string) => string): OwnedObjects[] => {
  const read = aclReader(version, rename);
  const row = (
    kind: PostgresKind,
    schema: string | null,
    owner: string,
    acl: string | null,
    origin: Origin,
    names: readonly string[],
  ): OwnedObjects => ({
    kind,
    database,
    schema,
    names,
    owner: rename(owner),
    acl: read(acl, ACL_TYPES[kind], rename(owner)),
    ...(schema !== null && isSystemSchema(schema) ? { origin: 'system' as const } : originOf(origin)),
  });
  const plain = (kind: PostgresKind, { name, owner, acl }: SharedObject) => row(kind, null, owner, acl, null, [name]);
  return [
    ...contents.schemas.map((schema) => ({
      ...row('schema', null, schema.owner, schema.acl, schema.origin, [schema.name]),
      ...(isSystemSchema(schema.name) ? { origin: 'system' as const } : {}),
    })),
    ...contents.relations.map((rows) => ({
      ...row(rows.kind === 'S' ? 'sequence' : 'table', rows.schema, rows.owner, rows.acl, rows.origin, rows.names),
      ...(rows.linked ? { linked: true } : {}),
    })),
    ...contents.columns.map((rows) => ({
      ...row('column', rows.schema, rows.owner, rows.acl, rows.origin, rows.names),
      relation: rows.relation,
    })),
    ...contents.routines.map((rows) => row('routine', rows.schema, rows.owner, rows.acl, rows.origin, rows.names)),
    ...contents.types.map((rows) => row('type', rows.schema, rows.owner, rows.acl, rows.origin, rows.names)),
    ...contents.languages.filter((language) => language.trusted).map((language) => plain('language', language)),
    ...contents.foreignDataWrappers.map((wrapper) => plain('foreign_data_wrapper', wrapper)),
    ...contents.foreignServers.map((server) => plain('foreign_server', server)),
    ...contents.largeObjects.map((object) => plain('large_object', object)),
  ];
};
