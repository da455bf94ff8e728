import fs from 'node:fs';
import path from 'node:path';
import { DetachRolePolicyCommand, IAMClient, ListAttachedRolePoliciesCommand, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { wordsOf } from '../../../src/core/checks/words.ts';
import type { LockResult } from '../../../src/model/lock.ts';
import type { Cause, Proof, Proofs } from '../../../src/model/proof.ts';
import { proofsText } from '../../../src/render/proofs.ts';
import { clientConfig } from '../../lab/aws/moto.ts';
import { withMoto } from '../../lab/aws/suite.ts';
import { issueCertificate } from '../../lab/certificate.ts';
import { canMakePlugin } from '../../lab/iam/plugin.ts';
import { newestOfEach } from '../../lab/mysql/versions.ts';
import { type IamWorld, startIamWorld } from './iam-world.ts';

/** What the server would log, for this reason and no other. */
const NOT_ALLOWED = /is not authorized to perform rds-db:connect on .*: no policy allows it$/;
const POLICIES = /^(CreatePolicy|CreatePolicyVersion|AttachRolePolicy)$/;
/** Printed nowhere but by `token`. */
const SECRETS = /X-Amz-|Action=connect|jane-password|master-password/;

/** By our stand-in for the plugin that only RDS has; token and policies are checked as there. */
withMoto('users of an instance and their policies', (moto) => {
  describe.skipIf(!canMakePlugin()).each(newestOfEach)('on %s', (version) => {
    let world: IamWorld;
    const named = (name: string): string => `${name}-${version}`;
    const [task, reports, jenkins] = [`role/${named('task')}`, `role/${named('reports')}`, `user/${named('jenkins')}`];
    const query = (...statements: readonly string[]) => world.db.server.query(world.db.server.superuser, ...statements);
    const iam = () => new IAMClient(clientConfig(moto()));

    beforeAll(async () => {
      world = await startIamWorld(moto(), { version, kind: 'instance', identifier: `billing-${version.replace('.', '-')}` });
      for (const name of ['task', 'reports', 'elsewhere', 'stopped']) await world.makeRole(named(name));
      await world.makeUser(named('jenkins'));
      await query(
        'CREATE DATABASE shop_eu',
        'CREATE TABLE shop_eu.orders (id int)',
        'CREATE DATABASE shopXeu',
        'CREATE TABLE shopXeu.other (id int)',
      );
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
      const [rows] = await connection.query('SELECT COUNT(*) AS orders FROM shop_eu.orders');
      connection.destroy();
      return rows;
    };

    const api = `  shop_api: { auth: iam, hosts: ["%", "10.0.%"], principals: [${task}, ${jenkins}], write: [shop_eu] }\n`;
    const lee = (more = '') => `  lee: { auth: iam, principals: [${reports}]${more}, read: [shop_eu] }\n`;
    const password = '  jane: { auth: password, password: "${env:JANE}", read: [shop_eu] }\n';
    const byToken = `  jane: { auth: iam, principals: [${task}], read: [shop_eu] }\n`;

    test('denied without the policy and for that reason, allowed once it is applied: two accounts that require TLS, one resource for every principal', async () => {
      await query("CREATE USER shop_api@'%' IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS' REQUIRE SSL");
      expect(await world.login(task, 'shop_api')).toMatch(NOT_ALLOWED);
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

    test('denied again when the policy is detached by hand, which is drift, and mended', async () => {
      const RoleName = task.slice('role/'.length);
      const attached = await iam().send(new ListAttachedRolePoliciesCommand({ RoleName }));
      await iam().send(new DetachRolePolicyCommand({ RoleName, PolicyArn: attached.AttachedPolicies![0]!.PolicyArn! }));
      expect(await world.login(task, 'shop_api')).toMatch(NOT_ALLOWED);
      const file = world.manifest(`users:\n${api}${password}${lee()}`);
      expect(await world.run('drift', '-m', file)).toMatchObject({ code: 2, stdout: expect.stringContaining(task) });
      expect(await apply(api + password + lee())).toMatchObject({ code: 0 });
      expect(await world.login(task, 'shop_api')).toBe('in');
      expect(await world.run('plan', '-m', file, '--detailed-exitcode')).toMatchObject({ code: 0 });
    });

    test('a token that the command makes for a role lets in, to what is declared and nothing beside it', async () => {
      const file = world.manifest(`users:\n${api}${password}`);
      const { code, stdout } = await world.run('token', 'shop_api@billing', '-m', file, '--as', task);
      expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('DBUser=shop_api') });
      const connection = await world.connectWith(stdout.trim(), 'shop_api');
      const [rows] = await connection.query('SELECT CURRENT_USER() AS me');
      expect(rows).toEqual([{ me: 'shop_api@%' }]);
      await connection.query('INSERT INTO shop_eu.orders VALUES (1)');
      for (const sql of ['DROP TABLE shop_eu.orders', 'SELECT * FROM shopXeu.other', 'SELECT * FROM mysql.db'])
        await expect(connection.query(sql)).rejects.toMatchObject({ errno: 1142 });
      connection.destroy();
    });

    test('while a policy cannot be opened a login stays as it was, and who leaves is out at once', async () => {
      const session = await world.connect(reports, 'lee');
      world.onCall((operation) => (POLICIES.test(operation) ? 'access-denied' : undefined));
      const stopped = await apply(api + byToken + lee(', enabled: false'));
      world.onCall(null);
      expect(stopped).toEqual({ code: 5, out: expect.stringMatching(/may not do iam:CreatePolicyVersion/) });
      expect(stopped.out).toContain("some of it waits for 'iam'");
      expect(await byPassword()).toEqual([{ orders: 1 }]);
      await expect(session.query('SELECT 1')).rejects.toThrow();
      expect(await world.login(reports, 'lee')).toMatch(/locked/);
      // Its policy goes when all else is done: that it is still there is what nobody needs.
      expect(await world.allowed(reports)).toEqual([world.db.arn('lee')]);

      expect(await apply(api + byToken + lee(', enabled: false'))).toMatchObject({ code: 0 });
      expect([await world.login(task, 'jane'), await world.login(reports, 'jane'), await world.allowed(reports)]).toEqual([
        'in',
        expect.stringMatching(NOT_ALLOWED),
        [],
      ]);
      await expect(byPassword()).rejects.toThrow('mysql_clear_password');
      const connection = await world.connect(task, 'jane');
      await connection.query('SELECT * FROM shop_eu.orders');
      connection.destroy();
    });

    test('who goes back to a password has it in place, still over TLS, and no policy any more', async () => {
      expect(await apply(api + password.replace(', read', ', password_version: 2, read'))).toMatchObject({ code: 0 });
      expect(await byPassword()).toEqual([{ orders: 1 }]);
      expect(await query("SELECT ssl_type FROM mysql.user WHERE User = 'jane'")).toEqual([{ ssl_type: 'ANY' }]);
      expect(await world.allowed(task)).toEqual([world.db.arn('shop_api')]);
      expect(await world.login(task, 'jane')).toMatch(/Access denied/);
    });

    test('an expiry by itself closes both planes, and leaves all else to a full apply', async () => {
      expect(await apply(api + lee(', until: 2099-01-01'))).toMatchObject({ code: 0 });
      expect(await world.login(reports, 'lee')).toBe('in');
      const changed = world.manifest(`users:\n${api.replace(', write: [shop_eu]', '')}${lee(', until: 2020-01-01')}`);
      const { code, stdout, stderr } = await world.run('apply', '-m', changed, '--auto-approve', '--only', 'expired');
      expect({ code, out: stdout + stderr }).toEqual({ code: 0, out: expect.stringContaining('(its until has passed)') });
      expect([await world.login(reports, 'lee'), await world.allowed(reports)]).toEqual([expect.stringMatching(NOT_ALLOWED), []]);
      expect(JSON.stringify(await query("SHOW CREATE USER lee@'%'"))).toContain('ACCOUNT LOCK');
      expect(await query("SELECT Host FROM mysql.db WHERE User = 'shop_api' ORDER BY Host")).toEqual([{ Host: '%' }, { Host: '10.0.%' }]);
    });

    test('a lock takes the lines of policies away, and a plan leaves it so where there are marks', async () => {
      const file = world.manifest(`users:\n${api}`);
      const { code, stdout } = await world.run('lock', 'shop_api', '-m', file, '--auto-approve', '--json');
      const { iam: policies } = JSON.parse(stdout) as LockResult;
      expect({ code, removed: policies?.removed.map(({ principal }) => principal).sort() }).toEqual({ code: 0, removed: [task, jenkins] });
      expect([await world.allowed(task), await world.login(task, 'shop_api')]).toEqual([[], expect.not.stringMatching(/^in$/)]);
      if (world.db.server.flavour === 'mysql') {
        const plan = await world.run('plan', '-m', file, '--detailed-exitcode');
        expect(plan).toMatchObject({ code: 0, stdout: expect.stringMatching(/note role\/locked: 'shop_api' is locked since/) });
        expect(await apply(api)).toMatchObject({ code: 0 });
        expect(await world.allowed(task)).toEqual([]);
      }
      expect(await world.run('unlock', 'shop_api', '-m', file)).toMatchObject({ code: 0 });
      expect(await world.login(task, 'shop_api')).toMatch(NOT_ALLOWED);
      expect(await apply(api)).toMatchObject({ code: 0 });
      expect(await world.login(task, 'shop_api')).toBe('in');
    });

    test('IAM authentication that is off is told with the way out before anything changes', async () => {
      const kim = `${api}  kim: { auth: iam, principals: [${reports}], read: [shop_eu] }\n`;
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

    test('a password that is set without a plugin keeps the one of RDS on MySQL, and not on MariaDB: what doctor says names one', async () => {
      await query(
        "CREATE USER leaver@'%' IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS' REQUIRE SSL",
        "ALTER USER leaver@'%' IDENTIFIED BY 'plain-1234'",
      );
      const [row] = await query("SELECT plugin FROM mysql.user WHERE User = 'leaver'");
      expect(row).toEqual({ plugin: world.db.server.flavour === 'mysql' ? 'AWSAuthenticationPlugin' : 'mysql_native_password' });
      const { remove } = wordsOf(world.db.server.flavour).iam;
      await query(
        "ALTER USER leaver@'%' IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS'",
        remove({ user: 'leaver' }).replace('a password', "'other-1234'"),
      );
      const connection = await world.db.server.connect({ user: 'leaver', password: 'other-1234' }, { ssl: { ca: world.authority } });
      connection.destroy();
      await query("DROP USER leaver@'%'");
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

    describe('a proof', () => {
      const WRONG = ['other', 'shut', 'strict', 'far', 'full'];
      const users = (): string =>
        `${api}${password}${WRONG.map((name) => `  ${name}: { auth: iam, principals: [${reports}]${name === 'far' ? ', hosts: ["10.%"]' : ''} }\n`).join('')}`;
      const allow = async (role: string, effect: 'Allow' | 'Deny', resource: string): Promise<void> => {
        const Statement = [{ Effect: effect, Action: 'rds-db:connect', Resource: resource }];
        const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement });
        await iam().send(new PutRolePolicyCommand({ RoleName: named(role), PolicyName: `some-${effect.toLowerCase()}`, PolicyDocument }));
      };

      beforeAll(async () => {
        expect(await apply(users())).toMatchObject({ code: 0 });
        await query(
          world.db.server.flavour === 'mysql'
            ? "ALTER USER other@'%' IDENTIFIED WITH caching_sha2_password BY 'another-1234'"
            : "ALTER USER other@'%' IDENTIFIED BY 'another-1234'",
          "ALTER USER shut@'%' ACCOUNT LOCK",
          "ALTER USER strict@'%' REQUIRE X509",
          "ALTER USER full@'%' WITH MAX_USER_CONNECTIONS 1",
        );
        await allow('elsewhere', 'Allow', world.db.arn('shop_api').replace(/db-[^/]*/, 'db-FORMER'));
        await allow('stopped', 'Allow', '*');
        await allow('stopped', 'Deny', world.db.arn('shop_api'));
      });

      const prove = async (expected: readonly string[], mend: (text: string) => string = (text) => text): Promise<readonly Proof[]> => {
        const missing = `  not_made: { auth: iam, principals: [${reports}] }\n`;
        const file = world.manifest(
          `users:\n${users()}${missing}expect:\n${expected.map((line) => `  - { target: billing, ${line} }\n`).join('')}`,
        );
        fs.writeFileSync(file, mend(fs.readFileSync(file, 'utf8')));
        const { stdout, stderr } = await world.run('prove', '-m', file, '--json');
        if (stdout === '') expect.fail(stderr);
        const proofs = JSON.parse(stdout) as Proofs;
        const text = proofsText(proofs, { width: 1000, colour: false, unicode: false });
        expect(stdout + stderr + text).not.toMatch(SECRETS);
        for (const { status, cause } of proofs.proofs) if (status === 'failed') expect(text).toContain(`[${cause}]`);
        return proofs.proofs;
      };
      const told = (proofs: readonly Proof[]): readonly string[] => proofs.map(({ what, status, cause }) => `${status} ${cause} ${what}`);

      test('passes for whom a policy lets in, for what it may, and for whom none lets in', async () => {
        const proofs = await prove([
          `as: ${task}, user: shop_api, can: [insert on shop_eu.orders], cannot: [own on shop_eu.orders]`,
          `as: ${reports}, user: shop_api, login: denied`,
          `as: ${task}, user: jane, login: denied`,
          'user: jane',
        ]);
        expect(told(proofs)).toEqual([
          'passed null login',
          'passed null insert on shop_eu.orders',
          'passed null own on shop_eu.orders',
          'passed policy login',
          'passed no-iam-user login',
          'passed null login',
        ]);
      });

      /** Who logs in, why it fails, and whether that is what keeps this login out for good. */
      const CASES: readonly (readonly [name: string, as: string, user: string, cause: Cause, meant: boolean, says: RegExp])[] = [
        ['no policy', reports, 'shop_api', 'policy', true, /^no policy allows rds-db:connect on arn:\S+:db-\w+\/shop_api/],
        ['a policy of another server', `role/${named('elsewhere')}`, 'shop_api', 'resource-id', true, /allow arn:\S+:db-FORMER\/shop_api, and the server is/],
        ['a policy that denies', `role/${named('stopped')}`, 'shop_api', 'policy', true, /^a policy denies/],
        ['a user with a password', task, 'jane', 'no-iam-user', true, /not marked for IAM/],
        ['another plugin', reports, 'other', 'no-iam-user', true, /not marked for IAM/],
        ['ACCOUNT LOCK', reports, 'shut', 'no-login', true, /locked/i],
        ['REQUIRE X509', reports, 'strict', 'not-admitted', false, /has to have a certificate of its own \(REQUIRE X509\)/],
        ['no account for this host', reports, 'far', 'not-admitted', false, /an account for '127\.0\.0\.1', and has those for '10\.%'/],
        ['no such user', reports, 'not_made', 'no-user', false, /no user 'not_made'/],
        ['its one connection is open', reports, 'full', 'limit', false, /too many connections/],
      ]; // biome-ignore format: a table

      test('fails with the cause of each wrong set-up, and passes as denied only where it is this login that is kept out', async () => {
        const held = await world.connect(reports, 'full');
        const lines = CASES.flatMap(([, as, user]) => ['allowed', 'denied'].map((login) => `as: ${as}, user: ${user}, login: ${login}`));
        const proofs = await prove(lines);
        held.destroy();
        expect(CASES.map(([name], at) => [name, ...told(proofs.slice(2 * at, 2 * at + 2)), proofs[2 * at]!.message])).toEqual(
          CASES.map(([name, , , cause, meant, says]) => [
            name,
            `failed ${cause} login`,
            `${meant ? 'passed' : 'failed'} ${cause} login`,
            expect.stringMatching(says),
          ]),
        );
      });

      test('fails by the way there, for whoever is expected: a wrong authority, a wrong port, IAM authentication or TLS off, no plugin', async () => {
        const both = [`as: ${reports}, user: shop_api, login: denied`, `as: ${task}, user: shop_api`];
        const failed = (cause: Cause): readonly string[] => [`failed ${cause} login`, `failed ${cause} login`];
        const wrong = path.join(world.command.home, 'other-ca.pem');
        fs.writeFileSync(wrong, issueCertificate({}).authority);
        expect(told(await prove(both, (text) => text.replace(world.db.caFile, wrong)))).toEqual(failed('certificate'));
        expect(told(await prove(both, (text) => text.replace(/port: \d+/, 'port: 9')))).toEqual(failed('network'));
        await world.switchIam(false);
        expect(told(await prove(both))).toEqual(failed('iam-off'));
        await world.switchIam(true);
        await query('UNINSTALL PLUGIN AWSAuthenticationPlugin');
        expect(told(await prove(both))).toEqual(failed('iam-off'));
        await query("INSTALL PLUGIN AWSAuthenticationPlugin SONAME 'aws_auth.so'");
        // MariaDB cannot be made to do without TLS while it runs.
        if (world.db.server.flavour !== 'mysql') return;
        await query("SET GLOBAL ssl_cert = '/nowhere.pem'", 'ALTER INSTANCE RELOAD TLS NO ROLLBACK ON ERROR');
        expect(told(await prove(both))).toEqual(failed('tls'));
      });
    });
  });
});
