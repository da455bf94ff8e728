import { describe, expect, test } from 'vitest';
import { diff } from '../../../src/core/diff.ts';
import type { Declared } from '../../../src/model/declared.ts';
import type { DeclaredConnect, DeclaredIamRole } from '../../../src/model/iam.ts';
import { access } from '../../../src/providers/iam/access.ts';
import { connectDocument } from '../../../src/providers/iam/document.ts';
import { foreignTags, policyTags, principalOf } from '../../../src/providers/iam/marks.ts';
import { normalize } from '../../../src/providers/iam/normalize.ts';
import { policyName } from '../../../src/providers/iam/pack.ts';
import type { ManagedPolicy, Snapshot } from '../../../src/providers/iam/snapshot.ts';
import { account, connect, dbuser, declared, identity, managed, policy, policyArn, statement } from './world.ts';

const STACK = 'acme/access/prod';
const PATH = '/rolecall/acme/access/prod/';
const APP = policyName('role/app', STACK);

const login = (principal: string, ...users: readonly string[]): DeclaredConnect[] =>
  users.map((user) => connect(principal, 'orders', user, [dbuser(user)]));
const ours = (principal: string, users: readonly string[], rest: Partial<ManagedPolicy> = {}): ManagedPolicy => ({
  ...managed(policyName(principal, STACK), connectDocument(users.map((user) => ({ arn: dbuser(user) }))), PATH),
  tags: Object.fromEntries(policyTags(STACK, principal).map(({ Key, Value }) => [Key, Value])),
  ...rest,
});
const task = (rest: Partial<DeclaredIamRole> = {}): DeclaredIamRole => ({
  name: 'task',
  trust: { kind: 'service', services: ['ecs-tasks.amazonaws.com'] },
  boundary: null,
  path: '/',
  description: '',
  maxSessionSeconds: 3600,
  tags: {},
  source: { file: 'access.yaml', line: 9, column: 3 },
  ...rest,
});

const trust = policy({ Effect: 'Allow', Principal: { Service: 'ecs-tasks.amazonaws.com' }, Action: 'sts:AssumeRole' });

/** `policy +`, `attachment -`, … and the codes of what was found. */
const changesOf = (snapshot: Snapshot, wanted: Declared): string[] =>
  diff(normalize(snapshot, wanted)).map(({ kind, before, after, cause, blocked }) =>
    [
      kind,
      before === null ? '+' : after === null ? '-' : '~',
      ...(cause === 'declared' ? [] : [cause]),
      ...(blocked ? ['blocked'] : []),
    ].join(' '),
  );
const findingsOf = (snapshot: Snapshot, wanted: Declared): string[] =>
  normalize(snapshot, wanted).findings.map(({ severity, code }) => `${severity} ${code}`);

/** As the account declares a user whose `until` has passed. */
const past = (principal: string, ...users: readonly string[]) => login(principal, ...users).map(({ arns: _, ...rest }) => rest);

/** As the account declares a user that `removed` forgets. */
const forget = (user: string, target = 'orders') => ({ target, user, source: { file: 'access.yaml', line: 8, column: 3 } });

const full = (count: number): string[] => Array.from({ length: count }, (_, index) => `arn:aws:iam::aws:policy/Foreign${index}`);

