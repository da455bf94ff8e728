import type { Account } from './declared.ts';

/**
 * An account of MySQL or MariaDB as one text, which every grantee, member and role of a plan is: `app` for 'app'@'%' (and for the
 * role app of MariaDB), `app@10.%` for another host; a name with an @ in it, or none at all, always has its host: `jane@example.com@%`.
 */
export const accountName = ({ user, host }: Account): string =>
  (host === '%' || host === '') && user !== '' && !user.includes('@') ? user : `${user}@${host}`;

/** The account that a text stands for: no host can hold an @. */
export const parseAccount = (name: string): Account => {
  const at = name.lastIndexOf('@');
  return at < 0 ? { user: name, host: '%' } : { user: name.slice(0, at), host: name.slice(at + 1).toLowerCase() };
};
