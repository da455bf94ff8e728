import { expect, test } from 'vitest';
import { type Denied, type Diagnosis, diagnose } from '../../src/core/diagnose.ts';
import type { Judgement, LoginFacts } from '../../src/model/proof.ts';

const ARN = 'arn:aws:rds-db:eu-west-1:123456789012:dbuser:cluster-NEW/api';
const FACTS: LoginFacts = { exists: true, like: null, login: true, iam: true, valid: true, connect: true };
const judged = (verdict: Judgement['verdict'], rest: Partial<Judgement> = {}): Judgement => ({
  verdict,
  why: [],
  elsewhere: [],
  unread: [],
  ...rest,
});
const TOKEN: Denied = {
  user: 'api',
  by: 'iam',
  refusal: 'authentication',
  said: 'PAM authentication failed',
  facts: FACTS,
  judgement: judged('not-allowed'),
  arn: ARN,
  iamAuthentication: true,
  clockWrong: false,
};
const PASSWORD: Denied = { ...TOKEN, by: 'password', said: 'the password is wrong', judgement: null, facts: { ...FACTS, iam: false } };

const TICKET = { refusal: 'ticket-asked', said: 'a ticket' } as const;

type Case = readonly [name: string, denied: Denied, cause: Diagnosis['cause'], meant: Diagnosis['meant'], message: RegExp];

