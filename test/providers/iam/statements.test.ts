import { describe, expect, test } from 'vitest';
import { diff } from '../../../src/core/diff.ts';
import type { Declared } from '../../../src/model/declared.ts';
import type { DeclaredConnect } from '../../../src/model/iam.ts';
import type { Statements } from '../../../src/model/normal.ts';
import type { Step } from '../../../src/model/plan.ts';
import { command } from '../../../src/providers/aws-command.ts';
import { connectDocument, readConnectDocument } from '../../../src/providers/iam/document.ts';
import { policyTags, tagList } from '../../../src/providers/iam/marks.ts';
import { normalize } from '../../../src/providers/iam/normalize.ts';
import { packEntries, policyName } from '../../../src/providers/iam/pack.ts';
import type { ManagedPolicy, Snapshot } from '../../../src/providers/iam/snapshot.ts';
import { statements } from '../../../src/providers/iam/statements/index.ts';
import { account, connect, dbuser, declared, identity, managed, place, policyArn } from './world.ts';

const STACK = 'acme/access/prod';
const PATH = '/rolecall/acme/access/prod/';

const login = (principal: string, ...users: readonly string[]): DeclaredConnect[] =>
  users.map((user) => connect(principal, 'orders', user, [dbuser(user)]));
const users = (count: number, start = 0): string[] =>
  Array.from({ length: count }, (_, index) => `a_user_with_quite_a_long_name_for_it_${String(start + index).padStart(3, '0')}`);

/** A policy of ours for a principal. */
const ours = (principal: string, arns: readonly string[], rest: Partial<ManagedPolicy> = {}): ManagedPolicy => ({
  ...managed(rest.name ?? policyName(principal, STACK), connectDocument(arns.map((arn) => ({ arn }))), PATH),
  tags: Object.fromEntries(policyTags(STACK, principal).map(({ Key, Value }) => [Key, Value])),
  ...rest,
});

/** What a principal of ours has by what is packed for these users. */
const packed = (principal: string, names: readonly string[], existing: readonly string[] = []): ManagedPolicy[] =>
  packEntries(
    principal,
    names.map((user) => ({ arn: dbuser(user), login: `orders/${user}` })),
    { stack: STACK, path: PATH, policySize: 6144, existing: new Set(existing) },
  ).map(({ name, entries }) =>
    ours(
      principal,
      entries.map(({ arn }) => arn),
      { name },
    ),
  );

const planned = (snapshot: Snapshot, wanted: Declared): Statements & { readonly changes: ReturnType<typeof diff> } => {
  const changes = diff(normalize(snapshot, wanted));
  return { ...statements(changes, snapshot, wanted), changes };
};

/** `AttachRolePolicy app rolecall-…` */
const brief = ({ call }: Step): string =>
  [call!.operation, ...Object.entries(call!.input).flatMap(([name, value]) => (/Name$|VersionId/.test(name) ? [String(value)] : []))].join(
    ' ',
  );
const operations = ({ steps }: Statements): string[] => steps.map(({ call }) => call!.operation);

const APP = policyName('role/app', STACK);

