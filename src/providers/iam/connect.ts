import { setTimeout as delay } from 'node:timers/promises';
import type { IAMClient } from '@aws-sdk/client-iam';
import type { STSClient } from '@aws-sdk/client-sts';
import { iamRegion, partitionOf } from '../../core/aws.ts';
import type { Declared } from '../../model/declared.ts';
import { failure } from '../../model/finding.ts';
import type { Partition } from '../../model/place.ts';
import type { Timeouts } from '../provider.ts';
import { type Asked, explained, fateOf } from './trouble.ts';

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

/** A call that changes something was sent, and nobody said what became of it. */
export class LostReply extends Error {
  readonly operation: string;
  constructor(operation: string, cause: unknown) {
    super(`the answer to ${operation} was lost`, { cause });
    this.name = 'LostReply';
    this.operation = operation;
  }
}

/** Attempts of one call, and what is waited between them: up to about 30 s in all, as AWS advises for its control plane. */
const RETRY = { attempts: 9, baseMs: 100, capMs: 8_000, network: 3 } as const;
const TIMEOUTS = { connectMs: 5_000, answerMs: 30_000 } as const;

/** The clients of IAM and STS, by the SDK's chain of credentials. An account that is not the pinned one is refused before anything is read. */
export const connect = async (
  declared: Pick<Declared, 'target' | 'iam'>,
  timeouts: Timeouts = {},
  signal?: AbortSignal,
): Promise<Connected> => {
  // Node 20 is one of ours: the warning of the SDK would be on every run's output.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
  const [iamSdk, stsSdk] = await Promise.all([import('@aws-sdk/client-iam'), import('@aws-sdk/client-sts')]);
  const options = {
    // Retries are ours: those of the SDK know neither ConcurrentModification nor replies that were lost.
    maxAttempts: 1,
    requestHandler: {
      connectionTimeout: timeouts.connectMs ?? TIMEOUTS.connectMs,
      requestTimeout: timeouts.answerMs ?? TIMEOUTS.answerMs,
      throwOnRequestTimeout: true,
    },
  };
  const region = await regionOf(declared, async () => await new stsSdk.STSClient(options).config.region());
  const sts = new stsSdk.STSClient({ ...options, region });
  const asked: Asked = { target: declared.target, endpoint: region };
  const identity = await patiently('GetCallerIdentity', () => sts.send(new stsSdk.GetCallerIdentityCommand({})), asked, signal);
  const { Account: account = '', Arn: caller = '' } = identity;
  sts.destroy();
  if (declared.iam?.account && declared.iam.account !== account) throw wrongAccount(declared, account, caller);
  const iam = new iamSdk.IAMClient({ ...options, region });
  const commands = iamSdk as unknown as Readonly<Record<string, new (input: object) => Parameters<IAMClient['send']>[0]>>;
  return {
    partition: (caller.split(':')[1] || partitionOf(region)) as Partition,
    account,
    caller,
    call: (operation, input) =>
      patiently(operation, () => iam.send(new commands[`${operation}Command`]!(input)), { ...asked, account, input }, signal),
    close: () => iam.destroy(),
  };
};

/** IAM answers in one region of each partition: that of the targets, else that of the environment. */
const regionOf = async ({ iam }: Pick<Declared, 'iam'>, configured: () => Promise<string>): Promise<string> => {
  const [place] = [...(iam?.places.values() ?? [])];
  if (place) return iamRegion(place.partition);
  return iamRegion(partitionOf(await configured().catch(() => '')));
};

const wrongAccount = ({ target, iam }: Pick<Declared, 'target' | 'iam'>, account: string, caller: string) =>
  failure('aws/other-account', `target '${target.name}': the credentials are for account ${account}, 'iam.account' is ${iam?.account}`, {
    hint: `they belong to ${caller}: use credentials of account ${iam?.account}, or correct 'iam.account'`,
    target: target.name,
    source: target.source,
  });

type Sent = Awaited<ReturnType<STSClient['send']>>;

/** Sends until it is answered, with growing pauses of random length: many runs at once must not come back at once. */
const patiently = async <Answer extends Sent | object>(
  operation: string,
  send: () => Promise<Answer>,
  asked: Asked,
  signal?: AbortSignal,
): Promise<Answer> => {
  for (let attempt = 1; ; attempt++) {
    try {
      return await send();
    } catch (error) {
      const fate = fateOf(error);
      const writes = !/^(Get|List)/.test(operation);
      if (fate === 'lost' && writes) throw new LostReply(operation, error);
      const limit = fate === 'passing' ? RETRY.attempts : fate === 'final' ? 1 : RETRY.network;
      if (attempt >= limit || signal?.aborted) throw explained(operation, error, asked);
      await delay(Math.random() * Math.min(RETRY.capMs, RETRY.baseMs * 2 ** attempt), undefined, signal ? { signal } : {}).catch(() => {});
    }
  }
};
