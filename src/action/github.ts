import type { Octokit } from '@octokit/core';
import { type Failure, type Finding, failure } from '../model/finding.ts';
import type { Context } from './context.ts';
import type { Job } from './outcome.ts';
import type { GitHub } from './reviewed.ts';

/** The client with the job's token. Throws a Failure where the workflow gives none. */
export const githubOf = ({ inputs, context }: Pick<Job, 'inputs' | 'context'>): Promise<GitHub> => openGitHub(context, inputs.githubToken);

/** Retries after a rate limit that ends soon; a longer one is trouble of its own. */
const WAITED_SECONDS = 60;
const RETRIES = 3;

/**
 * ■ A client for this job's GitHub, github.com or a server of one's own: what may pass by itself is tried again, within bounds; whatever
 * else is refused is a Failure `github/…` that names the permission. The error keeps its `status`.
 */
const openGitHub = async ({ apiUrl }: Pick<Context, 'apiUrl'>, token: string): Promise<GitHub> => {
  if (token === '')
    throw failure('github/no-token', 'there is no token for GitHub', { hint: 'leave the input github-token out: the job has one' });
  const [{ getOctokit }, { retry }, { throttling }] = await Promise.all([
    import('@actions/github'),
    import('@octokit/plugin-retry'),
    import('@octokit/plugin-throttling'),
  ]);
  const waits = (seconds: number, _options: unknown, _client: unknown, tried: number): boolean => tried < 1 && seconds <= WAITED_SECONDS;
  const github = getOctokit(
    token,
    {
      baseUrl: apiUrl,
      // What it would warn of is told by what comes of it.
      log: { debug: ignore, info: ignore, warn: ignore, error: ignore },
      // Only here: set for a request, it holds for what is never worth another try as well.
      retry: { retries: RETRIES },
      throttle: { onRateLimit: waits, onSecondaryRateLimit: waits },
    },
    retry,
    throttling,
  );
  explainErrors(github);
  return github;
};

const ignore = (): void => {};

const explainErrors = (github: Pick<Octokit, 'hook'>): void => {
  github.hook.wrap('request', async (request, options) => {
    try {
      return await request(options);
    } catch (error) {
      throw githubFailure(error, `${options.method} ${pathOf(options.url, options as Readonly<Record<string, unknown>>)}`);
    }
  });
};

/** The route with its places filled in, without a query. */
const pathOf = (url: string, options: Readonly<Record<string, unknown>>): string =>
  url.replace(/^https?:\/\/[^/]+/, '').replace(/\{\??(\w+)[^}]*\}/g, (_place, name: string) => String(options[name] ?? ''));

/** What an answer of GitHub's means for whoever wrote the workflow, with its status; what is none is returned as it is. */
export const githubFailure = (error: unknown, what: string): unknown => {
  if (!isHttpError(error)) return error;
  const { status, response } = error;
  const told = typeof response?.data?.message === 'string' ? response.data.message : error.message;
  const { slug, hint } = meaningOf(status, told, response?.headers ?? {}, what);
  return Object.assign(failure(`github/${slug}`, `GitHub answered ${status === 0 ? 'nothing' : status} to ${what}: ${told}`, { hint }), {
    status,
  });
};

type HttpError = Error & {
  readonly status: number;
  readonly response?: { readonly data?: { readonly message?: unknown }; readonly headers?: Readonly<Record<string, unknown>> };
};
const isHttpError = (error: unknown): error is HttpError => error instanceof Error && error.name === 'HttpError' && 'status' in error;

/** The status of a request that failed; null where it was something else. */
export const statusOf = (error: unknown): number | null => {
  const { status } = (error ?? {}) as { readonly status?: unknown };
  return typeof status === 'number' ? status : null;
};

const meaningOf = (
  status: number,
  told: string,
  headers: Readonly<Record<string, unknown>>,
  what: string,
): { readonly slug: string; readonly hint: string } => {
  if (status === 429 || (status === 403 && (/rate limit|abuse/i.test(told) || headers['x-ratelimit-remaining'] === '0')))
    return { slug: 'rate-limit', hint: 'run the job again later; many jobs with one token share its limit' };
  if (status === 401)
    return { slug: 'token', hint: 'the token is not valid (any more): leave the input github-token out, or renew the token' };
  if (status === 403) return { slug: 'forbidden', hint: permissionHint(headers, what) };
  if (status === 404) return { slug: 'not-found', hint: `it is gone, or the token may not see it: ${permissionHint(headers, what)}` };
  if (status === 422) return { slug: 'invalid', hint: 'GitHub refuses what was sent: run the job with ACTIONS_STEP_DEBUG and report it' };
  if (status === 0 || status >= 500)
    return { slug: 'unavailable', hint: 'it was tried several times: look at the status page of GitHub and run the job again' };
  return { slug: 'refused', hint: 'run the job again' };
};

/** GitHub names the permission that is missing in a header, on most answers. */
const permissionHint = (headers: Readonly<Record<string, unknown>>, what: string): string => {
  const named = String(headers['x-accepted-github-permissions'] ?? '')
    .split(';')[0]!
    .trim()
    .replace(/=/g, ': ')
    .replaceAll('_', '-');
  return `give the job permissions: { ${/^[a-z-]+: (read|write)(, ?[a-z-]+: (read|write))*$/.test(named) ? named : guessed(what)} }`;
};

const guessed = (what: string): string => {
  const [method = '', path = ''] = what.split(' ');
  const access = method === 'GET' ? 'read' : 'write';
  if (/\/contents\/|\/compare\/|\/commits\//.test(path)) return 'contents: read';
  if (/\/actions\//.test(path)) return 'actions: read';
  if (/\/issues$/.test(path)) return `issues: ${access}`;
  return `pull-requests: ${access}`;
};

/** Trouble with GitHub that does not decide the job: the same findings as warnings. */
export const asWarnings = (error: Failure): readonly Finding[] => error.findings.map((finding) => ({ ...finding, severity: 'warning' }));
