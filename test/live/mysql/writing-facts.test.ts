import { beforeAll, beforeEach, expect, test } from 'vitest';
import { eachMysql } from '../../lab/mysql/versions.ts';

/** Statements that run first, and what a query then answers: its rows as lists of values. Every fact begins without any of `u`, `v`, `w`, `r` and `s`. */
type Fact = {
  readonly name: string;
  readonly run: readonly string[];
  readonly ask: string;
  readonly rows: readonly (readonly unknown[])[];
};

const BOTH: readonly Fact[] = [
  {
    name: 'a limit that is not named stays',
    run: ['CREATE USER u WITH MAX_QUERIES_PER_HOUR 5 MAX_USER_CONNECTIONS 3', 'ALTER USER u WITH MAX_QUERIES_PER_HOUR 6'],
    ask: "SELECT max_questions, max_user_connections FROM mysql.user WHERE User = 'u'",
    rows: [[6, 3]],
  },
  {
    name: 'the grant option of a row is for all of its words',
    run: ['CREATE USER u', 'GRANT SELECT ON shop.* TO u', 'GRANT INSERT ON shop.* TO u WITH GRANT OPTION'],
    ask: "SELECT Select_priv, Insert_priv, Grant_priv FROM mysql.db WHERE User = 'u'",
    rows: [['Y', 'Y', 'Y']],
  },
  {
    name: 'words and option go in one statement, and leave no row',
    run: ['CREATE USER u', 'GRANT SELECT ON shop.* TO u WITH GRANT OPTION', 'REVOKE SELECT, GRANT OPTION ON shop.* FROM u'],
    ask: "SELECT COUNT(*) FROM mysql.db WHERE User = 'u'",
    rows: [[0]],
  },
  {
    name: 'a row whose words went may hold the option alone',
    run: ['CREATE USER u', 'GRANT SELECT ON shop.* TO u WITH GRANT OPTION', 'REVOKE SELECT ON shop.* FROM u'],
    ask: "SELECT Select_priv, Grant_priv FROM mysql.db WHERE User = 'u'",
    rows: [['N', 'Y']],
  },
  {
    name: 'what was granted on a table that is gone can be revoked',
    run: [
      'CREATE USER u',
      'CREATE TABLE shop.gone (a INT)',
      'GRANT SELECT ON shop.gone TO u',
      'DROP TABLE shop.gone',
      'REVOKE SELECT ON shop.gone FROM u',
    ],
    ask: "SELECT COUNT(*) FROM mysql.tables_priv WHERE User = 'u'",
    rows: [[0]],
  },
];

const ROLES = ['CREATE USER u', 'CREATE ROLE r', 'CREATE ROLE s', 'GRANT r TO u', 'GRANT s TO u'];

const MYSQL: readonly Fact[] = [
  {
    name: 'an attribute is merged: a null deletes its key',
    run: [
      `CREATE USER u ATTRIBUTE '{"other": 1, "ours": {"a": 1, "b": 2}}'`,
      `ALTER USER u ATTRIBUTE '{"comment": "text", "ours": {"a": null, "c": 3}}'`,
    ],
    ask: "SELECT CAST(ATTRIBUTE AS CHAR) FROM information_schema.user_attributes WHERE USER = 'u'",
    rows: [['{"ours": {"b": 2, "c": 3}, "other": 1, "comment": "text"}']],
  },
  {
    name: 'GRANT of a role without ADMIN leaves the option as it is',
    run: ['CREATE USER u', 'CREATE ROLE r', 'GRANT r TO u WITH ADMIN OPTION', 'GRANT r TO u'],
    ask: "SELECT WITH_ADMIN_OPTION FROM mysql.role_edges WHERE TO_USER = 'u'",
    rows: [['Y']],
  },
  {
    name: 'REVOKE takes a role out of the default ones',
    run: ['CREATE USER u', 'CREATE ROLE r', 'GRANT r TO u', 'SET DEFAULT ROLE r TO u', 'REVOKE r FROM u'],
    ask: "SELECT COUNT(*) FROM mysql.default_roles WHERE USER = 'u'",
    rows: [[0]],
  },
  {
    name: 'one REVOKE takes several roles of MySQL, and leaves the others active',
    run: [...ROLES, 'CREATE ROLE v', 'GRANT v TO u', 'SET DEFAULT ROLE r, s, v TO u', 'REVOKE r, s FROM u'],
    ask: "SELECT FROM_USER, DEFAULT_ROLE_USER FROM mysql.role_edges JOIN mysql.default_roles ON USER = TO_USER WHERE TO_USER = 'u'",
    rows: [['v', 'v']],
  },
  {
    name: 'a new name keeps roles and what is active at login',
    run: ['CREATE USER u', 'CREATE ROLE r', 'GRANT r TO u', 'SET DEFAULT ROLE r TO u', 'RENAME USER u TO v', 'RENAME USER v TO w'],
    ask: "SELECT TO_USER, DEFAULT_ROLE_USER FROM mysql.role_edges JOIN mysql.default_roles ON USER = TO_USER WHERE TO_USER = 'w'",
    rows: [['w', 'r']],
  },
  {
    name: 'a password is hashed by the plugin that the account has',
    run: ["CREATE USER u IDENTIFIED WITH sha256_password BY 'First-1234'", "ALTER USER u IDENTIFIED BY 'Second-1234'"],
    ask: "SELECT plugin FROM mysql.user WHERE User = 'u'",
    rows: [['sha256_password']],
  },
  {
    name: 'GRANT OPTION by itself on *.* is for every dynamic privilege too',
    run: ['CREATE USER u', 'GRANT XA_RECOVER_ADMIN ON *.* TO u', 'GRANT GRANT OPTION ON *.* TO u'],
    ask: "SELECT WITH_GRANT_OPTION FROM mysql.global_grants WHERE USER = 'u'",
    rows: [['Y']],
  },
  {
    name: 'the option granted with a static word is not for dynamic ones',
    run: ['CREATE USER u', 'GRANT XA_RECOVER_ADMIN ON *.* TO u', 'GRANT PROCESS ON *.* TO u WITH GRANT OPTION'],
    ask: "SELECT WITH_GRANT_OPTION FROM mysql.global_grants WHERE USER = 'u'",
    rows: [['N']],
  },
  {
    name: 'REVOKE GRANT OPTION on *.* takes the option of dynamic privileges from their table',
    run: ['CREATE USER u', 'GRANT PROCESS, XA_RECOVER_ADMIN ON *.* TO u WITH GRANT OPTION', 'REVOKE GRANT OPTION ON *.* FROM u'],
    ask: "SELECT WITH_GRANT_OPTION FROM mysql.global_grants WHERE USER = 'u'",
    rows: [['N']],
  },
  {
    name: 'REVOKE GRANT OPTION on *.* leaves the option of dynamic privileges in force',
    run: ['CREATE USER u', 'GRANT PROCESS, XA_RECOVER_ADMIN ON *.* TO u WITH GRANT OPTION', 'REVOKE GRANT OPTION ON *.* FROM u'],
    ask: 'SHOW GRANTS FOR u',
    rows: [['GRANT PROCESS ON *.* TO `u`@`%`'], ['GRANT XA_RECOVER_ADMIN ON *.* TO `u`@`%` WITH GRANT OPTION']],
  },
];

