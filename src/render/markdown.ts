import { changedGraph } from '../core/changed-graph.ts';
import type { Finding, Severity } from '../model/finding.ts';
import type { Plan } from '../model/plan.ts';
import { usersPhrase } from './access.ts';
import { detailsMarkdown, leftOut, place, statements } from './details-markdown.ts';
import { cellSpan, codeSpan, fence, prose, visible } from './escape.ts';
import { graphMermaid } from './graph.ts';
import { type Line, subjectPhrase } from './lines/line.ts';
import {
  countsSentence,
  type Drift,
  type Outline,
  outline,
  shortDigest,
  type TargetOutline,
  unchangedText,
  type Verdict,
  whatGoes,
} from './outline.ts';
import { count, type Phrase, plain, plural } from './phrase.ts';

/** Markdown of the caller is put in as it is; everything from the plan is escaped. */
export type MarkdownOptions = {
  /** Under the heading: commit, run, status. */
  readonly subtitle?: string;
  /** Before everything else that the plan says, at every level. */
  readonly above?: string;
  /** In the footer: links to the whole plan. */
  readonly links?: string;
  /** In the footer: the command that shows the plan on the reader's machine. */
  readonly preview?: string;
  /** What apply asks for before it takes access away: under the removals, as Markdown. */
  readonly removalsNeed?: string;
  /** What the base branch wants already, shown apart from what is proposed. */
  readonly drift?: { readonly base: string; readonly changes: Drift };
  /** Targets of the manifest that were not planned, as nothing about them was changed. */
  readonly leftOut?: readonly string[];
  /** Draws what changes of the access graph, where it is small. */
  readonly picture?: boolean;
  /** Details of up to so many lines are open. */
  readonly foldLines?: number;
  /** UTF-16 units and UTF-8 bytes that the body may have; none: everything is shown. */
  readonly maxChars?: number;
  readonly maxBytes?: number;
};

/** How much was left out: 0 nothing, 1 statements, 2 some details, 3 all details but removals, 4 removals beyond a number. */
export type Level = 0 | 1 | 2 | 3 | 4;
export type PlanMarkdown = { readonly body: string; readonly level: Level };

/**
 * Plan → the body of a comment. Where it is too long for its budget, whole parts are left out, never text cut:
 * statements first, then the largest details that take nothing away, at last all details. Removals go last.
 */
export const planMarkdown = (plan: Plan, options: MarkdownOptions = {}): PlanMarkdown => {
  const fits = (body: string): boolean =>
    body.length <= (options.maxChars ?? Number.POSITIVE_INFINITY) &&
    (options.maxBytes === undefined || new TextEncoder().encode(body).length <= options.maxBytes);
  for (const cut of ladder(plan, options)) {
    const body = bodyOf(cut, options);
    if (fits(body)) return { body, level: cut.level };
  }
  return { body: lastResort(plan, options, fits), level: 4 };
};

/** What is shown of a plan: a level is fewer of these. */
type Cut = {
  readonly level: Level;
  readonly view: Outline;
  readonly plan: Plan;
  /** Targets whose details are shown. */
  readonly detailed: ReadonlySet<string>;
  /** How many removals are listed. */
  readonly removals: number;
};

function* ladder(plan: Plan, { drift }: MarkdownOptions): Generator<Cut> {
  const fine = outline(plan, 'fine', drift?.changes);
  const everybody = new Set(fine.targets.map((target) => target.name));
  yield { level: 0, view: fine, plan, detailed: everybody, removals: Number.POSITIVE_INFINITY };
  const view = outline(plan, 'coarse', drift?.changes);
  yield { level: 1, view, plan, detailed: everybody, removals: Number.POSITIVE_INFINITY };
  const bySize = [...view.targets].sort((a, b) => b.lines.length - a.lines.length);
  // Twice as many each time: hundreds of targets are not tried one by one.
  for (let cut = 1; cut < bySize.length; cut *= 2) {
    const detailed = new Set(bySize.slice(cut).map((target) => target.name));
    yield { level: 2, view, plan, detailed, removals: Number.POSITIVE_INFINITY };
  }
  yield { level: 3, view, plan, detailed: new Set(), removals: Number.POSITIVE_INFINITY };
}

/** Removals of the last level at most. */
const REMOVALS_SHOWN = 200;

