import { accountName, parseAccount } from '../model/account.ts';
import type { Account, DeclaredRole } from '../model/declared.ts';
import { distinct } from '../model/key.ts';
import type { TargetEntry } from './content.ts';
import { optionsOf } from './options.ts';
import { type Context, type View, viewsOn } from './view.ts';

/** Whether roles are accounts there: a name and a host. */
export const hasAccounts = ({ engine }: Pick<TargetEntry, 'engine'>): boolean => engine !== 'postgres';

/** Hosts as the server keeps them. */
export const hostsOf = (hosts: readonly string[] | undefined): readonly string[] =>
  hosts === undefined ? ANY : distinct(hosts.map((host) => host.toLowerCase()));
const ANY: readonly string[] = ['%'];

/** The accounts of a user, one for each host; a group is one role. */
const accountsOf = (view: View, { entry }: Context): readonly Account[] =>
  view.kind === 'user'
    ? hostsOf(view.entry.hosts).map((host) => ({ user: view.name, host }))
    : [{ user: view.name, host: entry.engine === 'mariadb' ? '' : '%' }];

/** The names that a user or group has in plans of the target. */
export const accountNames = (view: View, context: Context): readonly string[] => accountsOf(view, context).map(accountName);

/** The name in a plan of a role that an entry refers to: a group, or one that lives on the server. */
export const referredName = (name: string, { entry, content }: Context): string => {
  if (!hasAccounts(entry)) return name;
  if (content.groups?.[name] !== undefined) return accountName({ user: name, host: entry.engine === 'mariadb' ? '' : '%' });
  return accountName(parseAccount(name));
};

/** The accounts that a text stands for: all of a declared user's, or the one that it is. */
export const referredAccounts = (name: string, context: Context): readonly string[] => {
  const view = viewsOn(context.content, context.target, ['users']).find((one) => one.name === name);
  return view === undefined ? [referredName(name, context)] : accountNames(view, context);
};

/** Every account that users and groups have on the target. */
export const accountsOn = (context: Context): readonly string[] =>
  viewsOn(context.content, context.target).flatMap((view) => accountNames(view, context));

/** The role once for each of its accounts, without the attributes that only PostgreSQL has. */
export const accountRoles = (role: DeclaredRole, view: View, context: Context): readonly DeclaredRole[] =>
  accountsOf(view, context).map((account) => ({
    ...role,
    name: accountName(account),
    account,
    ...(view.kind === 'user' ? { options: optionsOf(view, context) } : {}),
    inherit: true,
    createdb: false,
    createrole: false,
    validUntil: null,
    ...(role.renamedFrom === undefined ? {} : { renamedFrom: accountName({ ...account, user: role.renamedFrom }) }),
  }));

/** What is said of a user or group under its own name, once for each of its accounts. */
export const forAccounts = <T>(values: readonly T[], view: View, context: Context, named: (value: T, name: string) => T): readonly T[] =>
  hasAccounts(context.entry) && values.length > 0
    ? accountNames(view, context).flatMap((name) => (name === view.name ? values : values.map((value) => named(value, name))))
    : values;
