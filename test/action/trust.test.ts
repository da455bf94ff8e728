import fs from 'node:fs';
import { expect, test } from 'vitest';

/* The trust policies of the README, as STS reads them: every condition has to hold, and one value of its list is enough. */

type Trust = {
  readonly Statement: readonly { readonly Condition: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>> }[];
};
type Claims = Readonly<Record<string, string>>;

const readme = fs.readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const [plan, apply] = [...readme.matchAll(/```json\n(\{\n {2}"Version": "2012-10-17"[\s\S]*?)```/g)].map(
  ([, text]) => JSON.parse(text!) as Trust,
);

const ISSUER = 'token.actions.githubusercontent.com:';
const fits = (operator: string, pattern: string, value: string): boolean =>
  operator === 'StringLike' && pattern.endsWith('*') ? value.startsWith(pattern.slice(0, -1)) : pattern === value;
const lets = ({ Statement: [statement] }: Trust, claims: Claims): boolean =>
  Object.entries(statement!.Condition).every(([operator, keys]) =>
    Object.entries(keys).every(([key, values]) =>
      [values].flat().some((pattern) => fits(operator, pattern, claims[key.replace(ISSUER, '')] ?? '')),
    ),
  );
const claims = (subject: string, more: Claims = {}): Claims => ({
  aud: 'sts.amazonaws.com',
  repository_id: '456789',
  sub: subject,
  ...more,
});

test.each([
  ['a pull request', 'pull_request', true, false],
  ['the default branch', 'ref:refs/heads/main', true, false],
  ['a merge queue', 'ref:refs/heads/gh-readonly-queue/main/pr-1-abc', true, false],
  ['another branch', 'ref:refs/heads/feature', false, false],
  ['a branch whose name begins like it', 'ref:refs/heads/main-2', false, false],
  ['the environment', 'environment:db-prod', false, true],
  ['another environment', 'environment:db-prod-2', false, false],
])('the roles let in %s as they say', (_name, subject, planned, applied) => {
  for (const repository of ['acme/access', 'acme@123456/access@456789']) {
    const token = claims(`repo:${repository}:${subject}`);
    expect([lets(plan!, token), lets(apply!, token)]).toEqual([planned, applied]);
    for (const other of [{ aud: 'sigstore' }, { repository_id: '1' }, { sub: `repo:evil/access:${subject}` }])
      expect([lets(plan!, { ...token, ...other }), lets(apply!, { ...token, ...other })]).toEqual([false, false]);
  }
});
