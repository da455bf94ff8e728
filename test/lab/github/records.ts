import type { Approval, LabelEvent, Run, StoredArtifact, World } from './missing-routes.ts';

/* Records of the stand-in as GitHub writes them; what nobody asks for is the same in all of them. */

const STARTED = '2026-01-01T00:00:00Z';

export const workflowRunOf = (run: Run, world: World): unknown => {
  const { url, repository } = world;
  const own = `${url}/repos/${repository.owner}/${repository.name}/actions/runs/${run.id}`;
  const links = ['jobs', 'logs', 'check_suite', 'cancel', 'rerun', 'artifacts', 'workflow'];
  return {
    id: run.id,
    node_id: `R_${run.id}`,
    name: 'access',
    head_branch: run.branch,
    run_number: 1,
    run_attempt: 1,
    display_title: 'access',
    event: run.event,
    status: run.conclusion === null ? 'in_progress' : 'completed',
    conclusion: run.conclusion,
    head_sha: run.headSha,
    path: run.path ?? '.github/workflows/access.yml',
    workflow_id: 1,
    url: own,
    html_url: `https://github.com/${repository.owner}/${repository.name}/actions/runs/${run.id}`,
    created_at: run.createdAt,
    updated_at: run.createdAt,
    head_commit: { id: run.headSha, tree_id: run.headSha, message: '', timestamp: STARTED, author: null, committer: null },
    repository: repositoryOf(repository.id, world),
    head_repository: repositoryOf(run.headRepositoryId ?? repository.id, world),
    pull_requests: [],
    ...Object.fromEntries(links.map((link) => [`${link}_url`, `${own}/${link}`])),
  };
};

const LINKS =
  'archive assignees blobs branches collaborators comments commits compare contents contributors deployments downloads events forks git_commits git_refs git_tags hooks html issue_comment issue_events issues keys labels languages merges milestones notifications pulls releases stargazers statuses subscribers subscription tags teams trees';

const repositoryOf = (id: number, { url, repository: { owner, name } }: World): unknown => ({
  id,
  node_id: `R_${id}`,
  name,
  full_name: `${owner}/${name}`,
  owner: personOf(owner, url),
  private: true,
  description: null,
  fork: false,
  url,
  ...Object.fromEntries(LINKS.split(' ').map((link) => [`${link}_url`, url])),
});

export const artifactOf = (
  { id, name, runId, zip, expired }: StoredArtifact,
  run: Run | undefined,
  { url, repository }: World,
): unknown => {
  const own = `${url}/repos/${repository.owner}/${repository.name}/actions/artifacts/${id}`;
  const head = run && { head_repository_id: run.headRepositoryId ?? repository.id, head_branch: run.branch, head_sha: run.headSha };
  return {
    id,
    node_id: `A_${id}`,
    name,
    size_in_bytes: zip.length,
    url: own,
    archive_download_url: `${own}/zip`,
    expired,
    created_at: STARTED,
    expires_at: STARTED,
    updated_at: STARTED,
    workflow_run: head ? { id: runId, repository_id: repository.id, ...head } : null,
  };
};

export const labelEventOf = ({ label, by, at }: LabelEvent, { url }: World): unknown => ({
  id: 1,
  node_id: 'LE_1',
  url,
  actor: personOf(by, url),
  event: 'labeled',
  commit_id: null,
  commit_url: null,
  created_at: at.toISOString(),
  performed_via_github_app: null,
  label: { name: label, color: 'ededed' },
});

export const approvalOf = ({ by, environment }: Approval, { url }: World): unknown => ({
  state: 'approved',
  comment: '',
  user: personOf(by, url),
  environments: [{ id: 1, node_id: 'E_1', name: environment, url, html_url: url, created_at: STARTED, updated_at: STARTED }],
});

const PERSON = 'html followers following gists starred subscriptions organizations repos events received_events';

const personOf = (login: string, url: string): unknown => ({
  login,
  id: 1,
  node_id: 'U_1',
  avatar_url: url,
  gravatar_id: '',
  url,
  ...Object.fromEntries(PERSON.split(' ').map((link) => [`${link}_url`, url])),
  type: 'User',
  site_admin: false,
});
