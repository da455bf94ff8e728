import type { Finding, Severity } from '../model/finding.ts';
import { byCodeUnit } from '../model/key.ts';
import { plural } from './phrase.ts';

/* What every list of findings is made with, whoever shows it: small, since a run that ends at its first finding loads nothing else. */

const SEVERITIES: readonly Severity[] = ['error', 'warning', 'note'];

/** Errors first, then by place and code. */
export const sortFindings = (findings: readonly Finding[]): Finding[] =>
  [...findings].sort(
    (a, b) =>
      SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) ||
      byCodeUnit(a.source?.file ?? '', b.source?.file ?? '') ||
      (a.source?.line ?? 0) - (b.source?.line ?? 0) ||
      (a.source?.column ?? 0) - (b.source?.column ?? 0) ||
      byCodeUnit(a.code, b.code) ||
      byCodeUnit(a.message, b.message),
  );

/** `1 error, 2 warnings`; notes are not counted. */
export const findingsSummary = (findings: readonly Finding[]): string => {
  const number = (severity: Severity): number => findings.filter((finding) => finding.severity === severity).length;
  const [errors, warnings] = [number('error'), number('warning')];
  return [...(errors > 0 ? [plural(errors, 'error')] : []), ...(warnings > 0 ? [plural(warnings, 'warning')] : [])].join(', ');
};

/** What stands before the message: a finding without a place says which target it is about. */
export const subjectOf = (finding: Finding): string =>
  finding.target !== undefined && !finding.source ? `target '${finding.target}': ` : '';
