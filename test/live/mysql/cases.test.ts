import { beforeAll, describe, expect, test } from 'vitest';
import { isError } from '../../../src/model/finding.ts';
import type { Flavour, Version } from '../../lab/mysql/builds.ts';
import { eachMysql } from '../../lab/mysql/versions.ts';
import { applyOn, planOn } from './scenario.ts';

/** What somebody did on the server, what the manifest says, and what comes of it. */
type Case = {
  readonly name: string;
  /** Run by the superuser, one statement each; the master administers the roles that are made. */
  readonly given: readonly string[];
  readonly manifest: string;
  /** Of the plan, without what marks accounts; roles as MySQL writes them, which MariaDB has without a host. */
  readonly sql: readonly string[];
  /** Findings that the plan has among others. */
  readonly codes?: readonly string[];
  /** Findings for which nothing is done. */
  readonly errors?: readonly string[];
  /** What somebody can do after it: the first column of the answer, or the number of the error. */
  readonly ends?: { readonly user: string; readonly asks: string; readonly gets: unknown };
  /** Run by the superuser at the end. */
  readonly undo?: readonly string[];
  readonly only?: readonly Version[] | Flavour;
};

const PASSWORD = "IDENTIFIED BY 'Case-Pass-1'";
const person = (name: string, rest: string) => `users:\n  ${name}: { auth: password, ${rest} }\n`;

