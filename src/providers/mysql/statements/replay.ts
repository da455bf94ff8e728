import { distinct } from '../../../model/key.ts';
import { type Asker, askerOf, type Effective, rankedRows, schemaRows } from '../access-asker.ts';
import { effectiveAccess, type Place, placeKey } from '../access-effective.ts';
import { draftOf, emptyHoldings, GRANT_OPTION, literalOf } from '../access-rows.ts';
import type { AccessState } from '../access-state.ts';
import { touchedPlaces } from '../access-touched.ts';
import type { Scope } from '../scope.ts';
import { likeness, partOf, sourcesOf, turnsOf, type World, withMembers, worldOf } from './concern.ts';
import type { Draft } from './draft.ts';
import { stateBefore, stateThrough } from './through.ts';

/** What a user misses for a moment though it has it before and afterwards, or has for one though neither gives it. */
export type Moment = {
  readonly account: string;
  readonly errs: 'lapse' | 'excess' | 'bridge';
  /** null: somewhere. */
  readonly place: Place | null;
  readonly words: readonly string[];
  /** A pattern of the user that matches the schema, as it is stored; null: the place has none. */
  readonly pattern: string | null;
};

type Found = Moment & { readonly place: Place };

/** `uncounted`: users that are too much to compute. */
export type Replayed = { readonly moments: readonly Moment[]; readonly uncounted: readonly string[] };

/** So many answers of the server's rules for one user are worth it; beyond them a user that may lapse is told as one that does. */
const WORTH = 20_000;

/**
 * What some accounts (users, or roles with all who are in them) miss or have for a moment when the drafts run in this order: the
 * access of each user is computed after every statement that concerns it.
 */
export const replay = (scope: Scope, drafts: readonly Draft[], accounts: readonly string[]): Replayed => {
  const [moments, uncounted]: [Moment[], string[]] = [[], []];
  if (accounts.length === 0) return { moments, uncounted };
  const state = stateBefore(scope);
  const world = worldOf(state, drafts);
  const known = new Map<string, readonly Moment[] | null>();
  for (const user of withMembers(world, accounts)) {
    if (!state.logins.has(user)) continue;
    const names = sourcesOf(world, user);
    const turns = turnsOf(world, names);
    // The first and the last of them leave what was, and what shall be.
    if (turns.length < 2) continue;
    const alike = likeness(world, user, names, turns);
    const found = known.has(alike) ? known.get(alike)! : momentsOf(world, user, names, turns);
    known.set(alike, found);
    if (found) moments.push(...found.map((moment) => ({ ...moment, account: user })));
    else uncounted.push(user);
  }
  return { moments, uncounted };
};

/** A user, and what it can do before and afterwards wherever that can differ on the way. */
export type Watch = {
  readonly user: string;
  readonly places: readonly Place[];
  readonly had: readonly Effective[];
  readonly has: readonly Effective[];
};

/** null: there is too much to watch. */
export const watchOf = (start: AccessState, user: string, drafts: readonly Draft[]): Watch | null => {
  const places = placesOf(start, drafts);
  if (places.length * drafts.length > WORTH) return null;
  const [was, is] = [askerOf(start, user), askerOf(stateThrough(start, drafts), user)];
  const at = (asker: Asker) => places.map((place) => effectiveAccess(asker, place));
  return { user, places, had: at(was), has: at(is) };
};

/** What the user misses, or has, while the state is this. */
export const momentsAt = ({ user, places, had, has }: Watch, state: AccessState): readonly Found[] => {
  const asker = askerOf(state, user);
  return places.flatMap((place, at) => {
    const [before, now, after] = [had[at]!, effectiveAccess(asker, place), has[at]!];
    const lapse = [...before.keys()].filter((word) => after.has(word) && !now.has(word) && word !== GRANT_OPTION);
    const excess = [...now.keys()].filter((word) => !before.has(word) && !after.has(word) && word !== GRANT_OPTION);
    const moment = { account: user, place, pattern: null };
    return [
      ...(lapse.length > 0 ? [{ ...moment, errs: 'lapse', words: lapse } as const] : []),
      ...(excess.length > 0 ? [{ ...moment, errs: 'excess', words: excess } as const] : []),
    ];
  });
};

const momentsOf = (world: World, user: string, names: ReadonlySet<string>, turns: readonly number[]): readonly Moment[] | null => {
  const drafts = turns.map((index) => world.drafts[index]!);
  const start = partOf(world.state, names);
  const watch = watchOf(start, user, drafts);
  if (!watch) return null;
  const found = new Map<string, Moment>();
  const last = stateThrough(start, drafts);
  let now = start;
  for (const draft of drafts) {
    now = stateThrough(now, [draft]);
    for (const moment of momentsAt(watch, now)) {
      const key = `${moment.errs}\0${placeKey(moment.place)}`;
      const known = found.get(key);
      const pattern = known ? known.pattern : patternOn(moment.place, [start, now, last], user);
      found.set(key, { ...moment, pattern, words: distinct([...(known?.words ?? []), ...moment.words]) });
    }
  }
  return [...found.values()];
};

/** A pattern that counts for the user on the schema in one of these states, or else one that only matches it. */
const patternOn = (place: Place, states: readonly AccessState[], user: string): string | null => {
  const schema = place.kind === 'schema' ? place.schema : null;
  if (schema === null) return null;
  const askers = states.map((state) => askerOf(state, user));
  const rows = [...askers.flatMap((asker) => schemaRows(asker, schema)), ...askers.flatMap((asker) => rankedRows(asker, schema).flat())];
  return rows.find(({ stored }) => literalOf(stored, states[0]!.server) === null)?.stored ?? null;
};

/** Where something can differ on the way: on the rows that change, and with roles on everything that any of them holds. */
const placesOf = (state: AccessState, drafts: readonly Draft[]): readonly Place[] => {
  const turned = draftOf(emptyHoldings('', '', ''));
  for (const { place, words } of drafts.flatMap(({ rows = [] }) => rows)) turned.row(place, new Set(words));
  const moves = drafts.some(({ joins, leaves, settles }) => (joins ?? leaves ?? settles) !== undefined);
  const holdings = [turned.finished(), ...(moves ? state.holdings.values() : [])];
  const found = holdings.flatMap((one) => touchedPlaces([state], null, one));
  return [...new Map(found.map((place) => [placeKey(place), place])).values()];
};
