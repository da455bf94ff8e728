import { circles, type Move } from '../../core/circles.ts';
import type { DeclaredMembership } from '../../model/declared.ts';
import { nameKey, pathKey } from '../../model/key.ts';
import type { Membership } from '../../model/state.ts';
import type { About } from '../provider.ts';
import { hasMarks } from './catalog.ts';
import { absentRoles, outOfReach } from './roles.ts';
import type { Comparison, Scope } from './scope.ts';

/** Memberships, one row a pair: a granted role does nothing for a user unless it is active from login on (`inherit`). */
export const compareMemberships = (scope: Scope, compare: Comparison): void => {
  const wanted = new Map<string, DeclaredMembership>();
  for (const membership of scope.declared.memberships) {
    const problem = impossible(scope, membership);
    if (problem) compare.report({ severity: 'error', ...problem, source: membership.source });
    else wanted.set(pairKey(membership), membership);
  }
  reportAlwaysActive(scope, compare, [...wanted.values()]);
  reportMandatory(scope, compare);
  const absent = new Set(absentRoles(scope).map(({ name }) => name));
  const orphaned = new Set([...absent].filter((name) => scope.accounts.get(name)?.kind === 'role'));
  const actual = new Map(scope.reality.memberships.map((row) => [pairKey(row), row]));
  const moves: Move[] = [];
  const noting: Comparison = {
    ...compare,
    put: (kind, key, before, after, about) => {
      if (kind === 'membership' && about?.blocked === undefined) moves.push({ before, after } as Move);
      compare.put(kind, key, before, after, about);
    },
  };
  for (const key of new Set([...actual.keys(), ...wanted.keys()]))
    comparePair(scope, noting, actual.get(key) ?? null, wanted.get(key), { absent, orphaned });
  for (const finding of circles(scope.reality.memberships, moves, (row) => wanted.get(pairKey(row))?.source)) compare.report(finding);
  reportDangling(scope, compare, wanted);
};

/** What decides over rows beside the declaration: accounts with our mark that nothing declares, and those of them that are groups. */
type Circumstances = { readonly absent: ReadonlySet<string>; readonly orphaned: ReadonlySet<string> };

const comparePair = (
  scope: Scope,
  compare: Comparison,
  actual: Membership | null,
  declared: DeclaredMembership | undefined,
  { absent, orphaned }: Circumstances,
): void => {
  const { role, member } = (actual ?? declared)!;
  const put = (after: Membership | null, about: About): void => {
    if (actual && after && actual.admin === after.admin && actual.inherit === after.inherit) return;
    if (actual || after)
      compare.put('membership', `${pathKey(member)} in ${pathKey(role)}`, actual, after, {
        ...about,
        ...blockedMembership(scope, actual, after),
      });
  };
  // What goes is dropped with its own memberships; those who were in it lose it.
  if (scope.dropped.has(member)) return;
  // Rows that nobody counts as extra go with the role.
  if (scope.dropped.has(role) && actual && isImplicit(scope, actual)) return;
  if (scope.dropped.has(role)) put(null, { cause: 'removed', ...removalOf(scope, role) });
  else if (declared && !declared.expired) put(satisfied(scope, actual, declared), aboutDeclared(declared));
  else if (actual && !isImplicit(scope, actual) && !isForeign(scope, actual, orphaned))
    put(
      null,
      declared
        ? { ...aboutDeclared(declared), cause: 'expired' }
        : absent.has(role) || absent.has(member) || isUnnamed(scope, member)
          ? { cause: 'absent' }
          : {},
    );
};

/** Where there are no marks, whoever is in a group of ours and is not named is taken for one who left the manifest. */
const isUnnamed = ({ server, declared }: Scope, member: string): boolean =>
  !hasMarks(server) && !declared.roles.has(member) && !declared.existing.has(member);

