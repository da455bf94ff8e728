import { expect, test } from 'vitest';
import { documentWithout } from '../../../src/providers/iam/withdraw.ts';

const JANE = 'arn:aws:rds-db:eu-west-1:123456789012:dbuser:cluster-A/jane';
const KIM = 'arn:aws:rds-db:eu-west-1:123456789012:dbuser:cluster-A/kim';
const allow = (Resource: unknown) => ({ Sid: 'RolecallConnect', Effect: 'Allow', Action: 'rds-db:connect', Resource });
const other = { Effect: 'Allow', Action: 's3:GetObject', Resource: '*' };
const deny = { Effect: 'Deny', Action: 'rds-db:connect', Resource: JANE };

test.each<[string, unknown, unknown]>([
  ['one of two lines', [allow([JANE, KIM])], [allow([KIM])]],
  ['the only line, and its statement with it', [allow([JANE]), other], [other]],
  ['a line that stands alone', [allow(JANE), allow(KIM)], [allow(KIM)]],
  ['nothing that denies', [deny, allow([JANE])], [deny]],
])('takes out %s', (_name, Statement, left) => {
  expect(documentWithout({ Version: '2012-10-17', Statement }, new Set([JANE]))).toEqual({ Version: '2012-10-17', Statement: left });
});

test('nothing is left of a policy that held no other line', () => {
  expect(documentWithout({ Version: '2012-10-17', Statement: allow([JANE]) }, new Set([JANE]))).toBeNull();
});
