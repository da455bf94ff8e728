import { describe, expect, test } from 'vitest';
import type { Declared } from '../../../src/model/declared.ts';
import type { DeclaredIam } from '../../../src/model/iam.ts';
import { connectDocument } from '../../../src/providers/iam/document.ts';
import { lintAccount } from '../../../src/providers/iam/lint.ts';
import type { IamIdentity, ManagedPolicy, Snapshot } from '../../../src/providers/iam/snapshot.ts';
import { ACCOUNT, account, connect, dbuser, declared, identity, inline, managed, place, policy, policyArn, statement } from './world.ts';

const JANE = dbuser('jane');
const logins = new Map([['orders', new Set(['jane', 'omar'])]]);
const places = new Map([['orders', place('cluster-ABC', { members: { 'orders-1': 'db-MEMBER1' } })]]);

type Case = {
  readonly identities: readonly IamIdentity[];
  readonly policies?: readonly ManagedPolicy[];
  readonly iam?: Partial<DeclaredIam>;
  readonly rules?: Declared['guards']['rules'];
  readonly rest?: Partial<Snapshot>;
};
const lint = ({ identities, policies = [], iam = {}, rules = {}, rest = {} }: Case): string[] =>
  lintAccount(account(identities, policies, rest), declared({ places, ...iam }, rules)).map(
    ({ severity, code, message, hint }) => `${severity} ${code}: ${message}${hint ? ` · ${hint}` : ''}`,
  );
/** Findings about a role whose one inline policy is this, but for those about who can log in. */
const about = (...statements: object[]): string[] =>
  lint({ identities: [identity('role/api', inline(...statements))], iam: { logins } }).filter(
    (text) => !/ iam\/(unreachable-user|undeclared-login|possible-login|administrators):/.test(text),
  );

