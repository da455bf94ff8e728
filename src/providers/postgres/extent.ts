import { nearest } from '../../core/nearest.ts';
import { isPattern } from '../../core/selector.ts';
import type { Declared, Part } from '../../model/declared.ts';
import { Failure, type Finding } from '../../model/finding.ts';
import { distinct } from '../../model/key.ts';
import type { Wish } from './queries.ts';
import type { Snapshot, SnapshotDatabase } from './snapshot.ts';

/** A database that is not read, and why. */
export type Unread = Snapshot['unread'][number];

/** Those that are managed, and those where a role to be dropped has something. Throws for a name that is no database's. */
export const databasesToRead = (
  declared: Declared,
  { databases, dependents }: Pick<Snapshot, 'databases' | 'dependents'>,
): { entered: string[]; unread: Unread[] } => {
  const byName = new Map(databases.map((database) => [database.name, database]));
  const managed = declared.target.databases ?? databases.filter(isManagedByDefault).map(({ name }) => name);
  const unknown = managed.filter((name) => !byName.has(name));
  if (unknown.length > 0) throw new Failure(unknown.map((name) => unknownDatabase(name, declared, databases)));
  const wanted = distinct([...managed, ...dependents.flatMap(({ database }) => (database === null ? [] : [database]))]);
  const unread = wanted.flatMap((name) => unreadable(name, byName.get(name)));
  return { entered: wanted.filter((name) => !unread.some(({ database }) => database === name)), unread };
};

const isManagedByDefault = ({ name, connectable, template }: SnapshotDatabase): boolean => connectable && !template && name !== 'rdsadmin';

const unknownDatabase = (name: string, { target }: Declared, databases: readonly SnapshotDatabase[]): Finding => {
  const names = databases.filter(({ template }) => !template).map((database) => database.name);
  const near = nearest(name, names);
  return {
    severity: 'error',
    code: 'inspect/no-database',
    message: `target '${target.name}': there is no database '${name}' on the server`,
    hint: near === undefined ? `it has: ${names.join(', ')}` : `did you mean '${near}'?`,
    target: target.name,
    source: target.source,
  };
};

const unreadable = (name: string, database: SnapshotDatabase | undefined): Unread[] => {
  if (database?.connectable) return [];
  if (database === undefined) return [{ database: name, reason: 'it was dropped meanwhile' }];
  return [{ database: name, reason: database.allowConnections ? 'the login has no CONNECT privilege on it' : 'it takes no connections' }];
};

/** What the manifest asks of each database beyond the fixed part. */
export const wishOf = (declared: Declared, dropped: readonly string[]): Wish => {
  const selectors = [...declared.grants, ...declared.publics];
  const largeObjects = selectors.filter(({ kind }) => kind === 'large_object');
  return {
    columns: declared.grants.flatMap(({ schema, name, columns }) =>
      columns ? [{ schema: fixed(schema), relation: fixed(name), names: columns }] : [],
    ),
    systemObjects: selectors.some(({ schema }) => schema !== null && isSystemSchema(schema)),
    ...(largeObjects.length > 0 || dropped.length > 0
      ? { largeObjects: largeObjects.flatMap(({ name }) => (name && !isPattern(name) ? [name.text] : [])) }
      : {}),
  };
};

/** The one name that a part can match; null: several. */
const fixed = (part: Part | null): string | null => (part && !isPattern(part) ? part.text : null);

const isSystemSchema = (schema: Part): boolean =>
  !isPattern(schema) && (schema.text === 'pg_catalog' || schema.text === 'information_schema');
