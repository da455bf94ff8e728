/** What signs the calls. */
type Keys = { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string };

/** The text that a secret has now; null where it has bytes. Throws what AWS says. */
export type Ask = (arn: string) => Promise<string | null>;

/** ■ Asks Secrets Manager of a region; the SDK asks again where AWS is busy. */
export const askIn = async (region: string, credentials: () => Promise<Keys>): Promise<Ask> => {
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
  const { GetSecretValueCommand, SecretsManagerClient } = await import('@aws-sdk/client-secrets-manager');
  const client = new SecretsManagerClient({
    region,
    credentials: async () => ({ ...(await credentials()) }),
    maxAttempts: Number(process.env.AWS_MAX_ATTEMPTS) || 5,
    requestHandler: { connectionTimeout: 5000, requestTimeout: 30_000, throwOnRequestTimeout: true },
  });
  return async (arn) => {
    const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: arn, VersionStage: 'AWSCURRENT' }));
    return SecretString ?? null;
  };
};
