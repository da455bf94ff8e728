import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import LongFirst from './test/lab/order.ts';

/** Two projects: unit tests do no I/O and share a process; each live file has processes and servers of its own. */
export default defineConfig({
  // those packages' source maps name files that they leave out, which is a hundred warnings
  logLevel: 'error',
  test: {
    // a live test waits for its servers, GitHub's pauses and broken connections: two workers more than there are cores
    maxWorkers: Math.min(availableParallelism() + 2, 6),
    sequence: { sequencer: LongFirst },
    // GitHub's parser imports JSON in a way that Node does not take.
    server: { deps: { inline: [/@actions\/(workflow-parser|expressions)/] } },
    reporters: ['default', './test/lab/reporter.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/live/**'],
          isolate: false,
          setupFiles: './test/lab/chance.ts',
          testTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'live',
          include: ['test/live/**/*.test.ts'],
          globalSetup: './test/lab/built.ts',
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