describe('what differs', () => {
  const app = identity('role/app', { attached: [policyArn(APP, PATH)] });
  const cases: readonly [string, Snapshot, Declared, readonly string[]][] = [
    ['a new policy', account([identity('role/app')]), declared({ connects: login('role/app', 'a') }), ['policy +', 'attachment +']],
    ['nothing of a user that is forgotten', account([app], [ours('role/app', ['a'])]), declared({ forgotten: [forget('a')] }), []],
    [
      'nothing of a user that is forgotten, beside others',
      account([app], [ours('role/app', ['a', 'b'])]),
      declared({ connects: login('role/app', 'b'), forgotten: [forget('a')] }),
      [],
    ],
    [
      'a line beside that of a user that is forgotten',
      account([app], [ours('role/app', ['a', 'b'])]),
      declared({ forgotten: [forget('a')] }),
      ['policy ~ absent'],
    ],
    [
      'the policy of a user that another target forgets',
      account([app], [ours('role/app', ['a'])]),
      declared({ forgotten: [forget('a', 'billing')] }),
      ['policy - absent', 'attachment - absent'],
    ],
    ['nothing', account([app], [ours('role/app', ['a'])]), declared({ connects: login('role/app', 'a') }), []],
    [
      'nothing, where the action is a list and the resource is a string',
      account([app], [ours('role/app', [], { document: policy({ Effect: 'Allow', Action: ['rds-db:connect'], Resource: dbuser('a') }) })]),
      declared({ connects: login('role/app', 'a') }),
      [],
    ],
    [
      'a policy of whom is no longer declared',
      account([app], [ours('role/app', ['a'])]),
      declared(),
      ['policy - absent', 'attachment - absent'],
    ],
    [
      'no policy of another stack',
      account([app], [ours('role/app', ['a'], { tags: { 'rolecall:stack': 'other/stack', 'rolecall:principal': 'role/app' } })]),
      declared(),
      [],
    ],
    ['no policy under our path without a mark', account([app], [ours('role/app', ['a'], { tags: {} })]), declared(), []],
    ['no policy with our mark elsewhere', account([app], [ours('role/app', ['a'], { path: '/', arn: policyArn(APP) })]), declared(), []],
    [
      'an attachment to whom it is not for',
      account([app, identity('user/eve', { attached: [policyArn(APP, PATH)] })], [ours('role/app', ['a'])]),
      declared({ connects: login('role/app', 'a') }),
      ['attachment -'],
    ],
    [
      'an attachment that is missing',
      account([identity('role/app')], [ours('role/app', ['a'])]),
      declared({ connects: login('role/app', 'a') }),
      ['attachment +'],
    ],
    [
      'a role and its policy',
      account([]),
      declared({ roles: [task()], connects: login('role/task', 'a') }),
      ['iam_role +', 'policy +', 'attachment +'],
    ],
    [
      'a role whose trust says the same in other words',
      account([
        identity('role/task', {
          tags: { 'rolecall:stack': STACK },
          maxSessionSeconds: 3600,
          trust: {
            Statement: [{ Sid: 'x', Effect: 'Allow', Action: ['sts:assumerole'], Principal: { Service: 'ecs-tasks.amazonaws.com' } }],
          },
        }),
      ]),
      declared({ roles: [task()] }),
      [],
    ],
    [
      'a role that is no longer declared',
      account([identity('role/task', { tags: { 'rolecall:stack': STACK } })]),
      declared(),
      ['iam_role - absent'],
    ],
    [
      'no role that holds what is not ours',
      account([identity('role/task', { tags: { 'rolecall:stack': STACK }, attached: ['arn:aws:iam::aws:policy/ReadOnlyAccess'] })]),
      declared(),
      ['iam_role - absent blocked'],
    ],
    [
      'nothing of a principal that could not be read',
      account([], [ours('role/app', ['a'])], { whole: false, unread: [{ what: "'role/app'", reason: 'iam:GetRole is not permitted' }] }),
      declared({ connects: login('role/app', 'b') }),
      ['policy ~ blocked', 'attachment + blocked'],
    ],
    [
      'nothing, where others change IAM',
      account([identity('role/app')]),
      declared({ mode: 'verify', connects: login('role/app', 'a') }),
      [],
    ],
  ];
  test.each(cases)('%s', (_, snapshot, wanted, expected) => {
    expect(changesOf(snapshot, wanted)).toEqual(expected);
  });
});

