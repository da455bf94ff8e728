import net from 'node:net';
import { createConnection } from 'mysql2/promise';
import { beforeAll, describe, expect, test } from 'vitest';
import { readManifest } from '../../../src/manifest/validate.ts';
import { dynamicWords, isDynamic, type MysqlLevel, mysqlWord, mysqlWords } from '../../../src/model/privilege-mysql.ts';
import type { Mysql } from '../../lab/mysql/server.ts';
import { eachMysql } from '../../lab/mysql/versions.ts';

/** Levels by a GRANT of one word. */
const GRANTS: Readonly<Record<Exclude<MysqlLevel, 'proxy'>, (word: string) => string>> = {
  global: (word) => `${word} ON *.*`,
  schema: (word) => `${word} ON words.*`,
  table: (word) => `${word} ON words.t`,
  column: (word) => `${word} (a) ON words.t`,
  routine: (word) => `${word} ON FUNCTION words.f`,
};
/** Words of either flavour, at whichever level. */
const WORDS = [...new Set([...mysqlWords('global', 'mysql'), ...mysqlWords('global', 'mariadb')])].sort();
/** Where every client comes from: an address that a pattern, a netmask and a name can miss. */
const CLIENT = '127.0.0.5';

const numberOf = (release: string): number => {
  const [major = 0, minor = 0, patch = 0] = release.split(/[.-]/).map(Number);
  return major * 10000 + minor * 100 + patch;
};

/** Runs a statement as the superuser; false where the server refuses it. */
const takes = async (server: Mysql, sql: string): Promise<boolean> =>
  await server.query(server.superuser, sql).then(
    () => true,
    () => false,
  );

const shown = async (server: Mysql, account: string): Promise<string[]> =>
  (await server.query(server.superuser, `SHOW GRANTS FOR ${account}`)).map((row) => String(Object.values(row)[0]));

