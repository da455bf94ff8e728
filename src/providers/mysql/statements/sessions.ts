import { parseAccount } from '../../../core/account.ts';
import { groupBy } from '../../../core/group.ts';
import type { Account } from '../../../model/declared.ts';
import type { Scope } from '../scope.ts';
import type { Snapshot, SnapshotAccount } from '../snapshot.ts';
import { literal } from '../sql.ts';
import type { Draft, Indexed } from './draft.ts';

/**
 * Ends the sessions of an account: the statement answers with the statements that end each of them, which `execute` runs, as
 * somebody would who pastes it into a client. A session knows the user's name and where it came from, not its account: of
 * several accounts of one name, the others that stay are told apart by their hosts.
 */
export const sessionDrafts = (scope: Scope, change: Indexed<'sessions'>, ended: ReadonlySet<string>): Draft[] => {
  const name = scope.renamed.get(change.before!.role) ?? change.before!.role;
  const alike = accountsByUser(scope.snapshot).get(parseAccount(name).user) ?? [];
  const account = alike.find((one) => one.name === name) ?? parseAccount(name);
  const others = alike.filter((other) => other.host !== account.host && other.host !== '' && !ended.has(scope.rename(other.name)));
  return [{ phase: 'close', sql: endingSql(scope, account, others), changes: [change.index], rank: 1 }];
};

const known = new WeakMap<Snapshot, ReadonlyMap<string, readonly SnapshotAccount[]>>();
const accountsByUser = (snapshot: Snapshot): ReadonlyMap<string, readonly SnapshotAccount[]> => {
  const found = known.get(snapshot) ?? groupBy(snapshot.accounts, ({ user }) => user);
  known.set(snapshot, found);
  return found;
};

/** Whether a statement answers with statements to run. */
export const isEnding = (sql: string): boolean => sql.startsWith(ENDING);
const ENDING = "SELECT CONCAT('";

const endingSql = ({ server }: Scope, account: Account, others: readonly Account[]): string => {
  const kill = server.rds ? `${ENDING}CALL mysql.rds_kill(', ID, ')')` : `${ENDING}KILL ', ID)`;
  const conditions = [
    // Names of users count in their case, and this column does not.
    `CAST(USER AS BINARY) = ${literal(account.user)}`,
    'ID <> CONNECTION_ID()',
    ...(others.length > 0 ? [fromSql(account.host)] : []),
    ...others.filter(({ host }) => isNarrower(host, account.host)).map(({ host }) => `NOT ${fromSql(host)}`),
  ];
  return `${kill} AS run_this FROM INFORMATION_SCHEMA.PROCESSLIST WHERE ${conditions.join(' AND ')}`;
};

/** HOST is the client's name or address, and a port. */
const FROM = "SUBSTRING_INDEX(HOST, ':', 1)";

const fromSql = (host: string): string => {
  const [network, mask] = host.split('/');
  if (mask === undefined) return `${FROM} LIKE ${literal(host)}`;
  const bits = /^\d+$/.test(mask) ? String(2 ** 32 - 2 ** (32 - Number(mask))) : `INET_ATON(${literal(mask)})`;
  return `COALESCE(INET_ATON(${FROM}) & ${bits} = INET_ATON(${literal(network!)}), FALSE)`;
};

/** A host that wins over another for a client that both cover: one without a wildcard, or with a longer part before it. */
const isNarrower = (host: string, than: string): boolean => fixedLength(host) > fixedLength(than);
const fixedLength = (host: string): number => {
  const at = host.search(/[%_]/);
  return at < 0 ? Number.POSITIVE_INFINITY : at;
};
