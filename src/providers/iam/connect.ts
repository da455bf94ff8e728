import type { IAMClient } from '@aws-sdk/client-iam';
import { iamRegion, partitionOf } from '../../core/aws.ts';
import type { Declared } from '../../model/declared.ts';
import type { Partition } from '../../model/place.ts';
import { clientOptions, identityOf, patiently } from '../aws-calls.ts';
import type { Service } from '../aws-trouble.ts';
import type { Timeouts } from '../provider.ts';

/** Sends one call and returns its answer. Trouble that passes is waited out; what is left is a Failure, or a `LostReply` of a write. */
export type Call = (operation: string, input: Readonly<Record<string, unknown>>) => Promise<unknown>;

/** Clients that are ready, and whose credentials they use. The caller closes them. */
export type Connected = {
  readonly partition: Partition;
  readonly account: string;
  /** ARN of whoever asks. */
  readonly caller: string;
  readonly call: Call;
  readonly close: () => void;
};

const IAM: Service = { title: 'IAM', prefix: 'iam', variable: 'IAM' };

/** The clients of IAM and STS, by the SDK's chain of credentials. An account that is not the pinned one is refused before anything is read. */
export const connect = async (
  declared: Pick<Declared, 'target' | 'iam'>,
  timeouts: Timeouts = {},
  signal?: AbortSignal,
): Promise<Connected> => {
  const options = clientOptions(timeouts);
  const [iamSdk, stsSdk] = await Promise.all([import('@aws-sdk/client-iam'), import('@aws-sdk/client-sts')]);
  const region = await regionOf(declared, async () => await new stsSdk.STSClient(options).config.region());
  const sts = new stsSdk.STSClient({ ...options, region });
  const { target } = declared;
  const pinned = { target, account: declared.iam?.account, key: 'iam.account' };
  const { account, caller } = await identityOf(() => sts.send(new stsSdk.GetCallerIdentityCommand({})), pinned, region, signal);
  sts.destroy();
  const iam = new iamSdk.IAMClient({ ...options, region });
  const commands = iamSdk as unknown as Readonly<Record<string, new (input: object) => Parameters<IAMClient['send']>[0]>>;
  const partition = (caller.split(':')[1] || partitionOf(region)) as Partition;
  return {
    partition,
    account,
    caller,
    call: (operation, input) => {
      const asked = { target, service: IAM, region, resource: resourceOf(input, partition, account) };
      return patiently(operation, () => iam.send(new commands[`${operation}Command`]!(input)), asked, signal);
    },
    close: () => iam.destroy(),
  };
};

/** IAM answers in one region of each partition: that of the targets, else that of the environment. */
const regionOf = async ({ iam }: Pick<Declared, 'iam'>, configured: () => Promise<string>): Promise<string> => {
  const [place] = [...(iam?.places.values() ?? [])];
  if (place) return iamRegion(place.partition);
  return iamRegion(partitionOf(await configured().catch(() => '')));
};

/** What a call is about, as a policy names it. */
const resourceOf = (input: Readonly<Record<string, unknown>>, partition: Partition, account: string): string => {
  const arn = (rest: string): string => `arn:${partition}:iam::${account}:${rest}`;
  for (const kind of ['Role', 'User', 'Group'] as const) {
    const name = input[`${kind}Name`];
    if (typeof name === 'string') return arn(`${kind.toLowerCase()}/${typeof input.Path === 'string' ? input.Path.slice(1) : '*'}${name}`);
  }
  if (typeof input.PolicyArn === 'string') return input.PolicyArn;
  return typeof input.PolicyName === 'string' ? arn(`policy${input.Path ?? '/'}${input.PolicyName}`) : '*';
};