const satisfied = (scope: Scope, actual: Membership | null, { role, member, options }: DeclaredMembership): Membership => {
  const additive = actual !== null && !scope.exact.has(member);
  return {
    role,
    member,
    grantor: '',
    admin: options.admin || (additive && actual.admin),
    inherit: options.inherit || alwaysActive(scope, member) || (additive && actual.inherit),
    set: true,
  };
};

const aboutDeclared = ({ source, until, reason }: DeclaredMembership): About => ({
  source,
  ...(until === undefined ? {} : { until }),
  ...(reason === undefined ? {} : { reason }),
});

const removalOf = ({ declared }: Scope, name: string): About => {
  const source = declared.removed.find((removal) => removal.name === name)?.source;
  return source ? { source } : {};
};

/** Roles of a role are active with it, and with activate_all_roles_on_login so are everybody's. */
const alwaysActive = (scope: Scope, member: string): boolean => scope.server.activateAllRoles || !isUser(scope, member);

const isUser = (scope: Scope, name: string): boolean =>
  (scope.declared.roles.get(name)?.kind ?? scope.accounts.get(name)?.kind ?? 'user') === 'user';

/**
 * Rows that nobody counts as extra: what our own login and the accounts of the server are in, mandatory roles, and on MariaDB the
 * ADMIN row of whoever made the role.
 */
const isImplicit = (scope: Scope, { role, member, admin }: Membership): boolean =>
  (scope.untouchable.has(member) && !scope.exact.has(member)) ||
  isMandatory(scope, role) ||
  (scope.server.flavour === 'mariadb' && admin && !scope.declared.roles.has(member) && creators(scope).has(member));

/** Who may make roles. */
const creators = ({ snapshot, rename }: Scope): ReadonlySet<string> => {
  let found = known.get(snapshot);
  if (!found) {
    found = new Set(
      snapshot.grants.flatMap(({ account, level, privileges }) =>
        level === 'global' && privileges.some((privilege) => /^CREATE USER\*?$/.test(privilege)) ? [rename(account)] : [],
      ),
    );
    known.set(snapshot, found);
  }
  return found;
};
const known = new WeakMap<object, ReadonlySet<string>>();

const isMandatory = ({ server }: Scope, role: string): boolean => server.mandatoryRoles.includes(role);

/** Whether the pair is none of our business: neither side is compared exactly, and no group of ours is left behind. */
const isForeign = (scope: Scope, { role, member }: Membership, orphaned: ReadonlySet<string>): boolean => {
  if (scope.exact.has(member)) return false;
  if (scope.exact.has(role) && scope.declared.roles.get(role)?.kind === 'group') return false;
  return !(orphaned.has(role) && scope.reality.roles.get(member)?.mark?.stack === scope.declared.stack);
};

/** No name holds a NUL. */
const pairKey = ({ role, member }: { readonly role: string; readonly member: string }): string => `${role}\0${member}`;

type Problem = { readonly code: string; readonly message: string; readonly hint?: string };

const impossible = (scope: Scope, { role, member, options }: DeclaredMembership): Problem | null => {
  const there = scope.accounts.get(role);
  if (!there && !scope.declared.roles.has(role))
    return {
      code: 'membership/unknown-role',
      message: `'${member}' in '${role}': the server has no role '${role}'`,
      hint: 'correct the name, or make the role first: what is listed under existing is not created',
    };
  if (scope.server.flavour === 'mariadb' && there?.kind === 'user')
    return { code: 'membership/unknown-role', message: `'${member}' in '${role}': that is a user, and MariaDB grants roles alone` };
  if (!options.set)
    return {
      code: 'membership/no-option',
      message: `'${member}' in '${role}' with set: false: whoever is in a role may always set it on this engine`,
    };
  if (!options.inherit && !isUser(scope, member))
    return {
      code: 'membership/no-option',
      message: `'${member}' in '${role}' with inherit: false: what is granted to a group is always active with it on this engine`,
    };
  return null;
};

