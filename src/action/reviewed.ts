import type { getOctokit } from '@actions/github';
import { digest } from '../core/digest.ts';
import { Failure, failure, isError } from '../model/finding.ts';
import type { Plan } from '../model/plan.ts';
import { readPlan } from '../render/saved-plan.ts';
import type { Context } from './context.ts';
import { unzipText } from './unzip.ts';

/** The client of GitHub's API, with its retries. */
export type GitHub = ReturnType<typeof getOctokit>;

/** A pull request that was merged, or is about to be. */
export type Pull = { readonly number: number; readonly headSha: string; readonly author: string };

/** A plan that reviewers saw. `since`: when the run that made it began, in ms. */
export type Reviewed = { readonly pull: Pull | null; readonly plan: Plan; readonly url: string; readonly since: number };

const PLAN_PREFIX = 'rolecall-plan-';

/** The name of the artifact that holds a plan: one for each key and commit. GitHub takes no `/`, `:` and the like in it. */
export const planArtifact = (key: string, sha: string): string => `${PLAN_PREFIX}${key.replace(/[^\w.-]+/g, '-')}-${sha}`;

type Where = Pick<Context, 'owner' | 'repositoryName' | 'repositoryId' | 'defaultBranch' | 'workflowRef'>;
const repositoryOf = ({ owner, repositoryName }: Where) => ({ owner, repo: repositoryName });

/** Commits of a push, oldest first. A new branch, or one that was forced, is its last commit alone. */
export const commitsOf = async (
  github: GitHub,
  where: Where,
  { before, after }: { readonly before: string | null; readonly after: string },
): Promise<readonly string[]> => {
  if (before === null || before === after) return [after];
  const commits: string[] = [];
  for (let page = 1; page <= COMPARED_PAGES; page++) {
    const answer = await github.rest.repos
      .compareCommitsWithBasehead({ ...repositoryOf(where), basehead: `${before}...${after}`, per_page: 100, page })
      .catch(missing);
    if (answer === null) return [after];
    commits.push(...answer.data.commits.map(({ sha }) => sha));
    if (answer.data.commits.length < 100) break;
  }
  return commits.length === 0 ? [after] : commits;
};

/** More than a thousand commits are no push that anybody reviewed. */
const COMPARED_PAGES = 10;

/** The commit up to which the last green run of this workflow applied the default branch; null: none did. */
export const lastApplied = async (github: GitHub, where: Where): Promise<string | null> => {
  const workflow_id = where.workflowRef.split('@')[0]!.split('/').at(-1)!;
  const runs = { ...repositoryOf(where), workflow_id, branch: where.defaultBranch, event: 'push', status: 'success', per_page: 1 } as const;
  const answer = await github.rest.actions.listWorkflowRuns(runs).catch(missing);
  return answer?.data.workflow_runs[0]?.head_sha ?? null;
};

/** The newer commit of the default branch whose manifest is another one; null: what is checked out is what counts. */
export const supersededBy = async (
  github: GitHub,
  where: Where & Pick<Context, 'sha'>,
  manifest: readonly string[],
): Promise<string | null> => {
  const { data } = await github.rest.repos.getBranch({ ...repositoryOf(where), branch: where.defaultBranch });
  const newest = data.commit.sha;
  if (newest === where.sha) return null;
  const basehead = `${where.sha}...${newest}`;
  const answer = await github.rest.repos.compareCommitsWithBasehead({ ...repositoryOf(where), basehead }).catch(missing);
  const files = answer?.data.files ?? [];
  // GitHub names three hundred files at most.
  const isOther = answer === null || files.length >= 300 || files.some(({ filename }) => isManifest(filename, manifest));
  return isOther ? newest : null;
};

