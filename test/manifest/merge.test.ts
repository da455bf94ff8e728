import { describe, expect, test } from 'vitest';
import { readManifest } from '../../src/manifest/validate.ts';
import { HEAD } from './small.ts';

const findings = (files: Readonly<Record<string, string>>): string[] =>
  readManifest(Object.entries(files).map(([path, text]) => ({ path, text }))).findings.map(
    ({ source, code, message }) => `${source?.file}:${source?.line}:${source?.column} ${code} ${message}`,
  );

const USERS = 'users:\n  jane: {}\n';

describe('files of one manifest', () => {
  test('add up, and each finding names its own file', () => {
    const files = {
      'access/a.yaml': HEAD,
      'access/b.yaml': `${USERS}existing: [owner]\ndefaults:\n  - { created_by: [owner], to: jane, privileges: [select], objects: tables }\n`,
      'access/c.yaml':
        'version: 1\nusers:\n  joe: { groups: [raeder] }\nexisting: [dbt]\ndefaults:\n  - { created_by: [dbtt], to: jane, privileges: [select], objects: tables }\n',
      'access/d.yaml': '# nothing yet\n',
      'access/e.yaml': 'groups:\n  reader: {}\n',
    };
    expect(findings(files)).toEqual([
      `access/c.yaml:3:19 manifest/unknown-group group 'raeder' of 'joe' is declared by nothing`,
      `access/c.yaml:6:20 manifest/unknown-role role 'dbtt' is used here, and nothing declares it`,
    ]);
  });

  test.each<[string, Readonly<Record<string, string>>, readonly string[]]>([
    ['a user', { a: `${HEAD}${USERS}`, b: USERS }, [`b:2:3 manifest/declared-twice 'jane' of 'users' is declared twice, first at a:6:3`]],
    [
      'a user and a group',
      { a: `${HEAD}${USERS}`, b: 'groups:\n  jane: {}\n' },
      [`a:6:3 manifest/declared-twice 'jane' is a user here and a group at b:2:3`],
    ],
    [
      'the stack',
      { a: `${HEAD}${USERS}`, b: 'stack: acme/other\n' },
      [`b:1:1 manifest/declared-twice 'stack' is declared twice, first at a:2:1`],
    ],
    [
      'the targets',
      { a: `${HEAD}${USERS}`, b: 'targets: {}\n' },
      [`b:1:1 manifest/declared-twice 'targets' is declared twice, first at a:3:1`],
    ],
    [
      'another version',
      { a: `${HEAD}${USERS}`, b: 'version: 2\n' },
      [`b:1:1 manifest/declared-twice 'version' is declared twice, first at a:1:1`],
    ],
  ])('may not declare %s twice: both places are named', (_name, files, expected) => {
    expect(findings(files)).toEqual(expected);
  });

  test('keep stack, targets, iam and guard together', () => {
    expect(findings({ a: `${HEAD}${USERS}`, b: 'guard: { max_removals: 1 }\n' })).toEqual([
      `b:1:1 manifest/one-file 'guard' stands here and 'stack' at a:2:1, expected both in one file`,
    ]);
  });

  test('are all read for their syntax before anything else is said', () => {
    expect(
      findings({ a: `${HEAD}user: {}\n`, b: 'users: [\n', c: 'users: {a: 1, a: 2}\n' }).map((line) => line.split(' ').slice(0, 2)),
    ).toEqual([
      ['b:2:1', 'manifest/yaml'],
      ['c:1:15', 'manifest/duplicate-key'],
    ]);
  });

  test('of other shapes are named', () => {
    expect(findings({ a: `${HEAD}${USERS}`, b: '- users\n', c: 'users: 3\n' })).toEqual([
      'b:1:1 manifest/type a manifest is a map, this is a list',
      `c:1:1 manifest/declared-twice 'users' is declared twice, first at a:5:1`,
    ]);
  });
});
