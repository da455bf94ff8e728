import { type Grantee, isPublic, type ObjectKind, type OwnedObjects, type Privileges } from '../model/access.ts';
import { byCodeUnit } from '../model/key.ts';
import { PRIVILEGES } from '../model/privilege.ts';
import type { Reality } from '../model/reality.ts';
import { type Closure, createMemberships, type Memberships } from './closure.ts';
import { createPlaces, type Places } from './places.ts';
import { grantable, wordOf } from './privileges.ts';

/** One state, indexed to answer who can do what. */
export type Access = {
  readonly reality: Reality;
  readonly memberships: Memberships;
  readonly places: Places;
  /** Owners of the databases. */
  readonly databases: ReadonlyMap<string, string>;
  /** What the ACLs of a row say, by holder. */
  readonly claims: (row: OwnedObjects) => Claims;
  /** The privileges of a kind that this server knows. */
  readonly words: (kind: ObjectKind) => readonly string[];
  /** Who holds what is given to `role` on objects of this row: the database's owner for pg_database_owner. */
  readonly holderOf: (role: string, row: Pick<OwnedObjects, 'kind' | 'database' | 'owner'>) => string;
};

/** Words, and words with `*` for their grant option, held by one role on the objects of a row. `tail` ends the path to it. */
export type Claim = { readonly atoms: ReadonlySet<string>; readonly tail: readonly string[] };
/** By holder. For columns the privileges on their table are counted in. */
export type Claims = {
  readonly byRole: ReadonlyMap<string, readonly Claim[]>;
  readonly open: ReadonlySet<string>;
  readonly owner: string;
  readonly ownerTail: readonly string[];
};

/** Somebody who asks: nobody in particular is `{ closure: empty, superuser: false }`. */
export type Asker = { readonly closure: Closure; readonly superuser: boolean };

/**
 * What somebody holds on the objects of a row, atom by atom with the path: `plain` by ACLs that name a role,
 * `open` by PUBLIC, `sweeping` by what no ACL shows (predefined roles, superuser), `owns` by ownership.
 */
export type Holding = {
  readonly plain: ReadonlyMap<string, readonly string[]>;
  readonly open: ReadonlySet<string>;
  readonly sweeping: ReadonlyMap<string, readonly string[]>;
  readonly owns: readonly string[] | null;
};

/** Everything that a role can do on the objects of a row. */
export type Effective = {
  /** Held; `*` where it may also be granted on. */
  readonly privileges: Privileges;
  /** What may be granted to others: an owner may grant what it took from itself. */
  readonly grantable: readonly string[];
  /** How each word is held: ['direct'], ['PUBLIC'], ['owner'], ['superuser'], or the groups to the holder. */
  readonly via: ReadonlyMap<string, readonly string[]>;
};

/** Indexes a state. Costs one pass over memberships and rows; names of objects are not looked at. */
export const createAccess = (reality: Reality): Access => {
  const places = createPlaces(reality.objects);
  const databases = databaseOwners(reality.objects);
  const maintains = reality.roles.has('pg_maintain');
  const vocabulary = new Map(
    (Object.keys(PRIVILEGES) as ObjectKind[]).map((kind) => [
      kind,
      PRIVILEGES[kind].map(({ word }) => word).filter((word) => maintains || word !== 'MAINTAIN'),
    ]),
  );
  const known = new WeakMap<OwnedObjects, Claims>();
  const holderOf: Access['holderOf'] = (role, row) => {
    if (role !== DATABASE_OWNER || !reality.roles.has(DATABASE_OWNER)) return role;
    const owner = row.kind === 'database' ? row.owner : databases.get(row.database ?? '');
    return owner !== undefined && passesOn(reality, owner) ? owner : role;
  };
  const access: Access = {
    reality,
    memberships: createMemberships(reality),
    places,
    databases,
    words: (kind) => vocabulary.get(kind) ?? [],
    holderOf,
    claims: (row) => {
      let claims = known.get(row);
      if (!claims) {
        claims = claimsOf(access, row);
        known.set(row, claims);
      }
      return claims;
    },
  };
  return access;
};

/** A role as somebody who asks; PUBLIC and roles that are not there hold what everybody holds. */
export const askerOf = (access: Access, grantee: Grantee): Asker =>
  isPublic(grantee)
    ? { closure: new Map(), superuser: false }
    : { closure: access.memberships.inherited(grantee), superuser: access.reality.roles.get(grantee)?.superuser ?? false };

/** Can do what, by which path: as `has_*_privilege` answers, for every object of the row. */
export const effectivePrivileges = (access: Access, grantee: Grantee, row: OwnedObjects): Effective => {
  const { plain, open, sweeping, owns } = holdingOf(access, askerOf(access, grantee), row);
  const words = access.words(row.kind);
  const holds = (atom: string): boolean => plain.has(atom) || open.has(atom) || sweeping.has(atom);
  const mayGrant = words.filter((word) => owns !== null || holds(`${word}*`)).sort(byCodeUnit);
  const held = words.filter(holds);
  return {
    privileges: held.map((word) => (mayGrant.includes(word) ? `${word}*` : word)).sort(byCodeUnit),
    grantable: mayGrant,
    via: new Map(held.map((word) => [word, plain.get(word) ?? (open.has(word) ? ['PUBLIC'] : (sweeping.get(word) ?? []))])),
  };
};