const API = "inline policy 'inline' of 'role/api'";
test.each<[string, object, string]>([
  [
    'any user of any database',
    statement(dbuser('*', '*')),
    `warning iam/wildcard-connect: ${API} allows to log in as any user of any database ('${dbuser('*', '*')}') · name each user and each resource id, or declare the login under 'principals'`,
  ],
  [
    'any resource',
    statement(dbuser('jane', '*')),
    `warning iam/wildcard-connect: ${API} allows any resource that '${dbuser('jane', '*')}' covers, 'orders' among them · name each user and each resource id, or declare the login under 'principals'`,
  ],
  [
    'any user, the master among them',
    statement(dbuser('*')),
    `warning iam/wildcard-connect: ${API} allows every user of 'orders' that '${dbuser('*')}' covers, the master 'postgres' among them · name each user and each resource id, or declare the login under 'principals'`,
  ],
  [
    'some users, the master not among them',
    statement(dbuser('app_*')),
    `warning iam/wildcard-connect: ${API} allows every user of 'orders' that '${dbuser('app_*')}' covers · name each user and each resource id, or declare the login under 'principals'`,
  ],
  [
    'everything but',
    { Effect: 'Allow', Action: 'rds-db:connect', NotResource: JANE },
    `warning iam/wildcard-connect: ${API} lets in everywhere but where it names (NotResource) · name what it shall allow instead`,
  ],
  [
    'the id of an instance in a cluster',
    statement(dbuser('jane', 'db-MEMBER1')),
    `warning iam/member-id: ${API} names an instance of the cluster of 'orders', in '${dbuser('jane', 'db-MEMBER1')}', and only the cluster's own id counts: it lets nobody in · write ${JANE}`,
  ],
  [
    'the name of a cluster',
    statement(dbuser('jane', 'orders-prod')),
    `warning iam/not-a-resource-id: ${API} has the name of 'orders' where its resource id belongs, in '${dbuser('jane', 'orders-prod')}': it lets nobody in · write ${JANE}`,
  ],
  [
    'an id that is gone',
    statement(dbuser('jane', 'cluster-OLD')),
    `warning iam/stale-resource: ${API} names '${dbuser('jane', 'cluster-OLD')}', and no target has the resource id 'cluster-OLD'; a user of that name is on 'orders': what is restored or cloned has a new id · write ${JANE}`,
  ],
  [
    'an id of somebody else',
    statement(dbuser('other', 'cluster-OLD')),
    `note iam/unknown-resource: ${API} names '${dbuser('other', 'cluster-OLD')}', and no target has the resource id 'cluster-OLD'`,
  ],
  [
    'another case',
    statement(dbuser('Jane')),
    `warning iam/wrong-case: ${API} names '${dbuser('Jane')}', which differs from 'orders' in case: it lets nobody in · write ${JANE}`,
  ],
  [
    'another region',
    statement(dbuser('jane', 'cluster-ABC', 'us-east-1')),
    `warning iam/wrong-region: ${API} names '${dbuser('jane', 'cluster-ABC', 'us-east-1')}', and 'orders' is in another region: it lets nobody in · write ${JANE}`,
  ],
  [
    'another account',
    statement(JANE.replace(ACCOUNT, '999999999999')),
    `warning iam/wrong-account: ${API} names '${JANE.replace(ACCOUNT, '999999999999')}', and the account is ${ACCOUNT}: it lets nobody in here · write ${JANE}`,
  ],
  [
    'another partition',
    statement(JANE.replace('arn:aws:', 'arn:aws-cn:')),
    `warning iam/wrong-partition: ${API} names '${JANE.replace('arn:aws:', 'arn:aws-cn:')}', and the account is in partition 'aws': it lets nobody in · write ${JANE}`,
  ],
  [
    'a user that is not there',
    statement(dbuser('nobody')),
    `warning iam/unknown-user: ${API} names '${dbuser('nobody')}', and 'orders' has no user 'nobody' that logs in by IAM: it lets nobody in`,
  ],
  [
    'a Deny in vain',
    statement(dbuser('nobody'), { Effect: 'Deny' }),
    `warning iam/unknown-user: ${API} names '${dbuser('nobody')}', and 'orders' has no user 'nobody' that logs in by IAM: it keeps nobody out`,
  ],
  [
    'an action of rds',
    statement(JANE, { Action: 'rds:connect' }),
    `warning iam/unknown-action: ${API} names the action 'rds:connect', which does not exist · the one action is rds-db:connect`,
  ],
  [
    'an action that does not exist',
    statement(JANE, { Action: 'rds-db:ConnectAsUser' }),
    `warning iam/unknown-action: ${API} names the action 'rds-db:ConnectAsUser', which does not exist · the one action is rds-db:connect`,
  ],
  [
    'an unsupported key in an Allow',
    statement(JANE, { Condition: { IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } } }),
    `warning iam/unsupported-condition: ${API} makes rds-db:connect depend on 'aws:SourceIp', which database logins do not support: it lets nobody in · take the condition away; restrict the network by security groups`,
  ],
  [
    'an unsupported key in a Deny',
    statement('*', { Effect: 'Deny', Condition: { IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } } }),
    `warning iam/unsupported-condition: ${API} makes rds-db:connect depend on 'aws:SourceIp', which database logins do not support: it keeps nobody out · take the condition away; restrict the network by security groups`,
  ],
  [
    'another key',
    statement(JANE, { Condition: { DateLessThan: { 'aws:CurrentTime': '2030-01-01T00:00:00Z' } } }),
    `note iam/condition: ${API} makes rds-db:connect depend on 'aws:CurrentTime': AWS does not promise that this works for database logins · try a login that it shall refuse, and one that it shall allow`,
  ],
  [
    'the user name of a role',
    statement(dbuser('${aws:username}')),
    `warning iam/no-username: ${API} names '${dbuser('${aws:username}')}': roles, as 'role/api', have no aws:username, and nobody gets in`,
  ],
  ['no ARN', statement('cluster-ABC/jane'), `warning iam/malformed-arn: ${API} names 'cluster-ABC/jane': it is no ARN: it lets nobody in`],
])('a foreign statement with %s is told', (_, given, expected) => {
  expect(about(given)).toEqual([expected]);
});

test.each<[string, object[]]>([
  ['an exact one', [statement(JANE)]],
  ['a Deny of everything', [statement('*', { Effect: 'Deny' })]],
  ['one about something else', [statement('*', { Action: 's3:*' })]],
  ['that of an administrator, who is told of apart', [statement('*', { Action: '*' })]],
])('nothing is wrong with a statement that is %s', (_, statements) => {
  expect(about(...statements)).toEqual([]);
});

