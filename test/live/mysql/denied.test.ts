import { ModifyDBClusterCommand, ModifyDBInstanceCommand, RDSClient } from '@aws-sdk/client-rds';
import { createConnection } from 'mysql2/promise';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DeniedReport } from '../../../src/model/denied.ts';
import { clientConfig } from '../../lab/aws/moto.ts';
import { withMoto } from '../../lab/aws/suite.ts';
import { newestOfEach } from '../../lab/mysql/versions.ts';
import { exportLines } from '../log-groups.ts';
import { type IamWorld, startIamWorld } from './iam-world.ts';

for (const version of newestOfEach)
  withMoto(`denied logins of ${version}`, (moto) => {
    let world: IamWorld;
    const isMysql = () => world.db.server.flavour === 'mysql';

    beforeAll(async () => {
      world = await startIamWorld(moto(), { version });
      const { server } = world.db;
      await server.query(
        server.superuser,
        "CREATE USER jane@'%' IDENTIFIED BY 'jane-password'",
        "CREATE USER closed@'%' IDENTIFIED BY 'closed-password' ACCOUNT LOCK",
      );
      const rds = new RDSClient(clientConfig(moto()));
      const change = { CloudwatchLogsExportConfiguration: { EnableLogTypes: ['error', 'iam-db-auth-error'] }, ApplyImmediately: true };
      await (world.db.kind === 'cluster'
        ? rds.send(new ModifyDBClusterCommand({ DBClusterIdentifier: world.db.identifier, ...change }))
        : rds.send(new ModifyDBInstanceCommand({ DBInstanceIdentifier: world.db.identifier, ...change })));
      rds.destroy();
      // What AWS writes of tokens; nothing here does.
      await exportLines(moto(), group('iam-db-auth-error'), stream(), []);
    });
    afterAll(async () => await world?.close());

    const group = (log: string): string => `/aws/rds/${world.db.kind}/${world.db.identifier}/${log}`;
    const stream = (): string => (world.db.kind === 'cluster' ? `${world.db.identifier}-1` : world.db.identifier);
    const setting = async (name: string, value: number): Promise<void> =>
      void (await world.db.server.query(world.db.server.superuser, `SET GLOBAL ${name} = ${value}`));
    const refused = async (user: string, password?: string): Promise<void> => {
      const login = { host: '127.0.0.1', port: world.db.server.port, user, ...(password === undefined ? {} : { password }) };
      await expect(createConnection(login)).rejects.toThrow(/denied|locked/);
    };
    const denied = async (...args: readonly string[]) => {
      const { code, stdout, stderr } = await world.run(
        'doctor',
        '--denied',
        ...args,
        '-m',
        world.manifest('groups: { g: {} }\n'),
        '--json',
      );
      expect(stdout + stderr).not.toContain('canary');
      expect(stderr).toBe('');
      return { code, one: (JSON.parse(stdout) as DeniedReport).targets[0]! };
    };
    /** What the server writes while that is done, in the log as it is exported; it may write a line after it has answered. */
    const logged = async (denials: number, work: () => Promise<void>): Promise<readonly string[]> => {
      const before = world.db.server.log().length;
      const written = () => world.db.server.log().slice(before).split('\n');
      await work();
      await expect.poll(() => written().filter((line) => /denied/i.test(line)).length, { timeout: 20_000 }).toBeGreaterThanOrEqual(denials);
      const lines = written();
      await exportLines(moto(), group('error'), stream(), lines);
      return lines;
    };

    test('a server that logs no denied login is not taken for one that denied none', async () => {
      await setting(isMysql() ? 'log_error_verbosity' : 'log_warnings', isMysql() ? 2 : 1);
      const lines = await logged(0, async () => await refused('jane', 'canary-wrong'));
      expect(lines.filter((line) => line.includes('denied'))).toEqual([]);
      const { code, one } = await denied('billing');
      expect({ code, total: one.total, read: one.read.map(({ log }) => log), unread: one.unread }).toEqual({
        code: 3,
        total: 0,
        read: ['iam-db-auth-error', 'error'],
        unread: [
          {
            log: 'error',
            message: expect.stringMatching(isMysql() ? /does not log denied logins: log_error_verbosity = 2/ : /log_warnings = 1/),
            hint: expect.stringMatching(isMysql() ? /log_error_verbosity = 3/ : /log_warnings = 2/),
          },
        ],
      });
      const { code: checked, stdout } = await world.run('doctor', '--check', 'denied-logged', '-m', world.manifest('groups: { g: {} }\n'));
      expect([checked, stdout]).toEqual([1, expect.stringMatching(/denied-logged .* logs none of them: log_\w+ = [12]/)]);
    });

    test('what a server really writes of logins that it really refused is told: who, from where and why', async () => {
      await setting(isMysql() ? 'log_error_verbosity' : 'log_warnings', isMysql() ? 3 : 2);
      await logged(isMysql() ? 4 : 3, async () => {
        await refused('jane', 'canary-wrong');
        await refused('nobody', 'canary-wrong');
        await refused('jane');
        await refused('closed', 'closed-password');
      });
      const { code, one } = await denied();
      expect({ code, unread: one.unread, denied: one.denied.map(({ user, from, cause }) => [user, from, cause]) }).toEqual({
        code: 0,
        unread: [],
        denied: [
          ['jane', expect.stringMatching(/^(127\.0\.0\.1|localhost)$/), 'denied'],
          ['nobody', expect.anything(), 'denied'],
          ['jane', expect.anything(), 'no-password'],
          // MariaDB writes no line about an account that is locked.
          ...(isMysql() ? [['closed', expect.anything(), 'no-login']] : []),
        ],
      });
      expect(Date.parse(one.denied[0]!.at!)).toBeGreaterThan(Date.now() - 600_000);
      expect((await denied('jane@billing')).one.users).toEqual([{ name: 'jane', count: 2 }]);
    });
  });
