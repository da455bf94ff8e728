import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { declare } from '../../src/manifest/declare.ts';
import { manifestYaml } from '../../src/manifest/import/yaml.ts';
import { jsonProblem } from '../../src/manifest/json.ts';
import { type ReadOptions, readManifest } from '../../src/manifest/validate.ts';
import type { Finding } from '../../src/model/finding.ts';

const FROM: ReadOptions = { from: 'postgres-user-manager', stack: 'acme/access' };
const IN_RDS: ReadOptions = { ...FROM, rds: { cluster: 'shop', region: 'eu-west-1', user: 'rolecall' } };
const JANE = { username: 'jane', enabled: true, can_login: true };
const READERS = { name: 'readers', inherit: true };

const read = (value: unknown, options: ReadOptions = FROM) =>
  readManifest([{ path: 'config.json', text: typeof value === 'string' ? value : JSON.stringify(value, null, 2) }], options);
const told = (findings: readonly Finding[]): string[] => findings.map(({ severity, code }) => `${severity} ${code}`);

/** The YAML of a file that can be read; it is itself a manifest without errors, and means the same. */
const yamlOf = (value: unknown, options: ReadOptions = FROM): string => {
  const { manifest, findings } = read(value, options);
  if (!manifest) return expect.fail(JSON.stringify(findings));
  const yaml = manifestYaml(manifest.content, []);
  const again = readManifest([{ path: 'access.yaml', text: yaml }]);
  expect(again.findings.filter(({ severity }) => severity === 'error')).toEqual([]);
  const [as, was] = [again.manifest!, manifest].map((one) => declare(one, 'postgres', { asOf: '2026-01-01T00:00:00Z' }));
  expect(plain(as)).toEqual(plain(was));
  return yaml;
};
/** Without the places, which are another file's. */
const plain = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (key, part) => (key === 'source' || key === 'at' ? undefined : part instanceof Map ? [...part] : part)));
const body = (yaml: string): string => yaml.slice(yaml.search(/^(existing|groups|users):/m));

describe('a user of postgres-user-manager', () => {
  test.each([
    ['without anything else', {}, 'auth: password'],
    ['that is not enabled', { enabled: false }, 'auth: password\nenabled: false'],
    ['that cannot log in', { can_login: false }, 'auth: password\nenabled: false'],
    ['with a description', { description: 'jane: of "sales" # 1' }, `description: 'jane: of "sales" # 1'\nauth: password`],
    ['that logs in by IAM', { auth_method: 'iam' }, 'auth: iam'],
    [
      'with the ARN of an IAM role',
      { auth_method: 'iam', iam_role: 'arn:aws:iam::123456789012:role/app' },
      'auth: iam\nprincipals: [arn:aws:iam::123456789012:role/app]',
    ],
    ['with the name of an IAM role', { auth_method: 'iam', iam_role: 'app' }, 'auth: iam\nprincipals: [role/app]'],
    ['that names rds_iam itself', { auth_method: 'iam', groups: ['rds_iam'] }, 'auth: iam'],
    ['with a limit', { connection_limit: 7 }, 'auth: password\nconnection_limit: 7'],
    ['with the limit 0, which is none', { connection_limit: 0 }, 'auth: password'],
    ['with the limit -1, which is none', { connection_limit: -1 }, 'auth: password'],
    ['with lists that Go left empty', { groups: null, privileges: null, databases: null }, 'auth: password'],
    ['with a group, twice', { groups: ['readers', 'readers'] }, 'auth: password\ngroups: [readers]'],
    ['with a role of the server as its group', { groups: ['pg_monitor'] }, 'auth: password\ngroups: [pg_monitor]'],
    ['with a reference for its password', { password: '${env:JANE}' }, 'auth: password\npassword: ${env:JANE}'],
    [
      'that may connect to two databases',
      { privileges: ['CONNECT', 'temp'], databases: ['shop', 'odd.name'] },
      `auth: password\ngrants:\n  - privileges: [connect, temporary]\n    databases: [shop, '"odd.name"']`,
    ],
    [
      'with everything on a database',
      { privileges: ['ALL PRIVILEGES', 'CREATE'], databases: ['shop'] },
      'auth: password\ngrants:\n  - privileges: [all]\n    databases: [shop]',
    ],
    [
      'with privileges in one text',
      { privileges: ['CONNECT, CREATE'], databases: ['shop'] },
      'auth: password\ngrants:\n  - privileges: [connect, create]\n    databases: [shop]',
    ],
    ['that reads', { privileges: ['CONNECT', 'SELECT'], databases: ['shop'] }, 'auth: password\nread: [shop.public]'],
    [
      'that writes, and makes temporary tables',
      { privileges: ['CONNECT', 'USAGE', 'SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TEMPORARY'], databases: ['shop'] },
      'auth: password\nwrite: [shop.public]\ngrants:\n  - privileges: [temporary]\n    databases: [shop]',
    ],
    [
      'with what no profile has',
      { privileges: ['CONNECT', 'SELECT', 'TRUNCATE', 'EXECUTE'], databases: ['shop'] },
      [
        'auth: password',
        'grants:',
        '  - privileges: [connect]',
        '    databases: [shop]',
        '  - privileges: [select, truncate]',
        '    tables: public.*',
        '    database: shop',
        '  - privileges: [usage]',
        '    schemas: public',
        '    database: shop',
        '  - privileges: [execute]',
        '    routines: public.*',
        '    database: shop',
      ].join('\n'),
    ],
    ['with databases alone', { databases: ['shop'] }, 'auth: password'],
  ])('%s', (_name, user, expected) => {
    const users = [{ ...JANE, ...user }];
    expect(body(yamlOf({ users, groups: [READERS] }, IN_RDS))).toBe(
      `groups:\n  readers: {}\nusers:\n  jane:\n${expected.replace(/^/gm, '    ')}\n`,
    );
  });

  test('has a name that stays what it is, whatever YAML would make of it', () => {
    const names = [
      '<<',
      'true',
      '123',
      'null',
      'a: b',
      '#x',
      '__proto__',
      'constructor',
      'Ünï',
      '"q"',
      "it's",
      ' lead',
      '-',
      '~',
      '*a',
      '&a',
      '!t',
      '%',
      '@',
    ];
    const yaml = yamlOf({ users: names.map((username) => ({ ...JANE, username })) });
    expect(Object.keys(read({ users: names.map((username) => ({ ...JANE, username })) }).manifest!.content.users!).sort()).toEqual(
      [...names].sort(),
    );
    expect(yaml).toContain('"<<":');
  });
});

