import type { Finding, Severity } from '../model/finding.ts';
import { visible } from './escape.ts';
import { sortFindings, subjectOf } from './findings-list.ts';
import { painter, type Span, type Style, span, type Terminal, wrap } from './layout.ts';

/** `access.yaml:22:7: error manifest/unknown-role: message · hint`, errors first, one finding a line (wrapped where it is too narrow). */
export const findingsText = (findings: readonly Finding[], terminal: Terminal): string => {
  const paint = painter(terminal.colour);
  return sortFindings(findings)
    .flatMap((finding) => findingRows(finding, terminal))
    .map((row) => `${paint(row)}\n`)
    .join('');
};

/** Rows of one finding, without line ends; the view of a plan indents them. */
export const findingRows = (finding: Finding, terminal: Terminal): Span[][] => {
  const spans = findingSpans(finding, terminal.unicode);
  const indent = span('  ');
  return wrap(spans, terminal.width - 2).map((row, index) => (index === 0 ? row : [indent, ...row]));
};

const STYLES: Readonly<Record<Severity, Style>> = { error: 'remove', warning: 'warn', note: 'dim' };

const findingSpans = (finding: Finding, unicode: boolean): Span[] => {
  const { source } = finding;
  return [
    ...(source ? [span(`${visible(source.file)}:${source.line}:${source.column}: `, 'strong')] : []),
    span(finding.severity, STYLES[finding.severity]),
    span(` ${visible(finding.code)}: `, 'dim'),
    span(visible(subjectOf(finding) + finding.message)),
    ...(finding.hint === undefined ? [] : [span(` ${unicode ? '·' : '-'} ${visible(finding.hint)}`, 'dim')]),
  ];
};
