import type { Context } from './context.ts';
import { type Marker, markerLine, readMarker } from './marker.ts';
import type { GitHub } from './reviewed.ts';

/** By it the issues of drift are found among all others, by people too. */
const LABEL = 'access-drift';

/** What the issue of one target shall be: its marker's key tells it from those of other targets. */
export type DriftIssue = { readonly marker: Marker; readonly title: string; readonly body: string; readonly state: 'open' | 'closed' };

/** What became of it. `none`: nothing differs, and nothing is open. */
export type IssueFate = { readonly what: 'opened' | 'edited' | 'reopened' | 'closed' | 'none'; readonly url: string | null };

/**
 * Brings the one issue of a target up to date: opened when something differs, edited while it does, closed when nothing does, opened
 * again when it is back. The newest that carries the marker counts; nobody is told of the same thing twice.
 */
export const upsertIssue = async (
  github: GitHub,
  { owner, repositoryName: repo }: Pick<Context, 'owner' | 'repositoryName'>,
  { marker, title, state, body: text }: DriftIssue,
): Promise<IssueFate> => {
  const body = `${markerLine(marker)}\n${text}`;
  const filter = { owner, repo, labels: LABEL, state: 'all', sort: 'created', direction: 'desc', per_page: 100 } as const;
  const all = await github.paginate(github.rest.issues.listForRepo, filter);
  const known = all.find((one) => {
    const found = readMarker(one.body ?? '');
    return one.pull_request === undefined && found?.kind === marker.kind && found.key === marker.key;
  });
  if (known === undefined) {
    if (state === 'closed') return { what: 'none', url: null };
    const { data } = await github.rest.issues.create({ owner, repo, title, body, labels: [LABEL] });
    return { what: 'opened', url: data.html_url };
  }
  const was = known.state === 'closed' ? 'closed' : 'open';
  if (was === 'closed' && state === 'closed') return { what: 'none', url: known.html_url };
  const reason = state === 'closed' ? 'completed' : was === 'closed' ? 'reopened' : null;
  const change = { title, body, state, ...(reason === null ? {} : ({ state_reason: reason } as const)) };
  const { data } = await github.rest.issues.update({ owner, repo, issue_number: known.number, ...change });
  return { what: state === 'closed' ? 'closed' : was === 'closed' ? 'reopened' : 'edited', url: data.html_url };
};
