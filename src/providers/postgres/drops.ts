import type { ObjectKind } from '../../model/access.ts';
import type { DeclaredRemoval } from '../../model/declared.ts';
import { nameKey, pathKey } from '../../model/key.ts';
import type { About } from '../../model/normal.ts';
import { parseAcl } from './acl.ts';
import { holds } from './holds.ts';
import { bodyOf, type Existing, hasSessions, putSessions } from './roles.ts';
import type { Comparison, Scope } from './scope.ts';
import type { Snapshot } from './snapshot.ts';

type Dependent = Snapshot['dependents'][number];

/**
 * Roles to be dropped. Compared last: DROP ROLE fails while anything names the role, so whatever of it stays (`stays`: the
 * first blocked change of each role, and why) keeps the role too, without its login.
 */
export const compareDrops = (scope: Scope, compare: Comparison, stays: ReadonlyMap<string, string>): void => {
  for (const removal of scope.declared.removed) {
    const actual = scope.reality.roles.get(removal.name);
    if (removal.action !== 'drop' || !actual) continue;
    const about = { cause: 'removed' as const, source: removal.source };
    if (actual.mark && actual.mark.stack !== scope.declared.stack) {
      compare.report({
        severity: 'error',
        code: 'role/foreign-mark',
        message: `'${actual.name}' under removed belongs to stack '${actual.mark.stack}'`,
        hint: 'have that stack remove or forget it',
        source: removal.source,
      });
    }
    const reason = obstacle(scope, actual, removal) ?? stays.get(actual.name);
    compare.put('role', pathKey(actual.name), bodyOf(scope, actual), null, {
      ...about,
      ...(reason === undefined ? {} : { blocked: reason }),
    });
    const closes = reason === undefined || closeLogin(scope, compare, actual, about);
    if (removal.sessions === 'end' && closes && (actual.login || hasSessions(scope, actual)))
      putSessions(scope, compare, actual.name, about);
  }
};

/** One stray grant keeps the role, but not the leaver: what bars the way to DROP ROLE does not bar the way to NOLOGIN. */
const closeLogin = (scope: Scope, compare: Comparison, actual: Existing, about: About): boolean => {
  if (!actual.login || scope.untouchable.has(actual.name) || !scope.authority.alter(actual.name)) return false;
  const before = bodyOf(scope, actual);
  compare.put('role', `${pathKey(actual.name)} login`, before, { ...before, login: false }, about);
  return true;
};

/** What REASSIGN OWNED leaves where it is: default privileges are taken away by themselves, user mappings by nobody here. */
const NOT_REASSIGNED: ReadonlySet<string> = new Set(['pg_default_acl', 'pg_user_mapping']);

/** Where a role owns objects, of whatever kind. */
export const ownedBy = (scope: Scope, role: string): readonly Dependent[] =>
  scope.snapshot.dependents.filter((row) => row.role === role && row.type === 'owner' && !NOT_REASSIGNED.has(row.catalog));

/** The database (or the whole server) of a dependent, as messages say it. */
export const placeOf = ({ database }: Pick<Dependent, 'database'>): string =>
  database === null ? 'the whole server' : `database ${nameKey(database)}`;

const obstacle = (scope: Scope, { name }: Existing, removal: DeclaredRemoval): string | undefined => {
  if (scope.untouchable.has(name)) return `'${name}' is a protected role`;
  if (!scope.authority.alter(name)) return `'${scope.authority.login}' may not drop role '${name}': it needs ADMIN OPTION on it`;
  const dependents = scope.snapshot.dependents.filter((row) => row.role === name);
  const unread = scope.snapshot.unread.find(({ database }) => dependents.some((row) => row.database === database));
  if (unread) return `'${name}' is referenced in database '${unread.database}', which could not be read (${unread.reason})`;
  const [owned] = removal.reassignTo === undefined ? ownedBy(scope, name) : [];
  if (owned) return `'${name}' owns objects in ${placeOf(owned)}, and nobody is named to take them over`;
  if (removal.reassignTo !== undefined && scope.dropped.has(removal.reassignTo) && ownedBy(scope, name).length > 0)
    return `'${removal.reassignTo}', who shall take over what '${name}' owns, is dropped as well`;
  const bars = [
    ...(removal.reassignTo === undefined ? [] : ownedBy(scope, name).flatMap((row) => refused(scope, row, removal.reassignTo!) ?? [])),
    ...dependents.flatMap((row) => unmanaged(scope, row) ?? []),
  ];
  // all of them: whoever mends one need not come back for the next
  return bars.length === 0 ? undefined : bars.join('; ');
};

