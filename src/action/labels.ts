import { Failure, type Finding } from '../model/finding.ts';
import { asWarnings, githubOf, statusOf } from './github.ts';
import type { Job } from './outcome.ts';

const LABELS = ['access:no-change', 'access:change', 'access:drop'] as const;
export type PlanLabel = (typeof LABELS)[number];

/** ■ Puts the one label on the pull request that its plan deserves, and takes the others off; null: there is no plan, and so none. */
export const labelPull = async (job: Job, label: PlanLabel | null): Promise<readonly Finding[]> => {
  const { inputs, context } = job;
  if (!inputs.labels || context.pullRequest === null) return [];
  try {
    const github = await githubOf(job);
    const issue = { owner: context.owner, repo: context.repositoryName, issue_number: context.pullRequest.number };
    const { data } = await github.rest.issues.listLabelsOnIssue({ ...issue, per_page: 100 });
    const present = new Set(data.map(({ name }) => name));
    for (const name of LABELS)
      if (name !== label && present.has(name)) await github.rest.issues.removeLabel({ ...issue, name }).catch(gone);
    if (label !== null && !present.has(label)) await github.rest.issues.addLabels({ ...issue, labels: [label] });
    return [];
  } catch (error) {
    if (error instanceof Failure) return asWarnings(error);
    throw error;
  }
};

/** Somebody took it off meanwhile. */
const gone = (error: unknown): void => {
  if (statusOf(error) !== 404) throw error;
};