eachMysql((get) => {
  beforeAll(async () => {
    await get().query(
      get().superuser,
      'CREATE DATABASE words',
      'CREATE TABLE words.t (a int, b int)',
      'CREATE FUNCTION words.f() RETURNS int DETERMINISTIC RETURN 1',
      'CREATE USER holder',
    );
  });

  describe('privileges', () => {
    test.each(Object.entries(GRANTS))('of the level %s are those that GRANT takes there', async (level, grant) => {
      const { flavour, release } = get();
      const taken: string[] = [];
      for (const word of WORDS) {
        // another spelling of a word that is in the list
        if (mysqlWord(word, flavour) === word && (await takes(get(), `GRANT ${grant(word)} TO holder`))) taken.push(word);
      }
      expect(taken).toEqual([...mysqlWords(level as MysqlLevel, flavour, numberOf(release))].sort());
    });

    test('that are dynamic are those that the server lists, and GRANT takes them', async () => {
      const { flavour, release, superuser } = get();
      const rows = await get().query(superuser, 'SHOW PRIVILEGES');
      const listed = rows.map(({ Privilege }) => String(Privilege)).filter((word) => /^[A-Z_]+$/.test(word));
      const known = flavour === 'mysql' ? dynamicWords(numberOf(release)) : [];
      expect(listed.filter((word) => !known.includes(word))).toEqual([]);
      expect(listed.filter((word) => !isDynamic(word, flavour))).toEqual([]);
      for (const word of listed) expect([word, await takes(get(), `GRANT ${word} ON *.* TO holder`)]).toEqual([word, true]);
      const absent = dynamicWords().filter((word) => !listed.includes(word));
      for (const word of absent) expect([word, await takes(get(), `GRANT ${word} ON *.* TO holder`)]).toEqual([word, false]);
    });

    test('in another spelling are shown in ours', async () => {
      if (get().flavour === 'mysql') return;
      for (const spelling of ['REPLICATION CLIENT', 'REPLICATION REPLICA', 'REPLICATION REPLICA ADMIN', 'REPLICA MONITOR']) {
        await get().query(get().superuser, 'CREATE OR REPLACE USER speller', `GRANT ${spelling} ON *.* TO speller`);
        expect(await shown(get(), 'speller')).toEqual([`GRANT ${mysqlWord(spelling, 'mariadb')} ON *.* TO \`speller\`@\`%\``]);
      }
    });
  });

  describe('the grant option', () => {
    test('of columns is that of their table', async () => {
      await get().query(get().superuser, 'CREATE USER columned', 'GRANT SELECT (a) ON words.t TO columned WITH GRANT OPTION');
      await get().query(get().superuser, 'GRANT INSERT ON words.t TO columned');
      expect((await shown(get(), 'columned')).at(-1)).toBe('GRANT SELECT (`a`), INSERT ON `words`.`t` TO `columned`@`%` WITH GRANT OPTION');
    });

    test('of PROXY comes with that of the whole server', async () => {
      await get().query(get().superuser, 'CREATE USER proxy', 'GRANT PROXY ON CURRENT_USER() TO proxy WITH GRANT OPTION');
      expect((await shown(get(), 'proxy'))[0]).toBe('GRANT USAGE ON *.* TO `proxy`@`%` WITH GRANT OPTION');
    });
  });

  describe('names', () => {
    test('lose the spaces around them, and are told apart by case', async () => {
      const { flavour, superuser } = get();
      await get().query(superuser, "CREATE USER ' spaced '@'h'", "CREATE USER 'cased'@'h'", "CREATE USER 'Cased'@'h'");
      const rows = await get().query(superuser, "SELECT User AS name FROM mysql.user WHERE Host = 'h'");
      expect(rows.map(({ name }) => String(name)).sort()).toEqual(['Cased', 'cased', flavour === 'mysql' ? 'spaced' : ' spaced'].sort());
    });

    test('of roles are no words of SQL on MariaDB, in whichever case', async () => {
      const taken = await Promise.all(['PUBLIC', 'none', 'None', 'current_user'].map((name) => takes(get(), `CREATE ROLE \`${name}\``)));
      expect(taken).toEqual(get().flavour === 'mysql' ? [true, true, true, true] : [false, false, false, true]);
    });

    test('of roles of MariaDB are no proxies', async () => {
      await get().query(get().superuser, 'CREATE ROLE acting');
      expect(await takes(get(), 'GRANT PROXY ON CURRENT_USER() TO acting')).toBe(get().flavour === 'mysql');
    });
  });

  describe('hosts', () => {
    const GOOD = ['%', CLIENT, '127.%', '127.0.0._', '%.5', '127.0.0.0/255.0.0.0', `${CLIENT}/255.255.255.255`];
    const CIDR = ['127.0.0.0/8', '127.0.0.4/30', `${CLIENT}/32`];
    const NEVER = [
      `${CLIENT}/255.0.0.0`,
      `${CLIENT}/30`,
      `::ffff:${CLIENT}`,
      '127.0.0',
      '127.%/255.0.0.0',
      '127.0.0.0/33',
      `${CLIENT}:3306`,
      '127.*',
    ];

    /** Whether the client gets in as an account of the host. */
    const matches = async (host: string): Promise<boolean> => {
      const { port, superuser } = get();
      await get().query(superuser, `CREATE USER 'hosted'@'${host}'`);
      const stream = net.connect({ host: '127.0.0.1', port, localAddress: CLIENT });
      try {
        const connection = await createConnection({ stream, user: 'hosted' });
        connection.destroy();
        return true;
      } catch {
        return false;
      } finally {
        stream.destroy();
        await get().query(superuser, `DROP USER 'hosted'@'${host}'`);
      }
    };
    /** Whether the manifest takes the host. */
    const valid = (host: string): boolean => {
      const text = `version: 1\nstack: a/b\ntargets:\n  t: { engine: ${get().flavour}, endpoint: { host: h }, login: { user: u } }\nusers:\n  app: { hosts: ["${host}"] }\n`;
      return readManifest([{ path: 'access.yaml', text }]).manifest !== null;
    };

    test.each(GOOD)('%s is taken, and matches', async (host) => {
      expect([valid(host), await matches(host)]).toEqual([true, true]);
    });

    test.each(CIDR)('%s is taken where it matches', async (host) => {
      const taken = get().flavour === 'mysql';
      expect([valid(host), await matches(host)]).toEqual([taken, taken]);
    });

    test.each(NEVER)('%s is refused, and matches nothing', async (host) => {
      expect([valid(host), await matches(host)]).toEqual([false, false]);
    });
  });
});
