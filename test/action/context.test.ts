import { expect, test } from 'vitest';
import { contextOf, isDefaultBranch, untrusted } from '../../src/action/context.ts';
import { Failure } from '../../src/model/finding.ts';
import { mergeGroupEvent, pullRequestEvent, pushEvent, scheduleEvent } from '../lab/github/events.ts';

const ENV = {
  GITHUB_EVENT_NAME: 'push',
  GITHUB_REPOSITORY: 'acme/access',
  GITHUB_SHA: 'c'.repeat(40),
  GITHUB_REF: 'refs/heads/main',
  GITHUB_RUN_ID: '812',
  GITHUB_ACTOR: 'jane',
};
const on = (eventName: string, event: unknown, env: Readonly<Record<string, string>> = {}) =>
  contextOf({ ...ENV, GITHUB_EVENT_NAME: eventName, ...env }, event);

test('a pull request has both sides, its author and its number', () => {
  const { event, pullRequest, push } = on('pull_request', pullRequestEvent({ number: 7, author: 'lead' }));
  expect({ event, pullRequest, push }).toEqual({
    event: 'pull_request',
    push: null,
    pullRequest: {
      number: 7,
      headSha: 'a'.repeat(40),
      headRef: 'change',
      baseSha: 'b'.repeat(40),
      baseRef: 'main',
      fork: false,
      author: 'lead',
    },
  });
});

test.each([
  ['a branch of the repository', pullRequestEvent({}), {}, null],
  ['a branch of the repository, whose name is written otherwise', pullRequestEvent({ fork: 'ACME/Access' }), {}, null],
  ['a fork', pullRequestEvent({ fork: 'mallory/access' }), {}, 'fork'],
  ['a fork that is gone', { pull_request: { number: 1, head: { repo: null }, base: {}, user: null } }, {}, 'fork'],
  ["Dependabot's branch", pullRequestEvent({ author: 'dependabot[bot]' }), {}, 'Dependabot'],
  ["somebody's branch that Dependabot pushed to", pullRequestEvent({}), { GITHUB_ACTOR: 'dependabot[bot]' }, 'Dependabot'],
])('%s', (_name, event, env, expected) => {
  expect(untrusted(on('pull_request', event, env))).toBe(expected);
});

test('a push has the commits between which it lies, a new branch has no first one', () => {
  expect(on('push', pushEvent({ before: 'b'.repeat(40), after: 'c'.repeat(40) })).push).toEqual({
    before: 'b'.repeat(40),
    after: 'c'.repeat(40),
  });
  expect(on('push', pushEvent({ after: 'c'.repeat(40) })).push).toEqual({ before: null, after: 'c'.repeat(40) });
});

test('a merge group has both of its commits', () => {
  const event = mergeGroupEvent({ headSha: 'a'.repeat(40), baseSha: 'b'.repeat(40) });
  expect(on('merge_group', event).mergeGroup).toEqual({ headSha: 'a'.repeat(40), baseSha: 'b'.repeat(40) });
});

test.each([
  ['main', 'refs/heads/main', true],
  ['another branch', 'refs/heads/mainline', false],
  ['a tag of that name', 'refs/tags/main', false],
])('only the default branch is one: %s', (_name, ref, expected) => {
  expect(isDefaultBranch(on('schedule', scheduleEvent(), { GITHUB_REF: ref }))).toBe(expected);
});

test('a repository that does not say what it is counts as default branch nowhere, and as public', () => {
  const context = on('schedule', {});
  expect([context.isPublic, isDefaultBranch(context)]).toEqual([true, false]);
});

test.each([
  ['private', { private: true, visibility: 'private' }, false],
  ['internal', { private: true, visibility: 'internal' }, false],
  ['public', { private: false, visibility: 'public' }, true],
])('a repository that is %s', (_name, repository, expected) => {
  expect(on('push', { repository }).isPublic).toBe(expected);
});

test('an Enterprise Server is asked at its own addresses', () => {
  const env = {
    GITHUB_SERVER_URL: 'https://git.example/',
    GITHUB_API_URL: 'https://git.example/api/v3',
    GITHUB_GRAPHQL_URL: 'https://git.example/api/graphql',
  };
  expect(on('push', {}, env)).toMatchObject({
    apiUrl: 'https://git.example/api/v3',
    graphqlUrl: 'https://git.example/api/graphql',
    runUrl: 'https://git.example/acme/access/actions/runs/812',
  });
});

test('an event that gives a fork the secrets is refused', () => {
  expect(() => on('pull_request_target', pullRequestEvent({}))).toThrow(Failure);
});

test('without a runner the variable that is missing is named', () => {
  expect(() => contextOf({}, {})).toThrow("'GITHUB_EVENT_NAME' is not set");
});
