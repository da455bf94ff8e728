import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Finding } from '../model/finding.ts';
import type { Plan } from '../model/plan.ts';
import { planJson, toJson } from '../render/json.ts';
import { planMarkdown } from '../render/markdown.ts';
import { planSql } from '../render/sql.ts';
import { VERSION } from '../version.ts';
import { headOf } from './body.ts';
import { detailOf } from './detail.ts';
import type { Job } from './outcome.ts';
import { redact } from './redact.ts';
import { planArtifact } from './reviewed.ts';

/** Where the files of a plan are, for later steps of the job. */
export type PlanFiles = {
  readonly folder: string;
  readonly json: string;
  readonly markdown: string;
  readonly sql: string;
  readonly meta: string;
};

/** ■ Writes the plan as JSON, Markdown and SQL, and beside it what is not part of a plan: when, of which commit, by which run. */
export const writePlan = async (plan: Plan, { context, now }: Job): Promise<PlanFiles> => {
  const folder = path.join(context.temporary, 'rolecall');
  await mkdir(folder, { recursive: true });
  const files: PlanFiles = {
    folder,
    json: path.join(folder, 'plan.json'),
    markdown: path.join(folder, 'plan.md'),
    sql: path.join(folder, 'plan.sql'),
    meta: path.join(folder, 'plan.meta.json'),
  };
  const meta = {
    createdAt: now().toISOString(),
    repository: context.repository,
    commit: headOf(context),
    pullRequest: context.pullRequest?.number ?? null,
    run: context.runId,
    attempt: context.runAttempt,
    version: VERSION,
  };
  await writeFile(files.json, redact(planJson(plan)));
  await writeFile(files.markdown, redact(planMarkdown(plan).body));
  await writeFile(files.sql, redact(planSql(plan)));
  await writeFile(files.meta, toJson(meta));
  return files;
};

/** An artifact, and what kept one from being made. */
export type Kept = { readonly id: number | null; readonly findings: readonly Finding[] };

/**
 * ■ Keeps the files as the artifact that apply looks for. Where there is no store, the plan is shown all the same: that is a warning, and
 * apply then finds no reviewed plan.
 */
export const keepPlan = async (files: PlanFiles, job: Job): Promise<Kept> => {
  const { inputs, context } = job;
  if (!inputs.artifact) return { id: null, findings: [] };
  if (detailOf(job) === 'summary')
    return none(
      'note',
      "the plan is not kept as an artifact: anybody may read those of a public repository; 'comment-detail: full' keeps it",
    );
  const { json, markdown, sql, meta, folder } = files;
  try {
    const { DefaultArtifactClient } = await import('@actions/artifact');
    const client = new DefaultArtifactClient();
    const name = planArtifact(inputs.commentKey, headOf(context));
    const upload = () => client.uploadArtifact(name, [json, markdown, sql, meta], folder, { compressionLevel: 6 });
    // A run that is run again has it already.
    const again = async (error: Error) => {
      if (!/already exists|conflict|\b409\b/i.test(error.message)) throw error;
      await client.deleteArtifact(name);
      return await upload();
    };
    // The client has the runner hide the signature of the address that it uploads to.
    const { id } = await job.listening(() => upload().catch(again));
    return { id: id ?? null, findings: [] };
  } catch (error) {
    return none('warning', `the plan could not be kept as an artifact: ${(error as Error).message}`);
  }
};

const none = (severity: Finding['severity'], message: string): Kept => ({
  id: null,
  findings: [{ severity, code: 'plan/no-artifact', message: redact(message), hint: 'without one, apply finds no reviewed plan' }],
});
