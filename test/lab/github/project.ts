import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { GitHub } from './api.ts';
import type { Permissions } from './emulator.ts';
import { mergeGroupEvent, pullRequestEvent, pushEvent, scheduleEvent } from './events.ts';
import type { StepOptions } from './runner.ts';

/* A repository on GitHub with branches, pull requests and checkouts, and the jobs that its events start. */

export type Files = Readonly<Record<string, string>>;

/** What a job's step is run with; the inputs and the checkout's environment are the test's. */
export type JobStep = Omit<StepOptions, 'inputs'> & { readonly runId: number; readonly sha: string; readonly workspace: string };
export type JobOptions = {
  readonly permissions?: Permissions;
  readonly actor?: string;
  /** Another attempt of an earlier run. */
  readonly runId?: number;
  readonly runAttempt?: number;
};

export type Project = {
  readonly github: GitHub;
  /** Commits files to a branch, as one commit a file, and returns the last commit. */
  readonly commit: (branch: string, files: Files, message?: string) => Promise<string>;
  readonly branch: (name: string, from?: string) => Promise<void>;
  readonly headOf: (branch: string) => Promise<string>;
  /** A branch with these files, and a pull request of it; returns its number. */
  readonly openPull: (branch: string, files: Files, author?: string) => Promise<number>;
  /** Merges, and returns the commit that the default branch has then. */
  readonly merge: (number: number, method?: 'merge' | 'squash' | 'rebase') => Promise<string>;
  readonly label: (number: number, label: string, by: string, at?: Date) => Promise<void>;
  readonly comments: (number: number) => Promise<readonly Comment[]>;
  readonly issues: () => Promise<readonly Issue[]>;
  readonly pullRequestJob: (number: number, options?: JobOptions & { readonly fork?: string }) => Promise<JobStep>;
  readonly pushJob: (before: string, after: string, options?: JobOptions) => Promise<JobStep>;
  readonly mergeGroupJob: (branch: string, options?: JobOptions) => Promise<JobStep>;
  readonly scheduleJob: (options?: JobOptions) => Promise<JobStep>;
  readonly dispatchJob: (options?: JobOptions) => Promise<JobStep>;
  /** What a run came to: later runs look for the last one that was green. */
  readonly conclude: (runId: number, conclusion: 'success' | 'failure') => void;
  readonly close: () => Promise<void>;
};

export type Comment = { readonly id: number; readonly body: string; readonly user: { readonly login: string } };
export type Issue = {
  readonly number: number;
  readonly title: string;
  readonly body: string;
  readonly state: 'open' | 'closed';
  readonly pull_request?: unknown;
};

const MAIN = 'main';

/** The project `acme/access` with these files on its default branch. */
export const startProject = async (github: GitHub, files: Files): Promise<Project> => {
  const folders: string[] = [];
  const base = `/repos/${github.repository.fullName}`;
  const { owner } = github.repository;
  const git = gitOf(github, base);
  await git.commit(MAIN, files);
  const job = jobsOf(github, git, folders);
  return {
    github,
    ...git,
    openPull: async (branch, changed, author = 'jane') => {
      await git.branch(branch);
      await git.commit(branch, changed);
      const { number } = (await github.as(author, 'POST', `${base}/pulls`, { title: branch, head: branch, base: MAIN })) as {
        readonly number: number;
      };
      return number;
    },
    merge: async (number, merge_method = 'merge') => {
      await github.as(owner, 'PUT', `${base}/pulls/${number}/merge`, { merge_method });
      return await git.headOf(MAIN);
    },
    label: async (number, label, by, at = new Date()) => {
      await github.as(by, 'POST', `${base}/issues/${number}/labels`, { labels: [label] });
      github.state.labelled.push({ number, label, by, at });
    },
    comments: (number) => github.as(owner, 'GET', `${base}/issues/${number}/comments?per_page=100`),
    issues: async () => {
      const all = (await github.as(owner, 'GET', `${base}/issues?state=all&per_page=100`)) as readonly Issue[];
      return all.filter((issue) => issue.pull_request == null);
    },
    ...job,
    close: async () => {
      for (const folder of folders) fs.rmSync(folder, { recursive: true, force: true });
      await github.close();
    },
  };
};

type Git = Pick<Project, 'commit' | 'branch' | 'headOf'> & { readonly filesAt: (sha: string) => Promise<Files> };

const gitOf = (github: GitHub, base: string): Git => {
  const { owner } = github.repository;
  const headOf = async (branch: string): Promise<string> => {
    const { object } = (await github.as(owner, 'GET', `${base}/git/ref/heads/${branch}`)) as { readonly object: { readonly sha: string } };
    return object.sha;
  };
  const blobOf = async (file: string, ref: string): Promise<string | undefined> => {
    const known = await github.as(owner, 'GET', `${base}/contents/${file}?ref=${ref}`).catch(() => undefined);
    return (known as { readonly sha: string } | undefined)?.sha;
  };
  return {
    headOf,
    branch: async (name, from = MAIN) =>
      void (await github.as(owner, 'POST', `${base}/git/refs`, { ref: `refs/heads/${name}`, sha: await headOf(from) })),
    commit: async (branch, files, message = 'change access') => {
      for (const [file, text] of Object.entries(files)) {
        const sha = await blobOf(file, branch);
        const content = Buffer.from(text).toString('base64');
        await github.as(owner, 'PUT', `${base}/contents/${file}`, { message, content, branch, ...(sha === undefined ? {} : { sha }) });
      }
      return await headOf(branch);
    },
    filesAt: async (sha) => {
      const { tree } = (await github.as(owner, 'GET', `${base}/git/trees/${sha}?recursive=1`)) as Tree;
      const blobs = tree.filter(({ type }) => type === 'blob');
      const texts = blobs.map(async ({ path: file, sha: blob }): Promise<[string, string]> => {
        const { content } = (await github.as(owner, 'GET', `${base}/git/blobs/${blob}`)) as { readonly content: string };
        return [file, Buffer.from(content, 'base64').toString()];
      });
      return Object.fromEntries(await Promise.all(texts));
    },
  };
};
type Tree = { readonly tree: readonly { readonly path: string; readonly type: string; readonly sha: string }[] };

