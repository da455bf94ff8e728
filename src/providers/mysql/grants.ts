import { groupBy } from '../../core/group.ts';
import { difference, intersection, samePrivileges, union, wordOf } from '../../core/privileges.ts';
import type { Grantee, ObjectSet, Privileges } from '../../model/access.ts';
import type { DeclaredGrant } from '../../model/declared.ts';
import { byCodeUnit, pathKey } from '../../model/key.ts';
import type { Match } from '../../model/plan.ts';
import type { Grant } from '../../model/state.ts';
import type { About } from '../provider.ts';
import { byRestart, bySpecificity } from './access-order.ts';
import { coversSchema, schemaPattern } from './patterns.ts';
import { heldRows, type Place, placeKey, type Row, type Rows } from './places.ts';
import { reportMissing, reportRestrictions } from './remnants.ts';
import { outOfReach } from './roles.ts';
import type { Comparison, Scope } from './scope.ts';
import { selectors } from './selectors.ts';
import { type Wanted, wantedRows } from './wanted.ts';
import { levelled, mayGrant, mayProxy, OPTION_ALONE } from './words.ts';

/** Grants at every level, row by row of the grant tables; what differs alike is one change. */
export const compareGrants = (scope: Scope, compare: Comparison): Match[] => {
  const book = selectors(scope);
  const wanted = wantedRows(scope, book, compare);
  const accounts = new Set([...scope.exact, ...wanted.keys()].filter((name) => !scope.dropped.has(name)));
  const held = heldRows(scope, accounts);
  const lacking = new Map<DeclaredGrant, Lack>();
  for (const account of [...accounts].sort(byCodeUnit)) {
    const rows = held.get(account);
    if (rows) reportMissing(scope, compare, account, rows);
    const differing = compareAccount(scope, rows ?? new Map(), wanted.get(account) ?? new Map(), account);
    noteLacking(scope, lacking, differing);
    reportRestrictions(scope, compare, account, differing);
    for (const group of groupBy(differing, foldKey).values()) putGrant(scope, compare, account, group);
  }
  reportLacking(scope, compare, lacking);
  return book.report(compare);
};

/** One row that differs, and the grant of the manifest that it is for. */
export type Differing = { readonly place: Place; readonly before: Privileges; readonly after: Privileges; readonly grant?: DeclaredGrant };

const NONE: Privileges = [];

const compareAccount = (scope: Scope, held: Rows, wanted: ReadonlyMap<string, Wanted>, account: string): readonly Differing[] => {
  const exact = scope.exact.has(account);
  const found = new Map<string, Differing>();
  const patterns = exact ? [] : [...held.values()].filter(({ place }) => place.kind === 'pattern');
  for (const [key, { place, privileges, grant }] of wanted) {
    const before = held.get(key)?.privileges ?? NONE;
    const after = exact ? privileges : additive(scope, patterns, place, before, privileges);
    if (!samePrivileges(before, after)) found.set(key, { place, before: comparable(before, after), after, grant });
  }
  if (exact)
    for (const [key, { place, privileges }] of held) if (!wanted.has(key)) found.set(key, { place, before: privileges, after: NONE });
  regrantColumns(scope, held, wanted, found);
  return [...found.values()].filter(({ before, after }) => !samePrivileges(before, after));
};

/** Nothing is taken away: what is there stays, and what a pattern gave on a schema that gets a row of its own. */
const additive = (scope: Scope, patterns: readonly Row[], place: Place, before: Privileges, wanted: Privileges): Privileges => {
  const shadowed = place.kind === 'schema' && before.length === 0 ? patternGives(scope, patterns, place.name) : NONE;
  return levelled(scope, union(union(before, shadowed), wanted));
};

/** Of the account's patterns the most specific one counts, until a row of the schema's own shadows it (first match wins). */
const patternGives = ({ server }: Scope, patterns: readonly Row[], schema: string): Privileges => {
  const [first] = patterns
    .filter(({ place }) => coversSchema(place.name, schema, server.partialRevokes))
    .sort((a, b) => bySpecificity(server.flavour, 'schema', a.place.name, b.place.name) || byRestart(a.place.name, b.place.name));
  return first?.privileges ?? NONE;
};

/** A row with the grant option alone: with privileges of its own it is no word any more. */
const comparable = (before: Privileges, after: Privileges): Privileges =>
  before.length === 1 && before[0] === OPTION_ALONE && after.some((privilege) => privilege.endsWith('*')) ? NONE : before;

/** REVOKE on a table takes the same privileges from its columns: what shall stay there is granted again, what shall not needs nobody. */
const regrantColumns = (scope: Scope, held: Rows, wanted: ReadonlyMap<string, Wanted>, found: Map<string, Differing>): void => {
  const columns = new Map<string, Place>();
  for (const rows of [held, wanted]) for (const [key, { place }] of rows) if (place.kind === 'column') columns.set(key, place);
  for (const [key, place] of columns) {
    const table = found.get(placeKey(scope, { kind: 'table', schema: place.schema, name: place.relation! }));
    const lost = table === undefined ? [] : difference(table.before, table.after).map(wordOf);
    const kept = new Set((table?.after ?? []).map(wordOf));
    const wiped = new Set(lost.filter((word) => !kept.has(word)));
    const before = held.get(key)?.privileges ?? NONE;
    if (!before.some((privilege) => wiped.has(wordOf(privilege)))) continue;
    const known = found.get(key) ?? { place, before, after: before };
    found.set(key, { ...known, before: known.before.filter((privilege) => !wiped.has(wordOf(privilege))) });
  }
};

