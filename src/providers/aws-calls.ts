import { setTimeout as delay } from 'node:timers/promises';
import type { Target } from '../model/declared.ts';
import { failure } from '../model/finding.ts';
import { type Asked, explained, fateOf, STS } from './aws-trouble.ts';
import type { Timeouts } from './provider.ts';

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

/** What every client of the SDK is made with. */
export const clientOptions = (timeouts: Timeouts = {}) => {
  // Node 20 is one of ours: the warning of the SDK would be on every run's output.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
  return {
    // Retries are ours: those of the SDK know neither ConcurrentModification nor replies that were lost.
    maxAttempts: 1,
    requestHandler: {
      connectionTimeout: timeouts.connectMs ?? TIMEOUTS.connectMs,
      requestTimeout: timeouts.answerMs ?? TIMEOUTS.answerMs,
      throwOnRequestTimeout: true,
    },
  };
};

/** Sends until it is answered, with growing pauses of random length: many runs at once must not come back at once. */
export const patiently = async <Answer extends object>(
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
      const writes = !/^(Get|List|Describe)/.test(operation);
      if (fate === 'lost' && writes) throw new LostReply(operation, error);
      const limit = fate === 'passing' ? RETRY.attempts : fate === 'final' ? 1 : RETRY.network;
      if (attempt >= limit || signal?.aborted) throw explained(operation, error, asked);
      await delay(Math.random() * Math.min(RETRY.capMs, RETRY.baseMs * 2 ** attempt), undefined, signal ? { signal } : {}).catch(() => {});
    }
  }
};

/** Whom the credentials are for. `caller`: an ARN. */
export type Identity = { readonly account: string; readonly caller: string };

/** What somebody wrote of the account: its number, and under which key of the manifest. */
export type Pinned = { readonly target: Target; readonly account: string | null | undefined; readonly key: string };

/** Asks AWS whose the credentials are; those of an account that is not the pinned one are refused before anything is read. */
export const identityOf = async (
  ask: () => Promise<{ readonly Account?: string | undefined; readonly Arn?: string | undefined }>,
  { target, account: pinned, key }: Pinned,
  region: string,
  signal?: AbortSignal,
): Promise<Identity> => {
  const { Account: account = '', Arn: caller = '' } = await patiently('GetCallerIdentity', ask, { target, service: STS, region }, signal);
  if (!pinned || pinned === account) return { account, caller };
  throw failure('aws/other-account', `target '${target.name}': the credentials are for account ${account}, '${key}' is ${pinned}`, {
    hint: `they belong to ${caller}: use credentials of account ${pinned}, or correct '${key}'`,
    target: target.name,
    source: target.source,
  });
};
