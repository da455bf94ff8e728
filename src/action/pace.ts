import type { Pace } from '../engine/read.ts';
import type { Job } from './outcome.ts';

/** How many targets are worked on at once, and how long servers are waited for, as the workflow says. */
export const paceOf = ({ inputs: { parallelism, connectTimeoutMs, statementTimeoutMs } }: Pick<Job, 'inputs'>): Pace => ({
  parallel: parallelism,
  timeouts: {
    ...(connectTimeoutMs === null ? {} : { connectMs: connectTimeoutMs }),
    ...(statementTimeoutMs === null ? {} : { statementMs: statementTimeoutMs }),
  },
});