test('a variable in a document of the old version is only text', () => {
  const old = { name: 'old', document: { Statement: statement(dbuser('${aws:username}')) } };
  expect(lint({ identities: [identity('user/jane', { inline: [old] })] })).toEqual([
    `warning iam/old-version: inline policy 'old' of 'user/jane' has variables in '${dbuser('${aws:username}')}' and no Version 2012-10-17: they are only text`,
  ]);
});

test('a document about logins that cannot be read is told', () => {
  const broken = { name: 'broken', document: { Statement: [{ Effect: 'allow', Action: 'rds-db:connect', Resource: '*' }] } };
  expect(lint({ identities: [identity('user/jane', { inline: [broken] })] })).toEqual([
    "warning iam/malformed-policy: inline policy 'broken' of 'user/jane' cannot be read: statement 1 has no Effect of 'Allow' or 'Deny'",
  ]);
});

describe('the rule no-wildcard-connect', () => {
  const wide = {
    identities: [identity('role/api', { attached: [policyArn('wide')] })],
    policies: [managed('wide', policy(statement(dbuser('*', 'db-*'))))],
  };
  const first = (rules: Declared['guards']['rules']): string | undefined =>
    lint({ ...wide, rules })
      .find((text) => text.includes('wildcard'))
      ?.split(':')[0];

  test.each<[Declared['guards']['rules'], string | undefined]>([
    [{}, 'warning iam/wildcard-connect'],
    [{ 'no-wildcard-connect': 'error' }, 'error rule/no-wildcard-connect'],
    [{ 'no-wildcard-connect': 'note' }, 'note rule/no-wildcard-connect'],
    [{ 'no-wildcard-connect': 'off' }, undefined],
  ])('%o decides how grave a wildcard is', (rules, expected) => {
    expect(first(rules)).toBe(expected);
  });
});

test('policies of ours, of AWS, and those that nobody has, are not judged', () => {
  const wide = policy(statement(dbuser('app_*')));
  const ours = {
    ...managed('ours', wide, '/rolecall/acme/access/prod/'),
    tags: { 'rolecall:stack': 'acme/access/prod', 'rolecall:principal': 'role/api' },
  };
  const aws = { ...managed('Aws', wide), arn: 'arn:aws:iam::aws:policy/Aws' };
  expect(
    lint({ identities: [identity('role/api', { attached: [ours.arn, aws.arn] })], policies: [ours, aws, managed('idle', wide)] }),
  ).toEqual([]);
});

describe('who can log in', () => {
  test('without being declared is told, those alike together', () => {
    const readers = managed('readers', policy(statement([JANE, dbuser('omar')])));
    const identities = ['d', 'c', 'b', 'a'].map((name) => identity(`role/${name}`, { attached: [readers.arn] }));
    expect(lint({ identities, policies: [readers], iam: { logins } })).toEqual([
      "warning iam/undeclared-login: 'role/a', 'role/b', 'role/c' and 'role/d' can log in as 'jane' on 'orders', 'omar' on 'orders' without being declared for it · declare it under 'principals' of the user, or take it out of the policies that others made",
    ]);
  });

  test('as declared is no finding, by a group neither', () => {
    const devs = identity('group/devs', inline(statement(JANE)));
    const identities = [devs, identity('user/u', { groups: ['devs'] }), identity('role/api', inline(statement(dbuser('omar'))))];
    const connects = [connect('group/devs', 'orders', 'jane', [JANE]), connect('role/api', 'orders', 'omar', [dbuser('omar')])];
    expect(lint({ identities, iam: { logins, connects } })).toEqual([]);
  });

  test('by a policy of ours that this plan takes away is no finding', () => {
    const ours = {
      ...managed('ours', connectDocument([{ arn: JANE }]), '/rolecall/acme/access/prod/'),
      tags: { 'rolecall:stack': 'acme/access/prod', 'rolecall:principal': 'role/api' },
    };
    expect(lint({ identities: [identity('role/api', { attached: [ours.arn] })], policies: [ours], iam: { logins: new Map() } })).toEqual(
      [],
    );
  });

  test('because it may do everything is one finding for all of them', () => {
    const admin = managed('Admin', policy(statement('*', { Action: '*' })));
    const identities = Array.from({ length: 12 }, (_, index) =>
      identity(`role/admin-${String(index).padStart(2, '0')}`, { attached: [admin.arn] }),
    );
    expect(
      lint({
        identities,
        policies: [admin],
        iam: {
          logins,
          connects: [connect('role/admin-00', 'orders', 'jane', [JANE]), connect('role/admin-00', 'orders', 'omar', [dbuser('omar')])],
        },
      }),
    ).toEqual([
      "note iam/administrators: 12 identities of the account can log in as any user of any database, and are not declared for it: 'role/admin-00', 'role/admin-01', 'role/admin-02', 'role/admin-03', 'role/admin-04' and 7 more · administrators can: their policies allow everything; an explicit Deny of rds-db:connect keeps them out",
    ]);
  });
});

