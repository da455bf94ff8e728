import { type AclEntry, type Grantee, granteeKey, type ObjectSet, type OwnedObjects, type Privileges } from '../model/access.ts';
import type { Change, ChangeOf } from '../model/change.ts';
import { byCodeUnit } from '../model/key.ts';
import type { Reality } from '../model/reality.ts';
import type { Kind, Membership } from '../model/state.ts';
import { createPlaces, type Place, type Places, placeKey } from './places.ts';
import { byWord, privilegesOf, union, wordOf } from './privileges.ts';

/** The state that a plan leaves behind. Blocked changes do not happen. Rows that nothing touches are the same values as before. */
export const applyChanges = (reality: Reality, changes: readonly Change[]): Reality => {
  const done = changes.filter(({ blocked }) => blocked === undefined);
  const roles = applyRoles(reality, ofKind(done, 'role'));
  const owned = editObjects(reality.objects, (places) => ofKind(done, 'ownership').flatMap((change) => ownershipEdits(places, change)));
  return {
    roles,
    memberships: applyMemberships(reality, roles, done),
    objects: editObjects(owned, () => ofKind(done, 'grant').map(grantEdit)),
  };
};

const ofKind = <K extends Kind>(changes: readonly Change[], kind: K): ChangeOf<K>[] =>
  changes.filter((change) => change.kind === kind) as Change[] as ChangeOf<K>[];

const applyRoles = (reality: Reality, changes: readonly ChangeOf<'role'>[]): Reality['roles'] => {
  if (changes.length === 0) return reality.roles;
  const roles = new Map(reality.roles);
  for (const { before, after } of changes) {
    const known = reality.roles.get(after?.name ?? '') ?? reality.roles.get(before?.name ?? '');
    if (before) roles.delete(before.name);
    if (after) roles.set(after.name, { ...after, oid: known?.oid ?? 0 });
  }
  return roles;
};

/** A membership goes with either of its roles. Before 16 (which brought pg_create_subscription) INHERIT of a role decides for all of its memberships. */
const applyMemberships = (reality: Reality, roles: Reality['roles'], changes: readonly Change[]): readonly Membership[] => {
  const edits = ofKind(changes, 'membership');
  if (edits.length === 0 && roles === reality.roles) return reality.memberships;
  const keyOf = ({ role, member, grantor }: Membership): string => `${role}\0${member}\0${grantor}`;
  const rows = new Map(reality.memberships.map((row) => [keyOf(row), row]));
  for (const { before } of edits) if (before) rows.delete(keyOf(before));
  for (const { after } of edits) if (after) rows.set(keyOf(after), after);
  const left = [...rows.values()].filter(({ role, member }) => roles.has(role) && roles.has(member));
  if (roles.has('pg_create_subscription') || roles === reality.roles) return left;
  return left.map((row) => {
    const inherit = roles.get(row.member)?.inherit;
    return inherit === undefined || inherit === reality.roles.get(row.member)?.inherit ? row : { ...row, inherit };
  });
};

type Edit = { readonly on: ObjectSet; readonly apply: (row: OwnedObjects) => OwnedObjects };
type Touch = { readonly names: readonly string[]; readonly apply: Edit['apply'] };

/** Splits rows where only some of their objects are edited. */
const editObjects = (objects: readonly OwnedObjects[], editsOf: (places: Places) => readonly Edit[]): readonly OwnedObjects[] => {
  let places: Places | undefined;
  const lazy: Places = { at: (place) => ready().at(place), locate: (set) => ready().locate(set) };
  const ready = (): Places => {
    places ??= createPlaces(objects);
    return places;
  };
  const touches = new Map<OwnedObjects, Touch[]>();
  const fresh = new Map<string, { place: Place; owner: string; touches: Touch[] }>();
  for (const { on, apply } of editsOf(lazy)) {
    const { portions, missing } = lazy.locate(on);
    for (const { row, names } of portions) {
      const list = touches.get(row);
      if (list) list.push({ names, apply });
      else touches.set(row, [{ names, apply }]);
    }
    if (missing.length === 0) continue;
    const start = fresh.get(placeKey(on)) ?? { place: on, owner: ownerOfMissing(lazy, on), touches: [] };
    start.touches.push({ names: missing, apply });
    fresh.set(placeKey(on), start);
  }
  if (touches.size === 0 && fresh.size === 0) return objects;
  const made = [...fresh.values()].flatMap(({ place, owner, touches: list }) => pieces(blank(place, owner, list), list));
  return [...objects.flatMap((row) => pieces(row, touches.get(row) ?? [])), ...made];
};

