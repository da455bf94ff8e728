import { runUnsafeSimulation } from '@cloud-copilot/iam-simulate';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { describeWhy, type Evaluation, evaluateConnect } from '../../../src/providers/iam/evaluate.ts';
import type { IamIdentity, Snapshot } from '../../../src/providers/iam/snapshot.ts';
import { ACCOUNT, account, dbuser, identity, inline, managed, policy, policyArn, statement } from './world.ts';

const JANE = dbuser('jane');
const of = (
  identities: readonly IamIdentity[],
  policies: Snapshot['policies'] extends ReadonlyMap<string, infer P> ? readonly P[] : never = [],
): Evaluation => evaluateConnect(identities[0]!, account(identities, policies), JANE);
const role = (...statements: object[]): Evaluation => of([identity('role/api', inline(...statements))]);
const user = (...statements: object[]): Evaluation => of([identity('user/jane', { ...inline(...statements), tags: { DBUser: 'jane' } })]);
const when = (condition: object): object => statement(JANE, { Condition: condition });

test.each<[string, Evaluation, Evaluation['verdict']]>([
  ['nothing', role(), 'not-allowed'],
  ['the exact ARN', role(statement(JANE)), 'allowed'],
  ['another user', role(statement(dbuser('omar'))), 'not-allowed'],
  ['another case of the user', role(statement(dbuser('Jane'))), 'not-allowed'],
  ['another case of the action', role(statement(JANE, { Action: 'RDS-DB:CONNECT' })), 'allowed'],
  ['the action of the service rds', role(statement(JANE, { Action: 'rds:connect' })), 'not-allowed'],
  ['every action', role(statement('*', { Action: '*' })), 'allowed'],
  ['an action by pattern', role(statement('*', { Action: ['s3:*', 'rds-db:con?ect'] })), 'allowed'],
  ['a user by pattern', role(statement(dbuser('ja*'))), 'allowed'],
  ['a user by one letter', role(statement(dbuser('jan?'))), 'allowed'],
  ['a resource by pattern', role(statement(dbuser('jane', '*'))), 'allowed'],
  ['everything in the service', role(statement('arn:aws:rds-db:*')), 'allowed'],
  ['another region', role(statement(dbuser('jane', 'cluster-ABC', 'us-east-1'))), 'not-allowed'],
  ['another partition', role(statement(JANE.replace('arn:aws:', 'arn:aws-cn:'))), 'not-allowed'],
  [
    'a pattern in the kind of resource, which IAM takes for text',
    role(statement(`arn:aws:rds-db:eu-west-1:${ACCOUNT}:db*:cluster-ABC/jane`)),
    'not-allowed',
  ],
  ['all actions but one', role({ Effect: 'Allow', NotAction: 's3:*', Resource: '*' }), 'allowed'],
  ['all actions but this', role({ Effect: 'Allow', NotAction: 'rds-db:*', Resource: '*' }), 'not-allowed'],
  ['all resources but another', role({ Effect: 'Allow', Action: '*', NotResource: dbuser('omar') }), 'allowed'],
  ['all resources but this', role({ Effect: 'Allow', Action: '*', NotResource: [dbuser('omar'), JANE] }), 'not-allowed'],
  ['an Allow and a Deny', role(statement(JANE), statement(dbuser('j*'), { Effect: 'Deny' })), 'denied'],
  ['a Deny of another', role(statement(JANE), statement(dbuser('omar'), { Effect: 'Deny' })), 'allowed'],
  ['its own name', user(statement(dbuser('${aws:username}'))), 'allowed'],
  ['its own name, in any case of the key', user(statement(dbuser('${AWS:UserName}'))), 'allowed'],
  ['its own name, where a role has none', role(statement(dbuser('${aws:username}'))), 'not-allowed'],
  ['its own name or a default', role(statement(dbuser("${aws:username, 'jane'}"))), 'allowed'],
  ['a tag of its own', user(statement(dbuser('${aws:PrincipalTag/dbuser}'))), 'allowed'],
  ['a tag that it has not', user(statement(dbuser('${aws:PrincipalTag/team}'))), 'not-allowed'],
  ['a tag that a session may bring along', role(statement(dbuser('${aws:PrincipalTag/team}'))), 'unknown'],
  ['a variable that nobody knows here', role(statement(dbuser('${aws:SourceIdentity}'))), 'unknown'],
  ['an escaped star', role(statement(dbuser('${*}'))), 'not-allowed'],
  [
    'a variable in a document of 2008, where it is text',
    of([identity('user/jane', { inline: [{ name: 'old', document: { Statement: statement(dbuser('${aws:username}')) } }] })]),
    'not-allowed',
  ],
  ['all but a variable without a value', role({ Effect: 'Allow', Action: '*', NotResource: dbuser('${aws:username}') }), 'not-allowed'],
  ['a condition that holds', role(when({ StringEquals: { 'aws:PrincipalAccount': ACCOUNT } })), 'allowed'],
  ['a condition that does not', role(when({ StringEquals: { 'aws:PrincipalAccount': '999999999999' } })), 'not-allowed'],
  [
    'two conditions, one of which does not hold',
    role(when({ StringEquals: { 'aws:PrincipalAccount': ACCOUNT }, StringLike: { 'aws:PrincipalArn': '*:user/*' } })),
    'not-allowed',
  ],
  ['a condition about the identity', role(when({ ArnLike: { 'aws:PrincipalArn': `arn:aws:iam::*:role/a*` } })), 'allowed'],
  ['a condition about who it is not', role(when({ ArnNotLike: { 'aws:PrincipalArn': 'arn:aws:iam::*:role/a*' } })), 'not-allowed'],
  ['a condition on a tag', user(when({ StringEqualsIgnoreCase: { 'aws:PrincipalTag/dbuser': 'JANE' } })), 'allowed'],
  ['a condition on a tag that is missing', user(when({ StringEquals: { 'aws:PrincipalTag/team': 'a' } })), 'not-allowed'],
  ['a condition on a tag, if it is there', user(when({ StringEqualsIfExists: { 'aws:PrincipalTag/team': 'a' } })), 'allowed'],
  ['a tag that shall be missing', user(when({ Null: { 'aws:PrincipalTag/team': 'true' } })), 'allowed'],
  ['a condition with a variable', user(when({ StringEquals: { 'aws:PrincipalTag/DBUser': '${aws:username}' } })), 'allowed'],
  [
    'a condition on the time, which is not known here',
    role(when({ DateLessThan: { 'aws:CurrentTime': '2030-01-01T00:00:00Z' } })),
    'unknown',
  ],
  [
    'a Deny on the time',
    role(statement(JANE), { ...when({ DateLessThan: { 'aws:CurrentTime': '2030-01-01T00:00:00Z' } }), Effect: 'Deny' }),
    'unknown',
  ],
  ['an Allow by a key that is not supported', role(when({ IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } })), 'not-allowed'],
  [
    'a Deny by a key that is not supported',
    role(statement(JANE), { ...when({ NotIpAddress: { 'aws:SourceIp': '10.0.0.0/8' } }), Effect: 'Deny' }),
    'allowed',
  ],
  ['a statement without an effect beside it', role(statement(JANE), { Action: '*' }), 'unknown'],
])('by %s one is judged rightly', (_, { verdict }, expected) => {
  expect(verdict).toBe(expected);
});

