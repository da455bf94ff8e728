// npm run bench:action   what it takes to load dist/ (or the folder that is named) and to validate a manifest of 1,000 lines, over what
// Node takes by itself; and how large it is
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { NODE24 } from '../test/lab/github/runner.ts';

const ROUNDS = 21;
const DIST = path.resolve(process.argv[2] ?? 'dist');
const MAIN = path.join(DIST, 'index.js');
const scratch = mkdtempSync(path.join(tmpdir(), 'rolecall-bench-'));
const RUNNER = { GITHUB_EVENT_NAME: 'push', GITHUB_REPOSITORY: 'acme/access', RUNNER_TEMP: scratch };

/** The median, which another process on the machine moves less than it moves the mean. */
const timeOf = (args: readonly string[], inputs: Readonly<Record<string, string>> = {}): number => {
  const times = Array.from({ length: ROUNDS }, () => {
    const began = performance.now();
    spawnSync(NODE24, args, { cwd: scratch, env: { ...RUNNER, ...inputs } });
    return performance.now() - began;
  });
  return times.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)]!;
};

const USERS = 332;
const manifest = `version: 1
stack: acme/access
targets:
  shop: { engine: postgres, endpoint: { host: db.example.com, region: eu-west-1 }, login: { user: rolecall, auth: iam } }
groups:
  readers: { read: [shop.public] }
users:
${Array.from({ length: USERS }, (_, at) => `  user_${at}:\n    auth: iam\n    groups: [readers]\n`).join('')}`;

mkdirSync(path.join(scratch, 'access'));
writeFileSync(path.join(scratch, 'access/rolecall.yaml'), manifest);
const bare = timeOf(['-e', '0']);
const over = (ms: number): string => `${ms.toFixed(0)} ms (+${(ms - bare).toFixed(0)} ms)`;
console.log(`bare Node ${bare.toFixed(0)} ms`);
console.log(`dist/, refusing an input: ${over(timeOf([MAIN], { INPUT_COMMAND: 'none' }))}`);
console.log(`dist/, validate of ${manifest.split('\n').length - 1} lines: ${over(timeOf([MAIN], { INPUT_COMMAND: 'validate' }))}`);
const bytes = readdirSync(DIST, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.js'))
  .reduce((sum, file) => sum + statSync(path.join(DIST, file)).size, 0);
console.log(`dist/, all scripts: ${(bytes / 1e6).toFixed(1)} MB`);
rmSync(scratch, { recursive: true });
