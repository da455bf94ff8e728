import { groupBy } from '../../core/group.ts';
import { byWord, difference, intersection, samePrivileges, union, wordOf } from '../../core/privileges.ts';
import { type AclEntry, granteeKey, granteeOf, type OwnedObjects, type Privileges } from '../../model/access.ts';
import { byCodeUnit, pathKey } from '../../model/key.ts';
import type { Match } from '../../model/plan.ts';
import type { Grant } from '../../model/state.ts';
import type { About } from '../provider.ts';
import { wordsOf } from './catalog.ts';
import { type Cell, cellsOf, type Rule, type RuleBook, reportMatches, ruleBook } from './rules.ts';
import { type Comparison, ownerActor, type Scope } from './scope.ts';

/**
 * Grants on objects, compared by classes of alike objects (same place, owner and ACL): a hundred thousand tables are a few
 * hundred comparisons. Only what differs is put in the comparison.
 */
export const compareGrants = (scope: Scope, compare: Comparison): Match[] => {
  const book = ruleBook(scope);
  reportWords(scope, book, compare);
  for (const row of scope.reality.objects) {
    if (row.origin === 'internal') continue;
    const rules = inScope(scope, row) ? book.forPlace(row) : [];
    if (rules.length === 0 && !row.acl.some((entry) => concerns(scope, row, entry))) continue;
    for (const cell of cellsOf(row, rules)) {
      for (const one of cell.rules) one.matched += cell.names.length;
      compareCell(scope, compare, row, cell);
    }
  }
  return reportMatches(scope, book, compare);
};

/** Objects of databases that are not managed are read only for the roles that go. */
const inScope = (scope: Scope, row: OwnedObjects): boolean =>
  row.database === null ? row.kind !== 'database' || scope.managed.has(row.names[0]!) : scope.managed.has(row.database);

/** Whether an entry can be a difference: its grantee is compared exactly, or it has to do with a role that goes. */
const concerns = (scope: Scope, row: OwnedObjects, { grantee, grantor }: AclEntry): boolean => {
  if (scope.dropped.has(grantor) && grantor !== row.owner) return true;
  if (typeof grantee !== 'string' || grantee === row.owner) return false;
  return scope.dropped.has(grantee) || (scope.exact.has(grantee) && inScope(scope, row));
};

const compareCell = (scope: Scope, compare: Comparison, row: OwnedObjects, cell: Cell): void => {
  const held = groupBy(row.acl, (entry) => granteeKey(entry.grantee));
  const rules = groupBy(cell.rules, (one) => one.grantee);
  const gone = dependents(scope, row, held, rules);
  for (const key of new Set([...held.keys(), ...rules.keys()])) {
    compareGrantee(scope, compare, row, cell, key, held.get(key) ?? [], rules.get(key) ?? [], gone);
  }
};

type Lost = (entry: AclEntry) => boolean;

const compareGrantee = (scope: Scope, compare: Comparison, row: OwnedObjects, cell: Cell, grantee: string, entries: readonly AclEntry[], rules: readonly Rule[], lost: Lost): void => {
  const exact = scope.exact.has(grantee) && inScope(scope, row);
  if (rules.length === 0 && !exact && !scope.dropped.has(grantee) && !entries.some(lost)) return;
  const kept = entries.filter((entry) => !lost(entry));
  const wanted = wantedOf(scope, row, grantee, rules, entries, kept);
  const after = new Map<string, Privileges>();
  for (const entry of kept) after.set(entry.grantor, wanted === null ? entry.privileges : intersection(entry.privileges, wanted));
  const lacking = wanted === null ? [] : difference(wanted, [...after.values()].reduce(union, []));
  const grantor = lacking.length > 0 ? grantorFor(scope, row, lacking) : '';
  const missing = lacking.length > 0 && blockedBy(scope, row, grantor).blocked !== undefined ? withoutPublic(compare, row, lacking, rules) : lacking;
  if (missing.length > 0) {
    after.set(grantor, union(after.get(grantor) ?? [], missing));
  }
  const before = new Map(entries.map((entry) => [entry.grantor, entry.privileges]));
  for (const grantor of [...new Set([...before.keys(), ...after.keys()])].sort(byCodeUnit)) {
    putGrant(scope, compare, row, cell, grantee, grantor, before.get(grantor) ?? [], after.get(grantor) ?? [], rules);
  }
};

