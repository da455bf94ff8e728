import { groupBy } from '../../core/group.ts';
import { union } from '../../core/privileges.ts';
import { isPattern, matches } from '../../core/selector.ts';
import type { OwnedObjects } from '../../model/access.ts';
import { type AclEntry, granteeKey } from '../../model/access.ts';
import type { DeclaredOwnership, DeclaredRemoval } from '../../model/declared.ts';
import { pathKey } from '../../model/key.ts';
import type { About, Reality } from '../provider.ts';
import { PER_GRANTOR_MEMBERSHIPS } from './authority.ts';
import { OWNER_KEYWORDS } from './catalog.ts';
import { ownedBy, placeOf } from './drops.ts';
import { holds } from './holds.ts';
import { type Comparison, isKnown, MAKE_IT, ownerActor, type Scope } from './scope.ts';

/** Kinds that follow the schema into the hands of its owner. */
const OWNED = new Set(['schema', 'table', 'sequence', 'routine', 'type']);

/**
 * Who shall own what: schemas under the profile `own`, and what leavers own. Returns the objects as they will be: grants are
 * compared with the ACL that ALTER … OWNER leaves behind.
 */
export const compareOwnership = (scope: Scope, compare: Comparison): Reality => {
  const changed = new Map<OwnedObjects, string>();
  const moving = scope.reality.objects.flatMap((row) => {
    const owner = newOwner(scope, row);
    return owner && owner.name !== row.owner ? [{ row, owner, blocked: blockedOwnership(scope, row, owner.name) }] : [];
  });
  const stuck = new Map(
    moving.flatMap(({ row, blocked }) =>
      scope.dropped.has(row.owner) && blocked.blocked !== undefined ? [[estateKey(row), blocked] as const] : [],
    ),
  );
  for (const { row, owner, ...found } of moving) {
    const blocked = scope.dropped.has(row.owner) ? (stuck.get(estateKey(row)) ?? {}) : found.blocked;
    if (blocked.blocked === undefined) changed.set(row, owner.name);
    putOwnership(compare, row, owner.name, { ...owner.about, ...blocked });
  }
  reportOwners(scope, compare);
  const follow = followers(changed);
  return {
    ...scope.reality,
    objects: scope.reality.objects.map((row) => {
      const owner = changed.get(row) ?? follow(row);
      return owner === undefined ? row : reowned(row, owner);
    }),
  };
};

/** Columns, and sequences of columns, go with their table; a sequence's table is one of the same schema and owner. */
const followers = (changed: ReadonlyMap<OwnedObjects, string>): ((row: OwnedObjects) => string | undefined) => {
  if (changed.size === 0) return () => undefined;
  const tables = new Map<string, string>();
  const owners = new Map<string, string>();
  for (const [row, owner] of changed) {
    if (row.kind !== 'table') continue;
    owners.set(pathKey(row.database!, row.schema!, row.owner), owner);
    for (const name of row.names) tables.set(pathKey(row.database!, row.schema!, name), owner);
  }
  return (row) => {
    if (row.kind === 'column') return tables.get(pathKey(row.database!, row.schema!, row.relation!));
    return row.linked ? owners.get(pathKey(row.database!, row.schema!, row.owner)) : undefined;
  };
};

/** REASSIGN OWNED moves all that a role owns in a database, or nothing. */
const estateKey = ({ owner, database }: OwnedObjects): string => pathKey(owner, database ?? '');

const newOwner = (scope: Scope, row: OwnedObjects): { readonly name: string; readonly about: About } | null => {
  if (scope.dropped.has(row.owner) && row.kind !== 'column') {
    const removal = scope.declared.removed.find((one) => one.name === row.owner)!;
    return removal.reassignTo === undefined ? null : { name: removal.reassignTo, about: { cause: 'removed', source: removal.source } };
  }
  if (row.origin || row.linked || !OWNED.has(row.kind) || row.database === null || !scope.managed.has(row.database)) return null;
  const rule = scope.declared.ownerships.find((one) => owns(one, row));
  return rule ? { name: rule.owner, about: { source: rule.source } } : null;
};

