import { setTimeout as delay } from 'node:timers/promises';
import type { Finding } from '../../model/finding.ts';
import { messageOf } from '../network.ts';
import type { Connected } from './connect.ts';
import { errno, isLost } from './trouble.ts';

/** How long sessions get to end, and how often is looked. */
const ENDING = { attempts: 100, pauseMs: 50 } as const;
const NO_SUCH_SESSION = 1094;

type Ended = { readonly left: number; readonly findings: readonly Finding[] };

/** The sessions of a user, by number; null: the login sees its own alone. Names differ by case, which the list does not tell apart. */
export const sessionsOf = async ({ ask, id }: Connected, user: string): Promise<readonly number[] | null> => {
  const rows = await ask('SELECT ID, USER FROM information_schema.PROCESSLIST WHERE USER = ?', [user]);
  const found = rows.flatMap(([session, name]) => (name === user && Number(session) !== id ? [Number(session)] : []));
  return found.length > 0 || (await seesOthers(ask)) ? found : null;
};

/** This table needs the privilege PROCESS, by whatever role it is held. */
const seesOthers = async (ask: Connected['ask']): Promise<boolean> => {
  try {
    await ask('SELECT 1 FROM information_schema.INNODB_TRX LIMIT 1');
    return true;
  } catch (error) {
    if (errno(error) !== 1227) throw error;
    return false;
  }
};

/** Ends the sessions of a user, and looks until nobody is left. */
export const endSessions = async (connected: Connected, user: string): Promise<Ended> => {
  let sessions = (await sessionsOf(connected, user)) ?? [];
  for (let attempt = 1; sessions.length > 0 && attempt <= ENDING.attempts; attempt++) {
    for (const session of sessions) {
      try {
        await endSession(connected, session);
      } catch (error) {
        if (isLost(error) || errno(error) === 0) throw error;
        return { left: sessions.length, findings: [notEnded(user, sessions.length, messageOf(error))] };
      }
    }
    sessions = (await sessionsOf(connected, user)) ?? [];
    if (sessions.length > 0) await delay(ENDING.pauseMs);
  }
  const left = sessions.length;
  return { left, findings: left === 0 ? [] : [notEnded(user, left, 'they do not heed it yet')] };
};

/** Ends one session, with the procedure of RDS where there is one; that it is gone already is as good. */
export const endSession = async (connected: Connected, session: number): Promise<void> => {
  try {
    await connected.ask((await hasRdsKill(connected)) ? `CALL mysql.rds_kill(${session})` : `KILL ${session}`);
  } catch (error) {
    if (errno(error) !== NO_SUCH_SESSION) throw error;
  }
};

const hasRdsKill = async ({ ask }: Connected): Promise<boolean> =>
  (await ask("SELECT 1 FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = 'mysql' AND ROUTINE_NAME = 'rds_kill'")).length > 0;

const notEnded = (user: string, left: number, said: string): Finding => ({
  severity: 'error',
  code: 'lock/sessions',
  message: `${left === 1 ? 'a session' : `${left} sessions`} of '${user}' could not be ended: ${said}`,
  hint: `nobody can log in as '${user}' any more; have who holds CONNECTION_ADMIN (MariaDB: CONNECTION ADMIN) end them: KILL`,
});
