import { setTimeout as delay } from 'node:timers/promises';
import type { QueryConfig } from 'pg';
import { Failure, failure } from '../../model/finding.ts';
import type { Step } from '../../model/plan.ts';
import { PASSING } from '../failed.ts';
import type { Connected } from './connect.ts';

/** What is told when the transaction itself was committed. */
export const AFTER_COMMIT: ReadonlySet<string> = new Set(['apply/taken-back', 'apply/not-checked']);

const ATTEMPTS = 3;
const PAUSE_MS = 500;

/**
 * After a commit that puts logins under rds_iam: the login logs in once more while the session that committed is still there.
 * RDS decides who is under rds_iam, not the catalog; where it now refuses the login, that session takes the memberships back.
 */
export const canary = async (steps: readonly Step[], committed: Connected, logIn: () => Promise<Connected>): Promise<void> => {
  const undo = steps.flatMap((step) => step.undo ?? []);
  if (undo.length === 0) return;
  const refusal = await refused(logIn);
  if (refusal === null) return;
  for (const text of undo.reverse()) await committed.client.query({ text, query_timeout: committed.patienceMs } as QueryConfig);
  throw failure(
    'apply/taken-back',
    `after the commit the login was refused, and what put logins under rds_iam was taken back: ${refusal}`,
    {
      hint: 'passwords that were cleared with it are to be set anew; revoke the roles of these users from the login first',
    },
  );
};

/** What the server says when it refuses; trouble on the way to it is no refusal, and is tried again. */
const refused = async (logIn: () => Promise<Connected>): Promise<string | null> => {
  for (let attempt = 1; ; attempt++) {
    try {
      await (await logIn()).close();
      return null;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      if (!error.findings.some(({ code }) => PASSING.has(code))) return error.message;
      if (attempt === ATTEMPTS)
        throw failure(
          'apply/not-checked',
          `it is committed, but nobody could log in anew to see whether the login still may: ${error.message}`,
          {
            hint: 'log in once by hand, and run it again',
          },
        );
      await delay(PAUSE_MS * attempt);
    }
  }
};
