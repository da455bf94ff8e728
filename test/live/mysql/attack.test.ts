import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eachMysql } from '../../lab/mysql/versions.ts';
import { type CliHere, cliHere } from '../cli.ts';
import { applyOn, planOn, settle } from './scenario.ts';

let cli: CliHere;
beforeAll(() => {
  cli = cliHere();
});
afterAll(() => cli.remove());

eachMysql(
  (server, version) => {
    const asSuperuser = (...statements: readonly string[]) => server().query(server().superuser, ...statements);
    const mayDo = async (user: string, sql: string): Promise<boolean> =>
      await server()
        .query({ user, password: 'Hand-Made-1' }, sql)
        .then(
          () => true,
          () => false,
        );
    const byHand = async (user: string): Promise<void> => {
      await asSuperuser('CREATE DATABASE IF NOT EXISTS shop', 'CREATE TABLE IF NOT EXISTS shop.orders (Id INT, Name INT)');
      await asSuperuser(`CREATE USER ${user} IDENTIFIED BY 'Hand-Made-1'`);
    };
    const declared = (user: string) =>
      `users: { ${user}: { auth: password, password: "\${env:ROLECALL_TEST_NONE}", grants: [{ privileges: [select], tables: shop.orders, columns: [Id] }] } }\n`;

    describe('columns that were granted by hand in another case', () => {
      test('are revoked as they are stored', async () => {
        await byHand('lower');
        await asSuperuser('GRANT SELECT (id), UPDATE (id, NAME) ON shop.orders TO lower');
        await settle(server(), declared('lower'));
        expect({
          select: await mayDo('lower', 'SELECT Id FROM shop.orders'),
          update: await mayDo('lower', 'UPDATE shop.orders SET Id = 1'),
          other: await mayDo('lower', 'UPDATE shop.orders SET Name = 1'),
        }).toEqual({ select: true, update: false, other: false });
      });

      test('and in the right one too are named, and what else is to be done is done', async () => {
        await byHand('doubled');
        await asSuperuser('GRANT SELECT (Id) ON shop.orders TO doubled');
        await asSuperuser('GRANT UPDATE (ID) ON shop.orders TO doubled', 'GRANT DELETE ON shop.* TO doubled');
        const { exitCode, result } = await applyOn(server(), declared('doubled'));
        expect({ exitCode, left: result.residue.map(({ blocked }) => blocked) }).toEqual({
          exitCode: 5,
          left: [expect.stringMatching(/'doubled' holds column 'I[dD]' of 'shop\.orders' in several spellings/)],
        });
        expect((await planOn(server(), declared('doubled'))).steps).toEqual([]);
        expect(await mayDo('doubled', 'DELETE FROM shop.orders')).toBe(false);

        await asSuperuser('REVOKE SELECT, UPDATE ON shop.orders FROM doubled');
        await settle(server(), declared('doubled'));
        expect({
          select: await mayDo('doubled', 'SELECT Id FROM shop.orders'),
          update: await mayDo('doubled', 'UPDATE shop.orders SET Id = 1'),
        }).toEqual({ select: true, update: false });
      });
    });

    test.runIf(version === '9.7')('a group that somebody lets log in is closed again, as a user is that becomes a group', async () => {
      await byHand('other');
      await settle(server(), `groups: { opened: { read: [shop] } }\n${declared('turned').replace('TEST_NONE', 'TEST_MASTER')}`);
      await asSuperuser("ALTER USER opened IDENTIFIED BY 'Hand-Made-1' ACCOUNT UNLOCK");
      expect(await mayDo('opened', 'SELECT Id FROM shop.orders')).toBe(true);
      const plan = await settle(server(), 'groups: { opened: { read: [shop] }, turned: { groups: [opened] } }\n');
      expect(plan.access.flatMap(({ users, loses }) => (loses.some(({ what }) => what === 'login') ? users : [])).sort()).toEqual([
        'opened',
        'turned',
      ]);
      expect(await mayDo('opened', 'SELECT 1')).toBe(false);
      const rows = await asSuperuser(
        "SELECT account_locked, password_expired, authentication_string FROM mysql.user WHERE User IN ('opened', 'turned')",
      );
      expect(rows.map((row) => Object.values(row))).toEqual([
        ['Y', 'Y', ''],
        ['Y', 'Y', ''],
      ]);
      expect((await planOn(server(), 'groups: { other: { read: [shop] } }\n')).findings.map(({ code }) => code)).toContain(
        'role/is-a-user',
      );
    });

    test('what is held on a package or a library, which no manifest names, is told and left', async () => {
      const [kind, ...made] =
        server().flavour === 'mysql'
          ? ['LIBRARY', "CREATE LIBRARY shop.kept LANGUAGE JAVASCRIPT AS 'export function f(n) { return n }'"]
          : ['PACKAGE', 'SET sql_mode = ORACLE', 'CREATE PACKAGE shop.kept AS PROCEDURE p; END'];
      await byHand("`o'lib`");
      await asSuperuser(...made, `GRANT EXECUTE ON ${kind} shop.kept TO \`o'lib\` WITH GRANT OPTION`, "CREATE USER `o'lib`@localhost");
      const plan = await settle(server(), declared('"o\'lib"'));
      expect(plan.findings.map(({ code, message, hint }) => `${code}: ${message} · ${hint}`)).toEqual(
        expect.arrayContaining([
          `grant/other-kind: 'o'lib' holds what no manifest can name, and it is left as it is: EXECUTE with grant option on ${kind!.toLowerCase()} shop.kept · revoke by hand what it shall not have`,
          expect.stringMatching(/^account\/other-host: .* DROP USER 'o''lib'@'localhost'$/),
        ]),
      );
    });

    test('a run whose server dies under a statement ends, and is not kept by what waited for the answer', async () => {
      const { flavour, port, master } = server();
      cli.write(
        'rolecall.yaml',
        `version: 1
stack: acme/access/test
targets:
  t: { engine: ${flavour}, endpoint: { host: 127.0.0.1, port: ${port}, tls: disable }, login: { user: master, password: "\${env:MASTER}" } }
groups: { held: {} }
`,
      );
      const holder = await server().connect(server().superuser);
      await holder.query('FLUSH TABLES WITH READ LOCK');
      const ended = cli.run(['apply', '--auto-approve'], { env: { MASTER: master.password } });
      await expect
        .poll(async () => await asSuperuser("SELECT ID FROM information_schema.PROCESSLIST WHERE INFO LIKE 'CREATE ROLE%'"), {
          timeout: 10_000,
        })
        .toHaveLength(1);
      await server().crash();
      expect((await ended).code).toBe(1);
      holder.destroy();
      await server().restart();
    });
  },
  { only: ['9.7', '11.8'] },
);
