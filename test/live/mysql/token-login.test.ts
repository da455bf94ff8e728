import { inspect as show } from 'node:util';
import {
  AttachUserPolicyCommand,
  CreateAccessKeyCommand,
  CreatePolicyCommand,
  CreateUserCommand,
  DetachUserPolicyCommand,
  IAMClient,
} from '@aws-sdk/client-iam';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Target } from '../../../src/model/declared.ts';
import type { Failure, Finding } from '../../../src/model/finding.ts';
import { connect } from '../../../src/providers/mysql/connect.ts';
import { mysql } from '../../../src/providers/mysql/index.ts';
import { inspect } from '../../../src/providers/mysql/inspect.ts';
import { discover } from '../../../src/providers/rds/rds.ts';
import { awsEnvironment, clientConfig, REGION } from '../../lab/aws/moto.ts';
import { withMoto } from '../../lab/aws/suite.ts';
import { type MysqlLike, startMysqlLike } from '../../lab/iam/mysql-like.ts';
import { canMakePlugin } from '../../lab/iam/plugin.ts';
import { newestOfEach } from '../../lab/mysql/versions.ts';
import { declaredOf } from '../../providers/declared.ts';
import { sought } from '../../providers/rds/answers.ts';

test.runIf(process.env.CI)('the compiler of the stand-in plugin is here', () => {
  expect(canMakePlugin(), 'it is not: run npm run lab:fetch -- tcc').toBe(true);
});

/** By our stand-in for the plugin that only RDS has; token and policies are checked as there. */
withMoto('a login by token', (moto) => {
  describe.skipIf(!canMakePlugin()).each(newestOfEach)('to %s', (version) => {
    let db: MysqlLike;
    let arn: string;
    const keys = { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' };
    const iam = () => new IAMClient(clientConfig(moto()));
    const runner = `runner-${version}`;

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
      await iam().send(new CreateUserCommand({ UserName: runner }));
      const { AccessKey } = await iam().send(new CreateAccessKeyCommand({ UserName: runner }));
      Object.assign(keys, { AWS_ACCESS_KEY_ID: AccessKey!.AccessKeyId!, AWS_SECRET_ACCESS_KEY: AccessKey!.SecretAccessKey! });
      const Resource = ['rolecall', 'rolecall_plan', 'plain'].map((user) => db.arn(user));
      const document = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'rds-db:connect', Resource }] };
      const { Policy } = await iam().send(new CreatePolicyCommand({ PolicyName: runner, PolicyDocument: JSON.stringify(document) }));
      arn = Policy!.Arn!;
      await allow();
    });
    afterAll(async () => await db?.stop());
    beforeEach(() => {
      for (const [name, value] of Object.entries({ ...awsEnvironment(moto()), ...keys })) vi.stubEnv(name, value);
      return () => vi.unstubAllEnvs();
    });

    const allow = () => iam().send(new AttachUserPolicyCommand({ UserName: runner, PolicyArn: arn }));
    const deny = () => iam().send(new DetachUserPolicyCommand({ UserName: runner, PolicyArn: arn }));
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
    /** The finding of a refused login; no key and no token is in whatever could be printed of it. */
    const refused = async (target: Target): Promise<Finding> => {
      const error: Failure = await who(target).then(
        () => expect.fail('it was let in'),
        (thrown) => thrown,
      );
      const printed = [error.stack, show(error, { depth: 9, showHidden: true }), JSON.stringify(error.findings)].join('\n');
      expect(printed).not.toMatch(/X-Amz-Signature|X-Amz-Credential/);
      expect(printed).not.toContain(keys.AWS_SECRET_ACCESS_KEY);
      expect(error.findings).toHaveLength(1);
      return error.findings[0]!;
    };

    test('comes in through a tunnel, as user and as plan_user, by a token for each connection', async () => {
      const target = await located();
      expect(await who(target, 'apply')).toBe('rolecall@%');
      expect(await who(target, 'plan')).toBe('rolecall_plan@%');
      expect(db.log().slice(-2)).toMatchObject([
        { user: 'rolecall', ok: true, principal: expect.stringContaining(`user/${runner}`) },
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
      await deny();
      try {
        const finding = await refused(target);
        expect(finding).toMatchObject({ code: 'connect/token', target: 'orders' });
        expect(finding.hint).toContain(db.arn('rolecall'));
        expect(db.log().at(-1)).toMatchObject({ ok: false, reason: expect.stringContaining('rds-db:connect') });
      } finally {
        await allow();
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
