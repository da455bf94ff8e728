import type { Finding } from '../model/finding.ts';
import { cellSpan, prose } from '../render/escape.ts';
import { sortFindings } from '../render/findings-list.ts';
import { count } from '../render/phrase.ts';

/** What a page is still readable with. */
const ROWS = 200;
const ICONS = { error: '❌', warning: '⚠️', note: 'ℹ️' } as const;

/** Findings as a table, errors first, each with a link to the line that it is about. */
export const findingsMarkdown = (findings: readonly Finding[], link: (file: string, line: number) => string | null): string => {
  if (findings.length === 0) return '';
  const sorted = sortFindings(findings);
  const rows = sorted.slice(0, ROWS).map((finding) => `| ${ICONS[finding.severity]} | ${placeOf(finding, link)} | ${cell(finding)} |`);
  const rest = sorted.length - rows.length;
  return [
    '| | Where | What |',
    '|:--|:--|:--|',
    ...rows,
    ...(rest > 0 ? ['', `**and ${count(rest)} more**: \`rolecall validate\` tells them all`] : []),
    '',
  ].join('\n');
};

const placeOf = ({ source, target }: Finding, link: (file: string, line: number) => string | null): string => {
  if (source === undefined) return target === undefined ? '' : cellSpan(target);
  const [text, url] = [cellSpan(`${source.file}:${source.line}`), link(source.file, source.line)];
  return url === null ? text : `[${text}](${url})`;
};

const cell = ({ message, hint, code }: Finding): string =>
  `${[message, hint].flatMap((part) => (part === undefined ? [] : [proseCell(part)])).join(' · ')} <sub>${cellSpan(code)}</sub>`;

const proseCell = (text: string): string => prose(text.replaceAll('|', '\\u007c'));
