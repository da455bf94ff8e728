import fs from 'node:fs';
import { gzipSync } from 'node:zlib';
import { ModifyDBClusterCommand, RDSClient } from '@aws-sdk/client-rds';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Target } from '../../src/model/declared.ts';
import type { DeniedReport } from '../../src/model/denied.ts';
import { serverFacts } from '../../src/providers/rds/facts.ts';
import { readLog } from '../../src/providers/rds/logs.ts';
import { type LogFiles, startLogFiles } from '../lab/aws/log-files.ts';
import { awsEnvironment, clientConfig, type Moto } from '../lab/aws/moto.ts';
import { withMoto } from '../lab/aws/suite.ts';
import { type AwsWorld, startAwsWorld } from './aws-world.ts';
import { exportLines } from './log-groups.ts';

const GROUP = '/aws/rds/cluster/orders-prod';
/** No more of a target than reading its logs takes. */
const TARGET = { name: 'orders', rds: { kind: 'cluster', identifier: 'orders-prod' }, endpoint: { kind: 'rds' } } as Target;
const BODY = 'users: { orders_api: { auth: iam, read: [app.s] } }\n';
const TOKEN = 'orders:5432/?Action=connect&X-Amz-Security-Token=canary&X-Amz-Signature=canary';

const LINE = '2026-11-21 09:12:00 UTC:10.0.0.7(1):app@db:[4]:FATAL:  role "app" does not exist\n';
/** Files that are not what they seem, and what nobody can mean. */
const ODD: readonly (readonly [name: string, bytes: Buffer, args: readonly string[], told: readonly [code: number, says: RegExp]])[] = [
  ['marked.log', Buffer.from(`\ufeff${LINE}`), [], [0, /1 denied login\n/]],
  ['windows.log', Buffer.from(`\ufeff${LINE.replace('\n', '\r\n')}`, 'utf16le'), [], [0, /1 denied login\n/]],
  ['packed.log', gzipSync(LINE), [], [1, /packed\.log' is compressed, expected lines of a log .* gunzip/]],
  ['german.log', Buffer.from('2026-11-21 09:12:00 MEZ [4] FATAL:  Rolle »app« existiert nicht\n'), [], [3, /not in English/]],
  ['many.log', Buffer.from(LINE), ['--limit', '99999999999999999999'], [0, /1 denied login\n/]],
  ['old.log', Buffer.from(LINE), ['--since', '999999d'], [0, /since 1970-01-01T00:00:00Z\n/]],
  ['host.log', Buffer.from(LINE), ['--host', 'h'], [1, /--from reads a file, and a server or a manifest is named besides/]],
  ['check.log', Buffer.from(LINE), ['--check', 'login'], [1, /--denied and --check do not go together/]],
];

withMoto('denied logins of PostgreSQL', (moto) => {
  let files: LogFiles;
  let world: AwsWorld;
  let rds: RDSClient;
  /** What the server really wrote about logins that were really refused. */
  let lines: readonly string[];

  beforeAll(async () => {
    files = await startLogFiles(moto());
    const settings = { log_line_prefix: '%t:%r:%u@%d:[%p]:', log_timezone: 'UTC' };
    world = await startAwsWorld({ ...moto(), ...files } as Moto, { settings });
    rds = new RDSClient({ ...clientConfig(moto()), region: world.rds.region });
    const { server } = world.rds;
    await server.query(
      server.superuser,
      'postgres',
      "CREATE ROLE closed NOLOGIN PASSWORD 'closed-password'; CREATE ROLE jane LOGIN PASSWORD 'jane-password'",
    );
    const before = server.log().length;
    for (const [user, database] of [
      ['jane', 'postgres'],
      ['nobody', 'postgres'],
      ['closed', 'postgres'],
      ['master', 'gone'],
      [TOKEN, 'postgres'],
    ] as const) {
      const password = user === 'master' ? server.master.password : user === 'closed' ? 'closed-password' : 'canary-wrong';
      await expect(server.connect({ user, password }, database)).rejects.toThrow();
    }
    lines = server.log().slice(before).split('\n');
  });
  afterAll(async () => {
    rds?.destroy();
    await world?.close();
    await files?.close();
  });

  const exported = async (EnableLogTypes: readonly string[], DisableLogTypes: readonly string[] = []) =>
    await rds.send(
      new ModifyDBClusterCommand({
        DBClusterIdentifier: world.rds.identifier,
        CloudwatchLogsExportConfiguration: { EnableLogTypes: [...EnableLogTypes], DisableLogTypes: [...DisableLogTypes] },
      }),
    );
  const denied = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await world.run('doctor', '--denied', ...args, '-m', world.manifest(BODY), '--json');
    expect(stdout + stderr).not.toContain('canary');
    expect({ stderr, json: stdout.startsWith('{') }).toEqual({ stderr: '', json: true });
    const report = JSON.parse(stdout) as DeniedReport;
    return { code, report, one: report.targets[0]! };
  };
  const causes = (one: DeniedReport['targets'][number]) => one.denied.map(({ user, cause }) => `${user} ${cause}`);

  test('what can be read from nowhere is unread, and no denied login is claimed to be none', async () => {
    const { code, one } = await denied('orders');
    expect({ code, total: one.total, unread: one.unread.map(({ log, hint }) => [log, hint]) }).toEqual({
      code: 3,
      total: 0,
      unread: ['iam-db-auth-error', 'postgresql'].map((log) => [log, expect.stringContaining(`"EnableLogTypes":["${log}"]`)]),
    });
  });

  test('files of RDS are read where no log is exported: the newest, and no older than is asked for', async () => {
    const [half, now] = [Math.floor(lines.length / 2), Date.now()];
    const instance = 'orders-prod-1';
    const old = '2020-01-01 00:00:00 UTC:10.0.0.1(1):old@app:[1]:FATAL:  role "old" does not exist\n';
    files.show([
      { instance, name: 'error/postgresql.log.2020-01-01-00', lastWritten: now - 86_400_000, text: old },
      { instance, name: 'error/postgresql.log.2026-11-21-08', lastWritten: now - 1000, text: lines.slice(0, half).join('\n') },
      { instance, name: 'error/postgresql.log.2026-11-21-09', lastWritten: now, text: lines.slice(half).join('\n') },
      { instance, name: 'error/postgresql.log.2026-11-21-09.csv', lastWritten: now, text: lines.join('\n') },
    ]);
    const { code, one } = await denied('orders');
    expect({ code, read: one.read, unread: one.unread.map(({ log }) => log), causes: causes(one) }).toEqual({
      code: 3,
      read: [{ log: 'postgresql', by: 'rds' }],
      unread: ['iam-db-auth-error'],
      causes: [
        expect.stringMatching(/^jane (password|no-iam-user)$/),
        'nobody no-user',
        'closed no-login',
        'master no-database',
        expect.stringMatching(/ no-user$/),
      ],
    });
    expect(one.denied[0]).toMatchObject({ from: '127.0.0.1', database: 'postgres', instance });
    expect(world.aws.violations()).toEqual([]);
    files.show([]);
  });

  test('logs that are exported are read from CloudWatch Logs, and lines of one login in both are one', async () => {
    await exported(['postgresql', 'iam-db-auth-error']);
    await exportLines(moto(), `${GROUP}/postgresql`, 'orders-prod-1.0', lines);
    // No server of the lab asks AWS about tokens: these two are written as the RDS User Guide has them.
    const at = new Date().toISOString().slice(0, 19);
    const ARN = 'arn:aws:sts::123456789012:assumed-role/orders-api-task/i-1';
    const pam = `${at.replace('T', ' ')} UTC:10.0.0.7(4711):orders_api@app:[7]:FATAL:  PAM authentication failed for user "orders_api"`;
    const refused = `${at},954 [ERROR] Failed to authorize the connection request for user 'orders_api' because the IAM policy assumed by the caller '${ARN}' is not authorized to perform \`rds-db:connect\` on the DB instance. (Status Code: 403, Error Code:NotAuthorized)`;
    await exportLines(moto(), `${GROUP}/postgresql`, 'orders-prod-1.0', [pam]);
    await exportLines(moto(), `${GROUP}/iam-db-auth-error`, 'orders-prod-1', [refused]);
    const { code, one } = await denied('orders_api@orders');
    expect({ code, total: one.total, unread: one.unread, denied: one.denied }).toEqual({
      code: 0,
      total: 1,
      unread: [],
      denied: [
        expect.objectContaining({
          user: 'orders_api',
          cause: 'policy',
          principal: ARN,
          from: '10.0.0.7',
          database: 'app',
          logs: ['iam-db-auth-error', 'postgresql'],
        }),
      ],
    });
    const all = await denied('--limit', '2');
    expect({ code: all.code, total: all.one.total, shown: all.one.denied.length }).toEqual({ code: 0, total: 6, shown: 2 });
    expect(all.one.denied.at(-1)).toMatchObject({ user: 'orders_api' });
    expect((await denied('nobody@orders')).one.denied.map(({ cause }) => cause)).toEqual(['no-user']);
  });

  test('without a manifest a server of RDS is named, and a user of it', async () => {
    const { identifier, region, via, caFile, server } = world.rds;
    const named = [
      '--rds',
      `cluster/${identifier}`,
      '--region',
      region,
      '--via',
      `127.0.0.1:${via.port}`,
      '--ca',
      caFile,
      '--user',
      'master',
    ];
    const env = { ...awsEnvironment(world.aws), PGPASSWORD: server.master.password };
    const { code, stdout, stderr } = await world.command.run(['doctor', '--denied', 'nobody', ...named, '--json'], env);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect((JSON.parse(stdout) as DeniedReport).targets.map(causes)).toEqual([['nobody no-user']]);
  });

  test('a tired person is told how many, why and what to do, then who and when', async () => {
    const { code, stdout } = await world.run('doctor', '--denied', 'orders', '-m', world.manifest(BODY));
    expect(stdout).not.toContain('canary');
    expect({ code, lines: stdout.split('\n') }).toEqual({
      code: 0,
      lines: expect.arrayContaining([
        expect.stringMatching(/^orders {2}6 denied logins since \S+Z$/),
        '  read: iam-db-auth-error (CloudWatch Logs), postgresql (CloudWatch Logs)',
        "  2  no-user       there is no role '…'",
        expect.stringMatching(/^ {2}users {2}closed 1, jane 1, /),
        expect.stringMatching(/^ {2}when +user +from +cause +what was said$/),
        expect.stringMatching(/^ {2}\S+Z {2}orders_api +10\.0\.0\.7 +policy +arn:aws:sts::123456789012:assum/),
      ]),
    });
  });

  test('where CloudWatch may not be read, RDS is asked, and what AWS said is told if that is of no use', async () => {
    world.refuse('FilterLogEvents');
    const { code, one } = await denied('orders');
    world.refuse(null);
    expect({ code, unread: one.unread.map(({ log, hint }) => [log, hint]) }).toEqual({
      code: 3,
      unread: ['iam-db-auth-error', 'postgresql'].map((log) => [log, expect.stringContaining('logs:FilterLogEvents')]),
    });
  });

  test('no more is read than a bound, and what is missing is told', async () => {
    for (const [name, value] of Object.entries(awsEnvironment(world.aws))) vi.stubEnv(name, value);
    try {
      const server = await serverFacts(TARGET, world.rds.region);
      const none = { ...server, logExports: [] };
      const now = Date.now();
      const name = (hour: string): string => `error/postgresql.log.2026-11-21-${hour}`;
      const text = `${lines.join('\n')}\n`;
      const file = { instance: 'orders-prod-1', text };
      files.show([
        { ...file, name: name('08'), lastWritten: now - 1000 },
        { ...file, name: name('09'), lastWritten: now },
      ]);
      const all = await readLog(TARGET, none, 'postgresql', now - 60_000);
      expect({ files: all.events.length, part: all.part }).toEqual({ files: 2, part: undefined });
      const cut = await readLog(TARGET, none, 'postgresql', now - 60_000, { pages: 1, bytes: 10 });
      expect({ files: cut.events.length, part: cut.part }).toEqual({ files: 1, part: 'of orders-prod-1 no more was read than 10 bytes' });
      const long = 'x'.repeat(99).concat('\n').repeat(20_000);
      files.show([{ ...file, name: name('09'), lastWritten: now, text: long + text }]);
      const portion = await readLog(TARGET, none, 'postgresql', now - 60_000);
      expect(portion.part).toMatch(/^of error\/postgresql\.log\.2026-11-21-09 of orders-prod-1 only the last \d+ bytes were read$/);
      expect(portion.events[0]!.text.endsWith(text)).toBe(true);
      await expect(readLog(TARGET, server, 'postgresql', now - 60_000, { pages: 0, bytes: 0 })).resolves.toMatchObject({
        by: 'cloudwatch',
        part: expect.stringContaining('more than 0 pages'),
      });
    } finally {
      files.show([]);
      vi.unstubAllEnvs();
    }
  });

  test('a log file is decoded offline, and a file of something else is not taken for a log without denials; what is no length of time is refused', async () => {
    const file = `${world.command.home}/postgresql.log`;
    fs.writeFileSync(file, lines.join('\n'));
    const { code, stdout } = await world.command.run(['doctor', '--denied', '--from', file, '--json']);
    const [one] = (JSON.parse(stdout) as DeniedReport).targets;
    expect({ code, total: one!.total, read: one!.read }).toEqual({ code: 0, total: 5, read: [{ log: 'postgresql', by: 'file' }] });
    const of = await world.command.run(['doctor', '--denied', 'closed', '--from', file, '--json']);
    expect((JSON.parse(of.stdout) as DeniedReport).targets[0]!.denied.map(({ cause }) => cause)).toEqual(['no-login']);
    const empty = await world.command.start(['doctor', '--denied', '--from', '-']).ended;
    expect([empty.code, empty.stdout]).toEqual([
      3,
      expect.stringMatching(/^stdin {2}no denied login in what could be read\n {2}\? unread: none of its lines is one of/),
    ]);
    const since = await world.command.run(['doctor', '--denied', '--from', file, '--since', 'yesterday']);
    expect([since.code, since.stderr]).toEqual([1, expect.stringContaining("'yesterday' is no length of time")]);
    const without = await world.command.run(['doctor', '--since', '1h']);
    expect([without.code, without.stderr]).toEqual([1, expect.stringContaining('--since is for --denied')]);
    for (const [name, bytes, args, told] of ODD) {
      const odd = `${world.command.home}/${name}`;
      fs.writeFileSync(odd, bytes);
      const { code, stdout, stderr } = await world.command.run(['doctor', '--denied', '--from', odd, ...args]);
      expect([name, code, stdout + stderr]).toEqual([name, told[0], expect.stringMatching(told[1])]);
    }
    const missing = await world.command.run(['doctor', '--denied', '--from', '/nowhere/at.log']);
    expect([missing.code, missing.stderr]).toEqual([1, expect.stringContaining('it does not exist')]);
  });
});
