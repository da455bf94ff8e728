import type { ApplyResult, TargetResult, TargetStatus } from '../model/result.ts';
import { cellSpan, codeSpan, fence, prose, roleName, visible, visibleSql } from './escape.ts';
import { findingRows } from './findings.ts';
import { toJson, toJsonLines } from './json.ts';
import { displayWidth, padEnd, painter, type Span, type Style, span, type Terminal, wrap } from './layout.ts';
import { linesOf, shortDigest } from './outline.ts';
import { count, plural } from './phrase.ts';
import { lineText } from './sql.ts';

/** The result as JSON. */
export const resultJson = (result: ApplyResult): string => toJson(result);

/** The result as events: one for each target, then the sum. */
export const resultJsonLines = (result: ApplyResult): string => {
  const { targets, ...head } = result;
  return toJsonLines([
    ...targets.map((target) => ({ type: 'target-result', target: target.name, result: target })),
    { type: 'result', ...head, ...sums(result) },
  ]);
};

type Row = readonly Span[];

/** The result for a terminal: targets, what failed, what is left, and what to do about it. */
export const resultText = (result: ApplyResult, terminal: Terminal): string => {
  const paint = painter(terminal.colour);
  const names = Math.max(0, ...result.targets.map((target) => displayWidth(visible(target.name))));
  const rows: Row[] = [
    ...result.targets.flatMap((target) => targetRows(target, names, terminal)),
    [],
    ...wrap([span(headline(result), isDone(result) ? 'add' : 'remove')], terminal.width),
    ...wrap([span(nextText(result), 'dim')], terminal.width),
  ];
  return rows.map((row) => `${paint(row).trimEnd()}\n`).join('');
};

/** The result as the body of a comment. `subtitle` is Markdown of the caller. */
export const resultMarkdown = (result: ApplyResult, options: { readonly subtitle?: string } = {}): string => {
  const rows = result.targets.map(
    (target) =>
      `| ${cellSpan(target.name)} | ${count(target.applied)} | ${target.failed ? 1 : 0} | ${count(target.notStarted)} | ${STATUS_WORDS[target.status]} |`,
  );
  return [
    `### ${isDone(result) ? '✅' : '⚠️'} Access apply · ${codeSpan(result.stack)} — ${headline(result)}`,
    ...(options.subtitle === undefined ? [] : [options.subtitle]),
    '',
    '| Target | Applied | Failed | Not started | Result |',
    '|:--|--:|--:|--:|:--|',
    ...rows,
    ...result.targets.flatMap(targetMarkdown),
    '',
    `**${nextText(result)}**`,
    '',
    `<sub>digest ${codeSpan(shortDigest(result.digest))}</sub>`,
    '',
  ].join('\n');
};

const STATUS_WORDS: Readonly<Record<TargetStatus, string>> = {
  applied: 'applied, read back',
  unchanged: 'nothing to do',
  partial: 'applied in part',
  failed: 'failed',
  skipped: 'skipped',
};
const STYLES: Readonly<Record<TargetStatus, Style>> = {
  applied: 'add',
  unchanged: 'add',
  partial: 'change',
  failed: 'remove',
  skipped: 'dim',
};
const SYMBOLS: Readonly<Record<TargetStatus, readonly [unicode: string, ascii: string]>> = {
  applied: ['✔', '+'],
  unchanged: ['✔', '='],
  partial: ['●', '*'],
  failed: ['✗', 'x'],
  skipped: ['○', '-'],
};

const isDone = (result: ApplyResult): boolean => result.targets.every(({ status }) => status === 'applied' || status === 'unchanged');

const sums = (result: ApplyResult): { applied: number; statements: number; residue: number; failed: number; notStarted: number } => {
  const sum = (of: (target: TargetResult) => number): number => result.targets.reduce((total, target) => total + of(target), 0);
  return {
    applied: sum((target) => target.applied),
    statements: sum((target) => target.statements),
    residue: sum((target) => target.residue.length),
    failed: sum((target) => (target.failed ? 1 : 0)),
    notStarted: sum((target) => target.notStarted),
  };
};

const headline = (result: ApplyResult): string => {
  const { applied, statements, residue, failed, notStarted } = sums(result);
  if (isDone(result) && applied === 0) return 'Nothing to do.';
  const parts = [
    statements === 0 ? 'Nothing was changed' : `${plural(applied, 'change')} applied in ${plural(statements, 'statement')}`,
    ...(failed > 0 ? [`${count(failed)} failed`] : []),
    ...(notStarted > 0 ? [`${count(notStarted)} not started`] : []),
    ...(residue > 0 ? [`${count(residue)} left over`] : []),
  ];
  return `${parts.join(', ')}.`;
};

