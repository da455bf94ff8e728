import type { Finding } from '../model/finding.ts';
import type { Plan } from '../model/plan.ts';
import { countsMarkdown } from '../render/counts-markdown.ts';
import { codeSpan } from '../render/escape.ts';
import { findingsSummary } from '../render/findings-list.ts';
import { type Level, type MarkdownOptions, planMarkdown } from '../render/markdown.ts';
import { plural } from '../render/phrase.ts';
import type { Context } from './context.ts';
import type { Detail } from './detail.ts';
import { findingsMarkdown } from './findings-markdown.ts';
import type { Inputs } from './inputs.ts';
import { redact } from './redact.ts';

/** GitHub takes 65,536 characters; what is left over is for the marker and the line that says that a newer plan is on its way. */
const CHARS = 60_000 - 1_000;
const BYTES = 200_000 - 1_000;

/** What is told beside the plan itself. */
export type Surroundings = {
  readonly detail: Detail;
  readonly context: Context;
  /** What a pull request may not decide alone, as Markdown (pins.ts). */
  readonly pins: string;
  readonly drift?: NonNullable<MarkdownOptions['drift']>;
  readonly foldLines: number;
  readonly preview: string;
  /** Of the artifact that the plan is kept as; null: there is none. */
  readonly artifactId?: number | null;
  /** What apply asks for before it takes access away, as Markdown. */
  readonly removalsNeed?: string;
  /** Targets that are declared as on the base, where only others were to be planned. */
  readonly leftOut: readonly string[];
};

/** What the workflow says of removals; a plan that stands on no pull request needs no label. */
export const removalsNeed = ({
  inputs,
  context,
}: {
  readonly inputs: Pick<Inputs, 'destroyPolicy' | 'destroyLabel'>;
  readonly context: Context;
}): Pick<Surroundings, 'removalsNeed'> => {
  if (context.pullRequest === null || inputs.destroyPolicy === 'allow') return {};
  if (inputs.destroyPolicy === 'deny') return { removalsNeed: 'apply refuses that' };
  return { removalsNeed: `needs the label ${codeSpan(inputs.destroyLabel)} from somebody else than the author` };
};

/** A part of a body may not push everything else out of it. */
const PINS_CHARS = 10_000;
const PINS_TOO_LONG =
  '> [!CAUTION]\n> **This changes where credentials go, or what keeps changes back**, in more places than can be listed here: read the difference of the manifest.';

/** The body of the plan's comment below its marker: everything, or what fits, or numbers alone. */
export const planBody = (plan: Plan, surroundings: Surroundings): { readonly text: string; readonly level: Level } => {
  const { detail, context, pins, foldLines, drift, preview, leftOut, removalsNeed } = surroundings;
  const links = `full plan: ${[`[summary](${context.runUrl})`, ...artifactLink(surroundings)].join(' · ')}`;
  const above = pins.length > PINS_CHARS || (detail === 'summary' && pins !== '') ? PINS_TOO_LONG : pins;
  const around = { subtitle: subtitleOf(context), ...(above === '' ? {} : { above }), links };
  if (detail === 'summary') return { text: redact(countsMarkdown(plan, { ...around, leftOut: leftOut.length })), level: 0 };
  const { body, level } = planMarkdown(plan, {
    ...around,
    preview,
    leftOut,
    foldLines,
    picture: true,
    ...(drift ? { drift } : {}),
    ...(removalsNeed === undefined ? {} : { removalsNeed }),
    maxChars: CHARS,
    maxBytes: BYTES,
  });
  return { text: redact(body), level };
};

const artifactLink = ({ context, artifactId = null }: Surroundings): readonly string[] =>
  artifactId === null ? [] : [`[plan.json, .md and .sql](${context.runUrl}/artifacts/${artifactId})`];

/** How long the whole plan may be on the run's page; a shorter one follows where it is longer. */
const SUMMARY_BYTES = 900_000;

/** The plan for the run's page: the whole of it, and what of it fits where it is too long. */
export const planSummaries = (plan: Plan, surroundings: Surroundings): readonly string[] => {
  const { detail, context, pins, foldLines, drift, preview, leftOut, removalsNeed } = surroundings;
  if (detail === 'summary') return [planBody(plan, surroundings).text];
  const options = {
    subtitle: subtitleOf(context),
    ...(pins === '' ? {} : { above: pins }),
    preview,
    leftOut,
    foldLines,
    ...(drift ? { drift } : {}),
    ...(removalsNeed === undefined ? {} : { removalsNeed }),
  };
  return [planMarkdown(plan, { ...options, picture: true }).body, planMarkdown(plan, { ...options, maxBytes: SUMMARY_BYTES }).body];
};

/** Rows of findings before the rest is counted; messages are of any length. */
const FINDINGS_SHOWN = 40;

/** What takes the place of a plan that could not be made: no verdict of an earlier one stays. `link` leads to a line of the manifest. */
export const failedBody = (
  findings: readonly Finding[],
  { detail, context }: Pick<Surroundings, 'detail' | 'context'>,
  link: (file: string, line: number) => string | null,
): string => {
  const heading = `### ❌ Access plan — ${findingsSummary(findings) || 'failed'}`;
  const head = [heading, `${subtitleOf(context)} · nothing can be applied until this plans`].join('\n\n');
  const table = detail === 'full' ? findingsMarkdown(findings.slice(0, FINDINGS_SHOWN), link) : codesMarkdown(findings);
  const rest = findings.length - FINDINGS_SHOWN;
  const more = detail === 'full' && rest > 0 ? `and ${plural(rest, 'more finding')}: [summary](${context.runUrl})\n` : '';
  const body = redact(`${head}\n\n${table}\n${more}`);
  return fits(body) ? body : redact(`${head}\n\n${codesMarkdown(findings)}\n`);
};

const fits = (text: string): boolean => text.length <= CHARS && Buffer.byteLength(text) <= BYTES;

/** Findings without what they speak of. */
const codesMarkdown = (findings: readonly Finding[]): string => {
  const counts = new Map<string, number>();
  for (const { code } of findings) counts.set(code, (counts.get(code) ?? 0) + 1);
  return [...counts].map(([code, times]) => `- ${codeSpan(code)}${times > 1 ? ` × ${times}` : ''}`).join('\n');
};

/** `Commit 4f1c9ae · run 812`. */
const subtitleOf = (context: Context): string =>
  `Commit ${codeSpan(headOf(context).slice(0, 7))} · [run ${context.runId}](${context.runUrl})`;

/** The commit that a plan is about: the head of the pull request, not the merge that is checked out. */
export const headOf = ({ pullRequest, mergeGroup, sha }: Context): string => pullRequest?.headSha ?? mergeGroup?.headSha ?? sha;
