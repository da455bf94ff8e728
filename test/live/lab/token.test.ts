import { Signer } from '@aws-sdk/rds-signer';
import { expect, test } from 'vitest';
import { verifyToken, type Wanted } from '../../lab/iam/token.ts';

const KEY = { accessKeyId: 'AKIAEXAMPLE000000001', secretAccessKey: 'a-secret/with+signs' };
const ENDPOINT = { hostname: 'orders.cluster-abc.eu-west-1.rds.amazonaws.com', port: 5432, region: 'eu-west-1', username: 'app' };

const wanted = (changes: Partial<Wanted> = {}): Wanted => ({
  endpoint: `${ENDPOINT.hostname}:${ENDPOINT.port}`,
  region: ENDPOINT.region,
  user: ENDPOINT.username,
  secretOf: (id) => (id === KEY.accessKeyId ? KEY.secretAccessKey : undefined),
  ...changes,
});

const signed = (changes: object = {}, credentials: object = {}): Promise<string> =>
  new Signer({ ...ENDPOINT, credentials: { ...KEY, ...credentials }, ...changes }).getAuthToken();

const minutes = (count: number): number => Date.now() + count * 60_000;

test('a token of the SDK is good for its endpoint and user', async () => {
  expect(await verifyToken(await signed(), wanted())).toEqual({ ok: true, accessKeyId: KEY.accessKeyId, sessionToken: undefined });
});

test.each([[1_700], [7_600], [20_000]])('a session token of %d characters is part of what was signed', async (length) => {
  const token = await signed({}, { sessionToken: '/+Q='.repeat(length / 4) });
  const verdict = await verifyToken(token, wanted());
  expect(verdict.ok && verdict.sessionToken === '/+Q='.repeat(length / 4)).toBe(true);
});

test.each([['a b'], ["o'neil"], ['(*)!'], ['ä/€&=?#'], ['100%']])('the user %s is signed and read alike', async (user) => {
  expect(await verifyToken(await signed({ username: user }), wanted({ user }))).toMatchObject({ ok: true });
});

const refusals: readonly [string, Promise<string>, Partial<Wanted>, string][] = [
  ['another user', signed({ username: 'App' }), {}, "the token is for the user 'App', not 'app'"],
  ['no user', signed({ username: '' }), {}, "the token is for the user '', not 'app'"],
  ['another host', signed({ hostname: 'localhost' }), {}, `the token is for localhost:5432, not ${ENDPOINT.hostname}:5432`],
  ['another port', signed({ port: 15_432 }), {}, `the token is for ${ENDPOINT.hostname}:15432, not ${ENDPOINT.hostname}:5432`],
  ['another region', signed({ region: 'eu-central-1' }), {}, "the token is for the region 'eu-central-1', not 'eu-west-1'"],
  ['another secret', signed({}, { secretAccessKey: 'no' }), {}, 'the signature does not match'],
  ['a key that nobody has', signed({}, { accessKeyId: 'AKIAOTHER' }), {}, 'nobody has the access key AKIAOTHER with this session token'],
  ['a token that is 16 minutes old', signed(), { now: minutes(16) }, 'the token has expired'],
  ['a token from a clock that is 6 minutes ahead', signed(), { now: minutes(-6) }, 'the token is from the future'],
  ['a password', Promise.resolve('secret'), {}, 'this is no token'],
  ['nothing', Promise.resolve(''), {}, 'this is no token'],
  ['a token that was cut off', signed().then((token) => token.slice(0, 255)), {}, 'this is no token'],
];

test.each(refusals)('%s is refused', async (_, token, changes, reason) => {
  expect(await verifyToken(await token, wanted(changes))).toEqual({ ok: false, reason });
});

test('a token is good for 14 minutes, and with a clock that is 4 minutes ahead', async () => {
  const token = await signed();
  expect(await verifyToken(token, wanted({ now: minutes(14) }))).toMatchObject({ ok: true });
  expect(await verifyToken(token, wanted({ now: minutes(-4) }))).toMatchObject({ ok: true });
});

test('whichever character of a token is changed, it is refused', async () => {
  const token = await signed({}, { sessionToken: 'session' });
  const edits = [...token].map((letter, at) => `${token.slice(0, at)}${letter === '7' ? '8' : '7'}${token.slice(at + 1)}`);
  const verdicts = await Promise.all(edits.map((edited) => verifyToken(edited, wanted({ secretOf: () => KEY.secretAccessKey }))));
  expect(verdicts.filter(({ ok }) => ok)).toEqual([]);
});

test.each([
  ['X-Amz-Expires', /X-Amz-Expires=900/, 'X-Amz-Expires=90000', 'the token wants to live 90000, at most 900 s'],
  ['a second user', /&DBUser=app/, '&DBUser=app&DBUser=admin', 'the token says DBUser twice'],
  ['the service', /rds-db/, 's3', "the token is for the service 's3', not 'rds-db'"],
  ['the action', /Action=connect/, 'Action=delete', "the token is for the action 'delete', not 'connect'"],
  ['one more parameter', /$/, '&more=1', 'the signature does not match'],
])('an edit of %s is refused', async (_, what, by, reason) => {
  expect(await verifyToken((await signed()).replace(what, by), wanted())).toEqual({ ok: false, reason });
});
