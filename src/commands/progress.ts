import type { Progress } from '../model/result.ts';
import { progressText } from '../render/progress.ts';
import type { Console } from './console.ts';

/** Tells on stderr what is going on, a line at a time. */
export const progressTo =
  (console: Console): ((event: Progress) => void) =>
  (event) => {
    const line = progressText(event, console.errTerminal);
    if (line !== null) console.err(`${line}\n`);
  };
