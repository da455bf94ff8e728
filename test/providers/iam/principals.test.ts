import { expect, test } from 'vitest';
import { policyName } from '../../../src/providers/iam/pack.ts';
import { reservedFindings } from '../../../src/providers/iam/principals.ts';
import { account, connect, dbuser, declared, identity } from './world.ts';

const found = (key: string, path: string): (string | undefined)[] => {
  const connects = [connect(key, 'orders', 'jane', [dbuser('jane')]), connect(key, 'orders', 'omar', [dbuser('omar')])];
  return reservedFindings(account([identity(key, { path })]), declared({ connects })).flatMap(({ severity, code, message, hint }) => [
    `${severity} ${code}`,
    message,
    hint,
  ]);
};

test('a role of IAM Identity Center is refused, and the policy to reference is named', () => {
  const key = 'role/AWSReservedSSO_Developers_0123456789abcdef';
  expect(found(key, '/aws-reserved/sso.amazonaws.com/eu-west-1/')).toEqual([
    'error iam/reserved-principal',
    `nothing can be attached to '${key}': it belongs to IAM Identity Center`,
    `reference the customer managed policy '${policyName(key, 'acme/access/prod')}' with path '/rolecall/acme/access/prod/' in its permission set; the policy must exist under that name and path in each account`,
  ]);
});

test('a role that is linked to a service is refused', () => {
  expect(found('role/AWSServiceRoleForRDS', '/aws-service-role/rds.amazonaws.com/')).toEqual([
    'error iam/reserved-principal',
    "nothing can be attached to 'role/AWSServiceRoleForRDS': it belongs to a service of AWS, to which it is linked",
    'give the service a role of your own (iam.roles), and name that',
  ]);
});

test.each(['/', '/service-role/', '/team/aws-reserved/'])('a role under %s is one like others', (path) => {
  expect(found('role/api', path)).toEqual([]);
});

test('only roles are reserved', () => {
  expect(found('user/AWSServiceRoleForNobody', '/')).toEqual([]);
});
