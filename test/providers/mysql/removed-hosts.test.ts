import { expect, test } from 'vitest';
import type { DeclaredRemoval } from '../../../src/model/declared.ts';
import { normalize } from '../../../src/providers/mysql/normalize.ts';
import { accountOf, declaredOf, declaredRole, snapshotOf } from './world.ts';

const source = { file: 'access.yaml', line: 1, column: 1 };
const removal = (name: string, rest: Partial<DeclaredRemoval> = {}): DeclaredRemoval => ({
  name,
  action: 'drop',
  sessions: 'end',
  source,
  ...rest,
});

test.each<[string, string[], DeclaredRemoval[], string[]]>([
  ['one account of the name', ['app'], [removal('app', { hostAssumed: true })], []],
  [
    'two, and no host is written',
    ['app', 'app@10.%', 'app@h'],
    [removal('app', { hostAssumed: true })],
    [`'app' under removed is 'app'@'%' alone, and the server has 'app'@'10.%', 'app'@'h': those stay`],
  ],
  [
    'only another one, and no host is written',
    ['app@10.%'],
    [removal('app', { hostAssumed: true })],
    [`'app' under removed is 'app'@'%' alone, and the server has 'app'@'10.%': that one stays`],
  ],
  ['two that are both written', ['app', 'app@10.%'], [removal('app'), removal('app@10.%')], []],
  ['another one, and the host is written', ['app', 'app@10.%'], [removal('app')], []],
  ['another one that is declared', ['app', 'kept@10.%'], [removal('kept', { hostAssumed: true })], []],
])('a removed name that is %s', (_, accounts, removed, expected) => {
  const snapshot = snapshotOf({}, { accounts: ['master', ...accounts].map((name) => accountOf(name)) });
  const { findings } = normalize(snapshot, { ...declaredOf(declaredRole('kept@10.%')), removed });
  const found = findings.filter(({ code }) => code === 'account/removed-host');
  expect(found.map(({ message }) => message)).toEqual(expected);
  expect(found.every(({ severity, hint }) => severity === 'error' && hint?.includes('hosts: ["%"'))).toBe(true);
});

const both = snapshotOf(
  { flavour: 'mariadb' },
  {
    accounts: [
      accountOf('master'),
      accountOf('both', { kind: 'role', host: '', locked: true }),
      accountOf('both@%'),
      accountOf('both@10.%'),
    ],
  },
);
const mariadb = declaredOf(declaredRole('kept'));
const removing = (removed: DeclaredRemoval) =>
  normalize(both, { ...mariadb, target: { ...mariadb.target, engine: 'mariadb' }, removed: [removed] });

test('of a role and users of one name, one without hosts may be either', () => {
  const { findings } = removing(removal('both', { hostAssumed: true }));
  expect(findings.filter(({ code }) => code === 'account/removed-host')).toEqual([
    {
      severity: 'error',
      code: 'account/removed-host',
      message: "'both' under removed may be the role or a user: the server has the role 'both' and 'both'@'%', 'both'@'10.%'",
      hint: 'for the users write hosts: ["%", "10.%"]; the role can be removed when no user has its name',
      source,
    },
  ]);
});

test('a host that is written takes the user, also where a role has its name', () => {
  const { actual, findings } = removing(removal('both'));
  expect([...actual.role!.values()].map(({ name }) => name)).toEqual(['both@%']);
  expect(findings.filter(({ code }) => code === 'account/removed-host')).toEqual([]);
});

test('a host that is written never takes the role, whose user is gone already', () => {
  const alone = { ...both, accounts: both.accounts.filter(({ name }) => name !== 'both@%') };
  const { actual, findings } = normalize(alone, {
    ...mariadb,
    target: { ...mariadb.target, engine: 'mariadb' },
    removed: [removal('both')],
  });
  expect([...actual.role!.keys()]).toEqual([]);
  expect(findings.map(({ message }) => message)).toContain("'both@%' under removed is already gone");
});
