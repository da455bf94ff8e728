/** What keeps a secret from being read, without a word of what it holds. */
export type SecretTrouble = { readonly code: string; readonly message: string; readonly hint: string };

/** The action that a policy has to allow. */
export const GET_SECRET = 'secretsmanager:GetSecretValue';

/**
 * What Secrets Manager answered about the secret itself; undefined: the trouble is that of any call. Its words are quoted where they
 * tell who was refused, and nowhere else.
 */
export const troubleOf = (error: unknown, arn: string): SecretTrouble | undefined => {
  const name = wordOf(error, 'name');
  const said = wordOf(error, 'message');
  const secret = `the secret '${arn}'`;
  switch (name) {
    case 'AccessDeniedException':
      return {
        code: 'aws/access-denied',
        message: `${GET_SECRET} on '${arn}' is not allowed: ${said.split('\n')[0]!.slice(0, 400) || 'it does not say why'}`,
        hint: `let a policy of whoever runs this have ${statement(arn)}; a secret under a key of your own needs kms:Decrypt on that key too, and one of another account a resource policy`,
      };
    case 'DecryptionFailure':
    case 'DecryptionFailureException':
      return {
        code: 'secret/not-decrypted',
        message: `${secret} cannot be decrypted: its KMS key is disabled, gone, or not allowed`,
        hint: 'enable the key, and allow kms:Decrypt on it to whoever runs this',
      };
    case 'ResourceNotFoundException':
      return {
        code: 'secret/not-found',
        message: `${secret} is not there, or it has no current value`,
        hint: 'copy the ARN from the console, with the six characters at its end; of another account only the whole ARN will do',
      };
    case 'InvalidRequestException':
      return /delet/i.test(said)
        ? {
            code: 'secret/deleted',
            message: `${secret} is marked for deletion`,
            hint: 'restore it (aws secretsmanager restore-secret), or name another one',
          }
        : {
            code: 'secret/refused',
            message: `${secret} cannot be read in the state that it is in (${name})`,
            hint: 'look at it in the console',
          };
    default:
      return undefined;
  }
};

const statement = (arn: string): string => JSON.stringify({ Effect: 'Allow', Action: GET_SECRET, Resource: arn });

const wordOf = (error: unknown, key: 'name' | 'message'): string => {
  const value = typeof error === 'object' && error !== null ? (error as Record<string, unknown>)[key] : undefined;
  return typeof value === 'string' ? value : '';
};
