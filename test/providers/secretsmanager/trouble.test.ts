import { expect, test } from 'vitest';
import { troubleOf } from '../../../src/providers/secretsmanager/trouble.ts';

const ARN = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:app-Ab12Cd';
const errorOf = (name: string, message = ''): Error => Object.assign(new Error(message), { name });
const STATEMENT = `{"Effect":"Allow","Action":"secretsmanager:GetSecretValue","Resource":"${ARN}"}`;

test.each<[string, Error, string, string, string]>([
  [
    'access denied',
    errorOf('AccessDeniedException', 'User: arn:aws:iam::1:user/ci is not authorized\nmore'),
    'aws/access-denied',
    `secretsmanager:GetSecretValue on '${ARN}' is not allowed: User: arn:aws:iam::1:user/ci is not authorized`,
    STATEMENT,
  ],
  [
    'a key that is not allowed',
    errorOf('AccessDeniedException', 'Access to KMS is not allowed'),
    'aws/access-denied',
    'KMS',
    'kms:Decrypt',
  ],
  [
    'a key that is gone',
    errorOf('DecryptionFailure', 'x'),
    'secret/not-decrypted',
    `the secret '${ARN}' cannot be decrypted`,
    'kms:Decrypt',
  ],
  ['no secret', errorOf('ResourceNotFoundException', 'x'), 'secret/not-found', `the secret '${ARN}' is not there`, 'ARN'],
  [
    'a deleted secret',
    errorOf('InvalidRequestException', "You can't perform this operation on the secret because it was marked for deletion."),
    'secret/deleted',
    `the secret '${ARN}' is marked for deletion`,
    'restore-secret',
  ],
  ['a secret in another state', errorOf('InvalidRequestException', 'canary'), 'secret/refused', 'InvalidRequestException', 'console'],
])('%s says what it is and what to do', (_name, error, code, message, hint) => {
  const trouble = troubleOf(error, ARN)!;
  expect(trouble.code).toBe(code);
  expect(trouble.message).toContain(message);
  expect(trouble.hint).toContain(hint);
  expect(JSON.stringify(trouble)).not.toContain('canary');
});

test('what any call may meet is not about the secret', () => {
  expect(['ThrottlingException', 'TimeoutError', 'SyntaxError'].map((name) => troubleOf(errorOf(name), ARN))).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});
