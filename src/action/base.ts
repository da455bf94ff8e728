import type { Manifest } from '../manifest/content.ts';
import { isManifestFile, MANIFEST_PATHS } from '../manifest/load.ts';
import { type ManifestFile, readManifest } from '../manifest/validate.ts';
import { repositoryPath } from './annotations.ts';
import type { Context } from './context.ts';
import { statusOf } from './github.ts';
import type { GitHub } from './reviewed.ts';

type Where = Pick<Context, 'owner' | 'repositoryName' | 'workspace'>;

/** The manifest as it stood at a commit, read through the API: a checkout of one commit is enough. Null: there was none, or no valid one. */
export const manifestAt = async (github: GitHub, where: Where, paths: readonly string[], commit: string): Promise<Manifest | null> => {
  const files = await filesAt(github, where, paths, commit);
  return files.length === 0 ? null : readManifest(files).manifest;
};

/** The text of a file at a commit; null: there was none. */
export const fileAt = async (
  github: GitHub,
  { owner, repositoryName: repo }: Where,
  path: string,
  commit: string,
): Promise<string | null> => {
  const answer = await github.rest.repos.getContent({ owner, repo, path, ref: commit, mediaType: { format: 'raw' } }).catch(missing);
  return answer === null ? null : String(answer.data);
};

const filesAt = async (github: GitHub, where: Where, paths: readonly string[], commit: string): Promise<readonly ManifestFile[]> => {
  if (paths.length > 0) return (await Promise.all(paths.map((path) => underPath(github, where, path, commit)))).flat();
  for (const path of MANIFEST_PATHS) {
    const files = await underPath(github, where, path, commit);
    if (files.length > 0) return files;
  }
  return [];
};

/** One file, or those of a folder that a manifest is read from. */
const underPath = async (github: GitHub, where: Where, path: string, commit: string): Promise<readonly ManifestFile[]> => {
  const { owner, repositoryName: repo, workspace } = where;
  const inside = repositoryPath(path, workspace, process.cwd());
  const answer = await github.rest.repos.getContent({ owner, repo, path: inside, ref: commit }).catch(missing);
  if (answer === null) return [];
  const names = Array.isArray(answer.data)
    ? answer.data.filter(({ type, name }) => type === 'file' && isManifestFile(name)).map((entry) => entry.path)
    : [inside];
  const files = await Promise.all(names.map(async (name) => ({ path: name, text: await fileAt(github, where, name, commit) })));
  return files.flatMap((file) => (file.text === null ? [] : [{ path: file.path, text: file.text }]));
};

const missing = (error: unknown): null => {
  if (statusOf(error) === 404) return null;
  throw error;
};
