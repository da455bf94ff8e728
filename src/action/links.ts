import { repositoryPath } from './annotations.ts';
import type { Context } from './context.ts';

/** Where a line of a file of this commit is shown; null for a file outside of the repository. */
export const lineLink =
  ({ serverUrl, repository, sha, workspace }: Context, cwd = process.cwd()) =>
  (file: string, line: number): string | null => {
    const inside = repositoryPath(file, workspace, cwd);
    if (inside.startsWith('..') || sha === '') return null;
    const encoded = inside
      .split('/')
      .map(encodeURIComponent)
      .join('/')
      .replace(/[()]/g, (bracket) => (bracket === '(' ? '%28' : '%29'));
    return `${serverUrl}/${repository}/blob/${sha}/${encoded}#L${line}`;
  };
