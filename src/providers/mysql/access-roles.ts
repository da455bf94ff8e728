import type { Server } from './snapshot.ts';

/** Who is in which role, with or without ADMIN, and which roles are default ones. */
export type Roles = {
  readonly server: Pick<Server, 'flavour' | 'activateAllRoles' | 'mandatoryRoles' | 'activateMandatoryRoles'>;
  /** member → role → ADMIN */
  readonly edges: ReadonlyMap<string, ReadonlyMap<string, boolean>>;
  /** member → roles; some need not exist, or not be granted any more */
  readonly defaults: ReadonlyMap<string, ReadonlySet<string>>;
};

/** Roles that are active, each with the way to it: the roles from the first to itself. */
export type Paths = ReadonlyMap<string, readonly string[]>;

/**
 * Roles that a login has without doing anything: its default ones (or all of them), and what those are in. `neighbours`: accounts of
 * the same user with wider hosts; on MariaDB a default role is active when it is granted to one of them, too.
 */
export const activeRoles = (roles: Roles, account: string, neighbours: readonly string[]): Paths =>
  closure(roles, startOf(roles, account, neighbours));

/** Roles of a role: what is granted to a role is always active in it. */
export const nestedRoles = (roles: Roles, role: string): Paths => closure(roles, [...(roles.edges.get(role)?.keys() ?? [])]);

const NONE: ReadonlySet<string> = new Set();

const startOf = ({ server, edges, defaults }: Roles, account: string, neighbours: readonly string[]): readonly string[] => {
  const granted = edges.get(account);
  if (server.activateAllRoles) return [...(granted?.keys() ?? []), ...server.mandatoryRoles];
  const others = server.flavour === 'mariadb' ? neighbours : [];
  const standard = [...(defaults.get(account) ?? NONE)].filter(
    (role) => granted?.has(role) || server.mandatoryRoles.includes(role) || others.some((name) => edges.get(name)?.has(role)),
  );
  return server.activateMandatoryRoles ? [...standard, ...server.mandatoryRoles] : standard;
};

/** Breadth first: the shortest way counts. */
const closure = ({ edges }: Roles, start: readonly string[]): Paths => {
  const found = new Map<string, readonly string[]>();
  for (const role of start) if (!found.has(role)) found.set(role, [role]);
  for (const [role, path] of found) {
    for (const above of edges.get(role)?.keys() ?? []) if (!found.has(above)) found.set(above, [...path, above]);
  }
  return found;
};

/** Roles that SET ROLE can make active: those granted (or mandatory), and what they are in. */
export const settableRoles = (roles: Roles, account: string): Paths =>
  closure(roles, [...(roles.edges.get(account)?.keys() ?? []), ...(roles.server.flavour === 'mysql' ? roles.server.mandatoryRoles : [])]);

/** Roles that an account may grant to others: with ADMIN itself, or by an active role that has it. */
export const administeredRoles = ({ edges }: Roles, account: string, active: Paths): Paths => {
  const found = new Map<string, readonly string[]>();
  const holders: (readonly [string, readonly string[]])[] = [[account, []], ...active];
  for (const [holder, path] of holders) {
    for (const [role, admin] of edges.get(holder) ?? []) if (admin && !found.has(role)) found.set(role, [...path, role]);
  }
  return found;
};
