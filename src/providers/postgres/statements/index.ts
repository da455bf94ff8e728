import type { Change } from '../../../model/change.ts';
import type { Declared } from '../../../model/declared.ts';
import type { Kind } from '../../../model/state.ts';
import type { Statements } from '../../provider.ts';
import { scopeOf } from '../normalize.ts';
import { compareOwnership } from '../ownership.ts';
import type { Scope } from '../scope.ts';
import type { Snapshot } from '../snapshot.ts';
import { defaultDrafts } from './defaults.ts';
import type { Draft, Indexed } from './draft.ts';
import { grantDrafts } from './grants.ts';
import { flipsLogin, leaverDrafts, membershipDrafts } from './memberships.ts';
import { ownershipDrafts } from './ownership.ts';
import { passwordDrafts, roleDrafts, sessionDrafts, settingDrafts } from './roles.ts';
import { arrange, isAtomic } from './transactions.ts';

/** The statements that make the changes, in transactions; blocked changes have none. */
export const statements = (changes: readonly Change[], snapshot: Snapshot, declared: Declared): Statements => {
  const scope = scopeOf(snapshot, declared);
  const after = { ...scope, reality: compareOwnership(scope, { put: () => {}, report: () => {} }) };
  const drafts = localDrafts(scope, after, changes);
  const atomic = isAtomic(drafts, scope.version);
  return arrange(scope, [
    ...drafts,
    ...clusterDrafts(scope, changes, atomic),
    ...(atomic ? [] : leaverDrafts(scope, drafts, runnable(changes, 'role'))),
  ]);
};

const runnable = <K extends Kind>(changes: readonly Change[], kind: K): Indexed<K>[] =>
  changes.flatMap((change, index) =>
    change.kind === kind && change.blocked === undefined ? [{ ...change, index } as unknown as Indexed<K>] : [],
  );

/** What is done in one database or another. */
const localDrafts = (scope: Scope, after: Scope, changes: readonly Change[]): Draft[] => [
  ...ownershipDrafts(scope, runnable(changes, 'ownership'), runnable(changes, 'role')),
  ...grantDrafts(after, runnable(changes, 'grant')),
  ...defaultDrafts(after, runnable(changes, 'default')),
];

/** What is done to the whole server. */
const clusterDrafts = (scope: Scope, changes: readonly Change[], atomic: boolean): Draft[] => {
  const passwords = runnable(changes, 'password');
  const created = new Set(runnable(changes, 'role').flatMap((change) => (change.before === null ? [change.key] : [])));
  const ended = new Set(runnable(changes, 'sessions').map((change) => change.key));
  const flipping = new Set(runnable(changes, 'membership').flatMap((change) => (flipsLogin(scope, change) ? [change.after!.member] : [])));
  return [
    ...runnable(changes, 'role').flatMap((change) =>
      roleDrafts(
        { scope, atomic },
        change,
        passwords.find((password) => created.has(change.key) && password.key === change.key),
        ended.has(change.key),
      ),
    ),
    ...passwords
      .filter((password) => !created.has(password.key))
      .flatMap((password) => passwordDrafts(password, flipping.has(roleOf(password)))),
    ...runnable(changes, 'sessions').flatMap((change) => sessionDrafts(scope, change)),
    ...runnable(changes, 'setting').flatMap(settingDrafts),
    ...membershipDrafts(scope, runnable(changes, 'membership')),
  ];
};

const roleOf = ({ before, after }: Indexed<'password'>): string => (before ?? after)!.role;