/** What only a superuser may own, and what needs CREATE on its database of its owner: from there on REASSIGN OWNED fails. */
const refused = (scope: Scope, { role, database, catalog, count }: Dependent, heir: string): string | undefined => {
  if (scope.authority.superuser || scope.reality.roles.get(heir)?.superuser) return undefined;
  const what = `'${role}' owns ${counted(count, 'object')} of ${catalog}`;
  if (ONLY_SUPERUSERS.has(catalog) || (catalog === 'pg_subscription' && scope.version < 160000))
    return `${what}, which only superusers may own: a superuser has to drop them or hand them over first`;
  if (
    catalog !== 'pg_publication' ||
    database === null ||
    holds(scope, heir, 'CREATE', { kind: 'database', database: null, name: database })
  )
    return undefined;
  return `${what} in ${placeOf({ database })}, and '${heir}', who shall take them over, has no CREATE on it`;
};
const ONLY_SUPERUSERS: ReadonlySet<string> = new Set(['pg_event_trigger', 'pg_foreign_data_wrapper']);

/** What names the role and no plan takes away, so that DROP ROLE would fail. */
const unmanaged = (scope: Scope, row: Dependent): string | undefined => {
  const where = placeOf(row);
  switch (row.type) {
    case 'owner':
      return row.catalog === 'pg_user_mapping'
        ? `'${row.role}' has ${counted(row.count, 'user mapping')} in ${where}: DROP USER MAPPING first`
        : undefined;
    case 'policy':
      return `'${row.role}' is named by ${counted(row.count, 'row security policy', 'row security policies')} in ${where}: alter or drop them first`;
    case 'acl': {
      const more = row.count - found(scope, row);
      return more > 0
        ? `'${row.role}' is named in the privileges of ${counted(more, 'more object')} of ${row.catalog} in ${where} that no manifest can name: revoke them first`
        : undefined;
    }
    case 'other':
      return `'${row.role}' is referenced by ${counted(row.count, 'object')} of ${row.catalog} in ${where}, for instance by the initial privileges of an extension: DROP OWNED BY takes that away`;
  }
};

const counted = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;

const KINDS: Readonly<Record<string, readonly ObjectKind[]>> = {
  pg_class: ['table', 'sequence', 'column'],
  pg_proc: ['routine'],
  pg_type: ['type'],
  pg_namespace: ['schema'],
  pg_language: ['language'],
  pg_foreign_data_wrapper: ['foreign_data_wrapper'],
  pg_foreign_server: ['foreign_server'],
  pg_largeobject: ['large_object'],
  pg_database: ['database'],
  pg_tablespace: ['tablespace'],
  pg_parameter_acl: ['parameter'],
};

/** How many objects of the catalog were read whose privileges name the role, as pg_shdepend counts them: an owner's own do not count. */
const found = (scope: Scope, { role, database, catalog, count }: Dependent): number => {
  // From 16 on a membership depends on its grantor; all of them are read.
  if (catalog === 'pg_auth_members') return count;
  if (catalog === 'pg_default_acl') {
    const rows = database === null ? [] : (scope.snapshot.contents[database]?.defaultAcls ?? []);
    return rows.filter(({ creator, acl }) => creator !== role && parseAcl(acl).some(({ grantee }) => grantee === role)).length;
  }
  const kinds = KINDS[catalog] ?? [];
  return scope.reality.objects
    .filter(
      (row) =>
        row.database === database &&
        row.origin !== 'internal' &&
        kinds.includes(row.kind) &&
        row.owner !== role &&
        row.acl.some(({ grantee, grantor }) => grantee === role || grantor === role),
    )
    .reduce((sum, { names }) => sum + names.length, 0);
};
