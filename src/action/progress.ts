import type { Progress } from '../model/result.ts';
import { progressText } from '../render/progress.ts';
import { detailOf } from './detail.ts';
import type { Job } from './outcome.ts';

/** Tells in the job's log what is going on; nothing where the log may not name anything. */
export const progressTo = (job: Job): ((event: Progress) => void) => {
  if (detailOf(job) === 'summary') return () => {};
  return (event) => {
    const line = progressText(event, { width: 200, colour: false, unicode: true });
    if (line !== null) job.log(line);
  };
};