describe('what is sent', () => {
  const cases: readonly [string, Snapshot, Declared, readonly string[]][] = [
    ['nothing, where nothing is wanted', account([identity('role/app')]), declared(), []],
    [
      'a policy and its attachment',
      account([identity('role/app')]),
      declared({ connects: login('role/app', 'a') }),
      [`CreatePolicy ${APP}`, 'AttachRolePolicy app'],
    ],
    [
      'nothing, where the policy says the same in other words',
      account(
        [identity('role/app', { attached: [policyArn(APP, PATH)] })],
        [
          ours('role/app', [], {
            document: { Statement: { Effect: 'Allow', Action: ['RDS-DB:Connect'], Resource: dbuser('a'), Sid: 'x' } },
          }),
        ],
      ),
      declared({ connects: login('role/app', 'a') }),
      [],
    ],
    [
      'a wider policy before a narrower one',
      account([identity('role/app', { attached: [policyArn(APP, PATH)] })], [ours('role/app', [dbuser('a')])]),
      declared({ connects: login('role/app', 'b') }),
      ['CreatePolicyVersion', 'CreatePolicyVersion'],
    ],
    [
      'a narrower policy alone',
      account([identity('role/app', { attached: [policyArn(APP, PATH)] })], [ours('role/app', [dbuser('a'), dbuser('b')])]),
      declared({ connects: login('role/app', 'b') }),
      ['CreatePolicyVersion'],
    ],
    [
      'the oldest version away before a sixth',
      account(
        [identity('role/app', { attached: [policyArn(APP, PATH)] })],
        [
          ours('role/app', [dbuser('a')], {
            versions: ['v2', 'v3', 'v4', 'v9', 'v10'].map((id) => ({ id, isDefault: id === 'v2' })),
          }),
        ],
      ),
      declared({ connects: login('role/app', 'a', 'b') }),
      ['DeletePolicyVersion v3', 'CreatePolicyVersion'],
    ],
    [
      'everything of a principal that is no longer declared',
      account(
        [identity('role/app', { attached: [policyArn(APP, PATH)] })],
        [
          ours('role/app', [dbuser('a')], {
            versions: [
              { id: 'v1', isDefault: false },
              { id: 'v2', isDefault: true },
            ],
          }),
        ],
      ),
      declared(),
      ['DetachRolePolicy app', 'DeletePolicyVersion v1', 'DeletePolicy'],
    ],
    [
      'a policy off whom it is not for, before it is widened',
      account(
        [identity('role/app', { attached: [policyArn(APP, PATH)] }), identity('user/eve', { attached: [policyArn(APP, PATH)] })],
        [ours('role/app', [dbuser('a')])],
      ),
      declared({ connects: login('role/app', 'a', 'b') }),
      ['DetachUserPolicy eve', 'CreatePolicyVersion'],
    ],
    [
      'the exact policy before it is attached again',
      account([identity('role/app')], [ours('role/app', [dbuser('a'), dbuser('b')])]),
      declared({ connects: login('role/app', 'b', 'c') }),
      ['CreatePolicyVersion', 'AttachRolePolicy app'],
    ],
    [
      'what somebody else wrote into it away',
      account(
        [identity('role/app', { attached: [policyArn(APP, PATH)] })],
        [
          ours('role/app', [], {
            document: {
              Version: '2012-10-17',
              Statement: [...connectDocument([{ arn: dbuser('a') }]).Statement, { Effect: 'Allow', Action: 's3:*', Resource: '*' }],
            },
          }),
        ],
      ),
      declared({ connects: login('role/app', 'a') }),
      ['CreatePolicyVersion'],
    ],
    [
      'to users and groups as to roles',
      account([identity('user/jane'), identity('group/devs')]),
      declared({ connects: [...login('user/jane', 'jane'), ...login('group/devs', 'dev')] }),
      [
        `CreatePolicy ${policyName('group/devs', STACK)}`,
        'AttachGroupPolicy devs',
        `CreatePolicy ${policyName('user/jane', STACK)}`,
        'AttachUserPolicy jane',
      ],
    ],
  ];

  test.each(cases)('%s', (_, snapshot, wanted, expected) => {
    expect(planned(snapshot, wanted).steps.map(brief)).toEqual(expected);
  });

  test('a tag that says whom a policy is for is mended', () => {
    const snapshot = account(
      [identity('role/app', { attached: [policyArn(APP, PATH)] })],
      [{ ...ours('role/app', [dbuser('a')]), tags: { 'rolecall:stack': STACK, 'rolecall:principal': 'role/other' } }],
    );
    expect(operations(planned(snapshot, declared({ connects: login('role/app', 'a') })))).toEqual(['TagPolicy']);
  });

  test('64 users take two policies, and one more changes exactly one', () => {
    const both = packed('role/app', users(64));
    expect(both).toHaveLength(2);
    const snapshot = account([identity('role/app', { attached: both.map(({ arn }) => arn) })], both);
    expect(planned(snapshot, declared({ connects: login('role/app', ...users(64)) })).steps).toEqual([]);
    expect(operations(planned(snapshot, declared({ connects: login('role/app', ...users(65)) })))).toEqual(['CreatePolicyVersion']);
  });

  test('a restored cluster has a new id: every line of it is rewritten', () => {
    const snapshot = account(
      [identity('role/app', { attached: [policyArn(APP, PATH)] })],
      [ours('role/app', [dbuser('a', 'cluster-OLD')])],
    );
    const { steps } = planned(snapshot, declared({ connects: login('role/app', 'a') }));
    expect(steps.map(({ call }) => readConnectDocument(JSON.parse(String(call!.input.PolicyDocument))).arns)).toEqual([
      [dbuser('a'), dbuser('a', 'cluster-OLD')],
      [dbuser('a')],
    ]);
  });

  test.each([
    ['aws-cn', 'cn-north-1'],
    ['aws-us-gov', 'us-gov-west-1'],
  ] as const)('ARNs of policies are of the partition %s', (partition, region) => {
    const arn = `arn:${partition}:rds-db:${region}:123456789012:dbuser:cluster-ABC/a`;
    const wanted = declared({
      connects: [connect('role/app', 'orders', 'a', [arn])],
      places: new Map([['orders', place('cluster-ABC', { partition, region })]]),
    });
    const { steps } = planned(account([identity('role/app')], [], { partition }), wanted);
    expect(steps[1]!.call!.input.PolicyArn).toBe(`arn:${partition}:iam::123456789012:policy${PATH}${APP}`);
    expect(String(steps[0]!.call!.input.PolicyDocument)).toContain(arn);
  });
});

