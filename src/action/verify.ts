import { readFile } from 'node:fs/promises';
import { readPlan } from '../render/saved-plan.ts';
import { freshOf } from './approval.ts';
import { detailOf } from './detail.ts';
import { githubOf } from './github.ts';
import type { Run } from './outcome.ts';
import { plan } from './plan.ts';
import { changedBody } from './result-body.ts';
import { commitsOf, lastApplied, type Pull, pullNumbered, queuedPullsOf, type Reviewed, reviewedPlan } from './reviewed.ts';

/** The plan; in a merge queue it is also held against what was reviewed, as apply will do it, so that the queue puts a stale one out. */
export const planOrVerify: Run = async (job) => {
  const outcome = await plan(job);
  const { context, inputs } = job;
  if (context.mergeGroup === null || outcome.failure) return outcome;
  const github = await githubOf(job);
  const before = (await lastApplied(github, context)) ?? context.mergeGroup.baseSha;
  const commits = await commitsOf(github, context, { before, after: context.mergeGroup.headSha });
  const queued = new Map((await queuedPullsOf(github, context, commits)).map((pull) => [pull.number, pull]));
  const own = /\/pr-(\d+)-[0-9a-f]+$/.exec(context.ref)?.[1];
  if (own !== undefined && !queued.has(Number(own))) queued.set(Number(own), await pullNumbered(github, context, Number(own)));
  const pulls: readonly Pull[] = [...queued.values()];
  const found = await Promise.all(pulls.map((pull) => reviewedPlan(github, context, pull, inputs.commentKey)));
  const approval = { reviewed: found.filter((one): one is Reviewed => one !== null), pulls, approvers: [], since: null };
  const path = String(outcome.outputs['plan-path']);
  const live = readPlan(await readFile(path, 'utf8'), path);
  const fresh = freshOf(approval.reviewed, live);
  if (fresh.length === 0) return outcome;
  if (approval.reviewed.length === 0 && inputs.onUnreviewed !== 'fail') return outcome;
  const reason = approval.reviewed.length === 0 ? 'plan-missing' : 'plan-changed';
  const body = changedBody(live, fresh, approval, context, detailOf(job));
  return {
    ...outcome,
    failure: { reason, message: 'what would be applied is not what was reviewed' },
    summary: [body, ...outcome.summary],
  };
};