test('who may be able to log in, by what cannot be seen from here, is counted', () => {
  const hours = statement(JANE, { Condition: { DateLessThan: { 'aws:CurrentTime': '2030-01-01T00:00:00Z' } } });
  const identities = [
    identity('role/b', inline(hours)),
    identity('role/a', { attached: ['arn:aws:iam::aws:policy/Unread'] }),
    identity('role/c'),
  ];
  const connects = [connect('role/d', 'orders', 'jane', [JANE])];
  expect(lint({ identities, iam: { connects } }).filter((text) => text.includes('iam/possible-login'))).toEqual([
    "note iam/possible-login: 2 identities of the account may be able to log in as users that they are not declared for, which a condition or a policy that was not read decides: 'role/a' and 'role/b'",
  ]);
});

describe('who cannot log in', () => {
  const connects = [connect('role/api', 'orders', 'jane', [JANE])];

  test('as a boundary leaves rds-db:connect out, is told before anything is applied', () => {
    const identities = [identity('role/api', { boundary: policyArn('edge') }), identity('role/ok')];
    const both = [...connects, connect('role/ok', 'orders', 'jane', [JANE])];
    expect(lint({ identities, policies: [managed('edge', policy(statement('*', { Action: 's3:*' })))], iam: { connects: both } })).toEqual([
      "warning iam/boundary: 'role/api' will not be able to log in as 'orders/jane': the boundary 'edge' does not allow it · let the permissions boundary allow rds-db:connect on the user's ARN",
    ]);
  });

  test('as the boundary that comes with this plan leaves it out, is told, of a role that is there and of one that is made', () => {
    const role = (name: string) => ({
      name,
      trust: { kind: 'service', services: ['ecs-tasks.amazonaws.com'] } as const,
      boundary: policyArn('edge'),
      path: '/',
      description: '',
      maxSessionSeconds: 3600,
      tags: {},
      source: { file: 'access.yaml', line: 2, column: 1 },
    });
    const both = [...connects, connect('role/new', 'orders', 'jane', [JANE])];
    const found = lint({
      identities: [identity('role/api')],
      policies: [managed('edge', policy(statement('*', { Action: 's3:*' })))],
      iam: { connects: both, roles: [role('api'), role('new')] },
    });
    expect(found.filter((text) => / iam\/(boundary|unreachable-user):/.test(text))).toEqual([
      "warning iam/boundary: 'role/api' and 'role/new' will not be able to log in as 'orders/jane': the boundary 'edge' does not allow it · let the permissions boundary allow rds-db:connect on the user's ARN",
      "warning iam/unreachable-user: nobody who is declared for it can log in as 'jane' on 'orders': 'role/api' and 'role/new' are kept out · see the findings about them",
    ]);
  });

  test('as there is a Deny, is told, and that nobody is left', () => {
    expect(
      lint({ identities: [identity('role/api', inline(statement(dbuser('*', '*'), { Effect: 'Deny' })))], iam: { connects } }),
    ).toEqual([
      "warning iam/denied: 'role/api' will not be able to log in as 'orders/jane': policy 'inline', statement 1, denies · take the Deny away: no Allow outweighs it",
      "warning iam/unreachable-user: nobody who is declared for it can log in as 'jane' on 'orders': 'role/api' is kept out · see the findings about them",
    ]);
  });

  test('for all that is known, is told as uncertain', () => {
    expect(lint({ identities: [identity('role/api', { boundary: 'arn:aws:iam::aws:policy/Edge' })], iam: { connects } })).toEqual([
      "note iam/uncertain: 'role/api' may not be able to log in as 'orders/jane': the boundary 'Edge' was not read · see whether it can: 'rolecall prove' really logs in",
    ]);
  });

  test('users that no policy names are told of, unless only a part of the account was read', () => {
    const given = { identities: [identity('role/api', inline(statement(JANE)))], iam: { logins } };
    const unreachable = (rest: Partial<Snapshot>): string[] => lint({ ...given, rest }).filter((text) => text.includes('unreachable'));
    expect(unreachable({})).toEqual([
      "warning iam/unreachable-user: nobody but administrators can log in as 'omar' on 'orders': it is marked for IAM, and no policy names it · name who may under 'principals' of the user, or give it another 'auth'",
    ]);
    expect(unreachable({ whole: false })).toEqual([]);
  });
});

