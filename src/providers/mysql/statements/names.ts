import { parseAccount } from '../../../core/account.ts';
import type { Account } from '../../../model/declared.ts';
import type { Scope } from '../scope.ts';
import { accountSql, literal } from '../sql.ts';

/** An account of the plan as statements name it, by the name that it will have. */
export const nameSql = (scope: Scope, name: string): string => {
  const known = scope.declared.roles.get(name)?.account ?? scope.accounts.get(name);
  if (known && !scope.renamed.has(name)) return sqlIn(scope, known);
  const account = parseAccount(name);
  return sqlIn(scope, known?.host === '' ? { ...account, host: '' } : account);
};

/** The same by the name that it has until it gets another one. */
export const oldNameSql = (scope: Scope, name: string): string => {
  const account = scope.accounts.get(name);
  return account ? sqlIn(scope, account) : nameSql(scope, name);
};

/** An empty host is a role on MariaDB, and a host on MySQL, where no host at all is '%'. */
const sqlIn = ({ server }: Scope, account: Account): string =>
  server.flavour === 'mysql' && account.host === '' ? `${literal(account.user)}@''` : accountSql(account);

/** A role: of MariaDB one without a host, of MySQL an account that is made as one. */
export const isRole = (scope: Scope, name: string): boolean =>
  scope.declared.roles.get(name)?.kind === 'group' || scope.accounts.get(name)?.kind === 'role';
