import type { DeniedLogin, DeniedOfTarget, DeniedReport } from '../model/denied.ts';
import { visible } from './escape.ts';
import { toJson } from './json.ts';
import { displayWidth, padEnd, painter, type Span, span, type Terminal, wrap } from './layout.ts';
import { plural } from './phrase.ts';

/** The last denied logins as JSON. */
export const deniedJson = (report: DeniedReport): string => toJson(report);

/** The same for a terminal: what was refused and to whom, counted, with what to do; then one line for each login, the newest last. */
export const deniedText = (report: DeniedReport, terminal: Terminal): string => {
  const paint = painter(terminal.colour);
  const rows = report.targets.flatMap((one, index) => [...(index === 0 ? [] : [[]]), ...targetRows(one, report, terminal)]);
  return rows.map((row) => `${paint(row).trimEnd()}\n`).join('');
};

const targetRows = (one: DeniedOfTarget, report: DeniedReport, terminal: Terminal): Span[][] => {
  const { target, denied, total, read, unread } = one;
  const sources = read.map(({ log, by }) => `${log} (${SOURCES[by]})`).join(', ');
  return [
    [span(visible(target), 'strong'), span('  '), headline(one, report)],
    ...unread.flatMap(({ log, message, hint }) => [
      ...indented([span(`? unread: ${log === null ? '' : `${log}: `}${visible(message)}`, 'warn')], 2, terminal),
      ...(hint === undefined ? [] : indented([span(visible(hint), 'dim')], 4, terminal)),
    ]),
    ...(read.length === 0 ? [] : indented([span(`read: ${sources}`, 'dim')], 2, terminal)),
    ...(total === 0 ? [] : [[], ...causeRows(one, terminal), [], ...userRows(one)]),
    ...(denied.length === 0 ? [] : [[], ...loginRows(denied, terminal)]),
  ];
};

const headline = ({ denied, total, unread }: DeniedOfTarget, { since, user }: DeniedReport): Span => {
  const asked = `${user === null ? '' : ` of ${nameOf(user)}`}${since === null ? '' : ` since ${shortTime(since)}`}`;
  const shown = denied.length < total ? `, of which the last ${denied.length} are below` : '';
  if (total > 0) return span(`${plural(total, 'denied login')}${asked}${shown}`, 'loss');
  return unread.length > 0 ? span(`no denied login${asked} in what could be read`, 'warn') : span(`no denied login${asked}`, 'add');
};

const SOURCES = { cloudwatch: 'CloudWatch Logs', rds: 'files of RDS', file: 'a file' } as const;

const causeRows = ({ causes }: DeniedOfTarget, terminal: Terminal): Span[][] => {
  const counts = Math.max(...causes.map(({ count }) => String(count).length));
  const names = Math.max(...causes.map(({ name }) => displayWidth(name)));
  const indent = counts + names + 7;
  return causes.flatMap(({ name, count, message, hint }) => {
    const [first = [], ...more] = indented([span(visible(message))], indent, terminal);
    const head = [span(`  ${String(count).padStart(counts)}  `, 'strong'), span(`${padEnd(name, names)}   `, 'strong')];
    return [[...head, ...first.slice(1)], ...more, ...indented([span(visible(hint), 'dim')], indent, terminal)];
  });
};

const MOST_USERS = 8;

const userRows = ({ users }: DeniedOfTarget): Span[][] => {
  const shown = users.slice(0, MOST_USERS).map(({ name, count }) => `${nameOf(name)} ${count}`);
  const more = users.length - shown.length;
  return [[span('  users  ', 'strong'), span(`${shown.join(', ')}${more > 0 ? `, and ${more} more` : ''}`)]];
};

const nameOf = (name: string | null): string => (name === null || name === '' ? '(nobody named)' : visible(name));

/** Time, user, from where, cause; then the identity that AWS names, else the server's words. */
const loginRows = (denied: readonly DeniedLogin[], terminal: Terminal): Span[][] => {
  const cells = denied.map((one) => [
    shortTime(one.at ?? one.stamp),
    cut(nameOf(one.user)),
    one.from === null ? '-' : cut(visible(one.from)),
    visible(one.cause),
  ]);
  const heads = ['when', 'user', 'from', 'cause'];
  const widths = heads.map((head, column) => Math.max(displayWidth(head), ...cells.map((row) => displayWidth(row[column]!))));
  const indent = 2 + widths.reduce((sum, width) => sum + width + 2, 0);
  const line = (row: readonly string[]): string => `  ${row.map((cell, column) => padEnd(cell, widths[column]!)).join('  ')}`;
  return [
    [span(`${line(heads)}  what was said`, 'dim')],
    ...denied.flatMap(({ principal, said }, index) => {
      const words = visible(principal ?? said);
      const narrow = terminal.width - indent < NARROW;
      const [first = [], ...more] = indented([span(words, 'dim')], narrow ? 6 : indent, terminal);
      const head = span(line(cells[index]!));
      return narrow ? [[head], first, ...more] : [[head, span('  '), ...first.slice(1)], ...more];
    }),
  ];
};
const NARROW = 30;
const LONGEST = 32;

/** Names are as long as clients like; what was said has them whole. */
const cut = (text: string): string => (text.length > LONGEST ? `${text.slice(0, LONGEST - 3)}...` : text);

const indented = (spans: readonly Span[], indent: number, terminal: Terminal): Span[][] =>
  wrap(spans, terminal.width - indent).map((row) => [span(' '.repeat(indent)), ...row]);

/** Without fractions of a second; logs of servers have none, or too many. */
const shortTime = (instant: string): string => visible(instant.replace(/\.\d+/, ''));
