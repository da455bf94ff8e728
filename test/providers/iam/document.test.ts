import { expect, test } from 'vitest';
import {
  canonicalDocument,
  connectDocument,
  decodeDocument,
  documentSize,
  readConnectDocument,
  readDocument,
  sameDocument,
} from '../../../src/providers/iam/document.ts';

const ARN = 'arn:aws:rds-db:eu-west-1:123456789012:dbuser:cluster-ABC/jane';
const OTHER = 'arn:aws:rds-db:eu-west-1:123456789012:dbuser:cluster-ABC/omar';
const allow = (resource: unknown, rest: object = {}): object => ({
  Effect: 'Allow',
  Action: 'rds-db:connect',
  Resource: resource,
  ...rest,
});
const policy = (...statements: object[]): object => ({ Version: '2012-10-17', Statement: statements });

test.each<[string, string, unknown, string | null]>([
  ['raw', '{"Statement":[]}', { Statement: [] }, null],
  ['raw, after a line break', '\n {"a":1}', { a: 1 }, null],
  ['URL-encoded', encodeURIComponent('{"Sid":"a b+c%"}'), { Sid: 'a b+c%' }, null],
  ['raw with a percent sign in it', '{"Sid":"100%"}', { Sid: '100%' }, null],
  ['a list', '[1]', null, 'it is JSON, but no object'],
  ['cut off', '{"Statement":', null, 'it is not JSON'],
  ['encoded wrongly', '%7B%zz', null, 'it is not URL-encoded'],
  ['empty', '', null, 'it is not JSON'],
])('a document that is %s is decoded, or said to be none', (_, text, document, reason) => {
  expect(decodeDocument(text)).toEqual({ document, reason });
});

test.each<[string, object, object]>([
  ['an action as a list', policy(allow(ARN)), policy(allow(ARN, { Action: ['rds-db:connect'] }))],
  ['a resource as a list', policy(allow(ARN)), policy(allow([ARN]))],
  ['one statement without a list', policy(allow(ARN)), { Version: '2012-10-17', Statement: allow(ARN) }],
  [
    'order of keys, statements and resources',
    policy(allow([ARN, OTHER]), allow('*', { Effect: 'Deny' })),
    { Statement: [allow('*', { Effect: 'Deny' }), allow([OTHER, ARN])], Version: '2012-10-17' },
  ],
  ['a Sid', policy(allow(ARN)), policy(allow(ARN, { Sid: 'Here' }))],
  ['repetitions', policy(allow([ARN, ARN]), allow(ARN)), policy(allow(ARN))],
  ['resources in two statements', policy(allow(ARN), allow(OTHER)), policy(allow([OTHER, ARN]))],
  ['case of actions', policy(allow(ARN)), policy(allow(ARN, { Action: 'RDS-DB:Connect' }))],
  [
    'case of element names',
    policy(allow(ARN)),
    { version: '2012-10-17', statement: { effect: 'Allow', action: 'rds-db:connect', resource: ARN } },
  ],
  ['a Version where nothing is a variable', policy(allow(ARN)), { Statement: [allow(ARN)] }],
  [
    'case of condition keys, values as string or boolean',
    policy(allow(ARN, { Condition: { Bool: { 'aws:SecureTransport': true } } })),
    policy(allow(ARN, { Condition: { Bool: { 'AWS:securetransport': ['true'] } } })),
  ],
  [
    'everybody, as * or AWS',
    policy({ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: '*' }),
    policy({ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { AWS: ['*'] } }),
  ],
  [
    'an account, as number or root',
    policy({ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { AWS: '123456789012' } }),
    policy({ Effect: 'Allow', Action: 'sts:assumerole', Principal: { AWS: 'arn:aws:iam::123456789012:root' } }),
  ],
])('%s makes no other policy', (_, a, b) => {
  expect(sameDocument(a, b)).toBe(true);
});

test.each<[string, object, object]>([
  ['another effect', policy(allow(ARN)), policy(allow(ARN, { Effect: 'Deny' }))],
  ['another case of the user', policy(allow(ARN)), policy(allow(ARN.replace('jane', 'Jane')))],
  ['NotResource', policy(allow(ARN)), policy({ Effect: 'Allow', Action: 'rds-db:connect', NotResource: ARN })],
  [
    'two NotResource, which do not add up',
    policy({ Effect: 'Allow', Action: '*', NotResource: ARN }, { Effect: 'Allow', Action: '*', NotResource: OTHER }),
    policy({ Effect: 'Allow', Action: '*', NotResource: [ARN, OTHER] }),
  ],
  ['NotAction', policy(allow(ARN)), policy({ Effect: 'Allow', NotAction: 'rds-db:connect', Resource: ARN })],
  ['a condition', policy(allow(ARN)), policy(allow(ARN, { Condition: { Bool: { 'aws:SecureTransport': 'true' } } }))],
  [
    'a variable, which is text in the old version',
    policy(allow(`${ARN}\${aws:username}`)),
    { Statement: [allow(`${ARN}\${aws:username}`)] },
  ],
  [
    'one key tested twice, in two cases',
    policy(allow(ARN, { Condition: { StringEquals: { 'aws:username': 'a', 'AWS:username': 'b' } } })),
    policy(allow(ARN, { Condition: { StringEquals: { 'aws:username': 'b' } } })),
  ],
  ['NotPrincipal', policy({ Effect: 'Deny', Action: '*', Principal: '*' }), policy({ Effect: 'Deny', Action: '*', NotPrincipal: '*' })],
])('%s makes another policy', (_, a, b) => {
  expect(sameDocument(a, b)).toBe(false);
});

