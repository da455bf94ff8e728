import { writeFile } from 'node:fs/promises';
import { proveManifest } from '../engine/prove.ts';
import type { ManifestOptions } from '../engine/session.ts';
import { EXIT, type ExitCode, failure } from '../model/finding.ts';
import type { Proofs } from '../model/proof.ts';
import type { Console } from './console.ts';
import { tell } from './tell.ts';

export type ProveOptions = ManifestOptions & {
  readonly format: 'human' | 'json' | 'junit' | 'markdown';
  /** Where the result goes in that format; what it came to is then told on stdout as text. */
  readonly out?: string;
  readonly allowUnproven: boolean;
};

/** Really logs in, as it is expected, and tries what is expected. Exit: 0 all proven, 1 something failed, 3 something is unproven. */
export const proveCommand = async (options: ProveOptions, console: Console): Promise<ExitCode> => {
  const proofs = await proveManifest({ ...options, signal: console.signal }, console.now);
  tell(proofs.findings, console);
  const { format, out } = options;
  if (out !== undefined) await save(out, await renderProofs(proofs, format, options, { width: 200, colour: false, unicode: true }));
  console.out(await renderProofs(proofs, out === undefined ? format : 'human', options, console.outTerminal));
  return proofsExit(proofs, options.allowUnproven);
};

/** A failure outweighs what is not known. */
const proofsExit = ({ summary: { failed, unproven } }: Proofs, allowUnproven: boolean): ExitCode => {
  if (failed > 0) return EXIT.error;
  return unproven > 0 && !allowUnproven ? EXIT.refused : EXIT.ok;
};

const renderProofs = async (
  proofs: Proofs,
  format: ProveOptions['format'],
  { allowUnproven }: Pick<ProveOptions, 'allowUnproven'>,
  terminal: Console['outTerminal'],
): Promise<string> => {
  switch (format) {
    case 'human':
      return (await import('../render/proofs.ts')).proofsText(proofs, terminal);
    case 'json':
      return (await import('../render/json.ts')).toJson(proofs);
    case 'junit':
      return (await import('../render/junit.ts')).proofsJunit(proofs, { allowUnproven });
    case 'markdown':
      return (await import('../render/proofs.ts')).proofsMarkdown(proofs);
  }
};

const save = async (path: string, text: string): Promise<void> => {
  await writeFile(path, text).catch((error: NodeJS.ErrnoException) => {
    throw failure('prove/not-saved', `'${path}' was not written: ${error.code ?? error.message}`, { hint: 'name another file with --out' });
  });
};
