import { execFile, spawnSync } from 'node:child_process';
import path from 'node:path';
import type { Postgres } from '../test/lab/postgres.ts';

export const CLI = path.resolve('build/cli.js');

/** A module that tells the peak of memory at exit. */
const PEAK = 'data:text/javascript,process.on("exit",()=>process.stderr.write("\\npeak "+process.resourceUsage().maxRSS))';

export type Run = { readonly ms: number; readonly mb: number; readonly out: string; readonly status: number | null };

/** One run of the command; the peak of its memory is told by a line that a preloaded module writes at exit. */
export const rolecall = ({ master }: Pick<Postgres, 'master'>, ...args: readonly string[]): Run => {
  const began = performance.now();
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--import', PEAK, CLI, ...args], {
    encoding: 'utf8',
    maxBuffer: 1 << 30,
    env: { ...process.env, BENCH_PASSWORD: master.password, NO_COLOR: '1' },
  });
  return ended(performance.now() - began, args, { stdout, stderr, status });
};

/** The same beside servers that this process runs, which therefore must not be blocked. */
export const rolecallBeside = async (env: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<Run> => {
  const began = performance.now();
  const { stdout, stderr, status } = await new Promise<{ stdout: string; stderr: string; status: number | null }>((resolve) => {
    const options = { maxBuffer: 1 << 30, env: { ...process.env, ...env, NO_COLOR: '1' } };
    const child = execFile(process.execPath, ['--import', PEAK, CLI, ...args], options, (_, stdout, stderr) =>
      resolve({ stdout, stderr, status: child.exitCode }),
    );
  });
  return ended(performance.now() - began, args, { stdout, stderr, status });
};

const ended = (
  ms: number,
  args: readonly string[],
  { stdout, stderr, status }: { stdout: string; stderr: string; status: number | null },
): Run => {
  if (status === null || ![0, 2].includes(status))
    throw new Error(`rolecall ${args.join(' ')} ended with ${status}\n${stdout.slice(-2000)}\n${stderr.slice(-2000)}`);
  return { ms, mb: Number(/peak (\d+)$/.exec(stderr)![1]) / 1024, out: stdout, status };
};

/** How long Node takes with these arguments, from start to end, without anything that measures. */
export const nodeMs = (args: readonly string[], env: Readonly<Record<string, string>> = {}): number => {
  const began = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, { env: { ...process.env, ...env } });
  const ms = performance.now() - began;
  if (status !== 0) throw new Error(`node ${args.join(' ')} ended with ${status}\n${stderr}`);
  return ms;
};

export const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

/** Several in turn, so that what else the machine does falls on all of them alike: the median of each. */
export const inTurn = (rounds: number, ...measures: readonly (() => number)[]): number[] => {
  const taken = Array.from({ length: rounds }, () => measures.map((measure) => measure()));
  return measures.map((_, index) => median(taken.map((round) => round[index]!)));
};
