import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { diff } from '../../../src/core/diff.ts';
import { operationsOf } from '../../../src/core/operations.ts';
import type { Declared } from '../../../src/model/declared.ts';
import type { Step } from '../../../src/model/plan.ts';
import { normalize } from '../../../src/providers/cloudwatch/normalize.ts';
import type { Snapshot } from '../../../src/providers/cloudwatch/snapshot.ts';
import { statements } from '../../../src/providers/cloudwatch/statements/index.ts';
import { after, declared, found, mail, REGION, server, snapshot, topic, watch } from './world.ts';

const planned = (before: Snapshot, wanted: Declared) => {
  const changes = diff(normalize(before, wanted));
  return { ...statements(changes, before, wanted), changes };
};

/** AWS after a plan, each transaction once all that it waits for is done. */
const applied = (before: Snapshot, wanted: Declared, confirmed = false): Snapshot =>
  planned(before, wanted).steps.reduce((now, step) => after(now, step, confirmed), before);

/** `PutMetricAlarm rolecall/…` */
const brief = ({ call }: Step): string => {
  const { operation, input } = call!;
  const subject = input.Name ?? input.Endpoint ?? input.filterName ?? input.AlarmName ?? (input.AlarmNames as string[] | undefined)?.[0];
  return `${operation} ${subject ?? String(input.TopicArn ?? input.SubscriptionArn).replace(/^.*:\d+:/, '')}`;
};

const NAME = 'rolecall/acme/access/failed-logins/billing';
const told = declared([watch({ topic: 'dba' })], [mail('dba', 'a@example.com')]);
const plain = declared([watch()]);

describe('what is sent', () => {
  const cases: readonly [string, Snapshot, Declared, readonly string[]][] = [
    [
      'a topic, who is told by it, what counts and who counts it, in that order',
      snapshot(),
      told,
      ['CreateTopic dba', 'Subscribe a@example.com', `PutMetricFilter ${NAME}`, `PutMetricAlarm ${NAME}`],
    ],
    ['no filter for tokens that were refused: RDS counts those', snapshot(), declared([watch({ of: 'iam' })]), [`PutMetricAlarm ${NAME}`]],
    ['nothing for what is there', applied(snapshot(), told), told, []],
    [
      'the alarm alone, where another threshold is asked for',
      applied(snapshot(), plain),
      declared([watch({ threshold: 5 })]),
      [`PutMetricAlarm ${NAME}`],
    ],
    [
      'the reverse where all of it goes',
      applied(snapshot(), told, true),
      declared([]),
      [`DeleteAlarms ${NAME}`, `DeleteMetricFilter ${NAME}`, 'Unsubscribe dba:a@example.com', 'DeleteTopic dba'],
    ],
    [
      'no word to a mail address that never confirmed: it goes with its topic',
      applied(snapshot(), told),
      declared([]),
      [`DeleteAlarms ${NAME}`, `DeleteMetricFilter ${NAME}`, 'DeleteTopic dba'],
    ],
    [
      'the end of a mail address that is no longer declared',
      applied(snapshot(), told, true),
      declared([watch({ topic: 'dba' })], [mail('dba', 'b@example.com')]),
      ['Subscribe b@example.com', 'Unsubscribe dba:a@example.com'],
    ],
    [
      'the alarm first, then the end of the filter, where RDS counts from now on',
      applied(snapshot(), plain),
      declared([watch({ of: 'iam' })]),
      [`PutMetricAlarm ${NAME}`, `DeleteMetricFilter ${NAME}`],
    ],
    [
      'a filter on the log of the server that a target is now, before the one that it was',
      applied(snapshot(), plain),
      declared([watch()], [], { billing: server({ identifier: 'billing-new' }) }),
      [`PutMetricFilter ${NAME}`, `DeleteMetricFilter ${NAME}`],
    ],
    [
      'the policy of a topic that somebody changed',
      {
        ...applied(snapshot(), told),
        topics: new Map([
          topic('dba', { policy: { Statement: [] }, subscriptions: [{ arn: null, protocol: 'email', address: 'a@example.com' }] }),
        ]),
      },
      told,
      ['SetTopicAttributes dba'],
    ],
    [
      'nothing about what is somebody else’s',
      snapshot({
        topics: new Map([topic('theirs', { stack: null })]),
        alarms: new Map([found('rolecall/acme/access/x/y', 'acme/access/prod')]),
      }),
      declared([]),
      [],
    ],
  ];
  test.each(cases)('%s', (_, before, wanted, expected) => {
    expect(planned(before, wanted).steps.map(brief)).toEqual(expected);
  });
});

