import { CreateOpenIDConnectProviderCommand, CreateRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { assumeIdentity } from '../../../src/action/aws.ts';
import { accessWith } from '../../../src/providers/rds/connect.ts';
import { ACCOUNT, clientConfig, REGION } from '../../lab/aws/moto.ts';
import { type AwsFault, type AwsProxy, startAwsProxy } from '../../lab/aws/proxy.ts';
import { withMoto } from '../../lab/aws/suite.ts';

const ROLE = `arn:aws:iam::${ACCOUNT}:role/plan`;
/** The emulator takes any token that is one in form. */
const TOKEN = ['{"alg":"none"}', '{"sub":"repo:acme/access:pull_request"}', 'signature']
  .map((part) => Buffer.from(part).toString('base64url'))
  .join('.');

withMoto("the identity of a job's steps", (moto) => {
  let proxy: AwsProxy;
  let fault: AwsFault | undefined;
  let masked: string[];
  const runner = { idToken: async () => TOKEN, mask: (secret: string) => void masked.push(secret) };
  const identity = { roleArn: ROLE, region: REGION, sessionName: 'rolecall-812', allowedAccountIds: [] };

  beforeAll(async () => {
    const iam = new IAMClient(clientConfig(moto()));
    await iam.send(new CreateOpenIDConnectProviderCommand({ Url: 'https://token.example.com', ThumbprintList: ['0'.repeat(40)] }));
    await iam.send(new CreateRoleCommand({ RoleName: 'plan', AssumeRolePolicyDocument: '{"Version":"2012-10-17","Statement":[]}' }));
  });
  beforeEach(async () => {
    [masked, fault] = [[], undefined];
    proxy = await startAwsProxy(moto(), () => fault);
    vi.stubEnv('AWS_ENDPOINT_URL', proxy.url);
    // Nothing else on this machine answers for keys.
    for (const [name, value] of Object.entries({
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_PROFILE: 'somebody',
      AWS_ACCESS_KEY_ID: '',
      AWS_SECRET_ACCESS_KEY: '',
      AWS_SESSION_TOKEN: '',
      AWS_REGION: '',
    }))
      vi.stubEnv(name, value);
    return async () => await proxy.close();
  });
  afterEach(() => vi.unstubAllEnvs());

  test("is the role that the job's token opens, and its keys are hidden in the log", async () => {
    await assumeIdentity({ ...identity, allowedAccountIds: [ACCOUNT] }, runner);
    const { account, arn } = await accessWith(undefined, REGION).caller();
    expect({ account, arn }).toEqual({ account: ACCOUNT, arn: `arn:aws:sts::${ACCOUNT}:assumed-role/plan/rolecall-812` });
    expect(masked).toEqual([process.env.AWS_ACCESS_KEY_ID, process.env.AWS_SECRET_ACCESS_KEY, process.env.AWS_SESSION_TOKEN]);
  });

  test('is refused where it is in an account that is not allowed', async () => {
    await expect(assumeIdentity({ ...identity, allowedAccountIds: ['210987654321'] }, runner)).rejects.toMatchObject({
      findings: [{ code: 'aws/wrong-account', message: expect.stringContaining('and allowed-account-ids has 210987654321') }],
    });
  });

  test('says what the trust policy has to name where the token does not open the role', async () => {
    fault = 'access-denied';
    await expect(assumeIdentity(identity, runner)).rejects.toMatchObject({
      findings: [
        {
          code: 'aws/access-denied',
          message: expect.stringContaining(`does not open role '${ROLE}'`),
          hint: expect.stringContaining("this job's subject"),
        },
      ],
    });
    expect(masked).toEqual([]);
  });

  test('says which permission a job without a token lacks', async () => {
    const nobody = { ...runner, idToken: async () => await Promise.reject(new Error('no endpoint')) };
    await expect(assumeIdentity(identity, nobody)).rejects.toMatchObject({
      findings: [{ code: 'aws/no-id-token', hint: 'give the job permissions: { id-token: write }' }],
    });
    vi.stubEnv('AWS_REGION', '');
    await expect(assumeIdentity({ roleArn: ROLE, sessionName: 'x', allowedAccountIds: [] }, runner)).rejects.toMatchObject({
      findings: [{ code: 'aws/no-region', hint: 'set the input aws-region' }],
    });
  });

  test('is that of the environment where no role is named, and AWS is not asked', async () => {
    await assumeIdentity({ sessionName: 'x', allowedAccountIds: [] }, runner);
    expect(proxy.calls()).toEqual([]);
  });
});
