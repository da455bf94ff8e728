import { parseAccount } from '../../model/account.ts';
import type { DeclaredRemoval } from '../../model/declared.ts';
import { distinct } from '../../model/key.ts';
import type { Comparison, Scope } from './scope.ts';
import type { SnapshotAccount } from './snapshot.ts';

/** A written '%' means the user, also where a role of MariaDB has its name, and when the user is gone: it is known by its host then. */
export const withHosts = (removed: readonly DeclaredRemoval[], accounts: readonly SnapshotAccount[]): readonly DeclaredRemoval[] => {
  if (removed.length === 0) return removed;
  const roles = new Set(accounts.flatMap(({ name, kind, host }) => (kind === 'role' && host === '' ? [name] : [])));
  return removed.map((removal) => (!removal.hostAssumed && roles.has(removal.name) ? { ...removal, name: `${removal.name}@%` } : removal));
};

/** A name under `removed` without hosts is one account: where the server has others of the name, somebody would think them gone. */
export const reportOtherAccounts = ({ declared, snapshot }: Scope, compare: Comparison): void => {
  const removed = new Set(declared.removed.map(({ name }) => name));
  for (const { name, hostAssumed, action, source } of declared.removed) {
    const { user } = parseAccount(name);
    const others = hostAssumed
      ? snapshot.accounts.filter(
          (one) => one.user === user && one.kind === 'user' && !removed.has(one.name) && !declared.roles.has(one.name),
        )
      : [];
    if (others.length === 0) continue;
    const hosts = distinct(others.map(({ host }) => host));
    const rest = hosts.map((host) => `'${user}'@'${host}'`).join(', ');
    // Once such a role is gone its name stands for the user at '%', which a second look would take for it.
    if (snapshot.accounts.some((one) => one.name === name && one.kind === 'role' && one.host === '')) {
      compare.report({
        severity: 'error',
        code: 'account/removed-host',
        message: `'${user}' under removed may be the role or a user: the server has the role '${user}' and ${rest}`,
        hint: `for the user${others.length === 1 ? '' : 's'} write hosts: [${hosts.map((host) => JSON.stringify(host)).join(', ')}]; the role can be removed when no user has its name`,
        source,
      });
      continue;
    }
    compare.report({
      severity: 'error',
      code: 'account/removed-host',
      message: `'${user}' under removed is '${user}'@'%' alone, and the server has ${rest}: ${stay(others)}`,
      hint: `say which shall ${action === 'drop' ? 'go' : 'be forgotten'}: hosts: [${distinct(['%', ...hosts])
        .map((host) => `"${host}"`)
        .join(', ')}], or hosts: ["%"] for that one`,
      source,
    });
  }
};

const stay = (others: readonly unknown[]): string => (others.length === 1 ? 'that one stays' : 'those stay');
