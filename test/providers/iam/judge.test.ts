import { expect, test } from 'vitest';
import { judgeFrom } from '../../../src/providers/iam/judge.ts';
import type { Snapshot } from '../../../src/providers/iam/snapshot.ts';
import { account, dbuser, identity, managed, policyArn } from './world.ts';

const document = (...resources: readonly string[]) => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: 'rds-db:connect', Resource: resources }],
});
const API = dbuser('api');
const role = { kind: 'role', name: 'task' } as const;
const holding = (resources: readonly string[], rest: Partial<Snapshot> = {}): Snapshot =>
  account([identity('role/task', { path: '/apps/', inline: [{ name: 'p', document: document(...resources) }] })], [], rest);

test.each([
  ['the user itself', [API], 'allowed', []],
  ['everybody', ['*'], 'allowed', []],
  ['the same user elsewhere, or in another case', [dbuser('API'), API.replace(/dbuser:[^/]*/, 'dbuser:cluster-OLD')], 'not-allowed', 2],
  ['another user', [dbuser('jane')], 'not-allowed', []],
])('a policy of %s', (_name, resources, verdict, elsewhere) => {
  const judged = judgeFrom(holding(resources)).judge(role, API);
  expect(judged.verdict).toBe(verdict);
  expect(judged.elsewhere).toHaveLength(typeof elsewhere === 'number' ? elsewhere : 0);
});

test('where a boundary stops a policy that allows it, the other servers of that policy are not the reason', () => {
  const [boundary, policies] = [policyArn('limits'), document(API, API.replace(/dbuser:[^/]*/, 'dbuser:cluster-OTHER'))];
  const bounded = identity('role/task', { boundary, inline: [{ name: 'p', document: policies }] });
  expect(judgeFrom(account([bounded], [managed('limits', document(dbuser('jane')))])).judge(role, API)).toMatchObject({
    verdict: 'not-allowed',
    why: ["the boundary 'limits' does not allow it"],
    elsewhere: [],
  });
});

test('a role is told by its ARN, one that is not there by null, one that was not read by undefined', () => {
  const unread = [{ what: "'role/other'", reason: 'iam:GetRole is not allowed' }];
  const { arnOf, judge } = judgeFrom(holding([API], { unread }));
  expect(arnOf(role)).toMatch(/:role\/apps\/task$/);
  expect(arnOf({ kind: 'role', name: 'none' })).toBe(null);
  expect(arnOf({ kind: 'role', name: 'other' })).toBe(undefined);
  expect(judge(role, API)).toMatchObject({ verdict: 'allowed', unread: [] });
  expect(judge({ kind: 'role', name: 'other' }, API)).toMatchObject({
    verdict: 'unknown',
    unread: ["'role/other': iam:GetRole is not allowed"],
  });
});

test('a policy that it has and that was not read may say anything', () => {
  const arn = policyArn('secret');
  const unread = [
    { what: `policy '${arn}'`, reason: 'iam:GetPolicy is not allowed' },
    { what: "policy 'somebody-else'", reason: 'no' },
  ];
  const { judge } = judgeFrom(account([identity('role/task', { attached: [arn] })], [], { unread }));
  expect(judge(role, API)).toMatchObject({ verdict: 'unknown', unread: [`policy '${arn}': iam:GetPolicy is not allowed`] });
});
