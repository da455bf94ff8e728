import { expect, test } from 'vitest';
import { accountAt } from '../../src/engine/account-at.ts';
import { declareIam } from '../../src/manifest/declare-iam.ts';
import { readManifest } from '../../src/manifest/validate.ts';
import type { Finding } from '../../src/model/finding.ts';

const { manifest } = readManifest([
  {
    path: 'access.yaml',
    text: `version: 1
stack: acme/access
targets:
  orders: { engine: postgres, rds: { cluster: orders, region: eu-west-1 }, login: { user: rolecall } }
  stats: { engine: postgres, rds: { cluster: stats, region: eu-west-1 }, login: { user: rolecall } }
iam: { account: "123456789012" }
users: { jane: { targets: [orders], auth: iam, principals: [user/jane] } }
`,
  },
]);
const account = declareIam(manifest!, { asOf: '2026-07-01T00:00:00Z' })!;
const denied: Finding = { severity: 'error', code: 'aws/access-denied', message: 'nobody may ask', hint: 'allow it', target: 'orders' };
const { hint: _, ...hintless } = denied;

test.each<[string, Finding | null, string, string]>([
  ['and why, and what mends it', denied, ': nobody may ask', 'allow it'],
  ['and why, where nothing is known to mend it', hintless, ': nobody may ask', 'mend that first'],
  ['where the reason is told elsewhere', null, '', 'mend that first'],
])('an account whose policies name a server that is not known says which one it is, %s', (_name, reason, why, hint) => {
  expect(accountAt(account, new Map(), new Map([['orders', reason]]))).toEqual({
    findings: [
      expect.objectContaining({
        severity: 'error',
        code: 'iam/no-place',
        message: `the account is not planned, and nothing is taken from anybody: its policies name orders, which could not be found${why}`,
        hint,
        target: 'iam',
      }),
    ],
  });
});

test('a server that no policy names is not missed', () => {
  const { findings } = accountAt(account, new Map(), new Map([['stats', denied]]));
  expect(findings.map(({ message }) => message)).not.toContainEqual(expect.stringContaining('not planned'));
});
