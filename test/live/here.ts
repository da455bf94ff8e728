import { Writable } from 'node:stream';
import { run } from '../../src/commands/program.ts';
import type { Ended } from './cli.ts';

/**
 * Runs the command in this process, in that folder and with no variables but those: what it says and does is the same as from a
 * program of its own, for a tenth of the work. One at a time, since a process has one folder and one environment.
 */
export const runHere = async (args: readonly string[], cwd: string, env: Readonly<Record<string, string>>): Promise<Ended> => {
  if (running) throw new Error(`${args.join(' ')}: another command runs in this process, and two need programs of their own`);
  running = true;
  const before = { cwd: process.cwd(), env: { ...process.env } };
  const [out, err] = [capture('stdout'), capture('stderr')];
  process.chdir(cwd);
  become(env);
  try {
    const code = await run(args);
    return { code, out: out.text(), err: err.text() };
  } finally {
    become(before.env);
    process.chdir(before.cwd);
    out.end();
    err.end();
    running = false;
  }
};
let running = false;

const become = (env: NodeJS.ProcessEnv): void => {
  for (const name of Object.keys(process.env)) if (!(name in env)) delete process.env[name];
  Object.assign(process.env, env);
};

/** Puts a stream that is no terminal in the place of the process's own. */
const capture = (name: 'stdout' | 'stderr') => {
  const own = Object.getOwnPropertyDescriptor(process, name)!;
  const written: Buffer[] = [];
  const value = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      written.push(chunk);
      done();
    },
  });
  Object.defineProperty(process, name, { ...own, get: () => value });
  return {
    text: () => Buffer.concat(written).toString('utf8'),
    end: () => Object.defineProperty(process, name, own),
  };
};
