import fc from 'fast-check';
import { expect, test } from 'vitest';
import { annotations } from '../../src/action/annotations.ts';
import { contextOf } from '../../src/action/context.ts';
import { withoutNames } from '../../src/action/detail.ts';
import { failedOutcome, reasonOf } from '../../src/action/failed.ts';
import { lineLink } from '../../src/action/links.ts';
import { openLog } from '../../src/action/log.ts';
import { outputsText, summaryText } from '../../src/action/outputs.ts';
import { EXIT, type ExitCode, Failure, type Finding } from '../../src/model/finding.ts';
import { parseFileCommands } from '../lab/github/file-commands.ts';
import { readLog } from '../lab/github/log-commands.ts';

const finding = (over: Partial<Finding> = {}): Finding => ({ severity: 'error', code: 'manifest/x', message: 'wrong', ...over });
const hostile = fc.string({
  unit: fc.constantFrom('a', '\n', '\r', ':', '::', '%', '%0A', '<<', '=', ',', '::error::', '`', '|', '\u2028'),
});

/** A carriage return at the very end the runner takes for a part of the line end. */
const kept = hostile.filter((text) => !text.endsWith('\r'));

test('the runner reads every output as it was written, whatever it holds', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom('a', 'b', 'c'), kept), (outputs) => {
      expect(parseFileCommands(outputsText(outputs))).toEqual({ ...outputs });
    }),
    { numRuns: 300 },
  );
});

test('an output that is not known is not written', () => {
  expect(outputsText({ a: null })).toBe('');
  expect(parseFileCommands(outputsText({ a: 3, b: false }))).toEqual({ a: '3', b: 'false' });
});

test('of several summaries the first that GitHub takes is written whole, else that none fits', () => {
  expect(summaryText([])).toBe('');
  expect(summaryText(['long', 'x'], 3)).toBe('x\n');
  expect(summaryText(['é'.repeat(2)], 3)).toContain('longer than GitHub shows');
});

test('nothing that is printed is obeyed, and what is to be obeyed is', () => {
  fc.assert(
    fc.property(fc.array(hostile, { maxLength: 20 }), (texts) => {
      let written = '';
      const log = openLog((text) => {
        written += text;
      });
      for (const text of texts) log.print(`${text}\n::error::${text}\n::add-mask::a`);
      log.command('::notice::ours\n');
      log.close();
      expect(written).not.toContain('##[');
      const reader = readLog([]);
      for (const line of written.split('\n')) reader.read(line);
      expect(reader.annotations).toEqual([{ level: 'notice', message: 'ours' }]);
      expect(reader.masked('a')).toBe('a');
    }),
    { numRuns: 200 },
  );
});

test('a mask hides every line of a secret', () => {
  let written = '';
  const log = openLog((text) => {
    written += text;
  });
  log.mask('first\n100%25 second');
  const reader = readLog([]);
  for (const line of written.split('\n')) reader.read(line);
  expect(reader.masked('a first b 100%25 second c')).toBe('a *** b *** c');
});

test('a library that talks to the runner is heard, and nobody after it', async () => {
  const written: string[] = [];
  const log = openLog((text) => void written.push(text), 'token');
  await expect(log.listening(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(written).toEqual(['::stop-commands::token\n', '::token::\n', '::stop-commands::token\n']);
});

test('a file is named from the root of the repository', () => {
  const at = (file: string, cwd: string) =>
    annotations([finding({ source: { file, line: 3, column: 1 } })], { workspace: '/work', cwd }).split(',')[0];
  expect([at('./access/a.yaml', '/work'), at('access/a.yaml', '/work/infra'), at('/work/a,b.yaml', '/')]).toEqual([
    '::error file=access/a.yaml',
    '::error file=infra/access/a.yaml',
    '::error file=a%2Cb.yaml',
  ]);
});

test('of each kind ten annotations are written at most, the last of which counts the rest', () => {
  const many = ['error', 'warning', 'note'].flatMap((severity) =>
    Array.from({ length: 13 }, (_, line) => finding({ severity: severity as Finding['severity'], source: { file: 'a', line, column: 1 } })),
  );
  const reader = readLog([]);
  for (const line of annotations(many, { workspace: '/', cwd: '/' }).split('\n')) reader.read(line);
  expect(reader.complaints).toEqual([]);
  expect(reader.annotations).toHaveLength(30);
  expect(reader.annotations.filter(({ message }) => /^4 more (errors|warnings|notes)/.test(message))).toHaveLength(3);
});

test.each([
  ['manifest/unknown-key', EXIT.error, 'config-invalid'],
  ['connect/refused', EXIT.error, 'connect'],
  ['aws/wrong-account', EXIT.error, 'auth'],
  ['login/denied', EXIT.error, 'auth'],
  ['pin/withheld', EXIT.refused, 'policy'],
  ['guard/max-removals', EXIT.refused, 'policy'],
  ['role/unknown', EXIT.refused, 'policy'],
  ['apply/stale', EXIT.stale, 'plan-changed'],
  ['apply/partial', EXIT.partial, 'apply-partial'],
  ['apply/lock', EXIT.locked, 'locked'],
] as const)('%s with exit %i fails as %s', (code, exit, reason) => {
  expect(reasonOf(new Failure([finding({ code })], exit as ExitCode))).toBe(reason);
});

test('no name in a summary is a mention, a link, HTML or a new cell', () => {
  const message = "user '@octocat|<img src=x>|[a](http://x)|#1|`' is unknown";
  const [summary = ''] = failedOutcome(new Failure([finding({ message, source: { file: 'a|b.yaml', line: 1, column: 1 } })])).summary;
  const [row = ''] = summary.split('\n').filter((line) => line.includes('octocat'));
  expect(row.match(/\|/g)).toHaveLength(4);
  expect(row.replace(/(`+)(?!`).*?[^`]\1(?!`)/g, '')).not.toMatch(/[@<]octocat|<img|http|#1/);
});

test('a line of the manifest is linked at its commit, a file from elsewhere is not', () => {
  const context = contextOf({ GITHUB_EVENT_NAME: 'push', GITHUB_REPOSITORY: 'a/b', GITHUB_SHA: 'c1', GITHUB_WORKSPACE: '/work' }, {});
  const link = lineLink(context, '/work');
  expect(link('./access/a (1).yaml', 3)).toBe('https://github.com/a/b/blob/c1/access/a%20%281%29.yaml#L3');
  expect(link('../elsewhere.yaml', 3)).toBeNull();
});

test('where anybody reads, findings of servers say no name, and those of the repository say all', () => {
  const source = { file: 'access/a.yaml', line: 3, column: 1 };
  const findings = [
    finding({ code: 'manifest/unknown-role', message: "role 'jane'", source }),
    finding({ code: 'connect/refused', message: "host 'db.internal'", hint: 'db.internal', target: 'shop', source }),
  ];
  const [own, other] = withoutNames(findings);
  expect(own).toEqual(findings[0]);
  expect(other).toMatchObject({ severity: 'error', code: 'connect/refused', source });
  expect(JSON.stringify(other)).not.toMatch(/internal|shop/);
});
