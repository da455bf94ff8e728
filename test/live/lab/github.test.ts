import { afterAll, beforeAll, expect, test } from 'vitest';
import { FAULTS, type GitHub, startGitHub } from '../../lab/github/api.ts';
import { type Project, startProject } from '../../lab/github/project.ts';
import { zip } from '../../lab/github/zip.ts';

let github: GitHub;
let project: Project;
beforeAll(async () => {
  github = await startGitHub();
  project = await startProject(github, { 'access/rolecall.yaml': 'version: 1\n' });
});
afterAll(() => project.close());

const ask = async (method: string, path: string, token: string, body?: unknown) => {
  const answer = await fetch(github.url + path, {
    method,
    headers: { authorization: `Bearer ${token}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, never> & { readonly length: number } };
};

test('a job token comments as github-actions[bot], and reads only where it may', async () => {
  const number = await project.openPull('first', { 'access/rolecall.yaml': 'version: 2\n' });
  const comments = `/repos/acme/access/issues/${number}/comments`;
  const { status, body } = await ask('POST', comments, await github.token(), { body: 'hello' });
  expect([status, (body.user as unknown as { login: string }).login]).toEqual([201, 'github-actions[bot]']);
  expect((await ask('POST', comments, await github.token({ issues: 'read' }), { body: 'hello' })).status).toBe(403);
});

test('a merged commit belongs to its pull request, however it was merged', async () => {
  for (const method of ['merge', 'squash', 'rebase'] as const) {
    const number = await project.openPull(`by-${method}`, { 'access/rolecall.yaml': `# ${method}\n` });
    const sha = await project.merge(number, method);
    const { body } = await ask('GET', `/repos/acme/access/commits/${sha}/pulls`, await github.token());
    expect(body).toMatchObject([{ number, merged_at: expect.any(String) }]);
  }
});

test('a checkout has the files of the commit, and the event names both sides', async () => {
  const number = await project.openPull('checked-out', { 'access/rolecall.yaml': 'version: 3\n' });
  const step = await project.pullRequestJob(number);
  expect(step.event).toMatchObject({ pull_request: { number, head: { sha: step.sha }, base: { sha: await project.headOf('main') } } });
});

test('labels are put on by somebody, and the timeline says who', async () => {
  const number = await project.openPull('labelled', { 'access/x.yaml': 'x\n' });
  await project.label(number, 'access:allow-drop', 'lead');
  const { body } = await ask('GET', `/repos/acme/access/issues/${number}/timeline`, await github.token());
  expect(body).toContainEqual(expect.objectContaining({ event: 'labeled', actor: expect.objectContaining({ login: 'lead' }) }));
});

test('an artifact is listed by its name and downloaded through a redirect', async () => {
  const { runId } = await project.scheduleJob();
  github.state.artifacts.push({ id: 7, name: 'plan', runId, zip: zip({ 'plan.json': '{}' }), expired: false });
  const { body } = await ask('GET', '/repos/acme/access/actions/artifacts?name=plan', await github.token());
  expect(body).toMatchObject({ total_count: 1, artifacts: [{ id: 7, workflow_run: { id: runId, repository_id: github.repository.id } }] });
  const download = await fetch(`${github.url}/repos/acme/access/actions/artifacts/7/zip`);
  expect(
    Buffer.from(await download.arrayBuffer())
      .subarray(0, 2)
      .toString(),
  ).toBe('PK');
});

test('faults come as often as they were asked for', async () => {
  github.fail({ path: /\/labels$/, ...FAULTS.tooMany, times: 1 });
  const path = '/repos/acme/access/issues/1/labels';
  const statuses = [(await ask('GET', path, await github.token())).status, (await ask('GET', path, await github.token())).status];
  expect(statuses).toEqual([429, 200]);
});

test('what GitHub does not describe is a violation', async () => {
  expect(github.violations()).toEqual([]);
  await ask('GET', '/repos/acme/access/issues/1/labels?pagesize=3', await github.token());
  await ask('POST', '/repos/acme/access/issues/1/comments', await github.token(), { text: 'no body' });
  expect(github.violations()).toEqual([
    "issues/list-labels-on-issue: there is no query parameter 'pagesize'",
    "issues/create-comment: / must have required property 'body'",
  ]);
});
