import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Plan } from '../../src/model/plan.ts';
import { eachMajor } from '../lab/majors.ts';
import { eachMysql } from '../lab/mysql/versions.ts';
import { type Command, makeCommand } from './command.ts';

const LOGIN = { user: 'role"call', password: 'canary-login' };

let command: Command;
beforeAll(async () => {
  command = makeCommand();
});
afterAll(() => command?.remove());

const manifestOf = (engine: string, port: number, body: string): string => {
  const file = path.join(command.home, `${engine}-${port}.yaml`);
  const login = `{ user: '${LOGIN.user}', password: "\${env:LOGIN_PASSWORD}" }`;
  fs.writeFileSync(
    file,
    `version: 1\nstack: a/b\ntargets: { it: { engine: ${engine}, endpoint: { host: 127.0.0.1, port: ${port}, tls: disable }, login: ${login} } }\n${body}`,
  );
  return file;
};
const run = async (...args: readonly string[]) => {
  const { code, stdout, stderr } = await command.run(args, { LOGIN_PASSWORD: LOGIN.password, JANE: 'canary-jane' });
  expect(stdout + stderr).not.toContain('canary');
  return { code, stdout, stderr };
};
const fixOf = async (manifest: string) => {
  const { code, stdout, stderr } = await run('doctor', '--fix-admin', '-m', manifest);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return { sql: stdout, statements: stdout.split('\n').filter((line) => line !== '' && !line.startsWith('--')) };
};
/** Errors and warnings of a plan, and what it could not do. */
const troubleOf = async (manifest: string): Promise<readonly string[]> => {
  const { stdout } = await run('plan', '-m', manifest, '--json');
  const { targets } = JSON.parse(stdout) as Plan;
  return targets.flatMap(({ findings, changes }) => [
    ...findings.flatMap(({ severity, code, message }) => (severity === 'note' ? [] : [`${code}: ${message}`])),
    ...changes.flatMap(({ blocked }) => (blocked === undefined ? [] : [blocked])),
  ]);
};

eachMajor(
  (server, major) => {
    const BODY =
      'groups: { app_read: { description: changed } }\nusers: { jane: { auth: iam, groups: [app_read, foreign] } }\nexisting: [foreign]\n';

    test('what it prints lets the login administer the declared roles, and then it prints nothing', async () => {
      const { master, query } = server();
      await query(master, 'postgres', `CREATE ROLE "role""call" LOGIN PASSWORD '${LOGIN.password}'`);
      await query(master, 'postgres', 'CREATE ROLE app_read; CREATE ROLE "foreign"');
      const manifest = manifestOf('postgres', server().port, BODY);
      const lacking = await fixOf(manifest);
      const admin = (role: string): string => `GRANT "${role}" TO "role""call" WITH ADMIN OPTION, INHERIT FALSE, SET FALSE;`;
      expect(lacking.statements).toEqual([
        'ALTER ROLE "role""call" CREATEROLE;',
        ...(major >= 16 ? ['app_read', 'foreign', 'rds_iam'].map(admin) : []),
      ]);
      expect(await troubleOf(manifest)).not.toEqual([]);
      await query(master, 'postgres', lacking.sql);
      expect(await fixOf(manifest)).toEqual({
        sql: `-- target it: 'role"call' lacks nothing to administer the declared roles\n`,
        statements: [],
      });
      expect(await troubleOf(manifest)).toEqual([]);
    });

    test('a login that cannot come in is told, and nothing is printed that would be run', async () => {
      const manifest = manifestOf('postgres', 1, BODY);
      const { code, stdout, stderr } = await run('doctor', '--fix-admin', '-m', manifest);
      expect({ code, stdout, stderr }).toEqual({
        code: 3,
        stdout: expect.stringMatching(/^-- target it: not known, nothing listens on port 1 .*\n$/),
        stderr: expect.stringMatching(/^it: /),
      });
    });
  },
  { only: [15, 17] },
);

eachMysql(
  (server) => {
    test('what it prints lets the login administer the declared accounts, and then it prints nothing', async () => {
      const { superuser, master, query, flavour, port } = server();
      await query(
        superuser,
        `CREATE USER 'role"call'@'%' IDENTIFIED BY '${LOGIN.password}'`,
        // What the manifest grants, with the option to grant it: that is the manifest's own affair.
        `GRANT SELECT, SHOW VIEW ON app.* TO 'role"call'@'%' WITH GRANT OPTION`,
        'CREATE DATABASE app',
      );
      await query(master, 'CREATE ROLE app_read', 'CREATE USER held', 'GRANT app_read TO held');
      const body = `groups: { app_read: { read: [app] } }\nusers: { jane: { auth: password, password: "\${env:JANE}", groups: [app_read] } }\n`;
      const manifest = manifestOf(flavour, port, body);
      const whom = `'role"call'@'%'`;
      const first = await fixOf(manifest);
      expect(first.statements).toEqual([
        `GRANT CREATE USER ON *.* TO ${whom};`,
        `GRANT SELECT ON mysql.* TO ${whom};`,
        `GRANT REFERENCES, SHOW VIEW, PROCESS ON *.* TO ${whom};`,
        ...(flavour === 'mysql' ? [`GRANT ROLE_ADMIN ON *.* TO ${whom};`] : []),
      ]);
      await query(master, ...first.statements);
      if (flavour === 'mariadb') {
        // Which groups there are stands in the grant tables, which it could not read before.
        expect(first.sql).toContain('-- ask once more');
        const second = await fixOf(manifest);
        expect(second.statements).toEqual([`GRANT \`app_read\` TO ${whom} WITH ADMIN OPTION;`]);
        await query(master, ...second.statements);
      }
      expect((await fixOf(manifest)).statements).toEqual([]);
      expect(await troubleOf(manifest)).toEqual([]);
    });
  },
  { only: ['9.7', '11.8'] },
);
