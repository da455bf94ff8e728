import type { Finding, Severity } from '../model/finding.ts';
import { workflowProperty, workflowText } from './escape.ts';
import { sortFindings, subjectOf } from './findings-list.ts';

/** Workflow commands: the runner puts them beside the line of the file. */
export const findingsAnnotations = (findings: readonly Finding[]): string =>
  sortFindings(findings)
    .map((finding) => {
      const { source } = finding;
      // the path as the repository has it: a file of the diff is never ./something
      const place = source
        ? ` file=${workflowProperty(source.file.replace(/^(\.\/+)+/, ''))},line=${source.line},col=${source.column},`
        : ' ';
      const text = [subjectOf(finding) + finding.message, finding.hint].filter((part) => part !== undefined).join(' · ');
      return `::${COMMANDS[finding.severity]}${place}title=${workflowProperty(finding.code)}::${workflowText(text)}\n`;
    })
    .join('');

const COMMANDS: Readonly<Record<Severity, string>> = { error: 'error', warning: 'warning', note: 'notice' };
