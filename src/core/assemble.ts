import { actionOf, type Change } from '../model/change.ts';
import type { Declared } from '../model/declared.ts';
import type { Finding } from '../model/finding.ts';
import { byCodeUnit, distinct } from '../model/key.ts';
import type { Normal, Statements } from '../model/normal.ts';
import type { AccessDelta, Counts, PlanTarget } from '../model/plan.ts';
import type { Reality } from '../model/reality.ts';
import { accessDelta } from './access-delta.ts';
import { withoutMoot } from './moot-access.ts';
import { stillEffectiveFindings } from './still-effective.ts';

export type Parts = {
  readonly declared: Declared;
  readonly normal: Normal;
  readonly changes: readonly Change[];
  readonly after: Reality;
  readonly findings: readonly Finding[];
  /** Left out: what follows from the realities before and after. */
  readonly access?: readonly AccessDelta[];
  /** Left out: OIDs of the first reality. */
  readonly roles?: PlanTarget['roles'];
  readonly statements: Statements;
  readonly identity: PlanTarget['identity'];
  readonly extent: Pick<PlanTarget, 'unread' | 'read'>;
};

/** One target of a plan, sorted and without anything that only this moment knows. */
export const assemble = ({
  declared,
  normal,
  changes,
  after,
  findings,
  access,
  roles,
  statements,
  identity,
  extent,
}: Parts): PlanTarget => ({
  name: declared.target.name,
  engine: declared.target.engine,
  identity,
  counts: countsOf(changes),
  access:
    changes.length === 0 ? [] : withoutMoot(access ?? accessDelta(normal.reality, after), changes, ownLogins(declared, identity.login)),
  changes,
  transactions: statements.transactions,
  steps: statements.steps,
  findings: sorted(
    [
      ...findings,
      ...extent.unread.map((one) => unreadFinding(declared, one)),
      // An engine that computes access by itself finds there what is still held.
      ...(changes.length === 0 || access !== undefined ? [] : stillEffectiveFindings(normal.reality, after, changes)),
    ],
    declared.target.name,
  ),
  // A hundred thousand of them take a while: where nothing changes nobody looks at them.
  get matches() {
    return normal.matches;
  },
  unmanaged: unmanagedRoles(declared, normal.reality, identity.login),
  ...extent,
  roles: roles ?? concernedRoles(changes, normal.reality),
  nextExpiry: declared.nextExpiry,
});

/** Rolecall's own logins and the master. */
const ownLogins = ({ target: { login, place } }: Declared, applies: string): ReadonlySet<string> =>
  new Set([applies, login.user, login.planUser, place?.masterUser].filter((name) => typeof name === 'string'));

/** Unknown is not empty: it must not look as if all were well there. */
const unreadFinding = ({ target, iam }: Declared, { database, reason }: PlanTarget['unread'][number]): Finding => ({
  severity: 'warning',
  code: 'inspect/unread',
  ...(iam
    ? { message: `${database} could not be read (${reason}): nothing is changed because of it`, hint: 'allow whoever plans to read it' }
    : {
        message: `database '${database}' was not read (${reason}): what it holds is not planned, and nothing there is changed`,
        hint: "let the login in, or take the database out of 'databases'",
      }),
  source: target.source,
});

const countsOf = (changes: readonly Change[]): Counts => {
  const runnable = changes.filter((change) => change.blocked === undefined);
  const count = (action: string) => runnable.filter((change) => actionOf(change) === action).length;
  return { add: count('add'), change: count('change'), remove: count('remove'), blocked: changes.length - runnable.length };
};

const SEVERITIES = ['error', 'warning', 'note'];

/** Gravest first, then by what they say: where they stand is a matter of layout. The same thing said twice is said once. */
const sorted = (findings: readonly Finding[], target: string): Finding[] => {
  const said = ({ severity, code, message }: Finding): string => [SEVERITIES.indexOf(severity), code, message].join('\0');
  const place = ({ source }: Finding): string =>
    source ? [source.file, String(source.line).padStart(9, '0'), String(source.column).padStart(9, '0')].join('\0') : '';
  const unique = new Map<string, Finding>();
  for (const finding of findings) {
    const before = unique.get(said(finding));
    if (!before || byCodeUnit(place(finding), place(before)) < 0)
      unique.set(said(finding), { ...finding, target: finding.target ?? target });
  }
  return [...unique].sort(([a], [b]) => byCodeUnit(a, b)).map(([, finding]) => finding);
};

/** Roles that nobody declared, but for those of the server and the provider. */
const unmanagedRoles = (declared: Declared, reality: Reality, login: string): PlanTarget['unmanaged'] => {
  const own = new Set([login, declared.target.login.planUser]);
  const removed = new Set(declared.removed.map((one) => one.name));
  const foreign = [...reality.roles.values()].filter(
    ({ name, oid, mark }) =>
      oid >= 16384 &&
      !/^(pg_|rds)/.test(name) &&
      !own.has(name) &&
      !declared.roles.has(name) &&
      !declared.existing.has(name) &&
      mark?.stack !== declared.stack &&
      !removed.has(name),
  );
  const { users, groups } = reality.others ?? { users: [], groups: [] };
  return {
    users: distinct([...users, ...foreign.filter((role) => role.login).map((role) => role.name)]),
    groups: distinct([...groups, ...foreign.filter((role) => !role.login).map((role) => role.name)]),
  };
};

/** The existing roles that changes name, with what tells them from another role of that name. */
const concernedRoles = (changes: readonly Change[], reality: Reality): Readonly<Record<string, number>> => {
  const names = distinct(changes.flatMap(namesOf));
  return Object.fromEntries(names.flatMap((name) => (reality.roles.has(name) ? [[name, reality.roles.get(name)!.oid] as const] : [])));
};

const namesOf = (change: Change): string[] => {
  switch (change.kind) {
    case 'role':
      return [(change.after ?? change.before)!.name];
    case 'password':
    case 'setting':
    case 'sessions':
      return [(change.after ?? change.before)!.role];
    case 'membership':
      return [(change.after ?? change.before)!.role, (change.after ?? change.before)!.member];
    case 'ownership':
      return [change.before!.owner, change.after!.owner];
    case 'grant': {
      const { grantee } = (change.after ?? change.before)!;
      return typeof grantee === 'string' ? [grantee] : [];
    }
    case 'iam_role':
    case 'policy':
    case 'attachment':
    case 'topic':
    case 'subscription':
    case 'log_filter':
    case 'alarm':
      return [];
    case 'default': {
      const { grantee, creator } = (change.after ?? change.before)!;
      return typeof grantee === 'string' ? [grantee, creator] : [creator];
    }
  }
};
