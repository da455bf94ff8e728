import { setTimeout as delay } from 'node:timers/promises';
import type { Finding } from '../../model/finding.ts';
import { codeOf } from '../network.ts';
import { ask } from './ask.ts';
import type { Connected } from './connect.ts';
import { ident } from './sql.ts';

/** How long sessions get to end, and how often is looked. */
export const ENDING = { attempts: 100, pauseMs: 50 } as const;

const SESSIONS = 'FROM pg_catalog.pg_stat_activity WHERE usesysid = $1 AND pid <> pg_catalog.pg_backend_pid()';

type Ended = { readonly left: number; readonly findings: readonly Finding[] };

/** Ends the sessions of a role, and looks until nobody is left. */
export const endSessions = async (connected: Connected, user: string, oid: string): Promise<Ended> => {
  const count = async (): Promise<number> =>
    Number((await ask(connected, `SELECT pg_catalog.count(*)::integer ${SESSIONS}`, [oid]))[0]![0]);
  let left = await count();
  for (let attempt = 1; left > 0 && attempt <= ENDING.attempts; attempt++) {
    try {
      await terminate(connected, user, oid);
    } catch (error) {
      if (codeOf(error) !== '42501') throw error;
      return { left, findings: [notEnded(user, left, (error as Error).message)] };
    }
    left = await count();
    if (left > 0) await delay(ENDING.pauseMs);
  }
  return { left, findings: left === 0 ? [] : [notEnded(user, left, 'they do not heed it yet')] };
};

/** Who has no pg_signal_backend ends sessions of a role that it is in: it becomes a member in a transaction that is rolled back. */
const terminate = async (connected: Connected, user: string, oid: string): Promise<void> => {
  const end = `SELECT pg_catalog.pg_terminate_backend(pid) ${SESSIONS}`;
  try {
    await ask(connected, end, [oid]);
  } catch (error) {
    if (codeOf(error) !== '42501') throw error;
    const [[version] = []] = await ask(connected, "SELECT pg_catalog.current_setting('server_version_num')::integer");
    try {
      await ask(connected, 'BEGIN');
      await ask(connected, `GRANT ${ident(user)} TO SESSION_USER${Number(version) >= 160000 ? ' WITH INHERIT TRUE' : ''}`);
      await ask(connected, end, [oid]);
    } catch {
      // What could not be borrowed is not why it is refused.
      throw error;
    } finally {
      await ask(connected, 'ROLLBACK').catch(() => []);
    }
  }
};

const notEnded = (user: string, left: number, said: string): Finding => ({
  severity: 'error',
  code: 'lock/sessions',
  message: `${left === 1 ? 'a session' : `${left} sessions`} of '${user}' could not be ended: ${said}`,
  hint: `nobody can log in as '${user}' any more; have a member of pg_signal_backend end them`,
});
