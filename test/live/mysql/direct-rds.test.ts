import { CreateAccessKeyCommand, CreateUserCommand, IAMClient, PutUserPolicyCommand } from '@aws-sdk/client-iam';
import { CreateDBInstanceCommand, DeleteDBInstanceCommand, RDSClient } from '@aws-sdk/client-rds';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Checkup } from '../../../src/model/checkup.ts';
import type { LockResult } from '../../../src/model/lock.ts';
import { awsEnvironment, clientConfig, REGION } from '../../lab/aws/moto.ts';
import { withMoto } from '../../lab/aws/suite.ts';
import { canMakePlugin } from '../../lab/iam/plugin.ts';
import { newestOfEach } from '../../lab/mysql/versions.ts';
import type { Ended } from '../command.ts';
import { type IamWorld, startIamWorld } from './iam-world.ts';

/** By our stand-in for the plugin that only RDS has; token and policies are checked as there. */
withMoto('without a manifest, a server of RDS', (moto) => {
  describe.skipIf(!canMakePlugin()).each(newestOfEach)('that runs %s', (version) => {
    const identifier = `direct-${version.replace('.', '-')}`;
    const reports = `reports-${version}`;
    const BODY = `users: { jane: { auth: iam, principals: [role/${reports}] } }\n`;
    let world: IamWorld;
    let keys: Readonly<Record<string, string>>;

    beforeAll(async () => {
      world = await startIamWorld(moto(), { version, identifier });
      await world.makeRole(reports);
      const { superuser, query } = world.db.server;
      await query(
        superuser,
        "CREATE USER rolecall@'%' IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS' REQUIRE SSL",
        "GRANT SELECT, CREATE USER, PROCESS ON *.* TO rolecall@'%'",
        "GRANT EXECUTE ON PROCEDURE mysql.rds_kill TO rolecall@'%'",
      );
      keys = await keysOf('oncall', world.db.arn('rolecall'));
      const { code, stdout, stderr } = await world.run('apply', '-m', world.manifest(BODY), '--auto-approve');
      expect({ code, out: code === 0 ? '' : stdout + stderr }).toEqual({ code: 0, out: '' });
    });
    afterAll(async () => await world?.close());

    /** Of a new user of IAM that may do everything, and log in as the user of the server that the ARN names. */
    const keysOf = async (name: string, arn: string) => {
      const iam = new IAMClient(clientConfig(moto()));
      const user = { UserName: `${name}-${version}` };
      await iam.send(new CreateUserCommand(user));
      const statement = { Effect: 'Allow', Action: ['rds:*', 'iam:*', 'sts:*'], Resource: '*' };
      const login = { Effect: 'Allow', Action: 'rds-db:connect', Resource: arn };
      const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: [statement, login] });
      await iam.send(new PutUserPolicyCommand({ ...user, PolicyName: 'work', PolicyDocument }));
      const { AccessKey: key } = await iam.send(new CreateAccessKeyCommand(user));
      iam.destroy();
      return { AWS_ACCESS_KEY_ID: key!.AccessKeyId!, AWS_SECRET_ACCESS_KEY: key!.SecretAccessKey! };
    };
    const rds = (name = `${world.db.kind}/${identifier}`): readonly string[] => ['--rds', name, '--region', REGION];
    const tunnel = (): readonly string[] => ['--via', `127.0.0.1:${world.db.via.port}`, '--ca', world.db.caFile];
    const run = async (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> =>
      await world.command.run(args, { ...awsEnvironment(world.aws), ...keys, ...env });
    const accounts = async (): Promise<string> => {
      const [row] = await world.db.server.query(world.db.server.superuser, "SHOW CREATE USER 'jane'@'%'");
      return String(Object.values(row!)[0]);
    };

    test('is locked by its name in RDS, by token, and the lines go out of our policies; and unlocked', async () => {
      expect(await world.allowed(`role/${reports}`)).toEqual([world.db.arn('jane')]);
      const { code, stdout, stderr } = await run(['lock', 'jane', ...rds(), ...tunnel(), '--auto-approve', '--json']);
      const { targets, iam } = JSON.parse(stdout || '{}') as LockResult;
      expect({ code, stderr, target: targets[0], iam }).toMatchObject({
        code: 0,
        stderr: '',
        target: { name: identifier, status: 'done', login: { before: true, after: false }, sessions: { before: 0, after: 0 } },
        iam: { status: 'done', removed: [{ principal: `role/${reports}`, arn: world.db.arn('jane') }] },
      });
      expect(targets[0]!.mark?.stack).toBe(world.db.server.flavour === 'mysql' ? `test/${identifier}` : undefined);
      expect(await accounts()).toContain('ACCOUNT LOCK');
      expect(await world.allowed(`role/${reports}`)).toEqual([]);
      const master = { MYSQL_PWD: world.db.server.master.password };
      const opened = await run(['unlock', 'jane', ...rds(), ...tunnel(), '--user', 'master'], master);
      expect(opened).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('it may log in again') });
      expect(await accounts()).not.toContain('ACCOUNT LOCK');
      expect((await world.run('apply', '-m', world.manifest(BODY), '--auto-approve')).code).toBe(0);
    });

    test('doctor finds what keeps a user out', async () => {
      const { code, stdout } = await run(['doctor', `jane@${identifier}`, ...rds(), ...tunnel(), '--as', `role/${reports}`, '--json']);
      const { checks, cause } = JSON.parse(stdout || '{}') as Checkup;
      expect({ code, cause, failed: checks.filter(({ status }) => status !== 'passed') }).toEqual({ code: 0, cause: null, failed: [] });
      const none = await run(['doctor', 'nobody', ...rds(), ...tunnel()]);
      expect(none).toMatchObject({ code: 1, stdout: expect.stringContaining("The cause is 'user'") });
    });

    test('lets in whoever comes with a token that was printed for it', async () => {
      const { code, stdout, stderr } = await run(['token', 'jane', ...rds(), '--as', `role/${reports}`], { MYSQL_PWD: 'of another' });
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const connection = await world.connectWith(stdout.trim(), 'jane');
      const [rows] = await connection.query('SELECT CURRENT_USER() AS who');
      await connection.end();
      expect(rows).toEqual([{ who: 'jane@%' }]);
    });

    test.runIf(version === newestOfEach[0]).each<[string, (name: string) => readonly string[], string]>([
      ['another engine than is said', (name) => [...rds(name), '--engine', 'postgres'], 'and postgres is expected · write --engine m'],
      ['another kind than is said', () => rds(`proxy/${identifier}`), 'write --rds '],
      ['another name', () => rds('instance/direkt'), "there is no instance 'direkt'"],
      ['another region', (name) => ['--rds', name, '--region', 'eu-north-1'], 'in eu-north-1'],
    ])('is not what has %s', async (_name, args, said) => {
      const ended = await run(['lock', 'jane', ...args(`${world.db.kind}/${identifier}`), '--auto-approve']);
      const told = (ended.stdout + ended.stderr).replace(/\s+/g, ' ').replaceAll(' - ', ' · ');
      expect({ code: ended.code, told }).toEqual({ code: 1, told: expect.stringContaining(said) });
      expect(told).not.toContain('manifest');
    });
  });

  test('of an engine that is none of ours is refused by its name', async () => {
    const client = new RDSClient(clientConfig(moto()));
    const DBInstanceIdentifier = 'oracle-prod';
    await client.send(
      new CreateDBInstanceCommand({ DBInstanceIdentifier, DBInstanceClass: 'db.t3.medium', Engine: 'oracle-ee', AllocatedStorage: 20 }),
    );
    const command = (await import('../command.ts')).makeCommand();
    const { code, stdout } = await command.run(
      ['lock', 'jane', '--rds', `instance/${DBInstanceIdentifier}`, '--region', REGION, '--auto-approve'],
      awsEnvironment(moto()),
    );
    command.remove();
    await client.send(new DeleteDBInstanceCommand({ DBInstanceIdentifier, SkipFinalSnapshot: true }));
    client.destroy();
    expect({ code, told: stdout.replace(/\s+/g, ' ') }).toEqual({
      code: 1,
      told: expect.stringMatching(/instance 'oracle-prod' in eu-central-1 runs oracle-ee . only PostgreSQL, MySQL and MariaDB are managed/),
    });
  });
});