const CASES: readonly Case[] = [
  {
    name: 'a schema gets a row of its own beside a pattern that is kept: what the pattern gave there is granted too',
    given: [`CREATE USER u67 ${PASSWORD}`, 'GRANT SELECT ON `my%`.* TO u67'],
    manifest: person('u67', 'manage: additive, grants: [{ privileges: [insert], schemas: my_db }]'),
    sql: ["GRANT INSERT, SELECT ON `my\\_db`.* TO 'u67'@'%'"],
    ends: { user: 'u67', asks: 'SELECT COUNT(*) FROM my_db.a_b', gets: 0 },
  },
  {
    name: 'an unescaped row is no grant on the schema of that name: the escaped one comes first',
    given: [`CREATE USER u68 ${PASSWORD}`, 'GRANT SELECT ON `my_db`.* TO u68'],
    manifest: person('u68', 'grants: [{ privileges: [select], schemas: my_db }]'),
    sql: ["GRANT SELECT ON `my\\_db`.* TO 'u68'@'%'", "REVOKE SELECT ON `my_db`.* FROM 'u68'@'%'"],
    ends: { user: 'u68', asks: 'SELECT COUNT(*) FROM myXdb.one', gets: 1142 },
  },
  {
    name: 'names of tables are literal',
    given: [`CREATE USER u69 ${PASSWORD}`],
    manifest: person('u69', 'grants: [{ privileges: [select], tables: my_db.a_b }]'),
    sql: ["GRANT SELECT ON `my_db`.`a_b` TO 'u69'@'%'"],
    ends: { user: 'u69', asks: 'SELECT COUNT(*) FROM my_db.a_b', gets: 0 },
  },
  {
    name: 'what nobody holds is not revoked',
    given: [`CREATE USER u70 ${PASSWORD}`, 'GRANT SELECT ON `my\\_db`.* TO u70'],
    manifest: person('u70', 'grants: [{ privileges: [select], schemas: my_db }]'),
    sql: [],
  },
  {
    name: 'a login by IAM where the server has no plugin for it',
    given: [],
    manifest: 'users:\n  u72: { auth: iam }\n',
    sql: [],
    errors: ['account/no-iam-plugin'],
  },
  {
    name: 'an anonymous account takes logins',
    given: ["CREATE USER ''@'localhost'", `CREATE USER u73 ${PASSWORD}`],
    manifest: person('u73', 'groups: []'),
    sql: [],
    codes: ['account/anonymous'],
    undo: ["DROP USER ''@'localhost'"],
  },
  {
    name: 'a role that was granted and is not active at login',
    only: 'mysql',
    given: ['CREATE ROLE r74', 'GRANT SELECT ON `my\\_db`.* TO r74', `CREATE USER u74 ${PASSWORD}`, 'GRANT r74 TO u74'],
    manifest: `groups: { r74: { grants: [{ privileges: [select], schemas: my_db }] } }\n${person('u74', 'groups: [r74]')}`,
    sql: ["SET DEFAULT ROLE 'r74'@'%' TO 'u74'@'%'"],
    ends: { user: 'u74', asks: 'SELECT COUNT(*) FROM my_db.a_b', gets: 0 },
  },
  {
    name: 'the one default role of MariaDB',
    only: 'mariadb',
    given: [`CREATE USER u75 ${PASSWORD}`],
    manifest: `groups: { r75: { grants: [{ privileges: [select], schemas: my_db }] } }\n${person('u75', 'groups: [r75]')}`,
    sql: ["CREATE ROLE 'r75'", "GRANT SELECT ON `my\\_db`.* TO 'r75'", "GRANT 'r75' TO 'u75'@'%'", "SET DEFAULT ROLE 'r75' FOR 'u75'@'%'"],
    ends: { user: 'u75', asks: 'SELECT COUNT(*) FROM my_db.a_b', gets: 0 },
  },
  {
    name: 'two default roles on MariaDB',
    only: 'mariadb',
    given: [],
    manifest: `groups: { r75a: {}, r75b: {} }\n${person('u75b', 'groups: [r75a, r75b]')}`,
    sql: [],
    errors: ['manifest/default-role'],
  },
  {
    name: 'a default role that was dropped would come back to life with a role of its name',
    only: 'mariadb',
    given: ['CREATE ROLE r76', `CREATE USER u76 ${PASSWORD}`, 'GRANT r76 TO u76', 'SET DEFAULT ROLE r76 FOR u76', 'DROP ROLE r76'],
    manifest: `groups: { r76: { grants: [{ privileges: [select], schemas: my_db }] } }\n${person('u76', 'groups: []')}`,
    sql: ["CREATE ROLE 'r76'", "GRANT SELECT ON `my\\_db`.* TO 'r76'"],
    codes: ['membership/dangling-default'],
    ends: { user: 'u76', asks: 'SELECT CURRENT_ROLE()', gets: null },
  },
  {
    name: 'a default role that was dropped, of somebody who shall be in a new one without having it at login',
    only: 'mariadb',
    given: ['CREATE ROLE r76b', `CREATE USER u76b ${PASSWORD}`, 'GRANT r76b TO u76b', 'SET DEFAULT ROLE r76b FOR u76b', 'DROP ROLE r76b'],
    manifest: `groups: { r76b: {} }\n${person('u76b', 'groups: [{ name: r76b, inherit: false }]')}`,
    sql: ["CREATE ROLE 'r76b'", "GRANT 'r76b' TO 'u76b'@'%'", "SET DEFAULT ROLE NONE FOR 'u76b'@'%'"],
    codes: ['membership/dangling-default'],
    ends: { user: 'u76b', asks: 'SELECT CURRENT_ROLE()', gets: null },
  },
  {
    name: 'who made a role is in it and administers it',
    only: 'mariadb',
    given: ['CREATE ROLE r77 WITH ADMIN master'],
    manifest: 'groups: { r77: {} }\n',
    sql: [],
  },
  {
    name: 'everything is taken away by name, and roles too',
    given: [
      'CREATE ROLE r78',
      `CREATE USER u78 ${PASSWORD}`,
      'GRANT r78 TO u78',
      'GRANT PROCESS ON *.* TO u78',
      'GRANT SELECT ON `my\\_db`.* TO u78',
      'GRANT UPDATE (a) ON shop.orders TO u78',
      'GRANT EXECUTE ON PROCEDURE shop.refund TO u78',
    ],
    manifest: `${person('u78', 'groups: []')}existing: [r78]\n`,
    sql: [
      "REVOKE 'r78'@'%' FROM 'u78'@'%'",
      "REVOKE EXECUTE ON PROCEDURE `shop`.`refund` FROM 'u78'@'%'",
      "REVOKE PROCESS ON *.* FROM 'u78'@'%'",
      "REVOKE SELECT ON `my\\_db`.* FROM 'u78'@'%'",
      "REVOKE UPDATE (`a`) ON `shop`.`orders` FROM 'u78'@'%'",
    ],
  },
  {
    name: 'a mandatory role is there whatever the manifest says',
    only: 'mysql',
    given: ['CREATE ROLE everyone', "SET GLOBAL mandatory_roles = 'everyone'", `CREATE USER u79 ${PASSWORD}`],
    manifest: person('u79', 'groups: []'),
    sql: [],
    codes: ['membership/mandatory'],
    undo: ["SET GLOBAL mandatory_roles = ''"],
  },
  {
    name: 'who is the definer of something is not dropped',
    given: [`CREATE USER u80 ${PASSWORD}`, "CREATE DEFINER = u80@'%' PROCEDURE shop.vat() SELECT 1"],
    manifest: 'groups: { r80: {} }\nremoved: { u80: { drop: true } }\n',
    sql: [],
    errors: ['role/definer'],
    undo: ['DROP PROCEDURE shop.vat'],
  },
  {
    name: 'a grant on a table that is gone would be in force again with a table of its name',
    given: [`CREATE USER u81 ${PASSWORD}`, 'CREATE TABLE shop.gone (i INT)', 'GRANT SELECT ON shop.gone TO u81', 'DROP TABLE shop.gone'],
    manifest: person('u81', 'groups: []'),
    sql: ["REVOKE SELECT ON `shop`.`gone` FROM 'u81'@'%'"],
    codes: ['grant/missing-object'],
  },
  {
    name: 'some privileges with the grant option and some without, by what selectors match',
    given: [`CREATE USER u82 ${PASSWORD}`],
    manifest: person(
      'u82',
      'grants: [{ privileges: [select], tables: "shop.*s", grantable: true }, { privileges: [insert], tables: "shop.o*" }]',
    ),
    sql: [],
    errors: ['grant/mixed-option'],
  },
  {
    name: 'a partial revoke is kept',
    only: 'mysql',
    given: [
      'SET GLOBAL partial_revokes = ON',
      'FLUSH PRIVILEGES',
      `CREATE USER u83 ${PASSWORD}`,
      'GRANT SELECT ON *.* TO u83',
      'REVOKE SELECT ON my_db.* FROM u83',
    ],
    manifest: person('u83', 'connection_limit: 4, grants: [{ privileges: [select], global: true }]'),
    sql: ["ALTER USER 'u83'@'%' WITH MAX_USER_CONNECTIONS 4"],
    codes: ['grant/restriction'],
    ends: { user: 'u83', asks: 'SELECT COUNT(*) FROM my_db.a_b', gets: 1142 },
    undo: ['DROP USER u83', 'SET GLOBAL partial_revokes = OFF', 'FLUSH PRIVILEGES'],
  },
  {
    name: 'a grant on a routine that the server forgets, as it writes names beyond ASCII down wrong',
    given: [`CREATE USER größe ${PASSWORD}`, 'GRANT EXECUTE ON PROCEDURE shop.refund TO größe', 'FLUSH PRIVILEGES'],
    manifest: person('größe', 'grants: [{ privileges: [execute], procedures: shop.refund }]'),
    sql: [],
    errors: ['grant/not-kept'],
    ends: { user: 'größe', asks: 'CALL shop.refund()', gets: 1370 },
  },
  {
    name: 'all privileges on the whole server',
    given: [],
    manifest: 'groups: { r85: { grants: [{ privileges: [all], global: true }] } }\n',
    sql: [],
    errors: ['manifest/unknown-privilege'],
  },
  {
    name: 'a privilege that the master has not to give',
    given: ['CREATE ROLE r85b'],
    manifest: 'groups: { r85b: { grants: [{ privileges: [super, process], global: true }] } }\n',
    sql: [],
    errors: ['grant/not-grantable'],
  },
  {
    name: 'the login that applies',
    given: [],
    manifest: 'users:\n  master: { auth: none, enabled: false }\n',
    sql: [],
    errors: ['guard/self-attribute-change'],
  },
  {
    name: 'one statement is about one account, as MariaDB would do half of it',
    given: [`CREATE USER u89a ${PASSWORD} ACCOUNT LOCK`],
    manifest: 'users:\n  u89a: { auth: none }\n  u89b: { auth: none }\n  u89c: { auth: none }\n',
    sql: ["CREATE USER 'u89b'@'%' ACCOUNT LOCK", "CREATE USER 'u89c'@'%' ACCOUNT LOCK"],
  },
];

