import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { EXIT, type Failure, failure } from '../model/finding.ts';
import { type Context, isDefaultBranch } from './context.ts';

/** Throws a Failure unless what runs here is what was merged: only that is applied, and only that gets the keys of others. */
export const checkMerged = async (context: Context, manifest: readonly string[], command: 'apply' | 'prove' = 'apply'): Promise<void> => {
  const { eventName, event, ref, defaultBranch } = context;
  if (!APPLIED.has(event))
    throw refused(
      `'${command}' does not run on the event '${eventName}', expected ${[...APPLIED].join(', ')}`,
      HINTS[event] ?? `plan on pull requests, ${command} on push to the default branch`,
    );
  if (!isDefaultBranch(context))
    throw refused(
      `'${command}' runs on '${ref}', expected the default branch '${defaultBranch}'`,
      `${command} what is merged: push: { branches: [main] }`,
    );
  await checkClean(context, manifest);
};

const APPLIED: ReadonlySet<string> = new Set(['push', 'schedule', 'workflow_dispatch']);
const HINTS: Readonly<Record<string, string>> = {
  merge_group: 'let a merge queue run command: plan, which checks what apply would',
};

const refused = (message: string, hint: string): Failure => failure('action/not-here', message, { hint }, EXIT.refused);

/** A step before this one may have written into the manifest. Where there is no git, or no repository, nobody can say. */
const checkClean = async ({ workspace, sha }: Context, manifest: readonly string[]): Promise<void> => {
  const head = await git(workspace, ['rev-parse', 'HEAD']);
  if (head === null) return;
  if (head !== sha)
    throw refused(
      `commit ${head.slice(0, 7)} is checked out, and this run is for ${sha.slice(0, 7)}`,
      "leave 'ref' of actions/checkout out",
    );
  const paths = manifest.length > 0 ? manifest : ['access', 'rolecall.yaml'];
  const changed = await git(workspace, ['status', '--porcelain', '--', ...paths.map((path) => `:(top)${path.replace(/^\.\//, '')}`)]);
  if (changed)
    throw refused(`the manifest was changed after it was checked out: ${changed.split('\n')[0]!.trim()}`, 'apply what is merged, as it is');
};

const git = async (folder: string, args: readonly string[]): Promise<string | null> => {
  // A checkout that another user of the runner owns is a repository all the same.
  const run = promisify(execFile)('git', ['-c', 'safe.directory=*', '-C', folder, ...args]);
  return await run.then(
    ({ stdout }) => stdout.trim(),
    () => null,
  );
};
