import { groupBy } from '../../core/group.ts';
import { difference, intersection, samePrivileges, union, wordOf } from '../../core/privileges.ts';
import type { Grantee, ObjectSet, Privileges } from '../../model/access.ts';
import type { DeclaredGrant } from '../../model/declared.ts';
import { byCodeUnit, distinct, pathKey } from '../../model/key.ts';
import type { Match } from '../../model/plan.ts';
import type { Grant } from '../../model/state.ts';
import type { About } from '../provider.ts';
import { byRestart, bySpecificity } from './access-order.ts';
import { asDeclared } from './as-declared.ts';
import { coversSchema, schemaPattern } from './patterns.ts';
import { type Container, containerKey, heldBy, heldRows, nameIn, type Shelf, type Shelves } from './places.ts';
import { reportMissing, reportRestrictions } from './remnants.ts';
import { outOfReach } from './roles.ts';
import type { Comparison, Scope } from './scope.ts';
import { selectors } from './selectors.ts';
import { type Wanted, wantedRows } from './wanted.ts';
import { levelled, mayGrant, mayProxy, OPTION_ALONE } from './words.ts';

/** Grants at every level, row by row of the grant tables; what differs alike is one change. What selectors met is counted when somebody asks. */
export const compareGrants = (scope: Scope, compare: Comparison): (() => Match[]) => {
  const book = selectors(scope);
  const declared = groupBy(scope.declared.grants, ({ grantee }) => grantee);
  const [held, isDone] = [heldBy(scope), asDeclared(scope)];
  const [heldTogether, wantedTogether] = [heldRows(scope), wantedRows(scope, book, compare)];
  const lacking = new Map<DeclaredGrant, Lack>();
  for (const account of distinct([...scope.exact, ...declared.keys()])) {
    const [has, grants] = [held(account), declared.get(account) ?? []];
    const isDropped = scope.dropped.has(account);
    const done = !isDropped && isDone(has, grants);
    // Also for its findings: what is written of an account that goes may be wrong as well.
    const wanted = done ? NOTHING : wantedTogether(grants);
    if (isDropped) continue;
    const rows = done ? NOTHING : heldTogether(has);
    reportMissing(scope, compare, account, rows);
    const differing = compareAccount(scope, { account, held: rows, wanted });
    noteLacking(scope, lacking, differing);
    reportRestrictions(scope, compare, account, differing);
    for (const group of differing) putGrant(scope, compare, account, group);
  }
  reportLacking(scope, compare, lacking);
  book.report(compare);
  return book.matches;
};

/** Rows that differ alike, and the grant of the manifest that they are for. */
export type Differing = {
  readonly container: Container;
  readonly names: readonly string[];
  readonly before: Privileges;
  readonly after: Privileges;
  readonly grant: DeclaredGrant | undefined;
  /** Why nothing can be done about it. */
  readonly blocked?: string;
};

type Sides = { readonly account: string; readonly held: Shelves<Privileges>; readonly wanted: Shelves<Wanted> };

const NONE: Privileges = [];
const NOTHING: Shelves<never> = new Map();

const compareAccount = (scope: Scope, sides: Sides): readonly Differing[] => {
  const { account, held, wanted } = sides;
  const keys = scope.exact.has(account) ? new Set([...wanted.keys(), ...held.keys()]) : wanted.keys();
  return [...keys].flatMap((key) => compareShelf(scope, sides, key));
};

const compareShelf = (scope: Scope, sides: Sides, key: string): readonly Differing[] => {
  const [held, wanted] = [sides.held.get(key), sides.wanted.get(key)];
  const { container } = (held ?? wanted)!;
  const exact = scope.exact.has(sides.account);
  const folder = folding(container);
  const wiped = container.kind === 'column' ? wipedFrom(scope, sides, container) : undefined;
  const compareRow = (name: string, before: Privileges, want: Wanted | undefined): void => {
    const after = afterwards(scope, sides, container, name, before, want);
    if (before === after) return;
    const counted = wiped === undefined ? before : before.filter((privilege) => !wiped.has(wordOf(privilege)));
    const spelling = spellingOf(container, name, held, wanted);
    if (samePrivileges(counted, after)) return;
    const doubled = held?.doubled?.has(name) && wiped?.size === 0 && difference(counted, after).length > 0;
    const blocked = doubled ? severally(sides, container, spelling) : unspeakable(scope, container, spelling);
    folder.add(spelling, comparable(counted, after), after, want?.grant, blocked);
  };
  for (const [name, want] of wanted?.values ?? []) compareRow(name, held?.values.get(name) ?? NONE, want);
  if (exact && held) for (const [name, before] of held.values) if (!wanted?.values.has(name)) compareRow(name, before, undefined);
  return folder.groups();
};

