import { loadManifest } from '../manifest/load.ts';
import { readManifest } from '../manifest/validate.ts';
import { EXIT, type ExitCode, isError } from '../model/finding.ts';
import { findingsAnnotations } from '../render/annotations.ts';
import { findingsSummary } from '../render/findings-list.ts';
import { toJson } from '../render/json.ts';
import type { Console } from './console.ts';
import { tell } from './tell.ts';

export type ValidateOptions = {
  readonly manifest: readonly string[];
  readonly format: 'human' | 'json' | 'github';
  readonly allowPlaintextPasswords?: boolean;
};

/** Schema, references, cycles and rules, offline. Exit: 0, or 1 when a finding is an error. */
export const validateCommand = async (
  { manifest: paths, format, allowPlaintextPasswords = false }: ValidateOptions,
  console: Console,
): Promise<ExitCode> => {
  const { files } = await loadManifest(paths);
  const { findings } = readManifest(files, { allowPlaintextPasswords });
  const valid = !findings.some(isError);
  if (format === 'json') console.out(toJson({ formatVersion: '1.0', valid, findings }));
  else if (format === 'github') console.out(findingsAnnotations(findings));
  else {
    tell(findings, console);
    const summary = findingsSummary(findings);
    const what = files.length === 1 ? files[0]!.path : `${files.length} files`;
    console.out(valid ? `${what}: valid${summary ? ` (${summary})` : ''}\n` : `${what}: not valid, ${summary}\n`);
  }
  return valid ? EXIT.ok : EXIT.error;
};
