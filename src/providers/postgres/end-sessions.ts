import { codeOf } from '../network.ts';
import { type Ended, endAll } from '../sessions.ts';
import { ask } from './ask.ts';
import type { Connected } from './connect.ts';
import { ident } from './sql.ts';

const SESSIONS = 'FROM pg_catalog.pg_stat_activity WHERE usesysid = $1 AND pid <> pg_catalog.pg_backend_pid()';

/** Ends the sessions of a role, and looks until nobody is left. */
export const endSessions = async (connected: Connected, user: string, oid: string): Promise<Ended> =>
  await endAll({
    user,
    find: async () => await ask(connected, `SELECT pid ${SESSIONS}`, [oid]),
    end: async () => {
      try {
        await terminate(connected, user, oid);
        return null;
      } catch (error) {
        if (codeOf(error) !== '42501') throw error;
        return (error as Error).message;
      }
    },
    who: 'a member of pg_signal_backend end them',
  });

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
