import type { LoggingFacts } from '../../model/alarm.ts';
import type { Target } from '../../model/declared.ts';
import type { Timeouts } from '../provider.ts';
import { connect, timeoutOptions } from './connect.ts';

/** Whether the log gets a line for each login that is refused: those are FATAL, and only a threshold of PANIC keeps them out. */
export const logging = async (target: Target, timeouts?: Timeouts): Promise<LoggingFacts> => {
  const { client, close } = await connect(target, {
    as: 'plan',
    database: target.maintenanceDatabase,
    applicationName: 'rolecall alarms',
    ...timeoutOptions(timeouts),
  });
  try {
    const { rows } = await client.query(THRESHOLD);
    const [{ setting = '' } = {}] = rows as { readonly setting?: string }[];
    return setting === 'panic'
      ? { logged: false, found: `log_min_messages = ${setting}`, wanted: 'log_min_messages = warning' }
      : { logged: true };
  } finally {
    await close();
  }
};

/** What a role or a database sets of its own counts for nobody who is not in yet. */
const THRESHOLD = `
SELECT CASE WHEN source IN ('user', 'database', 'database user') THEN boot_val ELSE setting END AS setting
  FROM pg_catalog.pg_settings WHERE name = 'log_min_messages'`;
