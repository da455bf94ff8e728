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
  readonly cluster?: string;
  readonly instance?: string;
  readonly region?: string;
  readonly login: string;
};

/** Another tool's file as a manifest, on stdout or into a new file. Exit: 0, or 1 where it says what a manifest cannot. */
export const importCommand = async (file: string, options: ImportCommandOptions, console: Console): Promise<ExitCode> => {
  const { files } = await loadManifest([file]);
  const { manifest, findings } = readManifest(files, { ...options, ...rdsOf(options) });
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

const rdsOf = ({ cluster, instance, region, login: user }: ImportCommandOptions) => {
  if (cluster === undefined && instance === undefined && region === undefined) return {};
  if (region === undefined || (cluster === undefined) === (instance === undefined))
    throw failure('import/place', 'a server in RDS is named by --region and one of --cluster and --instance');
  return { rds: { ...(cluster === undefined ? { instance: instance! } : { cluster }), region, user } };
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
