import { groupBy } from '../../../core/group.ts';
import { byCodeUnit, distinct, pathKey } from '../../../model/key.ts';
import type { Scope } from '../scope.ts';
import type { Draft, Indexed } from './draft.ts';
import { isRole, nameSql } from './names.ts';

type Change = Indexed<'membership'>;

/** What is granted to somebody, made active at login, and taken away again: one account and one role a statement. */
export const membershipDrafts = (scope: Scope, changes: readonly Change[]): Draft[] => {
  const defaults = groupBy(scope.snapshot.defaultRoles, (row) => scope.rename(row.member));
  return [
    ...changes.flatMap((change) => moveDrafts(scope, change)),
    ...[...groupBy(changes, ({ before, after }) => (before ?? after)!.member)].flatMap(([member, some]) =>
      isRole(scope, member)
        ? []
        : defaultDrafts(
            scope,
            member,
            some,
            (defaults.get(member) ?? []).map(({ role }) => scope.rename(role)),
          ),
    ),
  ];
};

/** Within the phase: what comes, what is active at login, what goes. */
const [JOIN, SETTLE, LEAVE] = [0, 1, 2];

const moveDrafts = (scope: Scope, { before, after, index }: Change): Draft[] => {
  const { role, member } = (before ?? after)!;
  const [roleSql, memberSql] = [nameSql(scope, role), nameSql(scope, member)];
  const common = { phase: 'member', changes: [index] } as const;
  if (!after) return [leaving(scope, member, [role], [index])];
  const grant = `GRANT ${roleSql} TO ${memberSql}${after.admin ? ' WITH ADMIN OPTION' : ''}`;
  if (before === null || (after.admin && !before.admin)) return [{ ...common, sql: grant, rank: JOIN, gains: member, joins: role }];
  if (after.admin === before.admin) return [];
  if (scope.server.flavour === 'mariadb')
    return [{ ...common, sql: `REVOKE ADMIN OPTION FOR ${roleSql} FROM ${memberSql}`, rank: LEAVE, loses: member }];
  // GRANT without the option leaves it as it is, and there is no statement that takes it alone (MySQL 8.0 to 9.7).
  const revoke = `REVOKE ${roleSql} FROM ${memberSql}`;
  return [{ ...common, sql: revoke, next: [{ sql: grant, changes: [index] }], rank: JOIN, gains: member, joins: role, lapses: [member] }];
};

const leaving = (scope: Scope, member: string, roles: readonly string[], changes: readonly number[]): Draft => ({
  phase: 'member',
  sql: `REVOKE ${roles.map((role) => nameSql(scope, role)).join(', ')} FROM ${nameSql(scope, member)}`,
  changes,
  rank: LEAVE,
  loses: member,
  leaves: roles,
});

/** The same drafts, but that these members leave all of their roles in one statement. */
export const leavingTogether = (scope: Scope, drafts: readonly Draft[], members: readonly string[]): Draft[] =>
  members.reduce<Draft[]>(
    (some, member) => {
      const parts = some.filter(({ loses, leaves }) => loses === member && leaves !== undefined);
      const roles = parts.flatMap(({ leaves = [] }) => leaves).sort(byCodeUnit);
      const changes = parts.flatMap((part) => part.changes).sort((a, b) => a - b);
      return [...some.filter((draft) => !parts.includes(draft)), leaving(scope, member, roles, changes)];
    },
    [...drafts],
  );

/** What is active at login is set as a whole, for what the account will be in. */
const defaultDrafts = (scope: Scope, member: string, changes: readonly Change[], current: readonly string[]): Draft[] =>
  scope.server.flavour === 'mariadb'
    ? singleDefault(scope, member, changes, current[0] ?? null)
    : defaultList(scope, member, changes, current);

/** A role that the account leaves stays active until then: REVOKE takes it out of the list by itself. */
const defaultList = (scope: Scope, member: string, changes: readonly Change[], current: readonly string[]): Draft[] => {
  const moved = changes.filter(
    ({ before, after }) => after !== null && ((before?.inherit ?? false) !== after.inherit || isRegranted(before, after)),
  );
  if (moved.length === 0) return [];
  const wanted = new Set(current);
  for (const { role, inherit } of changes.flatMap(({ after }) => after ?? [])) {
    if (inherit) wanted.add(role);
    else wanted.delete(role);
  }
  const roles = distinct(wanted);
  return [settling(member, moved, roles, defaultSql(scope, member, roles))];
};

const defaultSql = (scope: Scope, member: string, roles: readonly string[]): string =>
  `SET DEFAULT ROLE ${roles.length === 0 ? 'NONE' : roles.map((role) => nameSql(scope, role)).join(', ')} TO ${nameSql(scope, member)}`;

/** The same drafts in this order: a role that its member has left by then is not made active, which the server would refuse. */
export const settledInOrder = (scope: Scope, drafts: readonly Draft[]): Draft[] => {
  if (scope.server.flavour === 'mariadb') return [...drafts];
  const left = new Set<string>();
  return drafts.map((draft) => {
    const { settles, standard = [], loses, leaves = [] } = draft;
    for (const role of leaves) left.add(pathKey(loses!, role));
    if (settles === undefined || !standard.some((role) => left.has(pathKey(settles, role)))) return draft;
    const there = standard.filter((role) => !left.has(pathKey(settles, role)));
    return { ...draft, standard: there, sql: defaultSql(scope, settles, there) };
  });
};

const isRegranted = (before: Change['before'], after: Change['after']): boolean => before?.admin === true && after?.admin === false;

/** There is one, and REVOKE leaves it behind: it would come back to life with a role of that name. */
const singleDefault = (scope: Scope, member: string, changes: readonly Change[], current: string | null): Draft[] => {
  const coming = changes
    .filter(({ before, after }) => after?.inherit === true && before?.inherit !== true)
    .sort((a, b) => byCodeUnit(a.key, b.key));
  const going = changes.filter(({ before, after }) => (before ?? after)!.role === current && after?.inherit !== true);
  const next = coming[0]?.after?.role ?? (going.length > 0 ? null : current);
  if (next === current) return [];
  const draft = settling(
    member,
    [...coming, ...going],
    next === null ? [] : [next],
    `SET DEFAULT ROLE ${next === null ? 'NONE' : nameSql(scope, next)} FOR ${nameSql(scope, member)}`,
  );
  const left = changes.some(({ before, after }) => after === null && before?.role === current);
  // The role that was the default gives way also where nothing of its membership changes.
  return [{ ...draft, dulls: current === null || left ? [] : [current] }];
};

const settling = (member: string, changes: readonly Change[], standard: readonly string[], sql: string): Draft => {
  const staying = changes.flatMap(({ before, after }) => (before && after && before.inherit !== after.inherit ? [after] : []));
  const rolesOf = (awake: boolean) => staying.filter(({ inherit }) => inherit === awake).map(({ role }) => role);
  return {
    phase: 'member',
    sql,
    changes: changes.map(({ index }) => index).sort((a, b) => a - b),
    rank: SETTLE,
    settles: member,
    standard,
    wakes: rolesOf(true),
    dulls: rolesOf(false),
  };
};
