import type { Change } from '../model/change.ts';
import type { Plan, PlanTarget } from '../model/plan.ts';
import type { ApplyResult } from '../model/result.ts';
import { cellSpan, codeSpan, fence } from '../render/escape.ts';
import { linesOf, shortDigest } from '../render/outline.ts';
import { count, plural } from '../render/phrase.ts';
import { resultMarkdown } from '../render/result.ts';
import { lineText } from '../render/sql.ts';
import type { Approval } from './approval.ts';
import type { Context } from './context.ts';
import type { Detail } from './detail.ts';

/** A comment takes 65,536; what is put around a body needs a little. */
const LIMIT = 60_000;

/** What an apply came to, as the body of a comment that is never hidden. */
export const resultBody = (result: ApplyResult, approval: Approval, context: Context, detail: Detail): string => {
  const body = detail === 'full' ? resultMarkdown(result, { subtitle: subtitleOf(approval, context) }) : '';
  return body !== '' && body.length <= LIMIT ? body : numbersOnly(result, approval, context, detail);
};

/** `#348 · merge b77d210 · reviewed … · approved by lead · run 830` */
const subtitleOf = ({ pulls, reviewed, approvers }: Approval, context: Context): string =>
  [
    ...(pulls.length > 0 ? [pulls.map(({ number }) => `#${number}`).join(', ')] : []),
    `commit ${codeSpan(context.sha.slice(0, 7))}`,
    ...(reviewed.length > 0
      ? [`reviewed ${reviewed.map(({ plan, url }) => `[${codeSpan(shortDigest(plan.digest))}](${url})`).join(', ')} ✔ matched`]
      : []),
    ...approvers.map(({ by, environments }) => `gate ${environments.map(codeSpan).join(', ')} approved by ${codeSpan(by)}`),
    runLink(context),
  ].join(' · ');

const runLink = ({ runId, runUrl }: Context): string => `[run ${runId}](${runUrl})`;

/** Where anybody reads it, targets are numbers in the order of the manifest. */
const shownName = (name: string, index: number, detail: Detail): string => (detail === 'full' ? cellSpan(name) : String(index + 1));

const numbersOnly = ({ targets }: ApplyResult, approval: Approval, context: Context, detail: Detail): string => {
  const left = targets.reduce((sum, { notStarted, residue }) => sum + notStarted + residue.length, 0);
  const done = targets.every(({ status }) => status === 'applied' || status === 'unchanged');
  return [
    `### ${done ? '✅' : '⚠️'} Access apply — ${plural(
      targets.reduce((sum, { applied }) => sum + applied, 0),
      'change',
    )} applied${left > 0 ? `, ${count(left)} left` : ''}`,
    subtitleOf(approval, context),
    '',
    '| Target | Applied | Failed | Not started |',
    '|:--|--:|--:|--:|',
    ...targets.map(
      ({ name, applied, failed, notStarted }, index) =>
        `| ${shownName(name, index, detail)} | ${count(applied)} | ${failed ? 1 : 0} | ${count(notStarted)} |`,
    ),
    '',
    done ? '' : '**Fix the cause, then run apply again: what is done drops out of the plan, the rest continues.**',
    '',
  ].join('\n');
};

/** Of one target, what is needed now and stands in no reviewed plan. */
export type Fresh = { readonly target: PlanTarget; readonly changes: readonly Change[] };

/** Plan against plan: what would run now, what of it was reviewed, and what was not. */
export const changedBody = (live: Plan, fresh: readonly Fresh[], approval: Approval, context: Context, detail: Detail): string => {
  const head = [
    `### ❌ Access apply${detail === 'full' ? ` · ${codeSpan(live.stack)}` : ''} — stopped, nothing was applied`,
    subtitleOf({ ...approval, reviewed: [] }, context),
    '',
    `What is needed now is not what was reviewed: **${plural(
      fresh.reduce((sum, { changes }) => sum + changes.length, 0),
      'change',
    )}** of ${plural(fresh.length, 'target')} ${fresh.length === 1 && fresh[0]!.changes.length === 1 ? 'stands' : 'stand'} in no reviewed plan.`,
    '',
    '| Target | Needed now | Reviewed | Not reviewed |',
    '|:--|--:|--:|--:|',
    ...fresh.map(
      ({ target, changes }) =>
        `| ${shownName(target.name, live.targets.indexOf(target), detail)} | ${count(target.changes.length)} | ${count(target.changes.length - changes.length)} | ${count(changes.length)} |`,
    ),
  ];
  const foot = [
    '',
    '**Plan again on a pull request and have that plan reviewed. Somebody may have changed the server by hand: then `rolecall drift` shows what.**',
    '',
  ];
  const details = detail === 'full' ? fresh.flatMap((one) => ['', differenceOf(one)]) : [];
  const whole = [...head, ...details, ...foot].join('\n');
  return whole.length <= LIMIT ? whole : [...head, ...foot].join('\n');
};

/** Not reviewed, with signs; reviewed, as context between. */
const differenceOf = ({ target, changes }: Fresh): string => {
  const isFresh = new Set(changes.map(({ kind, key }) => `${kind} ${key}`));
  const reviewed = target.changes.filter(({ kind, key }) => !isFresh.has(`${kind} ${key}`));
  const signed = linesOf(changes).map((line) => lineText(line).replace(/^~/, '!'));
  const context = linesOf(reviewed).map((line) => `  ${lineText(line).replace(/^\S /, '')}`);
  return fence(
    'diff',
    [
      `@@ ${target.name}: in no reviewed plan @@`,
      ...signed,
      ...(context.length > 0 ? [`@@ ${target.name}: as reviewed @@`, ...context] : []),
    ].join('\n'),
  );
};

/** What stopped an apply before it began. */
export const stoppedBody = (messages: readonly string[], approval: Approval, context: Context): string =>
  [
    '### ❌ Access apply — stopped, nothing was applied',
    subtitleOf({ ...approval, reviewed: [] }, context),
    '',
    ...messages.map((message) => `- ${message}`),
    '',
  ].join('\n');