/** As many removals as fit; a body with none still says how many there are. */
const lastResort = (plan: Plan, options: MarkdownOptions, fits: (body: string) => boolean): string => {
  const view = outline(plan, 'coarse', options.drift?.changes);
  for (let removals = REMOVALS_SHOWN; removals >= 1; removals = Math.floor(removals / 2)) {
    const body = bodyOf({ level: 4, view, plan, detailed: new Set(), removals }, options);
    if (fits(body)) return body;
  }
  return `### 🔑 Access plan — **${countsSentence(view.counts)}**\n\nToo large to be shown here.\n`;
};

const bodyOf = (cut: Cut, options: MarkdownOptions): string => {
  const { view, level } = cut;
  if (view.verdict === 'unchanged') return unchangedBody(view, options);
  const parts: (string | null)[] = [
    `### ${heading(view)}${driftCount(view, options)}`,
    options.subtitle ?? null,
    options.above ?? null,
    level >= 2 ? truncationNote(level, options) : null,
    targetTable(view),
    view.verdict === 'failed' ? 'Nothing can be applied until every target plans without errors.' : null,
    errorList(view),
    level <= 3 ? accessList(view, level) : null,
    removalBlock(view, cut.plan, cut.removals, options.removalsNeed),
    blockedList(view, level),
    driftNote(view, options),
    ...view.targets.map((target) => (cut.detailed.has(target.name) ? detailsMarkdown(target, options.foldLines ?? 20) : leftOut(target))),
    level === 0 && options.picture ? picture(cut.plan) : null,
    level === 0 ? statements(cut.plan) : null,
    level <= 2 ? notes(view, level) : null,
    leftOutNote(options),
    footer(view, level, options),
  ];
  return `${parts.filter((part) => part !== null && part !== '').join('\n\n')}\n`;
};

