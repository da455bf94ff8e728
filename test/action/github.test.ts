import { describe, expect, test } from 'vitest';
import { githubFailure, statusOf } from '../../src/action/github.ts';
import { Failure } from '../../src/model/finding.ts';

const httpError = (status: number, message: string, headers: Readonly<Record<string, string>> = {}): Error =>
  Object.assign(new Error(message), { name: 'HttpError', status, response: { data: { message }, headers } });

describe('what GitHub refuses', () => {
  const COMMENTS = '/repos/acme/access/issues/1/comments';
  test.each([
    [401, 'Bad credentials', {}, `POST ${COMMENTS}`, 'github/token', 'github-token'],
    [403, 'Resource not accessible by integration', {}, `POST ${COMMENTS}`, 'github/forbidden', 'permissions: { pull-requests: write }'],
    [403, 'Resource not accessible by integration', {}, `GET ${COMMENTS}`, 'github/forbidden', 'permissions: { pull-requests: read }'],
    [
      403,
      'no',
      { 'x-accepted-github-permissions': 'issues=write; pull_requests=write' },
      `POST ${COMMENTS}`,
      'github/forbidden',
      '{ issues: write }',
    ],
    [
      403,
      'no',
      { 'x-accepted-github-permissions': 'pull_requests=write,contents=read' },
      `POST ${COMMENTS}`,
      'github/forbidden',
      '{ pull-requests: write,contents: read }',
    ],
    [403, 'no', { 'x-accepted-github-permissions': '} evil' }, `POST ${COMMENTS}`, 'github/forbidden', '{ pull-requests: write }'],
    [403, 'no', {}, 'GET /repos/acme/access/contents/access', 'github/forbidden', '{ contents: read }'],
    [403, 'no', {}, 'GET /repos/acme/access/actions/runs/1', 'github/forbidden', '{ actions: read }'],
    [403, 'no', {}, 'POST /repos/acme/access/issues', 'github/forbidden', '{ issues: write }'],
    [403, 'API rate limit exceeded', { 'x-ratelimit-remaining': '0' }, `GET ${COMMENTS}`, 'github/rate-limit', 'again later'],
    [403, 'You have exceeded a secondary rate limit.', {}, `POST ${COMMENTS}`, 'github/rate-limit', 'again later'],
    [429, 'Too many requests', {}, `POST ${COMMENTS}`, 'github/rate-limit', 'again later'],
    [404, 'Not Found', {}, 'GET /repos/acme/access/compare/main...head', 'github/not-found', '{ contents: read }'],
    [422, 'Validation Failed', {}, `POST ${COMMENTS}`, 'github/invalid', 'report it'],
    [502, 'Server Error', {}, `POST ${COMMENTS}`, 'github/unavailable', 'tried several times'],
    [418, 'I am a teapot', {}, `POST ${COMMENTS}`, 'github/refused', 'again'],
  ])('%i %s %o to %s is %s', (status, message, headers, what, code, hint) => {
    const error = githubFailure(httpError(status, message, headers as Readonly<Record<string, string>>), what);
    expect(error).toBeInstanceOf(Failure);
    expect((error as Failure).findings).toEqual([
      { severity: 'error', code, message: `GitHub answered ${status} to ${what}: ${message}`, hint: expect.stringContaining(hint) },
    ]);
    expect(statusOf(error)).toBe(status);
  });

  test('what is none of its answers is left as it is', () => {
    const error = new TypeError('bug');
    expect(githubFailure(error, 'GET /')).toBe(error);
    expect(statusOf(error)).toBeNull();
  });
});
