import type { Finding, Position } from '../model/finding.ts';
import { distinct } from '../model/key.ts';
import type { Plan } from '../model/plan.ts';
import { type AccessLine, usersPhrase } from './access.ts';
import { visible } from './escape.ts';
import { findingRows } from './findings.ts';
import { findingsSummary } from './findings-list.ts';
import { displayWidth, padEnd, painter, type Span, type Style, span, type Terminal, widthOf, wrap } from './layout.ts';
import { type Line, type Sign, subjectPhrase } from './lines/line.ts';
import {
  countsSentence,
  foldedText,
  type Outline,
  outline,
  shortDigest,
  type TargetOutline,
  unchangedText,
  type Verdict,
} from './outline.ts';
import { count, type Phrase, plain, plural } from './phrase.ts';

/**
 * Plan → what a person reads in a terminal. Ends with a line of counts and, unless a question follows, what to do next. `rotate`: users
 * whose passwords are set again because somebody asks for it, which the next command must do too.
 */
export const planText = (plan: Plan, terminal: Terminal, next: 'next' | 'no-next' = 'next', rotate: readonly string[] = []): string => {
  const view = outline(plan);
  const bounded = { ...terminal, width: Math.max(40, Math.min(terminal.width, WIDEST)) };
  const paint = painter(terminal.colour);
  const rows = [
    ...headRows(view, bounded),
    ...view.targets.flatMap((target) => targetRows(target, bounded)),
    ...footRows(view, bounded, next, distinct(rotate)),
  ];
  return rows.map((row) => `${paint(row).trimEnd()}\n`).join('');
};

/** Beyond this a line is no longer read as one. */
const WIDEST = 140;
/** Under this there is no room for file:line. */
const ROOM_FOR_SOURCE = 100;
/** Subjects up to this width stand in a column; longer ones push their text. */
const SUBJECT_WIDTH = 28;
/** Selectors listed under a target before the rest is counted. */
const MATCHES_SHOWN = 12;

type Row = readonly Span[];
const BLANK: Row = [];

const STYLES: Readonly<Record<Sign, Style>> = { '+': 'add', '~': 'change', '-': 'remove', '!': 'alarm' };

const headRows = (view: Outline, terminal: Terminal): Row[] => {
  const title = [span('rolecall ', 'dim'), span(view.command, 'strong'), span('  '), span(visible(view.stack), 'strong')];
  const names = Math.max(0, ...view.targets.map((target) => displayWidth(visible(target.name))));
  const rows = view.targets.flatMap((target): Row[] => {
    const summary = [
      span('  '),
      verdictSpan(target.verdict, terminal.unicode),
      span(` ${padEnd(visible(target.name), names)}  `, 'strong'),
      span(countsText(target), VERDICT_STYLES[target.verdict]),
    ];
    const server = span(`   ${serverText(target)}`, 'dim');
    if (widthOf([...summary, server]) <= terminal.width) return [[...summary, server]];
    const [first = [], ...rest] = wrap(summary.slice(2), terminal.width - 4);
    const wrapped = widthOf(summary) <= terminal.width ? [summary] : [[...summary.slice(0, 2), span(' '), ...first], ...indented(rest, 4)];
    return [...wrapped, ...indented(wrap([span(serverText(target), 'dim')], terminal.width - 4), 4)];
  });
  return [title, ...rows];
};

const VERDICT_STYLES: Readonly<Record<Verdict, Style>> = { failed: 'remove', removes: 'remove', changes: 'change', unchanged: 'add' };

const verdictSpan = (verdict: Verdict, unicode: boolean): Span => {
  const symbols: Readonly<Record<Verdict, readonly [string, string]>> = {
    failed: ['✗', 'x'],
    removes: ['●', '*'],
    changes: ['●', '*'],
    unchanged: ['✔', '='],
  };
  return span(symbols[verdict][unicode ? 0 : 1], VERDICT_STYLES[verdict]);
};

/** `+6 ~1 -2, 1 blocked`, or what else there is to say in a word. */
const countsText = (target: TargetOutline): string => {
  const problems = findingsSummary(target.findings);
  if (target.lines.length + target.blocked.length === 0)
    return target.verdict === 'failed' ? problems : ['no changes', problems].filter(Boolean).join(', ');
  const { add, change, remove, blocked } = target.counts;
  return [
    `+${count(add)} ~${count(change)} -${count(remove)}`,
    ...(blocked > 0 ? [`${count(blocked)} blocked`] : []),
    ...(problems ? [problems] : []),
  ].join(', ');
};

const serverText = (target: TargetOutline): string =>
  [
    visible(target.server),
    ...(target.endpoint === '' ? [] : [`at ${visible(target.endpoint)}`]),
    ...(target.read.roles > 0 ? [readText(target)] : []),
  ].join(', ');

