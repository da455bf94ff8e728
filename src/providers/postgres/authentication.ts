import { groupBy } from '../../core/group.ts';
import type { Finding } from '../../model/finding.ts';
import { nameKey } from '../../model/key.ts';
import type { Membership } from '../../model/state.ts';
import type { Reality } from '../provider.ts';
import type { Scope } from './scope.ts';

const IAM = 'rds_iam';

/** Users that log in by IAM: what puts them under rds_iam may be a group. */
export const iamLogins = (reality: Reality): ReadonlySet<string> =>
  new Set([...pathsTo(reality).keys()].filter((name) => reality.roles.get(name)?.login));

/** A member of rds_iam, over whatever groups, logs in by IAM only: no plan does that to a login that was not declared so. */
export const authenticationFlips = (scope: Scope, before: Reality, after: Reality): Finding[] => {
  if (!after.roles.has(IAM)) return [];
  const is = pathsTo(after);
  const was = before === after ? is : pathsTo(before);
  const member = pathsTo(after, () => true);
  const wasMember = before === after ? member : pathsTo(before, () => true);
  return [...after.roles.values()].flatMap((role): Finding[] => {
    const declared = scope.declared.roles.get(role.name);
    const path = is.get(role.name);
    if (path && scope.untouchable.has(role.name) && !was.has(role.name) && role.name !== IAM && !role.superuser)
      return [lockout(scope, role.name, path)];
    if (!role.login && !declared) return [];
    if (path && declared?.kind === 'user' && declared.auth !== 'iam') return [flips(declared.auth, role.name, path, declared.source)];
    if (path && !was.has(role.name) && !declared && role.login) return [flips('unmanaged', role.name, path)];
    const former = was.get(role.name);
    if (!path && role.login && former && former.length > 2) return [flipsBack(role.name, former, declared?.source)];
    const exposed = role.login || scope.untouchable.has(role.name);
    if (!path && exposed && member.has(role.name) && !wasMember.has(role.name) && !role.superuser)
      return [memberOnly(role.name, member.get(role.name)!)];
    return [];
  });
};

/** Roles with a path of memberships to rds_iam, each with the path; most servers have few, so edges are indexed and not searched. */
const pathsTo = (
  reality: Reality,
  counts: (edge: Membership) => boolean = (edge) => edge.inherit,
): ReadonlyMap<string, readonly string[]> => {
  const found = new Map<string, readonly string[]>([[IAM, [IAM]]]);
  const below = groupBy(reality.memberships.filter(counts), (edge) => edge.role);
  for (const [role, path] of found) {
    for (const { member } of below.get(role) ?? []) if (!found.has(member)) found.set(member, [member, ...path]);
  }
  return found;
};

const arrows = (path: readonly string[]): string => path.map(nameKey).join(' -> ');

const lockout = (scope: Scope, name: string, path: readonly string[]): Finding => ({
  severity: 'error',
  code: 'guard/admin-lockout',
  message: `'${name}' would be a member of rds_iam (${arrows(path)}) and could no longer log in with its password`,
  hint:
    name === scope.authority.login
      ? `revoke ${nameKey(path[1] ?? IAM)} from ${nameKey(name)} first, or grant it WITH INHERIT FALSE`
      : 'grant rds_iam to users only, never to what an administrator is in',
});

const flips = (auth: string, name: string, path: readonly string[], source?: Finding['source']): Finding => ({
  severity: 'error',
  code: 'guard/authentication-flip',
  message: `${auth === 'unmanaged' ? 'login' : `user '${name}' has auth: ${auth}, but`}${auth === 'unmanaged' ? ` '${name}'` : ' it'} ${auth === 'unmanaged' ? 'would become' : 'is'} a member of rds_iam (${arrows(path)}) and can log in by IAM only`,
  hint: 'rds_iam belongs on users with auth: iam, not on a group',
  ...(source ? { source } : {}),
});

/** What a group takes with it when it leaves rds_iam; a user's own membership has a line of its own. */
const flipsBack = (name: string, path: readonly string[], source?: Finding['source']): Finding => ({
  severity: source ? 'note' : 'warning',
  code: 'plan/authentication-flip',
  message: `'${name}' logs in by its password again: it was a member of rds_iam (${arrows(path)})`,
  ...(source ? { source } : {}),
});

const memberOnly = (name: string, path: readonly string[]): Finding => ({
  severity: 'warning',
  code: 'guard/admin-near-iam',
  message: `'${name}' will be a member of rds_iam without inheriting it (${arrows(path)}); RDS lets such a login keep its password`,
});
