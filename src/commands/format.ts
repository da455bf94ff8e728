import type { Plan } from '../model/plan.ts';
import type { Terminal } from '../render/layout.ts';

export const FORMATS = ['human', 'json', 'jsonl', 'markdown', 'sql', 'github'] as const;
export type Format = (typeof FORMATS)[number];

/** A plan in the format that was asked for; each renderer is loaded only when it is. */
export const renderPlan = async (
  plan: Plan,
  format: Format,
  terminal: Terminal,
  next: 'next' | 'no-next' = 'next',
  rotate: readonly string[] = [],
): Promise<string> => {
  switch (format) {
    case 'human':
      return (await import('../render/terminal.ts')).planText(plan, terminal, next, rotate);
    case 'json':
      return (await import('../render/json.ts')).planJson(plan);
    case 'jsonl':
      return (await import('../render/json.ts')).planJsonLines(plan);
    case 'markdown':
      return (await import('../render/markdown.ts')).planMarkdown(plan).body;
    case 'sql':
      return (await import('../render/sql.ts')).planSql(plan);
    case 'github': {
      const { findingsAnnotations } = await import('../render/annotations.ts');
      return findingsAnnotations(plan.targets.flatMap((target) => target.findings));
    }
  }
};