describe('no prefix of the calls', () => {
  const worlds: readonly [string, readonly string[], readonly string[]][] = [
    ['exchanging all', users(20), users(20, 20)],
    ['of a full policy that is split', users(60), users(70)],
    ['of policies that come together', users(130), users(10, 3)],
    ['of many that stay and many that come', users(130), users(130, 60)],
    ['of full policies that exchange one each', users(124), users(124, 1)],
  ];

  test.each(worlds)('takes what stays or gives what was never meant, %s', (_, before, after) => {
    const shards = packed('role/app', before);
    const snapshot = account([identity('role/app', { attached: shards.map(({ arn }) => arn) })], shards);
    const wanted = declared({ connects: login('role/app', ...after) });
    const { steps, lapses } = planned(snapshot, wanted);
    const [old, young] = [new Set(before.map((user) => dbuser(user))), new Set(after.map((user) => dbuser(user)))];
    const documents = new Map(shards.map(({ arn, document }) => [arn, readConnectDocument(document).arns]));
    const attached = new Set(shards.map(({ arn }) => arn));
    for (const { call } of steps) {
      const { input, operation } = call!;
      const arn = String(input.PolicyArn ?? `arn:aws:iam::123456789012:policy${input.Path}${input.PolicyName}`);
      if (operation === 'DeletePolicy') documents.delete(arn);
      else if (operation.startsWith('Create')) {
        expect(String(input.PolicyDocument).length).toBeLessThanOrEqual(6144);
        documents.set(arn, readConnectDocument(JSON.parse(String(input.PolicyDocument))).arns);
      } else if (operation.startsWith('Attach')) attached.add(arn);
      else if (operation.startsWith('Detach')) attached.delete(arn);
      const now = new Set([...attached].flatMap((policy) => documents.get(policy) ?? []));
      expect([...old].filter((user) => young.has(user) && !now.has(user))).toEqual([]);
      expect([...now].filter((user) => !old.has(user) && !young.has(user))).toEqual([]);
    }
    expect(new Set([...attached].flatMap((policy) => documents.get(policy) ?? []))).toEqual(young);
    expect(lapses).toEqual([]);
  });
});

