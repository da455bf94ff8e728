import { beforeAll, beforeEach, expect, test } from 'vitest';
import type { Mysql } from '../../lab/mysql/server.ts';
import { eachMysql } from '../../lab/mysql/versions.ts';
import { isAllowed } from './access-oracle.ts';

/** Which rows count for a login: plain SQL on every server, no line of ours. */
const SCHEMAS = ['my_db', 'myxdb', 'orders'];
const ACCOUNTS = ["u@'%'", "u@'127.0.0.1'", "''@'%'", 'victim'];
const ROLES = ['r', 's'];

eachMysql((server, version) => {
  const isMysql = (): boolean => server().flavour === 'mysql';
  const run = async (...statements: readonly string[]): Promise<void> => void (await server().query(server().superuser, ...statements));
  beforeAll(async () => {
    for (const schema of SCHEMAS) await run(`CREATE DATABASE ${schema}`, `CREATE TABLE ${schema}.t (i int)`);
  });
  beforeEach(async () => {
    if (isMysql()) await run("SET GLOBAL mandatory_roles = ''");
    await run(...ACCOUNTS.map((account) => `DROP USER IF EXISTS ${account}`), ...ROLES.map((role) => `DROP ROLE IF EXISTS ${role}`));
    if (isMysql()) await run('SET GLOBAL partial_revokes = OFF', 'FLUSH PRIVILEGES');
    await run("CREATE USER u@'%'", 'CREATE USER victim', ...ROLES.map((role) => `CREATE ROLE ${role}`));
  });
  const join = async (...roles: readonly string[]): Promise<void> => {
    await run(...roles.map((role) => `GRANT ${role} TO u@'%'`));
    await run(isMysql() ? `SET DEFAULT ROLE ${roles.join()} TO u@'%'` : `SET DEFAULT ROLE ${roles[0]} FOR u@'%'`);
  };
  const words = async (schema: string): Promise<string> => allowed(server(), schema);

  test('of the rows that match a schema one counts, the most specific', async () => {
    await run('GRANT SELECT ON `my%`.* TO u', 'GRANT INSERT ON `my\\_db`.* TO u', 'GRANT UPDATE ON `%`.* TO u');
    expect(await words('my_db')).toBe('INSERT');
    expect(await words('myxdb')).toBe('SELECT');
    expect(await words('orders')).toBe('UPDATE');
  });

  test('patterns are ranked by their first wildcard on MySQL, and by how much they can match on MariaDB', async () => {
    await run('GRANT SELECT ON `my%`.* TO u', 'GRANT INSERT ON `m%_db`.* TO u');
    expect(await words('my_db')).toBe(isMysql() ? 'SELECT' : 'INSERT');
  });

  test('of two patterns with the first wildcard at one place MySQL takes that granted first, and after a restart the one that sorts first', async () => {
    await run('GRANT INSERT ON `my_db`.* TO u', 'GRANT SELECT ON `my%`.* TO u');
    expect(await words('my_db')).toBe('INSERT');
    await run('FLUSH PRIVILEGES');
    expect(await words('my_db')).toBe(isMysql() ? 'SELECT' : 'INSERT');
  });

  test('with an active role MySQL takes the row whose text sorts first, the widest pattern most often', async () => {
    await run('GRANT SELECT ON `my%`.* TO u', 'GRANT INSERT ON `my\\_db`.* TO u', 'GRANT UPDATE ON `%`.* TO u');
    await join('r');
    expect(await words('my_db')).toBe(isMysql() ? 'UPDATE' : 'INSERT');
  });

  test('with an active role a pattern of MySQL counts before a name with an underscore, and after one without, whoever has it', async () => {
    await run('GRANT SELECT ON `%`.* TO r', 'GRANT INSERT ON `my\\_db`.* TO u', 'GRANT INSERT ON orders.* TO u');
    await join('r');
    expect(await words('my_db')).toBe(isMysql() ? 'SELECT' : 'SELECT INSERT');
    expect(await words('orders')).toBe(isMysql() ? 'INSERT' : 'SELECT INSERT');
  });

  test('what roles of roles have counts as what the role has', async () => {
    await run('GRANT r TO s', 'GRANT SELECT ON orders.* TO r', 'GRANT INSERT ON orders.* TO s');
    await join('s');
    expect(await words('orders')).toBe('SELECT INSERT');
  });

  test('rows for a wider host of the user count for its narrower account, unless a role of MySQL is active', async () => {
    await run("CREATE USER u@'127.0.0.1'", "GRANT SELECT ON orders.* TO u@'%'", "GRANT DELETE ON myxdb.t TO u@'%'");
    expect(await words('orders')).toBe('SELECT');
    expect(await words('myxdb')).toBe('DELETE');
    await run("GRANT INSERT ON orders.* TO u@'127.0.0.1'");
    expect(await words('orders')).toBe('INSERT');
    await run("GRANT r TO u@'127.0.0.1'", isMysql() ? "SET DEFAULT ROLE r TO u@'127.0.0.1'" : "SET DEFAULT ROLE r FOR u@'127.0.0.1'");
    expect(await words('myxdb')).toBe(isMysql() ? '' : 'DELETE');
  });

  test('rows of the anonymous user on schemas count for everybody', async () => {
    await run("CREATE USER ''@'%'", "GRANT SELECT ON orders.* TO ''@'%'", "GRANT SELECT ON myxdb.t TO ''@'%'");
    expect(await words('orders')).toBe('SELECT');
    expect(await words('myxdb')).toBe('');
    await join('r');
    expect(await words('orders')).toBe(isMysql() ? '' : 'SELECT');
  });

  test('a grant option goes with every privilege that is held on the place, whichever row it stands in', async () => {
    await run('GRANT DELETE ON orders.* TO u', 'GRANT INSERT ON orders.t TO u WITH GRANT OPTION');
    expect(await can(server(), 'GRANT DELETE ON orders.t TO victim')).toBe(true);
    expect(await can(server(), 'GRANT DELETE ON orders.* TO victim')).toBe(false);
  });

  if (version === '10.11' || version === '11.8') {
    test('on MariaDB the account, its role and PUBLIC are asked one by one, and what they have adds up', async () => {
      await run('GRANT SELECT ON `%`.* TO r', 'GRANT INSERT ON `my\\_db`.* TO u', 'GRANT UPDATE ON `my%`.* TO PUBLIC');
      await join('r');
      expect(await words('my_db')).toBe('SELECT INSERT UPDATE');
      await run('REVOKE UPDATE ON `my%`.* FROM PUBLIC');
    });

    test('a default role that MariaDB no longer grants to the account is not active', async () => {
      await run('GRANT SELECT ON orders.* TO r');
      await join('r');
      await run("REVOKE r FROM u@'%'");
      expect(await words('orders')).toBe('');
    });
    return;
  }

  test('a mandatory role of MySQL is active from login on where the server has activate_mandatory_roles, else not', async () => {
    await run('GRANT SELECT ON orders.* TO r', "SET GLOBAL mandatory_roles = 'r'");
    expect(await words('orders')).toBe(version === '9.7' ? 'SELECT' : '');
  });

  test('with partial_revokes wildcards are characters, from the next reading of the grant tables on', async () => {
    await run('GRANT SELECT ON `my_db`.* TO u', 'SET GLOBAL partial_revokes = ON', 'FLUSH PRIVILEGES');
    expect(await words('my_db')).toBe('SELECT');
    expect(await words('myxdb')).toBe('');
  });

  test('a restriction takes what everybody whose rows count is restricted in', async () => {
    await run('SET GLOBAL partial_revokes = ON', 'GRANT SELECT ON *.* TO u', 'REVOKE SELECT ON orders.* FROM u');
    expect(await words('orders')).toBe('');
    await run('GRANT SELECT ON *.* TO r');
    await join('r');
    expect(await words('orders')).toBe('SELECT');
    await run('REVOKE SELECT ON orders.* FROM r');
    expect(await words('orders')).toBe('');
  });

  test('a role’s row on the schema lifts a restriction when the name has no underscore', async () => {
    await run(
      'SET GLOBAL partial_revokes = ON',
      'GRANT SELECT ON *.* TO u',
      'REVOKE SELECT ON orders.* FROM u',
      'REVOKE SELECT ON my_db.* FROM u',
    );
    await run('GRANT SELECT ON orders.* TO r', 'GRANT SELECT ON my_db.* TO r');
    await join('r');
    expect(await words('orders')).toBe('SELECT');
    expect(await words('my_db')).toBe('');
  });
});

const PROBES: Readonly<Record<string, string>> = {
  SELECT: 'SELECT i FROM SCHEMA.t',
  INSERT: 'INSERT INTO SCHEMA.t (i) VALUES (1)',
  UPDATE: 'UPDATE SCHEMA.t SET i = 1',
  DELETE: 'DELETE FROM SCHEMA.t',
};

/** What `u` can do on the table of a schema, in words. */
const allowed = async (server: Mysql, schema: string): Promise<string> => {
  const client = await server.connect({ user: 'u', password: '' });
  const found: string[] = [];
  for (const [word, sql] of Object.entries(PROBES)) {
    if (await isAllowed(client, sql.replace('SCHEMA', schema))) found.push(word);
  }
  await client.end();
  return found.join(' ');
};

const can = async (server: Mysql, sql: string): Promise<boolean> => {
  const client = await server.connect({ user: 'u', password: '' });
  const is = await isAllowed(client, sql);
  await client.end();
  return is;
};