/** Without the mark: the stack's name is another's matter. */
const unmarked = (sql: string): string => sql.replace(/ ATTRIBUTE '.*'$/, '');

const isFor = (only: Case['only'], version: Version, flavour: Flavour): boolean =>
  only === undefined || only === flavour || (Array.isArray(only) && only.includes(version));

eachMysql((server, version) => {
  const flavour: Flavour = version.length === 3 ? 'mysql' : 'mariadb';
  beforeAll(async () => {
    await server().query(
      server().superuser,
      ...['my_db', 'myXdb', 'shop'].map((schema) => `CREATE DATABASE ${schema}`),
      ...['my_db.a_b', 'myXdb.one', 'shop.orders', 'shop.tickets'].map((table) => `CREATE TABLE ${table} (a INT)`),
      'CREATE PROCEDURE shop.refund() SELECT 1',
    );
  });

  const ofMaster = (sql: string): readonly string[] => {
    const role = flavour === 'mariadb' ? /^CREATE ROLE (\w+)$/.exec(sql)?.[1] : undefined;
    return role === undefined ? [sql] : [sql, `GRANT ${role} TO master WITH ADMIN OPTION`];
  };
  const written = (sql: string) => (flavour === 'mariadb' ? sql.replace(/('r\d+\w*')@'%'/g, '$1') : sql);

  describe('given on the server, and declared', () => {
    test.each(CASES.filter(({ only }) => isFor(only, version, flavour)))('$name', async (one) => {
      const options = { stack: `case/${one.name.length}` };
      await server().query(server().superuser, ...one.given.flatMap(ofMaster));
      const planned = await planOn(server(), one.manifest, options).then(
        ({ steps, findings }) => ({ sql: steps.map(({ sql }) => unmarked(sql)).filter((sql) => !/^ALTER USER \S+$/.test(sql)), findings }),
        (error: { readonly findings: [] }) => ({ sql: [], findings: error.findings }),
      );
      const codes = planned.findings.map(({ code }) => code);
      const errors = planned.findings.filter(isError).map(({ code }) => code);
      expect({ errors, ...(one.errors ? {} : { sql: planned.sql }) }).toEqual({
        errors: one.errors ?? [],
        ...(one.errors ? {} : { sql: one.sql.map(written) }),
      });
      expect(codes).toEqual(expect.arrayContaining([...(one.codes ?? [])]));
      if (!one.errors) {
        expect((await applyOn(server(), one.manifest, options)).exitCode).toBe(0);
        expect((await planOn(server(), one.manifest, options)).steps).toEqual([]);
      }
      if (one.ends) expect(await asks(one.ends.user, one.ends.asks)).toBe(one.ends.gets);
      if (one.undo) await server().query(server().superuser, ...one.undo);
    });
  });

  const asks = async (user: string, sql: string): Promise<unknown> => {
    try {
      const [row] = await server().query({ user, password: 'Case-Pass-1' }, sql);
      return Object.values(row!)[0];
    } catch (error) {
      return (error as { readonly errno: number }).errno;
    }
  };
});
