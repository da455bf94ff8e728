import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Console } from '../../src/commands/console.ts';
import type { Format } from '../../src/commands/format.ts';
import { planCommand } from '../../src/commands/plan.ts';
import { EXIT, Failure } from '../../src/model/finding.ts';

let folder: string;
const manifest = () => path.join(folder, 'rolecall.yaml');

/** A port that nothing listens on any more. */
const closedPort = async (): Promise<number> => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
};

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'rolecall-unreachable-'));
  const target = `{ engine: postgres, endpoint: { host: 127.0.0.1, port: ${await closedPort()}, tls: disable }, login: { user: rolecall } }`;
  writeFileSync(manifest(), `version: 1\nstack: test/access\ntargets:\n  gone: ${target}\ngroups:\n  readers: {}\n`);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What `plan` prints, and how it ends. */
const plan = async (format: Format, out?: string): Promise<{ readonly text: string; readonly failure: unknown }> => {
  let text = '';
  const terminal = { width: 100, colour: false, unicode: true };
  const console: Console = {
    out: (more) => {
      text += more;
    },
    err: () => {},
    outTerminal: terminal,
    errTerminal: terminal,
    interactive: false,
    ask: async () => null,
    now: () => new Date('2026-06-01T00:00:00Z'),
    signal: new AbortController().signal,
  };
  const options = { manifest: [manifest()], target: [], detailedExitcode: false, format, ...(out === undefined ? {} : { out }) };
  const failure = await planCommand(options, console).catch((error: unknown) => error);
  return { text, failure };
};

describe('the plan of a target that cannot be reached', () => {
  test.each([
    ['human', '✗ gone', 'nothing listens on port'],
    ['markdown', 'failed on 1 of 1 target', 'nothing listens on port'],
    ['json', '"name": "gone"', 'connect/refused'],
  ] as const)('says so as %s, and never that all is well', async (format, ...expected) => {
    const { text, failure } = await plan(format);
    for (const part of expected) expect(text).toContain(part);
    expect(text.toLowerCase()).not.toContain('no changes');
    expect(failure instanceof Failure && failure.exitCode).toBe(EXIT.error);
  });

  test('is not saved', async () => {
    const { failure } = await plan('human', path.join(folder, 'plan.json'));
    expect(failure instanceof Failure && failure.findings.map(({ code }) => code)).toEqual(['plan/not-saved']);
  });
});
