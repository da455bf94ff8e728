import { changedTargets } from '../core/changed-targets.ts';
import { declaredAt, type Session } from '../engine/session.ts';
import { nameKey } from '../model/key.ts';
import { codeSpan } from '../render/escape.ts';
import { plural } from '../render/phrase.ts';
import type { Approval } from './approval.ts';
import { manifestAt } from './base.ts';
import type { Job } from './outcome.ts';
import type { Fresh } from './result-body.ts';
import type { GitHub } from './reviewed.ts';

/**
 * ■ Of what no reviewed plan holds, targets that none of the plans is of and that are declared as they were when all was applied last: no
 * pull request asked for anything there, so that what differs is drift, which is told and left alone.
 */
export const leftAlone = async (
  github: GitHub,
  { reviewed, since }: Approval,
  fresh: readonly Fresh[],
  session: Session,
  { inputs, context }: Job,
): Promise<readonly Fresh[]> => {
  const planned = new Set(reviewed.flatMap(({ plan }) => plan.targets.map(({ name }) => name)));
  const others = fresh.filter(({ target }) => !planned.has(target.name));
  if (others.length === 0 || since === null) return [];
  const before = await manifestAt(github, context, inputs.manifest, since);
  if (before === null) return [];
  const changed = new Set(changedTargets(declaredAt(before, session), session));
  return others.filter(({ target }) => !changed.has(target.name));
};

/** What is said of them: in the comment and the summary, and with names hidden. */
export const leftAloneMarkdown = (left: readonly Fresh[], detail: 'full' | 'summary'): string => {
  if (left.length === 0) return '';
  const what =
    detail === 'full'
      ? left.map(({ target, changes }) => `${codeSpan(target.name)} (${plural(changes.length, 'change')})`).join(', ')
      : plural(left.length, 'target');
  return `\n> [!NOTE]\n> Left alone: ${what}. What differs there is drift: no pull request of this push asks for it, and no plan of one holds it.\n`;
};

/** The same for the log. */
export const leftAloneText = (left: readonly Fresh[]): string =>
  left.length === 0 ? '' : `left alone, as only drift differs there: ${left.map(({ target }) => nameKey(target.name)).join(', ')}`;
