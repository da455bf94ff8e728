import { expect, test } from 'vitest';
import { fixReport } from '../../src/core/fix-admin.ts';
import type { Evidence, SessionFacts, TargetFacts } from '../../src/model/checkup.ts';
import { fixSql } from '../../src/render/fix-admin.ts';

const TARGET: TargetFacts = {
  name: 'orders',
  engine: 'postgres',
  now: 0,
  login: 'rolecall',
  asked: false,
  by: 'password',
  tokens: true,
  inAws: true,
  withPolicies: false,
  endpoint: null,
};
const SESSION: SessionFacts = {
  user: 'rolecall',
  version: '17.4',
  tls: null,
  readOnly: false,
  superuser: false,
  createrole: true,
  iamPath: null,
  hasIamRole: true,
  notAdministered: [],
  perGrantor: true,
};
const of = (session: Partial<SessionFacts>, target: Partial<TargetFacts> = {}): Evidence => ({
  target: { ...TARGET, ...target },
  session: { value: { ...SESSION, ...session } },
});
const MYSQL = { account: "'rolecall'@'%'" };
const sql = (...evidence: Evidence[]): readonly string[] =>
  fixSql(fixReport({ evidence, lost: [] }))
    .trimEnd()
    .split('\n');
const statements = (lines: readonly string[]): readonly string[] => lines.filter((line) => !line.startsWith('--') && line !== '');

test.each<[string, Evidence, readonly string[]]>([
  ['nothing', of({}), []],
  ['nothing of a superuser', of({ superuser: true, createrole: false, notAdministered: ['a'] }), []],
  ['CREATEROLE, before 16 as well', of({ createrole: false, perGrantor: false }), ['ALTER ROLE "rolecall" CREATEROLE;']],
  [
    'ADMIN on each role',
    of({ createrole: false, notAdministered: ['a"b', 'c'] }),
    [
      'ALTER ROLE "rolecall" CREATEROLE;',
      'GRANT "a""b" TO "rolecall" WITH ADMIN OPTION, INHERIT FALSE, SET FALSE;',
      'GRANT "c" TO "rolecall" WITH ADMIN OPTION, INHERIT FALSE, SET FALSE;',
    ],
  ],
  [
    'names that cannot be seen, as escapes',
    of({ notAdministered: ['a\nb\u202e'] }),
    ['GRANT U&"a\\+00000ab\\+00202e" TO "rolecall" WITH ADMIN OPTION, INHERIT FALSE, SET FALSE;'],
  ],
  ['nothing on MySQL', of(MYSQL, { engine: 'mysql' }), []],
  [
    'what MySQL wants',
    of(
      { ...MYSQL, createrole: false, lacking: ["GRANT SELECT ON mysql.* TO 'rolecall'@'%'"], notAdministered: ['dba'] },
      { engine: 'mysql' },
    ),
    [
      "GRANT CREATE USER ON *.* TO 'rolecall'@'%';",
      "GRANT SELECT ON mysql.* TO 'rolecall'@'%';",
      "GRANT SYSTEM_USER ON *.* TO 'rolecall'@'%';",
    ],
  ],
  [
    'what MariaDB wants',
    of({ ...MYSQL, lacking: ["GRANT `g` TO 'rolecall'@'%' WITH ADMIN OPTION"] }, { engine: 'mariadb' }),
    ["GRANT `g` TO 'rolecall'@'%' WITH ADMIN OPTION;"],
  ],
])('lacking: %s', (_name, evidence, expected) => {
  const lines = sql(evidence);
  expect(statements(lines)).toEqual(expected);
  expect(lines[0]).toMatch(
    expected.length === 0 ? /^-- target orders: 'rolecall' lacks nothing/ : /^-- target orders: what 'rolecall' lacks/,
  );
});

test('a name of MySQL that cannot be seen is not pasted by mistake', () => {
  const lines = sql(of({ ...MYSQL, lacking: ["GRANT `g\u202e` TO 'rolecall'@'%' WITH ADMIN OPTION"] }, { engine: 'mariadb' }));
  expect(statements(lines)).toEqual([]);
  expect(lines.at(-1)).toMatch(/^-- cannot be pasted/);
});

test('what rds_iam may do to the login itself is said, where it has a password', () => {
  const warned = (evidence: Evidence): boolean => sql(evidence).some((line) => line.includes('its password useless'));
  expect(warned(of({ notAdministered: ['rds_iam'] }))).toBe(true);
  expect(warned(of({ notAdministered: ['rds_iam'] }, { by: 'iam' }))).toBe(false);
  expect(warned(of({ notAdministered: ['other'] }))).toBe(false);
});

test('a target that could not be asked lacks nothing that is known, and stays unread', () => {
  const unread: Evidence = { target: TARGET, session: { unread: 'the password is wrong\nDROP TABLE x', hint: 'set another' } };
  const lost = [{ target: 'gone', check: 'found', status: 'unread', message: 'no such cluster' }] as const;
  const report = fixReport({ evidence: [unread, of({}, { name: 'other' })], lost });
  expect(report.unread).toEqual([
    { target: 'gone', message: 'no such cluster' },
    { target: 'orders', message: 'the password is wrong\nDROP TABLE x', hint: 'set another' },
  ]);
  expect(fixSql(report)).toBe(
    "-- target orders: not known, the password is wrong\\nDROP TABLE x\n\n-- target other: 'rolecall' lacks nothing to administer the declared roles\n\n-- target gone: not known, no such cluster\n",
  );
});