describe('the file as a whole', () => {
  test('is a manifest with a target of the environment, from which nothing is taken away', () => {
    const users = [{ ...JANE, privileges: ['CONNECT'], databases: ['shop', 'audit'] }];
    expect(yamlOf({ users, groups: [] })).toMatch(
      /^version: 1\nstack: acme\/access\ntargets:\n {2}postgres:\n {4}engine: postgres\n {4}endpoint: env\n {4}databases: \[audit, shop\]\n {4}manage: additive\n/,
    );
  });

  test('is a manifest with a target in RDS and an account, where that is said', () => {
    const users = [{ ...JANE, auth_method: 'iam', iam_role: 'arn:aws:iam::123456789012:role/app' }];
    expect(yamlOf({ users }, IN_RDS)).toContain(
      [
        'targets:',
        '  postgres:',
        '    engine: postgres',
        '    rds:',
        '      cluster: shop',
        '      region: eu-west-1',
        '    login:',
        '      user: rolecall',
        '      auth: iam',
        '    manage: additive',
        'iam:',
        '  account: "123456789012"',
        'users:',
      ].join('\n'),
    );
  });

  test('asks for no policy where nobody says which server it is, and says so', () => {
    const { manifest, findings } = read({ users: [{ ...JANE, auth_method: 'iam', iam_role: 'app' }] });
    expect(told(findings)).toEqual(['warning import/no-policy']);
    expect(manifest!.content.users).toMatchObject({ jane: { auth: 'iam' } });
  });

  test('without a stack is named after the file, and says so', () => {
    const { manifest, findings } = read({ users: [JANE] }, { from: 'postgres-user-manager' });
    expect(manifest!.content.stack).toBe('postgres-user-manager/config');
    expect(told(findings)).toEqual(['warning import/stack']);
  });

  test('gives its users to a manifest beside it, whose targets are then meant', () => {
    const access = {
      path: 'access.yaml',
      text: 'version: 1\nstack: acme/access\ntargets: { shop: { engine: postgres, endpoint: env } }\n',
    };
    const { manifest, findings } = readManifest([{ path: 'config.json', text: JSON.stringify({ users: [JANE] }) }, access]);
    expect(told(findings)).toEqual([]);
    expect(Object.keys(manifest!.content.targets)).toEqual(['shop']);
    expect([...declare(manifest!, 'shop', { asOf: '2026-01-01T00:00:00Z' }).roles.keys()]).toEqual(['jane']);
  });

  test('is told from a manifest that is written as JSON', () => {
    const text = JSON.stringify({
      version: 1,
      stack: 'acme/access',
      targets: { t: { engine: 'postgres', endpoint: 'env' } },
      users: { jane: {} },
    });
    const { manifest, findings } = readManifest([{ path: 'access.json', text }]);
    expect(findings).toEqual([]);
    expect(Object.keys(manifest!.content.users!)).toEqual(['jane']);
  });

  test('is the same YAML in whatever order its users stand', () => {
    const users = ['carol', 'alice', 'bob'].map((username) => ({ ...JANE, username }));
    expect(yamlOf({ users })).toBe(yamlOf({ users: [...users].reverse() }));
  });
});