/** What is alike but for the name: kind, place, difference, and where the manifest says so. */
const foldKey = ({ place: { kind, schema, relation, name }, before, after, grant }: Differing): string =>
  JSON.stringify([
    kind,
    schema,
    relation,
    schema === null ? name : null,
    before,
    after,
    grant === undefined ? null : [grant.source.file, grant.source.line, grant.source.column],
  ]);

const putGrant = (scope: Scope, compare: Comparison, account: string, group: readonly Differing[]): void => {
  const { place, before, after, grant } = group[0]!;
  const on: ObjectSet = {
    kind: place.kind,
    database: null,
    schema: place.schema,
    ...(place.relation === undefined ? {} : { relation: place.relation }),
    names: group.map(({ place: { name } }) => name).sort(byCodeUnit),
  };
  const stuck = unrevokable(scope, place, before, after);
  const kept = stuck.length === 0 ? after : levelled(scope, union(after, intersection(before, stuck)));
  const reach = outOfReach(scope, account);
  const put = (key: string, from: Privileges, to: Privileges, blocked: string | undefined): void =>
    compare.put('grant', key, bodyOf(on, account, from), bodyOf(on, account, to), {
      ...aboutGrant(scope, account, grant),
      ...(blocked === undefined ? {} : { blocked }),
    });
  const key = `${place.kind} ${pathOf(on)} to ${pathKey(account)}`;
  if (!samePrivileges(before, kept)) put(key, before, kept, reach);
  if (stuck.length > 0)
    put(
      `${key}, kept`,
      stuck,
      NONE,
      reach ??
        `'${scope.login}' may not revoke ${stuck.map(wordOf).join(', ')}: it does not hold ${stuck.length === 1 ? 'it' : 'them'} with the grant option`,
    );
};

const bodyOf = (on: ObjectSet, grantee: Grantee, privileges: Privileges): Grant | null =>
  privileges.length === 0 ? null : { on, grantee, grantor: '', privileges };

const pathOf = ({ kind, schema, relation, names }: ObjectSet): string => {
  const more = names.length > 1 ? ` +${names.length - 1}` : '';
  if (kind === 'global') return names[0]!;
  return `${pathKey(...[schema, relation, names[0]].filter((part) => part !== null && part !== undefined))}${more}`;
};

const aboutGrant = ({ declared }: Scope, account: string, grant: DeclaredGrant | undefined): About => {
  const source = grant?.source ?? declared.roles.get(account)?.source;
  return source ? { source } : {};
};

/** Words to be taken away that the login cannot take: who revokes a privilege has to hold it with the grant option. */
const unrevokable = (scope: Scope, place: Place, before: Privileges, after: Privileges): Privileges => {
  const kept = new Set(after.map(wordOf));
  return before.filter((privilege) => !kept.has(wordOf(privilege)) && !granting(scope, place, wordOf(privilege)));
};

const granting = (scope: Scope, place: Place, word: string): boolean =>
  place.kind === 'proxy' ? mayProxy(scope, place.name) : mayGrant(scope, word, schemaOf(scope, place));

/** The schema that a place is in. A pattern stands for many: what the login may grant on exactly that one counts. */
const schemaOf = ({ server }: Scope, { kind, schema, name }: Place): string | null =>
  kind === 'schema' ? name : kind === 'pattern' ? schemaPattern(name, server.partialRevokes) : schema;

/** Words that a grant of the manifest asks for, and the login may not grant. */
type Lack = { readonly words: Set<string>; readonly place: Place };

const noteLacking = (scope: Scope, lacking: Map<DeclaredGrant, Lack>, differing: readonly Differing[]): void => {
  for (const { place, before, after, grant } of differing) {
    if (!grant) continue;
    for (const privilege of difference(after, before)) {
      const word = wordOf(privilege);
      if (granting(scope, place, word)) continue;
      const lack = lacking.get(grant) ?? { words: new Set<string>(), place };
      lack.words.add(word);
      lacking.set(grant, lack);
    }
  }
};

const reportLacking = ({ login }: Scope, compare: Comparison, lacking: ReadonlyMap<DeclaredGrant, Lack>): void => {
  for (const [grant, { words, place }] of lacking) {
    const named = [...words].sort(byCodeUnit);
    compare.report({
      severity: 'error',
      code: 'grant/not-grantable',
      message: `'${login}' may not grant ${named.join(', ')} on '${grant.selector}': it does not hold ${named.length === 1 ? 'that' : 'them'} with the grant option`,
      hint:
        place.kind === 'global'
          ? 'leave them out: RDS keeps some privileges to itself'
          : 'have somebody who holds them grant them to the login WITH GRANT OPTION',
      source: grant.source,
    });
  }
};
