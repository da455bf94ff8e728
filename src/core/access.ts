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

/** One holder of an atom (a word, or a word with `*` for its grant option); `tail` ends the path to it. */
export type Holder = { readonly role: string; readonly tail: readonly string[] };
/** Who holds what on the objects of a row by its ACL; for columns the privileges on their table are counted in. */
export type Claims = {
  readonly byAtom: ReadonlyMap<string, readonly Holder[]>;
  readonly byRole: ReadonlyMap<string, ReadonlySet<string>>;
  readonly open: ReadonlySet<string>;
  readonly owner: Holder;
};

/** Somebody who asks: nobody in particular is `{ closure: empty, superuser: false }`. */
export type Asker = { readonly closure: Closure; readonly superuser: boolean };

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
  const asker = askerOf(access, grantee);
  const words = access.words(row.kind);
  const mayGrant = words.filter((word) => isHeld(access.claims(row), asker, row, `${word}*`)).sort(byCodeUnit);
  const via = new Map(
    words.map((word) => [word, pathTo(access, asker, row, word)] as const).filter((held): held is [string, Path] => held[1] !== null),
  );
  return {
    privileges: [...via.keys()].map((word) => (mayGrant.includes(word) ? `${word}*` : word)).sort(byCodeUnit),
    grantable: mayGrant,
    via,
  };
};

type Path = readonly string[];

/** The shortest path to an atom by any source; null when it is not held. An owner's grant options are not among them. */
const pathTo = (access: Access, asker: Asker, row: OwnedObjects, atom: string): Path | null =>
  pathByAcl(access.claims(row), asker, atom) ?? (access.claims(row).open.has(atom) ? ['PUBLIC'] : sweepingPath(asker, row, atom));

/** Is the atom held by any source, ownership included? */
export const isHeld = (claims: Claims, asker: Asker, row: OwnedObjects, atom: string): boolean =>
  isHeldByAcl(claims, asker, atom) ||
  claims.open.has(atom) ||
  (atom.endsWith('*') && isOwner(claims, asker)) ||
  sweepingPath(asker, row, atom) !== null;

/** Is the atom held by an entry of the ACL that names a role? */
export const isHeldByAcl = ({ byAtom }: Claims, { closure }: Asker, atom: string): boolean =>
  byAtom.get(atom)?.some(({ role }) => closure.has(role)) ?? false;

export const isOwner = ({ owner }: Claims, { closure, superuser }: Asker): boolean => superuser || closure.has(owner.role);

/** The path to the owner, where ownership comes by that. */
export const pathToOwner = ({ owner }: Claims, { closure }: Asker): Path | null => {
  const path = closure.get(owner.role);
  return path ? [...path, ...owner.tail] : null;
};

/** The shortest path to an atom by entries of the ACL that name a role, "direct" first, then the first by code unit. */
export const pathByAcl = ({ byAtom }: Claims, { closure }: Asker, atom: string): Path | null => {
  let best: Path | null = null;
  for (const { role, tail } of byAtom.get(atom) ?? []) {
    const path = closure.get(role);
    if (!path || (best && path.length + tail.length > best.length)) continue;
    const whole = [...path, ...tail];
    if (!best || whole.length < best.length || byCodeUnit(whole.join('\0'), best.join('\0')) < 0) best = whole;
  }
  return best?.length === 0 ? ['direct'] : best;
};

/** What predefined roles give everywhere (PostgreSQL 18 manual, section 21.5). No ACL shows it. */
const SWEEPING: Readonly<Partial<Record<ObjectKind, readonly (readonly [role: string, words: readonly string[]])[]>>> = {
  schema: [
    ['pg_read_all_data', ['USAGE']],
    ['pg_write_all_data', ['USAGE']],
  ],
  table: [
    ['pg_read_all_data', ['SELECT']],
    ['pg_write_all_data', ['INSERT', 'UPDATE', 'DELETE']],
    ['pg_maintain', ['MAINTAIN']],
  ],
  column: [
    ['pg_read_all_data', ['SELECT']],
    ['pg_write_all_data', ['INSERT', 'UPDATE']],
  ],
  sequence: [
    ['pg_read_all_data', ['SELECT']],
    ['pg_write_all_data', ['UPDATE']],
  ],
};

/** Predefined roles and the superuser attribute reach whole databases: they are told as such, not object by object. */
export const SWEEPING_ROLES: readonly string[] = ['pg_maintain', 'pg_read_all_data', 'pg_write_all_data'];

const sweepingPath = ({ closure, superuser }: Asker, row: OwnedObjects, atom: string): Path | null => {
  if (superuser) return ['superuser'];
  for (const [role, words] of SWEEPING[row.kind] ?? []) {
    // a system catalog is written by superusers only, whatever its ACL says
    if (role === 'pg_write_all_data' && row.kind !== 'schema' && row.schema === 'pg_catalog') continue;
    const path = words.includes(atom) ? closure.get(role) : undefined;
    if (path) return path.length === 0 ? ['direct'] : path;
  }
  return null;
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
  const byAtom = new Map<string, Holder[]>();
  const byRole = new Map<string, Set<string>>();
  const open = new Set<string>();
  for (const source of [row, ...tablesOf(access.places, row)]) {
    for (const { grantee, privileges } of source.acl) {
      const all = atomsOf(privileges);
      const atoms = source === row ? all : all.filter((atom) => access.words('column').includes(wordOf(atom)));
      if (isPublic(grantee)) for (const atom of atoms) open.add(atom);
      else addClaim(byAtom, byRole, holderFor(access, grantee, row), atoms);
    }
  }
  return { byAtom, byRole, open, owner: holderFor(access, row.owner, row) };
};

const addClaim = (byAtom: Map<string, Holder[]>, byRole: Map<string, Set<string>>, holder: Holder, atoms: readonly string[]): void => {
  const held = byRole.get(holder.role) ?? new Set();
  byRole.set(holder.role, held);
  for (const atom of atoms) {
    held.add(atom);
    const holders = byAtom.get(atom);
    if (holders) holders.push(holder);
    else byAtom.set(atom, [holder]);
  }
};

const holderFor = (access: Access, grantee: string, row: OwnedObjects): Holder => {
  const role = access.holderOf(grantee, row);
  if (role === grantee) return { role, tail: grantee === row.owner ? OWNER : NO_STEPS };
  return { role, tail: grantee === row.owner ? [grantee, 'owner'] : [grantee] };
};

const OWNER: Path = ['owner'];
const NO_STEPS: Path = [];

/** The row that holds the table of these columns; nothing for other kinds. */
export const tablesOf = (places: Places, row: OwnedObjects): readonly OwnedObjects[] => {
  const { kind, database, schema, relation } = row;
  if (kind !== 'column' || relation === undefined) return [];
  return places.locate({ kind: 'table', database, schema, names: [relation] }).portions.map((portion) => portion.row);
};

/** `SELECT*` is SELECT and its grant option. Lists of privileges are shared by many entries: each is taken apart once. */
const atomsOf = (privileges: Privileges): readonly string[] => {
  let atoms = atomLists.get(privileges);
  if (!atoms) {
    atoms = privileges.flatMap((privilege) => (grantable(privilege) ? [wordOf(privilege), privilege] : [privilege]));
    atomLists.set(privileges, atoms);
  }
  return atoms;
};
const atomLists = new WeakMap<Privileges, readonly string[]>();
