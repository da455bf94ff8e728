import type { Change } from '../../../model/change.ts';
import type { Declared } from '../../../model/declared.ts';
import { byCodeUnit } from '../../../model/key.ts';
import type { Step, Transaction } from '../../../model/plan.ts';
import type { Kind } from '../../../model/state.ts';
import type { Statements } from '../../provider.ts';
import { objectOf } from '../access-effective.ts';
import { type Scope, scopeOf } from '../scope.ts';
import type { Snapshot } from '../snapshot.ts';
import type { Draft, Indexed } from './draft.ts';
import { grantDrafts } from './grants.ts';
import { membershipDrafts } from './memberships.ts';
import { inOrder } from './order.ts';
import { passwordDrafts, roleDrafts } from './roles.ts';
import { sessionDrafts } from './sessions.ts';

/** The statements that make the changes, each its own commit; blocked changes have none. */
export const statements = (changes: readonly Change[], snapshot: Snapshot, declared: Declared): Statements => {
  const scope = scopeOf(snapshot, declared);
  const { drafts, lapses, moments } = inOrder(scope, draftsOf(scope, changes));
  const lanes = [drafts.filter((draft) => !draft.flips), drafts.filter((draft) => draft.flips)].filter((lane) => lane.length > 0);
  return {
    steps: lanes.flatMap((lane, transaction) => lane.flatMap((draft) => stepsOf(draft, transaction))).map((step, id) => ({ id, ...step })),
    transactions: lanes.map((lane, index) => transactionOf(lane, index)),
    lapses,
    moments: moments.map(({ account, errs, place, words, pattern }) => ({
      ...{ role: account, kind: errs, pattern },
      on: place && objectOf(place),
      privileges: [...words].sort(byCodeUnit),
    })),
  };
};

const draftsOf = (scope: Scope, changes: readonly Change[]): Draft[] => {
  const passwords = runnable(changes, 'password');
  const roles = runnable(changes, 'role');
  const sessions = runnable(changes, 'sessions');
  const byKey = new Map(passwords.map((password) => [password.key, password]));
  const named = new Set(roles.map(({ key }) => key));
  const ended = new Set(sessions.map(({ before }) => before!.role));
  return [
    ...roles.flatMap((role) => roleDrafts(scope, { role, password: byKey.get(role.key) })),
    ...passwords.filter(({ key }) => !named.has(key)).flatMap((password) => passwordDrafts(scope, password)),
    ...sessions.flatMap((change) => sessionDrafts(scope, change, ended)),
    ...grantDrafts(scope, runnable(changes, 'grant')),
    ...membershipDrafts(scope, runnable(changes, 'membership')),
  ];
};

const runnable = <K extends Kind>(changes: readonly Change[], kind: K): Indexed<K>[] =>
  changes.flatMap((change, index) =>
    change.kind === kind && change.blocked === undefined ? [{ ...change, index } as unknown as Indexed<K>] : [],
  );

const stepsOf = ({ phase, sql, secret, changes, next = [] }: Draft, transaction: number): Omit<Step, 'id'>[] =>
  [{ sql, changes, ...(secret === undefined ? {} : { secret }) }, ...next].map((one) => ({ database: '', transaction, phase, ...one }));

/** Logins that exist flip last, and together: a policy that does not open leaves everything else done. */
const transactionOf = (lane: readonly Draft[], index: number): Transaction => ({
  database: '',
  waitsFor: index === 0 ? [] : [index - 1],
  borrows: [],
  autocommit: true,
  ...(lane[0]!.flips ? { stage: 3 as const, awaits: [IAM_TARGET] } : {}),
});

/** The target that is the IAM account. */
const IAM_TARGET = 'iam';
