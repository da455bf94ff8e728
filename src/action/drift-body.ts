import type { PlanTarget } from '../model/plan.ts';
import { codeSpan, fence, visible } from '../render/escape.ts';
import { linesOf } from '../render/outline.ts';
import { count, plural } from '../render/phrase.ts';
import { lineText } from '../render/sql.ts';
import type { Context } from './context.ts';
import type { Detail } from './detail.ts';

/** An issue takes 65,536 characters. */
const LIMIT = 60_000;

/** One line, without anything that GitHub would make a link or a mention of. */
export const driftTitle = (target: string, detail: Detail): string =>
  detail === 'full' ? `Access drift: ${visible(target).replace(/[@#]/g, '$&\u2060')}` : 'Access drift';

/** What differs on a target, and what can be done about it. */
export const driftBody = (target: PlanTarget, context: Context, detail: Detail): string => {
  const lines = linesOf(target.changes).map(
    (line) => lineText(line).replace(/^~/, '!') + (line.source ? `  ${line.source.file}:${line.source.line}` : ''),
  );
  const difference = fence('diff', lines.join('\n'));
  const { add, change, remove, blocked } = target.counts;
  const head = `**Access drift${nameOf(target.name, detail)}** — ${plural(lines.length, 'difference')} between the server and what \`${context.defaultBranch}\` declares`;
  const numbers = `A repair would add ${count(add)}, change ${count(change)} and remove ${count(remove)}${blocked > 0 ? `; ${count(blocked)} are blocked` : ''}.`;
  const foot = `Keep it: write it into the manifest, in a pull request. Undo it: run the repair workflow (plan, approval, apply). What a repair would do is shown above.\n\n<sub>${checked(context)}</sub>`;
  const whole = [head, difference, numbers, foot].join('\n\n');
  return detail === 'full' && whole.length <= LIMIT
    ? whole
    : [head, numbers, foot.replace(' What a repair would do is shown above.', '')].join('\n\n');
};

/** What an issue says once nothing differs any more. */
export const cleanBody = (target: string, context: Context, detail: Detail): string =>
  `**Access drift${nameOf(target, detail)}** — none any more: the server is as \`${context.defaultBranch}\` declares it\n\n<sub>${checked(context)}</sub>`;

const nameOf = (target: string, detail: Detail): string => (detail === 'full' ? `: ${codeSpan(target)}` : ' of a target');

const checked = ({ runId, runUrl, sha }: Context): string =>
  `last checked against ${codeSpan(sha.slice(0, 7))} in [run ${runId}](${runUrl})`;
