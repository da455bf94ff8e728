import type { Plan, PlanTarget } from '../model/plan.ts';
import { codeSpan } from './escape.ts';
import { countsSentence, shortDigest, totalCounts, whatGoes } from './outline.ts';
import { count, plural } from './phrase.ts';

/**
 * A plan in numbers: no name of a target, a user or an object, for places that anybody reads. Targets are counted in the order of the
 * manifest.
 */
export const countsMarkdown = (
  plan: Plan,
  {
    subtitle,
    above,
    links,
    leftOut = 0,
  }: { readonly subtitle?: string; readonly above?: string; readonly links?: string; readonly leftOut?: number } = {},
): string => {
  const failed = plan.targets.filter(isFailed).length;
  const counts = totalCounts(plan.targets);
  const changes = plan.targets.reduce((sum, target) => sum + target.changes.length, 0);
  const heading =
    failed > 0
      ? `❌ Access plan — failed on ${count(failed)} of ${plural(plan.targets.length, 'target')}`
      : changes === 0
        ? '✅ Access plan — no changes'
        : `🔑 Access plan — **${countsSentence(counts)}**`;
  const rows = plan.targets.map((target, index) => rowOf(target, index));
  return `${[
    `### ${heading}`,
    subtitle ?? '',
    above ?? '',
    ['| Target | + add | ~ change | − remove | Result |', '|:--|--:|--:|--:|:--|', ...rows].join('\n'),
    counts.remove > 0
      ? `> [!WARNING]\n> **${plural(counts.remove, 'change')} ${counts.remove === 1 ? 'takes' : 'take'} ${whatGoes(plan.targets.filter((target) => target.counts.remove > 0))} away**`
      : '',
    leftOut > 0 ? `ℹ️ ${plural(leftOut, 'target')} left out, as nothing about ${leftOut === 1 ? 'it' : 'them'} was changed.` : '',
    'Names are left out, because anybody may read this. `rolecall plan` shows them on your machine.',
    `<sub>${[`digest ${codeSpan(shortDigest(plan.digest))}`, ...(links === undefined ? [] : [links])].join(' · ')}</sub>`,
  ]
    .filter((part) => part !== '')
    .join('\n\n')}\n`;
};

const isFailed = (target: PlanTarget): boolean => target.findings.some(({ severity }) => severity === 'error');

const rowOf = (target: PlanTarget, index: number): string => {
  const { add, change, remove, blocked } = target.counts;
  const codes = [...new Set(target.findings.filter(({ severity }) => severity === 'error').map(({ code }) => codeSpan(code)))];
  const words = isFailed(target)
    ? `❌ ${codes.join(', ')}`
    : remove > 0
      ? `⚠️ takes ${whatGoes([target])} away`
      : target.changes.length > 0
        ? '✏️ changes'
        : '✅ no changes';
  const result = blocked > 0 ? `${words}, ${count(blocked)} blocked` : words;
  return `| ${count(index + 1)} | ${count(add)} | ${count(change)} | ${count(remove)} | ${result} |`;
};
