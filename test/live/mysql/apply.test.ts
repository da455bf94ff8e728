import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startChaos } from '../../lab/chaos.ts';
import { RDS_KILL } from '../../lab/mysql/rds.ts';
import type { Mysql } from '../../lab/mysql/server.ts';
import { eachMysql } from '../../lab/mysql/versions.ts';
import { applyOn, planOn, type ScenarioOptions, settle } from './scenario.ts';

const PASSWORDS = { first: 'Fir\'st\\pass "1`', second: 'Second-pass-2', third: 'Third-pass-3' };
const REFERENCE = '"${env:ROLECALL_TEST_APP}"';

const setPassword = (value: string): void => {
  process.env.ROLECALL_TEST_APP = value;
};

/** Whether somebody comes in, and what they can do then: the first column of the answer. */
const asks = async (server: Mysql, user: string, password: string, sql = 'SELECT 1'): Promise<unknown> => {
  try {
    const [row] = await server.query({ user, password }, sql);
    return row === undefined ? 'nothing' : Object.values(row)[0];
  } catch (error) {
    return (error as { readonly errno: number }).errno;
  }
};

const furnish = async (server: Mysql): Promise<void> => {
  await server.query(
    server.superuser,
    ...['orders', 'my_db', 'myXdb'].flatMap((schema) => [
      `CREATE DATABASE ${schema}`,
      `CREATE TABLE ${schema}.one (a INT, b INT)`,
      `INSERT INTO ${schema}.one VALUES (1, 2)`,
    ]),
    'CREATE FUNCTION orders.f() RETURNS INT DETERMINISTIC RETURN 7',
  );
};

