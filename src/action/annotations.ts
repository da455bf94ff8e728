import path from 'node:path';
import type { Finding, Severity } from '../model/finding.ts';
import { findingsAnnotations } from '../render/annotations.ts';
import { sortFindings } from '../render/findings-list.ts';
import { plural } from '../render/phrase.ts';

/** The runner shows no more of each kind for one step. */
const SHOWN = 10;

/** Findings as commands that put them beside the lines of the manifest; where there are too many, the last one counts the rest. */
export const annotations = (findings: readonly Finding[], folder: { readonly workspace: string; readonly cwd: string }): string => {
  const placed = sortFindings(findings).map((finding) => inRepository(finding, folder));
  return KINDS.map(([severity, noun]) => capped(placed, severity, noun))
    .map(findingsAnnotations)
    .join('');
};

const KINDS = [
  ['error', 'error'],
  ['warning', 'warning'],
  ['note', 'note'],
] as const;

const capped = (findings: readonly Finding[], severity: Severity, noun: string): Finding[] => {
  const all = findings.filter((finding) => finding.severity === severity);
  if (all.length <= SHOWN) return all;
  const rest = all.length - (SHOWN - 1);
  return [
    ...all.slice(0, SHOWN - 1),
    { severity, code: 'action/more', message: `${plural(rest, `more ${noun}`)}: all of them are in the summary of this run` },
  ];
};

/** GitHub finds a file by its path from the root of the repository, which is where the job's folder is. */
const inRepository = (finding: Finding, { workspace, cwd }: { readonly workspace: string; readonly cwd: string }): Finding => {
  if (finding.source === undefined) return finding;
  return { ...finding, source: { ...finding.source, file: repositoryPath(finding.source.file, workspace, cwd) } };
};

/** A manifest's path as the repository has it, with slashes. */
export const repositoryPath = (file: string, workspace: string, cwd: string): string =>
  path.relative(workspace, path.resolve(cwd, file)).split(path.sep).join('/');