describe('transactions', () => {
  test('open when the users are there, and close when the servers have closed', () => {
    const snapshot = account(
      [identity('role/app', { attached: [policyArn(APP, PATH)] }), identity('role/job')],
      [ours('role/app', [dbuser('a'), dbuser('x', 'cluster-XYZ')])],
    );
    const wanted = declared({
      connects: [...login('role/app', 'b'), ...login('role/job', 'c')],
      places: new Map([
        ['orders', place('cluster-ABC')],
        ['billing', place('cluster-XYZ')],
      ]),
    });
    expect(planned(snapshot, wanted).transactions).toEqual([
      { database: '', waitsFor: [], borrows: [], autocommit: true, stage: 2, awaits: ['orders'] },
      { database: '', waitsFor: [], borrows: [], autocommit: true, stage: 2, awaits: ['orders'] },
      { database: '', waitsFor: [0], borrows: [], autocommit: true, stage: 4, awaits: ['billing', 'orders'] },
    ]);
  });

  test('every change has a step, and every step names its changes', () => {
    const snapshot = account([identity('role/app', { attached: [policyArn(APP, PATH)] })], [ours('role/app', [dbuser('a')])]);
    const { steps, changes } = planned(snapshot, declared({ connects: [...login('role/app', 'b'), ...login('role/app', 'c')] }));
    expect(new Set(steps.flatMap((step) => step.changes))).toEqual(new Set(changes.map((_, index) => index)));
    expect(steps.every((step) => step.changes.length > 0)).toBe(true);
  });

  test('a role whose trust names another new role is made after it', () => {
    const source = { file: 'access.yaml', line: 1, column: 1 };
    const role = { boundary: null, path: '/', description: '', maxSessionSeconds: 3600, tags: {}, source };
    const trusting = {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { AWS: 'arn:aws:iam::123456789012:role/z-first' } }],
    };
    const wanted = declared({
      roles: [
        { ...role, name: 'a-second', trust: { kind: 'policy', document: trusting } },
        { ...role, name: 'z-first', trust: { kind: 'service', services: ['ec2.amazonaws.com'] } },
      ],
    });
    const { steps, transactions } = planned(account([]), wanted);
    expect(steps.map(brief)).toEqual(['CreateRole z-first', 'CreateRole a-second']);
    expect(transactions.map(({ waitsFor }) => waitsFor)).toEqual([[], [0]]);
  });
});

describe('a call as a command', () => {
  test.each([
    [
      'AttachRolePolicy',
      { RoleName: 'app', PolicyArn: 'arn:aws:iam::1:policy/x' },
      'aws iam attach-role-policy --role-name app --policy-arn arn:aws:iam::1:policy/x',
    ],
    [
      'CreatePolicyVersion',
      { PolicyDocument: '{"a":"b c"}', SetAsDefault: true },
      `aws iam create-policy-version --policy-document '{"a":"b c"}' --set-as-default`,
    ],
    [
      'TagRole',
      { Tags: tagList({ b: "o'x", a: '1' }) },
      `aws iam tag-role --tags '[{"Key":"a","Value":"1"},{"Key":"b","Value":"o'\\''x"}]'`,
    ],
    ['UpdateRole', { RoleName: '-x', MaxSessionDuration: 3600 }, 'aws iam update-role --role-name=-x --max-session-duration 3600'],
    ['UpdateRole', { Description: 'file:///etc/passwd' }, `aws iam update-role --cli-input-json '{"Description":"file:///etc/passwd"}'`],
    ['UpdateRole', { Description: 'a\u202eb\n' }, "aws iam update-role --description $'a\\U0000202eb\\U0000000a'"],
  ])('%s', (operation, input, expected) => {
    expect(command('iam', operation, input)).toBe(expected);
  });
});
