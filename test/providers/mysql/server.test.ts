import { expect, test } from 'vitest';
import { accountName } from '../../../src/core/account.ts';
import { everywhere, serverOf } from '../../../src/providers/mysql/server.ts';
import type { SnapshotGrant } from '../../../src/providers/mysql/snapshot.ts';

const nameOf = (user: string, host: string) => accountName({ user, host });
const serverWith = (settings: Record<string, string>) =>
  serverOf(
    {
      flavour: 'mysql',
      version: 80045,
      versionText: '8.0.45',
      settings: new Map(Object.entries(settings)),
      currentUser: 'app@%',
      iamPlugin: false,
      rdsKill: false,
    },
    nameOf,
  );

test.each<[string, readonly string[]]>([
  ['', []],
  ['a', ['a']],
  ['b,a', ['a', 'b']],
  ["'a'@'%', `b c`@`10.%`", ['a', 'b c@10.%']],
  ["'it''s'@LOCALHOST , \"x\"", ["it's@localhost", 'x']],
  ["'a,b'@'%',`c``d`", ['a,b', 'c`d']],
])('mandatory_roles %j', (mandatory_roles, expected) => {
  expect(serverWith({ mandatory_roles }).mandatoryRoles).toEqual(expected);
});

test.each<[Record<string, string>, string | undefined]>([
  [{ default_authentication_plugin: 'mysql_native_password' }, 'mysql_native_password'],
  [{ authentication_policy: '*,,', default_authentication_plugin: 'mysql_native_password' }, 'mysql_native_password'],
  [{ authentication_policy: 'sha256_password,*', default_authentication_plugin: 'caching_sha2_password' }, 'sha256_password'],
  [{ authentication_policy: '*:mysql_native_password,,' }, 'mysql_native_password'],
  [{ authentication_policy: '*,,' }, undefined],
])('new accounts log in by the plugin of %j', (settings, expected) => {
  expect(serverWith(settings).passwordPlugin).toBe(expected);
});

test.each<[string, Record<string, string>, object]>([
  ['a reader of Aurora', { innodb_read_only: 'ON', read_only: 'ON' }, { innodbReadOnly: true, readOnly: true }],
  ['a replica', { read_only: 'ON', super_read_only: 'OFF' }, { innodbReadOnly: false, readOnly: true }],
  ['a MariaDB whose read_only has degrees', { read_only: 'NO_LOCK' }, { readOnly: true }],
  ['a server of RDS by its place', { basedir: '/rdsdbbin/mysql-8.0.45.R1/' }, { rds: true }],
  ['a server of its own', { basedir: '/usr/', read_only: 'OFF' }, { rds: false, readOnly: false }],
])('%s', (_name, settings, expected) => {
  expect(serverWith(settings)).toMatchObject(expected);
});

test('what a login may grant counts its roles, one option for all static words, and one for each dynamic word', () => {
  const row = (account: string, ...privileges: string[]): SnapshotGrant => ({
    account,
    level: 'global',
    schema: null,
    name: null,
    privileges,
  });
  const grants = [
    row('app', 'SELECT*'),
    row('role', 'INSERT', 'ROLE_ADMIN*', 'XA_RECOVER_ADMIN'),
    row('above', 'EVENT'),
    row('other', 'FILE*'),
  ];
  const edges = [
    { role: 'role', member: 'app', admin: false },
    { role: 'above', member: 'role', admin: false },
  ];
  const ofMysql = everywhere('app', { flavour: 'mysql', mandatoryRoles: [] }, { grants, edges, defaultRoles: [] });
  expect(ofMysql.grantable).toEqual(['EVENT', 'INSERT', 'ROLE_ADMIN', 'SELECT']);
  expect([...ofMysql.words].sort()).toEqual(['EVENT', 'INSERT', 'ROLE_ADMIN', 'SELECT', 'XA_RECOVER_ADMIN']);
  const server = { flavour: 'mariadb' as const, mandatoryRoles: [] };
  expect(everywhere('app', server, { grants, edges, defaultRoles: [] }).grantable).toEqual(['SELECT']);
  const defaultRoles = [{ member: 'app', role: 'role' }];
  expect([...everywhere('app', server, { grants, edges, defaultRoles }).words]).toEqual(
    expect.arrayContaining(['EVENT', 'INSERT', 'SELECT']),
  );
});
