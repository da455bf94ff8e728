import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withMoto } from '../../lab/aws/suite.ts';
import { canMakePlugin } from '../../lab/iam/plugin.ts';
import { newestOfEach } from '../../lab/mysql/versions.ts';
import { type IamWorld, startIamWorld } from './iam-world.ts';

/** What the server would log, for this reason and no other. */
const NOT_ALLOWED = /is not authorized to perform rds-db:connect on .*: no policy allows it$/;
const POLICIES = /^(CreatePolicy|CreatePolicyVersion|AttachRolePolicy)$/;

/** By our stand-in for the plugin that only RDS has; token and policies are checked as there. */
withMoto('users of an instance and their policies', (moto) => {
  describe.skipIf(!canMakePlugin()).each(newestOfEach)('on %s', (version) => {
    let world: IamWorld;
    const [task, reports, jenkins] = [`role/task-${version}`, `role/reports-${version}`, `user/jenkins-${version}`];
    const query = (...statements: readonly string[]) => world.db.server.query(world.db.server.superuser, ...statements);

    beforeAll(async () => {
      world = await startIamWorld(moto(), { version, kind: 'instance', identifier: `billing-${version.replace('.', '-')}` });
      for (const role of [task, reports]) await world.makeRole(role.slice('role/'.length));
      await world.makeUser(jenkins.slice('user/'.length));
      await query('CREATE DATABASE shop', 'CREATE TABLE shop.orders (id int)');
    });
    afterAll(() => world?.close());

    const apply = async (users: string) => {
      world.aws.forget();
      const { code, stdout, stderr } = await world.run('apply', '-m', world.manifest(`users:\n${users}`), '--auto-approve');
      expect(world.aws.violations()).toEqual([]);
      return { code, out: `${stdout}${stderr}` };
    };
    const byPassword = async () => {
      const connection = await world.db.server.connect({ user: 'jane', password: 'jane-password' }, { ssl: { ca: world.authority } });
      const [rows] = await connection.query('SELECT 1 AS one');
      connection.destroy();
      return rows;
    };

    const api = `  shop_api: { auth: iam, hosts: ["%", "10.0.%"], principals: [${task}, ${jenkins}], write: [shop] }\n`;
    const lee = (more = '') => `  lee: { auth: iam, principals: [${reports}]${more}, read: [shop] }\n`;
    const password = '  jane: { auth: password, password: "${env:JANE}", read: [shop] }\n';
    const iam = `  jane: { auth: iam, principals: [${task}], read: [shop] }\n`;

    test('two hosts of a user are two accounts that require TLS, and one resource for every principal', async () => {
      expect(await apply(api + password + lee())).toMatchObject({ code: 0 });
      const arn = world.db.arn('shop_api');
      expect(arn).toContain(':dbuser:db-');
      expect([await world.allowed(task), await world.allowed(jenkins)]).toEqual([[arn], [arn]]);
      const rows = await query(
        "SELECT Host, plugin, authentication_string AS string, ssl_type FROM mysql.user WHERE User = 'shop_api' ORDER BY Host",
      );
      const account = { plugin: 'AWSAuthenticationPlugin', string: 'RDS', ssl_type: 'ANY' };
      expect(rows).toEqual([
        { Host: '%', ...account },
        { Host: '10.0.%', ...account },
      ]);
      for (const principal of [task, jenkins]) expect(await world.login(principal, 'shop_api')).toBe('in');
      expect(await world.login(reports, 'shop_api')).toMatch(NOT_ALLOWED);
      expect(await world.login(task, 'jane')).not.toBe('in');
    });

    test('a token that the command makes for a role lets in', async () => {
      const file = world.manifest(`users:\n${api}${password}`);
      const { code, stdout } = await world.run('token', 'shop_api@billing', '-m', file, '--as', task);
      expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('DBUser=shop_api') });
      const connection = await world.connectWith(stdout.trim(), 'shop_api');
      const [rows] = await connection.query('SELECT CURRENT_USER() AS me');
      connection.destroy();
      expect(rows).toEqual([{ me: 'shop_api@%' }]);
    });

    test('while a policy cannot be opened a login stays as it was, and who leaves is out at once', async () => {
      const session = await world.connect(reports, 'lee');
      world.onCall((operation) => (POLICIES.test(operation) ? 'access-denied' : undefined));
      const stopped = await apply(api + iam + lee(', enabled: false'));
      world.onCall(null);
      expect(stopped).toEqual({ code: 5, out: expect.stringMatching(/may not do iam:CreatePolicyVersion/) });
      expect(stopped.out).toContain("some of it waits for 'iam'");
      expect(await byPassword()).toEqual([{ one: 1 }]);
      await expect(session.query('SELECT 1')).rejects.toThrow();
      expect(await world.login(reports, 'lee')).toMatch(/locked/);
      // Its policy goes when all else is done: that it is still there is what nobody needs.
      expect(await world.allowed(reports)).toEqual([world.db.arn('lee')]);

      expect(await apply(api + iam + lee(', enabled: false'))).toMatchObject({ code: 0 });
      expect([await world.login(task, 'jane'), await world.allowed(reports)]).toEqual(['in', []]);
      await expect(byPassword()).rejects.toThrow('mysql_clear_password');
    });

    test('who goes back to a password has it in place, still over TLS, and no policy any more', async () => {
      expect(await apply(api + password.replace(', read', ', password_version: 2, read'))).toMatchObject({ code: 0 });
      expect(await byPassword()).toEqual([{ one: 1 }]);
      expect(await query("SELECT ssl_type FROM mysql.user WHERE User = 'jane'")).toEqual([{ ssl_type: 'ANY' }]);
      expect(await world.allowed(task)).toEqual([world.db.arn('shop_api')]);
      expect(await world.login(task, 'jane')).toMatch(/Access denied/);
    });

    test('an expiry by itself closes both planes, and leaves all else to a full apply', async () => {
      expect(await apply(api + lee(', until: 2099-01-01'))).toMatchObject({ code: 0 });
      expect(await world.login(reports, 'lee')).toBe('in');
      const changed = world.manifest(`users:\n${api.replace(', write: [shop]', '')}${lee(', until: 2020-01-01')}`);
      const { code, stdout, stderr } = await world.run('apply', '-m', changed, '--auto-approve', '--only', 'expired');
      expect({ code, out: stdout + stderr }).toEqual({ code: 0, out: expect.stringContaining('(its until has passed)') });
      expect([await world.login(reports, 'lee'), await world.allowed(reports)]).toEqual([expect.stringMatching(NOT_ALLOWED), []]);
      expect(JSON.stringify(await query("SHOW CREATE USER lee@'%'"))).toContain('ACCOUNT LOCK');
      expect(await query("SELECT Host FROM mysql.db WHERE User = 'shop_api' ORDER BY Host")).toEqual([{ Host: '%' }, { Host: '10.0.%' }]);
    });

    test('IAM authentication that is off is told with the way out before anything changes', async () => {
      const kim = `${api}  kim: { auth: iam, principals: [${reports}], read: [shop] }\n`;
      await query('UNINSTALL PLUGIN AWSAuthenticationPlugin');
      const unloaded = await apply(kim);
      await query("INSTALL PLUGIN AWSAuthenticationPlugin SONAME 'aws_auth.so'");
      await world.switchIam(false);
      const off = await apply(kim);
      await world.switchIam(true);
      expect(unloaded).toEqual({ code: 3, out: expect.stringMatching(/account\/no-iam-plugin.*--enable-iam-database-authentication/s) });
      expect(off).toEqual({ code: 1, out: expect.stringMatching(/rds\/iam-off.*--enable-iam-database-authentication/s) });
      expect(await world.allowed(reports)).toEqual([]);
      expect(await query("SELECT User FROM mysql.user WHERE User = 'kim'")).toEqual([]);
    });

    test('an engine that is not what RDS says is an error', async () => {
      const other = world.db.server.flavour === 'mysql' ? 'mariadb' : 'mysql';
      const { code, stdout, stderr } = await world.run('plan', '-m', world.manifest(`users:\n${api}`, other));
      expect({ code, out: (stdout + stderr).replace(/\s+/g, ' ') }).toEqual({
        code: 1,
        out: expect.stringContaining(
          `runs ${world.db.server.flavour}, and the manifest says 'engine: ${other}' - write engine: ${world.db.server.flavour}`,
        ),
      });
    });
  });
});
