import { afterAll, beforeAll, expect, test } from 'vitest';
import { eachMysql } from '../../lab/mysql/versions.ts';
import { type CliHere, cliHere } from '../cli.ts';

let cli: CliHere;
beforeAll(() => {
  cli = cliHere();
});
afterAll(() => cli.remove());

// The build reads UTF-8 alone (scripts/utf8.mjs): what a server keeps in another character set must come as that.
eachMysql(
  (server) => {
    test('the built command reads and writes names and texts of a server of another character set', async () => {
      const { superuser, master } = server();
      const asUtf8 = async (...statements: readonly string[]) => {
        const connection = await server().connect(superuser, { charset: 'utf8mb4' });
        let rows: unknown;
        for (const sql of statements) [rows] = await connection.query(sql);
        await connection.end();
        return rows;
      };
      await asUtf8('CREATE DATABASE `数据é`', 'CREATE TABLE `数据é`.`表` (`列` int)', "CREATE USER 'zoë'@'%' ACCOUNT LOCK");
      cli.write(
        'rolecall.yaml',
        `version: 1
stack: acme/access/test
targets:
  t:
    engine: ${server().flavour}
    endpoint: { host: 127.0.0.1, port: ${server().port}, tls: disable }
    login: { user: ${master.user}, password: "\${env:MASTER}" }
users: { zoë: { auth: none, grants: [{ privileges: [select], tables: ['数据é.表'], columns: ['列'] }] } }
`,
      );
      const applied = await cli.run(['apply', '--auto-approve'], { env: { MASTER: master.password } });
      expect(applied).toMatchObject({ code: 0, out: expect.stringContaining('数据é.表') });
      expect(await asUtf8("SELECT Db, Table_name, Column_name FROM mysql.columns_priv WHERE User = 'zoë'")).toEqual([
        { Db: '数据é', Table_name: '表', Column_name: '列' },
      ]);
      const again = await cli.run(['plan', '--detailed-exitcode'], { env: { MASTER: master.password } });
      expect(again).toMatchObject({ code: 0, err: expect.not.stringContaining('\ufffd') });
    });
  },
  { settings: { 'character-set-server': 'gbk', 'collation-server': 'gbk_bin' } },
);
