import { beforeAll, describe, expect, test } from 'vitest';
import type { Declared, Target } from '../../../src/model/declared.ts';
import { Failure } from '../../../src/model/finding.ts';
import { mysqlWords } from '../../../src/model/privilege-mysql.ts';
import { type Connected, connect } from '../../../src/providers/mysql/connect.ts';
import { inspect, inspectOver } from '../../../src/providers/mysql/inspect.ts';
import { tableRows } from '../../../src/providers/mysql/rows.ts';
import type { Snapshot } from '../../../src/providers/mysql/snapshot.ts';
import type { Login } from '../../lab/mysql/server.ts';
import { eachMysql } from '../../lab/mysql/versions.ts';
import { declaredOf } from '../../providers/declared.ts';
import { mysqlTarget } from './target.ts';

const SOURCE = { file: 'access.yaml', line: 1, column: 1 };

eachMysql((server, version) => {
  const isMysql = version === '8.0' || version === '9.7';
  const query = (...statements: readonly string[]) => server().query(server().master, ...statements);
  const asRoot = (...statements: readonly string[]) => server().query(server().superuser, ...statements);
  const read = async (
    rest: Partial<Declared> = {},
    login: Login = server().master,
    more: Partial<Target['login']> = {},
  ): Promise<Snapshot> =>
    await inspect(
      { declared: declaredOf(mysqlTarget(server(), { user: login.user, ...more }), rest), as: more.planUser ? 'plan' : 'apply' },
      { env: { LAB_PASSWORD: login.password }, everybody: true },
    );
  const grantsOf = (snapshot: Snapshot, account: string) =>
    [...snapshot.grants, ...(snapshot.tableGrants ?? []).flatMap(tableRows)]
      .filter((row) => row.account === account)
      .map(({ account: _account, ...row }) => row);
  const accountOf = (snapshot: Snapshot, name: string) => snapshot.accounts.find((account) => account.name === name);

  beforeAll(async () => {
    await query(
      'CREATE DATABASE my_db',
      'CREATE TABLE my_db.t (i int, j int, `a,b` int)',
      'CREATE TABLE my_db.t2 (i int)',
      'CREATE VIEW my_db.v AS SELECT 1 AS x',
      'CREATE PROCEDURE my_db.p() SELECT 1',
      'CREATE FUNCTION my_db.f() RETURNS int DETERMINISTIC NO SQL RETURN 1',
      'CREATE DATABASE `odd``na%me`',
    );
  });

  test('an empty server has the schemas, tables and routines, and the accounts of the system as such', async () => {
    const snapshot = await read();
    expect(snapshot.schemas).toEqual(['my_db', 'odd`na%me']);
    expect(snapshot.tables).toEqual([{ schema: 'my_db', names: ['t', 't2', 'v'] }]);
    expect(snapshot.routines).toEqual([
      { schema: 'my_db', kind: 'function', names: ['f'] },
      { schema: 'my_db', kind: 'procedure', names: ['p'] },
    ]);
    expect(snapshot.accounts.filter(({ system }) => !system).map(({ name }) => name)).toEqual(['master']);
    expect(snapshot.accounts.filter(({ kind }) => kind === 'role').map(({ name }) => name)).toEqual(isMysql ? ['rds_superuser_role'] : []);
    expect(snapshot.unseen).toEqual([]);
  });

  test('the server is told by what it says of itself', async () => {
    const { server: found } = await read();
    expect(found).toMatchObject({
      flavour: isMysql ? 'mysql' : 'mariadb',
      version: Number(
        server()
          .release.split('.')
          .reduce((number, part) => number * 100 + Number(part), 0),
      ),
      currentUser: 'master',
      readOnly: false,
      innodbReadOnly: false,
      lowerCaseTableNames: 0,
      partialRevokes: false,
      activateAllRoles: false,
      mandatoryRoles: [],
      iamPlugin: false,
      rds: true,
    });
    expect(found.versionText).toContain(server().release);
    expect(found.uuid).toBeTruthy();
    expect(found.grantable).toEqual(
      expect.arrayContaining(['CREATE USER', 'PROCESS', 'SELECT', ...(isMysql ? ['ROLE_ADMIN', 'XA_RECOVER_ADMIN'] : [])]),
    );
    for (const word of ['SUPER', 'FILE', 'SHUTDOWN', 'SYSTEM_USER', 'GRANT OPTION']) expect(found.grantable).not.toContain(word);
  });

  test('every level of privilege is read as it was granted', async () => {
    await query(
      "CREATE USER app@'%'",
      "CREATE USER app@'10.%'",
      "GRANT SELECT, SHOW DATABASES ON *.* TO app@'%'",
      ...(isMysql ? ["GRANT ROLE_ADMIN ON *.* TO app@'%'", "GRANT XA_RECOVER_ADMIN ON *.* TO app@'%' WITH GRANT OPTION"] : []),
      "GRANT SELECT, CREATE TEMPORARY TABLES ON `my\\_db`.* TO app@'%'",
      "GRANT INSERT ON `my%`.* TO app@'10.%' WITH GRANT OPTION",
      "GRANT USAGE ON my_db.* TO app@'10.%' WITH GRANT OPTION",
      "GRANT UPDATE, CREATE VIEW, SHOW VIEW ON my_db.t TO app@'%'",
      "GRANT SELECT (i), INSERT (i, `a,b`) ON my_db.t TO app@'%'",
      "GRANT SELECT (i) ON my_db.t2 TO app@'%' WITH GRANT OPTION",
      "GRANT EXECUTE, ALTER ROUTINE ON PROCEDURE my_db.p TO app@'%' WITH GRANT OPTION",
      "GRANT EXECUTE ON FUNCTION my_db.f TO app@'%'",
    );
    await asRoot("GRANT PROXY ON master@'%' TO app@'%'", "GRANT PROXY ON app@'%' TO app@'10.%' WITH GRANT OPTION");
    const snapshot = await read();
    const at = { schema: 'my_db' };
    expect(grantsOf(snapshot, 'app')).toEqual([
      { level: 'column', ...at, relation: 't', name: 'a,b', privileges: ['INSERT'] },
      { level: 'column', ...at, relation: 't', name: 'i', privileges: ['INSERT', 'SELECT'] },
      { level: 'column', ...at, relation: 't2', name: 'i', privileges: ['SELECT*'] },
      { level: 'function', ...at, name: 'f', privileges: ['EXECUTE'] },
      {
        level: 'global',
        schema: null,
        name: null,
        privileges: [...(isMysql ? ['ROLE_ADMIN'] : []), 'SELECT', 'SHOW DATABASES', ...(isMysql ? ['XA_RECOVER_ADMIN*'] : [])],
      },
      { level: 'procedure', ...at, name: 'p', privileges: ['ALTER ROUTINE*', 'EXECUTE*'] },
      { level: 'proxy', schema: null, name: 'master', privileges: ['PROXY'] },
      { level: 'schema', schema: 'my\\_db', name: null, privileges: ['CREATE TEMPORARY TABLES', 'SELECT'] },
      { level: 'table', ...at, name: 't', privileges: ['CREATE VIEW', 'SHOW VIEW', 'UPDATE'] },
    ]);
    expect(grantsOf(snapshot, 'app@10.%')).toEqual([
      // the server gives it along with that of PROXY
      { level: 'global', schema: null, name: null, privileges: ['GRANT OPTION*'] },
      { level: 'proxy', schema: null, name: 'app', privileges: ['PROXY*'] },
      { level: 'schema', schema: 'my%', name: null, privileges: ['INSERT*'] },
      { level: 'schema', schema: 'my_db', name: null, privileges: ['GRANT OPTION*'] },
    ]);
    expect(snapshot.columns).toEqual([
      { schema: 'my_db', table: 't', names: ['i', 'j', 'a,b'] },
      { schema: 'my_db', table: 't2', names: ['i'] },
    ]);
    await query("DROP USER app@'%'", "DROP USER app@'10.%'");
  });

  test('of accounts that a manifest does not concern nothing is kept but their names', async () => {
    await query(
      "CREATE USER app@'%'",
      "CREATE USER app@'10.%'",
      "CREATE USER other1@'%' IDENTIFIED BY 'pw'",
      "CREATE USER other2@'%' ACCOUNT LOCK",
      'CREATE ROLE r1, r2, r3',
      "GRANT r1 TO app@'%'",
      'GRANT r2 TO r1',
      "GRANT r3 TO other1@'%'",
      ...["app@'%'", "app@'10.%'", "other1@'%'", "other2@'%'", 'r1', 'r2', 'r3'].flatMap((grantee) => [
        `GRANT SELECT ON my_db.t TO ${grantee}`,
        `GRANT INSERT (i) ON my_db.t2 TO ${grantee}`,
      ]),
      'GRANT SELECT ON *.* TO r3',
    );
    const declared = declaredOf(mysqlTarget(server()), { existing: new Set(['app']) });
    const options = { env: { LAB_PASSWORD: server().master.password } };
    const part = await inspect({ declared, as: 'plan' }, options);
    const more = await inspect({ declared, also: { ...declared, existing: new Set(['other2']) }, as: 'plan' }, options);
    const whole = await read();
    const ours = ['app', 'app@10.%', 'r1', 'r2'];
    expect(part.accounts.filter(({ system }) => !system).map(({ name }) => name)).toEqual(expect.arrayContaining(ours));
    const [users, groups] = [part.others?.users ?? [], part.others?.groups ?? []];
    // On MariaDB whoever makes a role is in it.
    expect({ users, groups }).toEqual({ users: ['other1'], groups: expect.arrayContaining(['other2', ...(isMysql ? ['r3'] : [])]) });
    expect([...part.accounts.map(({ name }) => name), ...users, ...groups].sort()).toEqual(whole.accounts.map(({ name }) => name).sort());
    for (const name of ours) expect({ name, grants: grantsOf(part, name) }).toEqual({ name, grants: grantsOf(whole, name) });
    for (const name of ['other1', 'other2']) expect(grantsOf(part, name)).toEqual([]);
    expect(grantsOf(more, 'other2')).toEqual(grantsOf(whole, 'other2'));
    await query("DROP USER app@'%', app@'10.%', other1@'%', other2@'%'", 'DROP ROLE r1, r2, r3');
  });

  test('rows on tables are all read, also where they are more than a packet of the server holds', async () => {
    const tables = Array.from({ length: 40 }, (_, index) => `${'t'.repeat(50)}${index}`);
    await query("CREATE USER many@'%' ACCOUNT LOCK", ...tables.map((table) => `GRANT CREATE ON my_db.${table} TO many@'%'`));
    const whole = await read();
    await asRoot('SET GLOBAL max_allowed_packet = 1024');
    const cut = await read();
    await asRoot('SET GLOBAL max_allowed_packet = 16777216');
    expect(grantsOf(whole, 'many')).toHaveLength(tables.length);
    expect(grantsOf(cut, 'many')).toEqual(grantsOf(whole, 'many'));
    // That one alone cuts a text off where a packet ends; then there are none.
    expect(cut.tableGrants).toEqual(version === '10.11' ? [] : whole.tableGrants);
    await query("DROP USER many@'%'");
  });

  test('every word at *.* is read as the server knows it', async () => {
    const words = mysqlWords('global', isMysql ? 'mysql' : 'mariadb', (await read()).server.version);
    const name = (word: string) => `w_${word.toLowerCase().replaceAll(' ', '_')}`.slice(0, 32);
    await asRoot(...words.flatMap((word) => [`CREATE USER ${name(word)}@'%'`, `GRANT ${word} ON *.* TO ${name(word)}@'%'`]));
    const snapshot = await read();
    expect(words.map((word) => [word, grantsOf(snapshot, name(word)).map(({ privileges }) => privileges)])).toEqual(
      words.map((word) => [word, [[word]]]),
    );
    await asRoot(...words.map((word) => `DROP USER ${name(word)}@'%'`));
  });

  test('accounts of any name are read', async () => {
    const names = ["it's", 'a"b`c', 'back\\slash', 'jane@example.com', 'PUBLIC', 'ſnö☃', 'new\nline', 'x'.repeat(32)];
    const text = (name: string) => `'${name.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
    await query(...names.map((name) => `CREATE USER ${text(name)}@'LOCALHOST' ACCOUNT LOCK`));
    const snapshot = await read();
    expect(names.filter((user) => !accountOf(snapshot, `${user}@localhost`))).toEqual([]);
    expect(accountOf(snapshot, 'jane@example.com@localhost')).toMatchObject({ user: 'jane@example.com', host: 'localhost', kind: 'user' });
    await query(...names.map((name) => `DROP USER ${text(name)}@'localhost'`));
  });

  describe('what an account is made with', () => {
    const made: [string, string, object][] = [
      ['nothing', 'ACCOUNT LOCK', { locked: true, options: { auth: 'none', require: 'none' } }],
      ['a password', "IDENTIFIED BY 'pw'", { locked: false, connectionLimit: 0, options: { auth: 'password' } }],
      ['an open door', '', { locked: false, options: { auth: 'other' } }],
      ['TLS', "IDENTIFIED BY 'pw' REQUIRE SSL", { options: { require: 'ssl' } }],
      ['a certificate', "IDENTIFIED BY 'pw' REQUIRE X509", { options: { require: 'x509' } }],
      [
        'a certain certificate',
        "IDENTIFIED BY 'pw' REQUIRE CIPHER 'AES' AND ISSUER '/O=it''s' AND SUBJECT '/CN=a\\\\b'",
        { options: { require: "SUBJECT '/CN=a\\\\b' AND ISSUER '/O=it''s' AND CIPHER 'AES'" } },
      ],
      [
        'limits',
        "IDENTIFIED BY 'pw' WITH MAX_QUERIES_PER_HOUR 1 MAX_UPDATES_PER_HOUR 2 MAX_CONNECTIONS_PER_HOUR 3 MAX_USER_CONNECTIONS 4",
        { connectionLimit: 4, options: { queriesPerHour: 1, updatesPerHour: 2, connectionsPerHour: 3 } },
      ],
      ['a password that lasts', "IDENTIFIED BY 'pw' PASSWORD EXPIRE NEVER", { options: { passwordExpireDays: 0 } }],
      ['a password for a month', "IDENTIFIED BY 'pw' PASSWORD EXPIRE INTERVAL 30 DAY", { options: { passwordExpireDays: 30 } }],
      ['a password for the time the server says', "IDENTIFIED BY 'pw' PASSWORD EXPIRE DEFAULT", { options: { passwordExpireDays: null } }],
      ...(isMysql
        ? ([
            [
              'a lock against guessing',
              "IDENTIFIED BY 'pw' FAILED_LOGIN_ATTEMPTS 3 PASSWORD_LOCK_TIME UNBOUNDED",
              { options: { failedLoginAttempts: 3, passwordLockDays: -1 } },
            ],
            ['a comment', 'COMMENT \'the order "service"\'', { comment: 'the order "service"', mark: null, attributes: false }],
            [
              'a mark among attributes',
              `ATTRIBUTE '{"rolecall": {"stack": "a/b", "pw": 3}, "team": "x", "comment": "c"}'`,
              { comment: 'c', mark: '{"pw":3,"stack":"a/b"}', attributes: true },
            ],
            ['no password plugin', 'IDENTIFIED WITH mysql_no_login', { options: { auth: 'other', plugin: 'mysql_no_login' } }],
          ] satisfies [string, string, object][])
        : ([
            [
              'two doors',
              "IDENTIFIED VIA unix_socket OR mysql_native_password USING PASSWORD('pw')",
              { options: { auth: 'other', plugin: 'unix_socket OR mysql_native_password' } },
            ],
          ] satisfies [string, string, object][])),
    ];

    beforeAll(async () => {
      if (isMysql) await asRoot("INSTALL PLUGIN mysql_no_login SONAME 'mysql_no_login.so'");
    });

    test.each(made)('%s', async (_name, clauses, expected) => {
      await query(`CREATE USER made@'%' ${clauses}`);
      expect(accountOf(await read(), 'made')).toMatchObject({ kind: 'user', system: false, ...expected });
      await query("DROP USER made@'%'");
    });

    test('no stored password is in the snapshot', async () => {
      await query("CREATE USER keeper@'%' IDENTIFIED BY 'c4n4ry'");
      if (isMysql) await query("ALTER USER keeper@'%' IDENTIFIED BY 'c4n4ry-2' RETAIN CURRENT PASSWORD");
      const stored = isMysql
        ? 'authentication_string, User_attributes->>"$.additional_password"'
        : "JSON_VALUE(Priv, '$.authentication_string')";
      const [row] = await query(`SELECT ${stored} FROM mysql.${isMysql ? 'user' : 'global_priv'} WHERE User = 'keeper'`);
      const text = JSON.stringify(await read());
      for (const secret of Object.values(row!) as string[]) {
        expect(secret.length).toBeGreaterThan(40);
        expect(text).not.toContain(JSON.stringify(secret).slice(1, -1));
        expect(text).not.toContain(secret.slice(-40));
      }
      await query("DROP USER keeper@'%'");
    });
  });

  test('roles, who is in them, and which are active from login on', async () => {
    await query(
      'CREATE ROLE reader',
      'CREATE ROLE writer',
      'GRANT SELECT ON my_db.* TO reader',
      "CREATE USER jane@'%' IDENTIFIED BY 'pw'",
      'GRANT reader TO writer',
      "GRANT writer TO jane@'%' WITH ADMIN OPTION",
      ...(isMysql
        ? ["SET DEFAULT ROLE writer TO jane@'%'"]
        : ["SET DEFAULT ROLE writer FOR jane@'%'", "CREATE USER reader@'%' IDENTIFIED BY 'pw'"]),
    );
    const snapshot = await read();
    expect(accountOf(snapshot, 'reader')).toMatchObject({ kind: 'role', host: isMysql ? '%' : '', options: { auth: 'none' } });
    expect(grantsOf(snapshot, 'reader')).toEqual([{ level: 'schema', schema: 'my_db', name: null, privileges: ['SELECT'] }]);
    const ofJane = snapshot.edges.filter(({ member }) => member === 'jane' || member === 'writer');
    expect(ofJane).toEqual([
      { role: 'reader', member: 'writer', admin: false },
      { role: 'writer', member: 'jane', admin: true },
    ]);
    expect(snapshot.defaultRoles.filter(({ member }) => member === 'jane')).toEqual([{ member: 'jane', role: 'writer' }]);
    if (isMysql) expect(snapshot.defaultRoles).toContainEqual({ member: 'master', role: 'rds_superuser_role' });
    else {
      // the user of the same name is another
      expect(accountOf(snapshot, 'reader@%')).toMatchObject({ kind: 'user', user: 'reader', host: '%' });
      expect(snapshot.edges).toContainEqual({ role: 'reader', member: 'master', admin: true });
      await query('DROP ROLE writer', "DROP USER reader@'%'");
      expect((await read()).defaultRoles).toContainEqual({ member: 'jane', role: 'writer' });
    }
    await query(...(isMysql ? ['DROP ROLE reader, writer'] : ['DROP ROLE reader']), "DROP USER jane@'%'");
  });

  test.runIf(isMysql)('negative grants, mandatory roles, and roles that are all active', async () => {
    await query("CREATE USER most@'%' IDENTIFIED BY 'pw'", 'CREATE ROLE `od,d`', "GRANT SELECT, INSERT ON *.* TO most@'%'");
    await asRoot(
      'SET GLOBAL partial_revokes = ON',
      "REVOKE INSERT ON my_db.* FROM most@'%'",
      "SET GLOBAL mandatory_roles = \"`od,d`@`%`, 'plain'@'10.%',bare\"",
      'SET GLOBAL activate_all_roles_on_login = ON',
    );
    const snapshot = await read();
    expect(snapshot.restrictions).toEqual([{ account: 'most', schema: 'my_db', privileges: ['INSERT'] }]);
    expect(snapshot.server).toMatchObject({ partialRevokes: true, activateAllRoles: true, mandatoryRoles: ['bare', 'od,d', 'plain@10.%'] });
    await asRoot("SET GLOBAL mandatory_roles = ''", 'SET GLOBAL activate_all_roles_on_login = OFF', "DROP USER most@'%', `od,d`@`%`");
    await asRoot('SET GLOBAL partial_revokes = OFF');
  });

  test('what runs as an account that shall go, and its sessions', async () => {
    const gone: Login = { user: 'gone', password: 'pw-of-gone' };
    await query(
      `CREATE USER gone@'%' IDENTIFIED BY '${gone.password}'`,
      "CREATE USER gone@'10.%' ACCOUNT LOCK",
      'CREATE DEFINER = gone@`%` PROCEDURE my_db.of_gone() SELECT 1',
      'CREATE DEFINER = gone@`%` VIEW my_db.view_of_gone AS SELECT 1 AS x',
      'CREATE DEFINER = gone@`%` TRIGGER my_db.trigger_of_gone BEFORE INSERT ON my_db.t FOR EACH ROW SET @a = 1',
      'CREATE DEFINER = gone@`10.%` EVENT my_db.event_of_gone ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1',
    ).catch(async (error: unknown) => {
      // a master of MariaDB may make nothing that runs as somebody else
      if (isMysql) throw error;
      await asRoot(
        'CREATE OR REPLACE DEFINER = gone@`%` PROCEDURE my_db.of_gone() SELECT 1',
        'CREATE OR REPLACE DEFINER = gone@`%` VIEW my_db.view_of_gone AS SELECT 1 AS x',
        'CREATE OR REPLACE DEFINER = gone@`%` TRIGGER my_db.trigger_of_gone BEFORE INSERT ON my_db.t FOR EACH ROW SET @a = 1',
        'CREATE OR REPLACE DEFINER = gone@`10.%` EVENT my_db.event_of_gone ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1',
      );
    });
    const sessions = [await server().connect(gone), await server().connect(gone)];
    const removed = [{ name: 'gone', action: 'drop', sessions: 'end', source: SOURCE }] as const;
    const snapshot = await read({ removed });
    expect(snapshot.definers).toEqual([
      { account: 'gone', kind: 'procedure', schema: 'my_db', name: 'of_gone' },
      { account: 'gone', kind: 'trigger', schema: 'my_db', name: 'trigger_of_gone' },
      { account: 'gone', kind: 'view', schema: 'my_db', name: 'view_of_gone' },
      { account: 'gone@10.%', kind: 'event', schema: 'my_db', name: 'event_of_gone' },
    ]);
    expect(snapshot.sessions).toEqual([{ account: 'gone', count: 2 }]);
    expect((await read()).sessions).toEqual([]);
    for (const session of sessions) session.destroy();
    await asRoot(
      'DROP PROCEDURE my_db.of_gone',
      'DROP VIEW my_db.view_of_gone',
      'DROP TRIGGER my_db.trigger_of_gone',
      'DROP EVENT my_db.event_of_gone',
      "DROP USER gone@'%', gone@'10.%'",
    );
  });

  test('a login that may not read is told what to grant; with that it reads the same', async () => {
    const reader: Login = { user: 'plan_reader', password: 'pw-of-reader' };
    await query(`CREATE USER plan_reader@'%' IDENTIFIED BY '${reader.password}'`);
    const refusal = async () => {
      const error = await read({}, reader).then(
        () => expect.fail('it read'),
        (thrown: unknown) => thrown,
      );
      if (!(error instanceof Failure)) throw error;
      expect(error.findings).toMatchObject([{ code: 'inspect/unreadable', target: 'lab' }]);
      return error.findings[0]!.hint!.replace(/^[^:]*: /, '').split('; ');
    };
    const [tables, everywhere] = await refusal();
    await query(tables!);
    expect(await refusal()).toEqual([tables, everywhere]);
    await query(everywhere!);
    const byReader = await read({}, reader, { user: server().master.user, planUser: reader.user });
    const byMaster = await read();
    expect(byReader.unseen).toEqual(isMysql ? ['event', 'routine', 'trigger'] : ['trigger']);
    const routines = isMysql ? [] : byMaster.routines;
    expect(byReader).toEqual({
      ...byMaster,
      routines,
      server: { ...byMaster.server, rds: !isMysql, currentUser: 'plan_reader' },
      unseen: byReader.unseen,
    });
    await query("DROP USER plan_reader@'%'");
  });

  describe('while somebody else changes grants', () => {
    /** Reads, and has an account made with its grant between two of the tables, so many times. */
    const disturbed = async (times: number): Promise<Snapshot> => {
      const target = mysqlTarget(server());
      const connected = await connect(target, { as: 'apply', env: { LAB_PASSWORD: server().master.password } });
      let made = 0;
      // What is asked at once is sent in its order.
      let sent: Promise<unknown> = Promise.resolve();
      const ask: Connected['ask'] = async (sql, values) => {
        sent = sent.then(async () => {
          if (!sql.includes('FROM mysql.tables_priv') || made >= times) return;
          made++;
          await query(`CREATE USER late${made}@'%' ACCOUNT LOCK`, `GRANT SELECT ON my_db.t TO late${made}@'%'`);
        });
        await sent;
        return await connected.ask(sql, values);
      };
      try {
        return await inspectOver({ ...connected, ask }, declaredOf(target), true);
      } finally {
        await connected.close();
        for (let number = 1; number <= made; number++) await query(`DROP USER late${number}@'%'`);
      }
    };

    test('a change is read whole or not at all', async () => {
      const snapshot = await disturbed(1);
      const isThere = accountOf(snapshot, 'late1') !== undefined;
      expect({ isThere, granted: grantsOf(snapshot, 'late1').length }).toEqual(
        isMysql ? { isThere: false, granted: 0 } : { isThere: true, granted: 1 },
      );
    });

    test.runIf(!isMysql)('reading gives up when they never stand still', async () => {
      await expect(disturbed(Number.POSITIVE_INFINITY)).rejects.toMatchObject({ findings: [{ code: 'inspect/moving', target: 'lab' }] });
    });
  });

  test('a server that takes no changes is seen to be one', async () => {
    await asRoot('SET GLOBAL read_only = ON');
    expect((await read()).server.readOnly).toBe(true);
    await asRoot('SET GLOBAL read_only = OFF');
  });
});
