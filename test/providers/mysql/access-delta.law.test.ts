import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Change } from '../../../src/model/change.ts';
import type { AccessItem } from '../../../src/model/plan.ts';
import type { Grant } from '../../../src/model/state.ts';
import { askerOf } from '../../../src/providers/mysql/access-asker.ts';
import { accessDelta } from '../../../src/providers/mysql/access-delta.ts';
import { effectiveAccess, type Place, placeKey, widerPlace } from '../../../src/providers/mysql/access-effective.ts';
import { type AccessState, stateAfter, stateOf } from '../../../src/providers/mysql/access-state.ts';
import { patternSchema } from '../../../src/providers/mysql/patterns.ts';
import type { Snapshot, SnapshotGrant } from '../../../src/providers/mysql/snapshot.ts';
import { makeWorld, worlds } from '../../live/mysql/access-states.ts';
import { changeOf, grantOf, membershipOf } from './world.ts';

const rowKey = ({ account, level, schema, relation, name }: SnapshotGrant): string =>
  JSON.stringify([account, level, schema, relation, name]);

const onOf = ({ level, schema, relation, name }: SnapshotGrant, partialRevokes: boolean): Parameters<typeof grantOf>[2] => {
  if (level === 'global') return { kind: 'global', names: ['*.*'] };
  if (level !== 'schema') return { kind: level, schema, names: [name ?? ''], ...(relation === undefined ? {} : { relation }) };
  const literal = patternSchema(schema ?? '', partialRevokes);
  return literal === null ? { kind: 'pattern', names: [schema ?? ''] } : { kind: 'schema', names: [literal] };
};

/** Changes that lead from one server to the other: grants and memberships. */
const changesBetween = (old: Snapshot, now: Snapshot): Change[] => {
  const [was, is] = [old, now].map(({ grants }) => new Map(grants.map((row) => [rowKey(row), row])));
  const grants = [...new Set([...(was?.keys() ?? []), ...(is?.keys() ?? [])])].flatMap((key): Change[] => {
    const [had, has] = [was?.get(key), is?.get(key)];
    const body = (row?: SnapshotGrant): Grant | null =>
      row ? grantOf(row.account, row.privileges, onOf(row, old.server.partialRevokes)) : null;
    return had?.privileges.join() === has?.privileges.join() ? [] : [changeOf('grant', body(had), body(has))];
  });
  const edgeKey = ({ member, role }: { member: string; role: string }): string => `${member} ${role}`;
  const memberships = [...new Set([...old.edges, ...now.edges].map(edgeKey))].flatMap((key): Change[] => {
    const [member = '', role = ''] = key.split(' ');
    const body = ({ edges, defaultRoles }: Snapshot) =>
      edges.some((edge) => edgeKey(edge) === key)
        ? membershipOf(member, role, { inherit: defaultRoles.some((edge) => edgeKey(edge) === key) })
        : null;
    return [changeOf('membership', body(old), body(now))];
  });
  return [...grants, ...memberships];
};

const placesOf = ({ schemas }: AccessState): Place[] => [
  { kind: 'global' },
  ...schemas.flatMap((schema): Place[] => [
    { kind: 'schema', schema },
    { kind: 'function', schema, name: 'f' },
    { kind: 'procedure', schema, name: 'p' },
    ...['t1', 't2'].flatMap((table): Place[] => [
      { kind: 'table', schema, name: table },
      ...['i', 'j'].map((name): Place => ({ kind: 'column', schema, relation: table, name })),
    ]),
  ]),
];

/** `user place word` of what is there in the second state, not in the first, and not told of a wider place. */
const beyond = (first: AccessState, second: AccessState): string[] =>
  [...second.logins].flatMap((user) => {
    const [was, is] = [askerOf(first, user), askerOf(second, user)];
    const comes = (place: Place, word: string): boolean => effectiveAccess(is, place).has(word) && !effectiveAccess(was, place).has(word);
    return placesOf(second).flatMap((place) =>
      [...effectiveAccess(is, place).keys()]
        .filter((word) => word !== 'GRANT OPTION' && comes(place, word) && !isTold(widerPlace(place), word, comes))
        .map((word) => `${user} ${placeKey(place)} ${word}`),
    );
  });

const isTold = (wider: Place | null, word: string, comes: (place: Place, word: string) => boolean): boolean =>
  wider !== null && comes(wider, word);

/** The same of items, by the names that they show. Options are another matter. */
const textsOf = ({ kind, schema, relation, names, privileges }: AccessItem): string[] =>
  names.flatMap((name) => plain(privileges).map((word) => `${placeKey(placeOf(kind, schema ?? '', relation ?? '', name))} ${word}`));

const plain = (privileges: readonly string[]): string[] => privileges.filter((word) => !word.endsWith('*'));

const placeOf = (kind: AccessItem['kind'], schema: string, relation: string, name: string): Place => {
  if (kind === 'global') return { kind };
  if (kind === 'schema') return { kind, schema: name };
  if (kind === 'column') return { kind, schema, relation, name };
  return { kind: kind as 'table', schema, name };
};

test.each(['mysql', 'mariadb'] as const)('on %s a difference in access is what asking every user for everything finds', (flavour) => {
  let told = 0;
  const compare = (
    deltas: readonly { readonly users: readonly string[]; readonly items: readonly AccessItem[] }[],
    expected: readonly string[],
  ): void => {
    const all = new Set(expected);
    let count = 0;
    for (const { users, items } of deltas) {
      for (const item of items.filter(({ what }) => what === 'privileges')) {
        for (const user of users) for (const text of textsOf(item)) expect(all).toContain(`${user} ${text}`);
        count += users.length * item.count * plain(item.privileges).length;
      }
    }
    // Of many objects an item names the first.
    expect(count).toBe(all.size);
    told += count;
  };
  fc.assert(
    fc.property(worlds, worlds, (old, now) => {
      // Settings of the server are no change of a plan; a grant on a schema that is not there, as with partial_revokes, is told too.
      const [was, is] = [old, now].map((world) => makeWorld({ ...world, partial: false }, flavour, true).snapshot);
      if (!was || !is) return;
      const before = stateOf(was);
      const after = stateAfter(before, changesBetween(was, is));
      const deltas = accessDelta(before, after);
      compare(
        deltas.map(({ users, gains }) => ({ users, items: gains })),
        beyond(before, after),
      );
      compare(
        deltas.map(({ users, loses }) => ({ users, items: loses })),
        beyond(after, before),
      );
    }),
    { seed: 1, numRuns: 60, endOnFailure: true },
  );
  expect(told).toBeGreaterThan(1000);
});

test('changes lead to the state that reading finds afterwards', () => {
  fc.assert(
    fc.property(worlds, worlds, (old, now) => {
      const plain = (world: typeof old) =>
        makeWorld({ ...world, partial: false, activateAll: false, mandatory: 9 }, 'mysql', false).snapshot;
      const [was, is] = [plain(old), plain(now)];
      const [made, read] = [stateAfter(stateOf(was), changesBetween(was, is)), stateOf(is)];
      const answers = (state: AccessState) =>
        [...state.logins].flatMap((user) =>
          placesOf(state).map((place) => `${user} ${placeKey(place)} ${[...effectiveAccess(askerOf(state, user), place).keys()].sort()}`),
        );
      expect(answers(made)).toEqual(answers(read));
    }),
    { seed: 2, numRuns: 60, endOnFailure: true },
  );
});
