import { loadManifest } from '../manifest/load.ts';
import { readManifest } from '../manifest/validate.ts';
import { isError } from '../model/finding.ts';
import { codeSpan } from '../render/escape.ts';
import { findingsText } from '../render/findings.ts';
import { findingsSummary } from '../render/findings-list.ts';
import { findingsMarkdown } from './findings-markdown.ts';
import { lineLink } from './links.ts';
import type { Run } from './outcome.ts';

/** Schema, references, cycles and rules, offline: green or red by whether the manifest is valid. Needs no credentials and no token. */
export const validate: Run = async ({ inputs, context, log }) => {
  const { files } = await loadManifest(inputs.manifest);
  const { findings } = readManifest(files);
  const valid = !findings.some(isError);
  const counted = findingsSummary(findings);
  const [only] = files;
  const what = files.length === 1 && only ? only.path : `${files.length} files`;
  log(findingsText(findings, { width: 200, colour: false, unicode: true }));
  log(valid ? `${what}: valid${counted ? ` (${counted})` : ''}` : `${what}: not valid, ${counted}`);
  const verdict = valid ? `✅ Access manifest: valid${counted ? `, ${counted}` : ''}` : `❌ Access manifest: not valid, ${counted}`;
  return {
    failure: valid ? null : { reason: 'config-invalid', message: `the manifest is not valid: ${counted}` },
    findings,
    summary: [`### ${verdict}\n\n${codeSpan(what)}\n\n${findingsMarkdown(findings, lineLink(context))}`],
    outputs: {},
  };
};