/** What is active for everybody cannot be inactive for one. That MariaDB has one default role is checked where the manifest is read. */
const reportAlwaysActive = (scope: Scope, compare: Comparison, wanted: readonly DeclaredMembership[]): void => {
  if (!scope.server.activateAllRoles) return;
  for (const { member, role, source, expired, options } of wanted)
    if (!expired && !options.inherit)
      compare.report({
        severity: 'warning',
        code: 'membership/always-active',
        message: `'${member}' in '${role}' with inherit: false: activate_all_roles_on_login is on, so that every role is active from login on`,
        source,
      });
};

const reportMandatory = ({ server, accounts }: Scope, compare: Comparison): void => {
  for (const role of server.mandatoryRoles)
    compare.report(
      accounts.has(role)
        ? {
            severity: 'note',
            code: 'membership/mandatory',
            message: `role '${role}' is mandatory (mandatory_roles): every account has it, whatever the manifest says`,
          }
        : {
            severity: 'warning',
            code: 'membership/mandatory',
            message: `role '${role}' is mandatory (mandatory_roles) and not there: once somebody makes it, every account has it`,
            hint: `have it taken out of mandatory_roles, unless that is meant`,
          },
    );
};

/** MariaDB keeps a default role after the role is dropped: who is put into a new one of that name has it active at once. */
const reportDangling = (scope: Scope, compare: Comparison, wanted: ReadonlyMap<string, DeclaredMembership>): void => {
  if (scope.server.flavour !== 'mariadb') return;
  const held = new Set(scope.snapshot.edges.map(pairKey));
  for (const row of scope.snapshot.defaultRoles) {
    if (held.has(pairKey(row))) continue;
    const { role, member } = { role: scope.rename(row.role), member: scope.rename(row.member) };
    if (!scope.declared.roles.has(role) && !scope.declared.roles.has(member)) continue;
    const declared = wanted.get(pairKey({ role, member }));
    const source = declared?.source ?? scope.declared.roles.get(role)?.source ?? scope.declared.roles.get(member)?.source;
    compare.report({
      severity: 'warning',
      code: 'membership/dangling-default',
      message: `'${member}' still has '${role}' as its default role without being in it, as MariaDB leaves it when a role is dropped: it is active again as soon as it is granted`,
      ...(declared && !declared.expired
        ? { hint: declared.options.inherit ? 'the manifest wants it active' : 'the plan grants the role and takes it off as a default' }
        : { hint: `have it taken off: SET DEFAULT ROLE NONE FOR ${nameKey(member)}` }),
      ...(source ? { source } : {}),
    });
  }
};

const blockedMembership = (scope: Scope, before: Membership | null, after: Membership | null): About => {
  const { role, member } = (before ?? after)!;
  const reason =
    outOfReach(scope, member) ??
    outOfReach(scope, role) ??
    unrevokable(scope, role, after) ??
    (before?.admin === after?.admin ? undefined : noAdmin(scope, role));
  return reason === undefined ? {} : { blocked: reason };
};

const unrevokable = (scope: Scope, role: string, after: Membership | null): string | undefined =>
  after === null && isMandatory(scope, role) ? `role '${role}' is mandatory (mandatory_roles): the server takes it from nobody` : undefined;

/** MySQL lets who has ROLE_ADMIN grant every role, MariaDB only who has ADMIN on that one; who makes a role has it. */
const noAdmin = (scope: Scope, role: string): string | undefined => {
  const { loginWords, loginRoles, login, server } = scope;
  if (loginWords === null || !scope.accounts.has(role)) return undefined;
  if (server.flavour === 'mysql' && (loginWords.has('ROLE_ADMIN') || loginWords.has('SUPER'))) return undefined;
  if (scope.reality.memberships.some((row) => row.role === role && row.admin && loginRoles.has(row.member))) return undefined;
  return `'${login}' may not grant or revoke role '${role}': it needs ${server.flavour === 'mysql' ? 'ROLE_ADMIN, or ' : ''}ADMIN OPTION on it`;
};