/** `12 roles, 340 objects read`; of an account `12 principals, 3 policies read`. */
const readText = ({ engine, read }: TargetOutline): string =>
  engine === 'iam'
    ? `${plural(read.roles, 'principal')}, ${plural(read.objects, 'policy', 'policies')} read`
    : `${plural(read.roles, 'role')}, ${plural(read.objects, 'object')} read`;

const targetRows = (target: TargetOutline, terminal: Terminal): Row[] => {
  const sections = [
    section('Who loses and who gains', accessRows(target, terminal)),
    section(changesTitle(target), changeRows(target.lines, terminal)),
    section('Blocked: cannot be done', blockedRows(target.blocked, terminal)),
    section(
      'Findings',
      target.findings.flatMap((finding) => indented(findingRows(withoutTarget(finding), narrowed(terminal, 4)), 4)),
    ),
    section('Matched', target.lines.length > 0 ? matchRows(target, terminal) : []),
    section(
      'Notes',
      target.notes.flatMap((note) => indented(wrap(spansOf(note, 'dim'), terminal.width - 4), 4)),
    ),
  ].filter((rows) => rows.length > 0);
  return sections.length === 0
    ? []
    : [BLANK, [span(visible(target.name), 'strong')], ...sections.flatMap((rows, index) => (index === 0 ? rows : [BLANK, ...rows]))];
};

const changesTitle = (target: TargetOutline): string => {
  const folded = foldedText(target);
  return folded === '' ? 'Changes' : `Changes: ${folded}`;
};

/** Under the heading of its target a finding need not repeat it. */
const withoutTarget = ({ target: _, ...finding }: Finding): Finding => finding;

const section = (title: string, rows: readonly Row[]): Row[] => (rows.length === 0 ? [] : [[span(`  ${title}`, 'dim')], ...rows]);
const indented = (rows: readonly Row[], by: number): Row[] => rows.map((row) => [span(' '.repeat(by)), ...row]);
const narrowed = (terminal: Terminal, by: number): Terminal => ({ ...terminal, width: terminal.width - by });

const spansOf = (phrase: Phrase, style: Style = 'plain'): Span[] =>
  phrase.map((piece) => span(typeof piece === 'string' ? piece : piece.name, style));

const accessRows = (target: TargetOutline, terminal: Terminal): Row[] => {
  const rowOf = (symbol: Sign, spans: readonly Span[]): Row[] =>
    wrap(spans, terminal.width - 6).map((row, index) => [
      span('    '),
      index === 0 ? span(symbol, STYLES[symbol]) : span(' '),
      span(' '),
      ...row,
    ]);
  const access = (line: AccessLine): Row[] =>
    rowOf(line.symbol, [...spansOf(usersPhrase(line), 'strong'), span(' '), ...spansOf(line.text)]);
  const flip = (line: Line): Row[] => rowOf('!', [...spansOf(subjectPhrase(line), 'strong'), span(' '), ...spansOf(line.text, 'flip')]);
  return [
    ...target.access.filter((line) => line.symbol === '-').flatMap(access),
    ...target.flips.flatMap(flip),
    ...target.access.filter((line) => line.symbol === '+').flatMap(access),
  ];
};

/** Sign, noun, subject, text: in columns, with file:line at the right where there is room. */
const changeRows = (lines: readonly Line[], terminal: Terminal): Row[] => {
  const widths = columnWidths(lines, terminal);
  return lines.flatMap((line) => lineRows(line, widths, terminal));
};

type Widths = { readonly noun: number; readonly subject: number; readonly source: number };

const columnWidths = (lines: readonly Line[], terminal: Terminal): Widths => {
  const widest = (texts: readonly string[]): number => Math.max(0, ...texts.map(displayWidth));
  const subjects = lines.map((line) => displayWidth(plain(subjectPhrase(line)))).filter((width) => width <= SUBJECT_WIDTH);
  const sources = lines.map((line) => (line.source ? sourceText(line.source) : ''));
  return {
    noun: widest(lines.map((line) => line.noun)),
    subject: Math.min(Math.max(0, ...subjects), Math.floor(terminal.width / 4)),
    source: terminal.width < ROOM_FOR_SOURCE ? 0 : Math.min(widest(sources), 40),
  };
};

const sourceText = (source: Position): string => `${visible(source.file)}:${source.line}`;

const lineRows = (line: Line, widths: Widths, terminal: Terminal): Row[] => {
  const left = 4 + 2 + widths.noun + 2;
  const hanging = left + widths.subject + 2;
  const right = widths.source === 0 ? terminal.width : terminal.width - widths.source - 2;
  const reason = line.reason === null ? [] : [span(` (${line.reason})`, 'dim')];
  const lead = [span('    '), span(line.symbol, STYLES[line.symbol]), span(` ${padEnd(line.noun, widths.noun)}  `, 'plain')];
  const subject = spansOf(subjectPhrase(line), 'strong');
  const fits = widthOf(subject) <= widths.subject;
  const text = [...spansOf(line.text, textStyle(line)), ...reason];
  const body = fits ? wrap(text, right - hanging) : wrap([...subject, span(' '), ...text], right - left - 2);
  const first = fits
    ? [...lead, ...subject, span(' '.repeat(widths.subject - widthOf(subject) + 2)), ...(body[0] ?? [])]
    : [...lead, ...(body[0] ?? [])];
  const more = [
    ...indented(body.slice(1), fits ? hanging : left + 2),
    ...line.details.flatMap((detail) => indented(wrap(spansOf(detail, textStyle(line)), right - hanging), hanging)),
  ];
  return [withSource(first, line.source, widths, right), ...more];
};