const owns = (rule: DeclaredOwnership, row: OwnedObjects): boolean =>
  matches(rule.database, row.database!) && matches(rule.schema, row.schema ?? row.names[0]!);

const putOwnership = (compare: Comparison, row: OwnedObjects, owner: string, about: About): void => {
  const on = { kind: row.kind, database: row.database, schema: row.schema, names: row.names };
  const more = row.names.length > 1 ? ` +${row.names.length - 1}` : '';
  const key = `${row.kind} ${pathKey(...[row.database, row.schema, row.names[0]!].filter((part) => part !== null))}${more}`;
  compare.put('ownership', key, { on, owner: row.owner }, { on, owner }, about);
};

/**
 * Handing over takes the rights of both owners. The new one also needs CREATE on the schema of a routine (a table's is not
 * asked for by REASSIGN OWNED), and whoever hands a schema over CREATE on the database.
 */
const blockedOwnership = (scope: Scope, row: OwnedObjects, owner: string): About => {
  const leaving = scope.dropped.has(row.owner);
  if (scope.dropped.has(owner)) return { blocked: `'${owner}' is dropped by the same plan` };
  if (!leaving && !OWNER_KEYWORDS[row.kind]) return { blocked: `the owner of a ${row.kind.replaceAll('_', ' ')} cannot be changed` };
  const { login, superuser } = scope.authority;
  if (scope.version < PER_GRANTOR_MEMBERSHIPS && !superuser && scope.reality.roles.get(login)?.inherit === false)
    return { blocked: `'${login}' does not inherit the rights of its roles (NOINHERIT), which handing over takes before PostgreSQL 16` };
  const from = ownerActor(scope, row);
  for (const role of [from, owner]) {
    const reach = scope.authority.reach(role);
    if (reach.how === 'none') return { blocked: `needs the rights of '${role}': ${reach.reason}` };
  }
  if (
    row.kind === 'schema' &&
    ![scope.authority.login, from, owner].some((role) =>
      holds(scope, role, 'CREATE', { kind: 'database', database: null, name: row.database! }),
    )
  )
    return { blocked: `handing over schema ${pathKey(row.database!, row.names[0]!)} needs CREATE on database '${row.database}'` };
  const asks = leaving ? row.kind === 'routine' : row.schema !== null;
  if (asks && !willHold(scope, row, owner, 'CREATE'))
    return { blocked: `'${owner}' needs CREATE on schema ${pathKey(row.database!, row.schema!)} to own a ${row.kind} in it` };
  if (!leaving && row.schema !== null && ![scope.authority.login, from, owner].some((role) => willHold(scope, row, role, 'USAGE')))
    return { blocked: `handing over what is in schema ${pathKey(row.database!, row.schema)} needs USAGE on it, which '${from}' lacks` };
  return {};
};

/** Whether a role holds a privilege on the schema of the objects once that has gone to its new owner, who takes over what the old one holds. */
const willHold = (scope: Scope, row: OwnedObjects, role: string, word: 'CREATE' | 'USAGE'): boolean => {
  if (holds(scope, role, word, { kind: 'schema', database: row.database, name: row.schema! })) return true;
  const schema = scope.reality.objects.find((one) => one.kind === 'schema' && one.database === row.database && one.names[0] === row.schema);
  if (!schema || newOwner(scope, schema)?.name !== role || schema.owner === role) return false;
  const taken = schema.acl.some(
    ({ grantee, privileges }) => grantee === schema.owner && privileges.some((privilege) => privilege === word || privilege === `${word}*`),
  );
  return taken && blockedOwnership(scope, schema, role).blocked === undefined;
};