describe('what is noticed', () => {
  test.each([
    ['a group that nothing describes', { ...JANE, groups: ['raeders'] }, 'warning import/existing', 4, `did you mean 'readers'?`],
    ['a flag that is left out', { username: 'jane', enabled: true }, 'warning import/left-out', 3, 'write "can_login": true or false'],
    ['privileges without a database', { ...JANE, privileges: ['CONNECT'] }, 'warning import/no-database', 7, undefined],
    ['an IAM role beside a password', { ...JANE, iam_role: 'app' }, 'warning import/ignored', 7, undefined],
  ])('%s', (_name, user, expected, line, hint) => {
    const { manifest, findings } = read({ users: [user], groups: [READERS] });
    expect(manifest).not.toBeNull();
    expect(told(findings)).toEqual([expected]);
    expect(findings[0]!.source!.line).toBeGreaterThanOrEqual(line);
    expect(findings[0]!.hint).toBe(hint);
  });

  test('a group of the server is left alone, and users can be in it', () => {
    const { manifest, findings } = read({
      users: [{ ...JANE, groups: ['rds_superuser'] }],
      groups: [{ ...READERS, name: 'rds_superuser' }],
    });
    expect(told(findings)).toEqual(['warning import/server-role']);
    expect(manifest!.content.groups).toBeUndefined();
    expect(manifest!.content.users!.jane!.groups).toEqual(['rds_superuser']);
  });
});

describe('what is refused, with its place', () => {
  const at = ({ findings }: ReturnType<typeof read>): string[] =>
    findings
      .filter(({ severity }) => severity === 'error')
      .map(({ source, code, message, hint }) => `${source!.line}:${source!.column} ${code} ${message}${hint ? ` · ${hint}` : ''}`);

  test.each([
    ['no JSON', '{\n  "users": [}\n', `2:13 manifest/json not valid JSON: expected a value or ']'`],
    ['a comma too much', '{"users": [],}', '1:14 manifest/json not valid JSON: expected a key in double quotes'],
    ['text that does not end', '{"users": "x\n}', '1:11 manifest/json not valid JSON: expected text that ends on its line'],
    ['YAML', 'users: []', '1:1 manifest/json not valid JSON: expected a value'],
    ['an empty file', ' ', '1:2 manifest/json not valid JSON: expected a value'],
    ['a list', '[]', '1:1 import/type the file is a list, expected a map with users and groups'],
    ['nothing of it', '{}', `1:1 import/missing the file has neither 'users' nor 'groups'`],
    [
      'an unknown section',
      '{"users": [], "gruops": []}',
      `1:15 import/unknown-key unknown key 'gruops' in the file · did you mean 'groups'?`,
    ],
    ['a map of users', '{"users": {}}', `1:11 import/type 'users' is a map, expected a list`],
    ['a user that is text', '{"users": ["jane"]}', `1:12 import/type 'users[0]' is text, expected a map`],
    ['a user without a name', '{"users": [{}]}', `1:12 import/missing 'users[0]' has no 'username'`],
    [
      'an unknown key',
      '{"users": [{"username": "jane", "enabld": true}]}',
      `1:33 import/unknown-key unknown key 'enabld' in 'users[0]' · did you mean 'enabled'?`,
    ],
    [
      'a key in other letters',
      '{"users": [{"username": "jane", "Enabled": true}]}',
      `1:33 import/unknown-key unknown key 'Enabled' in 'users[0]' · did you mean 'enabled'?`,
    ],
    [
      'a flag in quotes',
      '{"users": [{"username": "jane", "enabled": "true"}]}',
      `1:44 import/type 'enabled' of 'users[0]' is text, expected true or false`,
    ],
    [
      'a fraction as a limit',
      '{"users": [{"username": "jane", "connection_limit": 1.5}]}',
      `1:53 import/type 'connection_limit' of 'users[0]' is a number, expected a whole number`,
    ],
    [
      'a number among groups',
      '{"users": [{"username": "jane", "groups": ["a", 7]}]}',
      `1:49 import/type 'groups.1' of 'users[0]' is a number, expected text`,
    ],
    [
      'a limit below -1',
      '{"users": [{"username": "jane", "connection_limit": -2}]}',
      `1:53 import/value 'connection_limit' is -2, expected at least -1`,
    ],
    [
      'another way to log in',
      '{"users": [{"username": "jane", "auth_method": "IAM"}]}',
      `1:48 import/value 'auth_method' is 'IAM', expected iam or password · did you mean 'iam'?`,
    ],
    [
      'an ARN that is no role',
      '{"users": [{"username": "jane", "auth_method": "iam", "iam_role": "arn:aws:iam::1:user/x"}]}',
      `1:67 import/value 'iam_role' is 'arn:aws:iam::1:user/x', expected an IAM role's ARN or name · such as arn:aws:iam::123456789012:role/orders-api`,
    ],
    [
      'a privilege that there is not',
      '{"users": [{"username": "jane", "privileges": ["CONECT"], "databases": ["x"]}]}',
      `1:48 import/unknown-privilege privilege 'CONECT' is unknown, expected one of CREATE, CONNECT, TEMPORARY, ALL, SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER, MAINTAIN, USAGE, EXECUTE · did you mean 'CONNECT'?`,
    ],
    [
      'the same user twice',
      '{"users": [{"username": "jane"},\n{"username": "jane"}]}',
      `2:1 import/declared-twice 'jane' stands twice in 'users', first as 'users[0]'`,
    ],
    ['the same key twice', '{"users": [],\n"users": []}', `2:1 manifest/duplicate-key 'users' stands twice in one map, first on line 1`],
    [
      'a name that PostgreSQL reserves',
      '{"users": [{"username": "pg_jane"}]}',
      `1:25 manifest/name 'pg_jane' begins with 'pg_', which PostgreSQL reserves, expected another name · such roles can be referenced without declaring them`,
    ],
    [
      'a user as a group',
      '{"users": [{"username": "jane", "groups": ["john"]},\n{"username": "john"}]}',
      `1:44 manifest/unknown-group 'john' is a user, and 'jane' can be in groups only · declare a group that both are in`,
    ],
  ])('%s', (_name, text, expected) => {
    const refused = read(text);
    expect(refused.manifest).toBeNull();
    expect(at(refused)).toEqual([expected]);
  });

  test('nothing of what a broken file holds is repeated', () => {
    for (const text of ['{"users": [{"password": "hunter2" "x": 1}]}', '{"users": [{"password": hunter2}]}', '{"password": "hunter2"']) {
      expect(JSON.stringify(read(text).findings)).not.toContain('hunter2');
    }
  });
});

