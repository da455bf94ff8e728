import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CliHere, cliHere } from './cli.ts';

/* What doctor says of a server that is named on the command line: in words of options. Nothing listens there. */

let cli: CliHere;
beforeAll(() => {
  cli = cliHere();
});
afterAll(() => cli.remove());

const SERVER = ['--engine', 'postgres', '--host', '127.0.0.1', '--port', '9'];
const MANIFEST_WORDS = /the manifest|login:|endpoint:|rds:/;

test.each<[string, readonly string[], RegExp]>([
  ['who nobody is', ['--fix-admin'], /nobody to log in as · set PGUSER, or name it with --user/],
  ['that it cannot be asked what the login lacks', ['--fix-admin', '--user', 'app'], /check --host and --port, or PGHOST/],
  ['that its log cannot be read', ['--denied'], /the server is none of RDS: its log is a file on its machine/],
])('%s', async (_name, args, said) => {
  const { code, out, err } = await cli.run(['doctor', ...args, ...SERVER], { env: { PGUSER: '', USER: '', USERNAME: '' } });
  const all = `${out}${err}`;
  expect([code, all]).toEqual([3, expect.stringMatching(said)]);
  expect(all).not.toMatch(MANIFEST_WORDS);
});