/** A column is revoked by the spelling that its row has: by another the server finds nothing to revoke (error 1147). */
const spellingOf = ({ kind }: Container, name: string, held: Shelf<Privileges> | undefined, wanted: Shelf<Wanted> | undefined): string => {
  if (kind === 'column' && held?.values.has(name)) return held.spelled?.get(name) ?? name;
  return wanted?.spelled?.get(name) ?? held?.spelled?.get(name) ?? name;
};

/** From rows in several spellings the server takes away in its tables what it keeps in its memory, or the reverse. */
const severally = ({ account }: Sides, { schema, relation }: Container, name: string): string =>
  `'${account}' holds column '${name}' of '${schema}.${relation}' in several spellings, and the server may revoke the wrong one: revoke these privileges on the whole table by hand, which takes its columns along, and apply again`;

/** The column Db has 64 characters, and a wildcard in a name takes two: MySQL refuses what is longer, MariaDB cuts it off. */
const unspeakable = ({ server }: Scope, { kind }: Container, name: string): string | undefined => {
  const { length } = kind === 'schema' ? schemaPattern(name, server.partialRevokes) : '';
  return length <= 64
    ? undefined
    : `a grant on schema '${name}' has to name it with its wildcards escaped, which are ${length} characters, and the server keeps 64: grant on its tables`;
};

/** What the account will hold. Nothing is taken away from one that is managed additively: also what a pattern gave on a schema that gets a row of its own. */
const afterwards = (
  scope: Scope,
  { account, held }: Sides,
  { kind }: Container,
  name: string,
  before: Privileges,
  want: Wanted | undefined,
): Privileges => {
  const privileges = want?.privileges ?? NONE;
  if (scope.exact.has(account)) return privileges;
  const shadowed = kind === 'schema' && before.length === 0 ? patternGives(scope, held, name) : NONE;
  return levelled(scope, union(union(before, shadowed), privileges));
};

/** Of the account's patterns the most specific one counts, until a row of the schema's own shadows it (first match wins). */
const patternGives = (scope: Scope, held: Shelves<Privileges>, schema: string): Privileges => {
  const { flavour, partialRevokes } = scope.server;
  const patterns = held.get(containerKey(scope, { kind: 'pattern', schema: null }))?.values;
  const [first] = [...(patterns?.keys() ?? [])]
    .filter((stored) => coversSchema(stored, schema, partialRevokes))
    .sort((a, b) => bySpecificity(flavour, 'schema', a, b) || byRestart(a, b));
  return first === undefined ? NONE : patterns!.get(first)!;
};

/** A row with the grant option alone: with privileges of its own it is no word any more. */
const comparable = (before: Privileges, after: Privileges): Privileges =>
  before.length === 1 && before[0] === OPTION_ALONE && after.some((privilege) => privilege.endsWith('*')) ? NONE : before;

/**
 * REVOKE on a table takes the same privileges from its columns: what shall stay there is granted again, what shall not needs nobody.
 * What cannot be taken from the table takes nothing along.
 */
const wipedFrom = (scope: Scope, sides: Sides, { schema, relation }: Container): ReadonlySet<string> => {
  const table: Container = { kind: 'table', schema };
  const key = containerKey(scope, table);
  const name = nameIn(scope, table, relation!);
  const before = sides.held.get(key)?.values.get(name) ?? NONE;
  const after = afterwards(scope, sides, table, name, before, sides.wanted.get(key)?.values.get(name));
  const kept = new Set(after.map(wordOf));
  return new Set(before.map(wordOf).filter((word) => !kept.has(word) && mayGrant(scope, word, schema)));
};

