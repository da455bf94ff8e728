import { expect, test } from 'vitest';
import { tokenFacts } from '../../src/core/token-facts.ts';

const FIELDS = {
  Action: 'connect',
  DBUser: 'jane doe',
  'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
  'X-Amz-Credential': 'AKIACANARY/20261121/eu-west-1/rds-db/aws4_request',
  'X-Amz-Date': '20261121T120000Z',
  'X-Amz-Expires': '900',
  'X-Amz-Security-Token': 'canary-session',
  'X-Amz-Signature': 'canary-signature',
};
const token = (fields: Readonly<Record<string, string>> = FIELDS) => `orders.rds:5432/?${new URLSearchParams(fields)}`;

test('tells what a token is for, and nothing of what makes it one', () => {
  const facts = tokenFacts(token());
  expect(facts).toEqual({
    host: 'orders.rds',
    port: 5432,
    user: 'jane doe',
    region: 'eu-west-1',
    expiresSeconds: 900,
    signedAt: '2026-11-21T12:00:00Z',
    length: token().length,
    temporary: true,
  });
  expect(JSON.stringify(facts)).not.toMatch(/canary/i);
});

test.each([
  ['a password', 'hunter2'],
  ['another action', token({ ...FIELDS, Action: 'list' })],
  ['one without a date', token({ ...FIELDS, 'X-Amz-Date': '' })],
  ['one without a region', token({ ...FIELDS, 'X-Amz-Credential': 'AKIA' })],
])('%s is none', (_name, text) => {
  expect(tokenFacts(text)).toBeNull();
});
