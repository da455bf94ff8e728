import { byCodeUnit } from '../../model/key.ts';
import type { AccountOptions } from '../../model/state.ts';
import { accountsOf, type ReadAccount } from './account-rows.ts';
import type { Connected } from './connect.ts';
import { isIamPlugin } from './flavour.ts';
import { hostOf } from './hosts.ts';
import { readUser, userNames } from './user-accounts.ts';

/** The account that a login from here gets; where none is for here, one of the user's. */
export type Here = {
  /** null: there is no such user. */
  readonly account: ReadAccount | null;
  /** Hosts of all accounts of the user. */
  readonly hosts: readonly string[];
  /** Another user whose name differs in case. */
  readonly like: string | null;
  /** What the user or a login from here lacks to be admitted; null: nothing. */
  readonly lacks: string | null;
};

/** ■ Which account of a user counts, by the host that the server sees this machine as. */
export const accountHere = async (connected: Connected, user: string): Promise<Here> => {
  const accounts = accountsOf(await readUser(connected, user)).filter(({ traits }) => traits.account.kind === 'user');
  const names = await userNames(connected);
  const like = names.filter((name) => name !== user && name.toLowerCase() === user.toLowerCase()).sort(byCodeUnit)[0] ?? null;
  const hosts = accounts.map(({ host }) => host);
  if (accounts.length === 0) return { account: null, hosts, like, lacks: null };
  const [[from] = []] = await connected.ask("SELECT SUBSTRING_INDEX(USER(), '@', -1)");
  const host = hostOf(String(from), hosts);
  const account = accounts.find((one) => one.host === host) ?? accounts[0]!;
  const lacks =
    host === undefined
      ? `an account for '${from}', and has those for ${hosts.map((one) => `'${one}'`).join(', ')}`
      : lacking(account.traits.account.options.require, connected);
  return { account, hosts, like, lacks };
};

/** A connection of the same target has TLS or has none, and never a certificate of its own. */
const lacking = (require: string, { peer }: Connected): string | null => {
  if (require === 'none') return null;
  if (require === 'ssl') return peer.address.tls === 'disable' ? 'TLS (REQUIRE SSL), which the target does without' : null;
  return `a certificate of its own (REQUIRE ${require.toUpperCase().split(' ')[0]}), which nobody has here`;
};

/** The server asks the plugin of RDS about its login. */
export const isByToken = ({ auth, plugin }: Pick<AccountOptions, 'auth' | 'plugin'>): boolean =>
  auth === 'iam' || (plugin !== undefined && isIamPlugin(plugin));
