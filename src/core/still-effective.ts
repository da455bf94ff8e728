import { type Grantee, granteeKey, isPublic, type ObjectSet, type OwnedObjects } from '../model/access.ts';
import type { Change, ChangeOf } from '../model/change.ts';
import type { Finding } from '../model/finding.ts';
import { byCodeUnit, nameKey } from '../model/key.ts';
import type { Reality } from '../model/reality.ts';
import { type Access, askerOf, createAccess, effectivePrivileges } from './access.ts';
import { groupBy } from './group.ts';
import { objectsText } from './objects-text.ts';
import { byWord, wordOf } from './privileges.ts';

/** What a removal leaves in force: `change` is an index into the changes; `via` as in an access delta. `sample` is one of the objects. */
export type StillEffective = {
  readonly change: number;
  /** Who keeps it: the role that the removal is about. */
  readonly who: readonly string[];
  readonly privileges: readonly string[];
  readonly count: number;
  readonly sample: ObjectSet | null;
  readonly via: readonly string[];
};

/** Removals of grants and memberships that do not remove all of the access that they gave, in the order of the changes. */
const stillEffective = (before: Reality, after: Reality, changes: readonly Change[]): readonly StillEffective[] => {
  const states = { before: createAccess(before), after: createAccess(after) };
  const keeps = membershipJudge(states.before, states.after, changes);
  const regranted = regrantsOf(changes);
  return changes.flatMap((change, index) => {
    if (change.blocked !== undefined) return [];
    const left = change.kind === 'grant' ? leftOfGrant(states.after, change, regranted) : change.kind === 'membership' ? keeps(change) : [];
    return left.map((rest) => ({ change: index, ...rest }));
  });
};

/** At most one note for each change; changes of one line of the manifest that leave the same are told together. */
export const stillEffectiveFindings = (before: Reality, after: Reality, changes: readonly Change[]): readonly Finding[] =>
  stillEffectiveNotes(stillEffective(before, after, changes), changes);

/** The same of what somebody else found: providers with rules of their own for what a grant gives. */
export const stillEffectiveNotes = (found: readonly StillEffective[], changes: readonly Change[]): readonly Finding[] => {
  const byChange = groupBy(found, ({ change }) => change);
  const alike = groupBy([...byChange.values()], (list) =>
    JSON.stringify(list.map((left) => [aboutOf(changes[left.change]), left.who, left.privileges, left.via])),
  );
  return [...alike.values()].map((lists) => findingOf(changes, lists));
};

/** Whose access, and by which line. */
const aboutOf = (change: Change | undefined): unknown => {
  if (change?.kind === 'grant') return [change.before?.grantee, change.before?.on.kind, change.source];
  return change?.kind === 'membership' ? [change.before?.member, change.before?.role, change.source] : null;
};

const findingOf = (changes: readonly Change[], lists: readonly (readonly StillEffective[])[]): Finding => {
  const [first = []] = lists;
  const concerned = lists.map(([left]) => changes[left?.change ?? -1]);
  const left = first.map((one, at) => ({ ...one, count: lists.reduce((sum, list) => sum + (list[at]?.count ?? 0), 0) }));
  const more = left.length > SHOWN ? `; and ${left.length - SHOWN} more` : '';
  const source = concerned[0]?.source;
  return {
    severity: 'note',
    code: 'access/still-effective',
    message: `${subjectOf(concerned)}: ${left.slice(0, SHOWN).map(sentence).join('; ')}${more}`,
    hint: 'to take the access away, remove it there too',
    ...(source ? { source } : {}),
  };
};

/** So many paths or names are spelled out. */
const SHOWN = 3;

type Left = Omit<StillEffective, 'change'>;
type LeftByPath = {
  readonly add: (who: readonly string[], words: readonly string[], on: ObjectSet, count: number, via: readonly string[]) => void;
  readonly list: () => Left[];
};

const collect = (): LeftByPath => {
  const found = new Map<string, Left>();
  return {
    add: (who, words, on, count, via) => {
      const privileges = [...words].sort(byCodeUnit);
      const key = [who.join('\0'), privileges.join(), via.join('\0')].join('\n');
      const known = found.get(key);
      found.set(key, known ? { ...known, count: known.count + count } : { who, privileges, count, sample: on, via });
    },
    list: () => [...found.values()],
  };
};

const leftOfGrant = (after: Access, { before: was, after: is }: ChangeOf<'grant'>, regranted: Regrants): Left[] => {
  // What PUBLIC loses, others keep by name on purpose.
  if (!was || isPublic(was.grantee) || isGone(after, was.grantee)) return [];
  const stays = byWord(is?.privileges ?? []);
  const removed = was.privileges.map(wordOf).filter((word) => !stays.has(word) && !regranted(was.grantee, was.on, word));
  if (removed.length === 0) return [];
  const left = collect();
  for (const { row, names } of after.places.locate(was.on).portions) {
    addPaths(after, was.grantee, row, removed, { ...row, names }, left);
  }
  return left.list();
};

/** Whether the same plan grants it to the same grantee as another grantor: nothing is left over then, it is handed on. */
type Regrants = (grantee: Grantee, on: ObjectSet, word: string) => boolean;

const regrantsOf = (changes: readonly Change[]): Regrants => {
  const made = groupBy(
    changes.flatMap(({ kind, before, after, blocked }) => (kind === 'grant' && after && !before && !blocked ? [after] : [])),
    ({ grantee, on }) => placeKey(grantee, on),
  );
  return (grantee, on, word) =>
    (made.get(placeKey(grantee, on)) ?? []).some((body) => {
      if (!byWord(body.privileges).has(word)) return false;
      const names = new Set(body.on.names);
      return on.names.every((name) => names.has(name));
    });
};

