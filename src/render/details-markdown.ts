import type { Position } from '../model/finding.ts';
import type { Plan, PlanTarget } from '../model/plan.ts';
import { codeSpan, fence, html, visible } from './escape.ts';
import { gather } from './fold.ts';
import { displayWidth, padEnd } from './layout.ts';
import { type Line, subjectPhrase, takesAway } from './lines/line.ts';
import { foldedText, type TargetOutline } from './outline.ts';
import { count, plain } from './phrase.ts';
import { targetScript } from './sql.ts';

/** `access/orders.yaml:18`, as a repository names its files. */
export const place = (source: Position): string => `${source.file.replace(/^(\.\/)+/, '')}:${source.line}`;

/** The changes of one target as a diff, those that are drift apart; open up to so many lines. */
export const detailsMarkdown = (target: TargetOutline, foldLines: number): string => {
  if (target.lines.length === 0) return '';
  const { add, change, remove } = target.counts;
  const open = target.lines.length <= foldLines ? ' open' : '';
  const folded = foldedText(target);
  const proposed = target.lines.filter((line) => !target.drift.includes(line));
  return [
    `<details${open}><summary><code>${html(target.name)}</code> · +${count(add)} ~${count(change)} −${count(remove)}${folded === '' ? '' : ` · ${folded}`}</summary>`,
    ...(proposed.length > 0 ? [fence('diff', diffText(proposed))] : []),
    ...(target.drift.length > 0 ? ['Drift:', fence('diff', diffText(target.drift))] : []),
    '</details>',
  ].join('\n\n');
};

/** What is not shown of a target, in numbers. */
export const leftOut = (target: TargetOutline): string => {
  const counted = gather(
    target.lines.filter((line) => !takesAway(line)),
    (line) => [line.noun],
  ).map((group) => {
    const changes = group.reduce((sum, line) => sum + line.changes.length, 0);
    return `${count(changes)} × ${group[0].noun}`;
  });
  return counted.length === 0 ? '' : `${codeSpan(target.name)} details left out: ${counted.join(', ')}`;
};

/** Subjects up to this width stand in a column. */
const SUBJECT_WIDTH = 28;

/** A text up to this width has its file:line in a column too. */
const TEXT_WIDTH = 72;

/** GitHub colours lines of a diff by their first character and knows no `~`. */
const diffText = (lines: readonly Line[]): string => {
  const noun = Math.max(0, ...lines.map((line) => line.noun.length));
  const widths = lines.map((line) => displayWidth(plain(subjectPhrase(line)))).filter((width) => width <= SUBJECT_WIDTH);
  const subject = Math.max(0, ...widths);
  const textOf = (line: Line): string => plain(line.text) + (line.reason === null ? '' : ` (${line.reason})`);
  const text = Math.max(0, ...lines.map((line) => displayWidth(textOf(line))).filter((width) => width <= TEXT_WIDTH));
  return lines
    .flatMap((line) => {
      const symbol = line.symbol === '~' ? '!' : line.symbol;
      const body = line.source ? `${padEnd(textOf(line), text)}  ${place(line.source)}` : textOf(line);
      const indent = `${symbol} ${' '.repeat(noun + 2 + subject + 2)}`;
      return [
        `${symbol} ${padEnd(line.noun, noun)}  ${padEnd(plain(subjectPhrase(line)), subject)}  ${body}`,
        ...line.details.map((detail) => `${indent}${plain(detail)}`),
      ];
    })
    .map(visible)
    .join('\n');
};

/** Everything that will run, folded. */
export const statements = (plan: Plan): string => {
  const targets = plan.targets.filter((target) => target.steps.length > 0);
  if (targets.length === 0) return '';
  const total = targets.reduce((sum, target) => sum + target.steps.length, 0);
  return `<details><summary>Exact statements (${count(total)})</summary>\n\n${targets.map(scriptFence).join('\n\n')}\n\n</details>`;
};

const scriptFence = (target: PlanTarget): string => {
  const { language, text } = targetScript(target);
  return fence(language, text.trimEnd());
};
