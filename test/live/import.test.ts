import fs from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eachMajor } from '../lab/majors.ts';
import { type CliHere, cliHere } from './cli.ts';

/** As postgres-user-manager takes it. */
const CONFIG = JSON.stringify(
  {
    users: [
      {
        username: 'app_user',
        password: 'hunter2',
        groups: ['app_group', 'legacy'],
        privileges: ['CONNECT'],
        databases: ['app'],
        enabled: true,
        description: 'the order service',
        auth_method: 'password',
        can_login: true,
        connection_limit: 10,
      },
      { username: 'reader', privileges: ['CONNECT', 'SELECT'], databases: ['app'], enabled: true, can_login: true },
      { username: 'gone', groups: [], privileges: [], databases: [], enabled: false, can_login: true },
      { username: 'service', groups: ['app_group'], enabled: true, auth_method: 'iam', iam_role: 'service', can_login: true },
    ],
    groups: [
      { name: 'app_group', privileges: ['CONNECT', 'TEMPORARY'], databases: ['app'], description: 'who works', inherit: true },
      { name: 'rds_superuser', privileges: ['CONNECT'], databases: ['postgres'], inherit: true },
    ],
  },
  null,
  2,
);

let cli: CliHere;
beforeAll(() => {
  cli = cliHere();
});
afterAll(() => cli.remove());

eachMajor(
  (server) => {
    const ask = (sql: string) => server().query(server().superuser, 'app', sql);
    const run = (...args: readonly string[]) => {
      const { host, port, master } = server();
      const place = { POSTGRES_HOST: host, POSTGRES_PORT: String(port), POSTGRES_USER: master.user, POSTGRES_PASSWORD: master.password };
      return cli.run(args, { env: { ...place, POSTGRES_SSLMODE: 'disable', APP_USER_PASSWORD: 'another-one' } });
    };

    beforeAll(async () => {
      const { master, query } = server();
      await query(master, 'postgres', 'CREATE DATABASE app');
      await query(master, 'app', 'CREATE TABLE public.orders (id int); CREATE TABLE public.secrets (id int)');
      await query(master, 'app', `CREATE ROLE legacy; CREATE ROLE gone LOGIN PASSWORD 'gone'; GRANT SELECT ON public.secrets TO gone`);
      cli.write('config.json', CONFIG);
    });

    test('the file itself is planned and applied, takes nothing away, and is then as it is declared', async () => {
      expect((await run('plan', '--manifest', 'config.json')).err).toContain('import/password');
      const manifest = ['--manifest', 'config.json', '--allow-plaintext-passwords'];
      const applied = await run('apply', ...manifest, '--auto-approve');
      expect(applied).toMatchObject({ code: 0 });
      expect(applied.out + applied.err).not.toContain('hunter2');
      expect(await run('plan', ...manifest, '--detailed-exitcode')).toMatchObject({ code: 0 });

      expect(
        await ask(
          `SELECT rolname, rolcanlogin, rolconnlimit FROM pg_roles WHERE rolname IN ('app_user', 'reader', 'gone', 'service') ORDER BY rolname`,
        ),
      ).toEqual([
        { rolname: 'app_user', rolcanlogin: true, rolconnlimit: 10 },
        { rolname: 'gone', rolcanlogin: false, rolconnlimit: -1 },
        { rolname: 'reader', rolcanlogin: true, rolconnlimit: -1 },
        { rolname: 'service', rolcanlogin: true, rolconnlimit: -1 },
      ]);
      expect(
        await ask(`SELECT pg_has_role('app_user', 'app_group', 'USAGE') AS grouped, pg_has_role('app_user', 'legacy', 'USAGE') AS legacy,
                     pg_has_role('service', 'rds_iam', 'USAGE') AS iam, has_table_privilege('reader', 'public.orders', 'SELECT') AS reads,
                     has_table_privilege('reader', 'public.orders', 'INSERT') AS writes, has_table_privilege('gone', 'public.secrets', 'SELECT') AS kept`),
      ).toEqual([{ grouped: true, legacy: true, iam: true, reads: true, writes: false, kept: true }]);
      const own = { user: 'app_user', password: 'another-one' };
      expect(await server().query(own, 'app', 'SELECT current_user AS me')).toEqual([{ me: 'app_user' }]);
    });

    test('the manifest that it stands for is written once, and plans nothing more', async () => {
      const args = ['import', '--from', 'postgres-user-manager', '--allow-plaintext-passwords', '--out', 'access.yaml', 'config.json'];
      expect(await run(...args)).toMatchObject({ code: 0, out: '' });
      expect(await run('plan', '--manifest', 'access.yaml', '--detailed-exitcode')).toMatchObject({ code: 0 });
      const again = await run(...args);
      expect(again.code).toBe(1);
      expect(again.err).toContain("'access.yaml' was not written: it exists already");
      fs.rmSync(cli.file('access.yaml'));
    });
  },
  { only: [15, 18] },
);