/** The text of what takes away or flips is coloured too: the symbol alone is easily missed. */
const textStyle = (line: Line): Style => (line.symbol === '-' ? 'loss' : line.symbol === '!' ? 'flip' : 'plain');

const withSource = (row: Row, source: Position | null, widths: Widths, right: number): Row => {
  if (source === null || widths.source === 0) return row;
  const text = sourceText(source);
  if (displayWidth(text) > widths.source) return row;
  return [...row, span(' '.repeat(Math.max(2, right + 2 - widthOf(row)))), span(text, 'dim')];
};

const blockedRows = (lines: readonly Line[], terminal: Terminal): Row[] => {
  const widths = columnWidths(lines, terminal);
  return lines.flatMap((line) => [
    ...lineRows(line, widths, terminal),
    ...wrap([span(visible(line.blocked ?? ''), 'warn')], terminal.width - 8).map((row, index) => [
      span(index === 0 ? `      ${terminal.unicode ? '└' : '`'} ` : '        ', 'dim'),
      ...row,
    ]),
  ]);
};

const matchRows = (target: TargetOutline, terminal: Terminal): Row[] => {
  const shown = target.matches.slice(0, MATCHES_SHOWN);
  const rest = target.matches.length - shown.length;
  const rows = shown.map((match) => wrap([span(`${visible(match.selector)}: `, 'dim'), ...spansOf(match.text, 'dim')], terminal.width - 6));
  const more = rest > 0 ? [[span(`${count(rest)} more (--format json)`, 'dim')]] : [];
  return [...rows.flatMap((row) => indented(row, 4)), ...indented(more, 4)];
};

const footRows = (view: Outline, terminal: Terminal, next: 'next' | 'no-next', rotate: readonly string[]): Row[] => {
  const more = next === 'next' ? nextRows(view, terminal, rotate) : [];
  const changes = view.targets.some(({ lines, blocked }) => lines.length + blocked.length > 0);
  const rows =
    view.verdict === 'unchanged'
      ? [[span(unchangedText(view), 'add')]]
      : view.verdict === 'failed' && !changes
        ? nextTexts(view, rotate).map((text): Row => [span(text)])
        : [summaryRow(view), ...more];
  return [BLANK, ...rows.flatMap((row) => wrap(row, terminal.width))];
};

const SUMMARIES: Readonly<Record<Plan['command'], string>> = { plan: 'Plan', drift: 'To undo it', destroy: 'Destroy' };

const summaryRow = (view: Outline): Row => [span(`${SUMMARIES[view.command]}: ${countsSentence(view.counts)}.`, 'strong')];

const nextRows = (view: Outline, terminal: Terminal, rotate: readonly string[]): Row[] => {
  const digest = terminal.unicode ? shortDigest(view.digest) : shortDigest(view.digest).replace('…', '...');
  return [[span(`Digest ${digest}. Nothing was changed yet.`, 'dim')], ...nextTexts(view, rotate).map((text): Row => [span(text)])];
};

const nextTexts = (view: Outline, rotate: readonly string[]): string[] => {
  if (view.verdict === 'failed') return ['Nothing can be applied: correct what the errors above name, then plan again.'];
  if (view.targets.every(({ lines }) => lines.length === 0))
    return ['Next: mend what the reasons name. There is nothing to apply until then, and apply says so with exit code 5.'];
  const blocked = view.counts.blocked > 0 ? ['What is blocked stays as it is, and apply says so with exit code 5.'] : [];
  const flags = rotate.map((user) => ` --rotate ${shellWord(user)}`).join('');
  const statements = `Exact statements: rolecall ${view.command}${flags} --format sql`;
  if (view.command === 'destroy') return ['Next: rolecall destroy asks for the name of the stack, then does this.', ...blocked, statements];
  if (view.command === 'drift')
    return ['Next: write into the manifest what shall stay, and rolecall apply for the rest.', ...blocked, statements];
  if (view.verdict === 'removes')
    return [`Next: check what is taken away, then rolecall apply${flags} (it asks for the name of the stack).`, ...blocked, statements];
  return [`Next: rolecall apply${flags}${flags === '' ? ', or open a pull request' : ''}.`, ...blocked, statements];
};

/** As a shell takes it. */
const shellWord = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${visible(word).replaceAll("'", "'\\''")}'`);
