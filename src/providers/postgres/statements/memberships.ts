import { groupBy } from '../../../core/group.ts';
import type { Membership } from '../../../model/state.ts';
import { PER_GRANTOR_MEMBERSHIPS } from '../authority.ts';
import { blockedMembership } from '../membership-obstacles.ts';
import type { Scope } from '../scope.ts';
import { ident } from '../sql.ts';
import { chunks, type Draft, type Indexed, NAMES_PER_STATEMENT, type Use } from './draft.ts';

type Statement = {
  readonly flips: boolean;
  readonly verb: string;
  readonly tail: string;
  readonly uses: readonly Use[];
  readonly phase: Draft['phase'];
  readonly rank: number;
};

/** GRANT and REVOKE of roles, folded: members that get or lose the same role in the same way share a statement. */
export const membershipDrafts = (scope: Scope, changes: readonly Indexed<'membership'>[]): Draft[] => {
  const cascaded = changes.filter(({ before, after }) => before !== null && blockedMembership(scope, before, after).blocked !== undefined);
  const statements = changes
    .filter((change) => !cascaded.includes(change))
    .flatMap((change) => {
      const taken = takenWith(change, cascaded);
      const flips = flipsLogin(scope, change);
      return statementsOf(scope, change).map((found) => {
        const statement = { ...found, flips };
        const cascades = taken.length > 0 && statement.verb.startsWith('REVOKE');
        return {
          change,
          taken: cascades ? taken : [],
          statement: cascades ? { ...statement, tail: `${statement.tail} CASCADE` } : statement,
        };
      });
    });
  const folded = groupBy(statements, ({ change, statement }) => JSON.stringify([statement, (change.before ?? change.after)!.role]));
  return [...folded.values()].flatMap((group) =>
    chunks(group, NAMES_PER_STATEMENT).map((some): Draft => {
      const { statement } = some[0]!;
      const named = some.map(({ change }) => (change.before ?? change.after)!);
      const all = some.flatMap(({ change, taken }) => [change, ...taken]);
      const preposition = statement.verb.startsWith('REVOKE') ? 'FROM' : 'TO';
      return {
        database: null,
        phase: statement.phase,
        rank: statement.rank,
        sql: `${statement.verb} ${ident(named[0]!.role)} ${preposition} ${named.map(({ member }) => ident(member)).join(', ')}${statement.tail}`,
        uses: statement.uses,
        changes: all.map((change) => change.index),
        named: 0,
        moves: all.map(({ before, after }) => ({ before, after })),
        ...(statement.flips ? { flips: true as const } : {}),
        ...(named[0]!.role === IAM && statement.verb === 'GRANT' ? { undo: undoOf(scope, named) } : {}),
      };
    }),
  );
};

const IAM = 'rds_iam';

/** The members that come leave again. */
const undoOf = (scope: Scope, rows: readonly Membership[]): string => {
  const by = scope.version < PER_GRANTOR_MEMBERSHIPS ? '' : ` GRANTED BY ${ident(rows[0]!.grantor)}`;
  return `REVOKE ${ident(rows[0]!.role)} FROM ${rows.map(({ member }) => ident(member)).join(', ')}${by}`;
};

/** DROP ROLE ends memberships, and comes last: where a group gains something before that, whoever goes leaves it first. */
export const leaverDrafts = (scope: Scope, drafts: readonly Draft[], roles: readonly Indexed<'role'>[]): Draft[] => {
  const gaining = new Set(drafts.flatMap((draft) => draft.gains ?? []));
  const dropped = new Map(roles.flatMap(({ before, after, index }) => (before && !after ? [[before.name, index] as const] : [])));
  if (gaining.size === 0 || dropped.size === 0) return [];
  const leading = new Set(gaining);
  for (const role of leading) for (const row of scope.reality.memberships) if (row.role === role) leading.add(row.member);
  return membershipDrafts(
    scope,
    scope.reality.memberships.flatMap((row): Indexed<'membership'>[] => {
      const index = dropped.get(row.member);
      if (index === undefined || !leading.has(row.role) || blockedMembership(scope, row, null).blocked !== undefined) return [];
      return [{ kind: 'membership', key: '', before: row, after: null, risk: 'removes', cause: 'removed', index }];
    }),
  );
};

/** What hangs on the ADMIN option that the change takes, and nobody can take as its grantor. */
const takenWith = ({ before, after }: Indexed<'membership'>, cascaded: readonly Indexed<'membership'>[]): Indexed<'membership'>[] => {
  if (!before?.admin || after?.admin) return [];
  return cascaded
    .filter((one) => one.before!.role === before.role && one.before!.grantor === before.member)
    .flatMap((one) => [one, ...takenWith(one, cascaded)]);
};

/** A login by password that becomes one by IAM, where policies say who may use it. */
export const flipsLogin = (scope: Scope, { before, after }: Pick<Indexed<'membership'>, 'before' | 'after'>): boolean => {
  if (before !== null || after?.role !== IAM) return false;
  const declared = scope.declared.roles.get(after.member);
  return (declared?.principals.length ?? 0) > 0 && scope.reality.roles.get(declared?.renamedFrom ?? after.member)?.login === true;
};

const statementsOf = (scope: Scope, { before, after }: Indexed<'membership'>): Omit<Statement, 'flips'>[] => {
  const { role, grantor } = (before ?? after)!;
  // Who may log in by IAM is settled when everything else stands.
  const phase = role === 'rds_iam' ? 'open' : 'member';
  if (scope.version < PER_GRANTOR_MEMBERSHIPS) return olderStatements(before, after, phase);
  const own = grantor === scope.authority.admin(role)?.grantor;
  const direct = own || scope.authority.superuser || scope.authority.inherits(scope.authority.login, grantor);
  // A grantor that has lost its ADMIN option can revoke nothing as itself: the login does, with its rights.
  const how = scope.authority.administers(grantor, role) ? 'become' : 'inherit';
  const uses: Use[] = direct ? [] : [{ role: grantor, how }];
  const by = ` GRANTED BY ${ident(grantor)}`;
  if (!after) return [{ verb: 'REVOKE', tail: by, uses, phase, rank: 1 }];
  // GRANT … WITH ADMIN FALSE would leave behind what the member granted by that option; REVOKE refuses to.
  const lowers = before?.admin === true && !after.admin;
  const rest = OPTIONS.filter((option) => !(lowers && option === 'admin'));
  const same = before !== null && rest.every((option) => before[option] === after[option]);
  // Options are spelled out: a plain GRANT takes two of them from elsewhere, and never lowers one.
  const options = rest.map((option) => `${option.toUpperCase()} ${after[option] ? 'TRUE' : 'FALSE'}`).join(', ');
  return [
    ...(lowers ? [{ verb: 'REVOKE ADMIN OPTION FOR', tail: by, uses, phase, rank: 1 } as const] : []),
    ...(same ? [] : [{ verb: 'GRANT', tail: ` WITH ${options}${own ? '' : by}`, uses, phase, rank: 0 } as const]),
  ];
};

const OPTIONS = ['admin', 'inherit', 'set'] as const;

const olderStatements = (before: Membership | null, after: Membership | null, phase: Draft['phase']): Omit<Statement, 'flips'>[] => {
  if (!after) return [{ verb: 'REVOKE', tail: '', uses: [], phase, rank: 1 }];
  if (before?.admin && !after.admin) return [{ verb: 'REVOKE ADMIN OPTION FOR', tail: '', uses: [], phase, rank: 1 }];
  return [{ verb: 'GRANT', tail: after.admin ? ' WITH ADMIN OPTION' : '', uses: [], phase, rank: 0 }];
};
