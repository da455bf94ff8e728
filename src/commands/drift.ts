import { EXIT, type ExitCode } from '../model/finding.ts';
import type { Console } from './console.ts';
import { type PlanOptions, planCommand } from './plan.ts';

/** The plan of what is merged: exit 2 when the servers are not as declared. */
export const driftCommand = async (options: PlanOptions, console: Console): Promise<ExitCode> => {
  const code = await planCommand({ ...options, detailedExitcode: true, command: 'drift' }, console);
  if (code === EXIT.changes) console.err('drift: the servers are not as declared\n');
  return code;
};
