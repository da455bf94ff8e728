import fc from 'fast-check';
import { append } from '../../../src/core/group.ts';
import type { Change } from '../../../src/model/change.ts';
import { askerOf } from '../../../src/providers/mysql/access-asker.ts';
import { effectiveAccess } from '../../../src/providers/mysql/access-effective.ts';
import { stateOf } from '../../../src/providers/mysql/access-state.ts';
import { patternSchema, schemaPattern } from '../../../src/providers/mysql/patterns.ts';
import type { Server, Snapshot } from '../../../src/providers/mysql/snapshot.ts';
import { accountOf, changeOf, grantOf, membershipOf, snapshotOf } from './world.ts';

/** `u@10.0.0.1` is an account of the same user: rows of `u` count for it where it has none. */
export type Cast = { readonly users: readonly string[]; readonly roles: readonly string[]; readonly patterns: readonly string[] };
const ALONE: Cast = { users: ['u', 'v'], roles: ['a', 'b'], patterns: ['%', 'my%', 'my_db', 'o%'] };
export const CASTS: readonly (readonly [name: string, cast: Cast])[] = [
  ['two users', ALONE],
  ['three roles', { ...ALONE, roles: ['a', 'b', 'c'] }],
  // of equal rank on MySQL: the first wildcard stands at one place
  ['patterns of equal rank', { ...ALONE, patterns: ['my_db', 'my%', 'my__b', 'my%b', '%', '_%'] }],
  ['accounts of one user', { ...ALONE, users: ['u', 'v', 'u@10.0.0.1'] }],
];
const SCHEMAS = ['my_db', 'myxdb', 'orders'];
const LITERALS = SCHEMAS.map((schema) => schemaPattern(schema, false));
const WORDS = ['SELECT', 'INSERT'];

/** `rows`: `account Db word`; `edges`: `member role`; `active`: those of users that are active from login on. */
export type State = { readonly rows: ReadonlySet<string>; readonly edges: ReadonlySet<string>; readonly active: ReadonlySet<string> };

const isOf = (names: readonly string[], edge: string): boolean => names.includes(edge.split(' ')[0] ?? '');

const stateOver = ({ users, roles }: Cast, stored: readonly string[]): fc.Arbitrary<State> => {
  const logins = users.flatMap((member) => roles.map((role) => `${member} ${role}`));
  const nested = roles.flatMap((member, at) => roles.slice(at + 1).map((role) => `${member} ${role}`));
  const rows = [...users, ...roles].flatMap((account) => stored.flatMap((db) => WORDS.map((word) => `${account} ${db} ${word}`)));
  return fc
    .record({ rows: fc.subarray(rows, { maxLength: 7 }), edges: fc.subarray([...logins, ...nested]), idle: fc.subarray(logins) })
    .map(({ rows: held, edges, idle }) => ({
      rows: new Set(held),
      edges: new Set(edges),
      active: new Set(edges.filter((edge) => isOf(users, edge) && !idle.includes(edge))),
    }));
};

/** What somebody granted by hand; what a manifest makes of it has no pattern, but for those of accounts that it leaves alone (`kept`). */
export const movesIn = (cast: Cast): fc.Arbitrary<readonly [State, State]> =>
  fc
    .record({ old: stateOver(cast, [...cast.patterns, ...LITERALS]), now: stateOver(cast, LITERALS), kept: fc.nat() })
    .map(({ old, now, kept }) => {
      const patterns = [...groups(old).keys()].filter((key) => patternSchema(key.split(' ')[1]!, false) === null);
      const staying = new Set(patterns.filter((_, at) => (kept >> at) % 2 === 1));
      const rows = [...old.rows].filter((row) => staying.has(row.split(' ').slice(0, 2).join(' ')));
      return [old, { ...now, rows: new Set([...now.rows, ...rows]) }];
    });

export const snapshotIn = ({ users, roles }: Cast, state: State, flavour: Server['flavour']): Snapshot => {
  const pairsOf = (some: ReadonlySet<string>) => [...some].map((edge) => edge.split(' ') as [string, string]);
  return snapshotOf(
    { flavour },
    {
      accounts: [
        ...users.map((name) => accountOf(name)),
        ...roles.map((name) => accountOf(name, { kind: 'role', ...(flavour === 'mariadb' ? { host: '' } : {}) })),
      ],
      edges: pairsOf(state.edges).map(([member, role]) => ({ member, role, admin: false })),
      defaultRoles: pairsOf(state.active).map(([member, role]) => ({ member, role })),
      grants: [...groups(state)].map(([key, privileges]) => {
        const [account = '', schema = ''] = key.split(' ');
        return { account, level: 'schema', schema, name: null, privileges };
      }),
      schemas: SCHEMAS,
    },
  );
};

const groups = ({ rows }: State): ReadonlyMap<string, string[]> => {
  const found = new Map<string, string[]>();
  for (const row of [...rows].sort()) {
    const [account, stored, word = ''] = row.split(' ');
    append(found, `${account} ${stored}`, word);
  }
  return found;
};

/** `user schema word` of everything that users can do. */
export const effective = (cast: Cast, state: State, flavour: Server['flavour']): ReadonlySet<string> => {
  const access = stateOf(snapshotIn(cast, state, flavour));
  return new Set(
    cast.users.flatMap((user) => {
      const asker = askerOf(access, user);
      return SCHEMAS.flatMap((schema) =>
        [...effectiveAccess(asker, { kind: 'schema', schema }).keys()].map((word) => `${user} ${schema} ${word}`),
      );
    }),
  );
};

export const changesOf = ({ users }: Cast, old: State, now: State): Change[] => {
  const [was, is] = [groups(old), groups(now)];
  const grants = [...new Set([...was.keys(), ...is.keys()])].flatMap((key): Change[] => {
    const [account = '', stored = ''] = key.split(' ');
    const schema = patternSchema(stored, false);
    const body = (words?: readonly string[]) =>
      words ? grantOf(account, words, schema === null ? { kind: 'pattern', names: [stored] } : { kind: 'schema', names: [schema] }) : null;
    const [had, has] = [was.get(key), is.get(key)];
    return had?.join() === has?.join() ? [] : [changeOf('grant', body(had), body(has))];
  });
  const memberships = [...new Set([...old.edges, ...now.edges])].flatMap((edge): Change[] => {
    const [member = '', role = ''] = edge.split(' ');
    const inherit = (state: State) => !isOf(users, edge) || state.active.has(edge);
    const body = (state: State) => (state.edges.has(edge) ? membershipOf(member, role, { inherit: inherit(state) }) : null);
    const [before, after] = [body(old), body(now)];
    return before?.inherit === after?.inherit ? [] : [changeOf('membership', before, after)];
  });
  return [...grants, ...memberships];
};

/** One user has one default role on MariaDB. */
export const fits = ({ users }: Cast, { active }: State, flavour: Server['flavour']): boolean =>
  flavour === 'mysql' || users.every((user) => [...active].filter((edge) => edge.startsWith(`${user} `)).length < 2);