const unchangedBody = (view: Outline, options: MarkdownOptions): string =>
  `${[
    `### ✅ ${titleOf(view)} — ${view.command === 'drift' ? 'none' : 'no changes'}`,
    options.subtitle ?? null,
    options.above ?? null,
    unchangedText(view),
    notes(view, 0),
    leftOutNote(options),
    footer(view, 0, options),
  ]
    .filter((part) => part !== null && part !== '')
    .join('\n\n')}\n`;

const TITLES: Readonly<Record<Plan['command'], string>> = {
  plan: 'Access plan',
  drift: 'Access drift',
  destroy: 'Access destroy plan',
};
const titleOf = (view: Outline): string => `${TITLES[view.command]} · ${codeSpan(view.stack)}`;

const heading = (view: Outline): string => {
  const title = titleOf(view);
  const failed = view.targets.filter((target) => target.verdict === 'failed').length;
  if (failed > 0) return `❌ ${title} — failed on ${count(failed)} of ${plural(view.targets.length, 'target')}`;
  return `🔑 ${title} — **${countsSentence(view.counts)}**`;
};

const truncationNote = (level: Level, options: MarkdownOptions): string => {
  const where = options.links === undefined ? '' : ` The whole plan: ${options.links}.`;
  const what =
    level === 4
      ? 'Only the first of the changes that take access away are listed.'
      : 'Everything that takes access away is listed here; additions are only counted where they are many.';
  return `> [!IMPORTANT]\n> Too large for one comment. ${what} Apply checks the whole plan, not this text.${where}`;
};

const targetTable = (view: Outline): string =>
  ['| Target | Server | + add | ~ change | − remove | Result |', '|:--|:--|--:|--:|--:|:--|', ...view.targets.map(tableRow)].join('\n');

const tableRow = (target: TargetOutline): string => {
  const { add, change, remove } = target.counts;
  return `| ${cellSpan(target.name)} | ${target.server === '' ? '' : cellSpan(target.server)} | ${count(add)} | ${count(change)} | ${count(remove)} | ${resultCell(target)} |`;
};

const resultCell = (target: TargetOutline): string => {
  const errors = target.findings.filter((finding) => finding.severity === 'error').length;
  const words: Readonly<Record<Verdict, string>> = {
    failed: `❌ ${plural(errors, 'error')}`,
    removes: `⚠️ takes ${whatGoes([target])} away`,
    changes: '✏️ changes',
    unchanged: '✅ no changes',
  };
  return [words[target.verdict], ...(target.blocked.length > 0 ? [`${count(target.counts.blocked)} blocked`] : [])].join(', ');
};

const markdown = (phrase: Phrase): string => phrase.map((piece) => (typeof piece === 'string' ? piece : codeSpan(piece.name))).join('');

/** The target in front of a line, where there are several. */
const prefix = (view: Outline, target: TargetOutline): string => (view.targets.length > 1 ? `${codeSpan(target.name)} ` : '');

const ERRORS_SHOWN = 30;

const errorList = (view: Outline): string => {
  const all = view.targets.flatMap((target) =>
    target.findings.filter((finding) => finding.severity === 'error').map((finding) => `- ${prefix(view, target)}${findingText(finding)}`),
  );
  return capped(all, ERRORS_SHOWN).join('\n');
};

/** The first lines and how many more there are. */
const capped = (lines: readonly string[], limit: number): string[] =>
  lines.length <= limit ? [...lines] : [...lines.slice(0, limit), `- and ${count(lines.length - limit)} more`];

const ICONS: Readonly<Record<Severity, string>> = { error: '❌', warning: '⚠️', note: 'ℹ️' };

const findingText = (finding: Finding): string =>
  [
    `${ICONS[finding.severity]} ${codeSpan(finding.code)}`,
    prose(finding.message),
    ...(finding.source ? [`(${codeSpan(place(finding.source))})`] : []),
    ...(finding.hint === undefined ? [] : [`· ${prose(finding.hint)}`]),
  ].join(' ');

/** Gains of one target before the rest is counted; losses are all shown up to the last level. */
const GAINS_SHOWN = 20;

const accessList = (view: Outline, level: Level): string => {
  const lines = view.targets.flatMap((target) => {
    const losses = target.access
      .filter((line) => line.symbol === '-')
      .map((line) => `- ➖ ${prefix(view, target)}${markdown(usersPhrase(line))} ${markdown(line.text)}`);
    const flips = target.flips.map((line) => `- 🔁 ${prefix(view, target)}${markdown(subjectPhrase(line))} ${markdown(line.text)}`);
    const gains = target.access
      .filter((line) => line.symbol === '+')
      .map((line) => `- ➕ ${prefix(view, target)}${markdown(usersPhrase(line))} ${markdown(line.text)}`);
    const shown = level >= 3 ? [] : gains.slice(0, GAINS_SHOWN);
    const rest = gains.length - shown.length;
    return [...losses, ...flips, ...shown, ...(rest > 0 ? [`- ➕ ${prefix(view, target)}${plural(rest, 'more gain')}`] : [])];
  });
  return lines.length === 0 ? '' : `**Who loses and who gains access**\n\n${lines.join('\n')}`;
};

const removalBlock = (view: Outline, plan: Plan, limit: number, need?: string): string => {
  const all = view.targets.flatMap((target) => target.removals.map((line) => ({ target, line })));
  if (all.length === 0) return '';
  const changes = all.reduce((sum, { target, line }) => sum + changesOf(plan, target, line), 0);
  const lines = all
    .slice(0, limit)
    .map(({ target, line }) => `> - ${prefix(view, target)}${lineMarkdown(line)}${target.drift.includes(line) ? ' · drift' : ''}`);
  const rest = all.length - lines.length;
  const handsOver = all.some(({ line }) => line.symbol !== '-') ? ` or hand${changes === 1 ? 's' : ''} it over` : '';
  const folded = changes === all.length ? '' : ` on ${plural(all.length, 'line')}`;
  const title = `> **${plural(changes, 'change')}${folded} ${changes === 1 ? 'takes' : 'take'} ${whatGoes(all.map(({ target }) => target))} away${handsOver}**${need === undefined ? '' : ` — ${need}`}`;
  return ['> [!WARNING]', title, '>', ...lines, ...(rest > 0 ? [`> - **and ${count(rest)} more that are not listed here**`] : [])].join(
    '\n',
  );
};

/** How many changes a line tells; that sessions end with a login is no change of its own. */
const changesOf = (plan: Plan, { name }: TargetOutline, line: Line): number => {
  const changes = plan.targets.find((target) => target.name === name)?.changes ?? [];
  return Math.max(1, line.changes.filter((index) => changes[index]?.kind !== 'sessions').length);
};

const lineMarkdown = (line: Line): string => {
  const reason = line.reason === null ? '' : ` (${line.reason})`;
  const what =
    line.noun === 'grant' && line.symbol === '-'
      ? `${markdown(subjectPhrase(line))} loses ${markdown(line.text)}`
      : `${line.noun} ${markdown(subjectPhrase(line))} ${markdown(line.text)}`;
  return `${what}${reason}${line.source ? ` · ${codeSpan(place(line.source))}` : ''}`;
};

const BLOCKED_SHOWN = 50;

const blockedList = (view: Outline, level: Level): string => {
  const all = view.targets.flatMap((target) =>
    target.blocked.map((line) => `- ${prefix(view, target)}${lineMarkdown(line)}: ${prose(line.blocked ?? '')}`),
  );
  if (all.length === 0) return '';
  if (level >= 3) return `🚧 **${plural(all.length, 'change')} blocked**`;
  return `🚧 **Blocked: these cannot be done, the rest can**\n\n${capped(all, BLOCKED_SHOWN).join('\n')}`;
};

/** What is drift counts in the heading too. */
const driftCount = (view: Outline, { drift }: MarkdownOptions): string => {
  const changes = driftChanges(view, drift);
  return changes === 0 || view.verdict === 'failed' ? '' : ` · ${count(changes)} of them drift`;
};

const driftChanges = (view: Outline, drift: MarkdownOptions['drift']): number =>
  view.targets.reduce((sum, target) => sum + (drift?.changes.get(target.name)?.size ?? 0), 0);

const driftNote = (view: Outline, { drift }: MarkdownOptions): string => {
  const changes = driftChanges(view, drift);
  if (drift === undefined || changes === 0) return '';
  const [are, they] = changes === 1 ? ['change is', 'it is'] : ['changes are', 'they are'];
  return `ℹ️ ${count(changes)} ${are} **drift**: ${codeSpan(drift.base)} wants that already and the server is not so; ${they} not part of what is proposed here, and applied with it.`;
};

const LEFT_OUT_SHOWN = 30;

const leftOutNote = ({ leftOut = [] }: MarkdownOptions): string => {
  if (leftOut.length === 0) return '';
  const shown = leftOut.slice(0, LEFT_OUT_SHOWN).map(codeSpan).join(', ');
  const rest = leftOut.length - LEFT_OUT_SHOWN;
  return `ℹ️ **Left out**, as nothing about ${leftOut.length === 1 ? 'it' : 'them'} was changed: ${shown}${rest > 0 ? ` and ${count(rest)} more` : ''}. Whether ${leftOut.length === 1 ? 'it has' : 'they have'} drifted is not said here.`;
};

const picture = (plan: Plan): string => {
  const graph = changedGraph(plan);
  return graph === null
    ? ''
    : `<details><summary>Picture of what changes</summary>\n\n${fence('mermaid', graphMermaid(graph).trimEnd())}\n\n</details>`;
};

const NOTES_SHOWN = 30;

const notes = (view: Outline, level: Level): string => {
  const findings = view.targets.flatMap((target) =>
    target.findings.filter((finding) => finding.severity !== 'error').map((finding) => `- ${prefix(view, target)}${findingText(finding)}`),
  );
  const others = view.targets.flatMap((target) => target.notes.map((note) => `- ${prefix(view, target)}${markdown(note)}`));
  const list = capped([...findings, ...others], NOTES_SHOWN).join('\n');
  return [list, ...(level === 0 && view.verdict !== 'unchanged' ? [matched(view)] : [])].filter((part) => part !== '').join('\n\n');
};

const matched = (view: Outline): string => {
  const rows = view.targets.flatMap((target) => target.matches.map((match) => `${visible(match.selector)}: ${plain(match.text)}`));
  return rows.length === 0
    ? ''
    : `<details><summary>What the selectors matched (${count(rows.length)})</summary>\n\n${fence('text', rows.join('\n'))}\n\n</details>`;
};

const footer = (view: Outline, level: Level, options: MarkdownOptions): string =>
  `<sub>${[
    `digest ${codeSpan(shortDigest(view.digest))}`,
    `as of ${codeSpan(view.asOf)}`,
    ...(level > 0 ? [`level ${level} of 4`] : []),
    ...(options.preview === undefined ? [] : [`preview locally: ${codeSpan(options.preview)}`]),
    ...(options.links === undefined ? [] : [options.links]),
  ].join(' · ')}</sub>`;
