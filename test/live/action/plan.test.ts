import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Marker, markerLine, readMarker } from '../../../src/action/marker.ts';
import { apply, plan as makePlan } from '../../../src/index.ts';
import { readPlan } from '../../../src/render/saved-plan.ts';
import { FAULTS, type GitHub, startGitHub } from '../../lab/github/api.ts';
import { type JobStep, type Project, startProject } from '../../lab/github/project.ts';
import { type Action, buildAction, runStep, type Step } from '../../lab/github/runner.ts';
import { useServer } from '../../lab/majors.ts';

/* dist/ run as GitHub's runner does, against a real PostgreSQL and the emulator of GitHub; artifacts and GraphQL are a stand-in of ours. */

const FILE = 'access/rolecall.yaml';

let action: Action;
beforeAll(() => {
  action = buildAction();
});

describe('plan on a pull request', () => {
  const server = useServer(17);
  let project: Project;
  let github: GitHub;

  const manifestOf = (users: readonly string[], more: { readonly port?: number; readonly description?: string } = {}): string => `version: 1
stack: acme/access/e2e
targets:
  orders:
    engine: postgres
    endpoint: { host: 127.0.0.1, port: ${more.port ?? server().port}, tls: disable }
    login: { user: ${server().master.user}, password: "\${env:MASTER_PASSWORD}" }
    databases: [app]
groups:
  readers: { read: [app.sales], description: "${more.description ?? ''}" }
users:
${users.map((user) => `  ${user}: { auth: none, groups: [readers] }`).join('\n')}
`;

  const start = async (isPrivate = true): Promise<void> => {
    github = await startGitHub({ isPrivate });
    project = await startProject(github, { [FILE]: manifestOf(['ann']) });
  };
  beforeAll(async () => {
    await server().query(server().master, 'postgres', 'CREATE DATABASE app');
    await server().query(server().master, 'app', 'CREATE SCHEMA sales; CREATE TABLE sales.orders (id int)');
  });
  beforeEach(async () => await start());
  afterEach(async () => {
    expect(github.violations()).toEqual([]);
    await project.close();
    await server()
      .query(server().superuser, 'app', 'DROP ROLE IF EXISTS ann, ben')
      .catch(async () => {
        await server().query(server().superuser, 'app', 'DROP OWNED BY readers');
        await server().query(server().superuser, 'postgres', 'DROP OWNED BY readers; DROP ROLE ann, ben, readers');
      });
  });

  const step = async (job: JobStep, inputs: Readonly<Record<string, string>> = {}): Promise<Step> => {
    const env = { ...job.env, MASTER_PASSWORD: server().master.password };
    const ended = await runStep(action, { ...job, env, inputs: { command: 'plan', ...inputs } });
    expect(ended.complaints).toEqual([]);
    const everything =
      ended.raw + ended.summary + JSON.stringify([ended.outputs, ended.files, github.exchanges.map(({ request }) => request)]);
    expect(everything).not.toContain(server().master.password);
    return ended;
  };
  const plan = async (number: number, inputs: Readonly<Record<string, string>> = {}) =>
    await step(await project.pullRequestJob(number), inputs);
  const open = (branch: string, users: readonly string[]) => project.openPull(branch, { [FILE]: manifestOf(users) });
  /** What somebody applied from a terminal. */
  const applied = async (manifest: string): Promise<void> => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'rolecall-applied-'));
    const file = path.join(folder, 'rolecall.yaml');
    fs.writeFileSync(file, manifest);
    vi.stubEnv('MASTER_PASSWORD', server().master.password);
    try {
      const options = { manifest: [file] };
      const { targets } = await apply(await makePlan(options), options);
      expect(targets.map(({ status }) => status)).toEqual(['applied']);
    } finally {
      vi.unstubAllEnvs();
      fs.rmSync(folder, { recursive: true, force: true });
    }
  };
  const writes = () => github.exchanges.filter(({ method, path }) => method !== 'GET' && /\/comments/.test(path));
  const bodyOf = async (number: number): Promise<string> => {
    const comments = await project.comments(number);
    expect(comments).toHaveLength(1);
    return comments[0]!.body;
  };

  test('is one comment from the first push to the last, and never a verdict that is out of date', async () => {
    const number = await open('add-ben', ['ann', 'ben']);
    const first = await plan(number);
    expect(first).toMatchObject({ conclusion: 'success', outputs: { 'has-changes': 'true', 'to-remove': '0', drift: 'true' } });
    const [comment] = await project.comments(number);
    expect(comment).toMatchObject({ user: { login: 'github-actions[bot]' } });
    expect(first.outputs).toMatchObject({ 'comment-id': String(comment!.id) });
    const head = await project.headOf('add-ben');
    expect(readMarker(comment!.body)).toMatchObject({ kind: 'plan', head, digest: first.outputs['plan-digest'], level: 0 });
    // Nothing of main was applied yet: all of it is drift, and ben alone is proposed.
    const [proposed = '', drifted = ''] = comment!.body.split('Drift:');
    expect(comment!.body).toMatch(/changes are \*\*drift\*\*: `main` wants that already/);
    expect(proposed).toMatch(/^\+ member +ben/m);
    expect(proposed).not.toMatch(/^\+ member +ann/m);
    expect(drifted).toMatch(/^\+ member +ann/m);
    expect(comment!.body).toContain('access/rolecall.yaml:');
    expect(first.summary).toContain('### 🔑 Access plan');

    await project.commit('add-ben', { [FILE]: manifestOf(['ann', 'ben', 'cat']) });
    const again = await plan(number);
    const body = await bodyOf(number);
    expect(again.outputs['comment-id']).toBe(first.outputs['comment-id']);
    expect(body).toMatch(/^\+ member +cat/m);
    expect(body).not.toContain('⏳');
    const announced = writes().map(({ request }) => (request as { readonly body: string }).body);
    expect(announced).toHaveLength(3);
    expect(announced[1]).toContain(
      `⏳ planning \`${(await project.headOf('add-ben')).slice(0, 7)}\` · what follows is for \`${head.slice(0, 7)}\``,
    );

    await project.commit('add-ben', { [FILE]: manifestOf(['ann', 'ben', 'cat']).replace('read:', 'raed:') });
    const broken = await plan(number);
    expect(broken).toMatchObject({ conclusion: 'failure', outputs: { 'failure-reason': 'config-invalid' } });
    const told = await bodyOf(number);
    expect(told).toContain('### ❌ Access plan');
    expect(told).toContain("`'raed'`");
    expect(told).not.toMatch(/member +cat|🔑|✅/);
    expect(broken.annotations[0]).toMatchObject({ level: 'error', file: FILE });

    await project.commit('add-ben', { [FILE]: manifestOf(['ann', 'ben']) });
    expect(await plan(number)).toMatchObject({ conclusion: 'success' });
    expect(await bodyOf(number)).toContain('### 🔑 Access plan');
    await applied(manifestOf(['ann', 'ben']));
    expect(await plan(number)).toMatchObject({ conclusion: 'success', outputs: { 'has-changes': 'false' } });
    expect(await bodyOf(number)).toContain('### ✅ Access plan · `acme/access/e2e` — no changes');
  });

  test('is kept as the artifact that apply looks for, and once more when the run is run again', async () => {
    const number = await open('add-ben', ['ann', 'ben']);
    const job = await project.pullRequestJob(number);
    const { outputs, files } = await step(job);
    const [artifact] = github.state.artifacts;
    expect(artifact).toMatchObject({ name: `rolecall-plan-access-${await project.headOf('add-ben')}`, runId: job.runId });
    expect(outputs['artifact-id']).toBe(String(artifact!.id));
    expect(await bodyOf(number)).toContain(
      `[plan.json, .md and .sql](https://github.com/acme/access/actions/runs/${job.runId}/artifacts/${artifact!.id})`,
    );
    expect(readPlan(files['plan-path']!, 'plan.json').digest).toBe(outputs['plan-digest']);
    expect(files['plan-sql-path']).toContain('CREATE ROLE "ben"');
    expect(files['plan-markdown-path']).toContain('### 🔑 Access plan');
    const written = writes().length;
    expect(await step({ ...job, runAttempt: 2 })).toMatchObject({ conclusion: 'success' });
    expect(github.state.artifacts).toHaveLength(1);
    // The same commit, the same plan: there is nothing to write.
    expect(writes()).toHaveLength(written);
  });

  test('warns where artifacts have no store, and goes on', async () => {
    const job = await project.pullRequestJob(await open('add-ben', ['ann', 'ben']));
    const ended = await step({ ...job, env: { ...job.env, ACTIONS_RESULTS_URL: '' } });
    expect(ended).toMatchObject({ conclusion: 'success' });
    expect(ended.annotations).toContainEqual(expect.objectContaining({ level: 'warning', title: 'plan/no-artifact' }));
  });

  test('does not follow a pull request to another server', async () => {
    const number = await project.openPull('redirect', { [FILE]: manifestOf(['ann'], { port: 1 }) });
    const ended = await plan(number);
    expect(ended).toMatchObject({ conclusion: 'failure', outputs: { 'failure-reason': 'policy' } });
    const body = await bodyOf(number);
    expect(body).toContain('> **This changes where credentials go, or what keeps changes back**');
    expect(body).toContain('`targets.orders.endpoint.port`');
    expect(body).toContain('pin/withheld');
    expect(body).not.toContain('connect/');
  });

  test('reads with the login that the base branch names, whatever a pull request writes', async () => {
    const { master } = server();
    await server().query(server().superuser, 'postgres', `CREATE ROLE reader LOGIN PASSWORD '${master.password}'`);
    const as = (login: string, users: readonly string[]): string => manifestOf(users).replace(/login: \{.*\}/, `login: { ${login} }`);
    const readOnly = `user: ${master.user}, plan_user: reader, password: "\${env:MASTER_PASSWORD}"`;
    await project.commit('main', { [FILE]: as(readOnly, ['ann']) });
    const number = await project.openPull('as-writer', {
      [FILE]: as(`user: ${master.user}, plan_user: nobody, password: "\${env:GITHUB_TOKEN}"`, ['ann', 'ben']),
    });
    expect(await plan(number)).toMatchObject({ conclusion: 'success' });
    const body = await bodyOf(number);
    expect(body).toContain('`targets.orders.login.plan_user` `"reader"` → `"nobody"`');
    expect(body).toMatch(/^\+ member +ben/m);
    await server().query(server().superuser, 'postgres', 'ALTER ROLE reader NOLOGIN');
    expect(await plan(number)).toMatchObject({ conclusion: 'failure', outputs: { 'failure-reason': 'connect' } });
    expect(await bodyOf(number)).toContain('reader');
    await server().query(server().superuser, 'postgres', 'DROP ROLE reader');
  });

  test('is told without a name where anybody reads it', async () => {
    await project.close();
    await start(false);
    const number = await open('add-ben', ['ann', 'ben']);
    const ended = await plan(number);
    expect(ended).toMatchObject({ conclusion: 'success' });
    const everything = [ended.raw, ended.summary, await bodyOf(number), JSON.stringify(ended.outputs)].join('\n');
    expect(everything).not.toMatch(/\b(ben|ann|readers|orders|sales)\b/);
    expect(github.state.artifacts).toEqual([]);
    expect(await bodyOf(number)).toContain('### 🔑 Access plan — **');
  });

  test.each([['may not comment', { issues: 'read', pull_requests: 'read' } as const]])(
    'is green where the token %s, unless the workflow says that it must',
    async (_name, permissions) => {
      const number = await open('add-ben', ['ann', 'ben']);
      const withToken = async (inputs: Readonly<Record<string, string>>) =>
        await step(await project.pullRequestJob(number, { permissions: { contents: 'read', metadata: 'read', ...permissions } }), inputs);
      const warned = await withToken({});
      expect(warned).toMatchObject({ conclusion: 'success', outputs: { 'failure-reason': '' } });
      expect(warned.annotations).toContainEqual(
        expect.objectContaining({ level: 'warning', title: 'github/forbidden', message: expect.stringContaining('pull-requests: write') }),
      );
      expect(warned.summary).toContain('### 🔑 Access plan');
      const failed = await withToken({ 'comment-required': 'true' });
      expect(failed).toMatchObject({ conclusion: 'failure', outputs: { 'failure-reason': 'github-api' } });
    },
  );

  test('labels the pull request with what its plan does, and with nothing where there is none', async () => {
    const number = await open('add-ben', ['ann', 'ben']);
    const labels = async (): Promise<readonly string[]> => {
      const found = (await github.as('lead', 'GET', `/repos/acme/access/issues/${number}/labels`)) as readonly { readonly name: string }[];
      return found.map(({ name }) => name).sort();
    };
    await project.label(number, 'urgent', 'lead');
    await plan(number);
    expect(await labels()).toEqual(['urgent']);
    await plan(number, { labels: 'true' });
    expect(await labels()).toEqual(['access:change', 'urgent']);
    await project.commit('add-ben', { [FILE]: manifestOf(['ann']).replace('read:', 'raed:') });
    await plan(number, { labels: 'true' });
    expect(await labels()).toEqual(['urgent']);
  });

  test('talks to an Enterprise Server, REST and GraphQL', async () => {
    const number = await open('add-ben', ['ann', 'ben']);
    const job = await project.pullRequestJob(number);
    expect(await step({ ...job, apiUrl: `${github.url}/api/v3` })).toMatchObject({ conclusion: 'success', annotations: [] });
    expect(await bodyOf(number)).toContain('### 🔑 Access plan');
    expect(github.exchanges.some(({ path }) => path === '/graphql')).toBe(true);
  });

  test('survives what passes by itself', async () => {
    const number = await open('add-ben', ['ann', 'ben']);
    github.fail({ method: 'POST', path: /\/comments$/, ...FAULTS.trouble, times: 1 });
    github.fail({ method: 'GET', path: /\/compare\//, ...FAULTS.secondaryRateLimit, times: 1 });
    expect(await plan(number)).toMatchObject({ conclusion: 'success', annotations: [] });
    await bodyOf(number);
  });

  test('does not begin a comment to say that nothing changes where only changes are to be told', async () => {
    await applied(manifestOf(['ann']));
    const number = await project.openPull('nothing', { 'README.md': 'hello\n' });
    for (const comment of ['none', 'changes-only']) expect(await plan(number, { comment })).toMatchObject({ conclusion: 'success' });
    expect(writes()).toEqual([]);
    await project.commit('nothing', { [FILE]: manifestOf(['ann', 'ben']) });
    await plan(number, { comment: 'changes-only' });
    await project.commit('nothing', { [FILE]: manifestOf(['ann']) });
    await plan(number, { comment: 'changes-only' });
    expect(await bodyOf(number)).toContain('— no changes');
  });

  test('tells what was changed by hand from what is proposed', async () => {
    await applied(manifestOf(['ann']));
    await server().query(server().master, 'postgres', 'REVOKE readers FROM ann');
    const number = await open('add-ben', ['ann', 'ben']);
    const { outputs } = await plan(number);
    expect(outputs).toMatchObject({ drift: 'true' });
    const [proposed = '', drifted = ''] = (await bodyOf(number)).split('Drift:');
    expect(proposed).toMatch(/^\+ member +ben/m);
    expect(drifted).toMatch(/^\+ member +ann +joins readers/m);
    expect(await plan(number, { 'fail-on': 'drift' })).toMatchObject({ conclusion: 'failure', outputs: { 'failure-reason': 'policy' } });
  });

  describe('finds its comment', () => {
    const marker = (more: Partial<Marker> = {}): Marker => ({
      key: 'access',
      kind: 'plan',
      head: 'a'.repeat(40),
      run: 1,
      attempt: 1,
      digest: null,
      level: 0,
      ...more,
    });
    const write = async (number: number, body: string, login?: string): Promise<number> => {
      const path = `/repos/acme/access/issues/${number}/comments`;
      if (login !== undefined) return ((await github.as(login, 'POST', path, { body })) as { readonly id: number }).id;
      const answer = await fetch(github.url + path, {
        method: 'POST',
        headers: { authorization: `Bearer ${await github.token()}` },
        body: JSON.stringify({ body }),
      });
      return ((await answer.json()) as { readonly id: number }).id;
    };

    test('among more than a page of others, and leaves those of other people and keys alone', async () => {
      const number = await open('add-ben', ['ann', 'ben']);
      const forged = await write(number, `${markerLine(marker())}\nforged`, 'jane');
      const other = await write(number, `${markerLine(marker({ key: 'other' }))}\nother`);
      for (let index = 0; index < 110; index++) await write(number, `${index}`, 'lead');
      const own = await write(number, `${markerLine(marker())}\nold`);
      await plan(number);
      const comments = (await github.as('lead', 'GET', `/repos/acme/access/issues/${number}/comments?per_page=100&page=2`)) as readonly {
        readonly id: number;
        readonly body: string;
      }[];
      expect(comments.find(({ id }) => id === own)?.body).toContain('### 🔑 Access plan');
      const first = await project.comments(number);
      expect(first.find(({ id }) => id === forged)?.body).toContain('forged');
      expect(first.find(({ id }) => id === other)?.body).toContain('other');
      expect([...first, ...comments]).toHaveLength(113);
    });

    test('and leaves no verdict in an older one of its own', async () => {
      const number = await open('add-ben', ['ann', 'ben']);
      const old = await write(number, `${markerLine(marker())}\n### ✅ green`);
      const newest = await write(number, `${markerLine(marker())}\n### ✅ green`);
      await plan(number);
      const comments = await project.comments(number);
      expect(comments.find(({ id }) => id === old)?.body).toMatch(/^This plan is outdated: \[the current one\]\(/);
      expect(comments.find(({ id }) => id === newest)?.body).toContain('### 🔑 Access plan');
    });

    test('and does not write over what a later run wrote', async () => {
      const number = await open('add-ben', ['ann', 'ben']);
      await write(number, `${markerLine(marker({ run: 999_999_999 }))}\nlater`);
      expect(await plan(number)).toMatchObject({ conclusion: 'success' });
      expect(await bodyOf(number)).toContain('later');
    });

    test('or writes a new one where somebody deleted it, also meanwhile', async () => {
      const number = await open('add-ben', ['ann', 'ben']);
      const first = await plan(number);
      await github.as('acme', 'DELETE', `/repos/acme/access/issues/comments/${first.outputs['comment-id']}`);
      const second = await plan(number);
      expect(second.outputs['comment-id']).not.toBe(first.outputs['comment-id']);
      await project.commit('add-ben', { [FILE]: manifestOf(['ann', 'ben', 'cat']) });
      github.fail({ method: 'PATCH', path: /\/comments\/\d+$/, status: 404, message: 'Not Found', times: 2 });
      const third = await plan(number);
      expect(third).toMatchObject({ conclusion: 'success' });
      expect(third.outputs['comment-id']).not.toBe(second.outputs['comment-id']);
    });

    test('through GraphQL, where that says who wrote it, and folds older ones away', async () => {
      const number = await open('add-ben', ['ann', 'ben']);
      const [old, own] = [await write(number, `${markerLine(marker())}\nold`), await write(number, `${markerLine(marker())}\nown`)];
      const folded: unknown[] = [];
      github.state.graphql = (query, variables) => {
        if (query.startsWith('mutation')) {
          folded.push(variables.id);
          return { minimizeComment: { minimizedComment: { isMinimized: true } } };
        }
        const node = (id: number) => ({
          id: `IC_${id}`,
          databaseId: id,
          body: `${markerLine(marker())}\nown`,
          url: 'https://github.com/x',
          viewerDidAuthor: true,
          isMinimized: folded.includes(`IC_${id}`),
        });
        const pages = [
          [{ ...node(1), viewerDidAuthor: false }, node(old)],
          [node(own), null],
        ];
        const page = variables.after === 'next' ? 1 : 0;
        return {
          repository: {
            issueOrPullRequest: { comments: { nodes: pages[page], pageInfo: { hasNextPage: page === 0, endCursor: 'next' } } },
          },
        };
      };
      const { outputs } = await plan(number);
      expect(outputs['comment-id']).toBe(String(own));
      expect(folded).toEqual([`IC_${old}`]);
    });
  });
});
