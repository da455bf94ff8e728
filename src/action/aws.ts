import { failure } from '../model/finding.ts';
import { accessWith, type Keys, keysByToken } from '../providers/rds/connect.ts';
import type { Job } from './outcome.ts';

/** Whom AWS shall see. Without a role it is whoever the environment says: an earlier step, or the runner's own role. */
export type AwsIdentity = {
  readonly roleArn?: string;
  readonly region?: string;
  readonly sessionName: string;
  /** Other accounts are refused before anything connects; none: any account will do. */
  readonly allowedAccountIds: readonly string[];
};

/** What the runner gives: the job's ID token, and hiding in the log. */
export type Runner = {
  readonly idToken: (audience: string) => Promise<string>;
  readonly mask: (secret: string) => void;
};

const AUDIENCE = 'sts.amazonaws.com';

/**
 * Assumes the role with the job's ID token: its keys stay in this process, no later step of the job sees them. Throws a Failure
 * where there is no token, the role does not open, or the account is not one that is allowed.
 */
export const assumeIdentity = async (identity: AwsIdentity, runner: Runner): Promise<void> => {
  const { roleArn, allowedAccountIds } = identity;
  if (identity.region !== undefined) process.env.AWS_REGION = identity.region;
  if (roleArn === undefined && allowedAccountIds.length === 0) return;
  const region = process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION;
  if (region === undefined || region === '') throw failure('aws/no-region', 'no AWS region is known', { hint: 'set the input aws-region' });
  if (roleArn !== undefined) {
    const token = await runner.idToken(AUDIENCE).catch((error: unknown) => withoutToken(roleArn, error));
    use(await keysByToken({ arn: roleArn, session: identity.sessionName }, token, region), runner);
  }
  if (allowedAccountIds.length > 0) await checkAccount(region, allowedAccountIds);
};

const withoutToken = (roleArn: string, error: unknown): never => {
  throw failure('aws/no-id-token', `there is no ID token to assume '${roleArn}' with: ${error instanceof Error ? error.message : ''}`, {
    hint: 'give the job permissions: { id-token: write }',
  });
};

/** First in every chain of the SDK. */
const use = ({ accessKeyId, secretAccessKey, sessionToken = '' }: Keys, { mask }: Runner): void => {
  for (const secret of [accessKeyId, secretAccessKey, sessionToken]) mask(secret);
  process.env.AWS_ACCESS_KEY_ID = accessKeyId;
  process.env.AWS_SECRET_ACCESS_KEY = secretAccessKey;
  process.env.AWS_SESSION_TOKEN = sessionToken;
  delete process.env.AWS_PROFILE;
};

const checkAccount = async (region: string, allowed: readonly string[]): Promise<void> => {
  const { account, arn } = await accessWith(undefined, region).caller();
  if (allowed.includes(account)) return;
  throw failure(
    'aws/wrong-account',
    `the credentials are for account ${account} ('${arn}'), and allowed-account-ids has ${allowed.join(', ')}`,
    {
      hint: 'correct the role, or name the account',
    },
  );
};

/** Who plans, applies or proves, as the workflow says it. */
export const identityOf = ({ inputs, context }: Pick<Job, 'inputs' | 'context'>, as: 'plan' | 'apply' | 'prove'): AwsIdentity => {
  const roleArn = { plan: inputs.planRoleArn, apply: inputs.applyRoleArn, prove: inputs.proveRoleArn }[as];
  return {
    ...(roleArn === null ? {} : { roleArn }),
    ...(inputs.awsRegion === null ? {} : { region: inputs.awsRegion }),
    sessionName: inputs.roleSessionName ?? `rolecall-${context.runId}`,
    allowedAccountIds: inputs.allowedAccountIds,
  };
};
