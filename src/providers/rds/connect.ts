import type { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import type { RDSClient } from '@aws-sdk/client-rds';
import { failure } from '../../model/finding.ts';
import type { PlaceName } from '../../model/place.ts';
import { skewOf } from './clock.ts';
import { awsFailure } from './trouble.ts';

/** An access key, and the token that temporary ones come with. */
export type Keys = {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
};

/** Looks keys up again when those at hand are about to expire, or when asked. Throws a Failure `aws/…`. */
export type Credentials = (options?: { readonly forceRefresh?: boolean }) => Promise<Keys>;

/** Who the credentials are for. `skewMs`: how far this machine's clock is ahead of that of AWS; null: not known. */
export type Caller = { readonly account: string; readonly arn: string; readonly skewMs: number | null };

/** What one set of credentials opens. Clients are made once for each region. */
export type Access = {
  readonly credentials: Credentials;
  readonly rds: (region: string) => Promise<RDSClient>;
  /** Made anew at each call: whoever calls destroys it. */
  readonly logs: (region: string) => Promise<CloudWatchLogsClient>;
  /** Asked once, however often it is called. */
  readonly caller: () => Promise<Caller>;
};

type AssumeRole = NonNullable<PlaceName['assumeRole']>;

/** The SDK's own chain of credentials, or a role assumed from it. `region`: whose STS is asked. */
export const accessWith = (role: AssumeRole | undefined, region: string): Access => {
  const credentials = credentialsOf(role, region);
  const clients = new Map<string, Promise<RDSClient>>();
  let caller: Promise<Caller> | undefined;
  return {
    credentials,
    rds: (where) => {
      const client = clients.get(where) ?? rdsClient(credentials, where);
      clients.set(where, client);
      return client;
    },
    logs: (where) => logsClient(credentials, where),
    caller: () => {
      caller ??= callerOf(credentials, region);
      return caller;
    },
  };
};

/** Keys of the environment, a profile, SSO, OIDC, a container or an instance, in the SDK's order; or of a role assumed with those. */
export const credentialsOf = (role: AssumeRole | undefined, region: string): Credentials =>
  remembered(async (options) => {
    const { fromNodeProviderChain, fromTemporaryCredentials } = await loaded(() => import('@aws-sdk/credential-providers'));
    const own = fromNodeProviderChain({ clientConfig: { region } });
    try {
      const keys = await own(options);
      if (!role) return keys;
      const params = { RoleArn: role.arn, RoleSessionName: 'rolecall', ...(role.externalId ? { ExternalId: role.externalId } : {}) };
      return await assumed(fromTemporaryCredentials({ masterCredentials: keys, params, clientConfig: { region } }), role, region);
    } catch (error) {
      throw awsFailure(error, { action: 'sts:GetCallerIdentity', region });
    }
  });

/** Keys of a role for whoever holds a token of its OIDC provider, such as a job of GitHub. Needs no keys of its own. */
export const keysByToken = async (
  role: { readonly arn: string; readonly session: string },
  token: string,
  region: string,
): Promise<Keys> => {
  const { AssumeRoleWithWebIdentityCommand, STSClient } = await loaded(() => import('@aws-sdk/client-sts'));
  const client = new STSClient({ region, maxAttempts: Number(process.env.AWS_MAX_ATTEMPTS) || 5 });
  try {
    const request = { RoleArn: role.arn, RoleSessionName: role.session, WebIdentityToken: token };
    const { Credentials: keys } = await client.send(new AssumeRoleWithWebIdentityCommand(request));
    return {
      accessKeyId: keys!.AccessKeyId!,
      secretAccessKey: keys!.SecretAccessKey!,
      sessionToken: keys!.SessionToken!,
      ...(keys!.Expiration ? { expiration: keys!.Expiration } : {}),
    };
  } catch (error) {
    throw awsFailure(error, { action: 'sts:AssumeRoleWithWebIdentity', region, resource: role.arn });
  } finally {
    client.destroy();
  }
};

/** The region of the environment or the profile; a Failure where neither names one. */
export const ownRegion = async (): Promise<string> => {
  const { RDSClient } = await loaded(() => import('@aws-sdk/client-rds'));
  try {
    return await new RDSClient({}).config.region();
  } catch {
    throw failure('aws/no-region', 'no AWS region is known', { hint: 'name one with --region, or set AWS_REGION' });
  }
};

const assumed = async (provider: () => Promise<Keys>, role: AssumeRole, region: string): Promise<Keys> => {
  try {
    return await provider();
  } catch (error) {
    throw awsFailure(error, { action: 'sts:AssumeRole', region, resource: role.arn });
  }
};

/** Every client, and every token, would otherwise assume the role anew. */
const remembered = (lookUp: Credentials): Credentials => {
  let held: Promise<Keys> | undefined;
  return async (options) => {
    const before = held;
    const keys = await before?.catch(() => undefined);
    if (keys && !options?.forceRefresh && !expiresSoon(keys)) return keys;
    // Somebody else may be looking them up by now.
    if (held === before || held === undefined) held = lookUp(options);
    return await held;
  };
};

const expiresSoon = ({ expiration }: Keys): boolean => expiration !== undefined && expiration.getTime() - Date.now() < 300_000;

/** Endpoints come from AWS_ENDPOINT_URL* and the profile, as everywhere in the SDK. */
const clientConfig = (credentials: Credentials, region: string) => ({
  region,
  credentials: async () => ({ ...(await credentials()) }),
  maxAttempts: Number(process.env.AWS_MAX_ATTEMPTS) || 5,
  requestHandler: { connectionTimeout: 5000, requestTimeout: 30_000 },
});

const rdsClient = async (credentials: Credentials, region: string): Promise<RDSClient> => {
  const { RDSClient } = await loaded(() => import('@aws-sdk/client-rds'));
  return new RDSClient(clientConfig(credentials, region));
};

const logsClient = async (credentials: Credentials, region: string): Promise<CloudWatchLogsClient> => {
  const { CloudWatchLogsClient } = await loaded(() => import('@aws-sdk/client-cloudwatch-logs'));
  return new CloudWatchLogsClient(clientConfig(credentials, region));
};

const callerOf = async (credentials: Credentials, region: string): Promise<Caller> => {
  const { GetCallerIdentityCommand, STSClient } = await loaded(() => import('@aws-sdk/client-sts'));
  const client = new STSClient(clientConfig(credentials, region));
  let skewMs: number | null = null;
  client.middlewareStack.add(
    (next) => async (args) => {
      const sent = Date.now();
      const answer = await next(args);
      const { headers } = answer.response as { headers?: Readonly<Record<string, string>> };
      skewMs = skewOf(headers?.date, sent, Date.now());
      return answer;
    },
    { step: 'deserialize', priority: 'low', name: 'clock' },
  );
  try {
    const { Account, Arn } = await client.send(new GetCallerIdentityCommand({}));
    return { account: Account ?? '', arn: Arn ?? '', skewMs };
  } catch (error) {
    throw awsFailure(error, { action: 'sts:GetCallerIdentity', region });
  } finally {
    client.destroy();
  }
};

/** The SDK announces on the first client that it will leave Node 20 behind: nothing that whoever runs this could act upon. */
const loaded = async <T>(load: () => Promise<T>): Promise<T> => {
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
  return await load();
};
