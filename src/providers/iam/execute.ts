import type { Step } from '../../model/plan.ts';
import { sendSteps } from '../aws-steps.ts';
import { codeOf } from '../aws-trouble.ts';
import type { Execution, Outcome } from '../provider.ts';
import { isDone } from './done.ts';
import { clientsOf } from './lock.ts';
import { refreshed } from './refresh.ts';
import type { Snapshot } from './snapshot.ts';

/** Sends the calls of one principal in order, each its own commit, and reads until all of them show. */
export const execute = async (execution: Execution<Snapshot>): Promise<Outcome> =>
  await sendSteps(execution, async () => {
    const connected = await clientsOf(execution.lock);
    return {
      title: 'IAM',
      send: async ({ call }) => await connected.call(call!.operation, call!.input),
      waitsFor: (error, step) => waitsFor(error, step, execution),
      isDone: async (step) => await isDone(connected, step, execution.declared),
      reread: async () => await refreshed(connected, execution),
      isStale: (code, finding) => STALE.has(code) || finding === 'iam/changed-meanwhile',
    };
  });

/** What planning again may cure, as somebody else may have changed it meanwhile. */
const STALE = new Set(['NoSuchEntity', 'EntityAlreadyExists', 'DeleteConflict', 'LimitExceeded']);

/** What a call that failed has to wait for; null: nothing would help. */
const waitsFor = (error: unknown, step: Step, { steps, declared }: Execution<Snapshot>): string | null => {
  const { operation, input } = step.call!;
  const before = steps.slice(0, steps.indexOf(step)).map(({ call }) => call!.operation);
  switch (codeOf(error)) {
    case 'EntityAlreadyExists':
      return /^Create(Policy|Role)$/.test(operation) ? 'looking whose it is that exists' : null;
    case 'NoSuchEntity': {
      if (/^(Delete|Detach)/.test(operation)) return 'looking whether it is gone';
      return before.some((earlier) => /^Create/.test(earlier)) ? `waiting until IAM knows what was just made (${operation})` : null;
    }
    case 'DeleteConflict':
      // What is not of this run's making goes by no waiting.
      if (/instance profile/i.test((error as Error).message)) return null;
      return before.some((earlier) => /^(Detach|Delete)/.test(earlier))
        ? `waiting until IAM has heard of what was detached (${operation})`
        : null;
    case 'MalformedPolicyDocument': {
      const trust = String(input.AssumeRolePolicyDocument ?? input.PolicyDocument ?? '');
      const names = declared.iam!.roles.some(({ name }) => trust.includes(`/${name}"`));
      return names && /principal/i.test((error as Error).message) ? 'waiting until IAM knows the role that the trust policy names' : null;
    }
  }
  return null;
};
