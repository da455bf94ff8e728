import fs from 'node:fs';
import path from 'node:path';
import * as cw from '@aws-sdk/client-cloudwatch';
import * as logs from '@aws-sdk/client-cloudwatch-logs';
import * as rds from '@aws-sdk/client-rds';
import * as sns from '@aws-sdk/client-sns';
import { AwsQueryProtocol } from '@aws-sdk/core/protocols';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { ACCOUNT, awsEnvironment, clientConfig, REGION } from '../lab/aws/moto.ts';
import { type AwsFault, type AwsProxy, startAwsProxy } from '../lab/aws/proxy.ts';
import { withMoto } from '../lab/aws/suite.ts';
import { type Registration, register } from '../lab/iam/registered.ts';
import { type Mysql, startMysql } from '../lab/mysql/server.ts';
import { newestOfEach } from '../lab/mysql/versions.ts';
import { type Postgres, startPostgres } from '../lab/postgres.ts';
import { type Command, makeCommand, type Running } from './command.ts';

const STACK = 'test/access';
const NAME = (target: string): string => `rolecall/${STACK}/failed-logins/${target}`;
const TOPIC = `arn:aws:sns:${REGION}:${ACCOUNT}:dba-alerts`;
const WRITES = /^(Create|Put|Set|Subscribe|Unsubscribe|Delete)/;

/** All that is watched; each part of a test writes what differs. */
const ALL = `alarms:
  failed-logins:
    targets: [billing, shop, orders]
    threshold: 3
    notify: { topic: dba-alerts, email: [dba@example.com] }
  tokens: { targets: [billing], source: iam, notify: { topic: dba-alerts } }
`;
const NAMES = ['billing', 'orders', 'shop'].map(NAME);
const TOKENS = `rolecall/${STACK}/tokens/billing`;

/*
 * The emulator lacks rules of AWS that these tests need; moto_watch.py adds them as the documentation has them: mail addresses that have
 * not confirmed, filters that are replaced, log groups that must be there, tags that are taken when an alarm is made. What goes in is
 * held against AWS's own models.
 */
