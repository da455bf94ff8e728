import { expect, test } from 'vitest';
import type { Trust } from '../../../src/model/iam.ts';
import { trustDocument, trustFaults } from '../../../src/providers/iam/trust.ts';
import { ACCOUNT } from './world.ts';

const GITHUB = 'token.actions.githubusercontent.com';
const provider = `arn:aws:iam::${ACCOUNT}:oidc-provider/${GITHUB}`;
const written = (trust: Trust): object => {
  const { Version, Statement } = trustDocument(trust, ACCOUNT, 'aws') as { Version: string; Statement: readonly object[] };
  expect([Version, Statement.length]).toEqual(['2012-10-17', 1]);
  return Statement[0]!;
};

test.each<[string, Trust, object]>([
  [
    'a service',
    { kind: 'service', services: ['ecs-tasks.amazonaws.com'] },
    { Effect: 'Allow', Principal: { Service: ['ecs-tasks.amazonaws.com'] }, Action: 'sts:AssumeRole' },
  ],
  [
    'pods of EKS, whose sessions have tags',
    { kind: 'service', services: ['pods.eks.amazonaws.com'] },
    { Effect: 'Allow', Principal: { Service: ['pods.eks.amazonaws.com'] }, Action: ['sts:AssumeRole', 'sts:TagSession'] },
  ],
  [
    'an account with its external id',
    { kind: 'account', account: '999999999999', externalId: 'x-1' },
    {
      Effect: 'Allow',
      Principal: { AWS: 'arn:aws:iam::999999999999:root' },
      Action: 'sts:AssumeRole',
      Condition: { StringEquals: { 'sts:ExternalId': 'x-1' } },
    },
  ],
  [
    'branches of a repository',
    { kind: 'github', subjects: ['repo:acme/access:ref:refs/heads/main', 'repo:acme/access:environment:prod'] },
    {
      Effect: 'Allow',
      Principal: { Federated: provider },
      Action: 'sts:AssumeRoleWithWebIdentity',
      Condition: {
        StringEquals: {
          [`${GITHUB}:aud`]: 'sts.amazonaws.com',
          [`${GITHUB}:sub`]: ['repo:acme/access:environment:prod', 'repo:acme/access:ref:refs/heads/main'],
        },
      },
    },
  ],
  [
    'branches by pattern',
    { kind: 'github', subjects: ['repo:acme/access:ref:refs/heads/release/*'] },
    {
      Effect: 'Allow',
      Principal: { Federated: provider },
      Action: 'sts:AssumeRoleWithWebIdentity',
      Condition: {
        StringEquals: { [`${GITHUB}:aud`]: 'sts.amazonaws.com' },
        StringLike: { [`${GITHUB}:sub`]: ['repo:acme/access:ref:refs/heads/release/*'] },
      },
    },
  ],
])('the trust of %s names it, and nobody else', (_, trust, expected) => {
  expect(written(trust)).toEqual(expected);
  expect(trustFaults(trustDocument(trust, ACCOUNT, 'aws'))).toEqual([]);
});

test('a verbatim trust stays as it is written', () => {
  const document = { Statement: { Effect: 'Deny' } };
  expect(trustDocument({ kind: 'policy', document }, ACCOUNT, 'aws')).toBe(document);
});

test('the partition is that of the account', () => {
  expect(JSON.stringify(trustDocument({ kind: 'github', subjects: ['repo:a/b:x'] }, ACCOUNT, 'aws-us-gov'))).toContain(
    'arn:aws-us-gov:iam::123456789012:oidc-provider/',
  );
});

const allow = (principal: unknown, condition?: object): object => ({
  Statement: [{ Effect: 'Allow', Principal: principal, Action: 'sts:AssumeRole', ...(condition ? { Condition: condition } : {}) }],
});
const subject = (operator: string, value: string | string[]): object =>
  allow({ Federated: provider }, { [operator]: { [`${GITHUB}:sub`]: value } });

test.each<[string, object, readonly string[]]>([
  ['everybody', allow('*'), ['anybody may assume it, of any account']],
  ['everybody, as a list', allow({ AWS: ['*'] }), ['anybody may assume it, of any account']],
  ['everybody of an organisation', allow('*', { StringEquals: { 'aws:PrincipalOrgID': 'o-1' } }), []],
  [
    'all but some',
    { Statement: { Effect: 'Allow', NotPrincipal: { AWS: ACCOUNT }, Action: 'sts:AssumeRole' } },
    ['everybody but those named may assume it'],
  ],
  ['a Deny for everybody', { Statement: { Effect: 'Deny', Principal: '*', Action: 'sts:AssumeRole' } }, []],
  [
    'a role that is gone',
    allow({ AWS: 'AROAEXAMPLE1234567890' }),
    [
      "it names 'AROAEXAMPLE1234567890', which is what IAM leaves of an identity that was deleted: one made anew under the same name is another",
    ],
  ],
  ['all of GitHub', allow({ Federated: provider }), ['every repository of GitHub may assume it: no condition names the subject']],
  ['all repositories of an organisation', subject('StringLike', 'repo:acme/*'), ["subject 'repo:acme/*' is of more than one repository"]],
  [
    'all repositories of an organisation, if written so',
    subject('StringLikeIfExists', ['repo:acme/a*:ref:x', 'repo:acme/b:*']),
    ["subject 'repo:acme/a*:ref:x' is of more than one repository"],
  ],
  ['whatever', subject('StringLike', '*'), ["subject '*' is of more than one repository"]],
  ['one repository', subject('StringLike', 'repo:acme/access:*'), []],
  ['another provider', allow({ Federated: `arn:aws:iam::${ACCOUNT}:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/X` }), []],
  ['nothing that can be read', { Statement: [{ Effect: 'Allow', Action: '*' }] }, ['statement 1 has neither Resource nor NotResource']],
])('a trust of %s is judged', (_, document, faults) => {
  expect(trustFaults(document)).toEqual(faults);
});