test('every step says its region, and the command that does the same', () => {
  const { steps } = planned(snapshot(), told);
  expect(steps.map(({ sql }) => sql)).toEqual([
    expect.stringMatching(/^aws sns create-topic --name dba --attributes '\{"Policy":.*--region eu-central-1$/),
    'aws sns subscribe --topic-arn arn:aws:sns:eu-central-1:123456789012:dba --protocol email --notification-endpoint a@example.com --region eu-central-1',
    `aws logs put-metric-filter --log-group-name /aws/rds/cluster/billing-prod/error --filter-name ${NAME} --filter-pattern '"Access denied for user"' --metric-transformations '[{"metricName":"failed-logins/billing","metricNamespace":"Rolecall/acme/access","metricValue":"1","defaultValue":0}]' --region eu-central-1`,
    expect.stringMatching(
      /^aws cloudwatch put-metric-alarm --alarm-name .* --actions-enabled --alarm-actions '\["arn:[^"]*:dba"\]' --tags .* --region eu-central-1$/,
    ),
  ]);
  expect(new Set(steps.map(({ call }) => call!.region))).toEqual(new Set([REGION]));
});

test('what somebody else lets an alarm do besides stays', () => {
  const before = applied(snapshot(), plain);
  const [[key, one] = []] = [...before.alarms];
  const others = { OKActions: ['arn:aws:sns:eu-central-1:123456789012:ok'] };
  const { steps } = planned({ ...before, alarms: new Map([[key!, { ...one!, others }]]) }, declared([watch({ threshold: 9 })]));
  expect(steps[0]!.call!.input).toMatchObject({ Threshold: 9, ...others });
  expect(steps[0]!.call!.input).not.toHaveProperty('Tags');
});

test('an alarm waits for its topic, and a topic that goes for the alarms of its region', () => {
  const made = planned(snapshot(), told);
  expect(made.transactions.map(({ waitsFor }) => waitsFor)).toEqual([[], [0]]);
  const moved = declared([watch({ topic: 'others' })]);
  expect(planned(applied(snapshot(), told), moved).steps.map(brief)).toEqual([
    'CreateTopic others',
    `PutMetricAlarm ${NAME}`,
    'DeleteTopic dba',
  ]);
  expect(planned(applied(snapshot(), told), moved).transactions.map(({ waitsFor }) => waitsFor)).toEqual([[], [0], [1]]);
});

const alarms = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom('failed-logins', 'refused'),
    target: fc.constantFrom('billing', 'orders'),
    of: fc.constantFrom('log' as const, 'iam' as const),
    threshold: fc.integer({ min: 1, max: 3 }),
    topic: fc.constantFrom(null, 'dba', 'ops', 'arn:aws:sns:eu-central-1:123456789012:theirs'),
  }),
  { selector: ({ name, target }) => `${name} ${target}` },
);
const manifest = fc
  .record({
    alarms,
    mails: fc.uniqueArray(fc.tuple(fc.constantFrom('dba', 'ops'), fc.constantFrom('a@example.com', 'b@example.com')), { selector: String }),
    orders: fc.constantFrom(
      server({ engine: 'postgres', kind: 'instance', identifier: 'orders-prod' }),
      server({ engine: 'aurora-postgresql', identifier: 'orders', region: 'us-east-1' }),
    ),
  })
  .map(({ alarms, mails, orders }) => {
    const wanted = declared(
      alarms.map(watch),
      mails.map(([name, address]) => mail(name, address)),
      { orders },
    );
    return { ...wanted, alarms: { ...wanted.alarms!, regions: [REGION, 'us-east-1'] } };
  });

describe('whatever was there and whatever shall be', () => {
  test('once the calls are sent nothing is left to do', () => {
    fc.assert(
      fc.property(manifest, manifest, fc.boolean(), (first, second, confirmed) => {
        const now = applied(applied(snapshot(), first, confirmed), second, confirmed);
        expect(planned(now, second).changes).toEqual([]);
        expect(planned(applied(now, declared([])), declared([])).changes).toEqual([]);
      }),
    );
  });

  test('stopped after any call, what is left is part of what was planned', () => {
    fc.assert(
      fc.property(manifest, manifest, fc.nat(), (first, second, at) => {
        const before = applied(snapshot(), first, true);
        const plan = planned(before, second);
        const half = plan.steps.slice(0, at % (plan.steps.length + 1)).reduce((now, step) => after(now, step, true), before);
        const known = new Set(plan.changes.flatMap(operationsOf));
        expect(
          planned(half, second)
            .changes.flatMap(operationsOf)
            .filter((operation) => !known.has(operation)),
        ).toEqual([]);
        expect(planned(applied(half, second, true), second).changes).toEqual([]);
      }),
    );
  });

  test('every change is done by a step, and every step waits for earlier ones alone', () => {
    fc.assert(
      fc.property(manifest, manifest, (first, second) => {
        const { steps, transactions, changes } = planned(applied(snapshot(), first, true), second);
        expect(new Set(steps.flatMap((step) => step.changes))).toEqual(new Set(changes.keys()));
        for (const [index, { waitsFor }] of transactions.entries()) for (const earlier of waitsFor) expect(earlier).toBeLessThan(index);
      }),
    );
  });
});
