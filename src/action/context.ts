import { failure } from '../model/finding.ts';

/** What started the workflow, as far as commands care. */
export type EventKind = 'pull_request' | 'push' | 'merge_group' | 'schedule' | 'workflow_dispatch' | 'workflow_run' | 'other';

export type PullRequest = {
  readonly number: number;
  readonly headSha: string;
  readonly headRef: string;
  readonly baseSha: string;
  readonly baseRef: string;
  /** Its head is in another repository: no secrets, a token that only reads. */
  readonly fork: boolean;
  readonly author: string;
};

/** Where and why a job runs. Everything comes from the runner, nothing from what a pull request wrote. */
export type Context = {
  readonly event: EventKind;
  /** As the runner names it. */
  readonly eventName: string;
  /** `owner/name`, and its two parts. */
  readonly repository: string;
  readonly owner: string;
  readonly repositoryName: string;
  readonly repositoryId: number | null;
  /** Whatever is posted there, anybody reads; true as well where the event does not say. */
  readonly isPublic: boolean;
  readonly defaultBranch: string;
  /** `refs/heads/main`, `refs/pull/1/merge`. */
  readonly ref: string;
  /** The commit that is checked out. */
  readonly sha: string;
  readonly pullRequest: PullRequest | null;
  /** The commits of a push; `before` null: the branch is new. */
  readonly push: { readonly before: string | null; readonly after: string } | null;
  readonly mergeGroup: { readonly headSha: string; readonly baseSha: string } | null;
  /** The run that a workflow_run event is about. */
  readonly triggeringRun: { readonly id: number; readonly headSha: string } | null;
  readonly runId: number;
  readonly runAttempt: number;
  readonly runUrl: string;
  readonly serverUrl: string;
  readonly apiUrl: string;
  readonly graphqlUrl: string;
  readonly actor: string;
  /** `owner/name/.github/workflows/access.yml@refs/heads/main`. */
  readonly workflowRef: string;
  readonly job: string;
  readonly workspace: string;
  /** A folder of this job alone. */
  readonly temporary: string;
};

type Env = Readonly<Record<string, string | undefined>>;
type Json = Readonly<Record<string, unknown>>;

/** The job's context from the runner's variables and the event's payload. */
export const contextOf = (env: Env, payload: unknown): Context => {
  const event = record(payload);
  const required = (name: string): string => env[name] || missing(name);
  const eventName = required('GITHUB_EVENT_NAME');
  if (eventName === 'pull_request_target')
    throw failure('action/event', `this does not run on 'pull_request_target': a fork's manifest would meet the repository's secrets`, {
      hint: "use 'on: pull_request'; what comes from a fork is validated there",
    });
  const repository = required('GITHUB_REPOSITORY');
  const [owner = '', repositoryName = ''] = repository.split('/');
  const { id, private: hidden, visibility, default_branch: defaultBranch } = record(event.repository);
  const serverUrl = withoutSlash(env.GITHUB_SERVER_URL || 'https://github.com');
  const apiUrl = withoutSlash(env.GITHUB_API_URL || 'https://api.github.com');
  const runId = Number(env.GITHUB_RUN_ID || 0);
  return {
    event: KINDS.find((kind) => kind === eventName) ?? 'other',
    eventName,
    repository,
    owner,
    repositoryName,
    repositoryId: Number(env.GITHUB_REPOSITORY_ID || id) || null,
    isPublic: hidden !== true && visibility !== 'private' && visibility !== 'internal',
    defaultBranch: text(defaultBranch),
    ref: env.GITHUB_REF ?? '',
    sha: env.GITHUB_SHA ?? '',
    pullRequest: pullRequestOf(event, repository),
    push: eventName === 'push' ? { before: commitOrNull(event.before), after: text(event.after) || (env.GITHUB_SHA ?? '') } : null,
    mergeGroup: mergeGroupOf(event),
    triggeringRun: eventName === 'workflow_run' ? triggeringRunOf(event) : null,
    runId,
    runAttempt: Number(env.GITHUB_RUN_ATTEMPT || 1),
    runUrl: `${serverUrl}/${repository}/actions/runs/${runId}`,
    serverUrl,
    apiUrl,
    graphqlUrl: withoutSlash(env.GITHUB_GRAPHQL_URL || `${apiUrl}/graphql`),
    actor: env.GITHUB_ACTOR ?? '',
    workflowRef: env.GITHUB_WORKFLOW_REF ?? '',
    job: env.GITHUB_JOB ?? '',
    workspace: env.GITHUB_WORKSPACE || '.',
    temporary: env.RUNNER_TEMP || '/tmp',
  };
};

const KINDS: readonly EventKind[] = ['pull_request', 'push', 'merge_group', 'schedule', 'workflow_dispatch', 'workflow_run'];

/** Dependabot's runs get neither secrets nor a token that writes, as those of forks. */
const DEPENDABOT = 'dependabot[bot]';

/** Why a pull request's code gets no credentials; null: it is one of the repository's own. */
export const untrusted = ({ pullRequest, actor }: Context): 'fork' | 'Dependabot' | null => {
  if (pullRequest?.fork) return 'fork';
  return pullRequest !== null && (actor === DEPENDABOT || pullRequest.author === DEPENDABOT) ? 'Dependabot' : null;
};

/** The push is one of the default branch. */
export const isDefaultBranch = ({ ref, defaultBranch }: Context): boolean => defaultBranch !== '' && ref === `refs/heads/${defaultBranch}`;

const pullRequestOf = (event: Json, repository: string): PullRequest | null => {
  const pull = record(event.pull_request);
  if (typeof pull.number !== 'number') return null;
  const [head, base] = [record(pull.head), record(pull.base)];
  // A fork that was deleted since has no repository any more.
  const origin = text(record(head.repo).full_name);
  return {
    number: pull.number,
    headSha: text(head.sha),
    headRef: text(head.ref),
    baseSha: text(base.sha),
    baseRef: text(base.ref),
    fork: origin.toLowerCase() !== repository.toLowerCase(),
    author: text(record(pull.user).login),
  };
};

const mergeGroupOf = (event: Json): Context['mergeGroup'] => {
  const { head_sha: headSha, base_sha: baseSha } = record(event.merge_group);
  return headSha === undefined ? null : { headSha: text(headSha), baseSha: text(baseSha) };
};

const triggeringRunOf = (event: Json): Context['triggeringRun'] => {
  const { id, head_sha: headSha } = record(event.workflow_run);
  return typeof id === 'number' ? { id, headSha: text(headSha) } : null;
};

const commitOrNull = (value: unknown): string | null => (/^0*$/.test(text(value)) ? null : text(value));
const record = (value: unknown): Json => (value !== null && typeof value === 'object' ? (value as Json) : {});
const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const withoutSlash = (url: string): string => url.replace(/\/+$/, '');

const missing = (name: string): never => {
  throw failure('action/context', `'${name}' is not set`, {
    hint: 'this file is run by a GitHub Actions runner; on a terminal use the rolecall command',
  });
};
