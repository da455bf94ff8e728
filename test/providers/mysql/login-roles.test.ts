import { expect, test } from 'vitest';
import type { Change } from '../../../src/model/change.ts';
import { statements } from '../../../src/providers/mysql/statements/index.ts';
import { accountOf, changeOf, declaredOf, grantOf, membershipOf, snapshotOf } from './world.ts';

const SNAPSHOT = snapshotOf(
  {},
  {
    accounts: [accountOf('u'), accountOf('r', { kind: 'role' })],
    edges: [{ member: 'u', role: 'r', admin: false }],
    defaultRoles: [{ member: 'u', role: 'r' }],
  },
);
const shop = (privileges: readonly string[]) => grantOf('r', privileges, { kind: 'schema', names: ['shop'] });
const sqlOf = (changes: readonly Change[], snapshot = SNAPSHOT) => statements(changes, snapshot, declaredOf()).steps.map(({ sql }) => sql);

test('who stays in a role and no longer has it at login has not what it gains', () => {
  expect(
    sqlOf([
      changeOf('grant', null, shop(['SELECT'])),
      changeOf('membership', membershipOf('u', 'r'), membershipOf('u', 'r', { inherit: false })),
    ]),
  ).toEqual(["SET DEFAULT ROLE NONE TO 'u'@'%'", "GRANT SELECT ON `shop`.* TO 'r'@'%'"]);
});

test('who stays in a role and has it at login from now on never had what it loses', () => {
  expect(
    sqlOf(
      [
        changeOf('grant', shop(['INSERT', 'SELECT']), shop(['INSERT'])),
        changeOf('membership', membershipOf('u', 'r', { inherit: false }), membershipOf('u', 'r')),
      ],
      { ...SNAPSHOT, defaultRoles: [] },
    ),
  ).toEqual(["REVOKE SELECT ON `shop`.* FROM 'r'@'%'", "SET DEFAULT ROLE 'r'@'%' TO 'u'@'%'"]);
});

test('the default role of MariaDB that gives way to another gives nothing new meanwhile', () => {
  const roles = ['r', 's'].map((name) => ({ ...accountOf(name, { kind: 'role' }), host: '' }));
  const snapshot = { ...SNAPSHOT, server: { ...SNAPSHOT.server, flavour: 'mariadb' as const }, accounts: [accountOf('u'), ...roles] };
  expect(sqlOf([changeOf('grant', null, shop(['SELECT'])), changeOf('membership', null, membershipOf('u', 's'))], snapshot)).toEqual([
    "GRANT 's' TO 'u'@'%'",
    "SET DEFAULT ROLE 's' FOR 'u'@'%'",
    "GRANT SELECT ON `shop`.* TO 'r'",
  ]);
});
