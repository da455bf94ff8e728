import type { Finding } from '../model/finding.ts';
import { findingsText } from '../render/findings.ts';
import type { Console } from './console.ts';

/** Findings for a person, on stderr. */
export const tell = (findings: readonly Finding[], console: Console): void => {
  if (findings.length > 0) console.err(findingsText(findings, console.errTerminal));
};
