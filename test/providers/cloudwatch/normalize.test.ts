import { describe, expect, test } from 'vitest';
import { diff } from '../../../src/core/diff.ts';
import type { Declared } from '../../../src/model/declared.ts';
import { normalize } from '../../../src/providers/cloudwatch/normalize.ts';
import { topicPolicy } from '../../../src/providers/cloudwatch/policy.ts';
import type { Snapshot } from '../../../src/providers/cloudwatch/snapshot.ts';
import { ACCOUNT, declared, found, mail, REGION, server, snapshot, topic, watch } from './world.ts';

const NAME = 'rolecall/acme/access/failed-logins/billing';
const NOWHERE: ReadonlySet<string> = new Set();
const told = declared([watch({ topic: 'dba' })], [mail('dba', 'a@example.com')]);
const arn = (name: string): string => `arn:aws:sns:${REGION}:${ACCOUNT}:${name}`;
const ours = (rest: Parameters<typeof topic>[1] = {}) => topic('dba', { policy: JSON.parse(topicPolicy(arn('dba'), ACCOUNT)), ...rest });
const email = (address: string, confirmed = true) => ({ arn: confirmed ? `${arn('dba')}:1` : null, protocol: 'email', address });

const only = (alarm: Parameters<typeof watch>[0], one: Parameters<typeof server>[0] = {}): Declared =>
  declared([watch(alarm)], [], { billing: server(one) });

describe('an alarm of the manifest is', () => {
  const desired = (wanted: Declared) => normalize(snapshot(), wanted).desired;

  test('for MySQL and MariaDB a filter on the error log, and an alarm on what it counts', () => {
    const { log_filter, alarm } = desired(only({ threshold: 3, periodSeconds: 300 }, { kind: 'instance', engine: 'mariadb' }));
    expect([...log_filter!.values()]).toEqual([
      {
        name: NAME,
        region: REGION,
        logGroup: '/aws/rds/instance/billing-prod/error',
        pattern: '"Access denied for user"',
        namespace: 'Rolecall/acme/access',
        metric: 'failed-logins/billing',
        value: '1',
        otherwise: 0,
      },
    ]);
    expect([...alarm!.values()]).toEqual([
      {
        name: NAME,
        region: REGION,
        description: 'Failed logins on billing, watched by rolecall for acme/access',
        namespace: 'Rolecall/acme/access',
        metric: 'failed-logins/billing',
        dimensions: {},
        statistic: 'Sum',
        comparison: 'GreaterThanOrEqualToThreshold',
        threshold: 3,
        periodSeconds: 300,
        periods: 1,
        periodsOver: 1,
        missing: 'notBreaching',
        enabled: true,
        actions: [],
      },
    ]);
  });

  test('for PostgreSQL a filter on its one log', () => {
    const [filter] = [...desired(only({}, { engine: 'aurora-postgresql' })).log_filter!.values()];
    expect(filter).toMatchObject({ logGroup: '/aws/rds/cluster/billing-prod/postgresql' });
    // CloudWatch Logs API Reference, PutMetricFilter
    expect(filter!.pattern.length).toBeLessThanOrEqual(1024);
    expect(filter!.pattern).toMatch(/^\?"[^"]+"( \?"[^"]+")+$/);
  });

  test.each([
    ['cluster', { DBClusterIdentifier: 'billing-prod' }],
    ['instance', { DBInstanceIdentifier: 'billing-prod' }],
  ] as const)('of tokens that a %s refused the metric that RDS keeps', (kind, dimensions) => {
    const { log_filter, alarm } = desired(only({ of: 'iam' }, { kind }));
    expect([...log_filter!.keys()]).toEqual([]);
    expect([...alarm!.values()]).toMatchObject([{ namespace: 'AWS/RDS', metric: 'IamDbAuthConnectionFailure', dimensions }]);
  });

  test('with a topic in each region where it has servers, and whom it tells', () => {
    const wanted = declared([watch({ topic: 'dba' }), watch({ topic: 'dba', target: 'orders' })], [mail('dba', 'a@example.com')], {
      orders: server({ identifier: 'orders-prod', region: 'us-east-1' }),
    });
    const { topic: topics, subscription, alarm } = desired(wanted);
    expect([...topics!.keys()]).toEqual(['dba in eu-central-1', 'dba in us-east-1']);
    expect([...subscription!.keys()]).toEqual(['a@example.com of dba in eu-central-1', 'a@example.com of dba in us-east-1']);
    expect([...alarm!.values()].map(({ actions }) => actions)).toEqual([[arn('dba')], [`arn:aws:sns:us-east-1:${ACCOUNT}:dba`]]);
    expect(JSON.parse(topics!.get('dba in eu-central-1')!.policy).Statement).toEqual([
      expect.objectContaining({
        Effect: 'Allow',
        Principal: { Service: 'cloudwatch.amazonaws.com' },
        Action: 'sns:Publish',
        Resource: arn('dba'),
        Condition: { StringEquals: { 'aws:SourceAccount': ACCOUNT } },
      }),
    ]);
  });

  test('with a topic of somebody else told, and left as it is', () => {
    const { topic: topics, alarm } = desired(only({ topic: arn('theirs') }));
    expect([[...topics!.keys()], [...alarm!.values()][0]!.actions]).toEqual([[], [arn('theirs')]]);
  });
});