test.each<Case>([
  ['no policy', TOKEN, 'policy', 'yes', /^no policy allows rds-db:connect on arn:\S+\/api$/],
  [
    'a boundary',
    { ...TOKEN, judgement: judged('not-allowed', { why: ["the boundary 'edge' does not allow it"] }) },
    'policy',
    'yes',
    /: the boundary 'edge' does not allow it$/,
  ],
  [
    'a Deny',
    { ...TOKEN, judgement: judged('denied', { why: ["policy 'stop' denies"] }) },
    'policy',
    'yes',
    /^a policy denies .*'stop' denies$/,
  ],
  [
    'the id of a server that was replaced',
    { ...TOKEN, judgement: judged('not-allowed', { elsewhere: [ARN.replace('NEW', 'OLD')] }) },
    'resource-id',
    'yes',
    /allow arn:\S+cluster-OLD\/api, and the server is arn:\S+cluster-NEW\/api$/,
  ],
  ['IAM off, whatever the policies say', { ...TOKEN, iamAuthentication: false }, 'iam-off', 'no', /is off: every token/],
  [
    'a user that is not marked for IAM, where the server says no more',
    { ...TOKEN, facts: { ...FACTS, iam: false } },
    'no-iam-user',
    'yes',
    /not marked/,
  ],
  [
    'TLS that an account requires',
    { ...PASSWORD, facts: { ...FACTS, iam: false, lacks: 'TLS' } },
    'not-admitted',
    'no',
    /^the user has to have TLS; the server says no more than of a wrong password: the password/,
  ],
  [
    'the same for a token',
    { ...TOKEN, facts: { ...FACTS, lacks: 'an account for this host' } },
    'not-admitted',
    'no',
    /an account for this host/,
  ],
  ['a server without the plugin', { ...TOKEN, refusal: 'iam-off', said: 'Plugin is not loaded' }, 'iam-off', 'no', /is not loaded$/],
  ['a wrong clock comes first', { ...TOKEN, iamAuthentication: false, clockWrong: true }, 'clock', 'no', /clock is wrong/],
  [
    'a boundary does not allow it',
    { ...TOKEN, judgement: judged('not-allowed', { why: ["the boundary 'b' does not allow it"] }) },
    'policy',
    'yes',
    /^rds-db:connect on .* is not allowed: the boundary 'b' does not allow it$/,
  ],
  [
    'policies allow it',
    { ...TOKEN, judgement: judged('allowed', { why: ["policy 'p' allows"] }) },
    'unexplained',
    'unknown',
    /allow .*'p' allows/,
  ],
  [
    'policies allow it and the role is closed',
    { ...TOKEN, judgement: judged('allowed'), facts: { ...FACTS, login: false } },
    'no-login',
    'yes',
    /^its login is closed$/,
  ],
  [
    'a condition',
    { ...TOKEN, judgement: judged('unknown', { why: ["policy 'p' may allow"] }) },
    'unexplained',
    'unknown',
    /is not known \(policy 'p' may/,
  ],
  [
    'nothing allows it, as far as it was read',
    { ...TOKEN, judgement: judged('not-allowed', { unread: ["policy 'q': denied"] }) },
    'unexplained',
    'unknown',
    /is not known \(policy 'q'/,
  ],
  ['policies that were not read', { ...TOKEN, judgement: null }, 'unexplained', 'unknown', /could not be read/],
  ['IAM of which nothing is known', { ...TOKEN, iamAuthentication: null }, 'policy', 'yes', /^no policy/],
  ['a user that is not there', { ...TOKEN, facts: { ...FACTS, exists: false } }, 'no-user', 'no', /^there is no user 'api' on the server$/],
  ['another case', { ...TOKEN, facts: { ...FACTS, exists: false, like: 'API' } }, 'no-user', 'no', /, but one called 'API'$/],
  ['no rds_iam', { ...TOKEN, refusal: 'password-asked' }, 'no-iam-user', 'yes', /not marked for IAM$/],
  [
    'no rds_iam, or no user',
    { ...TOKEN, refusal: 'password-asked', facts: null },
    'no-iam-user',
    'unknown',
    /; the catalog could not be read$/,
  ],
  [
    'a token for a user that is not there',
    { ...TOKEN, refusal: 'password-asked', facts: { ...FACTS, exists: false } },
    'no-user',
    'no',
    /no user/,
  ],
  ['NOLOGIN', { ...TOKEN, refusal: 'closed', said: 'may not log in' }, 'no-login', 'yes', /^its login is closed: may not log in$/],
  ['a wrong password', PASSWORD, 'password', 'no', /^the password is wrong$/],
  ['a password of whom IAM lets in', { ...PASSWORD, facts: FACTS }, 'iam-only', 'no', /marked for IAM/],
  [
    'a password of whom nobody lets in',
    { ...PASSWORD, facts: { ...FACTS, iam: false, login: false } },
    'no-login',
    'yes',
    /^its login is closed$/,
  ],
  ['a token of whom IAM and Kerberos let in', { ...TOKEN, facts: { ...FACTS, ad: true } }, 'kerberos', 'no', /rds_iam and under rds_ad/],
  ['a token, where a ticket is wanted', { ...TOKEN, ...TICKET, facts: { ...FACTS, iam: false, ad: true } }, 'no-iam-user', 'yes', /rds_ad/],
  ['a token, where a ticket is wanted of nobody', { ...TOKEN, ...TICKET, facts: { ...FACTS, exists: false } }, 'no-user', 'no', /no user/],
  [
    'a token, where a ticket is wanted, and no catalog',
    { ...TOKEN, ...TICKET, facts: null },
    'kerberos',
    'unknown',
    /^a ticket; the catalog/,
  ],
  ['a password of whom Kerberos lets in', { ...PASSWORD, facts: { ...FACTS, iam: false, ad: true } }, 'kerberos', 'no', /rds_ad/],
  ['a password, where a ticket is wanted', { ...PASSWORD, ...TICKET, facts: null }, 'kerberos', 'no', /^a ticket$/],
  ['a password that is over', { ...PASSWORD, facts: { ...FACTS, iam: false, valid: false } }, 'password', 'yes', /VALID UNTIL/],
  ['a password, and no catalog', { ...PASSWORD, facts: null }, 'password', 'no', /^the password is wrong$/],
  ...(['no-connect', 'no-database', 'limit', 'not-admitted', 'network', 'tls', 'certificate', 'busy', 'other'] as const).map(
    (refusal): Case => [refusal, { ...TOKEN, refusal, said: 'what was said' }, refusal, 'no', /^what was said$/],
  ),
])('%s', (_name, denied, cause, meant, message) => {
  expect(diagnose(denied)).toMatchObject({ cause, meant, message: expect.stringMatching(message) });
});
