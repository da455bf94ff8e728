import { circles, type Move } from '../../core/circles.ts';
import { groupBy } from '../../core/group.ts';
import type { DeclaredMembership } from '../../model/declared.ts';
import { pathKey } from '../../model/key.ts';
import type { Membership, MembershipOptions } from '../../model/state.ts';
import type { About } from '../provider.ts';
import { PER_GRANTOR_MEMBERSHIPS } from './authority.ts';
import { blockedMembership, impossible } from './membership-obstacles.ts';
import { absentRoles } from './roles.ts';
import type { Comparison, Scope } from './scope.ts';

type Rows = readonly Membership[];
const OPTIONS = ['admin', 'inherit', 'set'] as const;

/**
 * Memberships as pairs: every row of a pair counts, whoever granted it. What a declared pair lacks is granted by the login;
 * what it has too much is taken from the row that has it.
 */
export const compareMemberships = (scope: Scope, compare: Comparison): void => {
  const wanted = new Map<string, DeclaredMembership>();
  for (const membership of scope.declared.memberships) {
    const problem = impossible(scope, membership);
    if (problem) compare.report({ severity: 'error', ...problem, source: membership.source });
    else wanted.set(pairKey(membership.role, membership.member), membership);
  }
  const actual = groupBy(scope.reality.memberships, (row) => pairKey(row.role, row.member));
  const absent = new Set(absentRoles(scope).map(({ name }) => name));
  const orphaned = orphanedGroups(scope);
  const losing = losingAdmin(scope, actual, (role, member) => keepsAdmin(scope, { role, member }, wanted, actual, orphaned));
  const moves: Move[] = [];
  const noting: Comparison = {
    ...compare,
    put: (kind, key, before, after, about) => {
      if (kind === 'membership' && about?.blocked === undefined) moves.push({ before, after } as Move);
      compare.put(kind, key, before, after, about);
    },
  };
  for (const key of new Set([...actual.keys(), ...wanted.keys()])) {
    const rows = actual.get(key) ?? [];
    const declared = wanted.get(key);
    if (scope.dropped.size > 0 && PER_GRANTOR_MEMBERSHIPS <= scope.version)
      compareLeft(scope, noting, rows, isOurs(scope, rows, declared, orphaned));
    comparePair(
      scope,
      noting,
      rows.filter((row) => !isImplicit(scope, row)),
      declared,
      { orphaned, absent, losing },
    );
  }
  for (const finding of circles(scope.reality.memberships, moves, (row) => wanted.get(pairKey(row.role, row.member))?.source))
    compare.report(finding);
};

/** Whether a pair is compared exactly, so that nothing of it is granted again. */
const isOurs = (scope: Scope, rows: Rows, declared: DeclaredMembership | undefined, orphaned: ReadonlySet<string>): boolean => {
  const [first] = rows;
  if (declared) return true;
  return first !== undefined && !isForeign(scope, first, orphaned) && !rows.some((row) => isImplicit(scope, row));
};

/**
 * From 16 on a role cannot be dropped while a membership that it granted is there, whoever the member is. Pairs that nobody
 * asked to go are granted again first; where nobody here can do that, they stay, and the role with them.
 */
const compareLeft = (scope: Scope, compare: Comparison, rows: Rows, ours: boolean): void => {
  const left = rows.filter((row) => scope.dropped.has(row.grantor) && row.grantor !== row.member);
  const [first] = left;
  if (!first) return;
  const goes = ours || scope.dropped.has(first.role) || scope.dropped.has(first.member);
  const again = goes ? null : replacement(scope, rows, left);
  const stuck = again && blockedMembership(scope, again.before, again.after).blocked;
  if (again && stuck === undefined) compare.put('membership', membershipKey(again.after), again.before, again.after, {});
  for (const row of left) {
    const blocked = stuck ? { blocked: `'${row.member}' would lose '${row.role}': ${stuck}` } : blockedMembership(scope, row, null);
    compare.put('membership', membershipKey(row), row, null, { cause: 'removed', ...blocked });
  }
};

/** What the login has to grant so that the pair is as before without the rows that go; null: nothing. */
const replacement = (scope: Scope, rows: Rows, left: Rows): (Move & { readonly after: Membership }) | null => {
  const kept = rows.filter((row) => !left.includes(row));
  const [held, all] = [together(kept), together(rows)];
  if (OPTIONS.every((option) => held[option] || !all[option])) return null;
  const grantor = scope.authority.admin(rows[0]!.role)?.grantor ?? scope.authority.login;
  const before = kept.find((row) => row.grantor === grantor) ?? null;
  return { before, after: { ...rows[0]!, ...together([...left, ...(before ? [before] : [])]), grantor } };
};

