import { Failure } from '../model/finding.ts';
import type { Context } from './context.ts';
import { statusOf } from './github.ts';
import type { GitHub } from './reviewed.ts';

/** Where comments are: a pull request or an issue of the job's repository. */
export type Thread = Pick<Context, 'owner' | 'repositoryName'> & { readonly number: number };

/** A comment that this token wrote. */
export type OwnComment = {
  readonly id: number;
  readonly nodeId: string;
  readonly body: string;
  readonly url: string;
  readonly minimised: boolean;
};

/** ■ The comments that this token wrote, oldest first. GraphQL knows which those are; where there is none, the author's name tells. */
export const ownComments = async (github: GitHub, thread: Thread): Promise<readonly OwnComment[]> =>
  (await byGraphql(github, thread)) ?? (await byRest(github, thread));

export const createComment = async (github: GitHub, { owner, repositoryName: repo, number }: Thread, body: string): Promise<OwnComment> => {
  const { data } = await github.rest.issues.createComment({ owner, repo, issue_number: number, body });
  return { id: data.id, nodeId: data.node_id, body, url: data.html_url, minimised: false };
};

/** null: somebody deleted it meanwhile. */
export const updateComment = async (
  github: GitHub,
  { owner, repositoryName: repo }: Thread,
  comment: OwnComment,
  body: string,
): Promise<OwnComment | null> => {
  try {
    const { data } = await github.rest.issues.updateComment({ owner, repo, comment_id: comment.id, body });
    return { ...comment, body, url: data.html_url };
  } catch (error) {
    if (statusOf(error) === 404) return null;
    throw error;
  }
};

/** Folds a comment away as outdated. false: this GitHub, or this token, cannot. */
export const minimiseComment = async (github: GitHub, { nodeId }: OwnComment): Promise<boolean> =>
  await github
    .graphql(
      'mutation($id: ID!) { minimizeComment(input: { subjectId: $id, classifier: OUTDATED }) { minimizedComment { isMinimized } } }',
      {
        id: nodeId,
      },
    )
    .then(
      () => true,
      () => false,
    );

const QUERY = `query($owner: String!, $name: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $name) { issueOrPullRequest(number: $number) {
    ... on PullRequest { comments(first: 100, after: $after) { nodes { ...own } pageInfo { hasNextPage endCursor } } }
    ... on Issue { comments(first: 100, after: $after) { nodes { ...own } pageInfo { hasNextPage endCursor } } } } }
}
fragment own on IssueComment { id databaseId body url viewerDidAuthor isMinimized }`;

type Answer = { readonly repository?: { readonly issueOrPullRequest?: { readonly comments?: Comments } | null } | null };
type Comments = {
  readonly nodes: readonly (Node | null)[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
};
type Node = {
  readonly id: string;
  readonly databaseId: number | null;
  readonly body: string;
  readonly url: string;
  readonly viewerDidAuthor: boolean;
  readonly isMinimized: boolean;
};

/** null: it cannot be asked. A limit that was reached, and a server that does not answer, are trouble with either. */
const byGraphql = async (github: GitHub, thread: Thread): Promise<readonly OwnComment[] | null> => {
  const { owner, repositoryName: name, number } = thread;
  const found: OwnComment[] = [];
  let after: string | null = null;
  do {
    const answer: Answer | null = await github.graphql<Answer>(QUERY, { owner, name, number, after }).catch(unavailable);
    const comments: Comments | undefined = answer?.repository?.issueOrPullRequest?.comments;
    if (!comments) return null;
    for (const node of comments.nodes) {
      if (!node?.viewerDidAuthor || node.databaseId === null) continue;
      found.push({ id: node.databaseId, nodeId: node.id, body: node.body, url: node.url, minimised: node.isMinimized });
    }
    after = comments.pageInfo.hasNextPage ? comments.pageInfo.endCursor : null;
  } while (after !== null);
  return found;
};

const unavailable = (error: unknown): null => {
  if (error instanceof Failure && error.findings.some(({ code }) => code === 'github/rate-limit' || code === 'github/unavailable'))
    throw error;
  return null;
};

/** Whom the token of a workflow writes as; it has no user that could be asked for. */
const WORKFLOW_BOT = 'github-actions[bot]';

const byRest = async (github: GitHub, { owner, repositoryName: repo, number }: Thread): Promise<readonly OwnComment[]> => {
  const self = await github.rest.users.getAuthenticated().then(
    ({ data }) => data.login,
    () => WORKFLOW_BOT,
  );
  const comments = await github.paginate(github.rest.issues.listComments, { owner, repo, issue_number: number, per_page: 100 });
  return comments
    .filter(({ user }) => user?.login === self)
    .map(({ id, node_id: nodeId, body = '', html_url: url }) => ({ id, nodeId, body, url, minimised: false }));
};
