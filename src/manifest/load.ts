import { readdir, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { failure } from '../model/finding.ts';
import type { ManifestFile } from './validate.ts';

/** Where a manifest is looked for when none is named: the first that is there. */
export const MANIFEST_PATHS = ['./access', './rolecall.yaml'] as const;

/** Whether a file of a folder is a part of the manifest. */
export const isManifestFile = (name: string): boolean => /^[^.].*\.ya?ml$/.test(name);

/**
 * Reads the manifest's files: each path is a file, or a directory whose *.yaml and *.yml are read in order. Without paths it is
 * ./access, else ./rolecall.yaml, in `cwd`. What findings call a file is the path as given.
 */
export const loadManifest = async (paths: readonly string[], cwd = process.cwd()): Promise<{ readonly files: readonly ManifestFile[] }> => {
  const given = paths.length > 0 ? paths : [await defaultPath(cwd)];
  const named = (await Promise.all(given.map((path) => filesOf(path, cwd)))).flat();
  // A file that is given twice, once by its directory, is one file.
  const distinct = [...new Map(named.map((path) => [resolve(cwd, path), path])).values()];
  const files = await Promise.all(distinct.map(async (path) => ({ path, text: await readText(path, cwd) })));
  if (files.every(({ text }) => text.trim() === '')) {
    throw failure('manifest/empty', `${files.length === 1 ? `'${files[0]!.path}' is` : `all files of '${given.join(`', '`)}' are`} empty`, {
      hint: 'a manifest has version, stack and targets',
    });
  }
  return { files };
};

const defaultPath = async (cwd: string): Promise<string> => {
  for (const path of MANIFEST_PATHS) if (await stat(resolve(cwd, path)).catch(() => undefined)) return path;
  throw failure('manifest/not-found', `there is no manifest: neither '${MANIFEST_PATHS[0]}' nor '${MANIFEST_PATHS[1]}' exists`, {
    hint: 'name one with --manifest PATH',
  });
};

const filesOf = async (path: string, cwd: string): Promise<string[]> => {
  const found = await stat(resolve(cwd, path)).catch((error: unknown) => unreadable(path, error));
  if (!found.isDirectory()) return [path];
  const names = await readdir(resolve(cwd, path)).catch((error: unknown) => unreadable(path, error));
  const yaml = names.filter(isManifestFile).sort((a, b) => (a < b ? -1 : 1));
  if (yaml.length === 0)
    throw failure('manifest/not-found', `directory '${path}' has no *.yaml or *.yml file`, {
      hint: 'files in directories below it are not read',
    });
  return yaml.map((name) => (path.startsWith('./') ? `./${join(path, name)}` : join(path, name)));
};

const readText = async (path: string, cwd: string): Promise<string> => {
  const bytes = await readFile(resolve(cwd, path)).catch((error: unknown) => unreadable(path, error));
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw failure('manifest/encoding', `'${path}' is not UTF-8 text`, { hint: 'save it as UTF-8' });
  }
};

const unreadable = (path: string, error: unknown): never => {
  const { code = '' } = error as { code?: string };
  if (code === 'ENOENT' || code === 'ENOTDIR')
    throw failure('manifest/not-found', `'${path}' does not exist`, { hint: 'check the path: it is relative to the working directory' });
  if (code === 'EACCES' || code === 'EPERM')
    throw failure('manifest/unreadable', `'${path}' may not be read`, { hint: 'check its permissions' });
  if (code === '') throw error;
  throw failure('manifest/unreadable', `'${path}' cannot be read: ${code}`);
};
