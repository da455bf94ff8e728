import { messageOf } from '../network.ts';
import { type Ended, endAll } from '../sessions.ts';
import type { Connected } from './connect.ts';
import { errno, isLost } from './trouble.ts';

const NO_SUCH_SESSION = 1094;

/** The sessions of a user, by number; null: the login sees its own alone. Names differ by case, which the list does not tell apart. */
export const sessionsOf = async ({ ask, id }: Connected, user: string): Promise<readonly number[] | null> => {
  const rows = await ask('SELECT ID, USER FROM information_schema.PROCESSLIST WHERE USER = ?', [user]);
  const found = rows.flatMap(([session, name]) => (name === user && Number(session) !== id ? [Number(session)] : []));
  return found.length > 0 || (await seesOthers(ask)) ? found : null;
};

/** Whether the login sees the sessions of others: this table needs the privilege PROCESS too, by whatever role it is held. */
export const seesOthers = async (ask: Connected['ask']): Promise<boolean> => {
  try {
    await ask('SELECT 1 FROM information_schema.INNODB_TRX LIMIT 1');
    return true;
  } catch (error) {
    if (errno(error) !== 1227) throw error;
    return false;
  }
};

/** Ends the sessions of a user, and looks until nobody is left. */
export const endSessions = async (connected: Connected, user: string): Promise<Ended> =>
  await endAll({
    user,
    find: async () => (await sessionsOf(connected, user)) ?? [],
    end: async (sessions) => {
      for (const session of sessions) {
        const refused = await endSession(connected, session);
        if (refused !== null) return refused;
      }
      return null;
    },
    who: 'who holds CONNECTION_ADMIN (MariaDB: CONNECTION ADMIN) end them: KILL',
  });

/** Ends one session, with the procedure of RDS where there is one; that it is gone already is as good. Says why it may not. */
export const endSession = async (connected: Connected, session: number): Promise<string | null> => {
  try {
    await connected.ask((await hasRdsKill(connected)) ? `CALL mysql.rds_kill(${session})` : `KILL ${session}`);
    return null;
  } catch (error) {
    if (errno(error) === NO_SUCH_SESSION) return null;
    if (isLost(error) || errno(error) === 0) throw error;
    return messageOf(error);
  }
};

const hasRdsKill = async ({ ask }: Connected): Promise<boolean> =>
  (await ask("SELECT 1 FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = 'mysql' AND ROUTINE_NAME = 'rds_kill'")).length > 0;