describe('what is found', () => {
  const keyed = ['warning alarms/topic-key'];
  const elsewhere = found('rolecall/acme/access/failed-logins/orders', 'acme/access', { region: 'us-east-1' });
  const leaving: Declared = {
    ...told,
    alarms: { ...told.alarms!, alsoIn: [{ region: 'us-east-1', source: { file: 'access.yaml', line: 9, column: 3 } }] },
  };
  const said = (before: Snapshot, wanted: Declared) =>
    normalize(before, wanted).findings.map(({ severity, code }) => `${severity} ${code}`);
  const cases: readonly [string, Snapshot, Declared, readonly string[]][] = [
    ['nothing where all is well', snapshot(), told, []],
    ['a log that is not exported', snapshot({ logGroups: NOWHERE }), only({}, { logExports: ['audit'] }), ['error alarms/log-export']],
    ['a log that is exported, and has not begun', snapshot({ logGroups: NOWHERE }), only({}), ['error alarms/no-log-group']],
    [
      'a server that does not log who is refused',
      snapshot(),
      only({}, { logging: { logged: false, found: 'log_error_verbosity = 2', wanted: 'log_error_verbosity = 3' } }),
      ['error alarms/not-logged'],
    ],
    ['none of that where RDS counts', snapshot({ logGroups: NOWHERE }), only({ of: 'iam' }, { logExports: [], logging: null }), []],
    ['a server of another account', snapshot(), only({}, { account: '210987654321' }), ['error alarms/other-account']],
    ['a topic of another region', snapshot(), only({ topic: 'arn:aws:sns:us-east-1:123456789012:x' }), ['error alarms/topic-region']],
    ['a topic of another partition', snapshot(), only({ topic: `arn:aws-cn:sns:${REGION}:${ACCOUNT}:x` }), ['error alarms/topic-region']],
    [
      'a topic that is told and not there',
      snapshot({ absentTopics: new Set([arn('x')]) }),
      only({ topic: arn('x') }),
      ['warning alarms/no-topic'],
    ],
    ['a topic of ours that is only told', snapshot({ topics: new Map([ours()]) }), only({ topic: arn('dba') }), ['error alarms/own-topic']],
    [
      'none of that where another alarm has it kept',
      snapshot({ topics: new Map([ours()]) }),
      declared([watch({ topic: arn('dba') }), watch({ name: 'kept', topic: 'dba' })]),
      [],
    ],
    ['a topic that is not ours', snapshot({ topics: new Map([ours({ stack: null })]) }), told, ['error alarms/not-ours']],
    ['an alarm that is not ours', snapshot({ alarms: new Map([found(NAME, 'acme/other')]) }), told, ['error alarms/not-ours']],
    [
      'a mail address that has not confirmed',
      snapshot({ topics: new Map([ours({ subscriptions: [email('a@example.com', false)] })]) }),
      told,
      ['warning alarms/unconfirmed'],
    ],
    [
      'one that nobody asked for, and no call can end',
      snapshot({ topics: new Map([ours({ subscriptions: [email('a@example.com'), email('b@example.com', false)] })]) }),
      told,
      ['note alarms/lapses'],
    ],
    ['a topic of ours by a key that CloudWatch may not use', snapshot({ topics: new Map([ours({ key: 'alias/aws/sns' })]) }), told, keyed],
    [
      'one that is told, by such a key',
      snapshot({ toldKeys: new Map([[arn('x'), `arn:aws:kms:${REGION}:${ACCOUNT}:alias/aws/sns`]]) }),
      declared([watch({ topic: arn('x') }), watch({ name: 'tokens', of: 'iam', topic: arn('x') })]),
      keyed,
    ],
    [
      'none of that with a key of somebody, whose policy is not read',
      snapshot({ topics: new Map([ours({ key: `arn:aws:kms:${REGION}:${ACCOUNT}:key/1` })]) }),
      told,
      [],
    ],
    [
      'a mail address that gets only some of it',
      snapshot({ topics: new Map([ours({ subscriptions: [{ ...email('a@example.com'), filter: '{"severity":["high"]}' }] })]) }),
      told,
      ['warning alarms/filtered'],
    ],
    ['a region that is looked at for what is left there', snapshot({ alarms: new Map([elsewhere]) }), leaving, []],
    ['one where nothing is left', snapshot(), leaving, ['note alarms/region-done']],
    ['more topics than could be asked', snapshot({ manyTopics: new Map([[REGION, 900]]) }), told, ['note alarms/many-topics']],
  ];
  test.each(cases)('%s', (_, before, wanted, expected) => {
    expect(said(before, wanted)).toEqual(expected);
  });

  test.each([
    [
      'a group of its own',
      'billing',
      /^aws rds modify-db-cluster-parameter-group --db-cluster-parameter-group-name billing --parameters ParameterName=log_error_verbosity,ParameterValue=3,ApplyMethod=immediate --region eu-central-1$/,
    ],
    [
      'one that AWS made',
      'default.aurora-mysql8.0',
      /^give it a parameter group of its own with log_error_verbosity = 3: 'default\.aurora-mysql8\.0' cannot be changed$/,
    ],
    ['one that is not known', undefined, /^give it a parameter group of its own with log_error_verbosity = 3$/],
  ])('the fix of what is not logged, by %s', (_, group, hint) => {
    const logging = { logged: false, found: 'log_error_verbosity = 2', wanted: 'log_error_verbosity = 3' } as const;
    const [finding] = normalize(snapshot(), only({}, { logging, ...(group === undefined ? {} : { parameterGroup: group }) })).findings;
    expect(finding).toMatchObject({ message: expect.stringContaining('log_error_verbosity = 2'), hint: expect.stringMatching(hint) });
  });

  test('the fix of what is not exported', () => {
    const [finding] = normalize(snapshot(), only({}, { kind: 'instance', engine: 'postgres', logExports: [] })).findings;
    expect(finding!.hint).toBe(
      `aws rds modify-db-instance --db-instance-identifier billing-prod --cloudwatch-logs-export-configuration '{"EnableLogTypes":["postgresql"]}' --region eu-central-1`,
    );
  });
});