/** Names by what differs; lists of privileges are few, and mostly the same values. What is in no schema stays apart. */
const folding = (container: Container) => {
  const groups = new Map<string, { readonly group: Omit<Differing, 'names'>; readonly names: string[] }>();
  const numbers = new Map<unknown, number>();
  const number = (value: unknown): number => {
    const found = numbers.get(value) ?? numbers.size;
    numbers.set(value, found);
    return found;
  };
  return {
    add: (name: string, before: Privileges, after: Privileges, grant: DeclaredGrant | undefined, blocked: string | undefined): void => {
      const { file, line, column } = grant?.source ?? {};
      const key = `${before.join()} ${after.join()} ${grant === undefined ? '' : number(`${file} ${line} ${column}`)} ${container.schema === null ? name : ''} ${blocked ?? ''}`;
      const found = groups.get(key);
      if (found) found.names.push(name);
      else groups.set(key, { group: { container, before, after, grant, ...(blocked === undefined ? {} : { blocked }) }, names: [name] });
    },
    groups: (): readonly Differing[] => [...groups.values()].map(({ group, names }) => ({ ...group, names: names.sort(byCodeUnit) })),
  };
};

const putGrant = (scope: Scope, compare: Comparison, account: string, group: Differing): void => {
  const { container, names, before, after, grant } = group;
  const { kind, schema, relation } = container;
  const on: ObjectSet = { kind, database: null, schema, ...(relation === undefined ? {} : { relation }), names };
  const stuck = unrevokable(scope, group);
  const kept = stuck.length === 0 ? after : levelled(scope, union(after, intersection(before, stuck)));
  const reach = outOfReach(scope, account) ?? group.blocked;
  const put = (key: string, from: Privileges, to: Privileges, blocked: string | undefined): void =>
    compare.put('grant', key, bodyOf(on, account, from), bodyOf(on, account, to), {
      ...aboutGrant(scope, account, grant),
      ...(blocked === undefined ? {} : { blocked }),
    });
  const key = `${kind} ${pathOf(on)} to ${pathKey(account)}`;
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
const unrevokable = (scope: Scope, differing: Differing): Privileges => {
  const kept = new Set(differing.after.map(wordOf));
  return differing.before.filter((privilege) => !kept.has(wordOf(privilege)) && !granting(scope, differing, wordOf(privilege)));
};

const granting = (scope: Scope, { container, names }: Differing, word: string): boolean =>
  container.kind === 'proxy' ? mayProxy(scope, names[0]!) : mayGrant(scope, word, schemaOf(scope, container, names[0]!));

/** The schema that a place is in. A pattern stands for many: what the login may grant on exactly that one counts. */
const schemaOf = ({ server }: Scope, { kind, schema }: Container, name: string): string | null =>
  kind === 'schema' ? name : kind === 'pattern' ? schemaPattern(name, server.partialRevokes) : schema;

/** Words that a grant of the manifest asks for, and the login may not grant. */
type Lack = { readonly words: Set<string>; readonly kind: Container['kind'] };

const noteLacking = (scope: Scope, lacking: Map<DeclaredGrant, Lack>, differing: readonly Differing[]): void => {
  for (const one of differing) {
    const { container, before, after, grant } = one;
    if (!grant) continue;
    for (const privilege of difference(after, before)) {
      const word = wordOf(privilege);
      if (granting(scope, one, word)) continue;
      const lack = lacking.get(grant) ?? { words: new Set<string>(), kind: container.kind };
      lack.words.add(word);
      lacking.set(grant, lack);
    }
  }
};

const reportLacking = ({ login }: Scope, compare: Comparison, lacking: ReadonlyMap<DeclaredGrant, Lack>): void => {
  for (const [grant, { words, kind }] of lacking) {
    const named = [...words].sort(byCodeUnit);
    compare.report({
      severity: 'error',
      code: 'grant/not-grantable',
      message: `'${login}' may not grant ${named.join(', ')} on '${grant.selector}': it does not hold ${named.length === 1 ? 'that' : 'them'} with the grant option`,
      hint:
        kind === 'global'
          ? 'leave them out: RDS keeps some privileges to itself'
          : 'have somebody who holds them grant them to the login WITH GRANT OPTION',
      source: grant.source,
    });
  }
};
