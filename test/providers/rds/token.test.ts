import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Failure } from '../../../src/model/finding.ts';
import type { Keys } from '../../../src/providers/rds/connect.ts';
import { type TokenRequest, tokenFor } from '../../../src/providers/rds/token.ts';
import { verifyToken } from '../../lab/iam/token.ts';

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);
const KEYS: Keys = { accessKeyId: 'AKIAEXAMPLE000000001', secretAccessKey: 'c4n4ry/secret+key' };
const HOST = 'orders.cluster-abc123.eu-west-1.rds.amazonaws.com';

const request = (rest: Partial<TokenRequest> = {}): TokenRequest => ({
  host: HOST,
  port: 5432,
  region: 'eu-west-1',
  user: 'orders_api',
  credentials: async () => KEYS,
  ...rest,
});

const verified = (token: string, rest: { user?: string; endpoint?: string; keys?: Keys } = {}) =>
  verifyToken(token, {
    endpoint: rest.endpoint ?? `${HOST}:5432`,
    region: 'eu-west-1',
    user: rest.user ?? 'orders_api',
    secretOf: (id, session) => {
      const keys = rest.keys ?? KEYS;
      return id === keys.accessKeyId && session === keys.sessionToken ? keys.secretAccessKey : undefined;
    },
    now: NOW,
  });

beforeEach(() => {
  vi.useFakeTimers({ now: NOW, toFake: ['Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

test('a token is the presigned request that RDS expects, byte for byte', async () => {
  expect(await tokenFor(request())).toMatchInlineSnapshot(
    `"orders.cluster-abc123.eu-west-1.rds.amazonaws.com:5432/?Action=connect&DBUser=orders_api&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAEXAMPLE000000001%2F20260102%2Feu-west-1%2Frds-db%2Faws4_request&X-Amz-Date=20260102T030405Z&X-Amz-Expires=900&X-Amz-Signature=7f5ab062513775d820eb6fcd1ab81612689536c1cb0e9dfa9657a283566a75c8&X-Amz-SignedHeaders=host"`,
  );
});

test.each<[string, Partial<TokenRequest>, Parameters<typeof verified>[1]]>([
  ['a plain user', {}, {}],
  ['a user with odd letters', { user: 'öd d@x+y&z=%' }, { user: 'öd d@x+y&z=%' }],
  ['a host in upper case, with a final dot', { host: `${HOST.toUpperCase()}.` }, {}],
  ['another port', { port: 6543 }, { endpoint: `${HOST}:6543` }],
  [
    'keys with a session token',
    { credentials: async () => ({ ...KEYS, sessionToken: 's/e+ss=ion' }) },
    { keys: { ...KEYS, sessionToken: 's/e+ss=ion' } },
  ],
])('the signature of a token for %s holds when it is computed anew', async (_name, rest, expected) => {
  expect(await verified(await tokenFor(request(rest)), expected)).toMatchObject({ ok: true });
});

test.each<[string, Partial<TokenRequest>, string]>([
  ['no host', { host: '' }, 'token/host'],
  ['a host with a port', { host: `${HOST}:5432` }, 'token/host'],
  ['a URL', { host: `https://${HOST}/` }, 'token/host'],
  ['port 0', { port: 0 }, 'token/port'],
  ['no port', { port: Number.NaN }, 'token/port'],
  ['no region', { region: '' }, 'token/region'],
  ['a zone for a region', { region: 'eu-west-1a' }, 'token/region'],
  ["another region than the host's", { region: 'us-east-1' }, 'token/region'],
  ['no user', { user: '' }, 'token/user'],
  ['a user who is a pattern', { user: 'app*' }, 'token/user'],
  ['a user who is a variable', { user: '$' + '{aws:username}' }, 'token/user'],
  ['a user with a slash', { user: 'a/b' }, 'token/user'],
  ['credentials that have expired', { credentials: async () => ({ ...KEYS, expiration: new Date(NOW - 1) }) }, 'aws/expired-credentials'],
])('there is no token for %s', async (_name, rest, code) => {
  const error = await tokenFor(request(rest)).then(
    () => expect.fail('it was signed'),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(Failure);
  expect((error as Failure).findings).toMatchObject([{ severity: 'error', code, hint: expect.stringMatching(/\w/) }]);
  expect(JSON.stringify((error as Failure).findings)).not.toContain(KEYS.secretAccessKey);
});

test('keys that soon expire are looked up once more', async () => {
  const asked: unknown[] = [];
  const soon = { ...KEYS, expiration: new Date(NOW + 60_000) };
  const fresh = { accessKeyId: 'AKIAEXAMPLE000000002', secretAccessKey: 'other', expiration: new Date(NOW + 3_600_000) };
  const credentials: TokenRequest['credentials'] = async (options) => {
    asked.push(options?.forceRefresh ?? false);
    return options?.forceRefresh ? fresh : soon;
  };
  expect(await verified(await tokenFor(request({ credentials })), { keys: fresh })).toMatchObject({ ok: true });
  expect(asked).toContain(true);
});
