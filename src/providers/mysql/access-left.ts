import { type StillEffective, stillEffectiveNotes } from '../../core/still-effective.ts';
import { isPublic, type ObjectSet } from '../../model/access.ts';
import type { Change, ChangeOf } from '../../model/change.ts';
import type { Finding } from '../../model/finding.ts';
import { byCodeUnit } from '../../model/key.ts';
import { type Asker, askerOf } from './access-asker.ts';
import { effectiveAccess, objectOf, type Place } from './access-effective.ts';
import { GRANT_OPTION, grantPlaces, type Holdings, literalOf, type RowPlace, type Words, wordsOf } from './access-rows.ts';
import type { AccessState } from './access-state.ts';
import { touchedPlaces } from './access-touched.ts';
import { coversSchema } from './patterns.ts';

/**
 * Notes on removals that do not remove all of the access that they gave: another row gives it too. `exact`: accounts whose own rows
 * are what the manifest says, so that what these give is meant.
 */
export const stillEffectiveFindings = (
  before: AccessState,
  after: AccessState,
  changes: readonly Change[],
  exact: ReadonlySet<string>,
): readonly Finding[] => {
  const askers = new Map<string, Asker>();
  const ask = (name: string): Asker => {
    const known = askers.get(name) ?? askerOf(after, name);
    askers.set(name, known);
    return known;
  };
  const found = changes.flatMap((change, index): StillEffective[] => {
    if (change.blocked !== undefined) return [];
    const left =
      change.kind === 'grant'
        ? leftOfGrant(after, ask, change).filter(({ who: [name = ''], via }) => !(exact.has(name) && via.join() === 'direct'))
        : change.kind === 'membership'
          ? leftOfLeaving(before, after, ask, change)
          : [];
    return left.map((rest) => ({ change: index, ...rest }));
  });
  return stillEffectiveNotes(found, changes);
};

type Left = Omit<StillEffective, 'change'>;
type Ask = (name: string) => Asker;

const leftOfGrant = (after: AccessState, ask: Ask, { before: was, after: is }: ChangeOf<'grant'>): readonly Left[] => {
  if (!was || isPublic(was.grantee) || !after.holdings.has(was.grantee)) return [];
  const { server } = after;
  const stays: Words = new Set(is ? plainWords(wordsOf(is.privileges, server)) : []);
  const removed = plainWords(wordsOf(was.privileges, server)).filter((word) => !stays.has(word));
  if (removed.length === 0) return [];
  const places = grantPlaces(was, server).flatMap((row) => placesOfRow(after, row));
  return leftOn(ask(was.grantee), [was.grantee], places, () => removed);
};

const plainWords = (words: Words): string[] => [...words].filter((word) => word !== GRANT_OPTION && !word.endsWith('*'));

const placesOfRow = (state: AccessState, { level, schema, relation, name }: RowPlace): readonly Place[] => {
  if (level === 'global') return [{ kind: 'global' }];
  if (level === 'proxy') return [{ kind: 'proxy', name }];
  if (level === 'column') return [{ kind: 'column', schema, relation, name }];
  if (level !== 'schema') return [{ kind: level, schema, name }];
  const literal = literalOf(name, state.server);
  const schemas = literal !== null ? [literal] : state.schemas.filter((one) => coversSchema(name, one, state.server.partialRevokes));
  return schemas.map((one) => ({ kind: 'schema', schema: one }));
};

/** Which of the words are still held on the places, by the way to them. */
const leftOn = (
  asker: Asker,
  who: readonly string[],
  places: readonly Place[],
  wordsOn: (place: Place) => readonly string[],
): readonly Left[] => {
  const found = new Map<string, { privileges: readonly string[]; via: readonly string[]; sample: ObjectSet; count: number }>();
  for (const place of places) {
    const held = effectiveAccess(asker, place);
    const byPath = new Map<string, { via: readonly string[]; words: string[] }>();
    for (const word of wordsOn(place)) {
      const via = held.get(word);
      if (!via) continue;
      const known = byPath.get(via.join('\0')) ?? { via, words: [] };
      known.words.push(word);
      byPath.set(via.join('\0'), known);
    }
    for (const { via, words } of byPath.values()) {
      const privileges = words.sort(byCodeUnit);
      const key = `${place.kind}\0${privileges.join()}\0${via.join('\0')}`;
      const known = found.get(key);
      found.set(key, known ? { ...known, count: known.count + 1 } : { privileges, via, sample: objectOf(place), count: 1 });
    }
  }
  return [...found.values()].map((left) => ({ who, ...left }));
};

/** A role that stays active by another way, or what it gave and something else gives too. */
const leftOfLeaving = (
  before: AccessState,
  after: AccessState,
  ask: Ask,
  { before: was, after: is }: ChangeOf<'membership'>,
): readonly Left[] => {
  if (!was?.inherit || is?.inherit || !after.holdings.has(was.member) || !after.holdings.has(was.role)) return [];
  const asker = ask(was.member);
  const who = [was.member];
  const still = asker.roles.find(({ holdings }) => holdings.name === was.role);
  if (still) return [{ who, privileges: [], count: 0, sample: null, via: still.path }];
  const active = new Set(asker.roles.map(({ holdings }) => holdings.name));
  const lost = askerOf(before, was.role).roles.map(({ holdings }) => holdings);
  const own = before.holdings.get(was.role);
  const gone: readonly Holdings[] = [...(own ? [own] : []), ...lost].filter(({ name }) => !active.has(name));
  return gone.flatMap((holdings) => {
    const places = touchedPlaces([before], null, holdings);
    const alone = askerOf(
      { ...before, edges: new Map(), defaults: new Map(), holdings: new Map([[holdings.name, holdings]]) },
      holdings.name,
    );
    return leftOn(asker, who, places, (place) => plainWords(new Set(effectiveAccess(alone, place).keys())));
  });
};