describe('what is compared', () => {
  const changes = (before: Snapshot, wanted: Declared) =>
    diff(normalize(before, wanted)).map(({ kind, key, after, blocked }) => [
      kind,
      key,
      after === null ? 'goes' : 'is to be',
      blocked ?? null,
    ]);

  test('who waits to confirm is there, and who was asked by somebody else is not ours to end', () => {
    const before = snapshot({ topics: new Map([ours({ subscriptions: [email('a@example.com', false), email('b@example.com', false)] })]) });
    expect(changes(before, told).filter(([kind]) => kind === 'subscription')).toEqual([]);
  });

  test('a topic whose policy says the same in other words is as it shall be', () => {
    const { Statement, Version } = JSON.parse(topicPolicy(arn('dba'), ACCOUNT));
    const policy = { Statement: Statement.map((one: object) => ({ ...one, Action: ['SNS:Publish'] })), Version };
    expect(changes(snapshot({ topics: new Map([ours({ policy })]) }), told).filter(([kind]) => kind === 'topic')).toEqual([]);
  });

  test('a topic that others listen to does not go, and mail of ours does', () => {
    const subscriptions = [email('a@example.com'), { arn: `${arn('dba')}:2`, protocol: 'lambda', address: 'arn:aws:lambda:x' }];
    expect(changes(snapshot({ topics: new Map([ours({ subscriptions })]) }), declared([]))).toEqual([
      ['topic', 'dba in eu-central-1', 'goes', "topic 'dba' also tells 'lambda arn:aws:lambda:x', which is not ours"],
      ['subscription', 'a@example.com of dba in eu-central-1', 'goes', null],
    ]);
  });

  test('a topic that alarms of others tell does not go', () => {
    const before = snapshot({ topics: new Map([ours({ subscriptions: [email('a@example.com')], foreignAlarms: ['cpu', 'disk'] })]) });
    expect(changes(before, declared([]))).toEqual([
      ['topic', 'dba in eu-central-1', 'goes', "topic 'dba' is told by 'cpu' and 'disk', which is not ours"],
      ['subscription', 'a@example.com of dba in eu-central-1', 'goes', null],
    ]);
  });

  test('alarms of other stacks whose names begin alike are no matter', () => {
    expect(changes(snapshot({ alarms: new Map([found('rolecall/acme/access/prod/x/y', 'acme/access/prod')]) }), declared([]))).toEqual([]);
  });
});
