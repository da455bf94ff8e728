import type { Mark, Membership, Role } from '../../model/state.ts';
import type { Reality } from '../provider.ts';
import { once } from './account-rows.ts';
import { isReserved } from './catalog.ts';
import type { Snapshot, SnapshotAccount } from './snapshot.ts';

/**
 * Accounts and memberships in normal form, under the names that they will have. Objects have no owners and no ACLs here: grants are
 * compared row by row, and effective access is computed from the rows (access.ts).
 */
export const realityOf = (snapshot: Snapshot, rename: (name: string) => string): Reality => {
  const superusers = new Set(
    snapshot.grants.flatMap(({ account, level, privileges }) =>
      level === 'global' && privileges.some((privilege) => /^(SUPER|SYSTEM_USER)\*?$/.test(privilege)) ? [account] : [],
    ),
  );
  const markOf = once(parseMark);
  const roles = new Map<string, Role & { readonly oid: number }>();
  for (const account of snapshot.accounts) {
    const role = roleOf(account, rename(account.name), superusers.has(account.name), account.mark === null ? null : markOf(account.mark));
    roles.set(role.name, role);
  }
  const others = snapshot.others === undefined ? {} : { others: snapshot.others };
  return { roles, ...others, memberships: membershipsOf(snapshot, rename), objects: [] };
};

/** Accounts have no lasting number: it only tells those of the server from the others. */
const oidOf = ({ user, host }: SnapshotAccount): number =>
  isReserved(user) || (user === 'root' && ['localhost', '127.0.0.1', '::1'].includes(host)) ? 1 : 16384;

/** Written out, since there may be ten thousand of them. */
const roleOf = (account: SnapshotAccount, name: string, superuser: boolean, mark: Mark | null): Role & { readonly oid: number } => {
  const role = {
    name,
    login: account.kind === 'user' && !account.locked,
    inherit: true,
    createdb: false,
    createrole: false,
    superuser,
    replication: false,
    bypassrls: false,
    connectionLimit: account.connectionLimit === 0 ? -1 : account.connectionLimit,
    validUntil: null,
    description: account.comment ?? '',
    mark,
    oid: oidOf(account),
  };
  return account.kind === 'user' ? { ...role, options: account.options } : role;
};

/** Our attribute, a JSON object; other people write attributes too: what is not ours is none. */
export const parseMark = (text: string | null): Mark | null => {
  if (text === null) return null;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  const { stack, pw, locked, reason, wasClosed } = (value ?? {}) as Record<string, unknown>;
  if (typeof stack !== 'string' || stack === '') return null;
  return {
    stack,
    ...(typeof pw === 'number' && Number.isSafeInteger(pw) && pw >= 0 ? { pw } : {}),
    ...(typeof locked === 'string' && locked !== ''
      ? {
          locked,
          ...(typeof reason === 'string' && reason !== '' ? { reason } : {}),
          ...(wasClosed === true ? { wasClosed: true as const } : {}),
        }
      : {}),
  };
};

/** `inherit`: active from login on. What is granted to a role always is. */
const membershipsOf = ({ accounts, edges, defaultRoles, server }: Snapshot, rename: (name: string) => string): Membership[] => {
  // No name holds a NUL.
  const defaults = new Set(defaultRoles.map(({ member, role }) => `${member}\0${role}`));
  const roles = new Set(accounts.flatMap(({ name, kind }) => (kind === 'role' ? [name] : [])));
  return edges.map(({ role, member, admin }) => ({
    role: rename(role),
    member: rename(member),
    grantor: '',
    admin,
    inherit: server.activateAllRoles || roles.has(member) || defaults.has(`${member}\0${role}`),
    set: true,
  }));
};
