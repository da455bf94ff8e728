import type { Command } from './inputs.ts';
import type { Run } from './outcome.ts';

/** The file of each command, loaded only when it is the one that runs. */
export const COMMAND_FILES: Partial<Readonly<Record<Command, () => Promise<Run>>>> = {
  // validate: async () => (await import('./validate.ts')).validate,
};