test('a user has the policies of its groups, and is told which', () => {
  const devs = identity('group/devs', { attached: [policyArn('readers')] });
  const { verdict, why } = of(
    [identity('user/jane', { groups: ['devs'] }), devs],
    [managed('readers', policy(statement(dbuser('*'), { Sid: 'Everybody' })))],
  );
  expect(verdict).toBe('allowed');
  expect(why.map(describeWhy)).toEqual(["policy 'readers', statement 'Everybody', of group/devs allows"]);
});

test('a Deny is named before anything else', () => {
  const { why } = role(statement(JANE), statement('*', { Effect: 'Deny' }));
  expect(why.map(describeWhy)).toEqual(["policy 'inline', statement 2, denies"]);
});

describe('a permissions boundary', () => {
  const bounded = (...statements: object[]): Evaluation =>
    of([identity('role/api', { ...inline(statement(JANE)), boundary: policyArn('edge') })], [managed('edge', policy(...statements))]);

  test('that leaves rds-db:connect out keeps it from being allowed', () => {
    const { verdict, why } = bounded(statement('*', { Action: 's3:*' }));
    expect([verdict, ...why.map(describeWhy)]).toEqual(['not-allowed', "the boundary 'edge' does not allow it"]);
  });

  test('that has it changes nothing', () => {
    expect(bounded(statement('*', { Action: '*' })).verdict).toBe('allowed');
  });

  test('that denies, denies', () => {
    expect(bounded(statement('*', { Action: '*' }), statement('*', { Effect: 'Deny' })).verdict).toBe('denied');
  });

  test('gives nothing of its own', () => {
    expect(of([identity('role/api', { boundary: policyArn('edge') })], [managed('edge', policy(statement('*')))]).verdict).toBe(
      'not-allowed',
    );
  });
});

test('a policy that was not read leaves the question open', () => {
  const { verdict, why } = of([identity('role/api', { attached: ['arn:aws:iam::aws:policy/AdministratorAccess'] })]);
  expect([verdict, ...why.map(describeWhy)]).toEqual(['unknown', "policy 'AdministratorAccess' was not read"]);
});

