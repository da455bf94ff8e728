import { parseAccount } from '../../model/account.ts';
import { distinct } from '../../model/key.ts';
import type { Comparison, Scope } from './scope.ts';

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
    compare.report({
      severity: 'error',
      code: 'account/removed-host',
      message: `'${user}' under removed is '${user}'@'%' alone, and the server has ${hosts.map((host) => `'${user}'@'${host}'`).join(', ')}: ${others.length === 1 ? 'that one stays' : 'those stay'}`,
      hint: `say which shall ${action === 'drop' ? 'go' : 'be forgotten'}: hosts: [${distinct(['%', ...hosts])
        .map((host) => `"${host}"`)
        .join(', ')}], or hosts: ["%"] for that one`,
      source,
    });
  }
};