const isManifest = (file: string, manifest: readonly string[]): boolean =>
  (manifest.length > 0 ? manifest : ['access', 'rolecall.yaml'])
    .map((path) => path.replace(/^\.\//, '').replace(/\/$/, ''))
    .some((path) => path === '.' || file === path || file.startsWith(`${path}/`));

/** The pull requests that brought these commits into the default branch, by number. Open ones reviewed nothing. */
export const pullsOf = async (github: GitHub, where: Where, commits: readonly string[]): Promise<readonly Pull[]> =>
  await pullsWith(github, where, commits, 'merged');

/** Those of a merge queue: some are merged already, and the others are about to be. */
export const queuedPullsOf = async (github: GitHub, where: Where, commits: readonly string[]): Promise<readonly Pull[]> =>
  await pullsWith(github, where, commits, 'queued');

const pullsWith = async (
  github: GitHub,
  where: Where,
  commits: readonly string[],
  state: 'merged' | 'queued',
): Promise<readonly Pull[]> => {
  const pulls = new Map<number, Pull>();
  for (const commit of commits) {
    const answer = await github.rest.repos
      .listPullRequestsAssociatedWithCommit({ ...repositoryOf(where), commit_sha: commit, per_page: 100 })
      .catch(missing);
    for (const pull of answer?.data ?? []) {
      const isOurs = pull.base.repo?.id === where.repositoryId && pull.base.ref === where.defaultBranch;
      if (isOurs && (pull.merged_at || (state === 'queued' && pull.state === 'open')))
        pulls.set(pull.number, { number: pull.number, headSha: pull.head.sha, author: pull.user?.login ?? '' });
    }
  }
  return [...pulls.values()].sort((a, b) => a.number - b.number);
};

/** A pull request as it stands. */
export const pullNumbered = async (github: GitHub, where: Where, number: number): Promise<Pull> => {
  const { data } = await github.rest.pulls.get({ ...repositoryOf(where), pull_number: number });
  return { number, headSha: data.head.sha, author: data.user?.login ?? '' };
};

/** The plan that was made of the last commit of a pull request; null where there is none that counts. */
export const reviewedPlan = async (github: GitHub, where: Where, pull: Pull, key: string): Promise<Reviewed | null> => {
  const { data } = await github.rest.actions.listArtifactsForRepo({
    ...repositoryOf(where),
    name: planArtifact(key, pull.headSha),
    per_page: 100,
  });
  return await newestPlan(github, where, pull, data.artifacts, ({ head_sha }) => head_sha === pull.headSha);
};

/** The plan that an earlier job of this very run made and showed. */
export const planOfRun = async (
  github: GitHub,
  where: Where,
  run: { readonly id: number; readonly sha: string },
  key: string,
): Promise<Reviewed | null> => {
  const { data } = await github.rest.actions.listWorkflowRunArtifacts({
    ...repositoryOf(where),
    run_id: run.id,
    name: planArtifact(key, run.sha),
    per_page: 100,
  });
  return await newestPlan(github, where, null, data.artifacts, ({ id }) => id === run.id);
};

/** The plans that other jobs of this run made of the same commit, each under a key of its own. */
export const plansOfRun = async (
  github: GitHub,
  where: Where,
  run: { readonly id: number; readonly sha: string },
  ownKey: string,
): Promise<readonly Plan[]> => {
  const artifacts = await github.paginate(github.rest.actions.listWorkflowRunArtifacts, {
    ...repositoryOf(where),
    run_id: run.id,
    per_page: 100,
  });
  const meant = new Map<string, Artifact>();
  for (const artifact of [...artifacts].sort((a, b) => a.id - b.id)) {
    const isPlan = artifact.name.startsWith(PLAN_PREFIX) && artifact.name.endsWith(`-${run.sha}`);
    if (isPlan && !artifact.expired && artifact.name !== planArtifact(ownKey, run.sha)) meant.set(artifact.name, artifact);
  }
  return await Promise.all([...meant.values()].map((artifact) => download(github, where, artifact)));
};

type Artifact = Awaited<ReturnType<GitHub['rest']['actions']['listArtifactsForRepo']>>['data']['artifacts'][number];
type ArtifactRun = NonNullable<Artifact['workflow_run']>;

/** Names are anybody's: what counts is which run of which repository made it. */
const newestPlan = async (
  github: GitHub,
  where: Where,
  pull: Pull | null,
  artifacts: readonly Artifact[],
  isMeant: (run: ArtifactRun) => boolean,
): Promise<Reviewed | null> => {
  const candidates = [...artifacts].filter(({ expired }) => !expired).sort((a, b) => b.id - a.id);
  for (const artifact of candidates) {
    const { workflow_run: run } = artifact;
    if (!run?.id || !isMeant(run) || !isOwn(where, run)) continue;
    const { data } = await github.rest.actions.getWorkflowRun({ ...repositoryOf(where), run_id: run.id });
    // What a merge queue or somebody by hand planned of the same commit stood on no pull request.
    if (!isOwnWorkflow(where, data.path) || (pull !== null && data.event !== 'pull_request')) continue;
    const plan = await download(github, where, artifact);
    return { pull, plan, url: data.html_url, since: Date.parse(data.created_at) };
  }
  return null;
};

/** Code of a fork runs in this repository's runs as well: its head is another one. */
const isOwn = ({ repositoryId }: Where, run: ArtifactRun): boolean =>
  run.repository_id === repositoryId && run.head_repository_id === repositoryId;

/** `owner/name/.github/workflows/access.yml@refs/heads/main` against `.github/workflows/access.yml`. */
const isOwnWorkflow = ({ workflowRef, owner, repositoryName }: Where, path: string): boolean =>
  workflowRef.split('@')[0] === `${owner}/${repositoryName}/${path.split('@')[0]}`;

/** A plan of a hundred thousand changes has some 50 MB. */
const PLAN_BYTES = 256 * 1024 * 1024;

const download = async (github: GitHub, where: Where, { id, name }: Artifact): Promise<Plan> => {
  const { data } = await github.rest.actions.downloadArtifact({ ...repositoryOf(where), artifact_id: id, archive_format: 'zip' });
  const text = textIn(new Uint8Array(data as ArrayBuffer), name);
  const plan = readPlan(text, name);
  if (digest(plan.targets) !== plan.digest)
    throw failure('plan/digest', `the plan of artifact '${name}' was changed after it was made: its digest does not match what it holds`, {
      hint: 'plan again',
    });
  const errors = plan.targets.flatMap(({ findings }) => findings.filter(isError));
  if (errors.length > 0) throw new Failure(errors);
  return plan;
};

const textIn = (archive: Uint8Array, name: string): string => {
  try {
    const text = unzipText(archive, 'plan.json', PLAN_BYTES);
    if (text !== null) return text;
  } catch (error) {
    throw failure('plan/artifact', `artifact '${name}' cannot be read: ${(error as Error).message}`, { hint: 'run the plan again' });
  }
  throw failure('plan/artifact', `artifact '${name}' holds no plan.json`, { hint: 'run the plan again' });
};

/** What GitHub does not have (any more) is null, not trouble. */
const missing = (error: unknown): null => {
  const { status } = error as { readonly status?: number };
  if (status === 404 || status === 422) return null;
  throw error;
};
