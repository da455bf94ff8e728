/* The parts of GitHub's webhook payloads that a job's event file holds and that anybody here looks at. */

export type RepositoryOptions = { readonly repository?: string; readonly isPrivate?: boolean; readonly repositoryId?: number };

const repositoryOf = ({ repository = 'acme/access', isPrivate = true, repositoryId = 1 }: RepositoryOptions) => ({
  id: repositoryId,
  full_name: repository,
  private: isPrivate,
  visibility: isPrivate ? 'private' : 'public',
  default_branch: 'main',
  owner: { login: repository.split('/')[0] },
});

export type PullOptions = RepositoryOptions & {
  readonly number?: number;
  readonly headSha?: string;
  readonly headRef?: string;
  readonly baseSha?: string;
  readonly author?: string;
  /** The repository of the head, where it is a fork. */
  readonly fork?: string;
};

export const pullRequestEvent = (options: PullOptions = {}): unknown => {
  const { number = 1, headSha = 'a'.repeat(40), headRef = 'change', baseSha = 'b'.repeat(40), author = 'jane', fork } = options;
  const repository = repositoryOf(options);
  return {
    action: 'synchronize',
    number,
    pull_request: {
      number,
      head: { sha: headSha, ref: headRef, repo: { full_name: fork ?? repository.full_name } },
      base: { sha: baseSha, ref: 'main', repo: repository },
      user: { login: author },
    },
    repository,
  };
};

export const pushEvent = (
  options: RepositoryOptions & { readonly before?: string; readonly after: string; readonly ref?: string },
): unknown => ({
  ref: options.ref ?? 'refs/heads/main',
  before: options.before ?? '0'.repeat(40),
  after: options.after,
  repository: repositoryOf(options),
});

export const scheduleEvent = (options: RepositoryOptions = {}): unknown => ({ schedule: '0 6 * * *', repository: repositoryOf(options) });

export const mergeGroupEvent = (options: RepositoryOptions & { readonly headSha: string; readonly baseSha: string }): unknown => ({
  action: 'checks_requested',
  merge_group: { head_sha: options.headSha, base_sha: options.baseSha, base_ref: 'refs/heads/main' },
  repository: repositoryOf(options),
});
