import { parseAccount } from '../../model/account.ts';
import type { DeclaredRemoval } from '../../model/declared.ts';
import { distinct } from '../../model/key.ts';
import type { Comparison, Scope } from './scope.ts';
import type { SnapshotAccount } from './snapshot.ts';

/** A written '%' means the user, also where a role of MariaDB has its name: such a user is known by its host. */
export const withHosts = (removed: readonly DeclaredRemoval[], accounts: readonly SnapshotAccount[]): readonly DeclaredRemoval[] => {
  const names = new Set(accounts.map(({ name }) => name));
  return removed.map((removal) =>
    !removal.hostAssumed && names.has(removal.name) && names.has(`${removal.name}@%`) ? { ...removal, name: `${removal.name}@%` } : removal,
  );
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
    // Without a host nothing else can be meant where there is a role of the name.
    if (snapshot.accounts.some((one) => one.name === name && one.kind === 'role')) {
      compare.report({
        severity: 'warning',
        code: 'account/removed-host',
        message: `'${user}' under removed is the role '${user}' alone, and the server has users of that name, ${rest}: ${stay(others)}`,
        hint: `to have them ${action === 'drop' ? 'dropped' : 'forgotten'} instead of the role: hosts: [${hosts.map((host) => JSON.stringify(host)).join(', ')}]`,
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
