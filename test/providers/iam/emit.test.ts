import { describe, expect, test } from 'vitest';
import type { IamRole, Policy } from '../../../src/model/iam.ts';
import { emitFiles, hcl } from '../../../src/providers/iam/emit.ts';
import { dbuser } from './world.ts';

const policyOf = (name: string, principal: string, ...users: string[]): Policy => ({
  name,
  path: '/rolecall/acme/',
  principal,
  entries: users.map((user) => ({ arn: dbuser(user), login: `orders/${user}` })),
  foreign: null,
});
const role: IamRole = {
  name: 'api',
  path: '/apps/',
  trust:
    '{"Statement":[{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{"Service":["ec2.amazonaws.com"]}}],"Version":"2012-10-17"}',
  boundary: null,
  description: 'the "order" service',
  maxSessionSeconds: 3600,
  tags: { 'cost centre': '${7}' },
};

const TERRAFORM = `resource "aws_iam_role" "api" {
  name = "api"
  path = "/apps/"
  description = "the \\"order\\" service"
  max_session_duration = 3600
  assume_role_policy = jsonencode({
    Statement = [
      {
        Action = "sts:AssumeRole"
        Effect = "Allow"
        Principal = {
          Service = [
            "ec2.amazonaws.com",
          ]
        }
      },
    ]
    Version = "2012-10-17"
  })
  tags = {
    "cost centre" = "$\${7}"
  }
}

resource "aws_iam_policy" "rolecall-role-api" {
  name = "rolecall-role-api"
  path = "/rolecall/acme/"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid = "RolecallConnect"
        Effect = "Allow"
        Action = "rds-db:connect"
        Resource = [
          "${dbuser('jane')}",
          "${dbuser('omar')}",
        ]
      },
    ]
  })
}

resource "aws_iam_role_policy_attachment" "rolecall-role-api" {
  role = aws_iam_role.api.name
  policy_arn = aws_iam_policy.rolecall-role-api.arn
}

resource "aws_iam_policy" "rolecall-user-a_2eb_40c" {
  name = "rolecall-user-a.b@c"
  path = "/rolecall/acme/"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid = "RolecallConnect"
        Effect = "Allow"
        Action = "rds-db:connect"
        Resource = [
          "${dbuser('jane')}",
        ]
      },
    ]
  })
}

resource "aws_iam_user_policy_attachment" "rolecall-user-a_2eb_40c" {
  user = "a.b@c"
  policy_arn = aws_iam_policy.rolecall-user-a_2eb_40c.arn
}
`;

describe('what is handed over', () => {
  const policies = [policyOf('rolecall-user-a.b@c', 'user/a.b@c', 'jane'), policyOf('rolecall-role-api', 'role/api', 'omar', 'jane')];
  const files = emitFiles(policies, [role]);

  test('is each document as JSON, and all of it as Terraform', () => {
    expect(files.map(({ path }) => path)).toEqual([
      'policies/rolecall-role-api.json',
      'policies/rolecall-user-a.b@c.json',
      'rolecall.tf',
      'roles/api.trust.json',
    ]);
    expect(JSON.parse(files[0]!.text)).toEqual({
      Version: '2012-10-17',
      Statement: [{ Sid: 'RolecallConnect', Effect: 'Allow', Action: 'rds-db:connect', Resource: [dbuser('jane'), dbuser('omar')] }],
    });
    expect(JSON.parse(files[3]!.text)).toEqual(JSON.parse(role.trust));
  });

  test('is Terraform that makes a role before it attaches', () => {
    expect(files[2]!.text).toBe(TERRAFORM);
  });

  test('is the same in whatever order it comes', () => {
    expect(emitFiles([...policies].reverse(), [role])).toEqual(files);
  });

  test('attaches to a group by its own resource', () => {
    const text = emitFiles([policyOf('p', 'group/devs', 'jane')], [])[1]!.text;
    expect(text).toContain('resource "aws_iam_group_policy_attachment" "p" {\n  group = "devs"\n');
  });
});

test.each<[string, unknown, string]>([
  ['a variable of IAM', '${aws:username}', '"$${aws:username}"'],
  ['a directive of HCL', '%{if x}', '"%%{if x}"'],
  ['a sign alone', '$5 100%', '"$5 100%"'],
  ['a sign before an escaped one', '$${x}', '"$$${x}"'],
  ['quotes, backslashes and lines', 'a"b\\c\nd', '"a\\"b\\\\c\\nd"'],
  ['a number', 7, '7'],
  ['a boolean', true, 'true'],
  ['nothing', null, 'null'],
  ['empty things', [{}, []], '[\n  {},\n  [],\n]'],
  ['an odd key', { 'a:b': '1' }, '{\n  "a:b" = "1"\n}'],
])('%s is written as HCL', (_, value, expected) => {
  expect(hcl(value)).toBe(expected);
});
