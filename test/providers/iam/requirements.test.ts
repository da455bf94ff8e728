import { runUnsafeSimulation } from '@cloud-copilot/iam-simulate';
import { describe, expect, test } from 'vitest';
import { readDocument } from '../../../src/providers/iam/document.ts';
import {
  applyCaveat,
  applyRequirements,
  planRequirements,
  proveRequirements,
  requirementsDocument,
  type Scope,
} from '../../../src/providers/iam/requirements.ts';
import { ACCOUNT, dbuser, policyArn } from './world.ts';

const EDGE = policyArn('edge');
const secret = (name: string): string => `arn:aws:secretsmanager:eu-west-1:${ACCOUNT}:secret:${name}`;
const scope: Scope = {
  partition: 'aws',
  account: ACCOUNT,
  servers: true,
  path: '/rolecall/acme/',
  roles: ['/apps/'],
  boundary: null,
  logins: [dbuser('rolecall')],
  secrets: [secret('login-Ab12Cd'), secret('etl')],
  watch: { stack: 'acme/access', topics: ['dba-alerts'] },
};
const pinned: Scope = { ...scope, boundary: EDGE };

const OURS = policyArn('p', '/rolecall/acme/');
const OTHERS = policyArn('AdministratorAccess', '/');
const role = (name: string): string => `arn:aws:iam::${ACCOUNT}:role${name}`;
const alarm = (name: string): string => `arn:aws:cloudwatch:eu-west-1:${ACCOUNT}:alarm:${name}`;
const group = (name: string): string => `arn:aws:logs:eu-west-1:${ACCOUNT}:log-group:${name}`;
const topic = (name: string): string => `arn:aws:sns:eu-west-1:${ACCOUNT}:${name}`;
const TAGGING = { 'aws:RequestTag/rolecall:stack': 'acme/access' };
const OWN = { 'aws:ResourceTag/rolecall:stack': 'acme/access' };
const may = (document: object, action: string, resource: string, contextVariables: Record<string, string> = {}): boolean =>
  runUnsafeSimulation(
    {
      request: { principal: role('/ci'), action, resource: { resource, accountId: ACCOUNT }, contextVariables },
      identityPolicies: [{ name: 'apply', policy: document }],
      serviceControlPolicies: [],
      resourceControlPolicies: [],
    },
    {},
  ) === 'Allowed';
const plan = requirementsDocument(planRequirements(scope));
const apply = requirementsDocument(applyRequirements(scope));
const applyPinned = requirementsDocument(applyRequirements(pinned));

test.each<[string, object]>([
  ['plan', plan],
  ['apply', apply],
  ['apply under a boundary', applyPinned],
  ['prove', requirementsDocument(proveRequirements(scope, [role('/orders-api')]))],
])('the policy for %s is one that IAM takes', (_, document) => {
  expect(readDocument(document).problems).toEqual([]);
  expect(JSON.stringify(document).length).toBeLessThan(6144);
  const sids = readDocument(document).statements.map(({ sid }) => sid);
  expect(sids.every((sid) => /^[A-Za-z0-9]+$/.test(sid ?? ''))).toBe(true);
  expect(new Set(sids).size).toBe(sids.length);
});

test('prove changes nothing, and is nobody but whom expect names', () => {
  const requirements = proveRequirements(scope, [role('/orders-api')]);
  const actions = requirements.flatMap((requirement) => requirement.actions);
  expect(
    actions.filter(
      (action) => !/^(iam:(Get|List)|rds:Describe|rds-db:connect$|secretsmanager:GetSecretValue$|sts:AssumeRole$)/.test(action),
    ),
  ).toEqual([]);
  const document = requirementsDocument(requirements);
  expect(['/orders-api', '/other'].map((name) => may(document, 'sts:AssumeRole', role(name)))).toEqual([true, false]);
  expect(proveRequirements(scope, []).map(({ sid }) => sid)).not.toContain('AssumePrincipals');
});

