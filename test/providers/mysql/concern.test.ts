import { expect, test } from 'vitest';
import type { DeclaredGrant, DeclaredMembership, DeclaredRemoval } from '../../../src/model/declared.ts';
import { type Bonds, both, type Concern, concernedUsers } from '../../../src/providers/mysql/concern.ts';
import { declaredOf, declaredRole } from './world.ts';

const SOURCE = { file: 'access.yaml', line: 1, column: 1 };

/** A server of these accounts (`name`, or `name mark`), with memberships `role member`. */
const serverOf = (accounts: readonly string[], edges: readonly string[] = [], everybodys: readonly string[] = []): Bonds => ({
  accounts: accounts.map((one) => {
    const [user = '', mark] = one.split(' ');
    return [user, '%', mark === undefined ? 'YN\0' : `YN\0{"rolecall": {"stack": "${mark}"}}\0`];
  }),
  edges: edges.map((one) => {
    const [role = '', member = ''] = one.split(' ');
    return [role, '%', member, '%', 'N'];
  }),
  reader: 'master',
  everybodys,
});

const manifestOf = (...names: readonly string[]): Concern => declaredOf(...names.map((name) => declaredRole(name)));

const OTHERS = ['other1', 'other2', 'other3'];

test.each<[what: string, concern: Concern, bonds: Bonds, users: readonly string[]]>([
  ['declared users, and who reads', manifestOf('app'), serverOf(['app', 'master', ...OTHERS]), ['app', 'master']],
  ['a user at whatever host', manifestOf('app@10.%'), serverOf(['app', ...OTHERS]), ['app', 'app@10.%', 'master']],
  [
    'a user with an @ in its name',
    manifestOf('jane@example.com@%'),
    serverOf(OTHERS),
    ['jane@example.com', 'jane@example.com@%', 'master'],
  ],
  ['another user of that name in another case', manifestOf('app'), serverOf(['APP', ...OTHERS]), ['APP', 'app', 'master']],
  ['what anybody has marked', manifestOf('app'), serverOf(['old acme/access', ...OTHERS]), ['app', 'master', 'old']],
  [
    'what a member is in, over whatever roles',
    manifestOf('app'),
    serverOf(OTHERS, ['r1 app', 'r2 r1', 'r3 other1']),
    ['app', 'master', 'r1', 'r2'],
  ],
  [
    'whoever is in a role, and what else they are in',
    manifestOf('readers'),
    serverOf(OTHERS, ['readers team', 'team other1', 'r2 other1', 'r3 other2']),
    ['master', 'other1', 'r2', 'readers', 'team'],
  ],
  ['memberships in a circle', manifestOf('a'), serverOf(OTHERS, ['a b', 'b a']), ['a', 'b', 'master']],
  [
    'a role of everybody, where it stays as it is',
    manifestOf('app'),
    serverOf(OTHERS, ['r1 common'], ['common']),
    ['app', 'common', 'master', 'r1'],
  ],
])('a plan depends on %s', (_, concern, bonds, users) => {
  const found = concernedUsers(concern, bonds);
  expect([...found!].filter((name) => name !== 'rolecall' && name !== 'rolecall_plan').sort()).toEqual(users);
});

test.each<[what: string, concern: Concern, bonds: Bonds]>([
  ['is declared', manifestOf('common'), serverOf(OTHERS, [], ['common'])],
  ['is marked', manifestOf('app'), serverOf(['common acme/access', ...OTHERS], [], ['common'])],
  ['is in a declared role', manifestOf('readers'), serverOf(OTHERS, ['readers common'], ['common'])],
])('a role of everybody that %s concerns everybody', (_, concern, bonds) => {
  expect(concernedUsers(concern, bonds)).toBeNull();
});

test.each<[what: string, rest: Partial<Concern>]>([
  ['grantees', { grants: [{ grantee: 'named', kind: 'table', name: null } as DeclaredGrant] }],
  ['proxied accounts', { grants: [{ grantee: 'app', kind: 'proxy', name: { text: 'named', literal: true } } as DeclaredGrant] }],
  ['members', { memberships: [{ role: 'r', member: 'named' } as DeclaredMembership] }],
  ['roles of members', { memberships: [{ role: 'named', member: 'm' } as DeclaredMembership] }],
  ['what is removed', { removed: [{ name: 'named@%', action: 'drop', source: SOURCE } as DeclaredRemoval] }],
  ['what exists', { existing: new Set(['named']) }],
  ['old names', { roles: new Map([['new', { ...declaredRole('new'), renamedFrom: 'named' }]]) }],
])('a manifest names %s', (_, rest) => {
  const concern: Concern = { ...declaredOf(), ...rest };
  expect(concernedUsers(concern, serverOf(['named', ...OTHERS]))).toContain('named');
  expect(concernedUsers(both(manifestOf('app'), concern), serverOf(['named', ...OTHERS]))).toContain('named');
  expect(concernedUsers(concern, serverOf(OTHERS))).not.toContain('other1');
});