withMoto('alarms', (moto) => {
  const [mysqlVersion, mariadbVersion] = newestOfEach;
  const has = mysqlVersion !== undefined && mariadbVersion !== undefined;
  let command: Command;
  let aws: AwsProxy;
  let [billing, shop]: Mysql[] = [];
  let orders: Postgres;
  let fault: ((operation: string, nth: number) => AwsFault | undefined) | null = null;
  let written = 0;
  let manifests = 0;
  const clients = {} as { cw: cw.CloudWatchClient; logs: logs.CloudWatchLogsClient; sns: sns.SNSClient; rds: rds.RDSClient };

  /** A server whose certificate is for the endpoint that the emulator's RDS says. */
  const known = async <Server>(
    entry: Pick<Registration, 'kind' | 'identifier' | 'engine' | 'port'>,
    begin: (names: readonly string[]) => Promise<Server>,
  ): Promise<Server> => {
    const { host } = await register(moto(), { ...entry, version: '1', region: REGION, iamAuthentication: false });
    return await begin([host]);
  };

  beforeAll(async () => {
    if (!has) return;
    aws = await startAwsProxy(
      moto(),
      ({ operation, service }) => {
        if (service === 'iam' || !WRITES.test(operation)) return undefined;
        return fault?.(operation, written++);
      },
      { pageSize: 2 },
    );
    [command, billing, shop, orders] = await Promise.all([
      makeCommand(),
      known({ kind: 'cluster', identifier: 'billing-prod', engine: 'aurora-mysql', port: 3306 }, (names) =>
        startMysql(mysqlVersion, { tls: { names } }),
      ),
      known({ kind: 'instance', identifier: 'shop-prod', engine: 'mariadb', port: 3306 }, (names) =>
        startMysql(mariadbVersion, { tls: { names } }),
      ),
      known({ kind: 'instance', identifier: 'orders-prod', engine: 'postgres', port: 5432 }, (names) =>
        startPostgres(17, { rdsLike: true, tls: { names } }),
      ),
    ]);
    const config = clientConfig(moto());
    clients.cw = new cw.CloudWatchClient({ ...config, protocol: AwsQueryProtocol });
    clients.logs = new logs.CloudWatchLogsClient(config);
    clients.sns = new sns.SNSClient(config);
    clients.rds = new rds.RDSClient(config);
  });
  afterAll(async () => {
    for (const client of Object.values(clients)) client.destroy();
    command?.remove();
    await Promise.all([aws?.close(), billing?.stop(), shop?.stop(), orders?.stop()]);
  });
  beforeEach(() => {
    fault = null;
    written = 0;
    aws?.forget();
  });

  const manifest = (body: string): string => {
    const file = path.join(command.home, `alarms-${manifests++}.yaml`);
    const target = (name: string, engine: string, place: string, { port, caFile, master }: Mysql | Postgres) => `  ${name}:
    engine: ${engine}
    rds: { ${place}: ${name}-prod, region: ${REGION}, via: { host: 127.0.0.1, port: ${port} }, ca: ${caFile} }
    login: { user: ${master.user}, password: "\${env:ROLECALL_MASTER}" }
`;
    fs.writeFileSync(
      file,
      `version: 1
stack: ${STACK}
targets:
${target('billing', 'mysql', 'cluster', billing!)}${target('shop', 'mariadb', 'instance', shop!)}${target('orders', 'postgres', 'instance', orders)}groups: { readers: { targets: [billing] } }
${body}`,
    );
    return file;
  };
  const words = ([name, file, ...rest]: readonly string[]) => [name!, '-m', file!, '--target', 'alarms', ...rest];
  const variables = () => ({ ...awsEnvironment(aws), ROLECALL_MASTER: orders.master.password });
  const start = (...args: readonly string[]): Running => command.start(words(args), variables());
  const run = async (...args: readonly string[]) => await command.run(words(args), variables());
  const apply = async (file: string) => await run('apply', file, '--auto-approve');
  const applyTwice = async (file: string) => await Promise.all([0, 1].map(() => start('apply', file, '--auto-approve').ended));
  const writes = (): string[] => aws.calls().flatMap(({ operation }) => (WRITES.test(operation) ? [operation] : []));
  /** Everything of ours, and who is told. */
  const held = async () => {
    const { MetricAlarms: alarms = [] } = await clients.cw.send(new cw.DescribeAlarmsCommand({}));
    const { metricFilters = [] } = await clients.logs.send(new logs.DescribeMetricFiltersCommand({}));
    const { Topics: topics = [] } = await clients.sns.send(new sns.ListTopicsCommand({}));
    const { Subscriptions: subscriptions = [] } = await clients.sns.send(new sns.ListSubscriptionsCommand({}));
    return {
      alarms: alarms.map(({ AlarmName }) => AlarmName!).sort(),
      filters: metricFilters.map(({ filterName, logGroupName }) => `${filterName} on ${logGroupName}`).sort(),
      topics: topics.map(({ TopicArn }) => TopicArn!),
      subscriptions: subscriptions.map(({ Protocol, Endpoint }) => `${Protocol} ${Endpoint}`).sort(),
    };
  };
  const nothing = { alarms: [], filters: [], topics: [], subscriptions: [] };
  const everything = {
    alarms: [...NAMES, TOKENS],
    filters: [
      `${NAME('billing')} on /aws/rds/cluster/billing-prod/error`,
      `${NAME('orders')} on /aws/rds/instance/orders-prod/postgresql`,
      `${NAME('shop')} on /aws/rds/instance/shop-prod/error`,
    ],
    topics: [TOPIC],
    subscriptions: ['email dba@example.com'],
  };

  test.runIf(has)('a server that does not log, or whose log does not get there, is refused with what mends it', async () => {
    await shop!.query(shop!.superuser, 'SET GLOBAL log_warnings = 1');
    const before = await run('plan', manifest(ALL), '--json');
    const findings = JSON.parse(before.stdout).targets[0].findings as {
      readonly code: string;
      readonly message: string;
      readonly hint: string;
    }[];
    expect([before.code, ...findings.map(({ code, message }) => `${code} ${/'(\w+)'/.exec(message)![1]}`)]).toEqual([
      3,
      'alarms/log-export error',
      'alarms/log-export error',
      'alarms/log-export postgresql',
      'alarms/not-logged billing',
      'alarms/not-logged shop',
    ]);
    const told = findings.map(({ message, hint }) => `${message} · ${hint}`).join('\n');
    for (const said of [
      'log_error_verbosity = 2, and log_error_verbosity = 3 is needed',
      'log_warnings = 1, and log_warnings = 2 is needed',
      `aws rds modify-db-cluster --db-cluster-identifier billing-prod --cloudwatch-logs-export-configuration '{"EnableLogTypes":["error"]}'`,
      `aws rds modify-db-instance --db-instance-identifier orders-prod --cloudwatch-logs-export-configuration '{"EnableLogTypes":["postgresql"]}'`,
    ])
      expect(told).toContain(said);
    expect((await apply(manifest(ALL))).code).toBe(3);
    expect(writes()).toEqual([]);

    await billing!.query(billing!.superuser, 'SET GLOBAL log_error_verbosity = 3');
    await shop!.query(shop!.superuser, 'SET GLOBAL log_warnings = 2');
    const exported = (log: string) => ({ CloudwatchLogsExportConfiguration: { EnableLogTypes: [log] }, ApplyImmediately: true });
    await clients.rds.send(new rds.ModifyDBClusterCommand({ DBClusterIdentifier: 'billing-prod', ...exported('error') }));
    await clients.rds.send(new rds.ModifyDBInstanceCommand({ DBInstanceIdentifier: 'shop-prod', ...exported('error') }));
    await clients.rds.send(new rds.ModifyDBInstanceCommand({ DBInstanceIdentifier: 'orders-prod', ...exported('postgresql') }));
    const early = await run('plan', manifest(ALL));
    expect([early.code, early.stdout.match(/alarms\/no-log-group/g)?.length]).toEqual([3, 3]);
    for (const logGroupName of [
      '/aws/rds/cluster/billing-prod/error',
      '/aws/rds/instance/shop-prod/error',
      '/aws/rds/instance/orders-prod/postgresql',
    ])
      await clients.logs.send(new logs.CreateLogGroupCommand({ logGroupName }));
  });

  test.runIf(has)('a call that is denied names the statement that would allow it', async () => {
    fault = (operation) => (operation === 'CreateTopic' ? 'access-denied' : undefined);
    const { code, stdout } = await apply(manifest(ALL.replace('[billing, shop, orders]', '[billing]').replace(/ {2}tokens:.*\n/, '')));
    expect([code, stdout.replace(/\s+/g, ' ')]).toEqual([
      1,
      expect.stringContaining(`allow it to whoever runs this: {"Effect":"Allow","Action":"sns:CreateTopic","Resource":"${TOPIC}"}`),
    ]);
    expect(await held()).toEqual(nothing);
  });

  test.runIf(has)('all of it is made as it was reviewed, each call once, and the next run has nothing to do', async () => {
    const saved = path.join(command.home, 'plan.json');
    expect((await run('plan', manifest(ALL), '--out', saved)).code).toBe(0);
    const made = await run('apply', manifest(ALL), saved, '--auto-approve');
    expect([made.code, made.stderr.match(/error.*/)?.[0]]).toEqual([0, undefined]);
    expect(made.stdout).toContain("'dba@example.com' has not confirmed");
    expect(await held()).toEqual(everything);
    expect(aws.violations()).toEqual([]);
    aws.forget();
    const servers = ['billing', 'shop', 'orders'].flatMap((name) => ['--target', name]);
    const again = await run('apply', manifest(ALL), '--auto-approve', ...servers);
    expect([again.code, writes()]).toEqual([0, []]);
    expect(aws.calls().filter(({ operation, input }) => operation === 'DescribeAlarms' && input.NextToken)).not.toEqual([]);
    const { MetricAlarms: [one] = [] } = await clients.cw.send(new cw.DescribeAlarmsCommand({ AlarmNames: [NAME('billing')] }));
    expect(one).toMatchObject({ Threshold: 3, Statistic: 'Sum', TreatMissingData: 'notBreaching', AlarmActions: [TOPIC] });
  });

  test.runIf(has)('who has confirmed is no more spoken of', async () => {
    await clients.sns.send(new sns.ConfirmSubscriptionCommand({ TopicArn: TOPIC, Token: 'dba@example.com' }));
    const { code, stdout } = await run('plan', manifest(ALL), '--detailed-exitcode');
    expect([code, stdout]).toEqual([0, expect.not.stringContaining('confirm')]);
  });

  test.runIf(has)('mail that is narrowed, and a topic whose key CloudWatch may not use, are told with what mends them', async () => {
    const [one] = (await clients.sns.send(new sns.ListSubscriptionsCommand({}))).Subscriptions!;
    const subscription = (AttributeName: string, AttributeValue: string) =>
      clients.sns.send(new sns.SetSubscriptionAttributesCommand({ SubscriptionArn: one!.SubscriptionArn, AttributeName, AttributeValue }));
    const key = (AttributeValue: string) =>
      clients.sns.send(new sns.SetTopicAttributesCommand({ TopicArn: TOPIC, AttributeName: 'KmsMasterKeyId', AttributeValue }));
    await subscription('FilterPolicyScope', 'MessageBody');
    await subscription('FilterPolicy', '{"NewStateValue":["OK"]}');
    await key('alias/aws/sns');
    const { code, stdout } = await run('plan', manifest(ALL), '--json', '--detailed-exitcode');
    const findings = JSON.parse(stdout).targets[0].findings as readonly { readonly code: string; readonly hint: string }[];
    expect([code, findings.map((finding) => `${finding.code} ${/--attribute-value .*/.exec(finding.hint)}`)]).toEqual([
      0,
      [`alarms/filtered --attribute-value '{}' --region ${REGION}`, `alarms/topic-key --attribute-value '' --region ${REGION}`],
    ]);
    expect(aws.violations()).toEqual([]);
    await Promise.all([subscription('FilterPolicy', ''), key('')]);
    expect((await run('plan', manifest(ALL))).stdout).not.toMatch(/alarms\/(filtered|topic-key)/);
  });

  test.runIf(has)('what somebody changes by hand is drift, and is put right; who else listens stays', async () => {
    const { MetricAlarms: [one] = [] } = await clients.cw.send(new cw.DescribeAlarmsCommand({ AlarmNames: [NAME('billing')] }));
    const { Threshold: _, Metrics: __, ...input } = one!;
    await clients.cw.send(new cw.PutMetricAlarmCommand({ ...(input as cw.PutMetricAlarmCommandInput), Threshold: 99 }));
    for (const [Protocol, Endpoint] of [
      ['email', 'former@example.com'],
      ['sqs', `arn:aws:sqs:${REGION}:${ACCOUNT}:theirs`],
    ])
      await clients.sns.send(new sns.SubscribeCommand({ TopicArn: TOPIC, Protocol, Endpoint }));
    await clients.sns.send(new sns.ConfirmSubscriptionCommand({ TopicArn: TOPIC, Token: 'former@example.com' }));
    const file = manifest(ALL);
    const drift = await run('drift', file);
    expect([drift.code, drift.stdout]).toEqual([2, expect.stringContaining('99')]);
    expect((await apply(file)).code).toBe(0);
    expect(writes()).toEqual(expect.arrayContaining(['PutMetricAlarm', 'Unsubscribe']));
    expect(writes()).toHaveLength(2);
    expect(await held()).toMatchObject({ subscriptions: ['email dba@example.com', `sqs arn:aws:sqs:${REGION}:${ACCOUNT}:theirs`] });
    const { SubscriptionArn } = (await clients.sns.send(new sns.ListSubscriptionsCommand({}))).Subscriptions!.find(
      ({ Protocol }) => Protocol === 'sqs',
    )!;
    await clients.sns.send(new sns.UnsubscribeCommand({ SubscriptionArn }));
  });

  test.runIf(has)('an entry that leaves the manifest takes what it made with it', async () => {
    const { code } = await apply(manifest(ALL.replace('[billing, shop, orders]', '[billing]').replace(/ {2}tokens:.*\n/, '')));
    expect(code).toBe(0);
    expect(await held()).toMatchObject({ alarms: [NAME('billing')], filters: [everything.filters[0]], topics: [TOPIC] });
  });

  test.runIf(has)('what is left in a region without a target goes when the region is named', async () => {
    const config = { ...clientConfig(moto()), region: 'us-east-1' };
    const there = { cw: new cw.CloudWatchClient({ ...config, protocol: AwsQueryProtocol }), sns: new sns.SNSClient(config) };
    const Tags = [{ Key: 'rolecall:stack', Value: STACK }];
    const { TopicArn } = await there.sns.send(new sns.CreateTopicCommand({ Name: 'dba-alerts', Tags }));
    await there.cw.send(
      new cw.PutMetricAlarmCommand({
        AlarmName: NAME('stats'),
        Namespace: 'x',
        MetricName: 'y',
        Statistic: 'Sum',
        Period: 60,
        EvaluationPeriods: 1,
        Threshold: 1,
        ComparisonOperator: 'GreaterThanThreshold',
        AlarmActions: [TopicArn!],
        Tags,
      }),
    );
    const kept = ALL.replace('[billing, shop, orders]', '[billing]').replace(/ {2}tokens:.*\n/, '');
    expect((await run('plan', manifest(kept), '--detailed-exitcode')).code).toBe(0);
    const { code, stdout } = await apply(manifest(`${kept}alarm_regions: [us-east-1]\n`));
    const { MetricAlarms, $metadata: _ } = await there.cw.send(new cw.DescribeAlarmsCommand({}));
    const { Topics } = await there.sns.send(new sns.ListTopicsCommand({}));
    expect([code, writes(), MetricAlarms ?? [], Topics ?? []]).toEqual([0, ['DeleteAlarms', 'DeleteTopic'], [], []]);
    expect(stdout).not.toContain('nothing of ours is left');
    expect((await run('plan', manifest(`${kept}alarm_regions: [us-east-1]\n`))).stdout).toContain('nothing of ours is left in us-east-1');
    for (const client of Object.values(there)) client.destroy();
  });

  test.runIf(has)('what is not ours is not touched, whatever its name', async () => {
    const theirs = {
      AlarmName: NAME('orders'),
      Namespace: 'x',
      MetricName: 'y',
      Statistic: 'Sum',
      Period: 60,
      EvaluationPeriods: 1,
      Threshold: 1,
    } as const;
    await clients.cw.send(new cw.PutMetricAlarmCommand({ ...theirs, ComparisonOperator: 'GreaterThanThreshold' }));
    await clients.sns.send(new sns.CreateTopicCommand({ Name: 'theirs' }));
    const { code, stdout } = await apply(manifest(ALL.replace(/dba-alerts/g, 'theirs')));
    expect([code, stdout.match(/alarms\/not-ours/g)?.length ?? stdout]).toEqual([3, 2]);
    expect(writes()).toEqual([]);
    await clients.cw.send(new cw.DeleteAlarmsCommand({ AlarmNames: [NAME('orders')] }));
    await clients.sns.send(new sns.DeleteTopicCommand({ TopicArn: TOPIC.replace('dba-alerts', 'theirs') }));
  });

  test.runIf(has)('answers that are lost are looked for; killed between two calls, the next ones end it, two at once', async () => {
    let [struck, killed]: boolean[] = [];
    // Every call once: what it did is done, and nobody hears of it.
    fault = () => {
      struck = !struck;
      return struck ? 'reset-after' : undefined;
    };
    const lost = await apply(manifest(ALL));
    expect([lost.code, await held()]).toEqual([0, everything]);

    const gone = manifest('alarms: {}\n');
    const running = start('apply', gone, '--auto-approve');
    fault = (_, nth) => {
      if (nth < 3 || killed) return undefined;
      killed = true;
      running.child.kill('SIGKILL');
      return 'reset-before';
    };
    written = 0;
    expect((await running.ended).signal).toBe('SIGKILL');
    expect(await held()).not.toEqual(nothing);
    fault = null;
    const rest = await applyTwice(gone);
    expect([...rest.map(({ code }) => code), await held()]).toEqual([0, 0, nothing]);
  });

  test.runIf(has)('all of it goes with the stack, also when the servers are gone', async () => {
    const made = await applyTwice(manifest(ALL));
    expect([...made.map(({ code }) => code), await held()]).toEqual([0, 0, everything]);
    await clients.rds.send(new rds.DeleteDBInstanceCommand({ DBInstanceIdentifier: 'shop-prod', SkipFinalSnapshot: true }));
    const file = manifest(ALL);
    const plan = await run('plan', file);
    expect([plan.code, plan.stderr + plan.stdout]).toEqual([1, expect.stringContaining('alarms/no-server')]);
    aws.forget();
    const { code, stderr } = await run('destroy', file, '--auto-approve');
    expect([code, await held()]).toEqual([0, nothing]);
    expect(stderr).not.toMatch(/error/);
    expect(aws.violations()).toEqual([]);
  });
});
