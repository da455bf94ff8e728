import { digest } from '../core/digest.ts';
import { EXIT, type ExitCode, failure } from '../model/finding.ts';
import type { Plan } from '../model/plan.ts';
import type { Console } from './console.ts';
import { type Format, renderPlan } from './format.ts';
import { READ_TROUBLE } from './read-input.ts';

/** Renders a saved plan. */
export const showCommand = async (path: string, format: Format, console: Console): Promise<ExitCode> => {
  console.out(await renderPlan(await openPlan(path), format, console.outTerminal));
  return EXIT.ok;
};

/** Reads a plan file; one whose content does not match its digest was edited. */
export const openPlan = async (path: string): Promise<Plan> => {
  const { readFile } = await import('node:fs/promises');
  const { readPlan } = await import('../render/saved-plan.ts');
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw failure('plan/not-found', `cannot read plan file '${path}': ${READ_TROUBLE[error.code ?? ''] ?? error.message}`, {
      hint: "write one with 'rolecall plan --out plan.json'",
    });
  });
  const plan = readPlan(text, path);
  if (digest(plan.targets) === plan.digest) return plan;
  throw failure('plan/digest', `plan file '${path}' was changed after it was written: its digest does not match what it holds`, {
    hint: 'plan again',
  });
};