test('without principals nothing of IAM is asked for, and without alarms nothing of theirs', () => {
  const services = (part: Partial<Scope>): string[] =>
    [
      ...new Set(
        applyRequirements({ ...scope, logins: [], secrets: [], ...part }).flatMap(({ actions }) =>
          actions.map((one) => one.split(':')[0]!),
        ),
      ),
    ].sort();
  expect(services({ path: null, roles: [] })).toEqual(['cloudwatch', 'logs', 'rds', 'sns']);
  expect(services({ watch: null })).toEqual(['iam', 'rds']);
  expect(services({ watch: null, servers: false })).toEqual(['iam']);
  expect(services({ servers: false })).toContain('rds');
  expect(applyRequirements({ ...scope, watch: { stack: 'acme/access', topics: [] } }).map(({ sid }) => sid)).not.toContain('MakeTopics');
});

test('plan changes nothing', () => {
  const actions = planRequirements(scope).flatMap((requirement) => requirement.actions);
  expect(
    actions.filter(
      (action) =>
        !/^(iam:(Get|List)|(rds|logs|cloudwatch):Describe|(cloudwatch|sns):List|sns:Get|rds-db:connect$|secretsmanager:GetSecretValue$)/.test(
          action,
        ),
    ),
  ).toEqual([]);
});

test.each<[string, string, Record<string, string>]>([
  ['iam:CreatePolicy', OURS, {}],
  ['iam:CreatePolicyVersion', OURS, {}],
  ['iam:DeletePolicyVersion', OURS, {}],
  ['iam:DeletePolicy', OURS, {}],
  ['iam:TagPolicy', OURS, {}],
  ['iam:AttachRolePolicy', role('/team/x'), { 'iam:PolicyARN': OURS }],
  ['iam:DetachRolePolicy', role('/team/x'), { 'iam:PolicyARN': OURS }],
  ['iam:AttachUserPolicy', `arn:aws:iam::${ACCOUNT}:user/jane`, { 'iam:PolicyARN': OURS }],
  ['iam:AttachGroupPolicy', `arn:aws:iam::${ACCOUNT}:group/devs`, { 'iam:PolicyARN': OURS }],
  ['iam:CreateRole', role('/apps/api'), {}],
  ['iam:UpdateAssumeRolePolicy', role('/apps/api'), {}],
  ['iam:DeleteRole', role('/apps/api'), {}],
  ['iam:GetPolicyVersion', 'arn:aws:iam::aws:policy/ReadOnlyAccess', {}],
  ['iam:GetAccountAuthorizationDetails', '*', {}],
  ['rds:DescribeDBClusters', `arn:aws:rds:eu-west-1:${ACCOUNT}:cluster:orders`, {}],
  ['rds:DescribeGlobalClusters', `arn:aws:rds::${ACCOUNT}:global-cluster:world`, {}],
  ['rds-db:connect', dbuser('rolecall'), {}],
  ['secretsmanager:GetSecretValue', secret('login-Ab12Cd'), {}],
  ['secretsmanager:GetSecretValue', secret('etl-xY3zW9'), {}],
  ['cloudwatch:DescribeAlarms', '*', {}],
  ['cloudwatch:PutMetricAlarm', alarm('rolecall/acme/access/failed-logins/billing'), {}],
  ['cloudwatch:TagResource', alarm('rolecall/acme/access/failed-logins/billing'), {}],
  ['logs:DescribeMetricFilters', group('/aws/lambda/x'), {}],
  ['logs:PutMetricFilter', group('/aws/rds/cluster/billing/error'), {}],
  ['sns:ListTagsForResource', topic('other'), {}],
  ['sns:GetSubscriptionAttributes', topic('dba-alerts'), {}],
  ['sns:CreateTopic', topic('dba-alerts'), TAGGING],
  ['sns:TagResource', topic('dba-alerts'), TAGGING],
  ['sns:SetTopicAttributes', topic('left-the-manifest'), OWN],
  ['sns:DeleteTopic', topic('left-the-manifest'), OWN],
  ['sns:Subscribe', topic('dba-alerts'), { ...OWN, 'sns:Protocol': 'email' }],
  ['sns:Unsubscribe', '*', {}],
])('who applies may %s on %s', (action, resource, context) => {
  expect(may(apply, action, resource, context)).toBe(true);
});

