import type { Context } from './context.ts';
import type { GitHub, Pull } from './reviewed.ts';

type Where = Pick<Context, 'owner' | 'repositoryName'>;

/** Who said yes to a pull request's removals, or why nobody did. */
export type Consent = { readonly by: string } | { readonly refused: string };

/**
 * Whether the label is on the pull request, put there by somebody who may write and is not its author, after the plan that it speaks
 * of was made: what came later was not meant.
 */
export const consentTo = async (
  github: GitHub,
  { owner, repositoryName: repo }: Where,
  pull: Pull,
  label: string,
  since: number,
): Promise<Consent> => {
  const issue = { owner, repo, issue_number: pull.number };
  const { data: labels } = await github.rest.issues.listLabelsOnIssue({ ...issue, per_page: 100 });
  if (!labels.some(({ name }) => name === label)) return { refused: `it does not have the label '${label}'` };
  const events: readonly LabelEvent[] = await github.paginate(github.rest.issues.listEventsForTimeline, { ...issue, per_page: 100 });
  const put = events.filter((event) => event.event === 'labeled' && event.label?.name === label).at(-1);
  const by = put?.actor?.login;
  if (put === undefined || by === undefined) return { refused: `it is not known who put the label '${label}' on it` };
  if (by.toLowerCase() === pull.author.toLowerCase()) return { refused: `its author '${by}' put the label '${label}' on it` };
  if (put.created_at !== undefined && Date.parse(put.created_at) < since)
    return { refused: `the label '${label}' was put on it before what is planned now was: take it off and put it on again` };
  const { data } = await github.rest.repos.getCollaboratorPermissionLevel({ owner, repo, username: by });
  return data.permission === 'admin' || data.permission === 'write'
    ? { by }
    : { refused: `'${by}', who put the label on it, may not write` };
};

/** What is asked of an event of the timeline; its other kinds have other fields. */
type LabelEvent = {
  readonly event?: string;
  readonly label?: { readonly name?: string };
  readonly actor?: { readonly login?: string } | null;
  readonly created_at?: string;
};

/** Who approved the environments of this run, each once; none where no environment asked. */
export const approversOf = async (github: GitHub, { owner, repositoryName: repo }: Where, runId: number): Promise<readonly Approval[]> => {
  const { data } = await github.rest.actions.getReviewsForRun({ owner, repo, run_id: runId });
  return data
    .filter(({ state }) => state === 'approved')
    .map(({ user, environments }) => ({ by: user.login, environments: environments.flatMap(({ name }) => name ?? []) }));
};

export type Approval = { readonly by: string; readonly environments: readonly string[] };
