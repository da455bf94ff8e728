import fc from 'fast-check';
import { expect, test } from 'vitest';
import { statements } from '../../../src/providers/mysql/statements/index.ts';
import { accountOf, changeOf, declaredOf, grantOf, membershipOf, snapshotOf } from './world.ts';

const USERS = ['u', 'v', 'w'];
const ROLES = ['a', 'b', 'c', 'd'];
const WORDS = ['SELECT', 'INSERT', 'UPDATE'];

/** Who holds which words directly, and who is in which roles: an edge goes to a later role, so that there is no circle. */
type State = {
  readonly held: ReadonlySet<string>;
  readonly edges: ReadonlySet<string>;
  /** Edges of users that are not active at login. */
  readonly idle: ReadonlySet<string>;
};

const HELD = [...USERS, ...ROLES].flatMap((account) => WORDS.map((word) => `${account} ${word}`));
const EDGES = [...USERS, ...ROLES].flatMap((member, at) =>
  ROLES.filter((_, role) => at < USERS.length || role > at - USERS.length).map((role) => `${member} ${role}`),
);

const state: fc.Arbitrary<State> = fc
  .record({ held: fc.subarray(HELD), edges: fc.subarray(EDGES) })
  .map(({ held, edges }) => ({ held: new Set(held), edges: new Set(edges), idle: new Set() }));

/** What each user can do, over whatever roles. */
const effective = ({ held, edges, idle }: State): Set<string> => {
  const found = new Set<string>();
  for (const user of USERS) {
    const above = new Set([user]);
    for (const one of above) for (const role of ROLES) if (edges.has(`${one} ${role}`) && !idle.has(`${one} ${role}`)) above.add(role);
    for (const one of above) for (const word of WORDS) if (held.has(`${one} ${word}`)) found.add(`${user} ${word}`);
  }
  return found;
};

const wordsOf = ({ held }: State, account: string) => WORDS.filter((word) => held.has(`${account} ${word}`)).sort();

const changesOf = (before: State, after: State) => {
  const moved = (old: ReadonlySet<string>, now: ReadonlySet<string>) =>
    [...new Set([...old, ...now])].filter((one) => old.has(one) !== now.has(one));
  const grants = [...USERS, ...ROLES].flatMap((account) => {
    const [old, now] = [wordsOf(before, account), wordsOf(after, account)];
    const body = (words: readonly string[]) => (words.length === 0 ? null : grantOf(account, words, { kind: 'schema', names: ['s'] }));
    return old.join() === now.join() ? [] : [changeOf('grant', body(old), body(now))];
  });
  const memberships = moved(before.edges, after.edges).map((edge) => {
    const [member = '', role = ''] = edge.split(' ');
    const body = (side: State) => (side.edges.has(edge) ? membershipOf(member, role) : null);
    return changeOf('membership', body(before), body(after));
  });
  return [...grants, ...memberships];
};

const planOf = (before: State, after: State) => {
  const pairs = [...before.edges].map((edge) => edge.split(' ') as [string, string]);
  const snapshot = snapshotOf(
    {},
    {
      accounts: [...USERS.map((name) => accountOf(name)), ...ROLES.map((name) => accountOf(name, { kind: 'role' }))],
      edges: pairs.map(([member, role]) => ({ member, role, admin: false, standard: USERS.includes(member) })),
      grants: [...USERS, ...ROLES].flatMap((account) => {
        const privileges = wordsOf(before, account);
        return privileges.length === 0 ? [] : [{ account, level: 'schema', schema: 's', name: null, privileges } as const];
      }),
      schemas: ['s'],
      defaultRoles: pairs.filter(([member]) => USERS.includes(member)).map(([member, role]) => ({ member, role })),
    },
  );
  return statements(changesOf(before, after), snapshot, declaredOf());
};

/** What a statement of these makes of a state. A role counts for a user once it is active at login. */
const run = (state: State, sql: string): State => {
  const standard = /^SET DEFAULT ROLE (.*) TO '(\w)'@'%'$/.exec(sql);
  if (standard) {
    const [, list = '', user] = standard;
    const others = [...state.idle].filter((edge) => !edge.startsWith(`${user} `));
    const asleep = ROLES.filter((role) => !list.includes(`'${role}'`)).map((role) => `${user} ${role}`);
    return { ...state, idle: new Set([...others, ...asleep]) };
  }
  const found = /^(GRANT|REVOKE) (.+?)(?: ON `s`\.\*)? (?:TO|FROM) '(\w)'@'%'$/.exec(sql);
  if (!found) return state;
  const [, verb, what = '', account] = found;
  const role = /^'(\w)'@'%'$/.exec(what)?.[1];
  const apply = (old: ReadonlySet<string>, names: readonly string[]) =>
    new Set(verb === 'GRANT' ? [...old, ...names] : [...old].filter((one) => !names.includes(one)));
  if (role === undefined) {
    const words = what.split(', ').map((word) => `${account} ${word}`);
    return { ...state, held: apply(state.held, words) };
  }
  const edge = `${account} ${role}`;
  const sleeps = verb === 'GRANT' && USERS.includes(account ?? '') && !state.edges.has(edge);
  return { ...state, edges: apply(state.edges, [edge]), idle: sleeps ? new Set([...state.idle, edge]) : state.idle };
};

test('no prefix of a plan gives a user what neither state does, nor takes what both give unless exactly that is told', () => {
  let told = 0;
  fc.assert(
    fc.property(state, state, (before, after) => {
      const { steps, lapses } = planOf(before, after);
      const [old, now] = [effective(before), effective(after)];
      const lapsed = new Set<string>();
      let here = before;
      for (const { sql } of steps) {
        here = run(here, sql);
        const holds = effective(here);
        const beyond = [...holds].filter((one) => !old.has(one) && !now.has(one));
        for (const one of old) if (now.has(one) && !holds.has(one)) lapsed.add(one.split(' ')[0]!);
        expect({ sql, beyond }).toEqual({ sql, beyond: [] });
      }
      expect([...lapses].sort()).toEqual([...lapsed].sort());
      expect({ held: [...here.held].sort(), edges: [...here.edges].sort() }).toEqual({
        held: [...after.held].sort(),
        edges: [...after.edges].sort(),
      });
      if (lapses.length > 0) told++;
    }),
    { numRuns: 300 },
  );
  expect(told).toBeGreaterThan(0);
});

test('everybody moves from one role to another without a lapse, where the roles stay as they are', () => {
  const both = [...ROLES.map((role) => `${role} SELECT`), 'a INSERT'];
  const [before, after] = [
    { held: new Set(both), edges: new Set(USERS.map((user) => `${user} a`)), idle: new Set<string>() },
    { held: new Set(both), edges: new Set(USERS.map((user) => `${user} b`)), idle: new Set<string>() },
  ];
  expect(planOf(before, after).lapses).toEqual([]);
});
