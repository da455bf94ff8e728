import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Target } from '../../../src/model/declared.ts';
import type { Finding } from '../../../src/model/finding.ts';
import { connect } from '../../../src/providers/mysql/connect.ts';
import { mysql } from '../../../src/providers/mysql/index.ts';
import { inspect } from '../../../src/providers/mysql/inspect.ts';
import { discover } from '../../../src/providers/rds/rds.ts';
import { REGION } from '../../lab/aws/moto.ts';
import { withMoto } from '../../lab/aws/suite.ts';
import { type MysqlLike, startMysqlLike } from '../../lab/iam/mysql-like.ts';
import { canMakePlugin } from '../../lab/iam/plugin.ts';
import { newestOfEach } from '../../lab/mysql/versions.ts';
import { declaredOf } from '../../providers/declared.ts';
import { sought } from '../../providers/rds/answers.ts';
import { type Runner, startRunner } from '../token-runner.ts';

test.runIf(process.env.CI)('the compiler of the stand-in plugin is here', () => {
  expect(canMakePlugin(), 'it is not: run npm run lab:fetch -- tcc').toBe(true);
});

/** By our stand-in for the plugin that only RDS has; token and policies are checked as there. */
withMoto('a login by token', (moto) => {
  describe.skipIf(!canMakePlugin()).each(newestOfEach)('to %s', (version) => {
    let db: MysqlLike;
    let runner: Runner;
    const name = `runner-${version}`;

    beforeAll(async () => {
      db = await startMysqlLike({ moto: moto(), version, identifier: `billing-${version.replace('.', '-')}` });
      const { server } = db;
      const byToken = (user: string) => `CREATE USER ${user}@'%' IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS' REQUIRE SSL`;
      await server.query(
        server.master,
        byToken('rolecall'),
        byToken('rolecall_plan'),
        "CREATE USER plain@'%' IDENTIFIED BY 'plain-password'",
        "GRANT SELECT ON mysql.* TO rolecall@'%'",
        "GRANT REFERENCES ON *.* TO rolecall@'%'",
      );
      const users = ['rolecall', 'rolecall_plan', 'plain'];
      runner = await startRunner(
        moto(),
        name,
        users.map((user) => db.arn(user)),
      );
    });
    afterAll(async () => await db?.stop());
    beforeEach(() => {
      runner.use();
      return () => vi.unstubAllEnvs();
    });

    const located = async (user = 'rolecall'): Promise<Target> => {
      const login = { user, planUser: 'rolecall_plan', auth: 'iam' } as const;
      const rds = { kind: db.kind, identifier: db.identifier, region: REGION, via: db.via, ca: db.caFile };
      const { targets, findings } = await discover([sought(rds, { login, engine: db.server.flavour })], { needIam: new Set() });
      expect(findings).toEqual([]);
      return targets[0]!;
    };
    const who = async (target: Target, as: 'plan' | 'apply' = 'apply') => {
      const connected = await connect(target, { as, env: {} });
      try {
        return (await connected.ask('SELECT CURRENT_USER()'))[0]![0];
      } finally {
        await connected.close();
      }
    };
    const refused = (target: Target): Promise<Finding> => runner.refused(who(target));

    test('comes in through a tunnel, as user and as plan_user, by a token for each connection', async () => {
      const target = await located();
      expect(await who(target, 'apply')).toBe('rolecall@%');
      expect(await who(target, 'plan')).toBe('rolecall_plan@%');
      expect(db.log().slice(-2)).toMatchObject([
        { user: 'rolecall', ok: true, principal: expect.stringContaining(`user/${name}`) },
        { user: 'rolecall_plan', ok: true },
      ]);
    });

    test('reads which accounts are of IAM, and that the plugin is there', async () => {
      const { server, accounts } = await inspect({ declared: declaredOf(await located()), as: 'apply' });
      expect(server.iamPlugin).toBe(true);
      expect(accounts.find(({ name }) => name === 'rolecall')?.options).toMatchObject({ auth: 'iam', require: 'ssl' });
    });

    test('is by the plugin as doctor sees it, of itself and of others', async () => {
      const { session, user } = mysql.checkup!;
      const target = await located();
      const path = (name: string) => [`'${name}'@'%'`, 'AWSAuthenticationPlugin'];
      expect(await session(target, [])).toMatchObject({ iamPath: path('rolecall'), hasIamRole: true, tls: expect.any(String) });
      expect(await user(target, 'rolecall_plan', '')).toMatchObject({ iamPath: path('rolecall_plan'), hasIamRole: true, lacks: null });
      expect(await user(target, 'plain', '')).toMatchObject({ iamPath: null });
    });

    test('is refused where no policy allows it, and says which ARN it takes', async () => {
      const target = await located();
      await runner.deny();
      try {
        const finding = await refused(target);
        expect(finding).toMatchObject({ code: 'connect/token', target: 'orders' });
        expect(finding.hint).toContain(db.arn('rolecall'));
        expect(db.log().at(-1)).toMatchObject({ ok: false, reason: expect.stringContaining('rds-db:connect') });
      } finally {
        await runner.allow();
      }
      expect(await who(target)).toBe('rolecall@%');
    });

    test('is refused where the user logs in by a password', async () => {
      expect(await refused(await located('plain'))).toMatchObject({ code: 'connect/token' });
    });

    test('shows its token to no server whose certificate is not that of the endpoint', async () => {
      const before = db.log().length;
      const target = await located();
      const { endpoint } = target;
      expect(await refused({ ...target, endpoint: { ...endpoint, host: 'elsewhere' } as Target['endpoint'] })).toMatchObject({
        code: 'connect/certificate-host',
      });
      expect(await refused({ ...target, endpoint: { ...endpoint, ca: 'rds' } as Target['endpoint'] })).toMatchObject({
        code: 'connect/certificate',
      });
      for (const tls of ['require', 'disable']) {
        expect(await refused({ ...target, endpoint: { ...endpoint, tls } as Target['endpoint'] })).toMatchObject({
          code: 'connect/iam-needs-tls',
        });
      }
      expect(db.log()).toHaveLength(before);
    });
  });
});
