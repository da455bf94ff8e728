import { partitionOf } from '../../core/aws.ts';
import type { Declared } from '../../model/declared.ts';
import type { Partition } from '../../model/place.ts';
import { clientOptions, identityOf, patiently } from '../aws-calls.ts';
import type { Service } from '../aws-trouble.ts';
import type { Timeouts } from '../provider.ts';

/** The parts of AWS that watch. */
export type Part = 'cloudwatch' | 'logs' | 'sns';

/**
 * Sends one call to a region and returns its answer. Trouble that passes is waited out; what is left is a Failure, or a `LostReply` of
 * a write.
 */
export type Call = (part: Part, region: string, operation: string, input: Readonly<Record<string, unknown>>) => Promise<unknown>;

/** Clients that are ready, and whose credentials they use. The caller closes them. */
export type Connected = {
  readonly partition: Partition;
  readonly account: string;
  /** ARN of whoever asks. */
  readonly caller: string;
  readonly call: Call;
  readonly close: () => void;
};

const SERVICES: Readonly<Record<Part, Service>> = {
  cloudwatch: { title: 'CloudWatch', prefix: 'cloudwatch', variable: 'CLOUDWATCH' },
  logs: { title: 'CloudWatch Logs', prefix: 'logs', variable: 'CLOUDWATCH_LOGS' },
  sns: { title: 'SNS', prefix: 'sns', variable: 'SNS' },
};

/** The clients, by the SDK's chain of credentials. An account that is not the pinned one is refused before anything is read. */
export const connect = async (
  { target, alarms }: Pick<Declared, 'target' | 'alarms'>,
  timeouts: Timeouts = {},
  signal?: AbortSignal,
): Promise<Connected> => {
  const options = clientOptions(timeouts);
  const stsSdk = await import('@aws-sdk/client-sts');
  const home = alarms?.regions[0];
  const sts = new stsSdk.STSClient({ ...options, ...(home === undefined ? {} : { region: home }) });
  const region = home ?? (await sts.config.region().catch(() => ''));
  const pinned = { target, account: alarms?.account, key: 'iam.account' };
  const { account, caller } = await identityOf(() => sts.send(new stsSdk.GetCallerIdentityCommand({})), pinned, region, signal);
  sts.destroy();
  const partition = (caller.split(':')[1] || partitionOf(region)) as Partition;
  const clients = new Map<string, Promise<Client>>();
  return {
    partition,
    account,
    caller,
    call: async (part, where, operation, input) => {
      const key = `${part} ${where}`;
      const client = clients.get(key) ?? clientOf(part, { ...options, region: where });
      clients.set(key, client);
      const { send } = await client;
      const resource = resourceOf(input, { partition, account, region: where });
      return await patiently(operation, () => send(operation, input), { target, service: SERVICES[part], region: where, resource }, signal);
    },
    close: () => {
      for (const client of clients.values()) client.then(({ close }) => close()).catch(() => {});
    },
  };
};

type Client = { readonly send: (operation: string, input: object) => Promise<object>; readonly close: () => void };
type Options = ReturnType<typeof clientOptions> & { readonly region: string };
type Sdk = { readonly send: (command: never) => Promise<object>; readonly destroy: () => void };

const clientOf = async (part: Part, options: Options): Promise<Client> => {
  switch (part) {
    case 'cloudwatch': {
      const [sdk, { AwsQueryProtocol }] = await Promise.all([import('@aws-sdk/client-cloudwatch'), import('@aws-sdk/core/protocols')]);
      // AWS takes this one in every region, and emulators take no other.
      return clientWith(new sdk.CloudWatchClient({ ...options, protocol: AwsQueryProtocol }), sdk);
    }
    case 'logs': {
      const sdk = await import('@aws-sdk/client-cloudwatch-logs');
      return clientWith(new sdk.CloudWatchLogsClient(options), sdk);
    }
    case 'sns': {
      const sdk = await import('@aws-sdk/client-sns');
      return clientWith(new sdk.SNSClient(options), sdk);
    }
  }
};

const clientWith = (client: Sdk, sdk: object): Client => {
  const commands = sdk as Readonly<Record<string, new (input: object) => never>>;
  return {
    send: (operation, input) => client.send(new commands[`${operation}Command`]!(input)),
    close: () => client.destroy(),
  };
};

type Where = { readonly partition: Partition; readonly account: string; readonly region: string };

/** What a call is about, as a policy names it. */
const resourceOf = (input: Readonly<Record<string, unknown>>, { partition, account, region }: Where): string => {
  const arn = (service: string, rest: string): string => `arn:${partition}:${service}:${region}:${account}:${rest}`;
  const named = input.TopicArn ?? input.ResourceArn ?? input.ResourceARN ?? input.SubscriptionArn;
  if (typeof named === 'string') return named;
  if (typeof input.Name === 'string') return arn('sns', input.Name);
  const [alarm] = Array.isArray(input.AlarmNames) ? input.AlarmNames : [input.AlarmName];
  if (typeof alarm === 'string') return arn('cloudwatch', `alarm:${alarm}`);
  return typeof input.logGroupName === 'string' ? arn('logs', `log-group:${input.logGroupName}:*`) : '*';
};
