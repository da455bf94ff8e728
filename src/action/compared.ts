import { readFile } from 'node:fs/promises';
import { changedTargets } from '../core/changed-targets.ts';
import { leftRegions } from '../engine/alarm-regions.ts';
import { declaredAt, narrowed, type Session } from '../engine/session.ts';
import type { Manifest } from '../manifest/content.ts';
import { Failure, type Finding, failure } from '../model/finding.ts';
import { repositoryPath } from './annotations.ts';
import { fileAt, manifestAt } from './base.ts';
import type { Context } from './context.ts';
import { asWarnings, githubOf } from './github.ts';
import { withGuards } from './guards.ts';
import { withLogins } from './logins.ts';
import type { Job } from './outcome.ts';
import { pinsMarkdown, pinsOf, withheldOf } from './pins.ts';
import type { GitHub } from './reviewed.ts';
import { withhold } from './withhold.ts';

/** What is proposed against what the base branch has. */
export type Compared = {
  /**
   * With the stricter guards of the two, the logins of the base, and without the targets that are withheld; of what is left, all, or
   * what the base does not declare alike.
   */
  readonly session: Session;
  /** The same with the targets that are withheld: what the plan is of. */
  readonly chosen: Session;
  /** What the base declares; null where there is no base, or nothing in it. */
  readonly base: Session | null;
  /** The branch, as the comment names it. */
  readonly baseName: string;
  /** The section about what a pull request does not decide alone; '' where it touches none of it. */
  readonly pins: string;
  /** Why targets are withheld, and what could not be compared. */
  readonly findings: readonly Finding[];
};

/** ■ Compares the manifest with that of the base branch, where this job has one: on pull requests and in a merge queue. */
export const comparedWithBase = async (job: Job, manifest: Manifest, session: Session): Promise<Compared> => {
  const { context, inputs } = job;
  const base = baseOf(context);
  if (base === null && inputs.changedOnly) throw baseless(context);
  if (base === null) return { session, chosen: session, base: null, baseName: '', pins: '', findings: [] };
  const read = await readBase(job, base, manifest).catch((error: unknown) => unread(error));
  const compared = { base: read.manifest, head: manifest, isSameFile: (path: string) => read.same.has(path) };
  const withheld = withheldOf(compared, inputs.allowedHosts);
  const names = new Set(withheld.flatMap(({ target }) => target ?? []));
  const before = read.manifest && declaredAt(read.manifest, session);
  const chosen = inputs.changedOnly && before ? narrowed(manifest, session, changedTargets(before, session)) : session;
  const left = withhold(withLogins(withGuards(chosen, read.manifest), before), names);
  return {
    session: left.session,
    chosen,
    base: before,
    baseName: base.name,
    pins: read.known ? pinsMarkdown(pinsOf(compared)) : '',
    findings: [
      ...read.findings,
      ...left.findings,
      ...(read.manifest ? leftRegions(read.manifest, manifest) : []),
      ...withheld.filter(({ target }) => !chosen.leftOut?.includes(target!)),
    ],
  };
};

const baseless = ({ eventName }: Context): Failure =>
  failure('action/input', `input 'targets' is 'changed', and the event '${eventName}' has no base to compare with`, {
    hint: "use it on pull_request and merge_group, and 'all' elsewhere",
  });

type Base = { readonly name: string; readonly ref: string };

const baseOf = ({ pullRequest, mergeGroup, defaultBranch }: Context): Base | null => {
  if (pullRequest) return { name: pullRequest.baseRef, ref: pullRequest.baseRef };
  return mergeGroup ? { name: defaultBranch, ref: mergeGroup.baseSha } : null;
};

type Read = {
  readonly known: boolean;
  readonly manifest: Manifest | null;
  /** Certificate files of the manifest that are as on the base. */
  readonly same: ReadonlySet<string>;
  readonly findings: readonly Finding[];
};

const readBase = async (job: Job, { ref }: Base, head: Manifest): Promise<Read> => {
  const { context, inputs } = job;
  const github = await githubOf(job);
  const commit = await mergeBase(github, context, ref);
  const manifest = await manifestAt(github, context, inputs.manifest, commit);
  const same = new Set<string>();
  for (const path of authoritiesOf(head)) {
    const [before, after] = [
      await fileAt(github, context, repositoryPath(path, context.workspace, process.cwd()), commit),
      await readFile(path, 'utf8').catch(() => null),
    ];
    if (before !== null && before === after) same.add(path);
  }
  return { known: true, manifest, same, findings: [] };
};

/** Without the base nothing counts as being as on the base: what would be withheld from a new target is withheld from all. */
const unread = (error: unknown): Read => {
  if (!(error instanceof Failure)) throw error;
  return { known: false, manifest: null, same: new Set(), findings: asWarnings(error) };
};

/** The commit that what is checked out was made from: the checkout may be a merge with the tip of the base, or the head alone. */
const mergeBase = async (github: GitHub, { owner, repositoryName: repo, sha }: Context, ref: string): Promise<string> => {
  const { data } = await github.rest.repos.compareCommitsWithBasehead({ owner, repo, basehead: `${ref}...${sha}`, per_page: 1 });
  return data.merge_base_commit.sha;
};

const authoritiesOf = ({ content }: Manifest): readonly string[] => {
  const paths = Object.values(content.targets).flatMap(({ endpoint, rds }) => [
    ...(endpoint !== undefined && endpoint !== 'env' && endpoint.ca !== undefined ? [endpoint.ca] : []),
    ...(rds?.ca === undefined ? [] : [rds.ca]),
  ]);
  return [...new Set(paths)].filter((path) => path !== 'rds');
};