/**
 * What the grantee shall hold, null for "as it is". An owner's own rights are only ever added to; PUBLIC is changed only
 * where it is named; additive roles keep what they have.
 */
const wantedOf = (scope: Scope, row: OwnedObjects, grantee: string, rules: readonly Rule[], entries: readonly AclEntry[], kept: readonly AclEntry[]): Privileges | null => {
  if (scope.dropped.has(grantee)) return [];
  const holds = rules.filter((one) => one.effect !== 'public-revoke').map((one) => one.privileges).reduce(union, []);
  const all = (from: readonly AclEntry[]) => from.map((entry) => entry.privileges).reduce(union, []);
  if (grantee === '') {
    const revoked = new Set(rules.filter((one) => one.effect === 'public-revoke').flatMap((one) => one.privileges.map(wordOf)));
    return union(all(entries), holds).filter((privilege) => !revoked.has(wordOf(privilege)));
  }
  if (grantee === row.owner) return union(all(kept), holds);
  const exact = scope.exact.has(grantee) && inScope(scope, row);
  if (exact && scope.declared.roles.get(grantee)?.manage === 'exact' && scope.declared.target.manage === 'exact') return holds;
  if (scope.declared.roles.has(grantee)) return union(all(kept), holds);
  // Nobody asked for this grantee's rights to go: what a leaver granted is granted again by the owner.
  return entries.some((entry) => scope.dropped.has(entry.grantor)) ? all(entries) : null;
};

/** What nobody here can grant but PUBLIC holds anyway (schema public before PostgreSQL 15) is said, not left as undone for ever. */
const withoutPublic = (compare: Comparison, row: OwnedObjects, lacking: Privileges, rules: readonly Rule[]): Privileges => {
  const open = row.acl.filter((entry) => typeof entry.grantee !== 'string').flatMap((entry) => entry.privileges.map(wordOf));
  const covered = lacking.filter((privilege) => open.includes(privilege));
  const source = rules[0]?.grant.source;
  if (covered.length > 0) {
    compare.report({
      severity: 'note',
      code: 'grant/through-public',
      message: `${covered.join(', ')} on ${row.kind.replaceAll('_', ' ')} ${pathKey(...[row.database, row.schema, row.names[0]!].filter((part) => part !== null))} comes from PUBLIC: its owner '${row.owner}' is out of reach, so it is not granted by name`,
      ...(source ? { source } : {}),
    });
  }
  return lacking.filter((privilege) => !covered.includes(privilege));
};

/** The owner where the login can act as it; otherwise somebody with the grant option that it can act as. */
const grantorFor = (scope: Scope, row: OwnedObjects, missing: Privileges): string => {
  if (scope.authority.reach(ownerActor(scope, row)).how !== 'none') return row.owner;
  const able = row.acl.find(({ grantee, privileges }) => {
    if (typeof grantee !== 'string' || grantee === row.owner) return false;
    const options = byWord(privileges);
    return missing.every((privilege) => options.get(wordOf(privilege)) === true) && scope.authority.reach(grantee).how !== 'none';
  });
  return typeof able?.grantee === 'string' ? able.grantee : row.owner;
};

/**
 * Entries that fall with their grantor's grant option: it is taken away by this plan, or its role goes. Found to the end of
 * the chain; whoever is declared to hold the privilege gets it from the owner.
 */