/** What decides over rows beside the declaration. */
type Circumstances = {
  readonly orphaned: ReadonlySet<string>;
  /** Roles with our mark that nothing declares. */
  readonly absent: ReadonlySet<string>;
  /** `role grantor` pairs whose grantor loses ADMIN on the role: what it granted goes with it. */
  readonly losing: ReadonlySet<string>;
};

const comparePair = (
  scope: Scope,
  compare: Comparison,
  rows: Rows,
  declared: DeclaredMembership | undefined,
  { orphaned, absent, losing }: Circumstances,
): void => {
  const first = rows[0] ?? declared;
  if (!first) return;
  if (scope.dropped.has(first.role) || scope.dropped.has(first.member)) return;
  // Nearly all there is: one row, which gives just what is declared.
  if (rows.length === 1 && declared && !declared.expired && !scope.dropped.has(rows[0]!.grantor) && losing.size === 0) {
    const [is, shall] = [versioned(scope, rows[0]!), versioned(scope, declared.options)];
    if (OPTIONS.every((option) => is[option] === shall[option])) return;
  }
  // Before 16 a membership outlives its grantor.
  const isLeft = (row: Membership) => scope.version >= PER_GRANTOR_MEMBERSHIPS && scope.dropped.has(row.grantor);
  const isLost = (row: Membership) => losing.has(pairKey(row.role, row.grantor));
  const lost = rows.filter((row) => isLost(row) && !isLeft(row));
  const kept = rows.filter((row) => !isLost(row) && !isLeft(row));
  const about = declared ? aboutDeclared(declared) : {};
  const put = (before: Membership | null, after: Membership | null, rest: About = {}) => {
    const row = (before ?? after)!;
    // What falls with its grantor's option needs nobody to take it.
    const falls = before !== null && losing.has(pairKey(row.role, row.grantor));
    compare.put('membership', membershipKey(row), before, after, {
      ...about,
      ...rest,
      ...(falls ? {} : blockedMembership(scope, before, after)),
    });
  };
  for (const row of lost) put(row, null);
  if (declared && !declared.expired) {
    satisfy(scope, kept, declared, put);
    return;
  }
  if (isForeign(scope, first, orphaned)) {
    // Nobody asked for this pair to go: what falls with its grantor is granted again by the login.
    const held = together(kept);
    for (const row of lost)
      if (OPTIONS.some((option) => row[option] && !held[option]))
        put(null, { ...row, ...together([...kept, ...lost]), grantor: scope.authority.admin(row.role)?.grantor ?? scope.authority.login });
    return;
  }
  for (const row of kept) put(row, null, absent.has(first.role) || absent.has(first.member) ? { cause: 'absent' } : {});
};

const aboutDeclared = ({ source, expired, until, reason }: DeclaredMembership): About => ({
  source,
  ...(expired ? { cause: 'expired' as const } : {}),
  ...(until === undefined ? {} : { until }),
  ...(reason === undefined ? {} : { reason }),
});

/** Takes from the rows what is too much, and adds what their union lacks. */
const satisfy = (
  scope: Scope,
  found: Rows,
  declared: DeclaredMembership,
  put: (before: Membership | null, after: Membership | null) => void,
): void => {
  const options = versioned(scope, declared.options);
  const rows = found.map((row) => ({ ...row, ...versioned(scope, row) }));
  const additive = !scope.exact.has(declared.member);
  const trimmed = rows.map((row) => (additive ? row : { ...row, ...combine(row, options, (a, b) => a && b) }));
  const held = together(trimmed);
  const grantor = scope.authority.admin(declared.role)?.grantor ?? scope.authority.login;
  const complete = trimmed.length > 0 && OPTIONS.every((option) => held[option] || !options[option]);
  const mine = trimmed.findIndex((row) => row.grantor === grantor);
  trimmed.forEach((row, index) => {
    const after = !complete && index === mine ? { ...row, ...combine(row, options, (a, b) => a || b) } : row;
    // A row that grants nothing any more still counts as a membership to pg_hba: it goes.
    const empty = trimmed.length > 1 && OPTIONS.every((option) => !after[option]) && OPTIONS.some((option) => options[option]);
    if (empty) put(rows[index]!, null);
    else if (OPTIONS.some((option) => after[option] !== rows[index]![option])) put(rows[index]!, after);
  });
  if (!complete && mine < 0) put(null, { role: declared.role, member: declared.member, grantor, ...options });
};