const nextText = (result: ApplyResult): string => {
  const { failed, notStarted, residue } = sums(result);
  const told = (code: string): boolean => result.targets.some(({ findings }) => findings.some((finding) => finding.code === code));
  if (failed + notStarted + residue === 0 && told('inspect/unread')) return 'Read back: what was read is as planned; not all was read.';
  if (isDone(result)) return 'Read back: all is as planned.';
  if (told('apply/plan-stale')) return 'Plan again, and have the new plan reviewed: only what the plan holds is run.';
  return failed + notStarted > 0 || result.targets.some(({ status }) => status === 'failed')
    ? 'Fix the cause, then run apply again: what is done drops out of the plan, the rest continues.'
    : 'What is left over needs what its reason names; run plan to see it again.';
};

const targetRows = (target: TargetResult, names: number, terminal: Terminal): Row[] => {
  const symbol = SYMBOLS[target.status][terminal.unicode ? 0 : 1];
  const left = terminal.width - 4;
  const indented = (rows: readonly Row[]): Row[] => rows.map((row, index) => [span(index === 0 ? '    ' : '      '), ...row]);
  return [
    [
      span(`${symbol} `, STYLES[target.status]),
      span(padEnd(visible(target.name), names), 'strong'),
      span(`  ${STATUS_WORDS[target.status]}`, STYLES[target.status]),
      span(figures(target), 'dim'),
    ],
    ...(target.failed
      ? [
          ...indented(wrap([span(failureText(target.failed), 'remove')], left - 2)),
          ...indented(wrap([span(oneLine(target.failed.sql), 'dim')], left - 2)),
        ]
      : []),
    ...(target.sessions ?? []).flatMap(({ role, before, after }) =>
      indented(
        wrap([span(`sessions of ${roleName(role)}: ${count(before)} before, ${after === 0 ? 'none' : count(after)} now`, 'dim')], left - 2),
      ),
    ),
    ...linesOf(target.residue).flatMap((line) =>
      indented(
        wrap(
          [span(`left over: ${lineText(line)}`, 'change'), ...(line.blocked === null ? [] : [span(`: ${visible(line.blocked)}`, 'dim')])],
          left - 2,
        ),
      ),
    ),
    ...target.findings.flatMap(({ target: _, ...finding }) => indented(findingRows(finding, { ...terminal, width: left }))),
  ];
};

const figures = (target: TargetResult): string =>
  target.statements === 0
    ? ''
    : `   ${plural(target.applied, 'change')}, ${plural(target.statements, 'statement')}${target.notStarted > 0 ? `, ${count(target.notStarted)} not started` : ''}`;

const failureText = (failed: NonNullable<TargetResult['failed']>): string =>
  `${visible(failed.message)}${failed.sqlstate === undefined ? '' : ` (${visible(failed.sqlstate)})`}`;

const oneLine = (sql: string): string => visibleSql(sql).replace(/\s+/g, ' ');

const targetMarkdown = (target: TargetResult): string[] => [
  ...(target.failed
    ? ['', `❌ ${codeSpan(target.name)} ${prose(failureText(target.failed))}`, '', fence('sql', visibleSql(target.failed.sql))]
    : []),
  ...(target.sessions
    ? [
        '',
        ...target.sessions.map(
          ({ role, before, after }) =>
            `- ${codeSpan(target.name)} sessions of ${codeSpan(role)}: ${count(before)} before, ${after === 0 ? 'none' : count(after)} now`,
        ),
      ]
    : []),
  ...(target.residue.length > 0
    ? [
        '',
        `Left over on ${codeSpan(target.name)}:`,
        '',
        fence('diff', linesOf(target.residue).map(lineText).join('\n').replace(/^~/gm, '!')),
      ]
    : []),
  ...(target.findings.length > 0
    ? [
        '',
        ...target.findings.map(
          (finding) =>
            `- ${codeSpan(target.name)} **${finding.severity}** ${codeSpan(finding.code)}: ${prose(finding.message)}${finding.hint === undefined ? '' : ` · ${prose(finding.hint)}`}`,
        ),
      ]
    : []),
];