describe('whom a role lets in', () => {
  const open = { Statement: [{ Effect: 'Allow', Principal: '*', Action: 'sts:AssumeRole' }] };
  const connects = [connect('role/api', 'orders', 'jane', [JANE])];

  test('is told where it is anybody', () => {
    expect(
      lint({ identities: [identity('role/api', { trust: open }), identity('role/other', { trust: open })], iam: { connects } }),
    ).toEqual(["warning iam/trust: the trust policy of 'role/api': anybody may assume it, of any account"]);
  });

  test('is told of a role of ours that names an identity that is gone', () => {
    const source = { file: 'access.yaml', line: 3, column: 1 };
    const role = {
      name: 'api',
      trust: { kind: 'service', services: ['ec2.amazonaws.com'] } as const,
      boundary: null,
      path: '/',
      description: '',
      maxSessionSeconds: 3600,
      tags: {},
      source,
    };
    const trust = { Statement: [{ Effect: 'Allow', Principal: { AWS: 'AIDAEXAMPLE1234567890' }, Action: 'sts:AssumeRole' }] };
    expect(lint({ identities: [identity('role/api', { trust })], iam: { roles: [role] } })).toEqual([
      "warning iam/trust: the trust policy of 'role/api': it names 'AIDAEXAMPLE1234567890', which is what IAM leaves of an identity that was deleted: one made anew under the same name is another",
    ]);
  });
});

describe('a large account', () => {
  const many = (count: number, of: (index: number) => Partial<IamIdentity>): IamIdentity[] =>
    Array.from({ length: count }, (_, index) => identity(`role/r${index}`, of(index)));

  test('has few findings, in the same order however it was read', () => {
    const identities = many(2000, (index) => inline(statement(dbuser(`app_${index}*`)), statement(dbuser('jane', `cluster-OLD${index}`))));
    const found = lint({ identities, iam: { logins } });
    expect(found.length).toBeLessThan(30);
    expect(found).toContain("warning iam/stale-resource: 1990 more lines like that in inline policy 'inline'");
    expect(lint({ identities: [...identities].reverse(), iam: { logins } })).toEqual(found);
  });

  test('a fault of several policies is told once, of each of them', () => {
    const policies = ['one', 'two'].map((name) => managed(name, policy(statement('*'))));
    expect(lint({ identities: [identity('role/api', { attached: policies.map(({ arn }) => arn) })], policies })[0]).toMatch(
      /^warning iam\/wildcard-connect: each of policy 'one', policy 'two' of 'role\/api' allows /,
    );
  });

  test('a fault in a policy of many is told once', () => {
    const wide = managed('wide', policy(statement(dbuser('app_*'))));
    expect(lint({ identities: many(3000, () => ({ attached: [wide.arn] })), policies: [wide] })).toEqual([
      `warning iam/wildcard-connect: policy 'wide' of 'role/r0', 'role/r1', 'role/r10' and 2997 more allows every user of 'orders' that '${dbuser('app_*')}' covers · name each user and each resource id, or declare the login under 'principals'`,
    ]);
  });
});