const combine = (a: MembershipOptions, b: MembershipOptions, how: (a: boolean, b: boolean) => boolean): MembershipOptions => ({
  admin: how(a.admin, b.admin),
  inherit: how(a.inherit, b.inherit),
  set: how(a.set, b.set),
});

/** What all rows of a pair give. */
const together = (rows: Rows): MembershipOptions =>
  rows.reduce<MembershipOptions>((sum, row) => combine(sum, row, (a, b) => a || b), { admin: false, inherit: false, set: false });

/** From 16 on a membership depends on its grantor's ADMIN option: the pairs of `role member` that lose it by this plan. */
const losingAdmin = (
  scope: Scope,
  actual: ReadonlyMap<string, Rows>,
  keeps: (role: string, member: string) => boolean,
): ReadonlySet<string> => {
  if (scope.version < PER_GRANTOR_MEMBERSHIPS) return new Set();
  const losing = new Set<string>();
  const goes = (row: Membership) =>
    losing.has(pairKey(row.role, row.grantor)) ||
    scope.dropped.has(row.grantor) ||
    blockedMembership(scope, row, null).blocked === undefined;
  const holders = [...actual].filter(
    ([, rows]) => rows.some((row) => row.admin) && !rows.some((row) => isImplicit(scope, row)) && !keeps(rows[0]!.role, rows[0]!.member),
  );
  for (let size = -1; size !== losing.size; ) {
    size = losing.size;
    for (const [key, rows] of holders) if (rows.every((row) => !row.admin || goes(row))) losing.add(key);
  }
  return losing;
};

/** Whether a pair that has the ADMIN option has it afterwards too: where nobody asked for the pair to go, it is granted again. */
const keepsAdmin = (
  scope: Scope,
  pair: Pick<Membership, 'role' | 'member'>,
  wanted: ReadonlyMap<string, DeclaredMembership>,
  actual: ReadonlyMap<string, Rows>,
  orphaned: ReadonlySet<string>,
): boolean => {
  const key = pairKey(pair.role, pair.member);
  const declared = wanted.get(key);
  if (scope.dropped.has(pair.member)) return false;
  if (!declared || declared.expired) return isForeign(scope, pair, orphaned);
  return declared.options.admin || (!scope.exact.has(pair.member) && (actual.get(key) ?? []).some((row) => row.admin));
};

/** Before 16 a membership has neither option: the member's attribute and SET ROLE always count. */
const versioned = (scope: Scope, options: MembershipOptions): MembershipOptions =>
  scope.version >= PER_GRANTOR_MEMBERSHIPS ? options : { admin: options.admin, inherit: true, set: true };

/** Rows that the server or our own work needs: the creator's of PostgreSQL 16, and whatever the login and the masters are in. */
const isImplicit = (scope: Scope, row: Membership): boolean =>
  row.member === scope.authority.login ||
  (row.grantor === scope.snapshot.server.bootstrap && row.admin && !row.inherit && !row.set) ||
  (scope.untouchable.has(row.member) && !scope.exact.has(row.member));

/** Whether the pair is none of our business: neither side is compared exactly, and no group of ours is left behind. */
const isForeign = (scope: Scope, row: { readonly role: string; readonly member: string }, orphaned: ReadonlySet<string>): boolean => {
  if (scope.exact.has(row.member)) return false;
  if (scope.exact.has(row.role) && scope.declared.roles.get(row.role)?.kind === 'group') return false;
  return !(orphaned.has(row.role) && scope.reality.roles.get(row.member)?.mark?.stack === scope.declared.stack);
};

/** Marked groups that the manifest no longer names (or whose `until` has passed): members with our mark leave them. */
const orphanedGroups = (scope: Scope): ReadonlySet<string> =>
  new Set(absentRoles(scope).flatMap((role) => (role.login ? [] : [role.name])));

/** Fifty thousand of these are made and none is shown: no name holds a NUL. */
const pairKey = (role: string, other: string): string => `${role}\0${other}`;

const membershipKey = (row: Membership): string => `${pathKey(row.member)} in ${pathKey(row.role)} by ${pathKey(row.grantor)}`;
