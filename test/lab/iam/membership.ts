/**
 * Which memberships make somebody log in by IAM alone. AWS says that nested ones do; from 16 on, where a membership can be there
 * only to be administered, nobody but AWS knows which of those count:
 * `every`: all, as `+rds_iam` in PostgreSQL's own pg_hba.conf counts, the row that a role's creator gets unasked among them;
 * `usable`: those with INHERIT or SET, so a creator stays what he was; `inherited`: only those with INHERIT.
 * Never counted is the row by which RDS lets its master grant rds_iam: every master would be locked out from the start.
 */
export type Counted = 'every' | 'usable' | 'inherited';

/** $1: a role, $2: `Counted`. Before 16 a membership has no options, and INHERIT is the member's own. */
export const LOGS_IN_BY_IAM = `
WITH RECURSIVE membership AS (
  SELECT m.member, m.roleid, m.grantor,
         coalesce((to_jsonb(m) ->> 'inherit_option')::boolean, member.rolinherit) AS inherits,
         coalesce((to_jsonb(m) ->> 'set_option')::boolean, true) AS sets
  FROM pg_catalog.pg_auth_members m
  JOIN pg_catalog.pg_roles member ON member.oid = m.member
), path AS (
  SELECT oid AS role FROM pg_catalog.pg_roles WHERE rolname = $1
  UNION
  SELECT m.roleid
  FROM path
  JOIN membership m ON m.member = path.role
  JOIN pg_catalog.pg_roles r ON r.oid = m.roleid
  WHERE CASE $2::text
          WHEN 'inherited' THEN m.inherits
          WHEN 'usable' THEN m.inherits OR m.sets
          ELSE m.inherits OR m.sets OR r.rolname <> 'rds_iam' OR m.grantor <> 10
        END
)
SELECT EXISTS (
  SELECT FROM path JOIN pg_catalog.pg_roles r ON r.oid = path.role WHERE r.rolname = 'rds_iam' AND r.rolname <> $1
) AS iam`;