test('what is assumed counts, and what is left out does not', () => {
  const api = identity('role/api', { attached: [policyArn('ours', '/rolecall/')] });
  const snapshot = account([api], [managed('ours', policy(statement(JANE)), '/rolecall/')]);
  const verdict = (assumption: object): string => evaluateConnect(api, snapshot, JANE, assumption).verdict;
  expect(verdict({})).toBe('allowed');
  expect(verdict({ skip: (arn: string) => arn.includes(':policy/rolecall/') })).toBe('not-allowed');
  expect(verdict({ skip: () => true, add: policy(statement(JANE)) })).toBe('allowed');
});

/**
 * Differences that are meant, and kept out of what is compared: keys that rds-db does not support (there they are keys like
 * others); keys that are not known here (there they are missing); documents of 2008 (there they have variables); ARNs cut short
 * in NotResource (there they never match); tests of ARNs on what is none; `${*}` in a condition (there it is text); a tag that a session may bring to a role.
 */
describe('law: the evaluation is that of an independent simulator', () => {
  const NAMES = [
    'jane',
    'Jane',
    'ja*',
    '*',
    'jan?',
    '?ane',
    'omar',
    'j*e',
    '${aws:username}',
    'x${aws:username}',
    "${aws:username, 'jane'}",
    '${aws:PrincipalTag/dbuser}',
    '${*}',
    'a/b',
    '',
    '${$}x',
    'ja${aws:username}*',
  ];
  const RESOURCES = ['cluster-ABC', 'cluster-abc', 'cluster-*', '*', 'db-XYZ', 'cluster-AB?', '${aws:username}'];
  const arn = fc
    .tuple(
      fc.constantFrom('aws', 'aws', 'aws', 'aws-cn', '*', 'a?s', 'AWS'),
      fc.constantFrom('rds-db', 'rds-db', 'rds-db', 'rds', 'rds-*', '*'),
      fc.constantFrom('eu-west-1', 'eu-west-1', 'us-east-1', '*', 'eu-*', ''),
      fc.constantFrom(ACCOUNT, ACCOUNT, '999999999999', '*', '1234567890??'),
      fc.constantFrom('dbuser:', 'dbuser:', 'dbuser:', 'dbuser/', 'db*:', 'DBUSER:', '*'),
      fc.constantFrom(...RESOURCES),
      fc.constantFrom(...NAMES),
    )
    .map(
      ([partition, service, region, id, kind, resource, name]) =>
        `arn:${partition}:${service}:${region}:${id}:${kind}${kind === '*' ? '' : `${resource}/${name}`}`,
    );
  const short = fc.constantFrom('*', '*', 'arn:aws:rds-db:*', 'arn:aws:s3:*', 'arn:aws:*', `arn:aws:rds-db:eu-west-1:${ACCOUNT}`);
  const oneOrMore = <T>(item: fc.Arbitrary<T>): fc.Arbitrary<T | readonly T[]> =>
    fc.oneof(item, fc.array(item, { minLength: 1, maxLength: 3 }));
  const action = fc.constantFrom(
    'rds-db:connect',
    'rds-db:connect',
    'RDS-DB:Connect',
    'rds-db:*',
    'rds-db:con*',
    'rds-db:c?nnect',
    '*',
    's3:*',
    'rds:connect',
    'rds-db:connec',
    'rds-db:??nnect',
  );
  const value = fc.constantFrom(
    'jane',
    'JANE',
    'omar',
    'ja*',
    '*',
    ACCOUNT,
    'User',
    'AssumedRole',
    '${aws:username}',
    '${aws:PrincipalTag/dbuser}',
    `arn:aws:iam::${ACCOUNT}:user/jane`,
    `arn:aws:iam::${ACCOUNT}:*`,
    'arn:aws:iam::*:role/*',
    'true',
    'false',
  );
  const operator = fc.constantFrom(
    'StringEquals',
    'StringNotEquals',
    'StringLike',
    'StringNotLike',
    'StringEqualsIgnoreCase',
    'StringNotEqualsIgnoreCase',
    'StringEqualsIfExists',
    'StringNotLikeIfExists',
    'ForAnyValue:StringEquals',
    'ForAllValues:StringLike',
    'ForAnyValue:StringNotLike',
    'Null',
    'stringlike',
  );
  const key = fc.constantFrom(
    'aws:username',
    'AWS:UserName',
    'aws:PrincipalArn',
    'aws:PrincipalAccount',
    'aws:PrincipalType',
    'aws:PrincipalTag/dbuser',
    'aws:PrincipalTag/DBUSER',
  );
  const aboutText = fc.dictionary(operator, fc.dictionary(key, oneOrMore(value), { minKeys: 1, maxKeys: 2 }), { minKeys: 1, maxKeys: 2 });
  const anArn = fc.constantFrom(
    `arn:aws:iam::${ACCOUNT}:user/jane`,
    'arn:aws:iam::*:role/j*',
    'arn:*:iam::*:*/${aws:username}',
    'arn:aws:iam:::user/jane',
    `arn:aws:iam::${ACCOUNT}:*`,
  );
  const aboutArns = fc.dictionary(
    fc.constantFrom('ArnLike', 'ArnNotLike', 'ArnEquals', 'ArnNotEquals', 'ArnLikeIfExists', 'ForAnyValue:ArnLike'),
    fc.record({ 'aws:PrincipalArn': oneOrMore(anArn) }),
    { minKeys: 1, maxKeys: 2 },
  );
  const condition = fc.oneof({ weight: 3, arbitrary: aboutText }, { weight: 1, arbitrary: aboutArns });
  const aStatement = fc
    .record({
      Effect: fc.constantFrom('Allow', 'Allow', 'Allow', 'Deny'),
      action: oneOrMore(action),
      notAction: fc.nat(7),
      resource: fc.oneof(
        oneOrMore(fc.oneof({ weight: 5, arbitrary: arn }, { weight: 1, arbitrary: short })),
        fc.constantFrom(JANE, dbuser('*'), dbuser('${aws:username}')),
      ),
      notResource: fc.option(oneOrMore(arn), { freq: 6 }),
      condition: fc.option(condition, { freq: 2 }),
    })
    .map(({ Effect, action: what, notAction, resource, notResource, condition: test }) => ({
      Effect,
      ...(notAction === 0 ? { NotAction: what } : { Action: what }),
      ...(notResource ? { NotResource: notResource } : { Resource: resource }),
      ...(test ? { Condition: test } : {}),
    }));
  const aPolicy = fc.array(aStatement, { minLength: 1, maxLength: 3 }).map((statements) => policy(...statements));
  const policies = fc.array(aPolicy, { maxLength: 3 });

  const CONTEXT = {
    user: { 'aws:username': 'jane', 'aws:PrincipalType': 'User', 'aws:PrincipalArn': `arn:aws:iam::${ACCOUNT}:user/jane` },
    role: { 'aws:PrincipalType': 'AssumedRole', 'aws:PrincipalArn': `arn:aws:iam::${ACCOUNT}:role/jane` },
  };
  const simulated = (kind: 'user' | 'role', identityPolicies: readonly object[], boundary: object | null): string =>
    runUnsafeSimulation(
      {
        request: {
          principal: `arn:aws:iam::${ACCOUNT}:${kind}/jane`,
          action: 'rds-db:connect',
          resource: { resource: JANE, accountId: ACCOUNT },
          contextVariables: { ...CONTEXT[kind], 'aws:PrincipalAccount': ACCOUNT, 'aws:PrincipalTag/dbuser': 'jane' },
        },
        identityPolicies: identityPolicies.map((each, index) => ({ name: `p${index}`, policy: each })),
        serviceControlPolicies: [],
        resourceControlPolicies: [],
        ...(boundary ? { permissionBoundaryPolicies: [{ name: 'edge', policy: boundary }] } : {}),
      },
      {},
    );
  const WORDS: Readonly<Record<string, string>> = { Allowed: 'allowed', ExplicitlyDenied: 'denied', ImplicitlyDenied: 'not-allowed' };

  test('on random policies, inline, attached, of groups, and boundaries', () => {
    const seen = new Map<string, number>();
    fc.assert(
      fc.property(
        fc.constantFrom('user' as const, 'role' as const),
        policies,
        policies,
        fc.option(aPolicy, { freq: 2 }),
        (kind, own, others, boundary) => {
          const attached = others.map((document, index) => managed(`m${index}`, document));
          const arns = attached.map((each) => each.arn);
          const group = identity('group/devs', { attached: kind === 'user' ? arns : [] });
          const jane = identity(`${kind}/jane`, {
            inline: own.map((document, index) => ({ name: `i${index}`, document })),
            attached: kind === 'role' ? arns : [],
            groups: kind === 'user' ? ['devs'] : [],
            boundary: boundary ? policyArn('edge') : null,
            tags: { dbuser: 'jane' },
          });
          const snapshot = account([jane, group], [...attached, ...(boundary ? [managed('edge', boundary)] : [])]);
          const { verdict } = evaluateConnect(jane, snapshot, JANE);
          seen.set(verdict, (seen.get(verdict) ?? 0) + 1);
          expect(verdict).toBe(WORDS[simulated(kind, [...own, ...others], boundary)]);
        },
      ),
      { numRuns: 1000 },
    );
    // a law about nothing but refusals would hold for a wrong evaluator too
    expect(Math.min(seen.get('allowed') ?? 0, seen.get('denied') ?? 0, seen.get('not-allowed') ?? 0)).toBeGreaterThan(80);
  });
});
