import { afterAll, beforeAll, expect, test } from 'vitest';
import { eachMysql } from '../../lab/mysql/versions.ts';
import { buildCli, type Cli } from '../cli.ts';

const SECRET = "cli'pass\\word-1";

let cli: Cli;
beforeAll(() => {
  cli = buildCli();
});
afterAll(() => cli.remove());

eachMysql(
  (server, version) => {
    const env = () => ({ MASTER: server().master.password, APP: SECRET });
    const run = (...args: readonly string[]) => cli.runApart(args, { env: env() });
    const write = (body: string) =>
      cli.write(
        'rolecall.yaml',
        `version: 1
stack: acme/access/test
targets:
  t:
    engine: ${server().flavour}
    endpoint: { host: 127.0.0.1, port: ${server().port}, tls: disable }
    login: { user: ${server().master.user}, password: "\${env:MASTER}" }
${body}`,
      );

    test('plan, apply, a saved plan, a rotation and a removal, as somebody would from a shell', async () => {
      await server().query(server().superuser, 'CREATE DATABASE shop', 'CREATE TABLE shop.orders (id INT)');
      write('groups: { readers: { read: [shop] } }\nusers: { app: { auth: password, password: "${env:APP}", groups: [readers] } }\n');
      const planned = await run('plan', '--detailed-exitcode', '--out', 'plan.json');
      expect({ code: planned.code, err: planned.err }).toMatchObject({ code: 2 });
      const script = await run('show', 'plan.json', '--format', 'sql');
      expect(script.out).toContain('IDENTIFIED BY ${env:APP}');
      const applied = await run('apply', 'plan.json', '--auto-approve');
      expect({ code: applied.code, out: applied.out, err: applied.err }).toMatchObject({ code: 0 });
      expect(await server().query({ user: 'app', password: SECRET }, 'SELECT COUNT(*) AS count FROM shop.orders')).toEqual([{ count: 0 }]);
      expect((await run('plan', '--detailed-exitcode')).code).toBe(0);
      expect((await run('apply', '--auto-approve')).code).toBe(0);

      const rotated = await cli.runApart(['apply', '--rotate', 'app', '--auto-approve'], { env: { ...env(), APP: 'rotated-pass-2' } });
      expect({ code: rotated.code, out: rotated.out, err: rotated.err }).toMatchObject({ code: 0 });
      await expect(server().query({ user: 'app', password: SECRET }, 'SELECT 1')).rejects.toMatchObject({ errno: 1045 });
      await server().query({ user: 'app', password: 'rotated-pass-2' }, 'SELECT 1');

      // MariaDB keeps no marks, by which a stack knows what is its own.
      if (server().flavour === 'mariadb') {
        const kept = await run('destroy', '--auto-approve');
        expect(kept).toMatchObject({ code: 0, out: expect.stringContaining('destroy/no-marks') });
        expect(kept.out).toContain('Nothing to destroy: MariaDB keeps no marks');
        write('removed: { app: { drop: true }, readers: { drop: true } }\n');
      }
      const removed = await run(server().flavour === 'mariadb' ? 'apply' : 'destroy', '--auto-approve');
      expect({ code: removed.code, out: removed.out, err: removed.err }).toMatchObject({ code: 0 });
      expect(await server().query(server().superuser, "SELECT User FROM mysql.user WHERE User IN ('app', 'readers')")).toEqual([]);
      for (const { out, err } of [planned, script, applied, rotated, removed])
        for (const secret of [SECRET, 'rotated-pass-2', server().master.password]) expect(out + err).not.toContain(secret);
    });

    test.runIf(version === '11.8')('of a role and a user of one name, which only MariaDB can have, the user goes first', async () => {
      const { query, superuser } = server();
      await query(superuser, "CREATE USER 'both'@'%' ACCOUNT LOCK", "CREATE ROLE 'both'");
      const left = async (): Promise<unknown> => await query(superuser, "SELECT User, Host FROM mysql.global_priv WHERE User = 'both'");
      write('removed: { both: { drop: true } }\n');
      const either = await run('apply', '--auto-approve');
      expect(either).toMatchObject({ code: 3, out: expect.stringContaining('account/removed-host') });

      write('removed: { both: { drop: true, hosts: ["%"] } }\n');
      const user = await run('apply', '--auto-approve');
      expect({ code: user.code, out: user.out, err: user.err }).toMatchObject({ code: 0 });
      expect(await left()).toEqual([{ User: 'both', Host: '' }]);
      await query(superuser, "DROP ROLE 'both'");
    });
  },
  { only: ['9.7', '11.8'] },
);