/** What an asker holds on the objects of a row, with every source kept apart. */
export const holdingOf = (access: Access, asker: Asker, row: OwnedObjects): Holding => {
  const claims = access.claims(row);
  const plain = new Map<string, readonly string[]>();
  for (const [role, list] of claims.byRole) {
    const path = asker.closure.get(role);
    if (path) for (const claim of list) addClaim(plain, claim, path);
  }
  const toOwner = asker.closure.get(claims.owner);
  const owns = toOwner ? [...toOwner, ...claims.ownerTail, 'owner'] : null;
  return { plain, open: claims.open, sweeping: sweepingOf(access, asker, row), owns: owns ?? (asker.superuser ? ['superuser'] : null) };
};

const addClaim = (held: Map<string, readonly string[]>, { atoms, tail }: Claim, path: readonly string[]): void => {
  const whole = [...path, ...tail];
  const via = whole.length === 0 ? ['direct'] : whole;
  for (const atom of atoms) {
    const known = held.get(atom);
    if (!known || comparePaths(via, known) < 0) held.set(atom, via);
  }
};

/** Shorter first; "direct" before any other of one step. */
const comparePaths = (a: readonly string[], b: readonly string[]): number => {
  const steps = (path: readonly string[]) => (path[0] === 'direct' ? 0 : path.length);
  return steps(a) - steps(b) || byCodeUnit(a.join('\0'), b.join('\0'));
};

/** What predefined roles give everywhere (PostgreSQL 18 manual, section 21.5). No ACL shows it. */
const SWEEPING: Readonly<Partial<Record<ObjectKind, Readonly<Record<string, readonly string[]>>>>> = {
  schema: { pg_read_all_data: ['USAGE'], pg_write_all_data: ['USAGE'] },
  table: { pg_read_all_data: ['SELECT'], pg_write_all_data: ['INSERT', 'UPDATE', 'DELETE'], pg_maintain: ['MAINTAIN'] },
  column: { pg_read_all_data: ['SELECT'], pg_write_all_data: ['INSERT', 'UPDATE'] },
  sequence: { pg_read_all_data: ['SELECT'], pg_write_all_data: ['UPDATE'] },
};

/** Predefined roles and the superuser attribute reach whole databases: they are told as such, not object by object. */
export const SWEEPING_ROLES: readonly string[] = ['pg_maintain', 'pg_read_all_data', 'pg_write_all_data'];

const sweepingOf = (access: Access, asker: Asker, row: OwnedObjects): ReadonlyMap<string, readonly string[]> => {
  const held = new Map<string, readonly string[]>();
  if (asker.superuser) {
    for (const word of access.words(row.kind)) held.set(word, ['superuser']).set(`${word}*`, ['superuser']);
    return held;
  }
  for (const [role, words] of Object.entries(SWEEPING[row.kind] ?? {})) {
    const path = asker.closure.get(role);
    // a system catalog is written by superusers only, whatever its ACL says
    if (!path || (role === 'pg_write_all_data' && row.kind !== 'schema' && row.schema === 'pg_catalog')) continue;
    for (const word of words) if (!held.has(word)) held.set(word, path.length === 0 ? ['direct'] : path);
  }
  return held;
};

/**
 * The one member of pg_database_owner is whoever owns the database one is connected to; nobody can be granted it.
 * On tablespaces and parameters, which have no database, it stands for nobody.
 */
const DATABASE_OWNER = 'pg_database_owner';

const databaseOwners = (objects: readonly OwnedObjects[]): ReadonlyMap<string, string> =>
  new Map(objects.filter(({ kind }) => kind === 'database').flatMap(({ names, owner }) => names.map((name) => [name, owner] as const)));

/** Before 16 an owner with NOINHERIT does not use even this membership; 16 brought pg_create_subscription. */
const passesOn = ({ roles }: Reality, owner: string): boolean => roles.has('pg_create_subscription') || roles.get(owner)?.inherit !== false;

const claimsOf = (access: Access, row: OwnedObjects): Claims => {
  const byRole = new Map<string, Claim[]>();
  const open = new Set<string>();
  for (const source of [row, ...tablesOf(access.places, row)]) {
    for (const { grantee, privileges } of source.acl) {
      const atoms = atomsOf(
        source === row ? privileges : privileges.filter((privilege) => access.words('column').includes(wordOf(privilege))),
      );
      if (isPublic(grantee)) for (const atom of atoms) open.add(atom);
      else addTo(byRole, access.holderOf(grantee, row), { atoms, tail: tailOf(access, grantee, row) });
    }
  }
  return { byRole, open, owner: access.holderOf(row.owner, row), ownerTail: stepTo(access, row.owner, row) };
};

const addTo = (byRole: Map<string, Claim[]>, role: string, claim: Claim): void => {
  const list = byRole.get(role);
  if (list) list.push(claim);
  else byRole.set(role, [claim]);
};

const stepTo = (access: Access, role: string, row: OwnedObjects): readonly string[] => (access.holderOf(role, row) === role ? [] : [role]);
const tailOf = (access: Access, grantee: string, row: OwnedObjects): readonly string[] =>
  grantee === row.owner ? [...stepTo(access, grantee, row), 'owner'] : stepTo(access, grantee, row);

/** The row that holds the table of these columns; nothing for other kinds. */
export const tablesOf = (places: Places, row: OwnedObjects): readonly OwnedObjects[] => {
  const { kind, database, schema, relation } = row;
  if (kind !== 'column' || relation === undefined) return [];
  return places.locate({ kind: 'table', database, schema, names: [relation] }).portions.map((portion) => portion.row);
};

/** `SELECT*` is SELECT and its grant option. */
export const atomsOf = (privileges: Privileges): ReadonlySet<string> =>
  new Set(privileges.flatMap((privilege) => (grantable(privilege) ? [wordOf(privilege), privilege] : [privilege])));