/** The ACL after ALTER … OWNER: the old owner's name is replaced by the new one's, on both sides, and rows that then agree are merged. */
const reowned = (row: OwnedObjects, owner: string): OwnedObjects => {
  const swap = (name: string): string => (name === row.owner ? owner : name);
  const renamed = row.acl.map(
    (entry): AclEntry => ({
      ...entry,
      grantee: typeof entry.grantee === 'string' ? swap(entry.grantee) : entry.grantee,
      grantor: swap(entry.grantor),
    }),
  );
  const acl = [...groupBy(renamed, (entry) => `${granteeKey(entry.grantee)}\0${entry.grantor}`).values()].map((same) => ({
    ...same[0]!,
    privileges: same.map((entry) => entry.privileges).reduce(union),
  }));
  return { ...row, owner, acl };
};

/** Leavers that own something and have nobody to hand it to, schemas that are named and missing, creators that keep what they make. */
const reportOwners = (scope: Scope, compare: Comparison): void => {
  for (const removal of scope.declared.removed) {
    const owned = groupBy(ownedBy(scope, removal.name), placeOf);
    if (removal.action !== 'drop' || owned.size === 0) continue;
    if (removal.reassignTo !== undefined) {
      if (isKnown(scope, removal.reassignTo)) reportOthers(scope, compare, removal);
      else
        compare.report({
          severity: 'error',
          code: 'role/unknown-heir',
          message: `'${removal.reassignTo}' shall own what '${removal.name}' owns: the server has no role '${removal.reassignTo}'`,
          hint: MAKE_IT,
          source: removal.source,
        });
      continue;
    }
    const where = [...owned].map(([place, rows]) => `${rows.reduce((sum, { count }) => sum + count, 0)} in ${place}`).join(', ');
    compare.report({
      severity: 'error',
      code: 'role/owns-objects',
      message: `'${removal.name}' under removed owns objects: ${where}`,
      hint: `name who shall own them: reassign_to: ROLE${scope.snapshot.sessions.some(({ role }) => role === removal.name) ? '; temporary tables of its sessions count too: end those, and plan again' : ''}`,
      source: removal.source,
    });
  }
  for (const rule of scope.declared.ownerships) {
    const met = scope.reality.objects.filter((row) => row.kind === 'schema' && row.database !== null && owns(rule, row));
    if (met.some(({ origin }) => origin === undefined) || scope.snapshot.unread.some(({ database }) => matches(rule.database, database)))
      continue;
    const pattern = isPattern(rule.database) || isPattern(rule.schema);
    compare.report({
      severity: pattern ? 'warning' : 'error',
      code: 'selector/no-match',
      message:
        met.length === 0 || pattern
          ? `own selector '${rule.selector}' matches no schema on the server`
          : `own selector '${rule.selector}' means a schema of the ${met[0]!.origin === 'extension' ? 'extension that made it' : 'system'}, which stays with its owner`,
      source: rule.source,
    });
  }
};

/** Kinds that an ownership of the plan can name, by the catalog that holds them. */
const CATALOGS: Readonly<Record<string, readonly string[]>> = {
  pg_class: ['table', 'sequence'],
  pg_proc: ['routine'],
  pg_type: ['type'],
  pg_namespace: ['schema'],
  pg_database: ['database'],
  pg_tablespace: ['tablespace'],
  pg_language: ['language'],
  pg_foreign_data_wrapper: ['foreign_data_wrapper'],
  pg_foreign_server: ['foreign_server'],
};

/** REASSIGN OWNED takes everything: what no line of the plan names is told here. */
const reportOthers = (scope: Scope, compare: Comparison, { name, reassignTo, source }: DeclaredRemoval): void => {
  const others = ownedBy(scope, name).flatMap((row) => {
    const kinds = CATALOGS[row.catalog] ?? [];
    const named = scope.reality.objects
      .filter((one) => one.owner === name && one.database === row.database && kinds.includes(one.kind))
      .reduce((sum, { names }) => sum + names.length, 0);
    return row.count > named ? [`${row.count - named} of ${row.catalog} in ${placeOf(row)}`] : [];
  });
  if (others.length === 0) return;
  compare.report({
    severity: 'note',
    code: 'role/hands-over',
    message: `objects of '${name}' that are no part of any grant go to '${reassignTo}' too: ${others.join(', ')}`,
    source,
  });
};
