import type { DeclaredMembership } from '../../model/declared.ts';
import { PREDEFINED_SINCE } from '../../model/privilege.ts';
import type { Membership } from '../../model/state.ts';
import type { About } from '../provider.ts';
import { PER_GRANTOR_MEMBERSHIPS } from './authority.ts';
import { isKnown, MAKE_IT, type Scope } from './scope.ts';

/** Why a declared membership cannot be on this server; null: it can. */
export const impossible = (
  scope: Scope,
  { role, member, options }: DeclaredMembership,
): { code: string; message: string; hint?: string } | null => {
  const since = PREDEFINED_SINCE[role];
  if (since !== undefined && since > scope.version)
    return {
      code: 'membership/needs-version',
      message: `'${member}' in '${role}': that role needs PostgreSQL ${Math.floor(since / 10000)}, the server is ${scope.snapshot.server.versionText}`,
    };
  if (role === 'pg_database_owner')
    return { code: 'membership/implicit', message: `'${role}' has no explicit members: it is whoever owns the database` };
  if (!isKnown(scope, role)) {
    if (role === 'rds_iam')
      return {
        code: 'membership/no-rds-iam',
        message: `'${member}' has auth: iam, but the server has no role rds_iam`,
        hint: 'is this an RDS or Aurora server with IAM authentication?',
      };
    return {
      code: 'membership/unknown-role',
      message: `'${member}' in '${role}': the server has no role '${role}'`,
      hint: MAKE_IT,
    };
  }
  if (scope.version >= PER_GRANTOR_MEMBERSHIPS || role === 'rds_iam') return null;
  const inherit = scope.declared.roles.get(member)?.inherit ?? true;
  if (options.inherit !== inherit)
    return {
      code: 'membership/no-option',
      message: `'${member}' in '${role}' with inherit: ${options.inherit}: before PostgreSQL 16 that is an attribute of the user, here ${inherit}`,
      hint: `set inherit: ${options.inherit} on user '${member}'`,
    };
  if (!options.set)
    return {
      code: 'membership/no-option',
      message: `'${member}' in '${role}' with set: false needs PostgreSQL 16, the server is ${scope.snapshot.server.versionText}`,
    };
  return null;
};

/** Granting needs ADMIN on the role; from 16 on, taking away another's grant needs that grantor's rights. */
export const blockedMembership = (scope: Scope, before: Membership | null, after: Membership | null): About => {
  const { role, grantor } = (before ?? after)!;
  const { authority } = scope;
  if (!before || scope.version < PER_GRANTOR_MEMBERSHIPS) {
    if (authority.admin(role)) return {};
    return { blocked: `'${authority.login}' may not ${before ? 'revoke' : 'grant'} '${role}': it needs ADMIN OPTION on it` };
  }
  if (grantor === authority.admin(role)?.grantor || authority.superuser) return {};
  const reach = authority.reach(grantor);
  if (reach.how === 'none') return { blocked: `granted by '${grantor}': ${reach.reason}` };
  if (!authority.administers(grantor, role) && !authority.admin(role))
    return { blocked: `granted by '${grantor}', which no longer has ADMIN OPTION on '${role}', as '${authority.login}' has not` };
  return {};
};