/** Columns have a row only when they have an ACL; so do parameters and large objects. */
const blank = ({ kind, database, schema, relation }: Place, owner: string, touches: readonly Touch[]): OwnedObjects => ({
  kind,
  database,
  schema,
  ...(relation === undefined ? {} : { relation }),
  names: [...new Set(touches.flatMap(({ names }) => names))].sort(byCodeUnit),
  owner,
  acl: [],
});

const ownerOfMissing = (places: Places, { kind, database, schema, relation }: ObjectSet): string => {
  if (kind !== 'column' || relation === undefined) return '';
  return places.locate({ kind: 'table', database, schema, names: [relation] }).portions[0]?.row.owner ?? '';
};

/** The row in as many parts as the edits treat differently. */
const pieces = (row: OwnedObjects, touches: readonly Touch[]): readonly OwnedObjects[] => {
  const partial = touches.some(({ names }) => names.length !== row.names.length);
  if (!partial) return [edited(row, touches)];
  const marks = new Map<string, string>();
  for (const [index, { names }] of touches.entries()) for (const name of names) marks.set(name, `${marks.get(name) ?? ''}${index},`);
  const parts = new Map<string, string[]>();
  for (const name of row.names) {
    const mark = marks.get(name) ?? '';
    const part = parts.get(mark);
    if (part) part.push(name);
    else parts.set(mark, [name]);
  }
  return [...parts].map(([mark, names]) =>
    edited(
      { ...row, names },
      touches.filter((_, index) => `,${mark}`.includes(`,${index},`)),
    ),
  );
};

const edited = (row: OwnedObjects, touches: readonly Touch[]): OwnedObjects => touches.reduce((piece, { apply }) => apply(piece), row);

/** ALTER … OWNER writes the new owner wherever the old one stood in the ACL, as grantor and grantee; columns follow their table. */
const ownershipEdits = (places: Places, { before, after }: ChangeOf<'ownership'>): Edit[] => {
  const body = after ?? before;
  if (!body || !after) return [];
  const { on, owner } = after;
  const apply = (row: OwnedObjects): OwnedObjects => {
    const swap = (role: string): string => (role === row.owner ? owner : role);
    const acl = row.acl.map(({ grantee, grantor, privileges }) => ({
      grantee: typeof grantee === 'string' ? swap(grantee) : grantee,
      grantor: swap(grantor),
      privileges,
    }));
    return { ...row, owner, acl: merged(acl) };
  };
  const columns = on.kind !== 'table' ? [] : on.names.flatMap((relation) => places.at({ ...on, kind: 'column', relation }));
  return [{ on, apply }, ...columns.map((row) => ({ on: row, apply }))];
};

const merged = (acl: readonly AclEntry[]): readonly AclEntry[] => {
  const entries = new Map<string, AclEntry>();
  for (const entry of acl) {
    const key = `${granteeKey(entry.grantee)}\0${entry.grantor}`;
    const known = entries.get(key);
    entries.set(key, known ? { ...known, privileges: union(known.privileges, entry.privileges) } : entry);
  }
  return [...entries.values()];
};

const grantEdit = ({ before, after }: ChangeOf<'grant'>): Edit => {
  const body = after ?? before;
  if (!body) throw new Error('a change has neither before nor after');
  const { on, grantee, grantor } = body;
  const apply = (row: OwnedObjects): OwnedObjects => {
    // after a change of owner the old owner's grants are the new owner's
    const exact = row.acl.some((entry) => sameGrantee(entry.grantee, grantee) && entry.grantor === grantor);
    const by = exact || !before ? grantor : row.owner;
    const mine = (entry: AclEntry): boolean => sameGrantee(entry.grantee, grantee) && entry.grantor === by;
    const privileges = edit(row.acl.find(mine)?.privileges ?? [], before?.privileges ?? [], after?.privileges ?? []);
    const rest = row.acl.filter((entry) => !mine(entry));
    return { ...row, acl: privileges.length === 0 ? rest : [...rest, { grantee, grantor: by, privileges }] };
  };
  return { on, apply };
};

const sameGrantee = (a: Grantee, b: Grantee): boolean => granteeKey(a) === granteeKey(b);

/** `held` without what goes from `before` to `after`, and with what comes. A word goes with its grant option. */
const edit = (held: Privileges, before: Privileges, after: Privileges): Privileges => {
  const [words, was, becomes] = [byWord(held), byWord(before), byWord(after)];
  for (const [word, option] of was) {
    if (!becomes.has(word)) words.delete(word);
    else if (option && !becomes.get(word) && words.has(word)) words.set(word, false);
  }
  for (const privilege of after) {
    const word = wordOf(privilege);
    if (!was.has(word) || becomes.get(word) !== was.get(word)) words.set(word, becomes.get(word) === true || (words.get(word) ?? false));
  }
  return privilegesOf(words);
};