type Jobs = Pick<Project, 'pullRequestJob' | 'pushJob' | 'mergeGroupJob' | 'scheduleJob' | 'dispatchJob' | 'conclude'>;

const jobsOf = (github: GitHub, git: Git, folders: string[]): Jobs => {
  const { repository, state } = github;
  const about = { repository: repository.fullName, isPrivate: repository.isPrivate, repositoryId: repository.id };
  /** The run that an event starts, with a checkout of its commit. */
  const start = async (options: JobOptions, what: Started): Promise<JobStep> => {
    const runId = options.runId ?? 812 + state.runs.size;
    const { headRepositoryId } = what;
    const run = {
      id: runId,
      headSha: what.headSha ?? what.sha,
      event: what.eventName,
      branch: what.branch,
      conclusion: null,
      createdAt: new Date().toISOString(),
    };
    state.runs.set(runId, headRepositoryId === undefined ? run : { ...run, headRepositoryId });
    return {
      eventName: what.eventName,
      event: what.event,
      ref: what.ref,
      sha: what.sha,
      runId,
      runAttempt: options.runAttempt ?? 1,
      repository: repository.fullName,
      actor: options.actor ?? 'jane',
      apiUrl: github.url,
      token: await github.token(options.permissions),
      workspace: checkout(await git.filesAt(what.sha), folders),
      env: serviceVariables(github, runId),
    };
  };
  const onMain = async (options: JobOptions, eventName: string): Promise<JobStep> => {
    const sha = await git.headOf(MAIN);
    return await start(options, { eventName, event: scheduleEvent(about), ref: `refs/heads/${MAIN}`, branch: MAIN, sha });
  };
  return {
    pullRequestJob: async (number, options = {}) => {
      const pull = (await github.as(repository.owner, 'GET', `/repos/${repository.fullName}/pulls/${number}`)) as Pull;
      // The emulator does not move a pull request when its branch is pushed to.
      const headSha = await git.headOf(pull.head.ref);
      const sides = { headSha, headRef: pull.head.ref, baseSha: pull.base.sha, author: pull.user.login };
      const event = pullRequestEvent({ ...about, number, ...sides, ...(options.fork === undefined ? {} : { fork: options.fork }) });
      const fork = options.fork === undefined ? {} : { headRepositoryId: repository.id + 1000 };
      // The real runner checks the merge out: with one base it has the files of the head.
      return await start(options, {
        eventName: 'pull_request',
        event,
        ref: `refs/pull/${number}/merge`,
        branch: pull.head.ref,
        sha: headSha,
        ...fork,
      });
    },
    pushJob: (before, after, options = {}) =>
      start(options, {
        eventName: 'push',
        event: pushEvent({ ...about, before, after }),
        ref: `refs/heads/${MAIN}`,
        branch: MAIN,
        sha: after,
      }),
    mergeGroupJob: async (branch, options = {}) => {
      const [headSha, baseSha] = [await git.headOf(branch), await git.headOf(MAIN)];
      return await start(options, {
        eventName: 'merge_group',
        event: mergeGroupEvent({ ...about, headSha, baseSha }),
        ref: `refs/heads/gh-readonly-queue/${MAIN}/${branch}`,
        branch,
        sha: headSha,
      });
    },
    scheduleJob: (options = {}) => onMain(options, 'schedule'),
    dispatchJob: (options = {}) => onMain(options, 'workflow_dispatch'),
    conclude: (runId, conclusion) => void state.runs.set(runId, { ...state.runs.get(runId)!, conclusion }),
  };
};

type Started = {
  readonly eventName: string;
  readonly event: unknown;
  readonly ref: string;
  readonly branch: string;
  readonly sha: string;
  readonly headSha?: string;
  readonly headRepositoryId?: number;
};
type Side = { readonly sha: string; readonly ref: string };
type Pull = { readonly head: Side; readonly base: Side; readonly user: { readonly login: string } };

const checkout = (files: Files, folders: string[]): string => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'rolecall-checkout-'));
  folders.push(folder);
  for (const [file, text] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
    fs.writeFileSync(path.join(folder, file), text);
  }
  return folder;
};

/** Where artifacts go and ID tokens come from, as the runner tells the actions that it starts. */
const serviceVariables = ({ url, repository }: GitHub, runId: number): Record<string, string> => {
  const claims = Buffer.from(JSON.stringify({ scp: `Actions.Results:${runId}:job-${runId}` })).toString('base64url');
  return {
    GITHUB_REPOSITORY_ID: String(repository.id),
    ACTIONS_RESULTS_URL: `${url}/`,
    ACTIONS_RUNTIME_TOKEN: `e30.${claims}.signature`,
    ACTIONS_ID_TOKEN_REQUEST_URL: `${url}/_id-token?v=1`,
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'request-token',
  };
};
