import { expect, test } from 'vitest';
import { mysql } from '../../../src/providers/mysql/index.ts';
import { accountOf, declaredOf, declaredRole, snapshotOf } from './world.ts';

test('who logs in by IAM is known by the name that it will have', () => {
  const byIam = { options: { ...accountOf('x').options, auth: 'iam' as const } };
  const accounts = [
    accountOf('master'),
    accountOf('old', byIam),
    accountOf('kept@10.%', byIam),
    accountOf('shut', { ...byIam, locked: true }),
    accountOf('password'),
  ];
  const declared = declaredOf({ ...declaredRole('new'), renamedFrom: 'old' }, declaredRole('kept@10.%'));
  expect([...mysql.logins!(snapshotOf({}, { accounts }), declared)].sort()).toEqual(['kept@10.%', 'new']);
});
