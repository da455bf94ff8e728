import fs from 'node:fs';
import path from 'node:path';
import { CreateRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LockResult } from '../../../src/model/lock.ts';
import type { Proofs } from '../../../src/model/proof.ts';
import { ACCOUNT, awsEnvironment, clientConfig, REGION } from '../../lab/aws/moto.ts';
import { withMoto } from '../../lab/aws/suite.ts';
import { type MysqlLike, startMysqlLike } from '../../lab/iam/mysql-like.ts';
import { canMakePlugin } from '../../lab/iam/plugin.ts';
import { newestOfEach } from '../../lab/mysql/versions.ts';
import { type Command, makeCommand } from '../command.ts';

/** By our stand-in for the plugin that only RDS has; token and policies are checked as there. */
withMoto('proofs and locks of logins by token', (moto) => {
  let command: Command;
  beforeAll(async () => {
    command = await makeCommand();
  });
  afterAll(() => command?.remove());

  describe.skipIf(!canMakePlugin()).each(newestOfEach)('on %s', (version) => {
    const [task, other] = [`prove-task-${version}`, `prove-other-${version}`];
    let db: MysqlLike;

    beforeAll(async () => {
      db = await startMysqlLike({ moto: moto(), version, identifier: `proofs-${version.replace('.', '-')}` });
      const trust = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: { AWS: '*' }, Action: 'sts:AssumeRole' }] };
      const iam = new IAMClient(clientConfig(moto()));
      for (const name of [task, other])
        await iam.send(new CreateRoleCommand({ RoleName: name, AssumeRolePolicyDocument: JSON.stringify(trust) }));
      await db.server.query(db.server.master, 'CREATE DATABASE shop', 'CREATE TABLE shop.orders (id int)');
      expect(await run('apply', '-m', manifest(), '--auto-approve')).toMatchObject({ code: 0 });
    });
    afterAll(async () => await db?.stop());

    const manifest = (expected: readonly string[] = []): string => {
      const file = path.join(command.home, 'access.yaml');
      fs.writeFileSync(
        file,
        `version: 1
stack: test/proofs-${version}
iam: { account: "${ACCOUNT}" }
targets:
  billing:
    engine: ${db.server.flavour}
    rds: { ${db.kind}: ${db.identifier}, region: ${REGION}, via: { host: 127.0.0.1, port: ${db.via.port} }, ca: ${db.caFile} }
    login: { user: ${db.server.master.user}, password: "\${env:ROLECALL_MASTER}" }
users:
  shop_api: { auth: iam, principals: [role/${task}], write: [shop] }
  jane: { auth: password, password: "\${env:JANE}" }
${expected.length > 0 ? 'expect:\n' : ''}${expected.map((line) => `  - { target: billing, ${line} }\n`).join('')}`,
      );
      return file;
    };
    const run = async (...args: readonly string[]) =>
      await command.start(args, { ...awsEnvironment(moto()), ROLECALL_MASTER: db.server.master.password, JANE: 'jane-password' }).ended;
    const prove = async (expected: readonly string[]): Promise<readonly string[]> => {
      const { stdout, stderr } = await run('prove', '-m', manifest(expected), '--json');
      if (stdout === '') expect.fail(stderr);
      expect(stdout + stderr).not.toMatch(/X-Amz-|Action=connect|jane-password/);
      return (JSON.parse(stdout) as Proofs).proofs.map(({ what, status, cause }) => `${status} ${cause} ${what}`);
    };

    test('a token lets in whom a policy lets in, and a denial says which of all it was', async () => {
      expect(
        await prove([
          `as: role/${task}, user: shop_api, can: [insert on shop.orders], cannot: [own on shop.orders]`,
          `as: role/${other}, user: shop_api, login: denied`,
          `as: role/${other}, user: shop_api, login: allowed`,
          `as: role/${task}, user: jane, login: denied`,
          'user: jane',
        ]),
      ).toEqual([
        'passed null login',
        'passed null insert on shop.orders',
        'passed null own on shop.orders',
        'passed policy login',
        'failed policy login',
        'passed no-iam-user login',
        'passed null login',
      ]);
    });

    test('a lock takes the lines of policies away, and a plan leaves it so where there are marks', async () => {
      const { code, stdout } = await run('lock', 'shop_api', '-m', manifest(), '--auto-approve', '--json');
      expect({ code, iam: (JSON.parse(stdout) as LockResult).iam?.removed.map(({ arn }) => arn) }).toEqual({
        code: 0,
        iam: [db.arn('shop_api')],
      });
      expect(await prove([`as: role/${task}, user: shop_api, login: denied`])).toEqual([
        expect.stringMatching(/^passed (policy|no-login) login$/),
      ]);
      const marks = db.server.flavour === 'mysql';
      expect(await run('plan', '-m', manifest(), '--detailed-exitcode')).toMatchObject({ code: marks ? 0 : 2 });
      expect(await run('unlock', 'shop_api', '-m', manifest())).toMatchObject({ code: 0 });
      expect(await run('apply', '-m', manifest(), '--auto-approve')).toMatchObject({ code: 0 });
      expect(await prove([`as: role/${task}, user: shop_api`])).toEqual(['passed null login']);
    });

    test('a server without the plugin is named as the cause', async () => {
      await db.server.query(db.server.superuser, 'UNINSTALL PLUGIN AWSAuthenticationPlugin');
      expect(await prove([`as: role/${task}, user: shop_api, login: denied`])).toEqual(['failed iam-off login']);
    });
  });
});
