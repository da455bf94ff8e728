import { describe, expect, test } from 'vitest';
import { withLogins } from '../../src/action/logins.ts';
import { withhold } from '../../src/action/withhold.ts';
import { sessionOf } from '../../src/engine/session.ts';
import { readManifest } from '../../src/manifest/validate.ts';

const BASE = `version: 1
stack: acme/access
iam: { account: "123456789012" }
targets:
  orders: { engine: postgres, rds: { cluster: orders, region: eu-west-1 }, login: { user: rolecall, plan_user: reader, auth: iam } }
  billing: { engine: mysql, rds: { cluster: billing, region: eu-west-1 }, login: { user: rolecall, plan_user: reader, auth: iam } }
users:
  jane: { targets: [orders], auth: iam, principals: [user/jane] }
alarms:
  failed: { targets: [billing] }
`;

const session = (target: readonly string[] = [], text = BASE) => {
  const { manifest, findings } = readManifest([{ path: 'access.yaml', text }]);
  if (!manifest) throw new Error(JSON.stringify(findings));
  return sessionOf(manifest, [], { target, now: '2026-06-01T00:00:00Z' }, () => new Date());
};

describe('what waits with a target that is withheld', () => {
  test.each([
    ['neither account nor alarms, of none', [], ['orders', 'billing'], true, true],
    ['the account, whose policies name it', ['orders'], ['billing'], false, true],
    ['the alarms, which watch it', ['billing'], ['orders'], true, false],
    ['both', ['orders', 'billing'], [], false, false],
  ])('%s', (_, withheld, left, account, watch) => {
    const { session: rest, findings } = withhold(session(), new Set(withheld));
    expect({
      left: rest.declareds.map(({ target }) => target.name),
      account: rest.account !== null,
      watch: Boolean(rest.watch),
      said: findings.map(({ severity, code, target }) => `${severity} ${code} ${target}`),
    }).toEqual({
      left,
      account,
      watch,
      said: [...(account ? [] : ['error pin/withheld iam']), ...(watch ? [] : ['error pin/withheld alarms'])],
    });
  });

  test('one that alarms watch is not logged in to, chosen or not', () => {
    const chosen = session(['alarms']);
    expect(chosen.elsewhere.map(({ name }) => name)).toEqual(['billing']);
    expect(withhold(chosen, new Set(['billing'])).session).toMatchObject({ elsewhere: [], watch: null });
  });
});

test('a server that alarms watch is asked by the login of the base', () => {
  const proposed = session(['alarms'], BASE.replaceAll('plan_user: reader', 'plan_user: rolecall'));
  expect(withLogins(proposed, session()).elsewhere.map(({ login }) => login.planUser)).toEqual(['reader']);
});
