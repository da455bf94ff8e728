import type { Declared } from '../../model/declared.ts';
import type { LockOptions, RunLock } from '../provider.ts';
import { type Connected, connect } from './connect.ts';

/**
 * IAM has no locks. Two runs at once do no harm: every call is idempotent, or refused by IAM and then looked into; and runs that
 * change servers as well stand in line at their locks. What a run holds is its clients: one set for all of its transactions.
 */
export const lock = async (declared: Declared, { signal, timeouts }: LockOptions): Promise<RunLock> => {
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
};

const openers = new WeakMap<RunLock, () => Promise<Connected>>();

/** The clients of a run, opened when they are first needed and closed with its lock. */
export const clientsOf = async (run: RunLock): Promise<Connected> => await openers.get(run)!();
