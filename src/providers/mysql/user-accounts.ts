import type { Mark } from '../../model/state.ts';
import { keptOut } from '../login-lock.ts';
import type { LockOrder } from '../provider.ts';
import { accountsOf, type Row, type Tables } from './account-rows.ts';
import { isReserved } from './catalog.ts';
import type { Connected } from './connect.ts';
import { privilegeColumns } from './inspect.ts';
import { grantQueries } from './queries.ts';
import { parseMark } from './reality.ts';

/** One account of a user, as far as a lock is concerned with it. */
export type Found = {
  readonly user: string;
  readonly host: string;
  readonly login: boolean;
  /** A password or a plugin that asks for something; without, whoever unlocks it lets everybody in. */
  readonly guarded: boolean;
  readonly mark: Mark | null;
};

/** Every account of the user, whatever its host; none: there is no such user. Throws for a user that is not to be locked, whoever asks. */
export const findAccounts = async (
  connected: Connected,
  { user, declared: { target } }: Pick<LockOrder, 'user' | 'declared'>,
): Promise<readonly Found[]> => {
  const accounts = accountsOf(await readUser(connected, user));
  const users = accounts.filter(({ traits }) => traits.account.kind === 'user');
  const kept = (await isOwn(connected, user))
    ? "it is Rolecall's own login here"
    : isReserved(user)
      ? 'it is an account of the server or of its provider'
      : user === target.place?.masterUser || (await isMaster(connected, user))
        ? 'it is the master'
        : accounts.some(({ system }) => system)
          ? 'it holds SUPER or SYSTEM_USER'
          : users.length < accounts.length && users.length === 0
            ? 'it is a role, which does not log in'
            : null;
  if (kept !== null) throw keptOut(target, user, kept);
  return users.map(({ host, traits: { account } }) => ({
    user,
    host,
    login: !account.locked,
    guarded: account.options.auth !== 'none',
    mark: parseMark(account.mark),
  }));
};

/** Names of users, for who was meant by one that is not there. */
export const userNames = async ({ ask, flavour }: Connected): Promise<readonly string[]> =>
  (await ask(`SELECT DISTINCT User FROM mysql.${flavour === 'mysql' ? 'user' : 'global_priv'}`)).map(([name]) => String(name));

/** The rows of one user alone: a server with ten thousand others is not waited for. It compares names as if spaces at their ends were none. */
export const readUser = async ({ ask, flavour, version }: Connected, user: string): Promise<Tables> => {
  const columns = await privilegeColumns({ ask, flavour });
  const rows = new Map<string, readonly Row[]>();
  for (const { name, sql } of grantQueries(flavour, columns))
    if (name === 'accounts' || name === 'dynamic')
      rows.set(
        name,
        (await ask(`${sql} WHERE User = ?`, [user])).filter(([of]) => of === user),
      );
  return { flavour, version, columns, rows };
};

const isOwn = async ({ ask }: Connected, user: string): Promise<boolean> => {
  const [names = []] = await ask('SELECT USER(), CURRENT_USER()');
  return names.some((name) => String(name).replace(/@[^@]*$/s, '') === user);
};

/** RDS gives its role to the master alone (MySQL 8.0.36). */
const isMaster = async ({ ask, flavour }: Connected, user: string): Promise<boolean> =>
  flavour === 'mysql' &&
  (await ask("SELECT TO_USER FROM mysql.role_edges WHERE FROM_USER = 'rds_superuser_role' AND TO_USER = ?", [user])).some(
    ([name]) => name === user,
  );