const dependents = (scope: Scope, row: OwnedObjects, held: ReadonlyMap<string, readonly AclEntry[]>, rules: ReadonlyMap<string, readonly Rule[]>): Lost => {
  if (row.acl.every((entry) => entry.grantor === row.owner)) return () => false;
  const fallen = new Set<AclEntry>();
  const keepsOption = (role: string, word: string): boolean => {
    if (role === row.owner) return true;
    const entries = held.get(role) ?? [];
    if (scope.dropped.has(role)) return false;
    const wanted = wantedOf(scope, row, role, rules.get(role) ?? [], entries, entries);
    const exact = scope.exact.has(role) && inScope(scope, row);
    return entries.some((entry) => !fallen.has(entry) && byWord(exact && wanted ? intersection(entry.privileges, wanted) : entry.privileges).get(word) === true);
  };
  for (let size = -1; size !== fallen.size; ) {
    size = fallen.size;
    for (const entry of row.acl) {
      if (entry.grantor !== row.owner && entry.privileges.some((privilege) => !keepsOption(entry.grantor, wordOf(privilege)))) fallen.add(entry);
    }
  }
  return (entry) => fallen.has(entry);
};

const putGrant = (scope: Scope, compare: Comparison, row: OwnedObjects, cell: Cell, grantee: string, grantor: string, before: Privileges, after: Privileges, rules: readonly Rule[]): void => {
  if (samePrivileges(before, after)) return;
  const on = { kind: row.kind, database: row.database, schema: row.schema, ...(row.relation === undefined ? {} : { relation: row.relation }), names: cell.names };
  const grant = (privileges: Privileges): Grant | null => (privileges.length === 0 ? null : { on, grantee: granteeOf(grantee), grantor, privileges });
  const place = pathKey(...[row.database ?? '', row.schema ?? '', ...(row.relation === undefined ? [] : [row.relation]), cell.names[0]!].filter((part) => part !== ''));
  const more = cell.names.length > 1 ? ` +${cell.names.length - 1}` : '';
  const key = `${row.kind} ${place}${more} to ${grantee === '' ? 'PUBLIC' : pathKey(grantee)} by ${pathKey(grantor)}`;
  compare.put('grant', key, grant(before), grant(after), aboutGrant(scope, row, grantee, grantor, after, rules));
};

const aboutGrant = (scope: Scope, row: OwnedObjects, grantee: string, grantor: string, after: Privileges, rules: readonly Rule[]): About => {
  const source = rules.find((one) => after.length === 0 || one.privileges.some((privilege) => after.includes(privilege)))?.grant.source ?? scope.declared.roles.get(grantee)?.source;
  const removal = scope.declared.removed.find((one) => one.name === grantee);
  return {
    ...(removal ? { cause: 'removed' as const, source: removal.source } : source ? { source } : {}),
    ...blockedBy(scope, row, grantor),
  };
};

/** A grant or revoke runs as its grantor. */
const blockedBy = (scope: Scope, row: OwnedObjects, grantor: string): About => {
  const { authority } = scope;
  if (grantor === row.owner) {
    const reach = authority.reach(ownerActor(scope, row));
    return reach.how === 'none' ? { blocked: `granted by the owner '${grantor}': ${reach.reason}` } : {};
  }
  const reach = authority.reach(grantor);
  if (reach.how === 'none') return { blocked: `granted by '${grantor}': ${reach.reason}` };
  // As a member of the owner, the grantor's own REVOKE would act on the owner's grants and leave its own.
  if (authority.inherits(grantor, ownerActor(scope, row))) return { blocked: `granted by '${grantor}', which is now a member of the owner '${row.owner}' and so cannot take its own grant back` };
  return {};
};

/** A privilege that this server's version does not know for the kind is an error before any SQL. */
const reportWords = (scope: Scope, book: RuleBook, compare: Comparison): void => {
  for (const { grant, privileges } of book.all) {
    const known = new Set(wordsOf(grant.kind, scope.version));
    for (const privilege of privileges) {
      if (known.has(wordOf(privilege))) continue;
      compare.report({
        severity: 'error',
        code: 'grant/needs-version',
        message: `privilege ${wordOf(privilege)} on ${grant.kind.replaceAll('_', ' ')} '${grant.selector}': PostgreSQL ${scope.snapshot.server.versionText} does not know it`,
        ...(wordOf(privilege) === 'MAINTAIN' ? { hint: 'it needs PostgreSQL 17' } : {}),
        source: grant.source,
      });
    }
  }
};

