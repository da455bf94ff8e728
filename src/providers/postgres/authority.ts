import type { Membership } from '../../model/state.ts';
import type { Reality } from '../provider.ts';

export const PER_GRANTOR_MEMBERSHIPS = 160000;
const DATABASE_OWNER = 'pg_database_owner';

/**
 * How the login can act as another role: it is that role; it inherits its rights and acts as it by itself;
 * it may SET ROLE; it may grant itself the role for one transaction; or it cannot (`reason`).
 */
export type Reach =
  | { readonly how: 'self' | 'superuser' | 'inherit' | 'set' | 'borrow' }
  | { readonly how: 'none'; readonly reason: string };

/** What the login may do (`coming` roles are those that it will have created), computed from the memberships that were read. */
export type Authority = {
  readonly login: string;
  readonly superuser: boolean;
  /** How to run a statement as `role`; a role that only the database's owner can be is asked as that owner. */
  readonly reach: (role: string) => Reach;
  /** Whether the login may grant membership in `role`, and who the server will record as the grantor. */
  readonly admin: (role: string) => { readonly grantor: string } | null;
  /** Whether the login may alter or comment on the role. */
  readonly alter: (role: string) => boolean;
  readonly inherits: (member: string, role: string) => boolean;
  /** Whether the member itself holds ADMIN on the role. */
  readonly administers: (member: string, role: string) => boolean;
};

/** The role that must be acted as to use the rights of `owner` in a database. */
export const actor = (owner: string, databaseOwner: string): string => (owner === DATABASE_OWNER ? databaseOwner : owner);

export const authorityOf = (
  reality: Reality,
  server: { readonly login: string; readonly version: number; readonly bootstrap: string },
  coming: ReadonlySet<string>,
): Authority => {
  const { login, version, bootstrap } = server;
  const perGrantor = version >= PER_GRANTOR_MEMBERSHIPS;
  const me = reality.roles.get(login);
  const superuser = me?.superuser ?? false;
  const edges = edgesByMember(reality.memberships);
  const admins = adminsByRole(reality.memberships);
  const inherited = closure(edges, login, (edge) => edge.inherit);
  const settable = closure(edges, login, (edge) => !perGrantor || edge.set);
  const member = closure(edges, login, () => true);
  const reaches = new Map<string, Reach>();
  const inheritances = new Map<string, ReadonlySet<string>>();

  const admin: Authority['admin'] = (role) => {
    if (superuser) return { grantor: perGrantor ? bootstrap : login };
    if (coming.has(role)) return { grantor: login };
    if (reality.roles.get(role)?.superuser) return null;
    if (!perGrantor) return me?.createrole || adminOf(member, admins.get(role)) ? { grantor: login } : null;
    const grantor = adminOf(inherited, admins.get(role));
    return grantor ? { grantor } : null;
  };

  const compute = (role: string): Reach => {
    if (role === login) return { how: 'self' };
    if (superuser) return { how: 'superuser' };
    if (coming.has(role)) return { how: 'borrow' };
    if (!reality.roles.has(role)) return { how: 'none', reason: `role '${role}' does not exist` };
    if (settable.has(role)) return { how: 'set' };
    if (inherited.has(role)) return { how: 'inherit' };
    if (reality.roles.get(role)?.superuser) return { how: 'none', reason: `'${role}' is a superuser, which '${login}' cannot act as` };
    if (closure(edges, role, () => true).has(login))
      return { how: 'none', reason: `'${role}' is itself a member of '${login}', so '${login}' cannot become it` };
    if (admin(role)) return { how: 'borrow' };
    return { how: 'none', reason: `'${login}' has no ADMIN option on role '${role}'` };
  };

  return {
    login,
    superuser,
    admin,
    reach: (role) => {
      const known = reaches.get(role);
      if (known) return known;
      const found = compute(role);
      reaches.set(role, found);
      return found;
    },
    alter: (role) => {
      if (superuser || coming.has(role)) return true;
      if (reality.roles.get(role)?.superuser) return false;
      return perGrantor ? (me?.createrole ?? false) && admin(role) !== null : (me?.createrole ?? false);
    },
    inherits: (from, role) => {
      if (from === role) return true;
      const reached = inheritances.get(from) ?? closure(edges, from, (edge) => edge.inherit);
      inheritances.set(from, reached);
      return reached.has(role);
    },
    administers: (from, role) => admins.get(role)?.has(from) ?? false,
  };
};

const edgesByMember = (memberships: readonly Membership[]): ReadonlyMap<string, readonly Membership[]> => {
  const edges = new Map<string, Membership[]>();
  for (const edge of memberships) {
    const list = edges.get(edge.member);
    if (list) list.push(edge);
    else edges.set(edge.member, [edge]);
  }
  return edges;
};

/** Who holds ADMIN on each role. A login that made ten thousand roles holds it on all of them. */
const adminsByRole = (memberships: readonly Membership[]): ReadonlyMap<string, ReadonlySet<string>> => {
  const admins = new Map<string, Set<string>>();
  for (const { role, member, admin } of memberships) {
    if (!admin) continue;
    const holders = admins.get(role);
    if (holders) holders.add(member);
    else admins.set(role, new Set([member]));
  }
  return admins;
};

/** The roles reached from `start` over the edges that count, itself included. */
const closure = (
  edges: ReadonlyMap<string, readonly Membership[]>,
  start: string,
  counts: (edge: Membership) => boolean,
): ReadonlySet<string> => {
  const reached = new Set([start]);
  for (const member of reached) for (const edge of edges.get(member) ?? []) if (counts(edge)) reached.add(edge.role);
  return reached;
};

/** Who of `members` holds ADMIN on the role; the login itself, being first, is preferred as the server does. */
const adminOf = (members: ReadonlySet<string>, admins: ReadonlySet<string> | undefined): string | null => {
  if (admins) for (const member of members) if (admins.has(member)) return member;
  return null;
};
