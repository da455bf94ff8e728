import { groupBy } from '../../core/group.ts';
import { objectsText } from '../../core/objects-text.ts';
import { byWord, difference, intersection, samePrivileges, union, wordOf } from '../../core/privileges.ts';
import { type AclEntry, granteeKey, granteeOf, type OwnedObjects, type Privileges } from '../../model/access.ts';
import { byCodeUnit, pathKey } from '../../model/key.ts';
import type { Match } from '../../model/plan.ts';
import type { Grant } from '../../model/state.ts';
import type { About } from '../provider.ts';
import { wordsOf } from './catalog.ts';
import { type ColumnedTables, columnedTables, noteLosses, sideOf, tableOf, without } from './columns.ts';
import { type Options, optionsOf } from './dependents.ts';
import { holds } from './holds.ts';
import { type Cell, cellsOf, type Rule, type RuleBook, reportMatches, ruleBook } from './rules.ts';
import { type Comparison, ownerActor, type Scope } from './scope.ts';

/**
 * Grants on objects, compared by classes of alike objects (same place, owner and ACL): a hundred thousand tables are a few
 * hundred comparisons. Only what differs is put in the comparison.
 */
export const compareGrants = (scope: Scope, compare: Comparison): Match[] => {
  const book = ruleBook(scope);
  const tables = columnedTables(scope.reality.objects);
  reportWords(scope, book, compare);
  for (const row of scope.reality.objects) {
    if (row.origin === 'internal') continue;
    const rules = inScope(scope, row) ? book.forPlace(row) : [];
    const narrowed = (tableOf(tables, row)?.losses.size ?? 0) > 0;
    if (rules.length === 0 && !narrowed && !row.acl.some((entry) => concerns(scope, row, entry))) continue;
    for (const cell of cellsOf(row, rules)) {
      for (const one of cell.rules) one.matched += cell.names.length;
      compareCell({ scope, compare, tables, row, cell });
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

/** Alike objects under the same rules, and what comparing them takes. */
type Comparing = {
  readonly scope: Scope;
  readonly compare: Comparison;
  readonly tables: ColumnedTables;
  readonly row: OwnedObjects;
  readonly cell: Cell;
};

const compareCell = (comparing: Comparing): void => {
  const { scope, tables, row, cell } = comparing;
  const held = groupBy(row.acl, (entry) => granteeKey(entry.grantee));
  const rules = groupBy(cell.rules, (one) => one.grantee);
  const kept = ({ grantee, grantor }: AclEntry): Privileges | null => {
    const key = granteeKey(grantee);
    if (blockedBy(scope, row, grantor).blocked !== undefined) return null;
    const entries = held.get(key) ?? [];
    return scope.dropped.has(key) || (scope.exact.has(key) && inScope(scope, row))
      ? wantedOf(scope, row, key, rules.get(key) ?? [], entries, entries)
      : null;
  };
  const standing = {
    owns: (role: string) => scope.reality.roles.get(role)?.superuser === true || scope.authority.inherits(role, ownerActor(scope, row)),
    leaves: (role: string) => scope.dropped.has(role),
  };
  const options = optionsOf(row, tableOf(tables, row), standing, kept);
  for (const key of new Set([...held.keys(), ...rules.keys()])) {
    compareGrantee(comparing, options, { grantee: key, entries: held.get(key) ?? [], rules: rules.get(key) ?? [] });
  }
};

/** Somebody, what the ACL gives it, and what the manifest does. */
type Side = { readonly grantee: string; readonly entries: readonly AclEntry[]; readonly rules: readonly Rule[] };

const compareGrantee = (comparing: Comparing, options: Options, side: Side): void => {
  const { scope, tables, row } = comparing;
  const { grantee, entries, rules } = side;
  const exact = scope.exact.has(grantee) && inScope(scope, row);
  const wiped = (grantor: string): Privileges => tableOf(tables, row)?.losses.get(sideOf(grantee, grantor)) ?? [];
  const touched = entries.some((entry) => options.fallen(entry).length > 0 || wiped(entry.grantor).length > 0);
  if (rules.length === 0 && !exact && !scope.dropped.has(grantee) && !touched) return;
  const kept = !touched
    ? entries
    : entries
        .map((entry) => ({ ...entry, privileges: without(entry.privileges, options.fallen(entry)) }))
        .filter(({ privileges }) => privileges.length > 0);
  const wanted = wantedOf(scope, row, grantee, rules, entries, kept);
  // Nearly all there is: one entry, which gives just what is declared.
  if (!touched && entries.length === 1 && wanted !== null && samePrivileges(entries[0]!.privileges, wanted)) return;
  const after = new Map<string, Privileges>();
  for (const entry of kept) after.set(entry.grantor, wanted === null ? entry.privileges : intersection(entry.privileges, wanted));
  const lacking = wanted === null ? [] : difference(wanted, [...after.values()].reduce(union, []));
  const grantor = lacking.length > 0 ? grantorFor(scope, row, lacking) : '';
  const missing =
    lacking.length > 0 && blockedBy(scope, row, grantor).blocked !== undefined ? withoutPublic(comparing, lacking, rules) : lacking;
  if (missing.length > 0) after.set(grantor, union(after.get(grantor) ?? [], missing));
  const before = new Map(entries.map((entry) => [entry.grantor, entry.privileges]));
  for (const grantor of [...new Set([...before.keys(), ...after.keys()])].sort(byCodeUnit)) {
    const is = after.get(grantor) ?? [];
    // What stays although a revoke on the table takes it along has to be granted again: it counts as missing.
    const again = wiped(grantor).filter((lost) => is.some((privilege) => privilege === lost || wordOf(privilege) === lost));
    putGrant(comparing, options, side, grantor, without(before.get(grantor) ?? [], again), is);
  }
};

/**
 * What the grantee shall hold, null for "as it is". An owner's own rights are only ever added to; PUBLIC is changed only
 * where it is named; additive roles keep what they have.
 */
const wantedOf = (
  scope: Scope,
  row: OwnedObjects,
  grantee: string,
  rules: readonly Rule[],
  entries: readonly AclEntry[],
  kept: readonly AclEntry[],
): Privileges | null => {
  if (scope.dropped.has(grantee)) return [];
  const holds = rules
    .filter((one) => one.effect !== 'public-revoke')
    .map((one) => one.privileges)
    .reduce(union, []);
  const all = (from: readonly AclEntry[]) => from.map((entry) => entry.privileges).reduce(union, []);
  if (grantee === '') {
    const revoked = new Set(rules.filter((one) => one.effect === 'public-revoke').flatMap((one) => one.privileges.map(wordOf)));
    return union(all(entries), holds).filter((privilege) => !revoked.has(wordOf(privilege)));
  }
  if (grantee === row.owner) return union(all(kept), holds);
  const exact = scope.exact.has(grantee) && inScope(scope, row);
  if (exact && scope.declared.roles.get(grantee)?.manage === 'exact' && scope.declared.target.manage === 'exact') return holds;
  if (scope.declared.roles.has(grantee)) return union(all(entries), holds);
  // Nobody asked for this grantee's rights to go: what a leaver granted is granted again by the owner.
  return entries.some((entry) => scope.dropped.has(entry.grantor)) ? all(entries) : null;
};

/** What nobody here can grant but PUBLIC holds anyway (schema public before PostgreSQL 15) is said, not left as undone for ever. */
const withoutPublic = ({ compare, row, cell }: Comparing, lacking: Privileges, rules: readonly Rule[]): Privileges => {
  const open = row.acl.filter((entry) => typeof entry.grantee !== 'string').flatMap((entry) => entry.privileges.map(wordOf));
  const covered = lacking.filter((privilege) => open.includes(privilege));
  const source = rules[0]?.grant.source;
  if (covered.length > 0) {
    compare.report({
      severity: 'note',
      code: 'grant/through-public',
      message: `${covered.join(', ')} on ${objectsText({ ...row, names: cell.names })} comes from PUBLIC: the owner '${row.owner}' is out of reach, so it is not granted by name`,
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

const putGrant = (
  comparing: Comparing,
  options: Options,
  { grantee, entries, rules }: Side,
  grantor: string,
  before: Privileges,
  after: Privileges,
): void => {
  if (samePrivileges(before, after)) return;
  const { scope, compare, tables, row, cell } = comparing;
  const on = {
    kind: row.kind,
    database: row.database,
    schema: row.schema,
    ...(row.relation === undefined ? {} : { relation: row.relation }),
    names: cell.names,
  };
  const grant = (privileges: Privileges): Grant | null =>
    privileges.length === 0 ? null : { on, grantee: granteeOf(grantee), grantor, privileges };
  const place = pathKey(
    ...[row.database ?? '', row.schema ?? '', ...(row.relation === undefined ? [] : [row.relation]), cell.names[0]!].filter(
      (part) => part !== '',
    ),
  );
  const more = cell.names.length > 1 ? ` +${cell.names.length - 1}` : '';
  const key = `${row.kind} ${place}${more} to ${grantee === '' ? 'PUBLIC' : pathKey(grantee)} by ${pathKey(grantor)}`;
  const lost = difference(before, after);
  const fallen = entries.filter((entry) => entry.grantor === grantor).flatMap(options.fallen);
  const about = {
    ...aboutGrant(scope, grantee, after, rules),
    ...strandedBy(row, options, grantor, lost),
    ...(cascades(row, grantor, lost, fallen) ? {} : blockedBy(scope, row, grantor)),
  };
  compare.put('grant', key, grant(before), grant(after), about);
  if (about.blocked === undefined) noteLosses(tables, row, cell.names, sideOf(grantee, grantor), before, after);
};

const aboutGrant = (scope: Scope, grantee: string, after: Privileges, rules: readonly Rule[]): About => {
  const named = rules.find((one) => after.length === 0 || one.privileges.some((privilege) => after.includes(privilege)));
  const source = named?.grant.source ?? scope.declared.roles.get(grantee)?.source;
  const removal = scope.declared.removed.find((one) => one.name === grantee);
  return removal ? { cause: 'removed', source: removal.source } : source ? { source } : {};
};

/** What goes with the grant option that it was granted by needs nobody to take it. An option on a table has no hold on columns. */
const cascades = (row: OwnedObjects, grantor: string, lost: Privileges, fallen: Privileges): boolean =>
  lost.length > 0 &&
  lost.every((privilege) => {
    const word = wordOf(privilege);
    return fallen.includes(word) && row.acl.some((entry) => entry.grantee === grantor && byWord(entry.privileges).get(word) === true);
  });

/** A column's grant outlives the option on the table that it was made by; without it, its grantor cannot take it back. */
const strandedBy = (row: OwnedObjects, options: Options, grantor: string, lost: Privileges): About => {
  const word = lost.map(wordOf).find((one) => grantor !== row.owner && !options.had(grantor, one));
  return word === undefined
    ? {}
    : { blocked: `granted by '${grantor}', which no longer holds the grant option for ${word} and so cannot take it back` };
};

/** A grant or revoke runs as its grantor: why that is impossible, if it is. */
export const blockedBy = (scope: Scope, row: OwnedObjects, grantor: string): About => {
  const { authority } = scope;
  if (grantor === row.owner) {
    const reach = authority.reach(ownerActor(scope, row));
    if (reach.how === 'none') return { blocked: `granted by the owner '${grantor}': ${reach.reason}` };
    return outsideSchema(scope, row, ['self', 'superuser', 'inherit'].includes(reach.how) ? authority.login : ownerActor(scope, row));
  }
  const reach = authority.reach(grantor);
  if (reach.how === 'none') return { blocked: `granted by '${grantor}': ${reach.reason}` };
  // As a member of the owner, the grantor's own REVOKE would act on the owner's grants and leave its own.
  if (authority.inherits(grantor, ownerActor(scope, row)))
    return { blocked: `granted by '${grantor}', which is now a member of the owner '${row.owner}' and so cannot take its own grant back` };
  return outsideSchema(scope, row, grantor);
};

/** Whoever names an object in a statement needs USAGE on its schema, its owner included. */
const outsideSchema = (scope: Scope, row: OwnedObjects, actor: string): About =>
  row.schema === null || holds(scope, actor, 'USAGE', { kind: 'schema', database: row.database, name: row.schema })
    ? {}
    : { blocked: `'${actor}', who grants on it, has no USAGE on schema ${pathKey(row.database!, row.schema)}` };

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
        ...(grant.kind === 'parameter' ? { hint: 'privileges on parameters need PostgreSQL 15' } : {}),
        source: grant.source,
      });
    }
  }
};