const placeKey = (grantee: Grantee, { kind, database, schema, relation }: ObjectSet): string =>
  JSON.stringify([granteeKey(grantee), kind, database, schema, relation]);

const isGone = ({ reality }: Access, role: string): boolean => !reality.roles.has(role);

const addPaths = (access: Access, role: string, row: OwnedObjects, words: readonly string[], on: ObjectSet, left: LeftByPath): void => {
  const { via } = effectivePrivileges(access, role, row);
  const byPath = new Map<string, { path: readonly string[]; words: string[] }>();
  for (const word of words) {
    const path = via.get(word);
    if (!path) continue;
    const known = byPath.get(path.join('\0'));
    if (known) known.words.push(word);
    else byPath.set(path.join('\0'), { path, words: [word] });
  }
  for (const { path, words: kept } of byPath.values()) left.add([role], kept, on, on.names.length, path);
};

/** Members that leave the same roles and stand alike afterwards are judged once. */
const membershipJudge = (before: Access, after: Access, changes: readonly Change[]): ((change: ChangeOf<'membership'>) => Left[]) => {
  const leaves = ({ before: was, after: is }: ChangeOf<'membership'>): boolean =>
    was?.inherit === true && is?.inherit !== true && !isGone(after, was.member) && !isGone(after, was.role);
  const lostBy = ({ before: was }: ChangeOf<'membership'>): string[] => {
    if (!was) return [];
    const now = after.memberships.inherited(was.member);
    return [...before.memberships.inherited(was.role).keys()].filter((role) => !now.has(role)).sort(byCodeUnit);
  };
  const leaving = changes.filter(
    (change): change is ChangeOf<'membership'> => change.kind === 'membership' && change.blocked === undefined && leaves(change),
  );
  const rows = rowsByHolder(after, new Set(leaving.flatMap(lostBy)));
  const known = new Map<string, Left[]>();
  return (change) => {
    const { before: was } = change;
    if (!was || !leaves(change)) return [];
    const path = after.memberships.inherited(was.member).get(was.role);
    if (path) return [{ who: [was.member], privileges: [], count: 0, sample: null, via: path }];
    const lost = lostBy(change).filter((role) => rows.has(role));
    const { closure, superuser } = askerOf(after, was.member);
    const key = JSON.stringify([lost, superuser, [...closure].filter(([role]) => role !== was.member || rows.named.has(role))]);
    const left = known.get(key) ?? leftOfLeaving(after, was.member, lost, rows);
    known.set(key, left);
    return left.map((rest) => ({ ...rest, who: [was.member] }));
  };
};

type RowsByHolder = {
  readonly has: (role: string) => boolean;
  readonly get: (role: string) => readonly OwnedObjects[];
  readonly named: ReadonlySet<string>;
};

const rowsByHolder = (access: Access, roles: ReadonlySet<string>): RowsByHolder => {
  const found = new Map<string, OwnedObjects[]>();
  const named = new Set<string>();
  for (const row of roles.size > 0 ? access.reality.objects : []) {
    const holders = new Set(
      [row.owner, ...row.acl.flatMap(({ grantee }) => (isPublic(grantee) ? [] : [grantee]))].map((role) => access.holderOf(role, row)),
    );
    for (const role of holders) {
      named.add(role);
      if (!roles.has(role)) continue;
      const list = found.get(role);
      if (list) list.push(row);
      else found.set(role, [row]);
    }
  }
  return { has: (role) => found.has(role), get: (role) => found.get(role) ?? [], named };
};

/** What the lost roles still have, and the member has too, by another path. */
const leftOfLeaving = (access: Access, member: string, lost: readonly string[], rows: RowsByHolder): Left[] => {
  const left = collect();
  for (const row of new Set(lost.flatMap(rows.get))) {
    const given = new Set(lost.flatMap((role) => [...(access.claims(row).byRole.get(role) ?? [])]));
    addPaths(
      access,
      member,
      row,
      [...given].filter((atom) => !atom.endsWith('*')),
      row,
      left,
    );
  }
  return left.list();
};

const subjectOf = (changes: readonly (Change | undefined)[]): string => {
  const [first] = changes;
  if (first?.kind === 'membership' && first.before) return `'${first.before.member}' leaves '${first.before.role}'`;
  if (first?.kind !== 'grant' || !first.before) return '';
  const { grantee, on } = first.before;
  const count = changes.reduce((sum, change) => sum + (change?.kind === 'grant' ? (change.before?.on.names.length ?? 0) : 0), 0);
  return `${isPublic(grantee) ? 'PUBLIC' : `'${grantee}'`} loses a grant on ${objectsText(on, count)}`;
};

const sentence = ({ who, privileges, count, sample, via }: StillEffective): string => {
  const names = who.slice(0, SHOWN).map((name) => `'${name}'`);
  const whom = `${names.join(', ')}${who.length > SHOWN ? ` and ${who.length - SHOWN} more` : ''}`;
  if (!sample) return `still a member via ${via.slice(0, -1).map(nameKey).join(' > ') || 'another grant'}`;
  const what = `${privileges.join(', ')} on ${objectsText(sample, count)}`;
  return `${what} still effective ${via[0] === 'direct' ? `by another grant to ${whom}` : `via ${via.join(' > ')}`}`;
};
