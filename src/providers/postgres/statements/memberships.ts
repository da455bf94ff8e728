import { groupBy } from '../../../core/group.ts';
import type { Membership } from '../../../model/state.ts';
import { PER_GRANTOR_MEMBERSHIPS } from '../authority.ts';
import type { Scope } from '../scope.ts';
import { ident } from '../sql.ts';
import { chunks, type Draft, type Indexed, NAMES_PER_STATEMENT, type Use } from './draft.ts';

type Statement = {
  readonly verb: string;
  readonly tail: string;
  readonly uses: readonly Use[];
  readonly phase: Draft['phase'];
  readonly rank: number;
};

/** GRANT and REVOKE of roles, folded: members that get or lose the same role in the same way share a statement. */
export const membershipDrafts = (scope: Scope, changes: readonly Indexed<'membership'>[]): Draft[] => {
  const statements = changes.flatMap((change) => statementsOf(scope, change).map((statement) => ({ change, statement })));
  const folded = groupBy(statements, ({ change, statement }) => JSON.stringify([statement, (change.before ?? change.after)!.role]));
  return [...folded.values()].flatMap((group) =>
    chunks(group, NAMES_PER_STATEMENT).map(([first, ...rest]): Draft => {
      const { statement } = first!;
      const all = [first!, ...rest].map(({ change }) => change);
      const { role } = (all[0]!.before ?? all[0]!.after)!;
      const members = all.map((change) => ident((change.before ?? change.after)!.member));
      const preposition = statement.verb.startsWith('REVOKE') ? 'FROM' : 'TO';
      return {
        database: null,
        phase: statement.phase,
        rank: statement.rank,
        sql: `${statement.verb} ${ident(role)} ${preposition} ${members.join(', ')}${statement.tail}`,
        uses: statement.uses,
        changes: all.map((change) => change.index),
        named: 0,
        moves: all.map(({ before, after }) => ({ before, after })),
      };
    }),
  );
};

const statementsOf = (scope: Scope, { before, after }: Indexed<'membership'>): Statement[] => {
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

const olderStatements = (before: Membership | null, after: Membership | null, phase: Draft['phase']): Statement[] => {
  if (!after) return [{ verb: 'REVOKE', tail: '', uses: [], phase, rank: 1 }];
  if (before?.admin && !after.admin) return [{ verb: 'REVOKE ADMIN OPTION FOR', tail: '', uses: [], phase, rank: 1 }];
  return [{ verb: 'GRANT', tail: after.admin ? ' WITH ADMIN OPTION' : '', uses: [], phase, rank: 0 }];
};
