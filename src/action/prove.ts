import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { proveManifest } from '../engine/prove.ts';
import type { Finding } from '../model/finding.ts';
import type { Proof, Proofs } from '../model/proof.ts';
import { toJson } from '../render/json.ts';
import { proofsJunit } from '../render/junit.ts';
import { proofSubject, proofsMarkdown, proofsText, summaryText, verdict } from '../render/proofs.ts';
import { assumeIdentity, identityOf } from './aws.ts';
import { detailOf } from './detail.ts';
import { lineLink } from './links.ts';
import type { Job, Outcome, Run } from './outcome.ts';
import { redact } from './redact.ts';
import { checkMerged } from './where.ts';

/**
 * Logs in as `expect` says, and tries what it names. Only of what is merged: the keys of the principals would else go wherever a pull
 * request sends them.
 */
export const prove: Run = async (job) => {
  const { inputs, context } = job;
  await checkMerged(context, inputs.manifest, 'prove');
  await assumeIdentity(identityOf(job, 'prove'), job.runner);
  const proofs = await proveManifest({ manifest: inputs.manifest, target: inputs.targets, signal: job.signal }, job.now);
  const full = detailOf(job) === 'full';
  job.log(full ? proofsText(proofs, { width: 200, colour: false, unicode: true }) : summaryText(proofs.summary));
  const files = await writeProofs(proofs, job);
  return {
    failure: failureOf(proofs, inputs.allowUnproven),
    findings: [...proofs.proofs.flatMap((proof) => findingOf(proof, inputs.allowUnproven)), ...proofs.findings],
    summary: [...(full ? [proofsMarkdown(proofs, lineLink(context))] : []), `### ${verdict(proofs.summary)}`],
    outputs: {
      'proofs-passed': proofs.summary.passed,
      'proofs-failed': proofs.summary.failed,
      'proofs-unproven': proofs.summary.unproven,
      'proofs-path': files.json,
      'junit-path': files.junit,
    },
  };
};

const failureOf = ({ summary }: Proofs, allowUnproven: boolean): Outcome['failure'] => {
  if (summary.failed > 0) return { reason: 'proof-failed', message: summaryText(summary) };
  return summary.unproven > 0 && !allowUnproven ? { reason: 'unproven', message: summaryText(summary) } : null;
};

const findingOf = (proof: Proof, allowUnproven: boolean): readonly Finding[] => {
  const { status, cause, message, hint, source } = proof;
  if (status === 'passed') return [];
  return [
    {
      severity: status === 'unproven' && allowUnproven ? 'warning' : 'error',
      code: `prove/${cause ?? status}`,
      message: `${status === 'failed' ? '' : 'unproven: '}${proofSubject(proof)}: ${message}`,
      ...(hint === undefined ? {} : { hint }),
      source,
    },
  ];
};

const writeProofs = async (proofs: Proofs, { context, inputs }: Job): Promise<{ readonly json: string; readonly junit: string }> => {
  const folder = path.join(context.temporary, 'rolecall');
  await mkdir(folder, { recursive: true });
  const files = { json: path.join(folder, 'proofs.json'), junit: path.join(folder, 'proofs.xml') };
  await writeFile(files.json, redact(toJson(proofs)));
  await writeFile(files.junit, redact(proofsJunit(proofs, { allowUnproven: inputs.allowUnproven })));
  return files;
};