eachMysql((server, version) => {
  const mysql = () => server().flavour === 'mysql';
  const apply = (body: string, options: ScenarioOptions = {}) => settle(server(), body, options);
  const remove = (...names: readonly string[]) => apply(`removed: { ${names.map((name) => `"${name}": { drop: true }`).join(', ')} }\n`);
  beforeAll(async () => {
    setPassword(PASSWORDS.first);
    await furnish(server());
  });
  afterEach(() => setPassword(PASSWORDS.first));

  test('who was declared logs in, holds its groups from the first moment, and nothing else', async () => {
    await apply(`
groups:
  readers: { read: [my_db] }
users:
  app: { auth: password, password: ${REFERENCE}, groups: [readers], connection_limit: 5, grants: [{ privileges: [select], tables: orders.one, columns: [a] }] }
`);
    expect({
      read: await asks(server(), 'app', PASSWORDS.first, 'SELECT COUNT(*) FROM my_db.one'),
      like: await asks(server(), 'app', PASSWORDS.first, 'SELECT COUNT(*) FROM myXdb.one'),
      column: await asks(server(), 'app', PASSWORDS.first, 'SELECT a FROM orders.one'),
      other: await asks(server(), 'app', PASSWORDS.first, 'SELECT b FROM orders.one'),
      wrong: await asks(server(), 'app', 'wrong'),
    }).toEqual({ read: 1, like: 1142, column: 1, other: 1143, wrong: 1045 });
    const again = await applyOn(
      server(),
      `groups: { readers: { read: [my_db] } }\nusers:\n  app: { auth: password, password: ${REFERENCE}, groups: [readers], connection_limit: 5, grants: [{ privileges: [select], tables: orders.one, columns: [a] }] }\n`,
    );
    expect(again.result).toMatchObject({ status: 'unchanged', statements: 0 });
    await remove('app', 'readers');
  });

  test('the sessions of a removed user end, and it says how many there were', async () => {
    await apply(`users: { app: { auth: password, password: ${REFERENCE} } }\n`);
    const sessions = [1, 2].map(() => server().connect({ user: 'app', password: PASSWORDS.first }));
    const ended = (await Promise.all(sessions)).map((session) => new Promise((resolve) => session.on('error', resolve)));
    const removed = 'removed: { app: { drop: true } }\n';
    const { result, exitCode } = await applyOn(server(), removed);
    await Promise.all(ended);
    expect({ exitCode, sessions: result.sessions }).toEqual({ exitCode: 0, sessions: [{ role: 'app', before: 2, after: 0 }] });
    expect((await applyOn(server(), removed)).result).not.toHaveProperty('sessions');
  });

  test('without the procedure of RDS the sessions end by KILL, and sessions: keep leaves them alone', async () => {
    const { superuser, query, connect } = server();
    const admin = `${mysql() ? 'CONNECTION_ADMIN' : 'CONNECTION ADMIN'} ON *.*`;
    await query(superuser, 'DROP PROCEDURE mysql.rds_kill', `GRANT ${admin} TO master@'%'`);
    await apply(['one', 'two'].reduce((users, name) => `${users}  ${name}: { auth: password, password: ${REFERENCE} }\n`, 'users:\n'));
    const [one, two] = await Promise.all(['one', 'two'].map((user) => connect({ user, password: PASSWORDS.first })));
    const ended = new Promise((resolve) => one!.on('error', resolve));
    const removed = 'removed: { one: { drop: true, sessions: end }, two: { drop: true, sessions: keep } }\n';
    const { steps } = await planOn(server(), removed);
    const { result, exitCode } = await applyOn(server(), removed);
    await ended;
    expect({ exitCode, sessions: result.sessions }).toEqual({ exitCode: 0, sessions: [{ role: 'one', before: 1, after: 0 }] });
    expect(steps.flatMap(({ sql }) => (/KILL/i.test(sql) ? [sql] : []))).toEqual([expect.stringMatching(/^SELECT CONCAT\('KILL '/)]);
    await two!.query('SELECT 1');
    two!.destroy();
    await query(superuser, `REVOKE ${admin} FROM master@'%'`, RDS_KILL);
  });

  test('odd names are names: quotes, backslashes, wildcards, and what looks like SQL', async () => {
    const names = ["o'neil", 'back\\slash', 'per%cent', 'x` ; DROP', '"q"', '$HOME'];
    await server().query(server().superuser, 'CREATE DATABASE `odd\\_%``"\'name`', 'CREATE TABLE `odd\\_%``"\'name`.`t``1` (`c\\``` INT)');
    await apply(`
groups:
${names.map((name) => `  ${JSON.stringify(`g ${name}`)}: { grants: [{ privileges: [select], schemas: '"odd\\_%\`""''name"' }, { privileges: [insert], tables: '"odd\\_%\`""''name"."t\`1"' }] }`).join('\n')}
users:
${names.map((name) => `  ${JSON.stringify(name)}: { auth: password, password: ${REFERENCE}, groups: [${JSON.stringify(`g ${name}`)}] }`).join('\n')}
`);
    for (const name of names)
      expect({ name, count: await asks(server(), name, PASSWORDS.first, 'SELECT COUNT(*) FROM `odd\\_%``"\'name`.`t``1`') }).toEqual({
        name,
        count: 0,
      });
    await remove(...names.flatMap((name) => [name, `g ${name}`]).map((name) => name.replaceAll('\\', '\\\\').replaceAll('"', '\\"')));
    await server().query(server().superuser, 'DROP DATABASE `odd\\_%``"\'name`');
  });

  describe('passwords', () => {
    const body = (version: number) => `users:\n  app: { auth: password, password: ${REFERENCE}, password_version: ${version} }\n`;
    const opens = async () => ({
      first: await asks(server(), 'app', PASSWORDS.first),
      second: await asks(server(), 'app', PASSWORDS.second),
      third: await asks(server(), 'app', PASSWORDS.third),
    });

    test('a rotation leaves the old one open until the next, where the server can', async () => {
      await apply(body(1));
      setPassword(PASSWORDS.second);
      await apply(body(2), mysql() ? {} : { rotate: ['app'] });
      expect(await opens()).toEqual({ first: mysql() ? 1 : 1045, second: 1, third: 1045 });
      setPassword(PASSWORDS.third);
      await apply(body(3), mysql() ? {} : { rotate: ['app'] });
      expect(await opens()).toEqual({ first: 1045, second: mysql() ? 1 : 1045, third: 1 });
      await remove('app');
    });

    test('one that is asked for by name closes every older one', async () => {
      await apply(body(1));
      setPassword(PASSWORDS.second);
      await apply(body(2), mysql() ? {} : { rotate: ['app'] });
      setPassword(PASSWORDS.third);
      await apply(body(2), { rotate: ['app'] });
      expect(await opens()).toEqual({ first: 1045, second: 1045, third: 1 });
      await remove('app');
    });

    test('who is disabled is out at once, and comes back with the password that it had', async () => {
      await apply(body(1));
      const session = await server().connect({ user: 'app', password: PASSWORDS.first });
      const plan = await apply('users:\n  app: { auth: password, password: "${env:ROLECALL_TEST_APP}", enabled: false }\n');
      expect(plan.steps.map(({ phase }) => phase)).toEqual(['close', 'close']);
      await expect(session.query('SELECT 1')).rejects.toThrow();
      session.destroy();
      expect(await asks(server(), 'app', PASSWORDS.first)).toBe(mysql() ? 3118 : 4151);
      await apply(body(1));
      expect(await asks(server(), 'app', PASSWORDS.first)).toBe(1);
      await remove('app');
    });
  });

  test('limits and TLS are what the manifest says, and what it leaves out is the default', async () => {
    const body = (more: string) => `users:\n  app: { auth: password, password: ${REFERENCE}${more} }\n`;
    const tls = async () => {
      const session = await server().connect({ user: 'app', password: PASSWORDS.first }, { ssl: { rejectUnauthorized: false } });
      session.destroy();
    };
    await apply(
      body(', require: ssl, limits: { queries_per_hour: 7, updates_per_hour: 8, connections_per_hour: 900 }, password_expire: 30'),
    );
    expect(await asks(server(), 'app', PASSWORDS.first)).toBe(1045);
    await tls();
    await apply(body(', require: { subject: "/CN=o\'neil\\\\x", issuer: "/O=a AND b" }, connection_limit: 3, password_expire: never'));
    await expect(tls()).rejects.toMatchObject({ errno: 1045 });
    await apply(body(', require: none'));
    expect(await asks(server(), 'app', PASSWORDS.first)).toBe(1);
    await remove('app');
  });

  test.runIf(version.length === 3)('a server that validates passwords takes strong ones, and the plan says what it is about', async () => {
    await server().query(server().superuser, "INSTALL COMPONENT 'file://component_validate_password'");
    try {
      await apply(`users:\n  app: { auth: password, password: ${REFERENCE} }\n`);
      setPassword('weak');
      const { result } = await applyOn(server(), `users:\n  app: { auth: password, password: ${REFERENCE}, password_version: 2 }\n`);
      expect(result.failed?.message).toMatch(/error 1819.*too weak/);
      expect(JSON.stringify(result)).not.toContain("'weak'");
    } finally {
      await server().query(server().superuser, "UNINSTALL COMPONENT 'file://component_validate_password'");
    }
    await remove('app');
  });

  describe('what is taken away', () => {
    test('the table goes and its columns stay', async () => {
      const wide = `users:\n  app: { auth: password, password: ${REFERENCE}, grants: [{ privileges: [select, insert], tables: orders.one }] }\n`;
      const narrow = `users:\n  app: { auth: password, password: ${REFERENCE}, grants: [{ privileges: [select], tables: orders.one, columns: [a] }, { privileges: [insert], tables: orders.one }] }\n`;
      await apply(wide);
      await server().query(server().superuser, "GRANT SELECT (a, b) ON orders.one TO app@'%'");
      const plan = await apply(narrow);
      expect(plan.findings.map(({ code }) => code)).toContain('plan/lapse');
      expect(await asks(server(), 'app', PASSWORDS.first, 'SELECT a FROM orders.one')).toBe(1);
      expect(await asks(server(), 'app', PASSWORDS.first, 'SELECT b FROM orders.one')).toBe(1143);
      await apply(wide);
      await remove('app');
    });

    test('patterns that somebody granted go, and schemas get rows of their own', async () => {
      const body = `users:\n  app: { auth: password, password: ${REFERENCE}, read: [my_db] }\n`;
      await apply(body);
      await server().query(
        server().superuser,
        "GRANT SELECT, INSERT ON `my%`.* TO app@'%'",
        "GRANT DELETE ON `my_db`.* TO app@'%'",
        "GRANT UPDATE ON `%`.* TO app@'%' WITH GRANT OPTION",
        "GRANT UPDATE ON `my\\_db`.* TO app@'%'",
      );
      await apply(body);
      expect(await asks(server(), 'app', PASSWORDS.first, 'SELECT COUNT(*) FROM my_db.one')).toBe(1);
      expect(await asks(server(), 'app', PASSWORDS.first, 'SELECT COUNT(*) FROM myXdb.one')).toBe(1142);
      await remove('app');
    });

    test('options go without their words, and words without their options', async () => {
      const of = (first: string, second: string) =>
        `users:\n  app: { auth: password, password: ${REFERENCE}, grants: [{ privileges: [${first}], schemas: my_db, grantable: true }, { privileges: [${second}], schemas: orders }, { privileges: [process], global: true, grantable: ${first === 'select'} }] }\n`;
      await apply(of('select', 'insert, update'));
      await apply(of('insert', 'select'));
      await apply(
        `users:\n  app: { auth: password, password: ${REFERENCE}, grants: [{ privileges: [insert, update], schemas: my_db }] }\n`,
      );
      await apply(of('select', 'insert'));
      await remove('app');
    });

    test.runIf(version.length === 3)('dynamic privileges of MySQL lose their options, and the server means it', async () => {
      const of = (grants: string) => `users:\n  app: { auth: password, password: ${REFERENCE}, grants: [${grants}] }\n`;
      await apply(
        of(
          '{ privileges: [process], global: true, grantable: true }, { privileges: [role_admin, xa_recover_admin], global: true, grantable: true }',
        ),
      );
      await apply(
        of(
          '{ privileges: [process], global: true }, { privileges: [xa_recover_admin], global: true, grantable: true }, { privileges: [role_admin], global: true }',
        ),
      );
      const shown = await server().query({ user: 'app', password: PASSWORDS.first }, 'SHOW GRANTS');
      expect(shown.map((row) => Object.values(row)[0])).toEqual([
        'GRANT PROCESS ON *.* TO `app`@`%`',
        'GRANT ROLE_ADMIN ON *.* TO `app`@`%`',
        'GRANT XA_RECOVER_ADMIN ON *.* TO `app`@`%` WITH GRANT OPTION',
      ]);
      await apply(of('{ privileges: [process], global: true }, { privileges: [role_admin, xa_recover_admin], global: true }'));
      // the option of static privileges goes while a dynamic one gets its own, held before or not
      for (const word of ['xa_recover_admin', 'application_password_admin']) {
        await apply(
          of('{ privileges: [process], global: true, grantable: true }, { privileges: [role_admin, xa_recover_admin], global: true }'),
        );
        await apply(of(`{ privileges: [${word}], global: true, grantable: true }`));
      }
      await remove('app');
    });
  });

  describe('roles', () => {
    const body = (admin: boolean, group: string) =>
      `groups: { a: { read: [orders] }, b: { read: [orders, my_db] } }\nusers:\n  app: { auth: password, password: ${REFERENCE}, groups: [{ name: ${group}, admin: ${admin} }] }\n`;

    test('a member moves, gets and loses the ADMIN option, and is what it is at login', async () => {
      await apply(body(true, 'a'));
      await apply(body(false, 'a'));
      expect(await asks(server(), 'app', PASSWORDS.first, 'SELECT COUNT(*) FROM my_db.one')).toBe(1142);
      await apply(body(true, 'b'));
      expect(await asks(server(), 'app', PASSWORDS.first, 'SELECT COUNT(*) FROM my_db.one')).toBe(1);
      await apply(body(false, 'b'));
      expect(await asks(server(), 'app', PASSWORDS.first, 'SELECT COUNT(*) FROM my_db.one')).toBe(1);
      await remove('app', 'a', 'b');
    });

    test("a role that goes and comes back is nobody's", async () => {
      await apply(body(false, 'b'));
      await apply(
        `groups: { a: { read: [orders] } }\nusers:\n  app: { auth: password, password: ${REFERENCE} }\nremoved: { b: { drop: true } }\n`,
      );
      await server().query(server().superuser, 'CREATE ROLE b', 'GRANT SELECT ON my_db.* TO b');
      expect(await asks(server(), 'app', PASSWORDS.first, 'SELECT COUNT(*) FROM my_db.one')).toBe(1142);
      await remove('app', 'a', 'b');
    });
  });

  test('a user that gets another name keeps its password, its groups and its grants', async () => {
    await apply(
      `groups: { a: { read: [orders] } }\nusers:\n  app: { auth: password, password: ${REFERENCE}, groups: [a], read: [my_db] }\n`,
    );
    await apply(
      `groups: { a: { read: [orders] } }\nusers:\n  web: { renamed_from: app, auth: password, password: ${REFERENCE}, groups: [a], read: [my_db] }\n`,
    );
    expect(await asks(server(), 'web', PASSWORDS.first, 'SELECT COUNT(*) FROM orders.one')).toBe(1);
    expect(await asks(server(), 'app', PASSWORDS.first)).toBe(1045);
    await remove('web', 'a');
  });

  describe('what happens meanwhile', () => {
    const body = `users:\n  app: { auth: password, password: ${REFERENCE}, read: [my_db] }\n`;
    /** Applies while the superuser does something just before a statement. */
    const applyWhile = async (statement: RegExp, ...sql: readonly string[]) => {
      let done: Promise<unknown> | undefined;
      const proxy = await startChaos(
        server(),
        (request) => {
          if (done || !statement.test(request.sql)) return undefined;
          done = server().query(server().superuser, ...sql);
          return { delayMs: 300 };
        },
        'mysql',
      );
      try {
        const applied = await applyOn(server(), body, { port: proxy.port, lockTimeoutMs: 10_000 });
        await done;
        return applied;
      } finally {
        await proxy.close();
      }
    };

    test('an account that somebody drops is made again', async () => {
      const { exitCode, result } = await applyWhile(/^ALTER USER .* UNLOCK/, "DROP USER app@'%'");
      expect({ exitCode, residue: result.residue }).toEqual({ exitCode: 0, residue: [] });
      expect(await asks(server(), 'app', PASSWORDS.first, 'SELECT COUNT(*) FROM my_db.one')).toBe(1);
      await remove('app');
    });

    test('a privilege that somebody grants at the same time is no trouble', async () => {
      const { exitCode } = await applyWhile(/^GRANT/, "GRANT SELECT, SHOW VIEW ON `my\\_db`.* TO app@'%'");
      expect(exitCode).toBe(0);
      await remove('app');
    });

    test('a server that takes no more changes is told as that, and the account stays closed', async () => {
      const { exitCode, result } = await applyWhile(/^GRANT/, 'SET GLOBAL read_only = ON');
      await server().query(server().superuser, 'SET GLOBAL read_only = OFF');
      expect({ exitCode, message: result.failed?.message, statements: result.statements }).toEqual({
        exitCode: 5,
        message: expect.stringMatching(/error 1290\).*over the writer/),
        statements: 1,
      });
      expect(await asks(server(), 'app', PASSWORDS.first)).toBe(mysql() ? 3118 : 4151);
      await apply(body);
      expect(await asks(server(), 'app', PASSWORDS.first, 'SELECT COUNT(*) FROM my_db.one')).toBe(1);
      await remove('app');
    });
  });

  test('two at once: the second waits, or says who is at it', async () => {
    const body = `users:\n  app: { auth: password, password: ${REFERENCE} }\n`;
    const both = await Promise.all([
      applyOn(server(), body, { lockTimeoutMs: 30_000 }),
      applyOn(server(), body, { lockTimeoutMs: 30_000 }),
    ]);
    expect(both.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
    expect(both.map(({ result }) => result.statements).sort()).toEqual([0, 2]);
    expect((await planOn(server(), body)).steps).toEqual([]);
    await remove('app');
  });
});

const ODD = `groups: { "g'\\\\\\"": { read: [my_db] } }\nusers:\n  "o'n\\\\x": { auth: password, password: ${REFERENCE}, groups: ["g'\\\\\\""], grants: [{ privileges: [process], global: true }] }\n`;

describe('servers that read SQL in another way', () => {
  eachMysql(
    (server, version) => {
      test('the same manifest makes the same', async () => {
        setPassword(PASSWORDS.first);
        await furnish(server());
        await settle(server(), ODD);
        expect({
          read: await asks(server(), "o'n\\x", PASSWORDS.first, 'SELECT COUNT(*) FROM my_db.one'),
          like: await asks(server(), "o'n\\x", PASSWORDS.first, 'SELECT COUNT(*) FROM myXdb.one'),
        }).toEqual({ read: 1, like: 1142 });
        const rows = await server().query(server().superuser, "SELECT TRIM(Db) AS Db FROM mysql.db WHERE Db LIKE 'my%'");
        expect(rows).toEqual([{ Db: version === '9.7' ? 'my_db' : 'my\\_db' }]);
        await settle(
          server(),
          `users:\n  "o'n\\\\x": { auth: password, password: ${REFERENCE} }\nremoved: { "g'\\\\\\"": { drop: true } }\n`,
        );
        expect(await asks(server(), "o'n\\x", PASSWORDS.first, 'SELECT COUNT(*) FROM my_db.one')).toBe(1142);
      });
    },
    {
      only: ['9.7', '11.8'],
      settings: {
        'sql-mode': 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PAD_CHAR_TO_FULL_LENGTH',
        'loose-partial-revokes': 'ON',
        'loose-activate-all-roles-on-login': 'ON',
      },
    },
  );
});