test('a canonical document is a document of the same meaning', () => {
  const document = policy(allow([OTHER, ARN], { Condition: { StringLike: { 'aws:PrincipalTag/Team': ['b', 'a'] } } }), {
    Effect: 'Allow',
    Action: 'STS:assumerole',
    Principal: { Service: 'ec2.amazonaws.com' },
  });
  const canonical = canonicalDocument(document);
  expect(JSON.parse(canonical)).toEqual({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Action: ['rds-db:connect'],
        Resource: [ARN, OTHER],
        Condition: { StringLike: { 'aws:principaltag/team': ['a', 'b'] } },
      },
      { Effect: 'Allow', Action: ['sts:AssumeRole'], Principal: { Service: ['ec2.amazonaws.com'] } },
    ],
  });
  expect(canonicalDocument(JSON.parse(canonical))).toBe(canonical);
});

test.each<[string, unknown, readonly string[]]>([
  ['null', null, ['the document is no object']],
  ['text', 'x', ['the document is no object']],
  ['an empty object', {}, ['the document has no Statement']],
  ['a number for a statement', { Statement: [7] }, ['statement 1 is no object']],
  ['an unknown effect', policy(allow(ARN), allow(ARN, { Effect: 'allow' })), ["statement 2 has no Effect of 'Allow' or 'Deny'"]],
  ['no action', policy({ Effect: 'Allow', Resource: '*' }), ['statement 1 has neither Action nor NotAction']],
  ['no resource', policy({ Effect: 'Allow', Action: '*' }), ['statement 1 has neither Resource nor NotResource']],
  ['a condition of another shape', policy(allow(ARN, { Condition: { Bool: 'x' } })), ['statement 1 has a Condition of another shape']],
])('%s is a problem that is named', (_, document, problems) => {
  expect(readDocument(document).problems).toEqual(problems);
});

test('what is well-formed is read beside what is not', () => {
  expect(readDocument({ Statement: [7, allow(ARN, { Sid: 'Good' })] }).statements.map(({ index, sid }) => [index, sid])).toEqual([
    [2, 'Good'],
  ]);
});

test('the document that we write is the same for the same entries, and reads back', () => {
  const document = connectDocument([{ arn: OTHER }, { arn: ARN }, { arn: OTHER }]);
  expect(document).toEqual({
    Version: '2012-10-17',
    Statement: [{ Sid: 'RolecallConnect', Effect: 'Allow', Action: 'rds-db:connect', Resource: [ARN, OTHER] }],
  });
  expect(readConnectDocument(document)).toEqual({ arns: [ARN, OTHER], foreign: null });
});

test('the size of a document is what IAM counts', () => {
  expect(documentSize(connectDocument([]))).toBe(121);
  expect(documentSize({ Sid: 'a b', Effect: 'c\td' })).toBe('{"Sid":"ab","Effect":"c\\td"}'.length);
});

test.each<[string, unknown, readonly string[], string | null]>([
  ['its Sid taken away', policy(allow(ARN)), [ARN], null],
  ['a user pasted into a statement of its own', policy(allow(ARN), allow(OTHER, { Sid: 'Pasted' })), [ARN, OTHER], null],
  [
    'a statement of another kind',
    policy(allow(ARN), { Effect: 'Allow', Action: 's3:GetObject', Resource: '*' }),
    [ARN],
    '[{"Action":["s3:getobject"],"Effect":"Allow","Resource":["*"]}]',
  ],
  [
    'a condition',
    policy(allow(ARN, { Condition: { Bool: { a: 'true' } } })),
    [],
    `[{"Action":["rds-db:connect"],"Condition":{"Bool":{"a":["true"]}},"Effect":"Allow","Resource":["${ARN}"]}]`,
  ],
  ['nothing that can be read', { Statement: 7 }, [], '{"Statement":7}'],
])('a policy of ours with %s is seen as it is', (_, document, arns, foreign) => {
  expect(readConnectDocument(document)).toEqual({ arns, foreign });
});