test.each<[string, string, Record<string, string>]>([
  ['iam:CreatePolicy', policyArn('p'), {}],
  ['iam:CreatePolicyVersion', OTHERS, {}],
  ['iam:AttachRolePolicy', role('/ci'), { 'iam:PolicyARN': 'arn:aws:iam::aws:policy/AdministratorAccess' }],
  ['iam:AttachRolePolicy', role('/ci'), {}],
  ['iam:CreateRole', role('/other/api'), {}],
  ['iam:PutRolePolicy', role('/apps/api'), {}],
  ['iam:CreateUser', `arn:aws:iam::${ACCOUNT}:user/jane`, {}],
  ['iam:CreateAccessKey', `arn:aws:iam::${ACCOUNT}:user/jane`, {}],
  ['iam:PassRole', role('/apps/api'), {}],
  ['rds:ModifyDBCluster', `arn:aws:rds:eu-west-1:${ACCOUNT}:cluster:orders`, {}],
  ['rds-db:connect', dbuser('postgres'), {}],
  ['secretsmanager:GetSecretValue', secret('login-Ab12Ce'), {}],
  ['secretsmanager:GetSecretValue', secret('etl-prod-xY3zW9'), {}],
  ['secretsmanager:PutSecretValue', secret('login-Ab12Cd'), {}],
  ['cloudwatch:PutMetricAlarm', alarm('rolecall/acme/other/failed-logins/billing'), {}],
  ['cloudwatch:DeleteAlarms', alarm('theirs'), {}],
  ['logs:PutMetricFilter', group('/aws/lambda/x'), {}],
  ['logs:FilterLogEvents', group('/aws/rds/cluster/billing/error'), {}],
  ['sns:CreateTopic', topic('other'), TAGGING],
  ['sns:CreateTopic', topic('dba-alerts'), {}],
  ['sns:TagResource', topic('dba-alerts'), { 'aws:RequestTag/rolecall:stack': 'acme/other' }],
  ['sns:DeleteTopic', topic('dba-alerts'), {}],
  ['sns:DeleteTopic', topic('dba-alerts'), { 'aws:ResourceTag/rolecall:stack': 'acme/other' }],
  ['sns:Subscribe', topic('dba-alerts'), { ...OWN, 'sns:Protocol': 'https' }],
  ['sns:Publish', topic('dba-alerts'), OWN],
])('who applies may not %s on %s', (action, resource, context) => {
  expect(may(apply, action, resource, context)).toBe(false);
});

describe('under a boundary', () => {
  const attach = { 'iam:PolicyARN': OURS };
  const inside = { 'iam:PermissionsBoundary': EDGE };

  test.each<[string, string, Record<string, string>, boolean]>([
    ['iam:AttachRolePolicy', role('/team/x'), { ...attach, ...inside }, true],
    ['iam:AttachRolePolicy', role('/ci'), attach, false],
    ['iam:AttachGroupPolicy', `arn:aws:iam::${ACCOUNT}:group/devs`, { ...attach, ...inside }, false],
    ['iam:CreateRole', role('/apps/api'), inside, true],
    ['iam:CreateRole', role('/apps/api'), {}, false],
    ['iam:PutRolePermissionsBoundary', role('/apps/api'), { 'iam:PermissionsBoundary': OTHERS }, false],
    ['iam:DeleteRolePermissionsBoundary', role('/apps/api'), inside, false],
  ])('%s on %s with %o: %s', (action, resource, context, expected) => {
    expect(may(applyPinned, action, resource, context)).toBe(expected);
  });
});

test('what no path can prevent is said plainly', () => {
  expect(applyCaveat(scope)).toContain('whoever may apply is an administrator in effect');
  expect(applyCaveat(pinned)).toContain(`whatever the boundary '${EDGE}' allows`);
});

test('a manifest that makes no roles needs no rights over roles', () => {
  const actions = applyRequirements({ ...scope, roles: [] }).flatMap((requirement) => requirement.actions);
  expect(actions).not.toContain('iam:CreateRole');
  expect(actions).not.toContain('iam:UpdateAssumeRolePolicy');
});

test('partitions are those of the account', () => {
  const text = JSON.stringify(requirementsDocument(applyRequirements({ ...scope, partition: 'aws-cn', logins: [], secrets: [] })));
  expect(text.match(/arn:aws:/g)).toBeNull();
  expect(text).toContain('arn:aws-cn:iam::aws:policy/*');
  expect(text).not.toContain('secretsmanager');
});
