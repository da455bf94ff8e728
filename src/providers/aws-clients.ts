import type { Declared } from '../model/declared.ts';
import type { LockOptions, RunLock, Timeouts } from './provider.ts';

type Closed = { readonly close: () => void };

/**
 * AWS has no locks. Two runs at once do no harm: every call is idempotent, or refused and then looked into; and runs that change
 * servers as well stand in line at their locks. What a run holds is its clients: one set for all of its transactions, opened when
 * they are first needed and closed with its lock.
 */
export const heldClients = <Connected extends Closed>(
  connect: (declared: Declared, timeouts?: Timeouts, signal?: AbortSignal) => Promise<Connected>,
) => {
  const openers = new WeakMap<RunLock, () => Promise<Connected>>();
  return {
    lock: async (declared: Declared, { signal, timeouts }: LockOptions): Promise<RunLock> => {
      let connected: Promise<Connected> | undefined;
      const run: RunLock = {
        check: async () => {},
        release: async () => (await connected?.catch(() => undefined))?.close(),
      };
      openers.set(run, () => {
        connected ??= connect(declared, timeouts, signal).catch((error: unknown) => {
          connected = undefined;
          throw error;
        });
        return connected;
      });
      return run;
    },
    clientsOf: async (run: RunLock): Promise<Connected> => await openers.get(run)!(),
  };
};
