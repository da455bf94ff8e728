import type { Finding, Severity } from '../model/finding.ts';
import { visible, workflowProperty, workflowText } from './escape.ts';
import { painter, type Span, type Style, span, type Terminal, wrap } from './layout.ts';
import { sortFindings } from './outline.ts';
import { plural } from './phrase.ts';

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

/** `1 error, 2 warnings`; notes are not counted. */
export const findingsSummary = (findings: readonly Finding[]): string => {
  const number = (severity: Severity): number => findings.filter((finding) => finding.severity === severity).length;
  const [errors, warnings] = [number('error'), number('warning')];
  return [...(errors > 0 ? [plural(errors, 'error')] : []), ...(warnings > 0 ? [plural(warnings, 'warning')] : [])].join(', ');
};

/** Workflow commands: the runner puts them beside the line of the file. */
export const findingsAnnotations = (findings: readonly Finding[]): string =>
  sortFindings(findings)
    .map((finding) => {
      const { source } = finding;
      const place = source ? ` file=${workflowProperty(source.file)},line=${source.line},col=${source.column},` : ' ';
      const text = [subjectOf(finding) + finding.message, finding.hint].filter((part) => part !== undefined).join(' · ');
      return `::${COMMANDS[finding.severity]}${place}title=${workflowProperty(finding.code)}::${workflowText(text)}\n`;
    })
    .join('');

const COMMANDS: Readonly<Record<Severity, string>> = { error: 'error', warning: 'warning', note: 'notice' };
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

/** A finding without a place says which target it is about. */
const subjectOf = (finding: Finding): string => (finding.target !== undefined && !finding.source ? `target '${finding.target}': ` : '');