describe('a password that is written out', () => {
  const users = ['jane', 'Jane', '1st', 'jane doe'].map((username) => ({ ...JANE, username, password: 'hunter2' }));
  const allowed: ReadOptions = { ...FROM, allowPlaintextPasswords: true };

  test('is an error at its place, which does not repeat it', () => {
    const { manifest, findings } = read({ users });
    expect(manifest).toBeNull();
    expect(told(findings)).toEqual(Array(4).fill('error import/password'));
    expect(JSON.stringify(findings)).not.toContain('hunter2');
  });

  test('never gets into the manifest when it is allowed: each user has a variable of its own', () => {
    const { manifest, findings } = read({ users }, allowed);
    const yaml = yamlOf({ users }, allowed);
    expect(yaml + JSON.stringify(findings)).not.toContain('hunter2');
    const variables = Object.entries(manifest!.content.users!).map(([name, { password }]) => [name, password]);
    expect(Object.fromEntries(variables)).toEqual({
      jane: '${env:JANE_PASSWORD}',
      Jane: '${env:JANE_PASSWORD_2}',
      '1st': '${env:_1ST_PASSWORD}',
      'jane doe': '${env:JANE_DOE_PASSWORD}',
    });
    expect(findings.map(({ message }) => message)).toContain(
      "the password of 'jane' is left out: set JANE_PASSWORD to it when the user is created",
    );
  });

  test('is not even referred to for a user that logs in by IAM', () => {
    const { manifest, findings } = read({ users: [{ ...JANE, auth_method: 'iam', password: 'hunter2' }] }, allowed);
    expect(told(findings)).toEqual(['warning import/ignored']);
    expect(manifest!.content.users!.jane!.password).toBeUndefined();
  });
});

test('JSON is what JSON.parse takes, and nothing else', () => {
  const takes = (text: string): boolean => {
    try {
      JSON.parse(text);
      return true;
    } catch {
      return false;
    }
  };
  const pieces = fc.array(
    fc.constantFrom('{', '}', '[', ']', ',', ':', '"a"', '"\\u00e9\\n"', '1', '-0.5e3', '01', 'true', 'null', 'x', ' ', '\n', "'"),
  );
  fc.assert(fc.property(fc.json(), (text) => jsonProblem(text) === null));
  fc.assert(
    fc.property(pieces, (parts) => (jsonProblem(parts.join('')) === null) === takes(parts.join(''))),
    { numRuns: 2000 },
  );
});
