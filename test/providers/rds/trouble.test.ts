import { describe, expect, test } from 'vitest';
import { Failure } from '../../../src/model/finding.ts';
import { clockFindings, skewOf } from '../../../src/providers/rds/clock.ts';
import { awsFailure } from '../../../src/providers/rds/trouble.ts';

const KEY = 'ASIAEXAMPLE000000001';
const TOKEN = 'IQoJb3JpZ2luX2VjECanary//////////wEaCmV1LWNlbnRyYWwtMSJHMEUCIQDexamplecanarycanary';
const call = { action: 'rds:DescribeDBClusters', region: 'eu-west-1' };
/** As the SDK throws what AWS answers. */
const answered = (name: string, message = 'said by AWS') => Object.assign(new Error(message), { name, $metadata: { httpStatusCode: 400 } });
const thrown = (rest: object, message = 'it broke') => Object.assign(new Error(message), rest);

describe('trouble with AWS', () => {
  test.each<[string, Error, string, RegExp]>([
    [
      'no credentials',
      thrown({ name: 'CredentialsProviderError' }, 'Could not load credentials from any providers'),
      'no-credentials',
      /AWS_PROFILE/,
    ],
    [
      'an SSO session that has ended',
      thrown({ name: 'CredentialsProviderError' }, 'The SSO session associated with this profile has expired.'),
      'expired-credentials',
      /aws sso login/,
    ],
    ['an expired token', answered('ExpiredToken'), 'expired-credentials', /aws sso login/],
    ['an expired token, in the words of another API', answered('ExpiredTokenException'), 'expired-credentials', /aws sso login/],
    ['an unknown key', answered('InvalidClientTokenId'), 'invalid-credentials', /access key/],
    ['a wrong secret', answered('SignatureDoesNotMatch'), 'invalid-credentials', /secret/],
    ['a refusal', answered('AccessDenied'), 'access-denied', /\{"Effect":"Allow","Action":"rds:DescribeDBClusters","Resource":"\*"\}/],
    ['throttling', answered('Throttling'), 'throttled', /again/],
    ['nobody listening', thrown({ code: 'ECONNREFUSED' }), 'unreachable', /AWS_ENDPOINT_URL/],
    ['an unknown host', thrown({ code: 'ENOTFOUND' }), 'unreachable', /is there a region 'eu-west-1'\?/],
    ['no answer', thrown({ name: 'TimeoutError' }), 'unreachable', /VPC endpoint of 'rds'/],
    ['anything else that AWS answers', answered('InternalFailure'), 'failed', /again/],
  ])('%s is a finding with a hint', (_name, error, slug, hint) => {
    const failure = awsFailure(error, call);
    expect(failure).toBeInstanceOf(Failure);
    expect((failure as Failure).findings).toMatchObject([{ severity: 'error', code: `aws/${slug}`, hint: expect.stringMatching(hint) }]);
  });

  test('a role that may not be assumed names the role, and its trust policy', () => {
    const arn = 'arn:aws:iam::123456789012:role/rolecall';
    const [finding] = (awsFailure(answered('AccessDenied'), { action: 'sts:AssumeRole', region: 'eu-west-1', resource: arn }) as Failure)
      .findings;
    expect(finding!.message).toContain(`sts:AssumeRole on '${arn}' is not allowed`);
    expect(finding!.hint).toContain(`"Resource":"${arn}"`);
    expect(finding!.hint).toContain('trust policy');
  });

  test.each([
    [
      'what was signed',
      `The request signature we calculated does not match.\nThe Canonical String was\nx-amz-security-token:${TOKEN}`,
      'SignatureDoesNotMatch',
    ],
    ['a key', `no such key ${KEY}`, 'InternalFailure'],
    ['a token in a row', `bad token ${TOKEN} here`, 'AccessDenied'],
  ])('is told without %s', (_name, message, name) => {
    const { message: said, findings } = awsFailure(answered(name, message), call) as Failure;
    expect(said + JSON.stringify(findings)).not.toMatch(new RegExp(`${KEY}|Canary`));
  });

  test('a bug of ours stays what it is', () => {
    const bug = new TypeError('undefined is not a function');
    expect(awsFailure(bug, call)).toBe(bug);
  });
});

const DATE = 'Fri, 02 Jan 2026 03:04:05 GMT';
const THEIRS = Date.parse(DATE);
test.each([
  ['in the same second', THEIRS + 900, THEIRS + 950, 0],
  ['while the answer travels', THEIRS - 3000, THEIRS + 2000, 0],
  ['ahead', THEIRS + 61_000, THEIRS + 62_000, 60_000],
  ['behind', THEIRS - 62_000, THEIRS - 60_000, -60_000],
])('a clock that is %s is compared by the Date of an answer', (_name, sent, received, expected) => {
  expect(skewOf(DATE, sent, received)).toBe(expected);
});

test('an answer without a date says nothing of the clock', () => {
  expect([skewOf(undefined, 0, 0), skewOf('soon', 0, 0)]).toEqual([null, null]);
  expect(skewOf(`${DATE}, ${DATE}`, 0, 0)).toBe(skewOf(DATE, 0, 0));
});

test.each([
  [null, true, []],
  [60_000, true, []],
  [61_000, true, ['warning: 61 seconds ahead']],
  [-240_000, true, ['warning: 4 minutes behind']],
  [301_000, true, ['error: 5 minutes ahead']],
  [-86_400_000, true, ['error: 24 hours behind']],
  [-86_400_000, false, ['warning: 24 hours behind']],
])('a clock off by %s ms, with tokens: %s', (skewMs, tokens, expected) => {
  const said = clockFindings(skewMs, tokens).map(
    ({ severity, message }) => `${severity}: ${/clock is (.*) of that of AWS/.exec(message)?.[1]}`,
  );
  expect(said).toEqual(expected);
});
