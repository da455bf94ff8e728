import type { Step } from '../../model/plan.ts';
import { sendSteps } from '../aws-steps.ts';
import { codeOf } from '../aws-trouble.ts';
import type { Execution, Outcome } from '../provider.ts';
import { isDone } from './done.ts';
import { clientsOf } from './lock.ts';
import { isGone } from './parts.ts';
import { refreshed } from './refresh.ts';
import type { Snapshot } from './snapshot.ts';
import { PART_OF } from './statements/index.ts';

/** Sends the calls of one topic or alarm in order, each its own commit, and reads until all of them show. */
export const execute = async (execution: Execution<Snapshot>): Promise<Outcome> =>
  await sendSteps(execution, async () => {
    const connected = await clientsOf(execution.lock);
    return {
      title: 'AWS',
      send: async ({ call }) => await connected.call(PART_OF[call!.operation]!, call!.region!, call!.operation, call!.input),
      waitsFor,
      isDone: async (step) => await isDone(connected, step, execution.declared),
      reread: async () => await refreshed(connected, execution),
      isStale: (code, finding) => /^(NotFound|ResourceNotFound)$/.test(code) || finding === 'alarms/changed-meanwhile',
    };
  });

/** What a call that failed has to wait for; null: nothing would help. */
const waitsFor = (error: unknown, { call }: Step): string | null => {
  const { operation } = call!;
  // A topic of that name that differs is refused by this.
  if (operation === 'CreateTopic' && codeOf(error) === 'InvalidParameter') return 'looking whose topic it is that exists';
  if (!isGone(error)) return null;
  if (/^(Delete|Unsubscribe)/.test(operation)) return 'looking whether it is gone';
  return operation === 'Subscribe' ? 'waiting until SNS knows the topic that was just made' : null;
};