describe('what is found', () => {
  const attached = full(10);
  const cases: readonly [string, Snapshot, Declared, readonly string[]][] = [
    ['nothing', account([identity('role/app')]), declared({ connects: login('role/app', 'a') }), []],
    ['no such role', account([identity('role/app')]), declared({ connects: login('role/apq', 'a') }), ['error iam/unknown-principal']],
    [
      'no such user, whatever roles there are',
      account([identity('role/jane')]),
      declared({ connects: login('user/jane', 'a') }),
      ['error iam/unknown-principal'],
    ],
    ['a role that is made', account([]), declared({ roles: [task()], connects: login('role/task', 'a') }), []],
    [
      'no room for one more policy',
      account([identity('role/app', { attached })]),
      declared({ connects: login('role/app', 'a') }),
      ['error iam/attachments-full'],
    ],
    [
      'room where the live limit is higher',
      account([identity('role/app', { attached })], [], { quotas: { ...account([]).quotas, attachedPerRole: 20 } }),
      declared({ connects: login('role/app', 'a') }),
      [],
    ],
    [
      'lines of a user that is forgotten',
      account([identity('role/app')], [ours('role/app', ['a'])]),
      declared({ forgotten: [forget('a')] }),
      ['note iam/forgotten'],
    ],
    ['no line of a user that is forgotten', account([identity('role/app')]), declared({ forgotten: [forget('a')] }), []],
    [
      'no room in the account',
      account([identity('role/app')], [], { quotas: { ...account([]).quotas, policies: { used: 1500, limit: 1500 } } }),
      declared({ connects: login('role/app', 'a') }),
      ['error iam/policies-full'],
    ],
    [
      'a policy that differs by case alone',
      account([identity('role/app')], [managed(APP.toUpperCase(), policy())]),
      declared({ connects: login('role/app', 'a') }),
      ['error iam/name-case'],
    ],
    [
      'a policy of our name that is not ours',
      account([identity('role/app')], [managed(APP, policy(), PATH)]),
      declared({ connects: login('role/app', 'a') }),
      ['warning iam/not-ours', 'error iam/policy-not-ours'],
    ],
    [
      'a policy of ours at the path that the manifest had before',
      account([identity('role/app')], [ours('role/app', ['a'], { path: '/before/', arn: policyArn(APP, '/before/'), tags: {} })]),
      declared({ connects: login('role/app', 'a') }),
      ['error iam/other-path'],
    ],
    [
      'a policy of ours at such a path, of somebody who is no longer declared',
      account(
        [identity('role/app'), identity('role/left', { attached: [policyArn(policyName('role/left', STACK), '/before/')] })],
        [ours('role/left', ['a'], { path: '/before/', arn: policyArn(policyName('role/left', STACK), '/before/'), tags: {} })],
      ),
      declared({ connects: login('role/app', 'a') }),
      ['warning iam/other-path'],
    ],
    ['a role that differs by case alone', account([identity('role/Task')]), declared({ roles: [task()] }), ['error iam/name-case']],
    ['a role that is not ours', account([identity('role/task')]), declared({ roles: [task()] }), ['error iam/role-not-ours']],
    [
      'a role at another path',
      account([identity('role/task', { path: '/x/', tags: { 'rolecall:stack': STACK } })]),
      declared({ roles: [task()] }),
      ['error iam/role-path'],
    ],
    [
      'part of the account',
      account([identity('role/app')], [], { whole: false }),
      declared({ connects: login('role/app', 'a') }),
      ['note iam/part-read'],
    ],
    [
      'a login that nobody else allows',
      account([identity('role/app')]),
      declared({ mode: 'verify', connects: login('role/app', 'a') }),
      ['warning iam/not-allowed'],
    ],
    [
      'a login that nobody else allows, and that changes to IAM by the plan',
      account([identity('role/app')]),
      declared({ mode: 'verify', connects: login('role/app', 'a'), flips: new Set([`${login('role/app', 'a')[0]!.target}/a`]) }),
      ['error iam/not-allowed'],
    ],
    [
      'a login that somebody else allows',
      account([identity('role/app', { inline: [{ name: 'x', document: policy(statement(dbuser('*'))) }] })]),
      declared({ mode: 'emit', connects: login('role/app', 'a') }),
      ['note iam/emit'],
    ],
  ];
  test.each(cases)('%s', (_, snapshot, wanted, expected) => {
    expect(findingsOf(snapshot, wanted)).toEqual(expected);
  });

  test('a mistyped principal is told the one that was meant', () => {
    const [finding] = normalize(account([identity('role/orders-api')]), declared({ connects: login('role/orders-apy', 'a') })).findings;
    expect(finding?.hint).toBe("did you mean 'role/orders-api'?");
  });
});

describe('who gains and loses', () => {
  const told = (snapshot: Snapshot, wanted: Declared) =>
    access(snapshot, wanted, diff(normalize(snapshot, wanted))).map(({ users, gains, loses }) => [
      users,
      gains.flatMap(({ names }) => names),
      loses.flatMap(({ names }) => names),
    ]);
  const app = identity('role/app', { attached: [policyArn(APP, PATH)] });

  test('losses stand first, and principals alike together', () => {
    const snapshot = account([app, identity('role/b'), identity('role/c')], [ours('role/app', ['a', 'b'])]);
    const wanted = declared({ connects: [...login('role/app', 'b'), ...login('role/b', 'z'), ...login('role/c', 'z')] });
    expect(told(snapshot, wanted)).toEqual([
      [['role/app'], [], ['orders/a']],
      [['role/b', 'role/c'], ['orders/z'], []],
    ]);
  });

  test('what another policy gives is neither gained nor lost', () => {
    const admin = { inline: [{ name: 'admin', document: policy({ Effect: 'Allow', Action: '*', Resource: '*' }) }] };
    expect(told(account([identity('role/app', admin)]), declared({ connects: login('role/app', 'a') }))).toEqual([]);
    expect(told(account([{ ...app, ...admin }], [ours('role/app', ['a'])]), declared())).toEqual([]);
  });

  test('what a boundary takes that a role gets is lost', () => {
    const tags = { 'rolecall:stack': STACK };
    const there = identity('role/task', { attached: [policyArn(policyName('role/task', STACK), PATH)], trust, tags });
    const edge = managed('edge', policy(statement('*', { Action: 's3:*' })));
    const wanted = declared({ connects: login('role/task', 'a'), roles: [task({ boundary: edge.arn })] });
    expect(told(account([there], [ours('role/task', ['a']), edge]), wanted)).toEqual([[['role/task'], [], ['orders/a']]]);
  });

  test('what a Deny takes is not gained', () => {
    const denied = { inline: [{ name: 'deny', document: policy(statement('*', { Effect: 'Deny' })) }] };
    expect(told(account([identity('role/app', denied)]), declared({ connects: login('role/app', 'a') }))).toEqual([]);
  });
});

