import { manifestYaml } from '../manifest/import/yaml.ts';
import { loadManifest } from '../manifest/load.ts';
import { readManifest } from '../manifest/validate.ts';
import { EXIT, type ExitCode, Failure, failure } from '../model/finding.ts';
import type { Console } from './console.ts';
import { tell } from './tell.ts';

export type ImportCommandOptions = {
  readonly from: 'postgres-user-manager';
  readonly stack?: string;
  readonly out?: string;
  readonly allowPlaintextPasswords?: boolean;
};

/** Another tool's file as a manifest, on stdout or into a new file. Exit: 0, or 1 where it says what a manifest cannot. */
export const importCommand = async (file: string, options: ImportCommandOptions, console: Console): Promise<ExitCode> => {
  const { files } = await loadManifest([file]);
  const { manifest, findings } = readManifest(files, options);
  if (manifest === null) throw new Failure(findings);
  tell(findings, console);
  const text = manifestYaml(manifest.content, [
    'yaml-language-server: $schema=../node_modules/rolecall/schema/manifest.schema.json',
    `${options.from} takes nothing away: without 'manage: additive' this would be exact.`,
  ]);
  if (options.out === undefined) console.out(text);
  else await writeNew(options.out, text);
  return EXIT.ok;
};

const TROUBLE: Readonly<Record<string, string>> = {
  EEXIST: 'it exists already',
  ENOENT: 'its directory does not exist',
  EACCES: 'you may not write there',
};

const writeNew = async (path: string, text: string): Promise<void> => {
  const { writeFile } = await import('node:fs/promises');
  await writeFile(path, text, { flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
    throw failure('import/not-written', `'${path}' was not written: ${TROUBLE[error.code ?? ''] ?? error.message}`, {
      hint: 'name another file with --out',
    });
  });
};
