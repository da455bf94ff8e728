import { byCodeUnit } from '../model/key.ts';
import type { Reality } from '../model/reality.ts';
import type { Membership } from '../model/state.ts';

/** Roles that are reached, each with the shortest path to it: the groups from the first to the role itself; [] for oneself. */
export type Closure = ReadonlyMap<string, readonly string[]>;

/** Who is in what, by every meaning of "in" (pg_has_role's words). A role that is not there reaches nothing. */
export type Memberships = {
  /** USAGE: roles whose privileges are held without doing anything. */
  readonly inherited: (role: string) => Closure;
  /** MEMBER: roles reached by any path, whatever its options. */
  readonly reached: (role: string) => Closure;
  /** SET: roles that SET ROLE can become. */
  readonly settable: (role: string) => Closure;
  /** Roles that it may grant to others, itself or by what it inherits. */
  readonly administered: (role: string) => Closure;
  /** The given roles and everything below them: whoever may be concerned when they change. */
  readonly concerned: (roles: Iterable<string>) => ReadonlySet<string>;
};

type Edges = ReadonlyMap<string, readonly string[]>;

/** Indexes memberships. Several rows of one pair (by several grantors) count as their union. */
export const createMemberships = ({ roles, memberships }: Pick<Reality, 'roles' | 'memberships'>): Memberships => {
  const known = memberships.filter(({ role, member }) => roles.has(role) && roles.has(member));
  const walker = (rows: readonly Membership[]): ((role: string) => Closure) => {
    const along = edges(rows.map(({ member, role }) => [member, role] as const));
    return memoized((role) => (roles.has(role) ? walk(along, role) : NOTHING));
  };
  const inherited = walker(known.filter(({ inherit }) => inherit));
  // most often every membership is of every kind
  const lazily = (rows: readonly Membership[]): ((role: string) => Closure) => {
    if (rows.length === known.length && known.every(({ inherit }) => inherit)) return inherited;
    let walkOnce: ((role: string) => Closure) | undefined;
    return (role) => {
      walkOnce ??= walker(rows);
      return walkOnce(role);
    };
  };
  const admins = edges(known.filter(({ admin }) => admin).map(({ member, role }) => [member, role] as const));
  let downwards: Edges | undefined;
  return {
    inherited,
    reached: lazily(known),
    settable: lazily(known.filter(({ set }) => set)),
    administered: (role) => (admins.size === 0 ? NOTHING : administered(inherited(role), admins)),
    concerned: (start) => {
      downwards ??= edges(known.map(({ member, role }) => [role, member] as const));
      return below(downwards, start);
    },
  };
};

const NOTHING: Closure = new Map();

const edges = (rows: readonly (readonly [from: string, to: string])[]): Edges => {
  const sets = new Map<string, Set<string>>();
  for (const [from, to] of rows) {
    const set = sets.get(from);
    if (set) set.add(to);
    else sets.set(from, new Set([to]));
  }
  return new Map([...sets].map(([from, set]) => [from, [...set].sort(byCodeUnit)] as const));
};

const memoized = <T>(compute: (role: string) => T): ((role: string) => T) => {
  const known = new Map<string, T>();
  return (role) => {
    let value = known.get(role);
    if (value === undefined) {
      value = compute(role);
      known.set(role, value);
    }
    return value;
  };
};

/** Breadth first over sorted edges: the shortest path, the first by code unit among equals. */
const walk = (along: Edges, start: string): Closure => {
  const paths = new Map<string, readonly string[]>([[start, []]]);
  for (const [role, path] of paths) {
    for (const next of along.get(role) ?? []) if (!paths.has(next)) paths.set(next, [...path, next]);
  }
  return paths;
};

const administered = (inherited: Closure, admins: Edges): Closure => {
  const paths = new Map<string, readonly string[]>();
  for (const [role, path] of inherited) {
    for (const next of admins.get(role) ?? []) if (!paths.has(next)) paths.set(next, [...path, next]);
  }
  return paths;
};

const below = (downwards: Edges, start: Iterable<string>): Set<string> => {
  const found = new Set(start);
  for (const role of found) for (const member of downwards.get(role) ?? []) found.add(member);
  return found;
};