test('every name of a principal survives the tag that holds it', () => {
  for (const principal of ['role/a,b', 'user/a@b.c', 'group/a=+_-']) {
    const tags = Object.fromEntries(policyTags(STACK, principal).map(({ Key, Value }) => [Key, Value]));
    expect(principalOf({ tags })).toBe(principal);
    expect(Object.values(tags).every((value) => /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u.test(value))).toBe(true);
  }
  expect(foreignTags({ 'rolecall:stack': STACK, team: 'x' })).toEqual({ team: 'x' });
});

describe('what has expired', () => {
  const app = identity('role/app', { attached: [policyArn(APP, PATH)] });
  const eve = identity('user/eve', { attached: [policyArn(APP, PATH)] });
  const foreign = { document: policy(statement([dbuser('a'), dbuser('b')]), { Effect: 'Allow', Action: 's3:*', Resource: '*' }) };
  const cases: readonly [string, Snapshot, Declared, { readonly all: readonly string[]; readonly only: readonly string[] }][] = [
    [
      'one login of several',
      account([app], [ours('role/app', ['a', 'b'])]),
      declared({ connects: login('role/app', 'a'), expired: past('role/app', 'b') }),
      { all: ['policy ~ expired'], only: ['policy ~ expired'] },
    ],
    [
      'the last login: policy and attachments go',
      account([app, eve], [ours('role/app', ['a'])]),
      declared({ expired: past('role/app', 'a') }),
      {
        all: ['policy - expired', 'attachment - expired', 'attachment - expired'],
        only: ['policy - expired', 'attachment - expired', 'attachment - expired'],
      },
    ],
    [
      'beside a login that comes: both wait for review, and the expiry goes alone',
      account([app], [ours('role/app', ['a', 'b'])]),
      declared({ connects: login('role/app', 'a', 'c'), expired: past('role/app', 'b') }),
      { all: ['policy ~'], only: ['policy ~ expired'] },
    ],
    [
      'beside a login that was taken out of the manifest',
      account([app], [ours('role/app', ['a', 'b'])]),
      declared({ expired: past('role/app', 'b') }),
      { all: ['policy - absent', 'attachment - absent'], only: ['policy ~ expired'] },
    ],
    [
      'of another principal than the one that lost it',
      account([app], [ours('role/app', ['a', 'b'])]),
      declared({ connects: login('role/app', 'a'), expired: past('role/job', 'b') }),
      { all: ['policy ~'], only: [] },
    ],
    [
      'beside what somebody else wrote into the policy',
      account([app], [ours('role/app', [], foreign)]),
      declared({ connects: login('role/app', 'a'), expired: past('role/app', 'b') }),
      { all: ['policy ~'], only: [] },
    ],
    [
      'nothing, and roles, policies and attachments differ',
      account([identity('role/app')], [ours('role/app', ['a'])]),
      declared({ roles: [task()], connects: login('role/app', 'c') }),
      { all: ['iam_role +', 'policy ~', 'attachment +'], only: [] },
    ],
  ];
  test.each(cases)('%s', (_name, snapshot, wanted, expected) => {
    const told = (only?: 'expired'): string[] =>
      diff(normalize(snapshot, wanted, only)).map(({ kind, before, after, cause }) =>
        [kind, before === null ? '+' : after === null ? '-' : '~', ...(cause === 'declared' ? [] : [cause])].join(' '),
      );
    expect({ all: told(), only: told('expired') }).toEqual(expected);
  });

  test('takes no more out of a policy than that', () => {
    const wanted = declared({ connects: login('role/app', 'a', 'c'), expired: past('role/app', 'b') });
    const [change] = diff(normalize(account([app], [ours('role/app', ['a', 'b', 'd'])]), wanted, 'expired'));
    expect(change?.after).toMatchObject({ entries: [{ login: 'orders/a' }, { login: 'orders/d' }] });
  });
});
