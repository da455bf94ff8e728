import { inspect as show } from 'node:util';
import {
  AttachUserPolicyCommand,
  CreateAccessKeyCommand,
  CreatePolicyCommand,
  CreateUserCommand,
  DetachUserPolicyCommand,
  IAMClient,
} from '@aws-sdk/client-iam';
import { expect, vi } from 'vitest';
import type { Failure, Finding } from '../../src/model/finding.ts';
import { awsEnvironment, clientConfig, type Moto } from '../lab/aws/moto.ts';

/** An IAM user with keys of its own, whom a policy lets log in as some users of a database, or no longer. */
export type Runner = {
  readonly allow: () => Promise<unknown>;
  readonly deny: () => Promise<unknown>;
  /** From now on, until the environment is put back, AWS is asked with its keys. */
  readonly use: () => void;
  /** The finding of a refused login; no key and no token is in whatever could be printed of it. */
  readonly refused: (login: Promise<unknown>) => Promise<Finding>;
};

/** A runner that may log in as whom these ARNs name. */
export const startRunner = async (moto: Moto, name: string, arns: readonly string[]): Promise<Runner> => {
  const iam = new IAMClient(clientConfig(moto));
  await iam.send(new CreateUserCommand({ UserName: name }));
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: name }));
  const document = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'rds-db:connect', Resource: arns }] };
  const { Policy } = await iam.send(new CreatePolicyCommand({ PolicyName: name, PolicyDocument: JSON.stringify(document) }));
  const attachment = { UserName: name, PolicyArn: Policy!.Arn! };
  const keys = { AWS_ACCESS_KEY_ID: AccessKey!.AccessKeyId!, AWS_SECRET_ACCESS_KEY: AccessKey!.SecretAccessKey! };
  await iam.send(new AttachUserPolicyCommand(attachment));
  return {
    allow: () => iam.send(new AttachUserPolicyCommand(attachment)),
    deny: () => iam.send(new DetachUserPolicyCommand(attachment)),
    use: () => {
      for (const [variable, value] of Object.entries({ ...awsEnvironment(moto), ...keys })) vi.stubEnv(variable, value);
    },
    refused: async (login) => {
      const error: Failure = await login.then(
        () => expect.fail('it was let in'),
        (thrown) => thrown,
      );
      const printed = [error.stack, show(error, { depth: 9, showHidden: true }), JSON.stringify(error.findings)].join('\n');
      expect(printed).not.toMatch(/X-Amz-Signature|X-Amz-Credential/);
      expect(printed).not.toContain(keys.AWS_SECRET_ACCESS_KEY);
      expect(error.findings).toHaveLength(1);
      return error.findings[0]!;
    },
  };
};
