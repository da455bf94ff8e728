import { expect, test } from 'vitest';
import { DEFAULTS, inputsOf } from '../../src/action/inputs.ts';
import type { Failure } from '../../src/model/finding.ts';
import { readActionMetadata } from '../lab/github/runner.ts';

const withInputs = (inputs: Readonly<Record<string, string>>) =>
  inputsOf(
    Object.fromEntries(Object.entries({ command: 'plan', ...inputs }).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value])),
  );
const troubleOf = (inputs: Readonly<Record<string, string>>): readonly string[] => {
  try {
    withInputs(inputs);
    return [];
  } catch (error) {
    return (error as Failure).findings.map(({ message, hint }) => [message, hint].filter(Boolean).join(' · '));
  }
};

test('action.yml has these inputs and no other, with the same defaults', () => {
  const declared = Object.entries(readActionMetadata().inputs).map(([name, input]) => [name, input.default ?? '']);
  expect(Object.fromEntries(declared)).toEqual({ ...DEFAULTS, 'github-token': '${{ github.token }}' });
});

test('what is left out is as action.yml says', () => {
  expect(withInputs({})).toMatchObject({
    command: 'plan',
    targets: [],
    comment: 'update',
    commentKey: 'access',
    foldLines: 20,
    maxRemovals: 10,
    destroyPolicy: 'require-label',
    lockWaitMs: 120_000,
    summary: true,
    labels: false,
    planRoleArn: null,
  });
});

test.each([
  ['targets of one line', { targets: 'shop, billing' }, { targets: ['shop', 'billing'] }],
  ['targets of several lines', { targets: 'shop\n  billing\n' }, { targets: ['shop', 'billing'] }],
  ['all targets', { targets: 'all' }, { targets: [], changedOnly: false }],
  ['targets that a pull request changes', { targets: 'changed' }, { targets: [], changedOnly: true }],
  ['several manifests', { manifest: 'a\nb' }, { manifest: ['a', 'b'], commentKey: 'a b' }],
  ['a key of its own', { manifest: 'a', 'comment-key': 'prod' }, { commentKey: 'prod' }],
  ['minutes', { 'lock-wait': '2m' }, { lockWaitMs: 120_000 }],
  ['bare seconds', { 'lock-wait': '30' }, { lockWaitMs: 30_000 }],
  ['no removals at all', { 'max-removals': '0' }, { maxRemovals: 0 }],
  ['blanks around a word', { comment: ' none ' }, { comment: 'none' }],
  ['how fast', { parallelism: '8', 'connect-timeout': '30s' }, { parallelism: 8, connectTimeoutMs: 30_000, statementTimeoutMs: null }],
  ['accounts', { 'allowed-account-ids': '111122223333 012345678901' }, { allowedAccountIds: ['111122223333', '012345678901'] }],
])('%s', (_name, given, expected) => {
  expect(withInputs(given)).toMatchObject(expected);
});

test.each([
  ['no command', { command: '' }, /^input 'command' is missing: expected validate, plan, apply, drift, report or prove$/],
  ['changed beside names', { targets: 'changed shop' }, /^input 'targets' is 'changed shop': expected names, or 'changed' alone/],
  ['changed for what is applied', { command: 'apply', targets: 'changed' }, /expected names or 'all' with command: apply/],
  ['a typing error', { command: 'pln' }, /^input 'command' is 'pln': expected .* · did you mean 'plan'\?$/],
  ['YAML that is no boolean here', { summary: 'yes' }, /^input 'summary' is 'yes': expected true or false/],
  ['a number with a unit', { 'max-removals': '10 roles' }, /^input 'max-removals' is '10 roles': expected a whole number/],
  ['nothing at once', { parallelism: '0' }, /^input 'parallelism' is '0': expected a whole number from 1/],
  ['a negative number', { 'fold-lines': '-1' }, /expected a whole number from 0/],
  ['an unknown unit', { 'lock-wait': '1h' }, /^input 'lock-wait' is '1h': expected a duration such as '120s'/],
  ['a role name', { 'plan-role-arn': 'plan' }, /^input 'plan-role-arn' is 'plan': expected the ARN of a role · arn:aws:iam::/],
  ['an account that YAML read as a number', { 'allowed-account-ids': '12345678901' }, /12 digits · quote them in YAML/],
  ['a label that GitHub refuses', { 'destroy-label': 'x'.repeat(51) }, /expected at most 50 characters$/],
  ['an input of nobody', { 'max-removal': '3' }, /^there is no input 'max-removal' · did you mean 'max-removals'\?$/],
])('%s is told with what was expected', (_name, given, message) => {
  expect(troubleOf(given)).toEqual([expect.stringMatching(message)]);
});

test('everything that is wrong is told at once', () => {
  expect(troubleOf({ command: 'pln', summary: 'ja', 'fold-lines': 'x' })).toHaveLength(3);
});