const MARIADB: readonly Fact[] = [
  {
    name: 'REVOKE leaves the default role of MariaDB behind',
    run: ['CREATE USER u', 'CREATE ROLE r', 'GRANT r TO u', 'SET DEFAULT ROLE r FOR u', 'REVOKE r FROM u'],
    ask: "SELECT default_role FROM mysql.user WHERE User = 'u'",
    rows: [['r']],
  },
  {
    name: 'MariaDB takes the ADMIN option of a role alone',
    run: ['CREATE USER u', 'CREATE ROLE r', 'GRANT r TO u WITH ADMIN OPTION', 'REVOKE ADMIN OPTION FOR r FROM u'],
    ask: "SELECT Admin_option FROM mysql.roles_mapping WHERE User = 'u'",
    rows: [['N']],
  },
  {
    name: 'a name without a host is a role of MariaDB where there is one',
    run: ['CREATE ROLE r', "CREATE USER r@'%'", "GRANT SELECT ON shop.* TO 'r'", "GRANT INSERT ON shop.* TO 'r'@'%'"],
    ask: "SELECT Host, Select_priv, Insert_priv FROM mysql.db WHERE User = 'r' ORDER BY Host",
    rows: [
      ['', 'Y', 'N'],
      ['%', 'N', 'Y'],
    ],
  },
];

/** Facts about writing to MySQL and MariaDB by themselves, without a line of ours: docs/facts.md names them. */
eachMysql((server, version) => {
  const isMysql = version.length === 3;
  beforeAll(async () => void (await server().query(server().superuser, 'CREATE DATABASE shop')));
  beforeEach(async () => {
    const users = ['u', 'v', 'w', ...(isMysql ? [] : ["r@'%'"])];
    await server().query(server().superuser, ...users.map((user) => `DROP USER IF EXISTS ${user}`), 'DROP ROLE IF EXISTS r, s');
  });

  test.each([...BOTH, ...(isMysql ? MYSQL : MARIADB)])('$name', async ({ run, ask, rows }) => {
    const found = await server().query(server().superuser, ...run, ask);
    expect(found.map((row) => Object.values(row))).toEqual(rows);
  });

  test.runIf(!isMysql)('a REVOKE of MariaDB takes one role alone', async () => {
    const run = (...sql: readonly string[]) => server().query(server().superuser, ...sql);
    await run(...ROLES);
    await expect(run('REVOKE r, s FROM u')).rejects.toMatchObject({ errno: 1064 });
  });

  test.runIf(isMysql)('a second password of MySQL outlives a change of the first, until it is discarded', async () => {
    const opens = async () => {
      const tries = ['First-1234', 'Second-1234', 'Third-1234'].map((password) => server().query({ user: 'u', password }, 'SELECT 1'));
      return (await Promise.allSettled(tries)).map(({ status }) => status === 'fulfilled');
    };
    const run = (sql: string) => server().query(server().superuser, sql);
    await run("CREATE USER u IDENTIFIED BY 'First-1234'");
    await run("ALTER USER u IDENTIFIED BY 'Second-1234' RETAIN CURRENT PASSWORD");
    expect(await opens()).toEqual([true, true, false]);
    await run("ALTER USER u IDENTIFIED BY 'Third-1234'");
    expect(await opens()).toEqual([true, false, true]);
    await run('ALTER USER u DISCARD OLD PASSWORD');
    expect(await opens()).toEqual([false, false, true]);
  });

  test.runIf(isMysql)('a server of MySQL that validates passwords takes no account without one', async () => {
    await server().query(server().superuser, "INSTALL COMPONENT 'file://component_validate_password'");
    try {
      await expect(server().query(server().superuser, 'CREATE USER u ACCOUNT LOCK')).rejects.toMatchObject({ errno: 1819 });
      await server().query(server().superuser, 'CREATE ROLE r');
    } finally {
      await server().query(server().superuser, "UNINSTALL COMPONENT 'file://component_validate_password'");
    }
  });
});
