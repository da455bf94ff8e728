import { groupBy } from '../../core/group.ts';
import { isPattern, matches } from '../../core/selector.ts';
import type { OwnedObjects } from '../../model/access.ts';
import type { DeclaredOwnership } from '../../model/declared.ts';
import { nameKey, pathKey } from '../../model/key.ts';
import type { Reality } from '../provider.ts';
import type { About } from '../provider.ts';
import { union } from '../../core/privileges.ts';
import { type AclEntry, granteeKey } from '../../model/access.ts';
import { OWNER_KEYWORDS } from './catalog.ts';
import { type Comparison, ownerActor, type Scope } from './scope.ts';

/** Kinds that follow the schema into the hands of its owner. */
const OWNED = new Set(['schema', 'table', 'sequence', 'routine', 'type']);

/**
 * Who shall own what: schemas under the profile `own`, and what leavers own. Returns the objects as they will be: grants are
 * compared with the ACL that ALTER … OWNER leaves behind.
 */
export const compareOwnership = (scope: Scope, compare: Comparison): Reality => {
  const changed = new Map<OwnedObjects, string>();
  for (const row of scope.reality.objects) {
    const owner = newOwner(scope, row);
    if (owner && owner.name !== row.owner) {
      changed.set(row, owner.name);
      putOwnership(scope, compare, row, owner.name, owner.about);
    }
  }
  reportOwners(scope, compare);
  return { ...scope.reality, objects: scope.reality.objects.map((row) => (changed.has(row) ? reowned(row, changed.get(row)!) : row)) };
};

const newOwner = (scope: Scope, row: OwnedObjects): { readonly name: string; readonly about: About } | null => {
  if (scope.dropped.has(row.owner) && row.kind !== 'column') {
    const removal = scope.declared.removed.find((one) => one.name === row.owner)!;
    return removal.reassignTo === undefined ? null : { name: removal.reassignTo, about: { cause: 'removed', source: removal.source } };
  }
  if (row.origin || row.linked || !OWNED.has(row.kind) || row.database === null || !scope.managed.has(row.database)) return null;
  const rule = scope.declared.ownerships.find((one) => owns(one, row));
  return rule ? { name: rule.owner, about: { source: rule.source } } : null;
};

const owns = (rule: DeclaredOwnership, row: OwnedObjects): boolean => matches(rule.database, row.database!) && matches(rule.schema, row.schema ?? row.names[0]!);

const putOwnership = (scope: Scope, compare: Comparison, row: OwnedObjects, owner: string, about: About): void => {
  const on = { kind: row.kind, database: row.database, schema: row.schema, names: row.names };
  const more = row.names.length > 1 ? ` +${row.names.length - 1}` : '';
  const key = `${row.kind} ${pathKey(...[row.database, row.schema, row.names[0]!].filter((part) => part !== null))}${more}`;
  compare.put('ownership', key, { on, owner: row.owner }, { on, owner }, { ...about, ...blockedOwnership(scope, row, owner) });
};

const blockedOwnership = (scope: Scope, row: OwnedObjects, owner: string): About => {
  if (!OWNER_KEYWORDS[row.kind]) return { blocked: `the owner of a ${row.kind.replaceAll('_', ' ')} cannot be changed` };
  for (const role of [ownerActor(scope, row), owner]) {
    const reach = scope.authority.reach(role);
    if (reach.how === 'none') return { blocked: `needs the rights of '${role}': ${reach.reason}` };
  }
  return {};
};

/** The ACL after ALTER … OWNER: the old owner's name is replaced by the new one's, on both sides, and rows that then agree are merged. */
const reowned = (row: OwnedObjects, owner: string): OwnedObjects => {
  const swap = (name: string): string => (name === row.owner ? owner : name);
  const renamed = row.acl.map((entry): AclEntry => ({ ...entry, grantee: typeof entry.grantee === 'string' ? swap(entry.grantee) : entry.grantee, grantor: swap(entry.grantor) }));
  const acl = [...groupBy(renamed, (entry) => `${granteeKey(entry.grantee)}\0${entry.grantor}`).values()].map((same) => ({
    ...same[0]!,
    privileges: same.map((entry) => entry.privileges).reduce(union),
  }));
  return { ...row, owner, acl };
};

/** Leavers that own something and have nobody to hand it to, schemas that are named and missing, creators that keep what they make. */
const reportOwners = (scope: Scope, compare: Comparison): void => {
  for (const removal of scope.declared.removed) {
    const owned = scope.snapshot.dependents.filter((row) => row.role === removal.name && row.type === 'owner');
    if (removal.action !== 'drop' || owned.length === 0 || removal.reassignTo !== undefined) continue;
    const where = owned.map((row) => `${row.count} in ${row.database === null ? 'the whole server' : `database ${nameKey(row.database)}`}`).join(', ');
    compare.report({
      severity: 'error',
      code: 'role/owns-objects',
      message: `'${removal.name}' under removed owns objects: ${where}`,
      hint: 'name who shall own them: reassign_to: ROLE',
      source: removal.source,
    });
  }
  for (const rule of scope.declared.ownerships) {
    const met = scope.reality.objects.some((row) => row.kind === 'schema' && row.database !== null && owns(rule, row));
    if (met || scope.snapshot.unread.some(({ database }) => matches(rule.database, database))) continue;
    const pattern = isPattern(rule.database) || isPattern(rule.schema);
    compare.report({ severity: pattern ? 'warning' : 'error', code: 'selector/no-match', message: `own selector '${rule.selector}' matches no schema on the server`, source: rule.source });
  }
};
